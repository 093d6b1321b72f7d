"""Documents, passages and their words: one SQLite file a generation, with FTS5 for word search.

It is the truth of a generation: canonical texts, spans and front matter live here, Chroma only
holds vectors that point to it. The only home of sqlite3.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

from pydantic import TypeAdapter

from bot.errors import DamagedIndex, UnknownSource
from bot.records import Chunk, Section, SourceDocument, SourceInfo, Span, Support
from bot.text import content_words, words

_SCHEMA = """
CREATE TABLE documents (
  source_id TEXT PRIMARY KEY, file_hash TEXT NOT NULL, info TEXT NOT NULL, text TEXT NOT NULL,
  sections TEXT NOT NULL, support TEXT NOT NULL
);
CREATE TABLE chunks (
  row INTEGER PRIMARY KEY, chunk_id TEXT NOT NULL UNIQUE, source_id TEXT NOT NULL,
  start INTEGER NOT NULL, end INTEGER NOT NULL, page INTEGER, heading TEXT NOT NULL,
  asked TEXT NOT NULL
);
CREATE INDEX chunks_source ON chunks (source_id);
CREATE VIRTUAL TABLE passages USING fts5 (
  title, heading, asked, body, tokenize = 'porter unicode61 remove_diacritics 2'
);
CREATE TABLE vocabulary (source_id TEXT NOT NULL, word TEXT NOT NULL, count INTEGER NOT NULL);
CREATE INDEX vocabulary_source ON vocabulary (source_id);
"""
# Weights of title, heading, ways of asking and body in bm25(); set on the development questions.
_FIELD_WEIGHTS = "1.0, 4.0, 2.0, 1.0"

_INFO = TypeAdapter(SourceInfo)
_SECTIONS = TypeAdapter(tuple[Section, ...])
_SUPPORT = TypeAdapter(tuple[Support, ...])


@dataclass(frozen=True, slots=True, kw_only=True)
class WordMatch:
    """A passage found by its words; `score` grows with the match (negated bm25)."""

    chunk_id: str
    score: float


class PassageStore:
    """The documents and passages of one generation. Reading is safe from several threads."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._lock = threading.Lock()
        self._document = lru_cache(maxsize=256)(self._read_document)

    @classmethod
    def create(cls, path: Path) -> Self:
        store = cls(sqlite3.connect(path, check_same_thread=False))
        store._db.executescript(_SCHEMA)
        return store

    @classmethod
    def open_for_writing(cls, path: Path) -> Self:
        return cls(sqlite3.connect(path, check_same_thread=False))

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a finished generation read-only. Raises `DamagedIndex` where it cannot be read."""
        try:
            uri = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
            store = cls(sqlite3.connect(uri, uri=True, check_same_thread=False))
            store._db.execute("SELECT count(*) FROM documents").fetchone()
        except sqlite3.Error as error:
            raise DamagedIndex(f"{path} cannot be read: {error}") from error
        return store

    def _all(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                return self._db.execute(sql, values).fetchall()
            except sqlite3.DatabaseError as error:
                raise DamagedIndex(f"The index cannot be read: {error}") from error

    # Writing: only while a generation is being built, by one process.

    def add(self, document: SourceDocument, chunks: Sequence[Chunk]) -> None:
        """Add a document that is not in the store, with its passages."""
        info = document.info
        with self._db:
            self._db.execute(
                "INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?)",
                (
                    info.source_id,
                    document.file_hash,
                    _INFO.dump_json(info).decode(),
                    document.text,
                    _SECTIONS.dump_json(document.sections).decode(),
                    _SUPPORT.dump_json(document.support).decode(),
                ),
            )
            for chunk in chunks:
                row = self._db.execute(
                    "INSERT INTO chunks (chunk_id, source_id, start, end, page, heading, asked)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (
                        chunk.chunk_id,
                        info.source_id,
                        chunk.span.start,
                        chunk.span.end,
                        chunk.page,
                        json.dumps(chunk.heading),
                        json.dumps(chunk.asked),
                    ),
                ).lastrowid
                self._db.execute(
                    "INSERT INTO passages (rowid, title, heading, asked, body)"
                    " VALUES (?, ?, ?, ?, ?)",
                    (row, info.title, " ".join(chunk.heading), "\n".join(chunk.asked), chunk.text),
                )
            # Ways of asking hold slips on purpose, so they are no part of the vocabulary.
            found = Counter(words(document.text))
            self._db.executemany(
                "INSERT INTO vocabulary VALUES (?, ?, ?)",
                [(info.source_id, word, count) for word, count in found.items()],
            )

    def delete(self, source_id: str) -> None:
        """Remove a document, its passages and its words."""
        with self._db:
            self._db.execute(
                "DELETE FROM passages WHERE rowid IN (SELECT row FROM chunks WHERE source_id = ?)",
                (source_id,),
            )
            for table in ("chunks", "vocabulary", "documents"):
                self._db.execute(f"DELETE FROM {table} WHERE source_id = ?", (source_id,))

    def finish(self) -> None:
        """Merge the word index and bring everything to disk."""
        with self._db:
            self._db.execute("INSERT INTO passages (passages) VALUES ('optimize')")

    # Reading.

    def file_hashes(self) -> dict[str, str]:
        return dict(self._all("SELECT source_id, file_hash FROM documents"))

    def chunk_ids(self) -> set[str]:
        return {row[0] for row in self._all("SELECT chunk_id FROM chunks")}

    def asked_count(self) -> int:
        """How many question records (headings and ways of asking) the passages call for."""
        return sum(1 + len(json.loads(row[0])) for row in self._all("SELECT asked FROM chunks"))

    def sources(self) -> tuple[SourceInfo, ...]:
        """All documents, by title."""
        rows = self._all("SELECT info FROM documents")
        return tuple(sorted((_INFO.validate_json(r[0]) for r in rows), key=lambda i: i.title))

    def document(self, source_id: str) -> SourceDocument:
        """Raises `UnknownSource` where the index holds no such document."""
        return self._document(source_id)

    def _read_document(self, source_id: str) -> SourceDocument:
        rows = self._all(
            "SELECT info, text, sections, file_hash, support FROM documents WHERE source_id = ?",
            (source_id,),
        )
        if not rows:
            raise UnknownSource(f"The index holds no document {source_id!r}.")
        info, text, sections, file_hash, support = rows[0]
        return SourceDocument(
            info=_INFO.validate_json(info),
            text=text,
            sections=_SECTIONS.validate_json(sections),
            file_hash=file_hash,
            support=_SUPPORT.validate_json(support),
        )

    def chunks(self, chunk_ids: Iterable[str]) -> dict[str, Chunk]:
        """The passages of these ids; ids that the index does not hold are left out."""
        wanted = list(dict.fromkeys(chunk_ids))
        marks = ", ".join("?" * len(wanted))
        rows = self._all(
            "SELECT chunk_id, source_id, start, end, page, heading, asked FROM chunks"
            f" WHERE chunk_id IN ({marks})",
            wanted,
        )
        return {row[0]: self._chunk(*row[1:]) for row in rows}

    def chunks_of(self, source_id: str) -> list[Chunk]:
        """The passages of one document in reading order."""
        rows = self._all(
            "SELECT source_id, start, end, page, heading, asked FROM chunks"
            " WHERE source_id = ? ORDER BY start",
            (source_id,),
        )
        return [self._chunk(*row) for row in rows]

    def _chunk(
        self, source_id: str, start: int, end: int, page: int | None, heading: str, asked: str
    ) -> Chunk:
        document = self.document(source_id)
        span = Span(start=start, end=end)
        return Chunk(
            source=document.info,
            heading=tuple(json.loads(heading)),
            span=span,
            text=span.of(document.text),
            page=page,
            asked=tuple(json.loads(asked)),
            support=tuple(s for s in document.support if span.contains(s.span)),
        )

    def search(self, text: str, k: int) -> list[WordMatch]:
        """Passages that share words with `text`, best first. Any word may match; rare ones and
        those in headings weigh more."""
        terms = list(dict.fromkeys(content_words(text)))[:32]
        if not terms:
            return []
        query = " OR ".join('"' + term.replace('"', '""') + '"' for term in terms)
        rows = self._all(
            f"SELECT c.chunk_id, bm25(passages, {_FIELD_WEIGHTS}) AS rank FROM passages"
            " JOIN chunks c ON c.row = passages.rowid WHERE passages MATCH ?"
            " ORDER BY rank, c.chunk_id LIMIT ?",
            (query, k),
        )
        return [WordMatch(chunk_id=row[0], score=-float(row[1])) for row in rows]

    def vocabulary(self) -> dict[str, int]:
        """How often each word stands in the documents (ways of asking not counted)."""
        return dict(self._all("SELECT word, sum(count) FROM vocabulary GROUP BY word"))

    def close(self) -> None:
        self._document.cache_clear()
        with self._lock:
            self._db.close()
