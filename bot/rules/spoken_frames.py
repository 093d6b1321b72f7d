"""The frames of a message in a language beside English: is what a phrase names said of somebody
now, or denied, over, feared, supposed, long past or only asked about?

One rule: in doubt it is said. A cue takes a sign away only where nothing but the words that lead
from the one to the other stands between them: "no tengo fiebre", not "no contesta nadie, fiebre".
The lists of those words, and all cues, are in the file of the language (red_flags_es.toml).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.rules.folding import CLAUSE, COMMA, SENTENCE, Folded
from bot.rules.phrases import Hit

CUES = (
    "negation", "not_negation", "over", "asked", "pleading", "supposed", "not_supposed", "feared",
    "topic", "past_time", "past_verb", "present", "lately", "personal", "not_mine", "others",
    "statistics", "told", "imagined", "story",
)  # fmt: skip
"""The cue lists that a file `red_flags_LANGUAGE.toml` must hold under [cues]."""

_REACH = 9
_LIST = 9
_BARE = 2
_SUPPOSED = 7
_STORY = 12
_DATED = 4
"""Words within which a time after a verb, or another person before it, belongs to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leading:
    """Words that lead from a cue to a sign: to one told with a verb of its own (`to_verb`: "no se
    le ha desmayado"), to a noun (`to_noun`). `verbs`: the finite verbs among the latter, of which
    one may stand there. `turns`: words that end a "no" all the same. `lists`: words that show a
    list ("ni", "o")."""

    to_verb: frozenset[str]
    to_noun: frozenset[str]
    verbs: frozenset[str]
    turns: frozenset[str]
    lists: frozenset[str]


class Frames:
    """The cues of one message, and what they do to the flags in it."""

    def __init__(
        self,
        folded: Folded,
        hits: Mapping[str, list[Hit]],
        leading: Leading,
    ) -> None:
        self._words, self._breaks, self._asked = folded.words, folded.breaks, folded.asked
        self._leading = leading
        self._cues = {name: hits.get(f"cue:{name}", []) for name in CUES}
        self._cues["personal"] = _outside(self._cues["personal"], self._cues["not_mine"])
        besides = [*self._cues["not_negation"], *self._cues["over"]]
        self._no = _outside(self._cues["negation"], besides)
        self._over = _outside(self._cues["over"], self._cues["not_negation"])
        self._if = _outside(self._cues["supposed"], self._cues["not_supposed"])
        self._cues["feared"] = _outside(self._cues["feared"], self._cues["not_supposed"])
        self._questions = _outside(self._cues["asked"], self._cues["pleading"])
        self._dated = {at for h in self._cues["past_time"] for at in range(h.start, h.end)}

    def state(
        self,
        start: int,
        end: int,
        loose: Iterable[int],
        *,
        past: bool,
        others: bool,
        grave: bool = False,
    ) -> str:
        """How words `start` to `end` are meant: said, denied, over, feared, supposed, past or
        general. `grave`: a comma ends a question ("what do I do, I cannot breathe")."""
        gap = set(loose)
        verb = self._verb(start, end)
        opens = start if verb is None else min(start, verb)
        lead = self._leading.to_noun if verb is None else self._leading.to_verb
        turns = self._leading.turns
        if self._leads(self._no, opens, lead, until=turns) or (
            # "No tomé ninguna pastilla" says "no" twice and means it once.
            any(hit.start in gap for hit in self._no)
            and not any(hit.start == start for hit in self._cues["negation"])
        ):
            return "denied"
        if past and self._leads(self._over, opens, lead, until=turns):
            return "over"
        if self._leads(self._cues["feared"], opens, lead):
            return "feared"
        first, last = self._sentence(start)
        if self._is_imagined(opens, end) and not self._within("lately", *self._clause(start, end)):
            return "supposed"
        if not others and self._of_a_story(opens):
            return "general"
        own = self._within("personal", *self._clause(start, end))
        lately = self._within("lately", first, last)
        if not lately and self._is_supposed(opens):
            return "supposed"
        if past and not lately and self._long_ago(first, opens, end, last, verb):
            return "past"
        if own or lately:
            return "said"
        piece = self._stretch(start, end, COMMA)
        if not others and self._of_others(opens, end, verb):
            return "general"
        if verb is not None:
            return "said"  # "who do I call he is having a fit" asks, and tells
        if self._asked_in(piece, start) or (
            not grave and self._listed_in(piece, first, start, end)
        ):
            return "general"
        if grave:
            first, last = piece
        about = self._leads(self._cues["topic"], start, self._leading.to_noun, listed=not grave)
        return "general" if about or self._within("statistics", first, last) else "said"

    def of_statistics(self, at: int) -> bool:
        """Is the sentence about causes or numbers in general?"""
        first, last = self._sentence(at)
        return self._within("statistics", first, last) and not self._within("personal", first, last)

    def _verb(self, start: int, end: int) -> int | None:
        """Where the finite verb of the sign begins, if the sign is told with one."""
        return min(
            (h.start for h in self._cues["told"] if h.start < end and start < h.end), default=None
        )

    def _within(self, name: str, first: int, last: int) -> bool:
        return any(first <= hit.start < last for hit in self._cues[name])

    def _sentence(self, at: int) -> tuple[int, int]:
        return self._stretch(at, at + 1, SENTENCE)

    def _clause(self, start: int, end: int) -> tuple[int, int]:
        return self._stretch(start, end, CLAUSE)

    def _stretch(self, start: int, end: int, strength: int) -> tuple[int, int]:
        while start and self._breaks[start] < strength:
            start -= 1
        while end < len(self._words) and self._breaks[end] < strength:
            end += 1
        return start, end

    def _question(self, first: int, last: int) -> bool:
        return any(first <= hit.start < last for hit in self._questions)

    def _asked_in(self, piece: tuple[int, int], start: int) -> bool:
        """Is the piece between two commas a question? A mark alone is not enough: people put one
        after what they suffer from."""
        first, last = piece
        return self._question(first, start) or (last in self._asked and self._question(first, last))

    def _listed_in(self, piece: tuple[int, int], first: int, start: int, end: int) -> bool:
        """Is it an item of a list that is asked about ("¿qué causa fiebre, tos y diarrea?")?"""
        bare = (piece[1] - piece[0]) - (end - start) <= _BARE
        return bare and self._question(first, start)

    def _is_supposed(self, start: int) -> bool:
        """Does an "if" stand before word `start`, in a message that asks, and neither a break nor
        a question between the two ("si no viene nadie a quién llamo, convulsiona")?"""
        if not self._within("asked", 0, len(self._words)):
            return False
        return any(
            self._near(hit.end, start, _SUPPOSED) and not self._within("asked", hit.end, start)
            for hit in self._if
        )

    def _is_imagined(self, start: int, end: int) -> bool:
        """Is it told as what might be some day ("si algún día", "suponiendo que", "miedo de
        que se desmaye")?"""
        return any(
            hit.start < end and (hit.end > start or self._near(hit.end, start, _SUPPOSED))
            for hit in self._cues["imagined"]
        )

    def _of_a_story(self, start: int) -> bool:
        """Does the sentence begin with what somebody read, saw or heard of others, and not go on
        to speak of the writer or theirs?"""
        return any(
            self._near(hit.end, start, _STORY)
            and not self._within("personal", hit.end, start)
            and self._leading.turns.isdisjoint(self._words[hit.end : start])
            for hit in self._cues["story"]
        )

    def _of_others(self, start: int, end: int, verb: int | None) -> bool:
        """Is it told of other people, an animal or a film, a few words before or after? After an
        "and" a verb has somebody else for its subject."""
        return any(
            (
                self._near(hit.end, start, _DATED)
                and (verb is None or self._leading.turns.isdisjoint(self._words[hit.end : start]))
            )
            or self._near(end, hit.start, _BARE)
            for hit in self._cues["others"]
        )

    def _long_ago(self, first: int, start: int, end: int, last: int, verb: int | None) -> bool:
        """Is a time long past named, and is the sign told in the past with it? A verb of its own
        must stand beside the time ("hace un año convulsionó"); a noun hangs on a verb of the past
        ("hace un año tuve fiebre", not "hace un mes tuve el trasplante y fiebre")."""
        if not self._within("past_time", first, last):
            return False
        told = self._cues["past_verb"]
        if verb is None:
            after = any(self._near(end, hit.start, _BARE) for hit in told)
            return after or self._leads(told, start, self._leading.to_noun, dated=True)
        if self._within("present", start, end) or not self._within("past_verb", start, end):
            return False
        times = self._cues["past_time"]
        return self._leads(times, start, self._leading.to_verb) or any(
            self._near(end, hit.start, _DATED) for hit in times
        )

    def _near(self, at: int, to: int, most: int) -> bool:
        """Are there at most so many words, and no break, from word `at` to word `to`?"""
        return at <= to <= at + most and not any(self._breaks[at : to + 1])

    def _leads(
        self,
        cues: list[Hit],
        start: int,
        lead: frozenset[str],
        *,
        until: frozenset[str] = frozenset(),
        dated: bool = False,
        listed: bool = True,
    ) -> bool:
        """Does one of the cues stand before word `start`, with nothing but words of `lead` between
        them, and none of `until`? `dated`: a time may stand there, too. `listed`: commas of a list
        as well."""
        ends = {hit.end for hit in cues}
        verbs = 0
        for at in range(start, max(-1, start - _REACH - 1), -1):
            if at in ends:
                return True
            if at == 0 or self._breaks[at] >= CLAUSE:
                return False
            if self._breaks[at] == COMMA and not (listed and self._listed(at)):
                return False
            word = self._words[at - 1]
            verbs += word in self._leading.verbs
            if verbs > 1 and not dated:
                return False
            if (word not in lead or word in until) and not (dated and at - 1 in self._dated):
                return False
        return False

    def _listed(self, comma: int) -> bool:
        """Is the comma one of a list that ends in "ni" or "o" ("no fever, cough or rash")?"""
        _, last = self._sentence(comma)
        rest = self._words[comma : min(last, comma + _LIST)]
        until = next((n for n, word in enumerate(rest) if word in self._leading.lists), None)
        return until is not None and not self._within("personal", comma, comma + until)


def _outside(hits: list[Hit], others: list[Hit]) -> list[Hit]:
    return [h for h in hits if not any(o.start <= h.start and h.end <= o.end for o in others)]
