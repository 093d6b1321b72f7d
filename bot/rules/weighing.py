"""Weighing: do the words of a message, taken together, tell of a sign that somebody must hear of?

One rule: a message has the points of its words and pairs of words, of what the phrases found in it,
and the base; nothing else counts. They stand in triage_points.toml; evals/fit_triage.py writes it.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from math import fsum

from bot.rules import temperature
from bot.rules.folding import CLAUSE, Folded
from bot.rules.models import Model

SAID = ("<said grave>", "<said lower>")
"""A phrase found a sign that is told: of an emergency or crisis, of a lower level."""
FOUND = (*SAID, "<denied>", "<feared>", "<supposed>", "<general>", "<past>", "<over>")
"""What phrases can find in a message; triage_points.toml gives points for each."""
_FEVER, _COLD = 38.0, 36.0
_LEAST_WORDS, _FEW_WORDS = 4, 6
"""A message of fewer words is not weighed by itself; or needs `_MORE` points."""
_MORE = 1.5
_MOST_WORDS = 60
"""In a longer one phrases are believed."""


class TriagePoints(Model):
    """From `alarm` up a message tells of a sign that no phrase speaks to. What a phrase
    finds of an emergency or a crisis is told; of a lower level, unless the message lies below
    `lower`, as mere talk does."""

    base: float
    alarm: float
    lower: float
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
        """One that leaves all to the phrases: what they say counts, and nothing else."""
        said = dict.fromkeys(SAID, 1.0)
        return self.using(TriagePoints(base=0.0, alarm=1.0, lower=1.0, signs=said))

    def tells(self, folded: Folded, found: Container[str]) -> bool:
        """Does the message tell of a sign? `found` is what its phrases found: of `FOUND`."""
        points, length = self._points, len(folded.words)
        said = SAID[1] in found
        if SAID[0] in found or (said and length > _MOST_WORDS):
            return True  # much talk around a sign says nothing of the sign
        if not said and length < _LEAST_WORDS:
            return False
        weight = self.weight(folded) + sum(points.signs.get(f, 0.0) for f in FOUND if f in found)
        if said:
            return weight >= points.lower
        return weight >= points.alarm + (_MORE if length < _FEW_WORDS else 0.0)

    def weight(self, folded: Folded) -> float:
        """The points of its words, and the base."""
        points = self._points.signs
        signs = self.signs_of(folded) & points.keys()
        # Exactly, whatever the order: a message at the limit must not pass it in one process only.
        return self._points.base + fsum(points[sign] for sign in signs)

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
