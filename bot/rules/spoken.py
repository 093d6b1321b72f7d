"""Red flags in a language beside English: its own phrases and cues for the rules of English.

One rule: in doubt it alarms. The frames are plainer than those of English (bot/rules/context.py):
what is denied, asked about in general, supposed in a question, or told as long past is no alarm.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass

from bot.rules import temperature
from bot.rules.folding import CLAUSE, COMMA, SENTENCE, Folded, fold
from bot.rules.models import FlagRule, SpokenRule, Thresholds
from bot.rules.phrases import Hit, PhraseBook
from bot.rules.spelling import Spelling
from bot.rules.temperature import Reading

CUES = (
    "negation", "not_negation", "over", "asked", "supposed", "not_supposed", "feared", "topic",
    "past_time", "past_verb", "present", "lately", "personal", "not_mine", "others", "statistics",
)  # fmt: skip
"""The cue lists that a file `red_flags_LANGUAGE.toml` must hold under [cues]."""

_ENGLISH = frozenset(
    "i the and is are my have has had of to in it with not he she was for do".split()
)
_REACH = 7
_LIST = 9
_BARE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a message says: rule ids that are said of somebody now, and those that are only named
    (denied, past, asked about). `spoken`: words of this language are in it; `mainly`: more of them
    than of English."""

    now: frozenset[str]
    named: frozenset[str]
    spoken: bool
    mainly: bool


class SpokenFlags:
    """The flags of one language, compiled. `texts` are by the ids of the rules of English;
    `english` knows the words of English: a phrase of those alone is not of this language."""

    def __init__(
        self,
        *,
        language: str,
        texts: Mapping[str, SpokenRule],
        rules_of_english: Iterable[FlagRule],
        book: PhraseBook,
        spelling: Spelling,
        stops: Container[str],
        lists: Container[str],
        figures: Mapping[str, int],
        measures: temperature.Words,
        own_words: frozenset[str],
        english: Spelling,
    ) -> None:
        self.language = language
        self.texts = texts
        self._rules = [rule for rule in rules_of_english if rule.id in texts]
        self._book = book
        self._spelling = spelling
        self._stops = stops
        self._lists = lists
        self._figures = {tuple(words.split()): value for words, value in figures.items()}
        self._measures = measures
        self._own_words = own_words
        self._english = english

    def read(
        self,
        tagged: tuple[Folded, Iterable[Hit]],
        *,
        earlier: Iterable[str],
        fever: float,
        low: Thresholds,
    ) -> Said:
        """Look for every flag in what `tagged` found. `earlier` are the messages before, for talk
        of temperature."""
        folded, found_here = tagged
        own = self._own_words.intersection(folded.words)
        hits: dict[str, list[Hit]] = {}
        for hit in found_here:
            if own or self._is_foreign(folded.words, hit):
                hits.setdefault(hit.tag, []).append(hit)
        frames = _Frames(folded, hits, self._stops, self._lists)
        found = {rule.id: self._states(rule, hits, frames) for rule in self._rules}
        if own or any(found.values()):
            of_heat = self._temperatures(folded, frames, earlier, fever, low)
            for rule in self._rules:
                if rule.temperature:
                    found[rule.id] |= of_heat
        now = frozenset(rule_id for rule_id, states in found.items() if "said" in states)
        rest = frozenset(rule_id for rule_id, states in found.items() if states) - now
        spoken = bool(now or rest) or len(own) >= 2
        english = sum(word in _ENGLISH for word in folded.words)
        mainly = spoken and sum(word in self._own_words for word in folded.words) >= english
        return Said(now=now, named=rest, spoken=spoken, mainly=mainly)

    def tagged(self, text: str) -> tuple[Folded, list[Hit]]:
        """The words of a message, and every phrase of this language in it."""
        folded = self._folded(text)
        return folded, self._book.find(folded)

    def _is_foreign(self, words: tuple[str, ...], hit: Hit) -> bool:
        """Does the phrase hold a word that is not English ("convulsion" is)?"""
        places = set(range(hit.start, hit.end)).difference(hit.loose)
        return any(
            words[at] in self._own_words or words[at] not in self._english.known for at in places
        )

    def _folded(self, text: str) -> Folded:
        return fold(text, self._correct, self._spelling)

    def _correct(self, word: str) -> str:
        """A slip of English stays one: "temperture" is not "temperatura"."""
        if word in self._spelling or self._english(word) == word:
            return self._spelling(word)
        return word

    def _states(self, rule: FlagRule, hits: Mapping[str, list[Hit]], frames: _Frames) -> set[str]:
        excused = hits.get(f"unless:{rule.id}", ())
        states = set()
        for hit in hits.get(f"flag:{rule.id}", ()):
            if any(e.start < hit.end and hit.start < e.end for e in excused):
                continue
            state = frames.state(
                hit.start,
                hit.end,
                hit.loose,
                past=rule.past,
                others=rule.others,
                grave=rule.level == "emergency",
            )
            if rule.strict and state != "denied" and not frames.of_statistics(hit.start):
                state = "said"
            if state == "over" and (rule.level == "emergency" or rule.lasting):
                state = "said"  # a seizure that has passed needs help now
            states.add(state)
        return states

    def _temperatures(
        self,
        folded: Folded,
        frames: _Frames,
        earlier: Iterable[str],
        fever: float,
        low: Thresholds,
    ) -> set[str]:
        read, places = self._with_figures(folded)
        before = list(earlier)
        words = self._measures
        found = temperature.readings(read, words, first_turn=not before)
        if not found and temperature.has_numbers(read):
            talk = any(w in words.temperature for text in before for w in self._folded(text).words)
            found = temperature.readings(read, words, spoken_of=True) if talk else ()
        return {_heat(each, places, frames, fever, low) for each in found} - {""}

    def _with_figures(self, folded: Folded) -> tuple[Folded, list[int]]:
        """The message with numbers in words as figures ("treinta y nueve" as "39"), and the place
        in the message of each of its words."""
        words: list[str] = []
        places: list[int] = []
        at = 0
        while at < len(folded.words):
            for length in (3, 1):
                value = self._figures.get(folded.words[at : at + length])
                if value is not None:
                    break
            else:
                value, length = None, 1
            words.append(folded.words[at] if value is None else str(value))
            places.append(at)
            at += length
        places.append(len(folded.words))
        breaks = tuple(folded.breaks[place] for place in places[:-1])
        return Folded(words=tuple(words), breaks=breaks), places


def _heat(
    reading: Reading, places: list[int], frames: _Frames, fever: float, low: Thresholds
) -> str:
    """Fever at the clinic's mark or above, or very cold: said, unless it is put as a bound or only
    asked about; a number below the mark says nothing."""
    hot = reading.celsius + 0.001 >= fever
    if not hot and reading.celsius >= low.very_low_celsius:
        return "general" if reading.celsius >= 37.0 else ""
    if reading.below:
        return "denied"
    start, end = places[reading.start], places[reading.end]
    state = frames.state(start, end, (), past=True, others=False)
    if state in ("general", "supposed") and not reading.exact:
        return state
    return "past" if state == "past" else "said"


class _Frames:
    """The cues of one message, and what they do to the flags in it."""

    def __init__(
        self,
        folded: Folded,
        hits: Mapping[str, list[Hit]],
        stops: Container[str],
        lists: Container[str],
    ) -> None:
        self._words, self._breaks, self._asked = folded.words, folded.breaks, folded.asked
        self._stops, self._lists = stops, lists
        self._cues = {name: hits.get(f"cue:{name}", []) for name in CUES}
        self._cues["personal"] = _outside(self._cues["personal"], self._cues["not_mine"])
        besides = [*self._cues["not_negation"], *self._cues["over"]]
        self._no = _outside(self._cues["negation"], besides)
        self._if = _outside(self._cues["supposed"], self._cues["not_supposed"])

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
        if self._reached(self._no, start) or any(hit.start in gap for hit in self._no):
            return "denied"
        if past and self._reached(self._cues["over"], start):
            return "over"
        if self._runs_to(self._cues["feared"], start):
            return "feared"
        first, last = self._sentence(start)
        own = self._within("personal", *self._clause(start, end))
        lately = self._within("lately", first, last)
        if self._question(0, len(self._words)) and not lately and self._runs_to(self._if, start):
            return "supposed"
        if past and not lately and self._long_ago(first, end, last):
            return "past"
        if own or lately:
            return "said"
        piece = self._stretch(start, end, COMMA)
        if self._asked_in(piece, start) or (
            not grave and self._listed_in(piece, first, start, end)
        ):
            return "general"
        if grave:
            first, last = piece
        about = self._within("topic", first, start) or self._within("statistics", first, last)
        if about or (not others and self._within("others", first, last)):
            return "general"
        return "said"

    def of_statistics(self, at: int) -> bool:
        """Is the sentence about causes or numbers in general?"""
        first, last = self._sentence(at)
        return self._within("statistics", first, last) and not self._within("personal", first, last)

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
        return self._within("asked", first, last)

    def _asked_in(self, piece: tuple[int, int], start: int) -> bool:
        """Is the piece between two commas a question? A mark alone is not enough: people put one
        after what they suffer from."""
        first, last = piece
        return self._question(first, start) or (last in self._asked and self._question(first, last))

    def _listed_in(self, piece: tuple[int, int], first: int, start: int, end: int) -> bool:
        """Is it an item of a list that is asked about ("¿qué causa fiebre, tos y diarrea?")?"""
        bare = (piece[1] - piece[0]) - (end - start) <= _BARE
        return bare and self._question(first, start)

    def _runs_to(self, cues: list[Hit], start: int) -> bool:
        """Does one of the cues stand before word `start`, with no break between?"""
        return any(
            hit.end <= start <= hit.end + _REACH and not any(self._breaks[hit.end : start + 1])
            for hit in cues
        )

    def _long_ago(self, first: int, end: int, last: int) -> bool:
        """Is a time long past named, and the verb before the flag one of the past?"""
        if not self._within("past_time", first, last):
            return False
        told = [hit.start for hit in self._cues["past_verb"] if first <= hit.start < end]
        return bool(told) and not self._within("present", max(told), end)

    def _reached(self, cues: list[Hit], start: int) -> bool:
        """Does one of the cues stand before word `start`, with nothing between that ends it?"""
        ends = {hit.end for hit in cues}
        for at in range(start, max(-1, start - _REACH - 1), -1):
            if at in ends:
                return True
            if at == 0 or self._breaks[at] >= CLAUSE:
                return False
            if self._breaks[at] == COMMA and not self._listed(at):
                return False
            if self._words[at - 1] in self._stops:
                return at - 1 in ends
        return False

    def _listed(self, comma: int) -> bool:
        """Is the comma one of a list that ends in "ni" or "o" ("no fever, cough or rash")?"""
        _, last = self._sentence(comma)
        rest = self._words[comma : min(last, comma + _LIST)]
        until = next((n for n, word in enumerate(rest) if word in self._lists), None)
        return until is not None and not self._within("personal", comma, comma + until)


def _outside(hits: list[Hit], others: list[Hit]) -> list[Hit]:
    return [h for h in hits if not any(o.start <= h.start and h.end <= o.end for o in others)]
