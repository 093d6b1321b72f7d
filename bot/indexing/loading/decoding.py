"""Bytes to text. An encoding is known (UTF-8, a byte order mark, a declaration) or refused."""

from __future__ import annotations

import codecs
import re

from bot.errors import UnreadableDocument, WrongEncoding

_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.I)
_XML = re.compile(rb"^\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]{2,40})[\"']", re.I)
# What browsers read under these names.
_AS_BROWSERS = {"iso-8859-1": "cp1252", "latin-1": "cp1252", "latin1": "cp1252", "ascii": "cp1252"}
# Bytes that stand for quotes and dashes in Windows-1252 and for nothing in UTF-8.
_WINDOWS = re.compile(rb"[\x91-\x97\xa3\xb0\xb5\xe0-\xff]")


def decode_text(source_id: str, data: bytes) -> str:
    """Text in UTF-8, or in UTF-16 with a byte order mark.

    Raises `WrongEncoding` with the line, `UnreadableDocument` for binary data.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _binary_refused(source_id, _strict(source_id, data, "utf-16"))
    return _binary_refused(source_id, _strict(source_id, data, "utf-8-sig"))


def decode_html(source_id: str, data: bytes) -> str:
    """Text of a web page: byte order mark, then UTF-8, then the encoding that it declares."""
    declared = _XML.search(data[:1024]) or _CHARSET.search(data[:4096])
    if not declared or data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return decode_text(source_id, data)
    try:
        return _binary_refused(source_id, data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        name = declared.group(1).decode("ascii").lower()
    try:
        codec = codecs.lookup(_AS_BROWSERS.get(name, name))
        text = codec.decode(data, "strict")[0]
    except (LookupError, UnicodeError, ValueError):
        text = None
    if not isinstance(text, str):
        raise WrongEncoding(
            f"the text is not in the encoding that the page declares ({name})", source_id=source_id
        )
    return _binary_refused(source_id, text)


def _strict(source_id: str, data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise WrongEncoding(
            f"the file is not {'UTF-16' if encoding == 'utf-16' else 'UTF-8'} text",
            source_id=source_id,
            line=line,
            hint=_advice(data),
        ) from None


def _advice(data: bytes) -> str:
    if _every_other_is_zero(data):
        return "It looks like UTF-16 without a mark. Save it again with the encoding UTF-8."
    if _WINDOWS.search(data):
        return "It looks like Windows-1252 (ANSI). Save it again with the encoding UTF-8."
    return WrongEncoding.hint


def _every_other_is_zero(data: bytes) -> bool:
    return data[:200].count(0) > len(data[:200]) // 4


def _binary_refused(source_id: str, text: str) -> str:
    # English in UTF-16 is good UTF-8, too: each letter and a zero.
    if _every_other_is_zero(start := text[:200].encode("utf-8", "replace")):
        raise WrongEncoding(
            "the file is not UTF-8 text", source_id=source_id, line=1, hint=_advice(start)
        )
    if "\x00" in text:
        raise UnreadableDocument(
            "the file holds binary data, not text",
            source_id=source_id,
            line=text[: text.index("\x00")].count("\n") + 1,
        )
    return text
