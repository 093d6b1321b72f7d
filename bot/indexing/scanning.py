"""Which files of the knowledge folder are documents. Reads names and bytes, understands neither."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.errors import DocumentError, StoreError, UnreadableDocument
from bot.gaps import FILE_NAME as GAPS_FILE

_NOT_DOCUMENTS = frozenset({GAPS_FILE, "README.md"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFile:
    """A file that should become a document: `error` says why its bytes could not be had."""

    source_id: str
    data: bytes
    file_hash: str
    error: DocumentError | None = None


def find_files(folder: Path, max_bytes: int) -> Iterator[FoundFile]:
    """The documents below `folder`, by path. Hidden files and names that start with `_` are not
    documents. Raises `StoreError` where the folder is missing."""
    if not folder.is_dir():
        raise StoreError(
            f"There is no folder {folder}.",
            hint="Name the folder with your documents: python ingest.py FOLDER",
        )
    root = folder.resolve()
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.is_dir() or path.name in _NOT_DOCUMENTS:
            continue
        if any(part.startswith((".", "_")) for part in relative.parts):
            continue
        yield _read(path, relative.as_posix(), root, max_bytes)


def _read(path: Path, source_id: str, root: Path, max_bytes: int) -> FoundFile:
    try:
        if not path.resolve().is_relative_to(root):
            raise UnreadableDocument(
                "the link leads out of the knowledge folder",
                source_id=source_id,
                hint="Copy the file into the folder instead of linking to it.",
            )
        size = path.stat().st_size
        if size > max_bytes:
            raise UnreadableDocument(
                f"the file has {size:,} bytes; at most {max_bytes:,} are read",
                source_id=source_id,
                hint="Split it, or raise BOT_CHUNKING__MAX_DOCUMENT_BYTES.",
            )
        data = path.read_bytes()
    except DocumentError as error:
        return FoundFile(source_id=source_id, data=b"", file_hash="", error=error)
    except OSError as error:
        problem = UnreadableDocument(
            f"the file cannot be opened: {error.strerror}", source_id=source_id
        )
        return FoundFile(source_id=source_id, data=b"", file_hash="", error=problem)
    return FoundFile(source_id=source_id, data=data, file_hash=hashlib.sha256(data).hexdigest())
