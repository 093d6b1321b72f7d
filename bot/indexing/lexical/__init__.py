"""Documents, passages and their words: one SQLite file a generation, with FTS5 for word search.

It is the truth of a generation: canonical texts, spans and front matter live here, Chroma only
holds vectors that point to it. Nothing here reads all documents at once.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

from pydantic import TypeAdapter

from bot.errors import DamagedIndex, StoreError, UnknownSource
from bot.indexing.lexical.word_search import WORD_FORMS, WordMatch, WordSearch
from bot.records import Chunk, Section, SourceDocument, SourceInfo, Span, Support
from bot.text import words

__all__ = ("Outline", "PassageStore", "WithWords", "WordMatch")

_SCHEMA = """
CREATE TABLE documents (
  source_id TEXT PRIMARY KEY, file_hash TEXT NOT NULL, info TEXT NOT NULL, text TEXT NOT NULL,
  sections TEXT NOT NULL, support TEXT NOT NULL
);
CREATE TABLE chunks (
  row INTEGER PRIMARY KEY, chunk_id TEXT NOT NULL UNIQUE, source_id TEXT NOT NULL,
  start INTEGER NOT NULL, end INTEGER NOT NULL, page INTEGER, heading TEXT NOT NULL,
  asked TEXT NOT NULL, support TEXT NOT NULL
);
CREATE INDEX chunks_source ON chunks (source_id);
CREATE TABLE word_vectors (row INTEGER PRIMARY KEY, vectors BLOB NOT NULL);
CREATE VIRTUAL TABLE passages USING fts5 (
  title, heading, asked, body, tokenize = 'porter unicode61 remove_diacritics 2'
);
CREATE TABLE words (word TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
"""
_CHUNK = (
    "SELECT c.source_id, c.start, c.end, c.page, c.heading, c.asked, c.support,"
    " substr(d.text, c.start + 1, c.end - c.start)"
    " FROM chunks c JOIN documents d ON d.source_id = c.source_id"
)

WithWords = tuple[Chunk, bytes]
"""A passage and the packed vectors of its words."""

_INFO = TypeAdapter(SourceInfo)
_SECTIONS = TypeAdapter(tuple[Section, ...])
_SUPPORT = TypeAdapter(tuple[Support, ...])


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """Of a passage: how many ways of asking it has, and the priority of its document."""

    ways: int
    priority: int


class PassageStore:
    """The documents and passages of one generation. Reading is safe from several threads."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._lock = threading.RLock()
        self._info = lru_cache(maxsize=4096)(self._read_info)
        self._document = lru_cache(maxsize=64)(self._read_document)
        self.search = WordSearch(self._all, self._lock)
        """Passages that share words with a text."""
        self._priorities = lru_cache(maxsize=1)(self._read_priorities)

    @classmethod
    def create(cls, path: Path) -> Self:
        """An empty store to fill. Raises `StoreError`."""
        with _written():
            store = cls.open_for_writing(path)
            store._db.executescript(_SCHEMA)
        return store

    @classmethod
    def open_for_writing(cls, path: Path) -> Self:
        """Open the store of a generation that is being built."""
        store = cls(sqlite3.connect(path, check_same_thread=False))
        # A generation that is not finished is thrown away after a crash, so nothing is gained by
        # bringing each step to disk; `Generations.finish` does it once for all files.
        store._db.executescript("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF;")
        return store

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a finished generation read-only. Raises `DamagedIndex` where it cannot be read."""
        try:
            uri = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
            store = cls(
                sqlite3.connect(uri, uri=True, check_same_thread=False, isolation_level=None)
            )
            store._db.execute("SELECT count(*) FROM documents").fetchone()
            store._db.executescript(f"PRAGMA mmap_size = {2**31}; PRAGMA temp_store = MEMORY;")
            store._db.executescript(WORD_FORMS)
        except sqlite3.Error as error:
            raise DamagedIndex(f"{path} cannot be read: {error}") from error
        return store

    @staticmethod
    def is_ours(path: Path) -> bool:
        """Whether a file from elsewhere is a sound database with our tables and nothing else: no
        view, trigger or table that could act when it is read. Nothing of it is run."""
        tables = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name"
        with contextlib.closing(sqlite3.connect(":memory:")) as empty:
            empty.executescript(_SCHEMA)
            expected = empty.execute(tables).fetchall()
        try:
            with contextlib.closing(sqlite3.connect(path)) as db:
                db.execute("PRAGMA trusted_schema = OFF")
                if db.execute(tables).fetchall() != expected:
                    return False
                # The word index checks itself on a statement that looks like writing.
                db.execute("INSERT INTO passages (passages) VALUES ('integrity-check')")
                return db.execute("PRAGMA integrity_check (1)").fetchall() == [("ok",)]
        except sqlite3.Error:
            return False

    def _all(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                return self._db.execute(sql, values).fetchall()
            except sqlite3.DatabaseError as error:
                raise DamagedIndex(f"The index cannot be read: {error}") from error

    # Writing: only while a generation is being built, by one process.

    def add(self, documents: Iterable[tuple[SourceDocument, Sequence[WithWords]]]) -> None:
        """Add documents that are not in the store, with their passages and the packed vectors of
        each one's words, all or none. Raises `StoreError` where the disk does not take them."""
        with _written(), self._db:
            for document, chunks in documents:
                self._add(document, chunks)

    def _add(self, document: SourceDocument, chunks: Sequence[WithWords]) -> None:
        info = document.info
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
        for chunk, word_vectors in chunks:
            row = self._db.execute(
                "INSERT INTO chunks (chunk_id, source_id, start, end, page, heading, asked,"
                " support) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    chunk.chunk_id,
                    info.source_id,
                    chunk.span.start,
                    chunk.span.end,
                    chunk.page,
                    json.dumps(chunk.heading),
                    json.dumps(chunk.asked),
                    _SUPPORT.dump_json(chunk.support).decode(),
                ),
            ).lastrowid
            self._db.execute(
                "INSERT INTO passages (rowid, title, heading, asked, body) VALUES (?, ?, ?, ?, ?)",
                (row, info.title, " ".join(chunk.heading), "\n".join(chunk.asked), chunk.text),
            )
            self._db.execute("INSERT INTO word_vectors VALUES (?, ?)", (row, word_vectors))
        self._count_words(document.text, 1)

    def _count_words(self, text: str, sign: int) -> None:
        # Ways of asking hold slips on purpose, so they are no part of the vocabulary.
        self._db.executemany(
            "INSERT INTO words VALUES (?, ?)"
            " ON CONFLICT (word) DO UPDATE SET count = count + excluded.count",
            [(word, sign * count) for word, count in Counter(words(text)).items()],
        )

    def delete(self, source_ids: Iterable[str]) -> None:
        """Remove documents, their passages and their words. Raises `StoreError`."""
        with _written(), self._db:
            for source_id in source_ids:
                key = (source_id,)
                rows = "SELECT row FROM chunks WHERE source_id = ?"
                self._db.execute(f"DELETE FROM passages WHERE rowid IN ({rows})", key)
                self._db.execute(f"DELETE FROM word_vectors WHERE row IN ({rows})", key)
                self._db.execute("DELETE FROM chunks WHERE source_id = ?", key)
                for (text,) in self._all("SELECT text FROM documents WHERE source_id = ?", key):
                    self._count_words(text, -1)
                self._db.execute("DELETE FROM documents WHERE source_id = ?", key)
            self._db.execute("DELETE FROM words WHERE count <= 0")

    def finish(self) -> None:
        """Merge the word index. Raises `StoreError`."""
        with _written(), self._db:
            self._db.execute("INSERT INTO passages (passages) VALUES ('optimize')")

    # Reading.

    def file_hashes(self) -> dict[str, str]:
        return dict(self._all("SELECT source_id, file_hash FROM documents"))

    def chunk_ids(self) -> set[str]:
        """The ids of all passages; for tests and for small indexes."""
        return {row[0] for row in self._all("SELECT chunk_id FROM chunks")}

    def count(self) -> tuple[int, int]:
        """How many passages there are, and how many question records (headings and ways of
        asking) they call for."""
        sql = "SELECT count(*), coalesce(sum(1 + json_array_length(asked)), 0) FROM chunks"
        passages, questions = self._all(sql)[0]
        return int(passages), int(questions)

    def passage_ids(self, source_ids: Sequence[str] | None = None) -> Iterator[tuple[str, int]]:
        """Each passage's id and its number of question records; of all documents, or of some. The
        store must not be written to until the last one is taken."""
        sql = "SELECT chunk_id, 1 + json_array_length(asked) FROM chunks"
        if source_ids is None:
            yield from self._db.execute(sql)
        for source_id in source_ids or ():
            yield from self._db.execute(sql + " WHERE source_id = ?", (source_id,))

    def damage(self) -> str | None:
        """What does not hold together, or None: every passage lies in the text of its document,
        holds words, and is in the word index."""
        lost = self._all(
            "SELECT c.chunk_id FROM chunks c LEFT JOIN documents d ON d.source_id = c.source_id"
            " WHERE d.source_id IS NULL OR c.end > length(d.text) OR c.start >= c.end"
            " OR trim(substr(d.text, c.start + 1, c.end - c.start), ' ' || char(10, 9)) = ''"
            " LIMIT 1"
        )
        if lost:
            return f"the passage {lost[0][0]} is not in its document"
        chunks, indexed, read = self._all(
            "SELECT (SELECT count(*) FROM chunks), (SELECT count(*) FROM passages_docsize),"
            " (SELECT count(*) FROM chunks c JOIN word_vectors w ON w.row = c.row)"
        )[0]
        if chunks != indexed:
            return "the word index holds other passages"
        return None if chunks == read else "the words of a passage have no vectors"

    def sources(self) -> tuple[SourceInfo, ...]:
        """All documents, by title."""
        rows = self._all("SELECT info FROM documents")
        return tuple(sorted((_INFO.validate_json(r[0]) for r in rows), key=lambda i: i.title))

    def document(self, source_id: str) -> SourceDocument:
        """Raises `UnknownSource` where the index holds no such document."""
        return self._document(source_id)

    def _read_info(self, source_id: str) -> SourceInfo:
        rows = self._all("SELECT info FROM documents WHERE source_id = ?", (source_id,))
        if not rows:
            raise UnknownSource(f"The index holds no document {source_id!r}.")
        return _INFO.validate_json(rows[0][0])

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
        rows = self._all(f"{_CHUNK} WHERE c.chunk_id IN ({marks})", wanted)
        return {chunk.chunk_id: chunk for chunk in map(self._chunk, rows)}

    def outlines(self, chunk_ids: Iterable[str]) -> dict[str, Outline]:
        """Of the passages of these ids that the index holds."""
        wanted = list(dict.fromkeys(chunk_ids))
        marks = ", ".join("?" * len(wanted))
        rows = self._all(
            "SELECT chunk_id, source_id, json_array_length(asked) FROM chunks"
            f" WHERE chunk_id IN ({marks})",
            wanted,
        )
        priorities = self._priorities()
        return {
            chunk_id: Outline(ways=ways, priority=priorities.get(source_id, 0))
            for chunk_id, source_id, ways in rows
        }

    def _read_priorities(self) -> dict[str, int]:
        """Of the documents that have one. They are few, and looking at each passage's document
        takes longer than all else that an outline needs."""
        priority = "json_extract(info, '$.priority')"
        sql = f"SELECT source_id, {priority} FROM documents WHERE {priority} != 0"
        return dict(self._all(sql))

    def word_vectors(self, chunk_ids: Sequence[str]) -> list[bytes]:
        """The packed vectors of the words of each passage. Raises `DamagedIndex` where one has
        none."""
        marks = ", ".join("?" * len(chunk_ids))
        sql = (
            "SELECT c.chunk_id, w.vectors FROM chunks c JOIN word_vectors w ON w.row = c.row"
            f" WHERE c.chunk_id IN ({marks})"
        )
        found = dict(self._all(sql, chunk_ids))
        if lost := [chunk_id for chunk_id in chunk_ids if chunk_id not in found]:
            raise DamagedIndex(f"The words of the passage {lost[0]} have no vectors.")
        return [found[chunk_id] for chunk_id in chunk_ids]

    def chunks_of(self, source_id: str) -> list[Chunk]:
        """The passages of one document in reading order."""
        rows = self._all(f"{_CHUNK} WHERE c.source_id = ? ORDER BY c.start", (source_id,))
        return [self._chunk(row) for row in rows]

    def _chunk(self, row: tuple[Any, ...]) -> Chunk:
        source_id, start, end, page, heading, asked, support, text = row
        return Chunk(
            source=self._info(source_id),
            heading=tuple(json.loads(heading)),
            span=Span(start=start, end=end),
            text=text,
            page=page,
            asked=tuple(json.loads(asked)),
            support=_SUPPORT.validate_json(support),
        )

    def vocabulary(self) -> dict[str, int]:
        """How often each word stands in the documents (ways of asking not counted)."""
        return dict(self._all("SELECT word, count FROM words"))

    def close(self) -> None:
        for cache in (self._info, self._document, self._priorities):
            cache.cache_clear()
        self.search.forget()
        with self._lock:
            self._db.close()


@contextlib.contextmanager
def _written() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(
            f"The passages could not be written: {error}.",
            hint="Look at free space and at write access of the state folder, then run it again.",
        ) from error
