"""Vectors: one generation's Chroma collections. The only home of chromadb and langchain_chroma.

Two collections: `passages` (one vector a passage) and `questions` (headings, ways of asking, and
questions known not to be covered; each but the last points to its passage). Similarities are
cosines. Inside a generation records are added or deleted, never upserted: an upsert would merge
metadata and leave stale keys.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from bot.errors import DamagedIndex

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection
    from langchain_core.embeddings import Embeddings
    from langchain_core.vectorstores import VectorStore as LangChainVectorStore

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
    kind: Literal["passage", "heading", "asked", "gap"]
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorMatch:
    """A neighbour: `similarity` is the cosine, 1.0 for the same direction."""

    similarity: float
    text: str
    chunk_id: str
    kind: str
    group: str


class VectorStore:
    """The vectors of one generation of the index, embedded (a folder) or on a Chroma server."""

    def __init__(self, client: ClientAPI, names: dict[CollectionName, str]) -> None:
        self._client = client
        self._names = names
        self._open: dict[CollectionName, Collection] = {}

    @classmethod
    def in_folder(cls, folder: Path) -> Self:
        """Open or create the store in `folder`. Raises `DamagedIndex` where Chroma cannot."""
        import chromadb
        from chromadb.config import Settings

        try:
            # Chroma reads .env of the working folder unless told not to, and phones home.
            settings = Settings(_env_file=None, anonymized_telemetry=False)  # type: ignore[call-arg]
            client = chromadb.PersistentClient(path=str(folder), settings=settings)
        except Exception as error:
            raise DamagedIndex(f"The vectors in {folder} cannot be opened: {error}") from error
        return cls(client, {"passages": "passages", "questions": "questions"})

    def create(self) -> None:
        """Make the empty collections of a new generation."""
        for name in COLLECTIONS:
            self._open[name] = self._client.create_collection(
                self._names[name],
                embedding_function=None,
                configuration={"hnsw": {"space": "cosine"}},
            )

    def _collection(self, name: CollectionName) -> Collection:
        if name not in self._open:
            try:
                self._open[name] = self._client.get_collection(
                    self._names[name], embedding_function=None
                )
            except Exception as error:
                raise DamagedIndex(f"The index has no collection {name!r}: {error}") from error
        return self._open[name]

    def add(self, name: CollectionName, records: Sequence[VectorRecord]) -> None:
        """Add records whose ids are new to the collection."""
        step = self._client.get_max_batch_size()
        for first in range(0, len(records), step):
            batch = records[first : first + step]
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

    def delete_source(self, source_id: str) -> None:
        """Remove every vector of a document from both collections."""
        for name in COLLECTIONS:
            self._collection(name).delete(where={"source_id": source_id})

    def count(self, name: CollectionName) -> int:
        return int(self._collection(name).count())

    def ids(self, name: CollectionName) -> set[str]:
        """All record ids of a collection; for checking a generation, not for serving."""
        found = self._collection(name).get(include=[])
        return set(found["ids"])

    def search(self, name: CollectionName, vector: Sequence[float], k: int) -> list[VectorMatch]:
        """The `k` nearest records, nearest first (fewer where there are fewer)."""
        collection = self._collection(name)
        found = collection.query(
            query_embeddings=[vector],
            n_results=k,
            include=["documents", "metadatas", "distances"],
        )
        rows: list[tuple[str, Any, float]] = list(
            zip(
                (found["documents"] or [[]])[0],
                (found["metadatas"] or [[]])[0],
                (found["distances"] or [[]])[0],
                strict=True,
            )
        )
        return [
            VectorMatch(
                similarity=1.0 - float(distance),
                text=text or "",
                chunk_id=str(metadata["chunk_id"]),
                kind=str(metadata["kind"]),
                group=str(metadata["group"]),
            )
            for text, metadata, distance in rows
        ]

    def as_langchain(self, embeddings: Embeddings) -> LangChainVectorStore:
        """The passages as a LangChain vector store, for others' chains. Read only by contract."""
        from langchain_chroma import Chroma

        return Chroma(
            client=self._client,
            collection_name=self._names["passages"],
            embedding_function=embeddings,
            create_collection_if_not_exists=False,
        )

    def close(self) -> None:
        self._open.clear()
        close: Callable[[], None] | None = getattr(self._client, "close", None)
        if close is not None:
            close()
