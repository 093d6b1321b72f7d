"""Which files of the knowledge folder are documents. Reads names and bytes, understands neither."""

from __future__ import annotations

import errno
import hashlib
import os
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
_HINTS = {
    errno.EACCES: "Give this user the right to read it, then run the ingest again.",
    errno.ENOENT: "It is a link to a file that is gone. Remove it, or copy the file in its place.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFile:
    """A file that should become a document: `error` says why its bytes could not be had.
    `file_hash` covers document and `sidecar`, `content_hash` the document's bytes alone. `folder`
    marks a folder that could not be opened: what lies in it is not known."""

    source_id: str
    data: bytes
    file_hash: str
    sidecar: bytes | None = None
    content_hash: str = ""
    error: DocumentError | None = None
    folder: bool = False


def find_files(
    folder: Path, max_bytes: int, *, only: Container[str] | None = None
) -> Iterator[FoundFile]:
    """The documents below `folder`, by path; of those named in `only`, where it is given, and no
    other is opened. Hidden files and names that start with `_` are not documents; `NAME.meta.yaml`
    belongs to the document NAME. A folder below that cannot be opened is named, with its error.
    Raises `StoreError` where the folder itself is missing or cannot be opened."""
    if not folder.is_dir():
        raise StoreError(
            f"There is no folder {folder}.",
            hint="Name the folder with your documents: python ingest.py FOLDER",
        )
    root = folder.resolve()
    names, closed = _names(folder)
    present = set(names)
    for source_id in sorted([*names, *closed], key=lambda name: name.split("/")):
        if only is not None and _shown(source_id) not in only:
            continue
        if source_id in closed:
            yield _closed(source_id, closed[source_id])
            continue
        if source_id.endswith(SIDECAR_SUFFIX):
            if source_id.removesuffix(SIDECAR_SUFFIX) not in present:
                yield _failed(source_id, _without_document(source_id))
            continue
        described = f"{source_id}{SIDECAR_SUFFIX}" in present
        found = _read(folder / source_id, source_id, root, max_bytes, described)
        if found is not None:
            yield found


def _names(folder: Path) -> tuple[list[str], dict[str, OSError]]:
    """What may be documents, and the folders that could not be opened. Links to folders are named,
    not followed: a document has one name, and a link to a folder above would have no end."""
    names: list[str] = []
    closed: dict[str, OSError] = {}

    def unopened(error: OSError) -> None:
        # A folder that is skipped in silence would look as if its documents had been removed.
        closed[Path(error.filename).relative_to(folder).as_posix()] = error

    for here, folders, files in os.walk(folder, onerror=unopened):
        place = Path(here)
        below = place.relative_to(folder).as_posix()
        before = "" if below == "." else f"{below}/"
        folders[:] = [name for name in folders if not name.startswith((".", "_"))]
        links = [name for name in folders if (place / name).is_symlink()]
        names += [
            before + name
            for name in [*files, *links]
            if not name.startswith((".", "_")) and name not in _NOT_DOCUMENTS
        ]
    if "." in closed:
        raise StoreError(
            f"The folder {folder} cannot be opened: {_reason(closed['.'])}.",
            hint="Give this user the right to read it, then run the ingest again.",
        )
    return names, closed


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__


def find_file(folder: Path, source_id: str, max_bytes: int) -> FoundFile | None:
    """The one document of this id, as `find_files` gives it; None where there is none."""
    path = folder / source_id
    beside = path.with_name(path.name + SIDECAR_SUFFIX)
    return _read(path, source_id, folder.resolve(), max_bytes, beside.is_file())


def _shown(source_id: str) -> str:
    """The name as it can be written in a report: a file name need not be UTF-8."""
    return source_id.encode("utf-8", "replace").decode("utf-8")


def _failed(source_id: str, error: DocumentError) -> FoundFile:
    return FoundFile(source_id=source_id, data=b"", file_hash="", error=error)


def _closed(source_id: str, error: OSError) -> FoundFile:
    shown = _shown(source_id)
    failure = UnreadableDocument(
        f"the folder cannot be opened: {_reason(error)}",
        source_id=shown,
        hint="Give this user the right to read the folder, then run the ingest again; what was "
        "indexed from it before stays.",
    )
    return FoundFile(source_id=shown, data=b"", file_hash="", error=failure, folder=True)


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
        return _failed(
            source_id,
            UnreadableDocument(
                f"the file cannot be opened: {_reason(error)}",
                source_id=source_id,
                hint=_HINTS.get(error.errno or 0, UnreadableDocument.hint),
            ),
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
        raise UnreadableDocument(
            "this is no ordinary file",
            source_id=source_id,
            hint="It is a pipe, a socket or a device. Remove it from the folder.",
        )
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
