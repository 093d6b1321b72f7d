"""What the model made of texts before, by content: `var/embeddings.sqlite3`. Of every text its
vector, of passages their words' vectors, too.

A key is the SHA-256 of the model's fingerprint and the text, so a vector can never be taken for
another model's or another text's. The file is a convenience and is never trusted: each entry
carries a checksum, a vector must have length one, and a file that cannot be read is thrown away.
Only the holder of the writer's lock opens it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import math
import sqlite3
import zlib
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

_TABLES = {"vectors": "vector", "words": "vectors"}
"""With the column beside the key. What is long does not lie in a tree of keys."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS words (key BLOB PRIMARY KEY, vectors BLOB);
"""
_CHECKSUM_BYTES = 4
_ASKED = b"\1"
_SLACK = 10_000
"""Vectors that may lie here beside twice those of the serving generation."""
_LOOK_UPS = 500
_NOT_WHAT_WAS_STORED = "a vector in it is not what was stored"
_ENVIRONMENTAL = frozenset(
    {
        *(sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY),
        *(sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_BUSY),
    }
)

Vector = Sequence[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class PassageVectors:
    """Of a passage: its vector, and those of its words in the form of `word_vectors`."""

    vector: Vector
    words: bytes


class EmbeddingCache:
    """Embeds texts, each one once. `embed`, for questions among questions `ask` and for passages
    `read` are asked for what is not stored; `embedded` counts what they were asked for, `reused`
    what was stored, `notices` says in plain words what was wrong with the file. Without a writable
    file it still embeds, and keeps nothing."""

    def __init__(
        self,
        path: Path,
        fingerprint: Mapping[str, Any],
        embed: Callable[[list[str]], list[list[float]]],
        ask: Callable[[list[str]], list[list[float]]],
        read: Callable[[list[str]], list[PassageVectors]],
    ) -> None:
        self._path = path
        self._mark = json.dumps(dict(fingerprint), sort_keys=True).encode()
        self._embed = embed
        self._ask = ask
        self._read = read
        self.embedded = 0
        self.reused = 0
        self.notices: list[str] = []
        self._db = self._opened()

    def vectors(self, texts: Iterable[str]) -> dict[str, Vector]:
        """The vector of each text. Each batch is stored before it is returned, so a run that is
        killed loses one batch of work at most."""
        return self._all({text: self._key(text) for text in texts}, self._embed)

    def asked(self, texts: Iterable[str]) -> dict[str, Vector]:
        """As `vectors`, for questions among questions: other vectors than those."""
        return self._all({text: self._key(text, _ASKED) for text in texts}, self._ask)

    def _all(
        self, keys: Mapping[str, bytes], make: Callable[[list[str]], list[list[float]]]
    ) -> dict[str, Vector]:
        stored = self._vectors_of(keys.values())
        found: dict[str, Vector] = {t: stored[k] for t, k in keys.items() if k in stored}
        missing = [text for text in keys if text not in found]
        fresh = dict(zip(missing, make(missing), strict=True)) if missing else {}
        self._count(found, fresh)
        self._store("vectors", {keys[text]: _floats(vector) for text, vector in fresh.items()})
        return {**found, **fresh}

    def passages(self, texts: Iterable[str]) -> dict[str, PassageVectors]:
        """As `vectors`, with the words of each text."""
        keys = {text: self._key(text) for text in texts}
        vectors, words = self._vectors_of(keys.values()), self._stored("words", keys.values())
        found = {
            text: PassageVectors(vector=vectors[key], words=words[key])
            for text, key in keys.items()
            if key in vectors and key in words
        }
        missing = [text for text in keys if text not in found]
        fresh = dict(zip(missing, self._read(missing), strict=True)) if missing else {}
        self._count(found, fresh)
        self._store("vectors", {keys[text]: _floats(made.vector) for text, made in fresh.items()})
        self._store("words", {keys[text]: made.words for text, made in fresh.items()})
        return {**found, **fresh}

    def _count(self, found: Sized, fresh: Sized) -> None:
        self.embedded += len(fresh)
        self.reused += len(found)

    def prune(self, count: int, texts: Iterable[str]) -> None:
        """Keep the file bounded: when it holds more than twice `count` vectors (those of the
        serving generation), drop all but those of `texts`."""
        if self._db is None:
            return
        try:
            if self._size() <= 2 * count + _SLACK:
                return
            with self._db:
                self._db.execute("CREATE TEMP TABLE kept (key BLOB PRIMARY KEY) WITHOUT ROWID")
                self._db.executemany(
                    "INSERT OR IGNORE INTO kept VALUES (?)",
                    ((key,) for t in texts for key in (self._key(t), self._key(t, _ASKED))),
                )
                for table in _TABLES:
                    self._db.execute(f"DELETE FROM {table} WHERE key NOT IN (SELECT key FROM kept)")
            self._db.execute("DROP TABLE kept")
            self._db.execute("VACUUM")
        except sqlite3.Error as error:
            self._failed(error)

    def close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    def _key(self, text: str, space: bytes = b"\0") -> bytes:
        return hashlib.sha256(self._mark + space + text.encode("utf-8", "surrogatepass")).digest()

    def _size(self) -> int:
        assert self._db is not None
        return int(self._db.execute("SELECT count(*) FROM vectors").fetchone()[0])

    def _opened(self) -> sqlite3.Connection | None:
        for attempt in (1, 2):
            db = None
            try:
                db = sqlite3.connect(self._path)
                # Safe when the process is killed; a power cut can cost the last batches only.
                db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")
                db.executescript(_SCHEMA)
                for table, column in _TABLES.items():
                    columns = [row[1] for row in db.execute(f"PRAGMA table_info ({table})")]
                    if columns != ["key", column]:
                        raise sqlite3.DatabaseError("it holds another kind of table")
            except sqlite3.Error as error:
                if db is not None:
                    db.close()
                self._db = None
                if attempt == 1 and not _environmental(error):
                    self._throw_away(str(error))
                else:
                    self._notice(f"no embedding is kept in {self._path} ({error})")
                    return None
            else:
                return db
        return None

    def _vectors_of(self, keys: Iterable[bytes]) -> dict[bytes, Vector]:
        found: dict[bytes, Vector] = {}
        for key, data in self._stored("vectors", keys).items():
            vector = _vector(data)
            if vector is None:
                self._start_anew(_NOT_WHAT_WAS_STORED)
                return {}
            found[key] = vector
        return found

    def _stored(self, table: str, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        found: dict[bytes, bytes] = {}
        rest = iter(keys)
        while self._db is not None and (some := list(islice(rest, _LOOK_UPS))):
            marks = ", ".join("?" * len(some))
            sql = f"SELECT key, {_TABLES[table]} FROM {table} WHERE key IN ({marks})"
            try:
                rows = self._db.execute(sql, some).fetchall()
            except sqlite3.Error as error:
                self._failed(error)
                return {}
            for key, blob in rows:
                data = _unpacked(key, blob)
                if data is None:
                    self._start_anew(_NOT_WHAT_WAS_STORED)
                    return {}
                found[key] = data
        return found

    def _store(self, table: str, made: Mapping[bytes, bytes]) -> None:
        if self._db is None or not made:
            return
        try:
            with self._db:
                self._db.executemany(
                    f"INSERT OR REPLACE INTO {table} VALUES (?, ?)",
                    [(key, _packed(key, data)) for key, data in made.items()],
                )
        except sqlite3.Error as error:
            self._failed(error)

    def _failed(self, error: sqlite3.Error) -> None:
        if _environmental(error):
            self._notice(f"no more embeddings are kept in {self._path} ({error})")
            self.close()
        else:
            self._start_anew(str(error))

    def _start_anew(self, why: str) -> None:
        self.close()
        self._throw_away(why)
        self._db = self._opened()

    def _throw_away(self, why: str) -> None:
        self._notice(f"the embeddings kept in {self._path} were damaged and thrown away ({why})")
        for ending in ("", "-wal", "-shm", "-journal"):
            with contextlib.suppress(OSError):
                self._path.with_name(self._path.name + ending).unlink(missing_ok=True)

    def _notice(self, text: str) -> None:
        log.warning("%s", text)
        self.notices.append(text)


def _environmental(error: sqlite3.Error) -> bool:
    """A full disk, a folder that cannot be written: not the file's own fault."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _ENVIRONMENTAL


def _packed(key: bytes, data: bytes) -> bytes:
    return data + zlib.crc32(key + data).to_bytes(_CHECKSUM_BYTES, "little")


def _unpacked(key: bytes, blob: Any) -> bytes | None:
    """The bytes that were stored, or None where these are others."""
    if not isinstance(blob, bytes) or len(blob) < _CHECKSUM_BYTES:
        return None
    data, checksum = blob[:-_CHECKSUM_BYTES], blob[-_CHECKSUM_BYTES:]
    same = zlib.crc32(key + data).to_bytes(_CHECKSUM_BYTES, "little") == checksum
    return data if same else None


def _floats(vector: Vector) -> bytes:
    return array("f", vector).tobytes()


def _vector(data: bytes) -> Vector | None:
    """None where this is no vector of length one."""
    if not data or len(data) % 4:
        return None
    vector = array("f")
    vector.frombytes(data)
    return vector.tolist() if math.isclose(math.hypot(*vector), 1.0, abs_tol=1e-3) else None
