"""Weighing: do the words of a message, taken together, tell of a sign that somebody must hear of?

One rule: a message has the points of its words and pairs of words, and the base; nothing else
counts. The points stand in triage_points.toml; evals/fit_triage.py writes it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import pairwise

from bot.rules import temperature
from bot.rules.folding import CLAUSE, SENTENCE, Folded
from bot.rules.models import Model

_LEAST_WORDS = 4
"""A shorter message, or sentence of one, is not weighed by itself."""
_FEW_WORDS = 6
_MOST_SENTENCES = 16
_FEVER, _COLD = 38.0, 36.0


class TriagePoints(Model):
    """From `alarm` up, a message that no phrase speaks to raises an alarm; a sentence of it does
    from `sentence` up. Where every sentence is below `quiet`, the lower levels are not raised."""

    base: float
    alarm: float
    sentence: float
    quiet: float
    signs: dict[str, float]


class Weighing:
    """`classes` maps a word to the class it counts as beside itself (any relative is alike)."""

    def __init__(
        self, points: TriagePoints, classes: Mapping[str, str], words: temperature.Words
    ) -> None:
        self._points = points
        self._classes = classes
        self._words = words

    def using(self, points: TriagePoints) -> Weighing:
        return Weighing(points, self._classes, self._words)

    def without_points(self) -> Weighing:
        """One that never speaks."""
        return self.using(
            TriagePoints(base=0.0, alarm=math.inf, sentence=math.inf, quiet=-math.inf, signs={})
        )

    def told(self, folded: Folded, *, spoken_to: bool) -> Folded | None:
        """The part of a message that tells of a sign: its heaviest sentence, or all of it; None
        where nothing does. `spoken_to`: phrases found something there and took it for no sign, so
        that more weight is asked for; the same of a message of few words."""
        points = self._points
        sure = spoken_to or len(folded.words) < _FEW_WORDS
        pieces = [(self.weight(each), each) for each in sentences_of(folded)]
        heaviest = max(pieces, key=lambda piece: piece[0], default=(-math.inf, folded))
        limit = points.sentence if sure else points.alarm
        if len(folded.words) >= _LEAST_WORDS and self.weight(folded) >= limit:
            return heaviest[1]
        return heaviest[1] if heaviest[0] >= points.sentence else None

    def is_talk(self, folded: Folded) -> bool:
        """Is it plain that no sentence of it tells of a sign?"""
        return all(
            self.weight(each) < self._points.quiet for each in sentences_of(folded) or [folded]
        )

    def weight(self, folded: Folded) -> float:
        points = self._points.signs
        found = self.signs_of(folded)
        return self._points.base + sum(points[sign] for sign in found & points.keys())

    def signs_of(self, folded: Folded) -> frozenset[str]:
        """What triage_points.toml may give points for: words, pairs of neighbours by their classes,
        `^` and `$` at the ends of a clause, `?` and `?$` for a question asked and asked last.
        Numbers are `#`, or what they mean as a temperature."""
        found: set[str] = set()
        before = "^"
        numbers = self._temperatures(folded)
        for at, word in enumerate(folded.words):
            is_number = word[0].isdigit() or at in numbers
            name = numbers.get(at, "#") if is_number else self._classes.get(word, word)
            if folded.breaks[at] >= CLAUSE:
                before = "^"
            if not is_number:
                found.add(word)
            found.add(name)
            found.add(f"{before} {name}")
            before = name
        found.add(f"{before} $")
        if folded.asked:
            found.add("?")
            if len(folded.words) in folded.asked:
                found.add("?$")
        return frozenset(found)

    def _temperatures(self, folded: Folded) -> dict[int, str]:
        """The words that give a temperature, by what it is."""
        named: dict[int, str] = {}
        for reading in temperature.readings(folded, self._words, first_turn=True):
            name = "#hot" if reading.celsius >= _FEVER else "#ok"
            if reading.celsius < _COLD:
                name = "#cold"
            named |= dict.fromkeys(range(reading.start, reading.end), name)
        return named


def sentences_of(folded: Folded) -> list[Folded]:
    """The sentences of a message of several: the first and the last ones of many."""
    words, breaks = folded.words, folded.breaks
    cuts: Iterable[int] = [0, *(i for i, b in enumerate(breaks) if i and b >= SENTENCE), len(words)]
    found = [
        Folded(
            words=words[first:last],
            breaks=(0, *breaks[first + 1 : last]),
            asked=frozenset(at - first for at in folded.asked if first < at <= last),
        )
        for first, last in pairwise(cuts)
        if _LEAST_WORDS <= last - first < len(words)
    ]
    if len(found) > _MOST_SENTENCES:
        half = _MOST_SENTENCES // 2
        found = found[:half] + found[-half:]
    return found
