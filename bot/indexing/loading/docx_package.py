"""The zip file around a Word document: checked whole before anything in it is parsed."""

from __future__ import annotations

import re
import zipfile
import zlib
from io import BytesIO

from bot.errors import DecompressionBomb, EncryptedDocument, TruncatedDocument, UnreadableDocument
from bot.indexing.loading.limits import Limits

_MAX_PARTS = 5_000
_MAX_RATIO = 200
_RATIO_FROM = 5_000_000
"""Below this many bytes a high ratio is only an empty page's XML."""
_XML = re.compile(r"\.(?:xml|rels|vml)$", re.IGNORECASE)
_XML_SHARE = 3
"""XML takes about ten times its bytes in memory, pictures are not read at all."""
_READ = 1 << 16


def check_package(source_id: str, data: bytes, limits: Limits) -> None:
    """Look at the directory, then unpack every part with a counter, keeping none of it.

    Raises `TruncatedDocument`, `UnreadableDocument`, `EncryptedDocument`, `DecompressionBomb`
    (too many bytes or parts, too strongly packed, or XML that defines entities).
    """
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            parts = archive.infolist()
            _check_directory(source_id, parts, len(data), limits)
            total = 0
            for part in parts:
                total += _read_part(source_id, archive, part, limits.max_unpacked_bytes - total)
    except (zipfile.BadZipFile, EOFError, zlib.error, OSError, NotImplementedError, ValueError):
        raise TruncatedDocument(
            "the Word document is cut off or damaged", source_id=source_id
        ) from None


def _check_directory(
    source_id: str, parts: list[zipfile.ZipInfo], size: int, limits: Limits
) -> None:
    if any(part.flag_bits & 0x1 for part in parts):
        raise EncryptedDocument("the file opens only with a password", source_id=source_id)
    if len(parts) > _MAX_PARTS:
        raise DecompressionBomb(
            f"the document has {len(parts):,} parts; at most {_MAX_PARTS:,} are read",
            source_id=source_id,
        )
    unpacked = sum(part.file_size for part in parts)
    if unpacked > limits.max_unpacked_bytes:
        raise _too_much(source_id, f"{unpacked:,}", limits.max_unpacked_bytes)
    xml = sum(part.file_size for part in parts if _XML.search(part.filename))
    most_xml = limits.max_unpacked_bytes // _XML_SHARE
    if xml > most_xml:
        raise DecompressionBomb(
            f"the document holds {xml:,} bytes of XML; at most {most_xml:,} are read",
            source_id=source_id,
        )
    if unpacked > _RATIO_FROM and unpacked > _MAX_RATIO * size:
        raise DecompressionBomb(
            f"the document unpacks to {unpacked // size:,} times its size", source_id=source_id
        )
    if not any(part.filename == "word/document.xml" for part in parts):
        raise UnreadableDocument("the file holds no Word document", source_id=source_id)


def _read_part(source_id: str, archive: zipfile.ZipFile, part: zipfile.ZipInfo, room: int) -> int:
    """Unpack one part; its checksum is compared on the way. Returns its size."""
    count, tail = 0, b""
    is_xml = bool(_XML.search(part.filename))
    with archive.open(part) as stream:
        while piece := stream.read(_READ):
            count += len(piece)
            if count > room:
                raise _too_much(source_id, "more", room)
            if is_xml:
                # Word writes no document type; only there can XML define entities.
                seen = (tail + piece).replace(b"\x00", b"")
                if b"<!DOCTYPE" in seen or b"<!ENTITY" in seen:
                    raise DecompressionBomb(
                        f"the part {part.filename[:80]} defines entities of its own",
                        source_id=source_id,
                    )
                tail = piece[-32:]
    return count


def _too_much(source_id: str, found: str, most: int) -> DecompressionBomb:
    return DecompressionBomb(
        f"the document unpacks to {found} bytes; at most {most:,} are read", source_id=source_id
    )
