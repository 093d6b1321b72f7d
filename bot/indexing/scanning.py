"""Which files of the knowledge folder are documents. Reads names and bytes, understands neither."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.errors import (
    DocumentError,
    LinkOutside,
    OversizedDocument,
    SidecarWithoutDocument,
    StoreError,
    UnreadableDocument,
)
from bot.front_matter import SIDECAR_SUFFIX, file_hash
from bot.gaps import FILE_NAME as GAPS_FILE

_NOT_DOCUMENTS = frozenset({GAPS_FILE, "README.md"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFile:
    """A file that should become a document: `error` says why its bytes could not be had.
    `file_hash` covers document and `sidecar`, `content_hash` the document's bytes alone."""

    source_id: str
    data: bytes
    file_hash: str
    sidecar: bytes | None = None
    content_hash: str = ""
    error: DocumentError | None = None


def find_files(
    folder: Path, max_bytes: int, *, only: Container[str] | None = None
) -> Iterator[FoundFile]:
    """The documents below `folder`, by path; of those named in `only`, where it is given, and no
    other is opened. Hidden files and names that start with `_` are not documents; `NAME.meta.yaml`
    belongs to the document NAME. Raises `StoreError` where the folder is missing."""
    if not folder.is_dir():
        raise StoreError(
            f"There is no folder {folder}.",
            hint="Name the folder with your documents: python ingest.py FOLDER",
        )
    root = folder.resolve()
    paths = sorted(folder.rglob("*"))
    names = {path.relative_to(folder).as_posix() for path in paths}
    for path in paths:
        relative = path.relative_to(folder)
        if path.name in _NOT_DOCUMENTS:
            continue
        if any(part.startswith((".", "_")) for part in relative.parts):
            continue
        source_id = relative.as_posix()
        if only is not None and _shown(source_id) not in only:
            continue
        if source_id.endswith(SIDECAR_SUFFIX):
            if source_id.removesuffix(SIDECAR_SUFFIX) not in names:
                yield _failed(source_id, _without_document(source_id))
            continue
        found = _read(path, source_id, root, max_bytes, f"{source_id}{SIDECAR_SUFFIX}" in names)
        if found is not None:
            yield found


def _shown(source_id: str) -> str:
    """The name as it can be written in a report: a file name need not be UTF-8."""
    return source_id.encode("utf-8", "replace").decode("utf-8")


def _failed(source_id: str, error: DocumentError) -> FoundFile:
    return FoundFile(source_id=source_id, data=b"", file_hash="", error=error)


def _without_document(source_id: str) -> SidecarWithoutDocument:
    name = source_id.removesuffix(SIDECAR_SUFFIX)
    return SidecarWithoutDocument(f"there is no document {name} beside it", source_id=source_id)


def _read(
    path: Path, source_id: str, root: Path, max_bytes: int, has_sidecar: bool
) -> FoundFile | None:
    """A file's bytes and those of its sidecar; None for a folder."""
    try:
        if (shown := _shown(source_id)) != source_id:
            return _failed(
                shown,
                UnreadableDocument(
                    "the file's name is not UTF-8", source_id=shown, hint="Give it another name."
                ),
            )
        _check_inside(path, source_id, root)
        if path.is_dir():
            return None
        data = _bytes_of(path, source_id, max_bytes)
        sidecar: bytes | None = None
        if has_sidecar:
            beside = path.with_name(path.name + SIDECAR_SUFFIX)
            _check_inside(beside, source_id + SIDECAR_SUFFIX, root)
            sidecar = _bytes_of(beside, source_id + SIDECAR_SUFFIX, max_bytes)
    except DocumentError as error:
        return _failed(source_id, error)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return _failed(
            source_id,
            UnreadableDocument(f"the file cannot be opened: {reason}", source_id=source_id),
        )
    return FoundFile(
        source_id=source_id,
        data=data,
        sidecar=sidecar,
        file_hash=file_hash(data, sidecar),
        content_hash=hashlib.sha256(data).hexdigest(),
    )


def _check_inside(path: Path, source_id: str, root: Path) -> None:
    try:
        inside = path.resolve().is_relative_to(root)
    except (OSError, RuntimeError):  # RuntimeError: links that lead to each other (Python 3.11)
        raise UnreadableDocument(
            "the link leads nowhere", source_id=source_id, hint="Remove the link."
        ) from None
    if not inside:
        raise LinkOutside("the link leads out of the knowledge folder", source_id=source_id)


def _bytes_of(path: Path, source_id: str, max_bytes: int) -> bytes:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        # Reading a pipe or a device would wait for ever.
        raise UnreadableDocument("this is no ordinary file", source_id=source_id)
    if status.st_size <= max_bytes:
        with path.open("rb") as stream:
            data = stream.read(max_bytes + 1)
        if len(data) <= max_bytes:
            return data
    raise OversizedDocument(
        f"the file has {status.st_size:,} bytes; at most {max_bytes:,} are read",
        source_id=source_id,
        hint="Split it, or raise BOT_CHUNKING__MAX_DOCUMENT_BYTES.",
    )
