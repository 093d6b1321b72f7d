"""The audit log as a file: one JSON object a line, only ever added to. Each line holds the SHA-256
of the line before it (`before`), so a line that was changed, taken out or put in shows.

What the chain alone cannot show is that lines were cut off at the end, or the whole log written
anew: for that, keep what `check` gives as `last` in another place. Lines from before the chain was
brought in have no hash and are read all the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.appending import appending

_BEFORE = "before"
TORN = "a line that cannot be read"
"""The `action` of a line that a crash cut off, or that is no JSON object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """What a check found: how many lines there are, how many of them hold a hash, the hash of the
    last one, and what is wrong, if anything."""

    lines: int
    chained: int
    last: str | None
    fault: str | None = None


class AuditFile:
    """The log at `path`; there is none before the first line. Several processes may add to it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, line: Mapping[str, str]) -> None:
        """Add a line, on disk when this returns. Raises `OSError`."""
        with appending(self.path) as log:
            entry = json.dumps({**line, _BEFORE: _hash(log.last)}, ensure_ascii=False)
            log.add(entry.encode("utf-8"))

    def lines(self) -> list[dict[str, str]]:
        """Every line, oldest first; in place of one that cannot be read, an entry that says so."""
        return [_read(raw) or {"action": TORN} for raw in self._raw()]

    def check(self) -> Chain:
        """Follow the chain from the first line to the last."""
        raw = self._raw()
        chained = 0
        last = b""
        fault = None
        for number, line in enumerate(raw, start=1):
            entry = _read(line)
            before = entry.get(_BEFORE) if entry else None
            if before is not None:
                chained += 1
                if before != _hash(last):
                    fault = f"line {number} does not follow from the line before it"
            elif entry is None:
                fault = f"line {number} cannot be read"
            elif chained:
                fault = f"line {number} holds no hash of the line before it"
            if fault:
                break
            last = line
        return Chain(
            lines=len(raw),
            chained=chained,
            last=_hash(raw[-1]) if raw else None,
            fault=fault,
        )

    def _raw(self) -> list[bytes]:
        try:
            return self.path.read_bytes().splitlines()
        except FileNotFoundError:
            return []


def _hash(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()


def _read(raw: bytes) -> dict[str, str] | None:
    try:
        entry = json.loads(raw)
    except ValueError:
        return None
    return {str(k): str(v) for k, v in entry.items()} if isinstance(entry, dict) else None
