"""Context: is what a phrase names said of someone now, or denied, past, supposed or only asked?

One rule: in doubt it is said of someone now. Only a cue that stands in the right place takes a flag
away, and every cue is a phrase in `words.toml` that can be read and changed there.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from itertools import pairwise
from typing import Literal

from bot.rules.clauses import SUBJECTS, Clauses
from bot.rules.folding import CLAUSE, COMMA, Folded
from bot.rules.phrases import Hit

State = Literal["said", "figure", "denied", "feared", "supposed", "past", "over", "general"]

_STOPS = frozenset("and but because so now except then plus with although though since".split())
_THINK = frozenset("think thought believe feel say says said guess imagine mean".split())
_PRESENT = frozenset("have has is am are having keep keeps feel feels got getting isnt".split())
_PAST = frozenset("had was were did went ended developed used got suffered experienced".split())
# "A rash on my arm" is mine; "would a fever delay my discharge" is not.
_PLACES = frozenset("on in from of around over at near behind under to inside across down".split())
_OF_A_PERSON = frozenset("i me my we us our".split())
_YOU = frozenset("you your he she his her they any there".split())
_NO = frozenset("no none nope negative nil nah".split())
# "No. My temp is 39": before a break these answer what was asked, and deny nothing.
_ANSWERS = frozenset("no nope nah".split())
_NEGATED = frozenset("cant couldnt unable wont isnt".split())
_AUXILIARY = frozenset("can could will would should may do does did is are am".split())
_GOING_ON = frozenset("am is are".split())
# "My kids settled down", "I want to get back to normal": what is over is not the sign.
_OF_SOMETHING_ELSE = frozenset(
    "if until want wants wanted hope hoping wish going will kids children platelets counts "
    "scan scans results gvhd".split()
)
# What is told as done, of a crisis.
_DONE = frozenset(
    "took tried attempted attempt overdose was were had did used harmed hurt drank cut "
    "swallowed jumped burnt burned wanted killed hanged thoughts".split()
)
_REACH, _NEAR = 7, 4


class Context:
    """The frames of one message: its clauses, and the cues that stand in them."""

    def __init__(self, folded: Folded, hits: Iterable[Hit]) -> None:
        self._clauses = clauses = Clauses(folded, hits)
        self._words = folded.words
        self._breaks = folded.breaks
        self._suppositions = [
            h
            for h in clauses.cues["supposed"]
            if not any(w.start <= h.start and h.end <= w.end for w in clauses.whether)
        ]
        self._ends = {name: {h.end for h in found} for name, found in clauses.cues.items()}
        self._habits = set(clauses.at["habit"])
        self._not_mine = set(clauses.at["not_mine"])
        self._suppositions_at = [h.start for h in self._suppositions]

    def asking(self, at: int) -> bool:
        """Is the clause of word `at` a question, or a part of one?"""
        return self._clauses.asking(at)

    def is_asked_of_you(self, at: int) -> bool:
        """Does word `at` stand in a sentence that asks the reader ("are you bleeding?")?"""
        first, last = self._clauses.sentence(at)
        return self._clauses.is_asked(at) and not _YOU.isdisjoint(self._words[first:last])

    def told_before_questions(self) -> list[tuple[int, int]]:
        """The stretches of words (half-open) that stand before a question which points back to
        what is told ("is that the gvhd"): each from the end of the one before."""
        found, first = [], 0
        for hit in self._clauses.cues["points_back"]:
            if hit.start > first:
                found.append((first, hit.start))
            first = max(first, hit.end)
        return found

    def plainly_said_later(self, end: int) -> bool:
        """`said_later`, in words that leave no doubt ("that is what is happening to me")."""
        return any(hit.start >= end for hit in self._clauses.cues["happening"])

    def long_over(self, start: int, end: int) -> bool:
        """Are words `start` to `end` told as done, years past, by somebody who says that all has
        been well since? Any word of its coming back, anywhere in the message, says no."""
        first, last = self._clauses.clause(start)
        return (
            not _DONE.isdisjoint(self._words[max(first, start - _NEAR) : end])
            and bool(self._clauses.cues["well_since"])
            and not self._clauses.cues["coming_back"]
            and bool(self._clauses.within("long_past", first, last))
        )

    def said_later(self, end: int) -> bool:
        """Does the message go on to say that somebody has what it asked about ("I have it now")?"""
        return any(hit.start >= end for hit in self._clauses.cues["have_it"])

    def of_statistics(self, start: int) -> bool:
        """Is the clause about numbers or causes in general?"""
        first, last = self._clauses.clause(start)
        return bool(self._clauses.within("statistics", first, last))

    def _own(self, start: int, end: int) -> bool:
        """Is it going on now, or is there a "my" or "this" beside the words?"""
        first, last = self._clauses.clause(start)
        if self._clauses.within("lately", first, last):
            return True
        return any(
            hit.start not in self._not_mine
            and self._not_supposed(hit.start)
            and not self._asked_of(hit.start, start)
            and (hit.start < end or self._words[hit.start - 1] in _PLACES)
            for hit in self._clauses.within("owned", max(first, start - 3), min(last, end + 3))
        )

    def _asked_of(self, owner: int, start: int) -> bool:
        """Is it "my" of a person who is asked about ("will my brother bleed"), not of a sign ("will
        my brother's rash go")?"""
        return owner + 1 < start and any(
            hit.start == owner + 1 and not self._clauses.is_subject(hit.start)
            for hit in self._clauses.within("someone", owner + 1, owner + 2)
        )

    def personal(self, start: int, end: int) -> bool:
        """Does the clause speak of the writer, someone of theirs, or what is going on now?"""
        if self._own(start, end):
            return True
        first, last = self._clauses.clause(start)
        return bool(self._clauses.within("personal", first, last)) or any(
            hit.start not in self._not_mine and self._clauses.is_subject(hit.start)
            for hit in self._clauses.within("someone", first, min(last, end))
        )

    def _not_supposed(self, at: int) -> bool:
        return at == 0 or self._words[at - 1] not in ("if", "when", "unless", "whenever")

    def state_of(
        self, hit: Hit, *, topics: bool = True, past: bool = True, others: bool = False
    ) -> State:
        """How a phrase that was found is meant. A "not", "worried about" or "if" among the words
        that its gaps let pass counts as well ("my eyes are not yellow")."""
        if hit.loose and not self._figure(hit.start, hit.end):
            gap = set(hit.loose)
            if any(n.start in gap for n in self._clauses.cues["negation"]):
                return "denied"
            if any(n.start in gap or n.end - 1 in gap for n in self._clauses.cues["feared"]):
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
        if self._figure(start, end):
            return "figure"
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
        first, last = self._clauses.clause(start)
        if (not others and self._clauses.within("others", first, last)) or (
            topics and self._clauses.within("topic", first, last)
        ):
            return "said" if self.personal(start, end) else "general"
        return "said"

    def _figure(self, start: int, end: int) -> bool:
        """Is it a manner of speaking, or told of an animal, a machine or somebody in a film?"""
        if any(h.start < end and start < h.end for h in self._clauses.cues["idiom"]):
            return True
        first, _ = self._clauses.sentence(start)
        if any(
            h.start < start <= h.end and self._opens(h.start) and not self._breaks[start]
            for h in self._clauses.cues["machine"]
        ):
            return True
        return any(
            first <= h.start < start <= h.end + _REACH - 1
            and not self._somebody_between(h.end, start)
            for name in ("animal", "story")
            for h in self._clauses.cues[name]
        )

    def _opens(self, at: int) -> bool:
        """Does a clause begin at this word? "Driving the car had a seizure" is said of a driver."""
        return at == 0 or self._breaks[at] > 0 or self._words[at - 1] in _STOPS

    def _somebody_between(self, end: int, start: int) -> bool:
        """Does the talk turn to a person ("the cat is fine but mum is ...")? He and she count as
        one: in doubt it is no animal."""
        words = self._words[end:start]
        if not _OF_A_PERSON.isdisjoint(words) or self._clauses.within("someone", end, start):
            return True
        return any(a in _STOPS and b in SUBJECTS for a, b in pairwise(words))

    def _denied(self, start: int, end: int) -> bool:
        words, breaks = self._words, self._breaks
        # "Zero energy, can't breathe": what is told as a "not" itself is not denied by another.
        if words[start] not in _NEGATED and self._reaches("negation", start, others=True):
            return True
        after = end + 1
        return end < len(words) and words[end] in _NO and (after == len(words) or breaks[after] > 0)

    def _reaches(self, name: str, start: int, *, lists: bool = False, others: bool = False) -> bool:
        """Does a cue of that name stand before word `start`, with nothing between that ends it?
        `lists`: "and" carries it on (watch for fever and chills). `others`: somebody else who is
        named ends it, and what else is not done ("haven't slept, chest pain", "isn't answering,
        mum has collapsed")."""
        ends = self._ends[name]
        if not ends:
            return False
        words, breaks = self._words, self._breaks
        turns = self._elsewhere(start) if others else frozenset()
        for at in range(start, max(-1, start - _REACH - 1), -1):
            if at in ends:
                return not (breaks[at] and words[at - 1] in _ANSWERS)
            if at == 0 or breaks[at] >= CLAUSE:
                return False
            if breaks[at] == COMMA and not self._listed(at, start, "and" if lists else "nor"):
                return False
            before = at - 1 in ends and not breaks[at - 1]
            if at in turns:  # "nor my husband", "none of the kids" deny of them
                return before
            word = words[at - 1]
            if word in _STOPS and not (lists and word == "and"):
                return False
            if word in SUBJECTS and not (at >= 2 and words[at - 2] in _THINK):
                return before
        return False

    def _elsewhere(self, start: int) -> frozenset[int]:
        """Where, shortly before word `start`, a "not" ends that is about something else."""
        first = max(0, start - _REACH)
        named = {
            hit.start
            for hit in self._clauses.within("someone", first, start)
            if self._clauses.is_subject(hit.start)
            and _THINK.isdisjoint(self._words[max(0, hit.start - 2) : hit.start])
        }
        return frozenset(named | {h.end for h in self._clauses.within("not_done", first, start)})

    def _listed(self, comma: int, start: int, join: str) -> bool:
        """Is the comma one of a list that ends in "or" (no fever, chills or rash), or `join`?"""
        _, last = self._clauses.sentence(start)
        words = self._words[comma:last]
        until = next((i for i, word in enumerate(words) if word in ("or", join)), 99)
        return until <= 8 and not any(
            w in SUBJECTS or w in _PRESENT or w in _STOPS or w[0].isdigit() for w in words[:until]
        )

    def _supposed(self, start: int, end: int) -> bool:
        first, _ = self._clauses.sentence(start)
        at = self._suppositions_at
        for hit in reversed(self._suppositions[bisect_left(at, first) : bisect_left(at, start)]):
            if hit.start in self._habits and not self.asking(hit.start):
                continue
            starts = self._clauses.starts
            between = starts[bisect_left(starts, hit.end) : bisect_right(starts, start)]
            if any(self._clauses.person_from(clause) for clause in between):
                return False
            if between and self._asks_when(hit.end):
                return False  # "when can we visit, and why is dad's mouth sideways"
            # "If I started shivering": the verb is supposed as well, not a time of late.
            begun = {h.end - 1 for h in self._clauses.within("begins", hit.start, start)}
            return all(
                h.start in begun
                for h in self._clauses.within("lately", hit.end, self._clauses.clause(start)[1])
            )
        return False

    def _asks_when(self, end: int) -> bool:
        """Is the word before `end` a "when" that asks for a time ("when can we")?"""
        words = self._words
        return words[end - 1] == "when" and end < len(words) and words[end] in _AUXILIARY

    def _supposes(self, at: int) -> bool:
        return any(hit.start == at for hit in self._suppositions)

    def _long_ago(self, start: int, end: int) -> bool:
        first, last = self._clauses.clause(start)
        if self._clauses.within("lately", first, last):
            return False
        before, after = self._clauses.sentence(start)
        ages = self._clauses.within("long_past", before, after)
        if ages:
            own = any(first <= hit.start < last for hit in ages)
            return own or _GOING_ON.isdisjoint(self._words[first:end])
        cues = self._clauses.within("past", first, last)
        if not cues:
            cues = self._clauses.within("past", before, after)
            # A time in a neighbouring clause dates only what is told in the past there, too.
            if not cues or not any(w in _PAST for w in self._words[first:end]):
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
        _, last = self._clauses.sentence(start)
        reach = min(last + 8, end + 14, len(self._words))
        for hit in self._clauses.within("over", end, reach):
            if not self._denied(hit.start, hit.end):
                between = self._words[end : hit.start]
                after = self._words[hit.end : hit.end + 4]
                if not any(w in ("but", "again", "back") for w in after):
                    return _OF_SOMETHING_ELSE.isdisjoint(between)
        return False
