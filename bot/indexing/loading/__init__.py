"""Loaders: bytes in, `SourceDocument` out, one a kind of file. They raise, they never guess.

A document's canonical text is what the source reader shows and what every span counts in: one
line a heading, paragraph or list item (`- ` before it), blocks parted by an empty line.
"""

from __future__ import annotations

from bot.errors import EmptyDocument, FrontMatterError
from bot.front_matter import Fields, file_hash, read_front_matter, read_sidecar, source_info
from bot.indexing.loading.blocks import DocumentBuilder, Extract, build
from bot.indexing.loading.decoding import decode_html, decode_text
from bot.indexing.loading.kinds import Kind, kind_of
from bot.indexing.loading.limits import Limits
from bot.indexing.loading.markdown import read_markdown, read_plain_text
from bot.indexing.loading.metadata import first_heading, title_from_name
from bot.records import SourceDocument, SourceInfo
from bot.text import canonical

__all__ = ["LOADER_VERSION", "NO_FACT", "Limits", "load"]

LOADER_VERSION = 2
"""Part of the index fingerprint: raise it when a loader's output changes."""

NO_FACT = "-"
"""The reference key of a sentence that states no fact."""


def load(
    source_id: str, data: bytes, *, sidecar: bytes | None = None, limits: Limits | None = None
) -> SourceDocument:
    """Load one document by the suffix of `source_id`, with the metadata of its sidecar over its
    own. Raises a `DocumentError`, whatever the bytes are."""
    kind = kind_of(source_id, data)
    written = read_sidecar(sidecar, source_id) if sidecar is not None else None
    if kind in ("markdown", "text"):
        info, builder = _written(source_id, kind, data, written)
    else:
        extract = _extract(source_id, kind, data, limits or Limits())
        info = _info_of(source_id, extract, written)
        builder = build(info.title, extract.blocks)
    if not builder.sections:
        where = "below the front matter" if kind in ("markdown", "text") else "to quote"
        raise EmptyDocument(f"there is no text {where}", source_id=source_id)
    known_keys = {reference.key for reference in info.references} | {NO_FACT}
    for support in builder.support:
        for key in support.keys:
            if key not in known_keys:
                raise FrontMatterError(
                    f"the reference [^{key}] is not among the sources", source_id=source_id
                )
    return SourceDocument(
        info=info,
        text=builder.text(),
        sections=tuple(builder.sections),
        file_hash=file_hash(data, sidecar),
        support=tuple(builder.support),
    )


def _written(
    source_id: str, kind: Kind, data: bytes, sidecar: Fields | None
) -> tuple[SourceInfo, DocumentBuilder]:
    text = canonical(decode_text(source_id, data))
    front = read_front_matter(text, source_id, required=sidecar is None)
    info = source_info(source_id, (front.fields, sidecar) if sidecar else (front.fields,), {})
    read = read_markdown if kind == "markdown" else read_plain_text
    return info, read(front.body, info.title)


def _extract(source_id: str, kind: Kind, data: bytes, limits: Limits) -> Extract:
    # Each parser is imported when its kind of file first turns up: they take a while to load.
    if kind == "html":
        from bot.indexing.loading.html import read_html

        return read_html(source_id, decode_html(source_id, data))
    if kind == "docx":
        from bot.indexing.loading.docx import read_docx

        return read_docx(source_id, data, limits)
    from bot.indexing.loading.pdf import read_pdf

    return read_pdf(source_id, data, limits)


def _info_of(source_id: str, extract: Extract, sidecar: Fields | None) -> SourceInfo:
    fallback = {name: value for name, value in extract.fields.items() if value}
    fallback.setdefault("title", first_heading(extract.blocks) or title_from_name(source_id))
    return source_info(source_id, (sidecar,) if sidecar else (), fallback)
