"""The documents as staff see them: all of the serving index, the withdrawn ones as well, which the
bot itself no longer knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from bot.indexing.lexical import PassageStore
from bot.indexing.places import generations
from bot.records import Chunk, SourceDocument, SourceInfo
from bot.settings import Settings


class Books(Protocol):
    """The documents of one index. Everything raises `StoreError` where it cannot be read."""

    def sources(self) -> tuple[SourceInfo, ...]:
        """All documents, by title."""

    def counts(self) -> dict[str, int]:
        """How many passages each document has."""

    def document(self, source_id: str) -> SourceDocument:
        """Raises `UnknownSource` where the index holds no such document."""

    def passages(self, source_id: str) -> list[Chunk]:
        """The passages of a document in reading order; none of one that is not there."""


class Shelf(Protocol):
    def open(self) -> AbstractContextManager[Books]:
        """The serving index, for one page: all that is read of it belongs together, also while a
        new one takes its place. Raises `StoreError` where there is none, or it cannot be read."""


class IndexShelf:
    """The index of the settings."""

    def __init__(self, settings: Settings) -> None:
        self._index = generations(settings)

    @contextmanager
    def open(self) -> Iterator[Books]:
        generation, handle = self._index.borrow_current()
        try:
            store = PassageStore.open(generation.passages)
            try:
                yield _Opened(store)
            finally:
                store.close()
        finally:
            handle.close()


class _Opened:
    """`Books` of an opened store."""

    def __init__(self, store: PassageStore) -> None:
        self._store = store
        self.sources = store.sources
        self.document = store.document
        self.passages = store.chunks_of

    def counts(self) -> dict[str, int]:
        return Counter(chunk_id.rpartition(":")[0] for chunk_id, _ in self._store.passage_ids())
