"""A file of lines that is only ever added to, by several processes at once.

One rule: a line is on disk, whole, when the one who added it goes on. Where a crash or a full disk
left half a line, the next one begins on its own.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_BLOCK = 65_536


class Lines:
    """The file while nobody else adds to it: its size in bytes and its last line, empty where
    there is none."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.size = file.seek(0, os.SEEK_END)
        self.last, self._ended = _last_line(file)

    def add(self, line: bytes) -> None:
        """Add a line, given without its line break. Raises `OSError` where not all of it could be
        written."""
        # A buffered file: it writes on after a short write, or raises.
        self._file.write((b"" if self._ended else b"\n") + line + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())


@contextmanager
def appending(path: Path, *, mode: int = 0o666) -> Iterator[Lines]:
    """Hold the file at `path` to add to it; `mode` where it is made for that. Raises `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, mode)
    with os.fdopen(handle, "a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield Lines(file)


def _last_line(file: IO[bytes]) -> tuple[bytes, bool]:
    """The last line of a file, and whether it ends with a line break; no line counts as ended."""
    at = file.seek(0, os.SEEK_END)
    tail = b""
    while at and tail.rstrip(b"\n").count(b"\n") == 0:
        begin = max(0, at - _BLOCK)
        file.seek(begin)
        tail = file.read(at - begin) + tail
        at = begin
    lines = tail.splitlines()
    return (lines[-1], tail.endswith(b"\n")) if lines else (b"", True)
