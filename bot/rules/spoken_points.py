"""Points of words in a language beside English: does a message tell of a sign that no phrase of the
language speaks to, and how grave is it?

One rule: a message is weighed by its words, their beginnings and pairs of them, rare ones more than
common ones; nothing else counts. The points stand in triage_points_LANGUAGE.toml;
evals/fit_spoken.py writes it (docs/decisions/0020).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import fsum, sqrt
from typing import Literal

from pydantic import Field

from bot.rules.folding import CLAUSE, Folded
from bot.rules.models import Model

STEM = 5
"""Letters of a word's beginning that count as a sign of their own."""
_LEAST, _FEW = 4, 7
"""A message of fewer words is not weighed; or not where phrases found what is not told in it."""
_MOST = 60
"""In a longer message phrases are believed: much talk around a sign says nothing of the sign."""
Kind = Literal["crisis", "emergency", "lower"]


class Score(Model):
    """What there is of each: `told` for a sign against none, `crisis` for a crisis against other
    signs, `grave` for an emergency against a lower sign."""

    told: float
    crisis: float
    grave: float


class SpokenPoints(Model):
    """From `told` up a message tells of a sign where no phrase found one, from `named` up where
    phrases found signs that are denied, past, asked about ..., and none that is told; from `higher`
    up it may be graver than what a phrase found, a crisis or an emergency from `crisis_higher` or
    `grave_higher` up (else from `crisis` or `grave`); below `lower` what a phrase found of a lower
    level is talk.
    `signs`: rarity, and the points for told, crisis and grave."""

    base: Score
    told: float
    named: float
    higher: float
    lower: float
    crisis: float
    crisis_higher: float
    grave: float
    grave_higher: float
    signs: dict[str, tuple[float, float, float, float]] = Field(min_length=1)


class SpokenWeighing:
    """What the points make of a message."""

    def __init__(self, points: SpokenPoints) -> None:
        self._points = points

    def knows(self, word: str) -> bool:
        """Has the word points, so that it stood in messages of the language?"""
        return word in self._points.signs

    def score(self, signs: frozenset[str]) -> Score:
        """What there is of each in a message with these `signs` (`signs_of`): a weighted mean of
        their points, times the root of how much they weigh, so that long messages do not outweigh
        short ones."""
        points = self._points.signs
        known = [points[sign] for sign in signs & points.keys()]
        length = sqrt(fsum(rarity * rarity for rarity, *_ in known)) or 1.0
        base = self._points.base
        # Exactly, whatever the order: a message at the limit must not pass it in one process only.
        told, crisis, grave = (
            fsum(entry[0] * entry[which] for entry in known) / length for which in (1, 2, 3)
        )
        return Score(told=base.told + told, crisis=base.crisis + crisis, grave=base.grave + grave)

    def finds(self, folded: Folded, score: Score, *, lower: bool, named: bool) -> Kind | None:
        """What the words tell of, where phrases found nothing, nothing but what is `named` and not
        told, or a sign of a `lower` level: then only something graver."""
        limits = self._points
        limit = limits.higher if lower else limits.named if named else limits.told
        length = len(folded.words)
        if length < (_FEW if named and not lower else _LEAST) or score.told < limit:
            return None
        if score.crisis >= (limits.crisis_higher if lower else limits.crisis):
            return "crisis"
        if score.grave >= (limits.grave_higher if lower else limits.grave):
            return "emergency"
        return None if lower else "lower"

    def is_talk(self, folded: Folded, scores: Iterable[Score]) -> bool:
        """Is it mere talk, whatever a phrase of a lower level found in it? `scores` are those of
        the message and of each of its sentences: a question before a sign takes nothing off it."""
        limit = self._points.lower
        return len(folded.words) <= _MOST and all(score.told < limit for score in scores)


def sentences(folded: Folded) -> list[tuple[int, int]]:
    """Where the sentences of a message begin and end: half-open."""
    starts = folded.sentence_starts()
    return list(zip(starts, [*starts[1:], len(folded.words)], strict=True))


def signs_of(
    folded: Folded,
    classes: Mapping[str, str],
    states: Iterable[str],
    part: tuple[int, int] | None = None,
) -> frozenset[str]:
    """What the file may give points for: words, beginnings of long ones (`regal*`), pairs of
    neighbours, `^` and `$` at the ends of a clause, `?` for a question; numbers are `#`; and how
    what the phrases found is meant (`<denied>`). `classes` maps a word to the class it counts as
    (any relative is alike). `part`: of these words alone."""
    first, last = part or (0, len(folded.words))
    found = {f"<{state}>" for state in states}
    before = short_before = "^"
    for at in range(first, last):
        word = folded.words[at]
        if at > first and folded.breaks[at] >= CLAUSE:
            found |= {f"{before} $", f"{short_before} $"}
            before = short_before = "^"
        name = "#" if word[0].isdigit() else word
        short = classes.get(name) or (name if len(name) <= STEM else f"{name[:STEM]}*")
        found |= {name, short, f"{before} {name}", f"{short_before} {short}"}
        before, short_before = name, short
    found |= {f"{before} $", f"{short_before} $"}
    return frozenset(found | ({"?"} if any(first < at <= last for at in folded.asked) else set()))
