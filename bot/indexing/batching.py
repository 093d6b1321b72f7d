"""Texts of like length are embedded together, few at a time.

A batch is padded to its longest text, so mixed lengths waste work; and a small batch stays in the
processor's cache: four passages at a time take a fifth less time than thirty-two (bench/ingest.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

MOST_CHARACTERS = 4_000
"""Characters of a batch, padding counted in: about four full passages."""


def embed_by_length(
    texts: Sequence[str], embed: Callable[[list[str]], list[list[float]]]
) -> list[list[float]]:
    """The vectors of `texts` in their order, made in batches of at most `MOST_CHARACTERS`."""
    order = sorted(range(len(texts)), key=lambda n: len(texts[n]))
    vectors: dict[int, list[float]] = {}
    batch: list[int] = []
    for n in [*order, -1]:
        if batch and (n < 0 or len(texts[n]) * (len(batch) + 1) > MOST_CHARACTERS):
            vectors.update(zip(batch, embed([texts[i] for i in batch]), strict=True))
            batch = []
        batch.append(n)
    return [vectors[n] for n in range(len(texts))]
