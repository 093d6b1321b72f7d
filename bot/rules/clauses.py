"""Clauses: where the pieces of a message begin, which are asked, and who is spoken of in them.

One rule: only a question that opens as one, or hangs on "do you know", makes a clause asked; a
person or a turn ("but", "and now") ends it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from bot.rules.folding import COMMA, SENTENCE, Folded
from bot.rules.phrases import Hit

CUES = (
    "negation", "not_negation", "feared", "mentioned", "supposed", "whether", "unsure", "past",
    "lately", "over", "question", "asks", "topic", "others", "turn", "personal", "not_mine",
    "habit", "filler", "someone", "owned", "after_question", "unwell", "statistics", "have_it",
    "not_topic", "begins", "idiom", "animal", "story", "machine", "long_past", "not_long_past",
    "not_supposed", "treated", "yes", "not_done", "points_back", "happening", "well_since",
    "coming_back", "not_coming_back", "fears_death", "not_others",
)  # fmt: skip
"""The cue lists that `words.toml` must hold under [cues]."""

SUBJECTS = frozenset("i he she we they".split())
_INVERTS = frozenset(
    "should can could will would may might must do does did shall if when whenever unless until "
    "once cant shouldnt couldnt wouldnt".split()
)
# "Will my brother bleed" supposes; "could my brother be bleeding" fears that he does.
_AHEAD = frozenset("will would should shall can do does did".split())
_JOINS = frozenset("and so because then plus while now".split())
_JOINED = SUBJECTS | frozenset("my his her our it there the today tonight".split())
_VERBS = frozenset("is are was were has does did can could will would may might".split())
_CLIPPED = frozenset("has am was were may might is are have".split())
_CLIPPED_BEFORE_ING = ("am", "was", "were")
_CLIPPED_BY = frozenset(
    "be been being having very so really not got had getting burning shaking running gasping "
    "vomiting bleeding coughing throwing struggling feeling".split()
)
_CAN_BUT = frozenset("barely hardly only just scarcely feel hear see taste smell not".split())
_GENERAL = frozenset(
    "common normal usual dangerous serious typical sign bad ok okay safe contagious infectious "
    "caused related expected part allowed painful".split()
)
_OWNERS = frozenset("my our his her the".split())


class Clauses:
    """The clauses of one message, and the cues of each name that stand in it, in order. `at` holds
    where the cues of a name begin."""

    def __init__(self, folded: Folded, hits: Iterable[Hit]) -> None:
        self.folded = folded
        self.words = folded.words
        self.cues: dict[str, list[Hit]] = {name: [] for name in CUES}
        for hit in hits:
            if hit.tag.startswith("cue:"):
                self.cues[hit.tag[4:]].append(hit)
        for name in ("negation", "supposed", "topic", "long_past", "coming_back", "others"):
            self.cues[name] = self._without(name, f"not_{name}")
        self.whether = [h for name in ("whether", "unsure") for h in self.cues[name]]
        self.at = {name: [h.start for h in found] for name, found in self.cues.items()}
        self.starts = self._clause_starts()
        self._sentences = folded.sentence_starts()
        self._asking = self._frames()

    def _without(self, name: str, against: str) -> list[Hit]:
        blocked = self.cues[against]
        return [
            h
            for h in self.cues[name]
            if not any(b.start <= h.start and h.end <= b.end for b in blocked)
        ]

    def _clause_starts(self) -> list[int]:
        words, breaks = self.words, self.folded.breaks
        starts = {0} | {i for i, b in enumerate(breaks) if b}
        starts |= {h.start for h in self.cues["turn"]}
        starts |= {h.end - 1 for h in self.cues["asks"]}
        starts |= {h.end for h in self.cues["after_question"] if h.end < len(words)}
        for i in range(1, len(words) - 1):
            if words[i] in _JOINS and words[i + 1] in _JOINED:
                starts.add(i)
        return sorted(starts)

    def within(self, name: str, first: int, last: int) -> list[Hit]:
        """The cues of that name that begin in words `first` to `last` (half-open)."""
        at = self.at[name]
        return self.cues[name][bisect_left(at, first) : bisect_left(at, last)]

    def clause(self, at: int) -> tuple[int, int]:
        """The clause that word `at` stands in: half-open."""
        return self._piece(self.starts, at)

    def sentence(self, at: int) -> tuple[int, int]:
        return self._piece(self._sentences, at)

    def _piece(self, starts: list[int], at: int) -> tuple[int, int]:
        number = bisect_right(starts, at)
        last = starts[number] if number < len(starts) else len(self.words)
        return starts[number - 1], last

    def _frames(self) -> dict[int, bool]:
        """For each clause start: is the clause (part of) a question or a topic asked about?"""
        # "When I cough, ..." opens what is told; with a question mark it may be a question.
        told = {h.start for h in self.cues["habit"] if not self.is_asked(h.start)}
        openers = {h.start for h in self.cues["question"]} - told
        fillers = {h.start: h.end for h in self.cues["filler"]}
        embedded = {h.end - 1 for h in self.cues["asks"]}
        said = {h.start for name in ("someone", "personal") for h in self.cues[name]}
        frames: dict[int, bool] = {}
        asking = False
        for number, start in enumerate(self.starts):
            if start >= len(self.words):
                break
            if self.folded.breaks[start] >= SENTENCE:
                asking = False
            end = self.starts[number + 1] if number + 1 < len(self.starts) else len(self.words)
            at = start
            while at < end and (at in fillers or self.words[at] in _JOINS):
                at = max(fillers.get(at, at + 1), at + 1)
            if (at in openers and not self._goes_on(at)) or start in embedded:
                asking = True
            elif any(i in said and self.is_subject(i) for i in range(at, min(at + 3, end))) or any(
                h.start == start for h in self.cues["turn"]
            ):
                asking = False
            frames[start] = asking
        return frames

    def _goes_on(self, at: int) -> bool:
        """Is the verb no question: it goes on after a remark ("My husband, 52, is confused") or has
        lost its subject ("might be running a temperature")?"""
        words, breaks = self.words, self.folded.breaks
        follows = words[at + 1] if at + 1 < len(words) else ""
        if words[at] == "can" and follows in _CAN_BUT and not self.is_asked(at):
            return True
        clipped = follows in _CLIPPED_BY or (
            words[at] in _CLIPPED_BEFORE_ING and follows.endswith("ing")
        )
        if words[at] in _CLIPPED and clipped and not self.is_asked(at):
            return _GENERAL.isdisjoint(words[at : self.sentence(at)[1]])
        if words[at] not in _VERBS or breaks[at] != COMMA:
            return False
        if follows in _JOINED or follows in ("you", "they", "this", "that", "a"):
            return False
        return bool(self.within("someone", self.sentence(at)[0], at))

    def is_asked(self, at: int) -> bool:
        return self.sentence(at)[1] in self.folded.asked

    def asking(self, at: int) -> bool:
        """Is the clause of word `at` a question, or a part of one?"""
        return self._asking.get(self.clause(at)[0], False)

    def is_subject(self, at: int) -> bool:
        """Is the person at word `at` said to be or have something (not "should I", "if she")?"""
        if at > 1 and self.words[at - 1] in _OWNERS and self.words[at - 2] in _AHEAD:
            return False
        if at == 0 or self.folded.breaks[at] or self.words[at - 1] not in _INVERTS:
            return True
        return any(w.end in (at, at + 1) or w.start < at < w.end for w in self.whether)

    def person_from(self, start: int) -> bool:
        """Does the clause at `start` begin with a person or a turn ("but", "and now")?"""
        if self.within("turn", start, start + 1):
            return True
        at = start + (self.words[start] in _JOINS if start < len(self.words) else 0)
        return any(
            self.within(name, at, at + 1) and self.is_subject(at) for name in ("someone", "owned")
        )
