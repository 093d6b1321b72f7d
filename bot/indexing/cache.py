"""Vectors of texts that were embedded before, by content: `var/embeddings.sqlite3`.

A key is the SHA-256 of the model's fingerprint and the text, so a vector can never be taken for
another model's or another text's. The file is a convenience and is never trusted: each vector
carries a checksum and must have length one, and a file that cannot be read is thrown away. Only
the holder of the writer's lock opens it.
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
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

_SCHEMA = "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID"
_CHECKSUM_BYTES = 4
_SLACK = 10_000
"""Vectors that may lie here beside twice those of the serving generation."""
_LOOK_UPS = 500
_ENVIRONMENTAL = frozenset(
    {
        *(sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY),
        *(sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_BUSY),
    }
)

Vector = Sequence[float]


class EmbeddingCache:
    """Embeds texts, each one once. `embed` is asked for what is not stored; `embedded` counts
    what it was asked for, `reused` what was stored, `notices` says in plain words what was wrong
    with the file. Without a writable file it still embeds, and keeps nothing."""

    def __init__(
        self,
        path: Path,
        fingerprint: Mapping[str, Any],
        embed: Callable[[list[str]], list[list[float]]],
    ) -> None:
        self._path = path
        self._mark = json.dumps(dict(fingerprint), sort_keys=True).encode()
        self._embed = embed
        self.embedded = 0
        self.reused = 0
        self.notices: list[str] = []
        self._db = self._opened()

    def vectors(self, texts: Iterable[str]) -> dict[str, Vector]:
        """The vector of each text. Each batch is stored before it is returned, so a run that is
        killed loses one batch of work at most."""
        keys = {text: self._key(text) for text in texts}
        stored = self._stored(list(keys.values()))
        found: dict[str, Vector] = {t: stored[k] for t, k in keys.items() if k in stored}
        missing = [text for text in keys if text not in found]
        fresh = dict(zip(missing, self._embed(missing), strict=True)) if missing else {}
        self.embedded += len(fresh)
        self.reused += len(found)
        self._store({keys[text]: vector for text, vector in fresh.items()})
        return {**found, **fresh}

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
                    "INSERT OR IGNORE INTO kept VALUES (?)", ((self._key(t),) for t in texts)
                )
                self._db.execute("DELETE FROM vectors WHERE key NOT IN (SELECT key FROM kept)")
            self._db.execute("DROP TABLE kept")
            self._db.execute("VACUUM")
        except sqlite3.Error as error:
            self._failed(error)

    def close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    def _key(self, text: str) -> bytes:
        return hashlib.sha256(self._mark + b"\0" + text.encode("utf-8", "surrogatepass")).digest()

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
                db.execute(_SCHEMA)
                columns = [row[1] for row in db.execute("PRAGMA table_info (vectors)")]
                if columns != ["key", "vector"]:
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

    def _stored(self, keys: Sequence[bytes]) -> dict[bytes, Vector]:
        found: dict[bytes, Vector] = {}
        for first in range(0, len(keys), _LOOK_UPS):
            if self._db is None:
                break
            some = keys[first : first + _LOOK_UPS]
            marks = ", ".join("?" * len(some))
            try:
                rows = self._db.execute(
                    f"SELECT key, vector FROM vectors WHERE key IN ({marks})", some
                ).fetchall()
            except sqlite3.Error as error:
                self._failed(error)
                return {}
            for key, blob in rows:
                vector = _unpacked(key, blob)
                if vector is None:
                    self._start_anew("a vector in it is not what was stored")
                    return {}
                found[key] = vector
        return found

    def _store(self, vectors: Mapping[bytes, Vector]) -> None:
        if self._db is None or not vectors:
            return
        try:
            with self._db:
                self._db.executemany(
                    "INSERT OR REPLACE INTO vectors VALUES (?, ?)",
                    [(key, _packed(key, vector)) for key, vector in vectors.items()],
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


def _packed(key: bytes, vector: Vector) -> bytes:
    data = array("f", vector).tobytes()
    return data + zlib.crc32(key + data).to_bytes(_CHECKSUM_BYTES, "little")


def _unpacked(key: bytes, blob: Any) -> Vector | None:
    """The vector, or None where the bytes are not those that were stored."""
    if not isinstance(blob, bytes) or len(blob) <= _CHECKSUM_BYTES or len(blob) % 4:
        return None
    data, checksum = blob[:-_CHECKSUM_BYTES], blob[-_CHECKSUM_BYTES:]
    if zlib.crc32(key + data).to_bytes(_CHECKSUM_BYTES, "little") != checksum:
        return None
    vector = array("f")
    vector.frombytes(data)
    return vector.tolist() if math.isclose(math.hypot(*vector), 1.0, abs_tol=1e-3) else None
