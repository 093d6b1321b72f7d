"""Withdrawn sources and passages: never searched for, cited or shown, from one second after. What
the list means in a text that was edited since is in `bot.standing`.

Kept in `var/withdrawn.json`, one file for all processes on the machine; each process looks at it
again at most once a second. With a Chroma server the list lies there, one for all machines. Every
change is also a line in `var/audit.jsonl` (`bot.audit`) or in the server's log (who, when, what,
why), which is only ever added to. Questions are in neither.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bot.audit import AuditFile
from bot.errors import NotLogged, StoreError, UnknownSource
from bot.records import Span

_LOOK_EVERY_SECONDS = 1.0
_UNCHANGED = " Nothing was changed."


class Words(BaseModel):
    """What is kept of withdrawn words: enough to know them again, nothing to read. `code_sum`, the
    sum of their code points, spares hashing every place of a long text that they may stand at."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    code_sum: int = Field(ge=0, lt=2**62)

    @classmethod
    def of(cls, words: str) -> Self:
        return cls(sha256=sha256_of(words), code_sum=sum(map(ord, words)))


def sha256_of(words: str) -> str:
    return hashlib.sha256(words.encode("utf-8", "surrogatepass")).hexdigest()


class Withdrawal(BaseModel):
    """`start` and `end` are None where the whole source is withdrawn. `words` are those of the text
    that a passage was withdrawn from; None in lists from before they were kept."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    source_id: str
    start: int | None = Field(default=None, ge=0)
    end: int | None = Field(default=None, ge=0)
    words: Words | None = None
    reason: str
    by: str
    at: str

    @model_validator(mode="after")
    def _whole_or_a_span(self) -> Self:
        if self.start is None or self.end is None:
            if self.start is not self.end or self.words:
                raise ValueError("start, end and words go together")
        elif self.start > self.end:
            raise ValueError("the end lies before the start")
        return self

    @property
    def span(self) -> Span | None:
        """The place in the text that it was withdrawn from; None for a whole source."""
        if self.start is None or self.end is None:
            return None
        return Span(start=self.start, end=self.end)

    @property
    def target(self) -> str:
        return self.source_id if self.start is None else f"{self.source_id}:{self.start}-{self.end}"

    def replaces(self, other: Withdrawal) -> bool:
        """Whether the list needs `other` no more with this one on it: the same place and words. The
        same place of another text holds other words, and both stay."""
        return self.target == other.target and other.words in (None, self.words)


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
    that cannot be read, or that was there and is gone, raises `StoreError`, so that nothing
    withdrawn is shown by accident."""

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
                if stamp is None and self._seen.stamp is not None:
                    raise _gone("The list of withdrawn sources was there and is gone.")
                if stamp != self._seen.stamp:
                    self._seen = _Seen(stamp, self._place.read() if stamp else ())
                self._looked = now
            return self._seen.items

    def withdraw(
        self,
        source_id: str,
        span: Span | None,
        *,
        reason: str,
        by: str,
        words: Words | None = None,
    ) -> Withdrawal:
        """Add to the list and to the audit log; `words` are those at the span. The same target
        twice is kept once. Raises `NotLogged` where it is withdrawn and the log lacks it."""
        item = Withdrawal(
            source_id=source_id,
            start=span.start if span else None,
            end=span.end if span else None,
            words=words,
            reason=reason,
            by=by,
            at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        )
        self._update(lambda items: [*(w for w in items if not item.replaces(w)), item])
        with holds(f"{item.target} is withdrawn and stays so"):
            self._log("withdraw", item.target, reason, by)
        return item

    def restore(self, name: str, *, reason: str, by: str) -> bool:
        """Take what `names_of` calls so off the list; False where it was not on it. Raises
        `UnknownSource` where the place was withdrawn of several texts and `name` leaves open which,
        and `NotLogged` where it is put back and the log does not hold it."""
        found: Withdrawal | None = None

        def without(items: Sequence[Withdrawal]) -> list[Withdrawal]:
            nonlocal found
            found = _named(name, items)
            return [w for w in items if w is not found]

        self._update(without)
        if found is None:
            return False
        with holds(f"{name} is put back: answers can quote it again"):
            self._log("restore", name, reason, by)
        return True

    def note(self, action: str, target: str, *, by: str, reason: str = "") -> None:
        """Add a line to the audit log that changes nothing on the list, as of a sign-in."""
        self._log(action, target, reason, by)

    def log(self) -> list[dict[str, str]]:
        """Every line of the audit log, oldest first."""
        return self._place.logged()

    def _update(self, change: Change) -> None:
        self._look_again()
        self.items()  # one that is gone is not begun anew without what was on it
        self._place.update(change)
        self._look_again()

    def _look_again(self) -> None:
        with self._lock:
            self._looked = float("-inf")

    def _log(self, action: str, target: str, reason: str, by: str) -> None:
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        line = {"at": at, "by": by, "action": action, "target": target, "reason": reason}
        self._place.log(line)


class InFolder:
    """The list as a file of a state folder. Where there is no file, the audit log beside it tells
    whether there was one."""

    def __init__(self, var: Path) -> None:
        self._path = var / "withdrawn.json"
        self._audit = AuditFile(audit_path(var))
        self._never = False

    def stamp(self) -> tuple[int, int] | None:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            if not self._never:  # once is enough: who saw the list notices that it goes
                self._refuse_if_gone()
                self._never = True
            return None
        except OSError as error:
            raise _unreadable(str(self._path), error) from None
        return status.st_mtime_ns, status.st_ino

    def _refuse_if_gone(self) -> None:
        """Raises `StoreError` where the audit log has withdrawn what it never put back."""
        left: dict[str | None, None] = {}
        with contextlib.suppress(OSError):  # a log that cannot be read proves nothing
            for line in self._audit.lines():
                if line.get("action") == "withdraw":
                    left[line.get("target")] = None
                elif line.get("action") == "restore":
                    left.pop(line.get("target"), None)
        if left:
            raise _gone(
                f"The list of withdrawn sources {self._path} is gone. By the audit log "
                f"{self._audit.path} these are withdrawn: {', '.join(map(str, left))}."
            )

    def read(self) -> tuple[Withdrawal, ...]:
        try:
            return load_list(self._path.read_bytes(), str(self._path))
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise _unreadable(str(self._path), error) from None

    def update(self, change: Change) -> None:
        with _disk(f"The list of withdrawn sources {self._path} cannot be written", _UNCHANGED):
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
                self._never = False

    def log(self, line: dict[str, str]) -> None:
        with _disk(f"The audit log {self._audit.path} cannot be written"):
            self._audit.add(line)

    def logged(self) -> list[dict[str, str]]:
        with _disk(f"The audit log {self._audit.path} cannot be read"):
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
    return _File(withdrawn=list(items)).model_dump_json(indent=1, exclude_none=True)


def names_of(items: Sequence[Withdrawal]) -> dict[str, Withdrawal]:
    """Each withdrawal by the name that `restore` takes: its target; where the same place was
    withdrawn of several texts, with the beginning of its words' hash."""
    often = Counter(w.target for w in items)
    return {w.target if often[w.target] == 1 else _long_name(w): w for w in items}


def _long_name(item: Withdrawal) -> str:
    return f"{item.target}#{item.words.sha256[:12] if item.words else 'place'}"


def _named(name: str, items: Sequence[Withdrawal]) -> Withdrawal | None:
    names = names_of(items)
    several = [n for n, w in names.items() if w.target == name != n]
    if several:
        raise UnknownSource(
            f"{name} was withdrawn of {len(several)} versions of its document.",
            hint=f"Name one of them: {', '.join(several)}.",
        )
    return names.get(name)


def _unreadable(place: str, error: Exception) -> StoreError:
    return StoreError(
        f"The list of withdrawn sources {place} cannot be read: {error}",
        hint="Restore it from a backup; without it nothing is answered.",
    )


def _gone(what: str) -> StoreError:
    return StoreError(
        what,
        hint="Restore it from a backup; without it nothing is answered. Is BOT_PATHS__VAR still "
        'the same folder? Only where nothing must stay out, make a file with {"withdrawn": []}.',
    )


@contextlib.contextmanager
def _disk(what: str, then: str = "") -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"{what}: {error.strerror or error}.{then}",
            hint="Look at free space and write access of the state folder (BOT_PATHS__VAR).",
        ) from error


@contextlib.contextmanager
def holds(what: str) -> Iterator[None]:
    """What was changed holds, although the line of the log that belongs to it fails: then raises
    `NotLogged`, which says both."""
    try:
        yield
    except StoreError as error:
        raise NotLogged(f"{what}. But nobody can see who did it, and why: {error}") from error
