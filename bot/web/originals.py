"""The original file of a PDF source, as it was when its text was read and not otherwise: what
stands beside the text must be what the text was taken from.

A file is found by the id of a document of the index, never by a path from outside. What is sent is
compared with the index each time; for whether it can be, what a file had when it was last read is
remembered for as long as nothing about it changes.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path

from bot.front_matter import SIDECAR_SUFFIX
from bot.indexing.scanning import FoundFile, find_file
from bot.records import SourceDocument

_MOST = 1_000
_Stamp = tuple[object, ...]


def is_pdf(source_id: str) -> bool:
    return source_id.lower().endswith(".pdf")


class Originals:
    """The originals in one knowledge folder. At most so many are remembered."""

    def __init__(self, folder: Path, *, max_bytes: int, most: int = _MOST) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._most = most
        self._hashes: OrderedDict[str, tuple[_Stamp, str]] = OrderedDict()
        self._lock = threading.Lock()

    def pdf(self, document: SourceDocument) -> bytes | None:
        """The bytes of a PDF; None where the document is none, or where its file is gone or is
        not the one that was indexed (with its sidecar, which is part of the hash)."""
        if not is_pdf(document.info.source_id):
            return None
        found = self._read(document.info.source_id)
        return found.data if found and found.file_hash == document.file_hash else None

    def shows(self, document: SourceDocument) -> bool:
        """Whether `pdf` has bytes to give. Read again only where the file changed."""
        source_id = document.info.source_id
        return is_pdf(source_id) and self._hash_of(source_id) == document.file_hash

    def _hash_of(self, source_id: str) -> str:
        """The hash of file and sidecar; empty where there is none to show."""
        # Before it is read: what changes meanwhile has another stamp the next time.
        stamp = self._stamp(source_id)
        with self._lock:
            known = self._hashes.get(source_id)
        if known and known[0] == stamp:
            return known[1]
        found = self._read(source_id)
        file_hash = found.file_hash if found else ""
        with self._lock:
            self._hashes[source_id] = stamp, file_hash
            self._hashes.move_to_end(source_id)
            while len(self._hashes) > self._most:
                self._hashes.popitem(last=False)
        return file_hash

    def _read(self, source_id: str) -> FoundFile | None:
        found = find_file(self._folder, source_id, self._max_bytes)
        return found if found and found.error is None else None

    def _stamp(self, source_id: str) -> _Stamp:
        """What is another when file or sidecar are: the time of the last change of any kind, too,
        which no program sets back, and where a link leads."""
        path = self._folder / source_id
        return tuple(map(_stamp_of, (path, path.with_name(path.name + SIDECAR_SUFFIX))))


def _stamp_of(path: Path) -> _Stamp | None:
    try:
        status, place = path.stat(), path.resolve()
    except (OSError, RuntimeError):  # RuntimeError: links that lead to each other (Python 3.11)
        return None
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino, place
