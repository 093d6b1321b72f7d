"""Names of places in documents: `SOURCE` or `SOURCE:START-END`, as citations print them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection

from bot.errors import UnknownSource
from bot.records import Span

_SPAN = re.compile(r"(?P<source>.+):(?P<start>\d{1,9})-(?P<end>\d{1,9})")


def parse_target(target: str, known: Collection[str]) -> tuple[str, Span | None]:
    """Source and span of a target. Raises `UnknownSource`, naming near sources."""
    source_id, span = target, None
    match = _SPAN.fullmatch(target)
    if match and target not in known:
        source_id = match["source"]
        start, end = int(match["start"]), int(match["end"])
        if start >= end:
            raise UnknownSource(f"{target}: the end must lie after the start.")
        span = Span(start=start, end=end)
    if source_id not in known:
        near = difflib.get_close_matches(source_id, known, n=3)
        hint = f"Did you mean {' or '.join(near)}?" if near else None
        raise UnknownSource(f"The index holds no document {source_id!r}.", hint=hint)
    return source_id, span
