"""Vectors: one generation's Chroma collections, in a folder or on a server.

Two collections: `passages` (one vector a passage) and `questions` (headings, ways of asking, and
questions known not to be covered; each but the last points to its passage). Similarities are
cosines. Inside a generation records are added or deleted, never upserted: an upsert would merge
metadata and leave stale keys.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, Self, TypeVar, cast

from bot.errors import DamagedIndex, StoreError

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection
    from langchain_core.embeddings import Embeddings
    from langchain_core.vectorstores import VectorStore as LangChainVectorStore

_T = TypeVar("_T")
_PAGE = 1_000
Kind = Literal["passage", "heading", "asked", "gap"]
CollectionName = Literal["passages", "questions"]
COLLECTIONS: tuple[CollectionName, ...] = ("passages", "questions")


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorRecord:
    """One vector to keep. `chunk_id` is the passage it points to, empty for a known gap."""

    record_id: str
    vector: Sequence[float]
    text: str
    source_id: str
    chunk_id: str
    kind: Kind
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorMatch:
    """A neighbour: `similarity` is the cosine, 1.0 for the same direction. `number` counts a
    passage's records among the questions: 0 is its heading, n its n-th way of asking. `text` and
    `group` are given for the nearest known gap only; the words of all others lie in the passage."""

    similarity: float
    chunk_id: str
    kind: Kind
    number: int = 0
    text: str = ""
    group: str = ""


def question_id(chunk_id: str, number: int) -> str:
    """The record id of a passage's heading (0) or of its n-th way of asking."""
    return f"{chunk_id}#{number}"


def gap_id(number: int) -> str:
    """The record id of a known gap; it holds no `#`."""
    return f"gap:{number}"


def _match(name: CollectionName, record_id: str, similarity: float) -> VectorMatch:
    if name == "passages":
        return VectorMatch(similarity=similarity, chunk_id=record_id, kind="passage")
    chunk_id, mark, number = record_id.rpartition("#")
    if not mark:
        return VectorMatch(similarity=similarity, chunk_id="", kind="gap")
    return VectorMatch(
        similarity=similarity,
        chunk_id=chunk_id,
        kind="heading" if number == "0" else "asked",
        number=int(number),
    )


class Location(Protocol):
    """Where the vectors of one generation lie."""

    def connect(self) -> ClientAPI: ...

    def collection(self, name: CollectionName) -> str:
        """What the collection is called there."""

    def labels(self) -> dict[str, str | int] | None:
        """What a new collection is marked with."""

    def failure(self, error: Exception, *, writing: bool) -> StoreError:
        """What Chroma's own error means there."""

    def release(self, client: ClientAPI) -> None:
        """Called when the store is closed."""

    def batch(self, client: ClientAPI) -> int:
        """How many records are sent at once."""


@dataclass(frozen=True, slots=True)
class InFolder:
    """An embedded Chroma of its own in a folder. One process may write to it."""

    folder: Path

    def connect(self) -> ClientAPI:
        import chromadb
        from chromadb.config import Settings

        # Chroma reads .env of the working folder unless told not to, and phones home.
        settings = Settings(
            _env_file=None,  # type: ignore[call-arg]
            anonymized_telemetry=False,
            allow_reset=False,
            is_persistent=True,
            persist_directory=str(self.folder),
        )
        return chromadb.PersistentClient(path=str(self.folder), settings=settings)

    def collection(self, name: CollectionName) -> str:
        return name

    def labels(self) -> None:
        return None

    def failure(self, error: Exception, *, writing: bool) -> StoreError:
        if not writing:
            return DamagedIndex(f"The vectors in {self.folder} cannot be read: {error}")
        # Chroma has its own errors for a full disk and for a folder that cannot be written.
        return StoreError(
            f"The vectors could not be written: {error}",
            hint="Look at free space and at write access of the state folder, then run it again.",
        )

    def batch(self, client: ClientAPI) -> int:
        return client.get_max_batch_size()

    def release(self, client: ClientAPI) -> None:
        close: Callable[[], None] | None = getattr(client, "close", None)
        if close is not None:
            close()


class VectorStore:
    """The vectors of one generation of the index."""

    def __init__(self, client: ClientAPI, location: Location) -> None:
        self._client = client
        self._location = location
        self._open: dict[CollectionName, Collection] = {}
        self._gaps: dict[str, tuple[str, str]] = {}

    @classmethod
    def open(cls, location: Location) -> Self:
        """Open the store, or make an empty one. Raises `StoreError` where Chroma cannot."""
        try:
            return cls(location.connect(), location)
        except StoreError:
            raise
        except Exception as error:
            raise location.failure(error, writing=False) from error

    @contextlib.contextmanager
    def _guarded(self, *, writing: bool = False) -> Iterator[None]:
        try:
            yield
        except StoreError:
            raise
        except Exception as error:
            raise self._location.failure(error, writing=writing) from error

    def create(self) -> None:
        """Make the empty collections of a new generation."""
        for name in COLLECTIONS:
            with self._guarded(writing=True):
                self._open[name] = self._client.create_collection(
                    self._location.collection(name),
                    embedding_function=None,
                    configuration={"hnsw": {"space": "cosine"}},
                    metadata=self._location.labels(),
                )

    def _collection(self, name: CollectionName) -> Collection:
        if name not in self._open:
            with self._guarded():
                self._open[name] = self._client.get_collection(
                    self._location.collection(name), embedding_function=None
                )
        return self._open[name]

    def add(self, name: CollectionName, records: Iterable[VectorRecord]) -> None:
        """Add records whose ids are new to the collection. Raises `StoreError`."""
        for batch in self._batches(records):
            with self._guarded(writing=True):
                self._collection(name).add(
                    ids=[r.record_id for r in batch],
                    embeddings=[r.vector for r in batch],
                    documents=[r.text for r in batch],
                    metadatas=[
                        {
                            "source_id": r.source_id,
                            "chunk_id": r.chunk_id,
                            "kind": r.kind,
                            "group": r.group,
                        }
                        for r in batch
                    ],
                )

    def records(self, name: CollectionName) -> Iterator[VectorRecord]:
        """All records of a collection that nobody writes to, page by page."""
        for first in range(0, self.count(name), _PAGE):
            with self._guarded():
                got = self._collection(name).get(
                    limit=_PAGE, offset=first, include=["embeddings", "documents", "metadatas"]
                )
            vectors, texts, labels = got["embeddings"], got["documents"], got["metadatas"]
            assert vectors is not None
            assert texts is not None
            assert labels is not None
            for record_id, vector, text, label in zip(
                got["ids"], vectors, texts, labels, strict=True
            ):
                yield VectorRecord(
                    record_id=record_id,
                    vector=vector,
                    text=text,
                    source_id=str(label["source_id"]),
                    chunk_id=str(label["chunk_id"]),
                    kind=cast("Kind", label["kind"]),
                    group=str(label["group"]),
                )

    def vectors(self, name: CollectionName, record_ids: list[str]) -> dict[str, Sequence[float]]:
        """The vectors of a few records."""
        with self._guarded():
            got = self._collection(name).get(ids=record_ids, include=["embeddings"])
        found = got["embeddings"]
        assert found is not None
        return dict(zip(got["ids"], ([float(x) for x in v] for v in found), strict=True))

    def delete(self, name: CollectionName, record_ids: Iterable[str]) -> None:
        """Remove records by id. Raises `StoreError`."""
        for batch in self._batches(record_ids):
            with self._guarded(writing=True):
                self._collection(name).delete(ids=batch)

    def _batches(self, items: Iterable[_T]) -> Iterator[list[_T]]:
        rest = iter(items)
        with self._guarded():
            size = self._location.batch(self._client)
        while batch := list(islice(rest, size)):
            yield batch

    def count(self, name: CollectionName) -> int:
        with self._guarded():
            return int(self._collection(name).count())

    def ids(self, name: CollectionName) -> set[str]:
        """All record ids of a collection; for tests and for small collections."""
        with self._guarded():
            return set(self._collection(name).get(include=[])["ids"])

    def missing(self, name: CollectionName, record_ids: Iterable[str]) -> int:
        """How many of these records the collection does not hold."""
        lost = 0
        for batch in self._batches(record_ids):
            with self._guarded():
                lost += len(batch) - len(self._collection(name).get(ids=batch, include=[])["ids"])
        return lost

    def search(
        self,
        name: CollectionName,
        vector: Sequence[float],
        k: int,
        sources: Sequence[str] | None = None,
    ) -> list[VectorMatch]:
        """The `k` nearest records, nearest first (fewer where there are fewer); of these documents
        only, where `sources` are given."""
        within = None if sources is None else {"source_id": {"$in": list(sources)}}
        collection = self._collection(name)
        with self._guarded():
            # Ids say what a record is. Fetching texts and metadata too takes four times as long.
            found = collection.query(
                query_embeddings=[vector],
                n_results=k,
                include=["distances"],
                where=within,  # type: ignore[arg-type]
            )
        ids, distances = found["ids"][0], (found["distances"] or [[]])[0]
        matches = [
            _match(name, record_id, 1.0 - float(distance))
            for record_id, distance in zip(ids, distances, strict=True)
        ]
        gap = next((n for n, match in enumerate(matches) if match.kind == "gap"), None)
        if gap is not None:
            text, group = self._gap(collection, ids[gap])
            matches[gap] = replace(matches[gap], text=text, group=group)
        return matches

    def _gap(self, collection: Collection, record_id: str) -> tuple[str, str]:
        """Words and group of a known gap, looked up once: who searches does not write."""
        if record_id not in self._gaps:
            with self._guarded():
                got = collection.get(ids=[record_id], include=["documents", "metadatas"])
            group = (got["metadatas"] or [{}])[0]["group"]
            self._gaps[record_id] = ((got["documents"] or [""])[0], str(group))
        return self._gaps[record_id]

    def as_langchain(self, embeddings: Embeddings) -> LangChainVectorStore:
        """The passages as a LangChain vector store, for others' chains. Read only by contract."""
        from langchain_chroma import Chroma

        return Chroma(
            client=self._client,
            collection_name=self._location.collection("passages"),
            embedding_function=embeddings,
            create_collection_if_not_exists=False,
        )

    def close(self) -> None:
        self._open.clear()
        self._gaps.clear()
        self._location.release(self._client)
