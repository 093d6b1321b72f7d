"""The documents as staff see them: all of the serving index, the withdrawn ones as well, which the
bot itself no longer knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from bot.indexing.lexical import PassageStore
from bot.indexing.places import generations
from bot.records import Chunk, SourceDocument, SourceInfo
from bot.settings import Settings


class Shelf(Protocol):
    """Everything raises `StoreError` where there is no index, or it cannot be read."""

    def sources(self) -> tuple[SourceInfo, ...]:
        """All documents, by title."""

    def counts(self) -> dict[str, int]:
        """How many passages each document has."""

    def document(self, source_id: str) -> SourceDocument:
        """Raises `UnknownSource` where the index holds no such document."""

    def passages(self, source_id: str) -> list[Chunk]:
        """The passages of a document in reading order; none of one that is not there."""


class IndexShelf:
    """The index of the settings, opened for each look and closed again."""

    def __init__(self, settings: Settings) -> None:
        self._index = generations(settings)

    def sources(self) -> tuple[SourceInfo, ...]:
        with self._open() as store:
            return store.sources()

    def counts(self) -> dict[str, int]:
        with self._open() as store:
            return Counter(chunk_id.rpartition(":")[0] for chunk_id, _ in store.passage_ids())

    def document(self, source_id: str) -> SourceDocument:
        with self._open() as store:
            return store.document(source_id)

    def passages(self, source_id: str) -> list[Chunk]:
        with self._open() as store:
            return store.chunks_of(source_id)

    @contextmanager
    def _open(self) -> Iterator[PassageStore]:
        generation, handle = self._index.borrow_current()
        try:
            store = PassageStore.open(generation.passages)
            try:
                yield store
            finally:
                store.close()
        finally:
            handle.close()
