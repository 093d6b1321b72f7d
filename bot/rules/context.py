"""Context: is what a phrase names said of someone now, or denied, past, supposed or only asked?

One rule: in doubt it is said of someone now. Only a cue that stands in the right place takes a flag
away, and every cue is a phrase in `words.toml` that can be read and changed there.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from typing import Literal

from bot.rules.folding import CLAUSE, COMMA, SENTENCE, Folded
from bot.rules.phrases import Hit

State = Literal["said", "denied", "feared", "supposed", "past", "over", "general"]

CUES = (
    "negation", "not_negation", "feared", "mentioned", "supposed", "whether", "unsure", "past",
    "lately", "over", "question", "asks", "topic", "others", "turn", "personal", "not_mine",
    "habit", "filler", "someone", "owned", "after_question", "unwell", "statistics", "have_it",
    "not_topic", "begins",
)  # fmt: skip
"""The cue lists that `words.toml` must hold under [cues]."""

_SUBJECTS = frozenset("i he she we they".split())
_STOPS = frozenset("and but because so now except then plus with although though since".split())
_THINK = frozenset("think thought believe feel say says said guess imagine mean".split())
_INVERTS = frozenset(
    "should can could will would may might must do does did shall if when whenever unless until "
    "once cant shouldnt couldnt wouldnt".split()
)
# "Will my brother bleed" supposes; "could my brother be bleeding" fears that he does.
_AHEAD = frozenset("will would should shall can do does did".split())
_PRESENT = frozenset("have has is am are having keep keeps feel feels got getting isnt".split())
_PAST = frozenset("had was were did went ended developed used got suffered experienced".split())
_JOINS = frozenset("and so because then plus while now".split())
_JOINED = _SUBJECTS | frozenset("my his her our it there im the today tonight".split())
_VERBS = frozenset("is are was were has does did can could will would may might".split())
_CLIPPED = frozenset("has am was were may might is are have".split())
_CLIPPED_BY = frozenset(
    "be been being having very so really not got had getting burning shaking running gasping "
    "vomiting bleeding coughing throwing struggling feeling".split()
)
_CAN_BUT = frozenset("barely hardly only just scarcely feel hear see taste smell not".split())
_GENERAL = frozenset(
    "common normal usual dangerous serious typical sign bad ok okay safe contagious infectious "
    "caused related expected part allowed painful".split()
)
# "A rash on my arm" is mine; "would a fever delay my discharge" is not.
_PLACES = frozenset("on in from of around over at near behind under to inside across down".split())
_NO = frozenset("no none nope negative nil nah".split())
_OWNERS = frozenset("my our his her the".split())
_REACH = 7


class Context:
    """The frames of one message: its clauses, and the cues that stand in them."""

    def __init__(self, folded: Folded, hits: Iterable[Hit]) -> None:
        self._folded = folded
        self._words = folded.words
        self._cues: dict[str, list[Hit]] = {name: [] for name in CUES}
        for hit in hits:
            if hit.tag.startswith("cue:"):
                self._cues[hit.tag[4:]].append(hit)
        self._negations = self._without("negation", "not_negation")
        whether = [h for name in ("whether", "unsure") for h in self._cues[name]]
        self._whether = whether
        self._suppositions = [
            h
            for h in self._cues["supposed"]
            if not any(w.start <= h.start and h.end <= w.end for w in whether)
        ]
        self._cues["topic"] = self._without("topic", "not_topic")
        self._at = {name: [h.start for h in found] for name, found in self._cues.items()}
        self._ends = {name: {h.end for h in found} for name, found in self._cues.items()} | {
            "negation": {h.end for h in self._negations}
        }
        self._starts = self._clause_starts()
        self._sentences = [0] + [i for i, b in enumerate(folded.breaks) if i and b >= SENTENCE]
        self._habits = set(self._at["habit"])
        self._not_mine = set(self._at["not_mine"])
        self._suppositions_at = [h.start for h in self._suppositions]
        self._asking = self._frames()

    def _without(self, name: str, against: str) -> list[Hit]:
        blocked = self._cues[against]
        return [
            h
            for h in self._cues[name]
            if not any(b.start <= h.start and h.end <= b.end for b in blocked)
        ]

    def _clause_starts(self) -> list[int]:
        words, breaks = self._words, self._folded.breaks
        starts = {0} | {i for i, b in enumerate(breaks) if b}
        starts |= {h.start for h in self._cues["turn"]}
        starts |= {h.end - 1 for h in self._cues["asks"]}
        starts |= {h.end for h in self._cues["after_question"] if h.end < len(words)}
        for i in range(1, len(words) - 1):
            if words[i] in _JOINS and words[i + 1] in _JOINED:
                starts.add(i)
        return sorted(starts)

    def _within(self, name: str, first: int, last: int) -> list[Hit]:
        """The cues of that name that begin in words `first` to `last` (half-open)."""
        at = self._at[name]
        return self._cues[name][bisect_left(at, first) : bisect_left(at, last)]

    def clause(self, at: int) -> tuple[int, int]:
        """The clause that word `at` stands in: half-open."""
        return self._piece(self._starts, at)

    def sentence(self, at: int) -> tuple[int, int]:
        return self._piece(self._sentences, at)

    def _piece(self, starts: list[int], at: int) -> tuple[int, int]:
        number = bisect_right(starts, at)
        last = starts[number] if number < len(starts) else len(self._words)
        return starts[number - 1], last

    def _frames(self) -> dict[int, bool]:
        """For each clause start: is the clause (part of) a question or a topic asked about?"""
        # "When I cough, ..." opens what is told; with a question mark it may be a question.
        told = {h.start for h in self._cues["habit"] if not self._is_asked(h.start)}
        openers = {h.start for h in self._cues["question"]} - told
        fillers = {h.start: h.end for h in self._cues["filler"]}
        embedded = {h.end - 1 for h in self._cues["asks"]}
        said = {h.start for name in ("someone", "personal") for h in self._cues[name]}
        frames: dict[int, bool] = {}
        asking = False
        for number, start in enumerate(self._starts):
            if start >= len(self._words):
                break
            if self._folded.breaks[start] >= SENTENCE:
                asking = False
            end = self._starts[number + 1] if number + 1 < len(self._starts) else len(self._words)
            at = start
            while at < end and (at in fillers or self._words[at] in _JOINS):
                at = max(fillers.get(at, at + 1), at + 1)
            if (at in openers and not self._goes_on(at)) or start in embedded:
                asking = True
            elif any(i in said and self._subject(i) for i in range(at, min(at + 3, end))) or any(
                h.start == start for h in self._cues["turn"]
            ):
                asking = False
            frames[start] = asking
        return frames

    def _goes_on(self, at: int) -> bool:
        """Is the verb no question: it goes on after a remark ("My husband, 52, is confused") or has
        lost its subject ("might be running a temperature")?"""
        words, breaks = self._words, self._folded.breaks
        follows = words[at + 1] if at + 1 < len(words) else ""
        if words[at] == "can" and follows in _CAN_BUT and not self._is_asked(at):
            return True
        if words[at] in _CLIPPED and follows in _CLIPPED_BY and not self._is_asked(at):
            return _GENERAL.isdisjoint(words[at : self.sentence(at)[1]])
        if words[at] not in _VERBS or breaks[at] != COMMA:
            return False
        if follows in _JOINED or follows in ("you", "they", "this", "that", "a"):
            return False
        return bool(self._within("someone", self.sentence(at)[0], at))

    def _is_asked(self, at: int) -> bool:
        return self.sentence(at)[1] in self._folded.asked

    def said_later(self, end: int) -> bool:
        """Does the message go on to say that somebody has what it asked about ("I have it now")?"""
        return any(hit.start >= end for hit in self._cues["have_it"])

    def of_statistics(self, start: int) -> bool:
        """Is the clause about numbers or causes in general?"""
        first, last = self.clause(start)
        return bool(self._within("statistics", first, last))

    def asking(self, at: int) -> bool:
        """Is the clause of word `at` a question, or a part of one?"""
        return self._asking.get(self.clause(at)[0], False)

    def _subject(self, at: int) -> bool:
        """Is the person at word `at` said to be or have something (not "should I", "if she")?"""
        if at > 1 and self._words[at - 1] in _OWNERS and self._words[at - 2] in _AHEAD:
            return False
        if at == 0 or self._folded.breaks[at] or self._words[at - 1] not in _INVERTS:
            return True
        return any(w.end in (at, at + 1) or w.start < at < w.end for w in self._whether)

    def _own(self, start: int, end: int) -> bool:
        """Is it going on now, or is there a "my" or "this" beside the words?"""
        first, last = self.clause(start)
        if self._within("lately", first, last):
            return True
        return any(
            hit.start not in self._not_mine
            and self._not_supposed(hit.start)
            and not self._asked_of(hit.start, start)
            and (hit.start < end or self._words[hit.start - 1] in _PLACES)
            for hit in self._within("owned", max(first, start - 3), min(last, end + 3))
        )

    def _asked_of(self, owner: int, start: int) -> bool:
        """Is it "my" of a person who is asked about ("will my brother bleed"), not of a sign ("will
        my brother's rash go")?"""
        return owner + 1 < start and any(
            hit.start == owner + 1 and not self._subject(hit.start)
            for hit in self._within("someone", owner + 1, owner + 2)
        )

    def personal(self, start: int, end: int) -> bool:
        """Does the clause speak of the writer, someone of theirs, or what is going on now?"""
        if self._own(start, end):
            return True
        first, last = self.clause(start)
        return bool(self._within("personal", first, last)) or any(
            hit.start not in self._not_mine and self._subject(hit.start)
            for hit in self._within("someone", first, min(last, end))
        )

    def _not_supposed(self, at: int) -> bool:
        return at == 0 or self._words[at - 1] not in ("if", "when", "unless", "whenever")

    def state_of(
        self, hit: Hit, *, topics: bool = True, past: bool = True, others: bool = False
    ) -> State:
        """How a phrase that was found is meant. A "not", "worried about" or "if" among the words
        that its gaps let pass counts as well ("my eyes are not yellow")."""
        if hit.loose:
            gap = set(hit.loose)
            if any(n.start in gap for n in self._negations):
                return "denied"
            if any(n.start in gap or n.end - 1 in gap for n in self._cues["feared"]):
                return "feared"
            if any(self._words[at] == "if" and self._supposes(at) for at in gap):
                return "supposed"
        return self.state(hit.start, hit.end, topics=topics, past=past, others=others)

    def state(
        self, start: int, end: int, *, topics: bool = True, past: bool = True, others: bool = False
    ) -> State:
        """How words `start` to `end` are meant. `topics`: bare keywords ("rash after transplant")
        are a topic, not a complaint. `past`: what is long over is no alarm. `others`: what other
        people have counts as well."""
        if self._denied(start, end):
            return "denied"
        if self._reaches("feared", start, lists=True):
            return "feared"
        if self._reaches("mentioned", start, lists=True) and not self._own(start, end):
            return "general"
        if self._supposed(start, end):
            return "supposed"
        if past and self._long_ago(start, end):
            return "past"
        if past and self._is_over(start, end):
            return "over"
        if self.asking(start):
            return "said" if self.personal(start, end) else "general"
        first, last = self.clause(start)
        if (not others and self._within("others", first, last)) or (
            topics and self._within("topic", first, last)
        ):
            return "said" if self.personal(start, end) else "general"
        return "said"

    def _denied(self, start: int, end: int) -> bool:
        if self._reaches("negation", start):
            return True
        words, breaks = self._words, self._folded.breaks
        after = end + 1
        return end < len(words) and words[end] in _NO and (after == len(words) or breaks[after] > 0)

    def _reaches(self, name: str, start: int, *, lists: bool = False) -> bool:
        """Does a cue of that name stand before word `start`, with nothing between that ends it?
        `lists`: "and" carries it on (watch for fever and chills)."""
        ends = self._ends[name]
        if not ends:
            return False
        words, breaks = self._words, self._folded.breaks
        for at in range(start, max(-1, start - _REACH - 1), -1):
            if at in ends:
                return True
            if at == 0 or breaks[at] >= CLAUSE:
                return False
            if breaks[at] == COMMA and not self._listed(at, start, "and" if lists else "nor"):
                return False
            word = words[at - 1]
            if word in _STOPS and not (lists and word == "and"):
                return False
            if word in _SUBJECTS and not (at >= 2 and words[at - 2] in _THINK):
                return at - 1 in ends
        return False

    def _listed(self, comma: int, start: int, join: str) -> bool:
        """Is the comma one of a list that ends in "or" (no fever, chills or rash), or `join`?"""
        _, last = self.sentence(start)
        words = self._words[comma:last]
        until = next((i for i, word in enumerate(words) if word in ("or", join)), 99)
        return until <= 8 and not any(
            w in _SUBJECTS or w in _PRESENT or w in _STOPS or w[0].isdigit() for w in words[:until]
        )

    def _supposed(self, start: int, end: int) -> bool:
        first, _ = self.sentence(start)
        at = self._suppositions_at
        for hit in reversed(self._suppositions[bisect_left(at, first) : bisect_left(at, start)]):
            if hit.start in self._habits and not self.asking(hit.start):
                continue
            between = self._starts[
                bisect_left(self._starts, hit.end) : bisect_right(self._starts, start)
            ]
            if any(self._person_from(clause) for clause in between):
                return False
            # "If I started shivering": the verb is supposed as well, not a time of late.
            begun = {h.end - 1 for h in self._within("begins", hit.start, start)}
            return all(
                h.start in begun for h in self._within("lately", hit.end, self.clause(start)[1])
            )
        return False

    def _supposes(self, at: int) -> bool:
        return any(hit.start == at for hit in self._suppositions)

    def _person_from(self, start: int) -> bool:
        """Does the clause at `start` begin with a person or a turn ("but", "and now")?"""
        if self._within("turn", start, start + 1):
            return True
        at = start + (self._words[start] in _JOINS if start < len(self._words) else 0)
        return any(
            self._within(name, at, at + 1) and self._subject(at) for name in ("someone", "owned")
        )

    def _long_ago(self, start: int, end: int) -> bool:
        first, last = self.clause(start)
        cues = self._within("past", first, last)
        if not cues:
            before, after = self.sentence(start)
            cues = self._within("past", before, after)
            # A time in a neighbouring clause dates only what is told in the past there, too.
            if not cues or not any(w in _PAST for w in self._words[first:end]):
                return False
        if self._within("lately", first, last):
            return False
        for at in range(end - 1, first - 1, -1):
            if any(h.start <= at < h.end for h in cues):
                return True
            if self._words[at] in _PAST and self._words[at] != "got":
                return True
            if self._words[at] in _PRESENT and at < start:
                return False
        return True

    def _is_over(self, start: int, end: int) -> bool:
        _, last = self.sentence(start)
        reach = min(last + 8, end + 14, len(self._words))
        for hit in self._within("over", end, reach):
            if not self._denied(hit.start, hit.end):
                between = self._words[end : hit.start]
                after = self._words[hit.end : hit.end + 4]
                if not any(w in ("but", "again", "back") for w in after):
                    return "if" not in between and "until" not in between
        return False
