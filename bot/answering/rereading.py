"""A second, closer reading of the best hits: the question word by word against the passage.

One vector for a whole passage blurs what sets two sections of one guide apart. Here each word of
the question looks for its nearest word in the passage (late interaction, as in ColBERT), rare words
count more, and the mean is added to the score. Or a cross-encoder, where an operator names one.
Only the order of the first hits changes; no hit comes in, none goes out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.order import best_first
from bot.records import Chunk, Query, Retrieved

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]

COMMON = 0.3
"""Least weight of a word, for those that nearly every passage holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A question as the model reads it: `words[n]` (lower case; a word of several pieces stands
    once a piece) has the vector `vectors[n]`."""

    words: tuple[str, ...]
    vectors: Matrix


class WordByWord:
    """Callable: a query and chunks in, a likeness of about -1 to 1 for each out. `read` gives the
    words of a question, `passages` the vectors (of so many numbers) of the words of each chunk;
    the dot products between both are cosines. `counts` is how often each word stands in the
    documents, which hold `size` passages."""

    def __init__(
        self,
        read: Callable[[str], Words],
        passages: Callable[[Sequence[Chunk], int], Sequence[Matrix]],
        counts: Mapping[str, int],
        size: int,
    ) -> None:
        self._read = read
        self._of_passages = passages
        self._counts = counts
        self._size = max(1, size)

    def __call__(self, query: Query, chunks: Sequence[Chunk]) -> list[float]:
        import numpy as np

        asked = self._read(query.full)
        if not asked.words:
            return [0.0] * len(chunks)
        weights = np.array([self._rarity(word) for word in asked.words], np.float32)
        weights /= weights.sum()
        return [
            float(weights @ (asked.vectors @ vectors.T).max(axis=1)) if len(vectors) else 0.0
            for vectors in self._of_passages(chunks, asked.vectors.shape[1])
        ]

    def _rarity(self, word: str) -> float:
        """Inverse frequency, as in bm25; a word that no document holds weighs most."""
        count = min(self._counts.get(word, 0), self._size)
        return max(COMMON, math.log((self._size + 1) / (count + 0.5)))


class Rereader:
    """Callable: query and `Retrieved` in, the same hits in a better order out. `likeness` scores
    the first `top` hits; `weight` is what a point of it is worth in a hit's score. The hits beyond
    are taken to be as unlike as the least like of the first."""

    def __init__(
        self,
        likeness: Callable[[Query, Sequence[Chunk]], Sequence[float]],
        *,
        weight: float,
        top: int,
    ) -> None:
        self._likeness = likeness
        self._weight = weight
        self._top = top

    def __call__(self, query: Query, retrieved: Retrieved) -> Retrieved:
        first = retrieved.hits[: self._top]
        if not first or not self._weight:
            return retrieved
        likenesses = list(self._likeness(query, [hit.chunk for hit in first]))
        least = min(likenesses)
        likenesses += [least] * (len(retrieved.hits) - len(first))
        hits = [
            replace(hit, score=hit.score + self._weight * likeness)
            for hit, likeness in zip(retrieved.hits, likenesses, strict=True)
        ]
        return replace(retrieved, hits=best_first(hits))
