"""Withdrawn sources and passages: never searched for, cited or shown, from one second after.

Kept in `var/withdrawn.json`, one file for all processes on the machine; each process looks at it
again at most once a second. With a Chroma server the list lies there, one for all machines. Every
change is also a line in `var/audit.jsonl` (`bot.audit`) or in the server's log (who, when, what,
why), which is only ever added to. Questions are in neither.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from bot.audit import AuditFile
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


Change = Callable[[Sequence[Withdrawal]], Sequence[Withdrawal]]


class Place(Protocol):
    """Where the list lies. Everything raises `StoreError` where it cannot be read or written."""

    def stamp(self) -> object:
        """Changes whenever the list does; None where there never was one."""

    def read(self) -> tuple[Withdrawal, ...]: ...

    def update(self, change: Change) -> None:
        """Replace the list by what `change` makes of it, in one step, nothing in between lost.
        `change` may be called again where another process was faster."""

    def log(self, line: dict[str, str]) -> None:
        """Add to the audit log."""

    def logged(self) -> list[dict[str, str]]:
        """The audit log, oldest line first."""


@dataclass(frozen=True, slots=True)
class _Seen:
    stamp: object
    items: tuple[Withdrawal, ...]


class Withdrawals:
    """The list of one state folder or other place. Reading is safe from several threads; a list
    that cannot be read raises `StoreError`, so that nothing withdrawn is shown by accident."""

    def __init__(self, place: Path | Place) -> None:
        self._place: Place = InFolder(place) if isinstance(place, Path) else place
        self._lock = threading.Lock()
        self._seen = _Seen(None, ())
        self._looked = float("-inf")

    def items(self) -> tuple[Withdrawal, ...]:
        """What is withdrawn now, as of at most a second ago."""
        with self._lock:
            now = time.monotonic()
            if now - self._looked >= _LOOK_EVERY_SECONDS:
                stamp = self._place.stamp()
                if stamp != self._seen.stamp:
                    self._seen = _Seen(stamp, self._place.read() if stamp else ())
                self._looked = now
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

    def spans_of(self, source_id: str) -> tuple[Span, ...]:
        """The stretches of a source that are withdrawn, where it is not withdrawn as a whole."""
        return tuple(
            Span(start=w.start, end=w.end)
            for w in self.items()
            if w.source_id == source_id and w.start is not None and w.end is not None
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
        self._update(lambda items: [*(w for w in items if w.target != item.target), item])
        self._log("withdraw", item.target, reason, by)
        return item

    def restore(self, target: str, *, reason: str, by: str) -> bool:
        """Take a target off the list; False where it was not on it."""
        found = False

        def without(items: Sequence[Withdrawal]) -> list[Withdrawal]:
            nonlocal found
            left = [w for w in items if w.target != target]
            found = len(left) != len(items)
            return left

        self._update(without)
        if found:
            self._log("restore", target, reason, by)
        return found

    def note(self, action: str, target: str, *, by: str, reason: str = "") -> None:
        """Add a line to the audit log that changes nothing on the list, as of a sign-in."""
        self._log(action, target, reason, by)

    def log(self) -> list[dict[str, str]]:
        """Every line of the audit log, oldest first."""
        return self._place.logged()

    def _update(self, change: Change) -> None:
        self._place.update(change)
        with self._lock:
            self._looked = float("-inf")

    def _log(self, action: str, target: str, reason: str, by: str) -> None:
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        line = {"at": at, "by": by, "action": action, "target": target, "reason": reason}
        self._place.log(line)


class InFolder:
    """The list as a file of a state folder."""

    def __init__(self, var: Path) -> None:
        self._path = var / "withdrawn.json"
        self._audit = AuditFile(audit_path(var))

    def stamp(self) -> tuple[int, int] | None:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return None
        return status.st_mtime_ns, status.st_ino

    def read(self) -> tuple[Withdrawal, ...]:
        try:
            return load_list(self._path.read_bytes(), str(self._path))
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise _unreadable(str(self._path), error) from None

    def update(self, change: Change) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_suffix(".lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            text = dump_list(change(self.read()))
            scratch = self._path.with_suffix(".new")
            with scratch.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            scratch.replace(self._path)

    def log(self, line: dict[str, str]) -> None:
        self._audit.add(line)

    def logged(self) -> list[dict[str, str]]:
        return self._audit.lines()


def audit_path(var: Path) -> Path:
    """The audit log of a state folder."""
    return var / "audit.jsonl"


def load_list(data: bytes | str, place: str) -> tuple[Withdrawal, ...]:
    """The list from its stored form. Raises `StoreError`, which names the `place`."""
    try:
        return tuple(_File.model_validate_json(data).withdrawn)
    except ValidationError as error:
        raise _unreadable(place, error) from None


def dump_list(items: Sequence[Withdrawal]) -> str:
    return _File(withdrawn=list(items)).model_dump_json(indent=1)


def _unreadable(place: str, error: Exception) -> StoreError:
    return StoreError(
        f"The list of withdrawn sources {place} cannot be read: {error}",
        hint="Restore it from a backup; without it nothing is answered.",
    )


def _overlap(item: Withdrawal, span: Span) -> bool:
    assert item.start is not None
    assert item.end is not None
    return item.start < span.end and span.start < item.end
