"""PDF files: opened, examined for what cannot be quoted, and read page by page."""

from __future__ import annotations

import logging
import re
from datetime import date
from io import BytesIO
from typing import Any

import pypdf
from pypdf import PasswordType, PdfReader
from pypdf.errors import DependencyError, LimitReachedError
from pypdf.generic import EncodedStreamObject, IndirectObject, PdfObject

from bot.errors import (
    DecompressionBomb,
    DocumentError,
    EncryptedDocument,
    OversizedDocument,
    ScannedDocument,
    TruncatedDocument,
    UnreadableDocument,
)
from bot.indexing.loading.blocks import Block, Extract, tidy
from bot.indexing.loading.limits import Limits
from bot.indexing.loading.metadata import (
    believable_authors,
    believable_date,
    believable_title,
    first_heading,
    language_of,
)
from bot.indexing.loading.pdf_drawing import Budget, Drawer, TooMuchDrawing
from bot.indexing.loading.pdf_layout import Line, lines_in_order
from bot.indexing.loading.pdf_lines import blocks_of

_END = re.compile(rb"%%EOF")
_END_WITHIN = 2_048
_LENGTH = re.compile(rb"/Linearized\b[^>]{0,200}?/L\s+(\d+)|/L\s+(\d+)[^>]{0,200}?/Linearized\b")
_MIN_LETTERS = 20
"""Fewer letters than this on all pages together is a stamp on scanned pages, not a text."""
_MAX_UNKNOWN = 0.2

# It reports every flaw that it mends; what cannot be mended becomes an error here.
logging.getLogger("pypdf").setLevel(logging.CRITICAL)


def read_pdf(source_id: str, data: bytes, limits: Limits) -> Extract:
    """The text of a PDF with its pages, and its metadata.

    Raises `TruncatedDocument`, `EncryptedDocument`, `ScannedDocument`, `OversizedDocument` (too
    many pages), `DecompressionBomb`, `UnreadableDocument`.
    """
    _check_end(source_id, data)
    most = limits.max_unpacked_bytes // 2  # for one stream; the budget bounds them together
    try:
        with pypdf.apply_configuration(
            zlib_maximum_output_length=most,
            lzw_maximum_output_length=most,
            run_length_maximum_output_length=most,
            array_based_stream_maximum_output_length=most,
            maximum_declared_stream_length=max(len(data), 1),
        ):
            budget = Budget(limits)
            reader = _open(source_id, data, budget)
            pages = _pages(source_id, reader, limits, Drawer(budget))
            blocks = _blocks(source_id, pages)
            fields = _metadata(reader, blocks)
    except (TooMuchDrawing, LimitReachedError, RecursionError, MemoryError):
        raise DecompressionBomb(
            "the PDF unpacks or repeats to more than is read", source_id=source_id
        ) from None
    except DocumentError:
        raise
    except DependencyError:
        raise EncryptedDocument(
            "the file is encrypted in a way that cannot be opened", source_id=source_id
        ) from None
    except Exception as error:  # The library meets hostile bytes with whatever it trips over.
        raise UnreadableDocument(
            f"the PDF is damaged: {str(error)[:120] or type(error).__name__}",
            source_id=source_id,
            hint="Copy or export the file again.",
        ) from None
    return Extract(blocks=tuple(blocks), fields=fields)


def _check_end(source_id: str, data: bytes) -> None:
    """A PDF ends with a mark, and one made for the web says how long it is."""
    length = _LENGTH.search(data[:2_048])
    said = int(next(g for g in length.groups() if g)) if length else 0
    if not _END.search(data[-_END_WITHIN:]) or said > len(data):
        raise TruncatedDocument("the end of the PDF is missing", source_id=source_id)


class _Reader(PdfReader):
    """A reader that counts what packed objects unpack to: each of them stays in memory."""

    def __init__(self, data: bytes, budget: Budget) -> None:
        self._budget = budget
        self._packed: list[Any] = []
        super().__init__(BytesIO(data), strict=False)

    def get_object(self, indirect_reference: int | IndirectObject) -> PdfObject | None:
        for stream in [s for s in self._packed if s.decoded_self is not None]:
            self._budget.spend(unpacked=len(stream.get_data()))
            self._packed.remove(stream)
        found = super().get_object(indirect_reference)
        if (
            isinstance(found, EncodedStreamObject)
            and found.get("/Type") == "/ObjStm"
            and found.decoded_self is None
        ):
            self._packed.append(found)
        return found


def _open(source_id: str, data: bytes, budget: Budget) -> PdfReader:
    reader = _Reader(data, budget)
    # Many leaflets are locked against changes only: they open with an empty password.
    if reader.is_encrypted and reader.decrypt("") == PasswordType.NOT_DECRYPTED:
        raise EncryptedDocument("the file opens only with a password", source_id=source_id)
    return reader


def _pages(source_id: str, reader: PdfReader, limits: Limits, drawer: Drawer) -> list[list[Line]]:
    count = len(reader.pages)
    if count > limits.max_pages:
        raise OversizedDocument(
            f"the PDF has {count:,} pages; at most {limits.max_pages:,} are read",
            source_id=source_id,
            hint="Split it, or raise BOT_CHUNKING__MAX_DOCUMENT_PAGES.",
        )
    if count == 0:
        raise UnreadableDocument("the PDF has no pages", source_id=source_id)
    return [lines_in_order(drawer.draw(page)) for page in reader.pages]


def _blocks(source_id: str, pages: list[list[Line]]) -> list[Block]:
    text = "".join(
        line.text + "".join(cell.text for row in line.grid or () for cell in row)
        for page in pages
        for line in page
    )
    letters = sum(character.isalpha() for character in text)
    if letters < _MIN_LETTERS:
        raise ScannedDocument(
            "there is no text in the PDF, only pictures of pages", source_id=source_id
        )
    unknown = sum(c == "\ufffd" or "\ue000" <= c <= "\uf8ff" or c < " " for c in text)
    if unknown > _MAX_UNKNOWN * len(text):
        raise UnreadableDocument(
            "the PDF's fonts do not say which letters they draw",
            source_id=source_id,
            hint="Export it again with embedded fonts, or run text recognition (OCR) over it.",
        )
    return blocks_of(pages)


def _metadata(reader: PdfReader, blocks: list[Block]) -> dict[str, Any]:
    """What the file says of itself. Broken metadata is no reason to refuse the text."""
    try:
        info = reader.metadata
        values = {
            "title": believable_title(info.title) if info else None,
            "authors": believable_authors([info.author]) if info else (),
            "published": _date(info),
        }
    except Exception:
        values = {}
    try:
        language = reader.root_object.get("/Lang")
        publishers = (reader.xmp_metadata.dc_publisher or []) if reader.xmp_metadata else []
    except Exception:
        language, publishers = None, []
    values["language"] = language_of(language)
    values["publisher"] = tidy(str(publishers[0])) if publishers else None
    values["title"] = values.get("title") or first_heading(b for b in blocks if b.page == 1)
    return values


def _date(info: Any) -> date | None:
    for name in ("modification_date", "creation_date"):
        try:
            found = believable_date(getattr(info, name))
        except Exception:
            found = None
        if found:
            return found
    return None
