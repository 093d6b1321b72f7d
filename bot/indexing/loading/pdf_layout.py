"""From what a PDF page draws to its lines in the order in which a person reads them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bot.indexing.loading.blocks import BULLET, raised
from bot.indexing.loading.pdf_columns import SAME_LINE, regions, rows_of
from bot.indexing.loading.pdf_drawing import Drawing, Piece
from bot.indexing.loading.pdf_tables import (
    Chunk,
    Frame,
    framed_table,
    frames,
)
from bot.indexing.loading.tables import Cell

_GAP = 0.8
"""A gap wider than this many font sizes parts two columns or cells, not two words."""
_MARK_GAP = 5.0
MARK = re.compile(rf"(?:{BULLET.pattern}|\s*[-–—*o]\s*|\s*(?:\d{{1,2}}|[a-z])[.)]\s*)$")
"""A list mark and nothing else."""
_CONTENTS_TITLE = re.compile(r"(?:table of )?contents$", re.IGNORECASE)
_CONTENTS_ENTRY = re.compile(r"(?:\.\s?){5,}\s*[\divxlc]+\s*$")
_SECTION_NUMBER = re.compile(r"(?:[A-Z]|\d+)(?:\.\d+)*\.?$")
_RIGHT_TO_LEFT = range(0x0590, 0x0900)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a column, or a table. `region` counts the stretches of the page that are read one
    after the other; `left` and `right` are the edges of its column. `y` runs from 0 at the foot of
    the page to 1 at its head."""

    text: str
    x0: float
    x1: float
    baseline: float
    y: float
    size: float
    bold: bool
    region: int
    left: float
    right: float
    grid: tuple[tuple[Cell, ...], ...] | None = None


def lines_in_order(drawing: Drawing) -> list[Line]:
    """The lines of a page in reading order. Text that runs upward or downward comes after the
    rest; slanted text (a stamp across the page) is left out."""
    angles = Counter[int]()
    for piece in drawing.pieces:
        angles[piece.angle] += len(piece.text)
    lines: list[Line] = []
    for angle, _ in angles.most_common():
        if angle % 90:
            continue
        pieces = [p for p in drawing.pieces if p.angle == angle]
        chunks = _without_contents(list(_with_tables(pieces, drawing, level=angle == 0)))
        first = lines[-1].region + 1 if lines else 0
        low, high = {
            0: (0.0, drawing.height),
            90: (-drawing.width, 0.0),
            180: (-drawing.height, 0.0),
            270: (0.0, drawing.width),
        }[angle]
        for number, region in enumerate(regions(chunks, 0)):
            left, right = min(c.x0 for c in region), max(c.x1 for c in region)
            for row in rows_of(region):
                lines += _lines(row, first + number, (left, right), (low, high))
    return lines


def _without_contents(chunks: list[Chunk]) -> list[Chunk]:
    """The chunks without the entries of a table of contents: headings with dots and a page number,
    on a page that says that it is one. They are no text to quote, and come again as headings."""
    if not any(_CONTENTS_TITLE.match(chunk.text.strip()) for chunk in chunks):
        return chunks
    kept: list[Chunk] = []
    for row in rows_of(chunks):
        entries = [chunk for chunk in row if _CONTENTS_ENTRY.search(chunk.text[-200:])]
        kept += [
            chunk
            for chunk in row
            if chunk not in entries and not (entries and _SECTION_NUMBER.match(chunk.text.strip()))
        ]
    return kept


def _with_tables(pieces: list[Piece], drawing: Drawing, *, level: bool) -> Iterator[Chunk]:
    """Chunks of the text outside tables that are drawn with lines, and these tables."""
    loose = list(pieces)
    for frame in frames(drawing.rules) if level else ():
        inside: dict[tuple[int, int], list[Piece]] = {}
        rest: list[Piece] = []
        for piece in loose:
            at = frame.cell_at(piece.x0 + 0.3 * piece.size, piece.y + 0.3 * piece.size)
            if at is None:
                rest.append(piece)
            else:
                inside.setdefault(at, []).append(piece)
        table = _table(frame, inside)
        if table:
            loose = rest
            yield table
    yield from _chunks(loose)


def _table(frame: Frame, inside: dict[tuple[int, int], list[Piece]]) -> Chunk | None:
    return framed_table(frame, {at: list(_chunks(found)) for at, found in inside.items()})


def _chunks(pieces: Iterable[Piece]) -> Iterator[Chunk]:
    """Pieces on one baseline, joined to words and to stretches without wide gaps."""
    rows: list[list[Piece]] = []
    for piece in sorted(pieces, key=lambda p: (-p.y, p.x0)):
        last = rows[-1][0] if rows else None
        if last and abs(last.y - piece.y) <= SAME_LINE * max(last.size, piece.size):
            rows[-1].append(piece)
        else:
            rows.append([piece])
    for row in rows:
        stretch: list[Piece] = []
        for piece in sorted(row, key=lambda p: p.x0):
            if stretch and _is_copy(stretch[-1], piece):
                continue
            reach = max((p.x1 for p in stretch), default=piece.x0)
            gap = _MARK_GAP if _is_mark(stretch) else _GAP
            if stretch and piece.x0 - reach > gap * max(stretch[-1].size, piece.size):
                yield _chunk(stretch)
                stretch = []
            stretch.append(piece)
        if stretch:
            yield _chunk(stretch)


def _is_mark(stretch: Sequence[Piece]) -> bool:
    """A list mark stands by itself before its item, at a tab's distance."""
    return bool(MARK.match("".join(p.text for p in stretch)))


def _is_copy(one: Piece, other: Piece) -> bool:
    """Bold print and shadows are made by drawing the same words twice, a little apart."""
    return (
        one.text == other.text
        and abs(one.x0 - other.x0) < 0.15 * one.size
        and abs(one.y - other.y) < 0.15 * one.size
    )


def _chunk(stretch: Sequence[Piece]) -> Chunk:
    letters = Counter[tuple[float, float]]()
    for piece in stretch:
        letters[round(piece.size, 1), round(piece.y, 1)] += len(piece.text.strip())
    # Most letters decide, not the largest: a list mark is often drawn larger than its item.
    base = max(stretch, key=lambda p: (letters[round(p.size, 1), round(p.y, 1)], p.size))
    text, marked = "", True
    reach = stretch[0].x0
    for piece in stretch:
        words = piece.text
        if text and not marked and words[:1].isalnum():
            text += " "  # the mark of a footnote stood between two words
        marked = True
        if text == "o" and piece.x0 - reach > _GAP * piece.size:
            text = "• "  # Word's mark of an inner list is a letter o
        if piece.y - base.y > 0.2 * base.size and piece.size <= 0.85 * base.size and text.strip():
            words = raised(text.rstrip(), words)
            marked = bool(words)
        elif text and not text.endswith(" ") and not words.startswith(" "):
            gap = piece.x0 - reach
            text += " " if gap > 0.5 * min(piece.space, base.space) else ""
        text += words
        reach = max(reach, piece.x1)
    visible = [p for p in stretch if p.text.strip()]
    return Chunk(
        text=_logical(text),
        x0=min(p.x0 for p in stretch),
        x1=max(p.x1 for p in stretch),
        y=base.y,
        size=base.size,
        bold=bool(visible) and all(p.bold for p in visible),
    )


def is_right_to_left(text: str) -> bool:
    """Whether most letters are of a script that runs from right to left."""
    letters = [c for c in text if c.isalpha()]
    return sum(ord(c) in _RIGHT_TO_LEFT for c in letters) * 2 > len(letters)


def _logical(text: str) -> str:
    """Text of a script that runs from right to left, in the order in which it is read. On the page
    its letters stand from left to right as they are drawn."""
    if not is_right_to_left(text):
        return text
    words = text[::-1].split(" ")
    return " ".join(w if any(ord(c) in _RIGHT_TO_LEFT for c in w) else w[::-1] for w in words)


def _lines(
    row: Sequence[Chunk], region: int, edges: tuple[float, float], extent: tuple[float, float]
) -> Iterator[Line]:
    """A row of one column as one line."""
    words = sorted(row, key=lambda c: c.x0)
    if all(is_right_to_left(c.text) for c in words):
        words.reverse()
    base = max(words, key=lambda c: len(c.text))
    text = " ".join(" ".join(c.text.split()) for c in words).strip()
    if not text and not row[0].grid:
        return
    yield Line(
        text=text,
        x0=min(c.x0 for c in words),
        x1=max(c.x1 for c in words),
        baseline=base.y,
        y=(base.y - extent[0]) / max(extent[1] - extent[0], 1.0),
        size=base.size,
        bold=all(c.bold for c in words),
        region=region,
        left=edges[0],
        right=edges[1],
        grid=row[0].grid,
    )
