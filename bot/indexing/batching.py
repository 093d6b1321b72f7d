"""Texts of like length are embedded together, several batches at once.

A batch of mixed lengths wastes work where it is padded to its longest text, and texts of the same
length are attended to in one step where it is not (bot/packed_encoder.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import TypeVar

T = TypeVar("T")

MOST_CHARACTERS = 8_000
"""Characters of a batch, padding counted in: about eight full passages."""


def embed_by_length(
    texts: Sequence[str], embed: Callable[[list[str]], list[T]], *, threads: int = 1
) -> list[T]:
    """What `embed` gives for each of `texts`, in their order, made in batches of at most
    `MOST_CHARACTERS`, as many at once as there are `threads`. Each thread calculates by itself:
    torch's own threads wait for each other after every step."""
    order = sorted(range(len(texts)), key=lambda n: len(texts[n]))
    batches = list(_batches(texts, order))
    asked = [[texts[n] for n in batch] for batch in batches]
    threads = min(threads, len(batches))
    made = _at_once(embed, asked, threads) if threads > 1 else map(embed, asked)
    by_number = dict(zip(order, chain.from_iterable(made), strict=True))
    return [by_number[n] for n in range(len(texts))]


def _batches(texts: Sequence[str], order: Sequence[int]) -> Iterator[list[int]]:
    batch: list[int] = []
    for n in order:
        if batch and len(texts[n]) * (len(batch) + 1) > MOST_CHARACTERS:
            yield batch
            batch = []
        batch.append(n)
    if batch:
        yield batch


def _at_once(
    embed: Callable[[list[str]], list[T]], batches: Sequence[list[str]], threads: int
) -> list[list[T]]:
    import torch

    before = torch.get_num_threads()
    pool = ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))
    try:
        return list(pool.map(embed, batches))
    finally:
        pool.shutdown(cancel_futures=True)
        # For threads that begin later: the number is that of the last one who set it. One that
        # began meanwhile keeps its one, so an ingest belongs into a process of its own.
        torch.set_num_threads(before)
