"""Tables on a PDF page: those drawn with lines, and those that only line up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from bot.indexing.loading.blocks import BULLET
from bot.indexing.loading.pdf_geometry import Rule
from bot.indexing.loading.tables import Cell

_TOUCH = 3.0
"""Points that two lines of a table may miss each other by."""
_MAX_RULES = 3_000
_MAX_CELL_WORDS = 150
_MAX_LABEL_WORDS = 12
_PROSE_WORDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Words on one baseline with no wide gap between them, or a table (`grid`), at their place on
    the page. `y` is the baseline, of a table its upper edge."""

    text: str
    x0: float
    x1: float
    y: float
    size: float
    bold: bool = False
    grid: tuple[tuple[Cell, ...], ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The lines of a table: edges of its columns from left to right and rows from the top."""

    xs: tuple[float, ...]
    ys: tuple[float, ...]
    rules: tuple[Rule, ...]

    def cell_at(self, x: float, y: float) -> tuple[int, int] | None:
        """Row and column of a point, or None outside."""
        if not (self.xs[0] <= x <= self.xs[-1] and self.ys[-1] <= y <= self.ys[0]):
            return None
        column = sum(1 for edge in self.xs[1:-1] if x >= edge)
        row = sum(1 for edge in self.ys[1:-1] if y < edge)
        return row, column

    def open_above(self, row: int, column: int) -> bool:
        """Whether no line parts a cell from the one above it: the two are merged."""
        y, x = self.ys[row], (self.xs[column] + self.xs[column + 1]) / 2
        return not any(
            r.y0 == r.y1 and abs(r.y0 - y) <= _TOUCH and r.x0 - _TOUCH <= x <= r.x1 + _TOUCH
            for r in self.rules
        )


def frames(rules: Sequence[Rule]) -> list[Frame]:
    """Groups of touching lines that make at least two rows or three cells."""
    if not 4 <= len(rules) <= _MAX_RULES:
        return []
    group = list(range(len(rules)))

    def root(n: int) -> int:
        while group[n] != n:
            group[n] = group[group[n]]
            n = group[n]
        return n

    by_left = sorted(range(len(rules)), key=lambda n: rules[n].x0)
    for position, one in enumerate(by_left):
        for other in by_left[position + 1 :]:
            if rules[other].x0 > rules[one].x1 + _TOUCH:
                break
            if _touch(rules[one], rules[other]):
                group[root(one)] = root(other)
    groups: dict[int, list[Rule]] = {}
    for number, rule in enumerate(rules):
        groups.setdefault(root(number), []).append(rule)
    found = []
    for members in groups.values():
        xs = _edges(r.x0 for r in members if r.x0 == r.x1)
        ys = _edges(r.y0 for r in members if r.y0 == r.y1)
        if len(xs) >= 3 and len(ys) >= 3:
            found.append(Frame(xs=tuple(xs), ys=tuple(reversed(ys)), rules=tuple(members)))
    return found


def _touch(a: Rule, b: Rule) -> bool:
    return (
        a.x0 <= b.x1 + _TOUCH
        and b.x0 <= a.x1 + _TOUCH
        and a.y0 <= b.y1 + _TOUCH
        and b.y0 <= a.y1 + _TOUCH
    )


def _edges(values: Iterable[float]) -> list[float]:
    """Distinct places, those that nearly fall together taken as one."""
    edges: list[float] = []
    for value in sorted(values):
        if not edges or value - edges[-1] > _TOUCH:
            edges.append(value)
    return edges


def framed_table(frame: Frame, cells: dict[tuple[int, int], list[Chunk]]) -> Chunk | None:
    """The table of a frame, or None where its cells hold running text: then the lines are only
    boxes on the page."""
    width, height = len(frame.xs) - 1, len(frame.ys) - 1
    texts = {at: _joined(chunks) for at, chunks in cells.items()}
    if not texts or max(len(t.split()) for t in texts.values()) > _MAX_CELL_WORDS:
        return None
    for column in range(width):
        for merged in _merged_rows(frame, column, height):
            whole = " ".join(texts[row, column] for row in merged if (row, column) in texts)
            texts |= {(row, column): whole for row in merged}
    rows: list[tuple[Cell, ...]] = []
    for row in range(height):
        line: list[Cell] = []
        column = 0
        while column < width:
            here = cells.get((row, column), [])
            right = max((c.x1 for c in here), default=0.0)
            span = 1
            while column + span < width and right > frame.xs[column + span] + _TOUCH:
                span += 1
            line.append(
                Cell(
                    text=texts.get((row, column), ""),
                    header=bool(here) and all(c.bold for c in here),
                    span=span,
                )
            )
            column += span
        rows.append(tuple(line))
    sizes = [c.size for chunks in cells.values() for c in chunks]
    return Chunk(
        text="",
        x0=frame.xs[0],
        x1=frame.xs[-1],
        y=frame.ys[0],
        size=max(sizes),
        grid=tuple(rows),
    )


def _merged_rows(frame: Frame, column: int, height: int) -> list[list[int]]:
    """The rows of a column, those of one merged cell together: its words, wherever they stand in
    it, are true of each of its rows."""
    groups: list[list[int]] = []
    for row in range(height):
        if row and frame.open_above(row, column):
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups


def _joined(chunks: list[Chunk]) -> str:
    return " ".join(c.text for c in sorted(chunks, key=lambda c: (-c.y, c.x0)))


def aligned_table(chunks: Sequence[Chunk], rows: Sequence[Sequence[Chunk]]) -> Chunk | None:
    """The table that these rows of chunks line up to, or None where they may be columns of prose:
    a table read by columns is clumsy, columns read by lines are nonsense."""
    if any(c.grid for c in chunks) or any(BULLET.match(c.text) for c in chunks):
        return None
    full = [row for row in rows if len(row) > 1]
    if len(full) < 3 or len(full) < 0.5 * len(rows):
        return None
    size = sorted(c.size for c in chunks)[len(chunks) // 2]
    starts = _columns(chunks, 0.8 * size)
    if len(starts) < 2:
        return None
    groups = _row_groups(rows)
    wrapped = len(groups) >= 3 and all(_fills_two(group, starts) for group in groups)
    if not wrapped and _is_prose(chunks, starts, size):
        return None
    steps = [0.0, *(a[0].y - b[0].y for a, b in pairwise(rows))]
    labelled = sum(_column_of(row[0], starts) == 0 for row in rows) > 0.5 * len(rows)
    grid: list[list[Cell]] = []
    for number, group in enumerate(groups if wrapped else [[row] for row in rows]):
        line = _cells([c for row in group for c in row], starts)
        near = labelled and not wrapped and steps[number] <= 1.2 * min(steps[1:])
        if grid and near and not line[0].text:
            grid[-1] = [_added(above, cell) for above, cell in zip(grid[-1], line, strict=True)]
        else:
            grid.append(line)
    return Chunk(
        text="",
        x0=min(c.x0 for c in chunks),
        x1=max(c.x1 for c in chunks),
        y=max(c.y + c.size for c in chunks),
        size=size,
        grid=tuple(tuple(line) for line in grid),
    )


def _columns(chunks: Sequence[Chunk], gap: float) -> list[float]:
    """Where the columns begin: after each strip that no chunk reaches into."""
    starts: list[float] = []
    reach = float("-inf")
    for chunk in sorted(chunks, key=lambda c: c.x0):
        if chunk.x0 - reach >= gap:
            starts.append(chunk.x0)
        reach = max(reach, chunk.x1)
    return starts


def _column_of(chunk: Chunk, starts: Sequence[float]) -> int:
    return max(n for n, start in enumerate(starts) if chunk.x0 >= start - 1)


def _cells(chunks: Sequence[Chunk], starts: Sequence[float]) -> list[Cell]:
    line = []
    for number in range(len(starts)):
        inside = [c for c in chunks if _column_of(c, starts) == number]
        bold = bool(inside) and all(c.bold for c in inside)
        line.append(Cell(text=_joined(inside), header=bold))
    return line


def _added(above: Cell, cell: Cell) -> Cell:
    """A cell that goes on in the next line."""
    return Cell(
        text=f"{above.text} {cell.text}".strip(),
        header=above.header and (cell.header or not cell.text),
    )


def _row_groups(rows: Sequence[Sequence[Chunk]]) -> list[list[Sequence[Chunk]]]:
    """Rows that stand close together: the lines of wrapped cells, where a table has such."""
    steps = [a[0].y - b[0].y for a, b in pairwise(rows)]
    close = min(steps)
    groups: list[list[Sequence[Chunk]]] = [[rows[0]]]
    for step, row in zip(steps, rows[1:], strict=True):
        if step > 1.35 * close:
            groups.append([row])
        else:
            groups[-1].append(row)
    return groups


def _fills_two(group: Sequence[Sequence[Chunk]], starts: Sequence[float]) -> bool:
    """Whether a group of lines begins in the first column and another one, with a short label."""
    columns = {_column_of(chunk, starts) for chunk in group[0]}
    label = [c.text for row in group for c in row if _column_of(c, starts) == 0]
    return 0 in columns and len(columns) > 1 and len(" ".join(label).split()) <= _MAX_LABEL_WORDS


def _is_prose(chunks: Sequence[Chunk], starts: Sequence[float], size: float) -> bool:
    """Columns of prose have long lines, and sentences that go on in the next one."""
    going_on = long = 0
    for number in range(len(starts)):
        column = sorted((c for c in chunks if _column_of(c, starts) == number), key=lambda c: -c.y)
        long += sum(len(c.text.split()) for c in column) / len(column) >= _PROSE_WORDS
        going_on += sum(
            above.y - below.y < 1.5 * size and below.text[:1].islower()
            for above, below in pairwise(column)
        )
    return long >= 2 or going_on >= 0.2 * len(chunks)
