"""Texts of like length are embedded together.

A batch is padded to its longest text, so mixed lengths waste work. Its size hardly matters to a
processor that is free; on a busy one the threads of many small batches wait for each other most of
the time (four passages at a time: two and a half times the work of thirty-two).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")

MOST_CHARACTERS = 16_000
"""Characters of a batch, padding counted in: about fifteen full passages."""


def embed_by_length(texts: Sequence[str], embed: Callable[[list[str]], list[T]]) -> list[T]:
    """What `embed` gives for each of `texts`, in their order, made in batches of at most
    `MOST_CHARACTERS`."""
    order = sorted(range(len(texts)), key=lambda n: len(texts[n]))
    made: dict[int, T] = {}
    batch: list[int] = []
    for n in [*order, -1]:
        if batch and (n < 0 or len(texts[n]) * (len(batch) + 1) > MOST_CHARACTERS):
            made.update(zip(batch, embed([texts[i] for i in batch]), strict=True))
            batch = []
        batch.append(n)
    return [made[n] for n in range(len(texts))]
