"""Withdrawn sources and passages: never searched for, cited or shown, from one second after.

Kept in `var/withdrawn.json`, one file for all processes on the machine; each process looks at it
again at most once a second. Every change is also a line in `var/audit.jsonl` (who, when, what,
why), which is only ever added to. Questions are in neither.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from bot.errors import StoreError
from bot.records import Chunk, Span

_LOOK_EVERY_SECONDS = 1.0


class Withdrawal(BaseModel):
    """`start` and `end` are None where the whole source is withdrawn."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source_id: str
    start: int | None = None
    end: int | None = None
    reason: str
    by: str
    at: str

    @property
    def target(self) -> str:
        return self.source_id if self.start is None else f"{self.source_id}:{self.start}-{self.end}"


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    withdrawn: list[Withdrawal] = []


@dataclass(frozen=True, slots=True)
class _Seen:
    stamp: tuple[int, int] | None
    items: tuple[Withdrawal, ...]


class Withdrawals:
    """The list of one state folder. Reading is safe from several threads; a list that cannot be
    read raises `StoreError`, so that nothing withdrawn is shown by accident."""

    def __init__(self, var: Path) -> None:
        self._path = var / "withdrawn.json"
        self._audit = var / "audit.jsonl"
        self._lock = threading.Lock()
        self._seen = _Seen(None, ())
        self._looked = float("-inf")

    def items(self) -> tuple[Withdrawal, ...]:
        """What is withdrawn now, as of at most a second ago."""
        with self._lock:
            now = time.monotonic()
            if now - self._looked >= _LOOK_EVERY_SECONDS:
                self._looked = now
                stamp = self._stamp()
                if stamp != self._seen.stamp:
                    self._seen = _Seen(stamp, self._read() if stamp else ())
            return self._seen.items

    def source(self, source_id: str) -> bool:
        """Whether a whole source is withdrawn."""
        return any(w.source_id == source_id and w.start is None for w in self.items())

    def covers(self, chunk: Chunk) -> bool:
        """Whether a passage is withdrawn, wholly or in part."""
        return self.covers_span(chunk.source.source_id, chunk.span)

    def covers_span(self, source_id: str, span: Span) -> bool:
        """Whether a stretch of a source is withdrawn, wholly or in part."""
        return any(
            w.source_id == source_id and (w.start is None or _overlap(w, span))
            for w in self.items()
        )

    def withdraw(self, source_id: str, span: Span | None, *, reason: str, by: str) -> Withdrawal:
        """Add to the list and to the audit log. The same target twice is kept once."""
        item = Withdrawal(
            source_id=source_id,
            start=span.start if span else None,
            end=span.end if span else None,
            reason=reason,
            by=by,
            at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        )
        with self._writing() as items:
            items[:] = [w for w in items if w.target != item.target] + [item]
            self._log("withdraw", item.target, reason, by)
        return item

    def restore(self, target: str, *, reason: str, by: str) -> bool:
        """Take a target off the list; False where it was not on it."""
        with self._writing() as items:
            left = [w for w in items if w.target != target]
            found = len(left) != len(items)
            items[:] = left
            if found:
                self._log("restore", target, reason, by)
        return found

    def _stamp(self) -> tuple[int, int] | None:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return None
        return status.st_mtime_ns, status.st_ino

    def _read(self) -> tuple[Withdrawal, ...]:
        try:
            return tuple(_File.model_validate_json(self._path.read_bytes()).withdrawn)
        except FileNotFoundError:
            return ()
        except (OSError, ValidationError) as error:
            raise StoreError(
                f"The list of withdrawn sources {self._path} cannot be read: {error}",
                hint="Restore it from a backup; without it nothing is answered.",
            ) from None

    @contextmanager
    def _writing(self) -> Iterator[list[Withdrawal]]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_suffix(".lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            items = list(self._read())
            yield items
            scratch = self._path.with_suffix(".new")
            with scratch.open("w", encoding="utf-8") as file:
                file.write(_File(withdrawn=items).model_dump_json(indent=1))
                file.flush()
                os.fsync(file.fileno())
            scratch.replace(self._path)
        with self._lock:
            self._looked = float("-inf")

    def _log(self, action: str, target: str, reason: str, by: str) -> None:
        line = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "by": by,
            "action": action,
            "target": target,
            "reason": reason,
        }
        with self._audit.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())


def _overlap(item: Withdrawal, span: Span) -> bool:
    assert item.start is not None
    assert item.end is not None
    return item.start < span.end and span.start < item.end
