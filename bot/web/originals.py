"""The original file of a PDF source, as it was when its text was read and not otherwise: what
stands beside the text must be what the text was taken from.

A file is found by the id of a document of the index, never by a path from outside.
"""

from __future__ import annotations

from pathlib import Path

from bot.indexing.scanning import find_file
from bot.records import SourceDocument


def is_pdf(source_id: str) -> bool:
    return source_id.lower().endswith(".pdf")


class Originals:
    """The originals in one knowledge folder."""

    def __init__(self, folder: Path, *, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes

    def pdf(self, document: SourceDocument) -> bytes | None:
        """The bytes of a PDF; None where the document is none, or where its file is gone or is
        not the one that was indexed (with its sidecar, which is part of the hash)."""
        if not is_pdf(document.info.source_id):
            return None
        found = find_file(self._folder, document.info.source_id, self._max_bytes)
        if found is None or found.error is not None or found.file_hash != document.file_hash:
            return None
        return found.data
