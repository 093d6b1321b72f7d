"""Columns of a PDF page: which stretches of it are read one after the other.

Lines of two columns are never mixed. Where the page leaves it open, what stands higher comes first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from bot.indexing.loading.pdf_tables import Chunk, aligned_table

SAME_LINE = 0.45
"""Baselines that are this many font sizes apart are one line."""
_MIN_ROWS = 3
_MAX_DEPTH = 6
_BLANK = 1.7
"""Baselines further apart than this many font sizes have a blank strip between them."""


def rows_of(chunks: Sequence[Chunk]) -> list[list[Chunk]]:
    """Chunks by baseline from the top, each row from the left."""
    rows: list[list[Chunk]] = []
    for chunk in sorted(chunks, key=lambda c: (-c.y, c.x0)):
        last = rows[-1][0] if rows else None
        same = last and not (last.grid or chunk.grid)
        if last and same and abs(last.y - chunk.y) <= SAME_LINE * max(last.size, chunk.size):
            rows[-1].append(chunk)
        else:
            rows.append([chunk])
    return [sorted(row, key=lambda c: c.x0) for row in rows]


def regions(chunks: Sequence[Chunk], depth: int) -> Iterator[list[Chunk]]:
    """Stretches of one column each, in reading order."""
    if not chunks:
        return
    gutter = _gutter(chunks) if depth < _MAX_DEPTH else None
    if gutter is None:
        yield list(chunks)
        return
    whole: list[Chunk] = []
    for band in _bands(chunks, gutter):
        left = [c for c in band if c.x0 < gutter]
        right = [c for c in band if c.x0 >= gutter]
        if not left or not right or min(len(rows_of(left)), len(rows_of(right))) < _MIN_ROWS:
            whole += band
            continue
        if whole:
            yield from regions(whole, depth + 1)
            whole = []
        yield from regions(left, depth + 1)
        yield from regions(right, depth + 1)
    if whole:
        yield from regions(whole, depth + 1)


def _gutter(chunks: Sequence[Chunk]) -> float | None:
    """The place of the strip that parts the most chunks into two sides, or None."""
    if not _side_by_side(chunks):
        return None
    places = Counter(round(chunk.x0 / 3) for chunk in chunks)
    for row in rows_of(chunks):
        places.update(round((a.x1 + 0.7 * (b.x0 - a.x1)) / 3) for a, b in pairwise(row))
    ordered = sorted(chunks, key=lambda c: -c.y)
    best, best_score = None, 0
    for place, count in places.most_common(24):
        if count < _MIN_ROWS:
            break
        gutter = 3.0 * place - 1.5
        score = sum(_parted(band, gutter) for band in _between_crossings(ordered, gutter))
        if score > best_score:
            best, best_score = gutter, score
    return best


def _parted(band: Sequence[Chunk], gutter: float) -> int:
    """How many chunks stand side by side on both sides of the gutter."""
    left = [c for c in band if c.x0 < gutter]
    right = [c for c in band if c.x0 >= gutter]
    if not left or not right or min(c.x0 for c in right) - max(c.x1 for c in left) < 4:
        return 0
    near = _BLANK * left[0].size
    top = min(max(c.y for c in left), max(c.y for c in right)) + near
    foot = max(min(c.y for c in left), min(c.y for c in right)) - near
    beside = [sum(foot <= c.y <= top for c in side) for side in (left, right)]
    return min(beside) if min(beside) >= _MIN_ROWS else 0


def _side_by_side(chunks: Sequence[Chunk]) -> bool:
    """Whether enough chunks have another one beside them for there to be columns."""
    ordered = sorted(chunks, key=lambda c: -c.y)
    found = 0
    for position, one in enumerate(ordered):
        for other in ordered[position + 1 : position + 4]:
            apart = one.x1 < other.x0 or other.x1 < one.x0
            if apart and one.y - other.y < _BLANK * max(one.size, other.size):
                found += 1
                break
    return found >= _MIN_ROWS


def _between_crossings(ordered: Sequence[Chunk], gutter: float) -> Iterator[list[Chunk]]:
    """The page from top to bottom, cut at each chunk that runs across the gutter."""
    band: list[Chunk] = []
    for chunk in ordered:
        if chunk.x0 < gutter - 1 and chunk.x1 > gutter + 1:
            if band:
                yield band
            yield [chunk]
            band = []
        else:
            band.append(chunk)
    if band:
        yield band


def _bands(chunks: Sequence[Chunk], gutter: float) -> Iterator[list[Chunk]]:
    """Bands to be read one after the other: a pair of columns, a table, or plain lines."""
    for stretch in _between_crossings(sorted(chunks, key=lambda c: -c.y), gutter):
        if _parted(stretch, gutter):
            yield from _pairs(stretch, gutter)
        else:
            yield stretch


def _pairs(stretch: Sequence[Chunk], gutter: float) -> Iterator[list[Chunk]]:
    """A stretch that nothing crosses, cut where plain lines or a table stand above, between or
    below the columns. Short lines on the left with nothing beside them are plain lines unless
    columns go on below."""
    parts = _by_blank(stretch)
    tables = [aligned_table(part, rows_of(part)) for part in parts]
    paired = [any(c.x0 >= gutter for c in part) for part in parts]
    width = gutter - min(c.x0 for c in stretch)
    group: list[Chunk] = []
    for number, part in enumerate(parts):
        below = zip(paired[number + 1 :], tables[number + 1 :], strict=True)
        goes_on = any(is_paired and table is None for is_paired, table in below)
        long = max(c.x1 - c.x0 for c in part) >= 0.7 * width
        if tables[number] is None and (paired[number] or (group and (long or goes_on))):
            group += part
            continue
        yield from _columns_or_table(group)
        group = []
        table = tables[number]
        if table or part:
            yield [table] if table else part
    yield from _columns_or_table(group)


def _columns_or_table(group: list[Chunk]) -> Iterator[list[Chunk]]:
    """A group of parts as a table, lines above and below it apart, or as it is."""
    lines = rows_of(group)
    steps = sorted(a[0].y - b[0].y for a, b in pairwise(lines))
    far = 1.05 * steps[len(steps) // 2] if steps else 0.0
    first, last = 0, len(lines)
    while (
        first + 1 < last
        and len(lines[first]) == 1
        and lines[first][0].y - lines[first + 1][0].y > far
    ):
        first += 1
    while (
        last - 2 > first
        and len(lines[last - 1]) == 1
        and (lines[last - 2][0].y - lines[last - 1][0].y > far)
    ):
        last -= 1
    inner = [chunk for row in lines[first:last] for chunk in row]
    table = aligned_table(inner, lines[first:last]) if inner else None
    if table is None:
        yield group
        return
    yield from lines[:first]
    yield [table]
    yield from lines[last:]


def _by_blank(chunks: Sequence[Chunk]) -> list[list[Chunk]]:
    """Chunks from the top, cut at every blank strip that runs across all of them."""
    parts: list[list[Chunk]] = []
    for row in rows_of(chunks):
        size = max(c.size for c in row)
        foot = min((c.y for c in parts[-1]), default=0.0) if parts else 0.0
        if parts and foot - max(c.y for c in row) <= _BLANK * size:
            parts[-1] += row
        else:
            parts.append(list(row))
    return parts
