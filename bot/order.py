"""The order of hits: by score, with front matter `priority` deciding between near equals. And the
scale on which a match of words stands beside the other signs of a hit.

A question that a document stores word for word is not held back by a low priority: who types "what
is sepsis" asks for the glossary, which stands behind the guides otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable

from bot.records import Hit

WORD_SCALE = 10.0
"""bm25 of a good match is about 10; divided by this it has the size of a cosine."""
PRIORITY_STEP = 0.03
"""Score a step of front matter `priority` is worth: it decides between near equals only."""

SAME = 0.995
"""Cosine to a way of asking from which the question is that very way, capitals and marks aside."""


def worth(score: float, priority: int) -> float:
    """A score with what its document's priority is worth."""
    return score + PRIORITY_STEP * priority


def hit_worth(hit: Hit) -> float:
    """The same of a hit."""
    priority = hit.chunk.source.priority
    if (hit.asked_similarity or 0.0) >= SAME:
        priority = max(0, priority)
    return worth(hit.score, priority)


def best_first(hits: Iterable[Hit]) -> tuple[Hit, ...]:
    """The hits by their worth, equals by the ids of their passages."""
    return tuple(sorted(hits, key=lambda hit: (-hit_worth(hit), hit.chunk.chunk_id)))
