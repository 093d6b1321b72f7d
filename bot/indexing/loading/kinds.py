"""What a file is by its first bytes, whatever its name says."""

from __future__ import annotations

import re
import zipfile
from io import BytesIO
from typing import Literal

from bot.errors import EmptyDocument, EncryptedDocument, UnknownFormat, WrongType

Kind = Literal["markdown", "text", "html", "pdf", "docx"]

SUFFIXES: dict[str, Kind] = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".txt": "text",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".pdf": "pdf",
    ".docx": "docx",
}

_NAMES = {
    "pdf": "a PDF",
    "docx": "a Word document (.docx)",
    "html": "a web page (HTML)",
    "doc": "an old Word or Office file (.doc, .xls, .ppt)",
    "rtf": "a rich text file (.rtf)",
    "image": "a picture",
    "zip": "a zip archive",
    "text": "plain text or something else",
}
_ACCEPTED: dict[Kind, frozenset[str]] = {
    "markdown": frozenset({"text", "html"}),
    "text": frozenset({"text", "html"}),
    "html": frozenset({"text", "html"}),
    "pdf": frozenset({"pdf"}),
    "docx": frozenset({"docx"}),
}
_IMAGES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\x00", b"MM\x00*")
_HTML = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--(?:(?!-->).)*-->\s*)*<(?:!doctype\s+html|html)\b", re.I | re.S
)
# A Word file with a password is an OLE file with this stream, its name in UTF-16.
_ENCRYPTED_STREAM = "EncryptedPackage".encode("utf-16-le")


def kind_of(source_id: str, data: bytes) -> Kind:
    """The kind that the name says, if the bytes agree.

    Raises `UnknownFormat`, `EmptyDocument`, `WrongType`, `EncryptedDocument` (Word).
    """
    expected = SUFFIXES.get(_suffix_of(source_id))
    if expected is None:
        known = ", ".join(sorted(SUFFIXES))
        raise UnknownFormat(
            f"no loader takes this kind of file (known: {known})", source_id=source_id
        )
    if not data.strip():
        raise EmptyDocument("the file is empty", source_id=source_id)
    found = _sniff(data)
    if expected == "pdf" and b"%PDF-" in data[:1024]:
        found = "pdf"  # a little may stand before its mark
    if found == "doc" and _ENCRYPTED_STREAM in data:
        raise EncryptedDocument("the file opens only with a password", source_id=source_id)
    if found not in _ACCEPTED[expected]:
        said = {"markdown": "Markdown text", "text": "plain text"}.get(expected) or _NAMES[expected]
        raise WrongType(
            f"the name says {said}, but the file is {_NAMES[found]}", source_id=source_id
        )
    return expected


def _suffix_of(source_id: str) -> str:
    name = source_id.rsplit("/", 1)[-1]
    return "." + name.rsplit(".", 1)[-1].lower() if "." in name else ""


def _sniff(data: bytes) -> str:
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "docx" if _is_word(data) else "zip"
    if data.lstrip().startswith(b"%PDF-"):
        return "pdf"
    if data.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return "doc"
    if data.startswith(b"{\\rtf"):
        return "rtf"
    if data.startswith(_IMAGES):
        return "image"
    if _HTML.match(data[:4096].removeprefix(b"\xef\xbb\xbf")):
        return "html"
    return "text"


def _is_word(data: bytes) -> bool:
    """Whether a zip file is a Word document. One that cannot be opened is left to the loader: it
    is cut off or damaged, not of another kind."""
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            return any(name.startswith("word/") for name in archive.namelist())
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
        return b"[Content_Types].xml" in data[:4096] or b"word/" in data
