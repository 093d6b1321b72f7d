"""Small real records for unit tests."""

from __future__ import annotations

from bot.indexing.chunking import chunk_document
from bot.indexing.loading import load
from bot.records import Chunk, Hit, SourceDocument


def a_document(body: str, *, name: str = "a.md", front: str = "") -> SourceDocument:
    """A loaded Markdown document titled `T`."""
    return load(name, f"---\ntitle: T\n{front}---\n{body}\n".encode())


def chunks_of(document: SourceDocument) -> list[Chunk]:
    return chunk_document(
        document, count_tokens=lambda texts: [len(t.split()) for t in texts], max_tokens=500
    )


def a_hit(chunk: Chunk, **values: object) -> Hit:
    """A hit with middling values unless told otherwise."""
    defaults: dict[str, object] = {
        "score": 1.0,
        "dense_rank": 1,
        "asked_rank": 1,
        "passage_similarity": 0.7,
        "asked_similarity": 0.9,
    }
    return Hit(chunk=chunk, **{**defaults, **values})  # type: ignore[arg-type]
