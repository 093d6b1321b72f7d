"""Names of places in documents: `SOURCE` or `SOURCE:START-END`, as citations print them."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Collection

from bot.errors import UnknownSource
from bot.records import SourceDocument, Span

_SPAN = re.compile(r"(?P<source>.+):(?P<start>\d{1,9})-(?P<end>\d{1,9})")


def parse_target(target: str, known: Collection[str]) -> tuple[str, Span | None]:
    """Source and span of a target; a letter with an accent may be typed in either of its Unicode
    forms. Raises `UnknownSource`, naming near sources."""
    source_id, span = target, None
    match = _SPAN.fullmatch(target)
    if match and target not in known:
        source_id = match["source"]
        start, end = int(match["start"]), int(match["end"])
        if start >= end:
            raise UnknownSource(f"{target}: the end must lie after the start.")
        span = Span(start=start, end=end)
    if source_id not in known:
        # Some systems keep names in files apart as letter and accent, which look and type alike.
        same = [name for name in known if _composed(name) == _composed(source_id)]
        if len(same) == 1:
            return same[0], span
        near = difflib.get_close_matches(source_id, known, n=3)
        hint = f"Did you mean {' or '.join(near)}?" if near else None
        raise UnknownSource(f"The index holds no document {source_id!r}.", hint=hint)
    return source_id, span


def find_target(
    target: str, known: Collection[str], document_of: Callable[[str], SourceDocument]
) -> tuple[str, Span | None, SourceDocument]:
    """As `parse_target`, with the document. Raises `UnknownSource` also where the document ends
    before the span does."""
    source_id, span = parse_target(target, known)
    document = document_of(source_id)
    if span is not None and span.end > len(document.text):
        raise UnknownSource(
            f"{source_id} has {len(document.text):,} characters; "
            f"there is no {span.start}-{span.end}."
        )
    return source_id, span, document


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)
