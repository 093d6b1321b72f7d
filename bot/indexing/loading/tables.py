"""Tables become rows that can be quoted by themselves: `Header: value; Header: value.`

A row is one sentence, so that no value is ever shown without the label that gives it its sense.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.indexing.loading.blocks import Block, lines_of, tidy
from bot.text import sentence_spans


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A cell at its place in the grid. `header` where the file says so or all of it is bold;
    `span` is how many columns it fills."""

    text: str
    header: bool = False
    span: int = 1


def table_blocks(rows: Sequence[Sequence[Cell]], *, page: int | None = None) -> Iterator[Block]:
    """The rows of a table with their labels.

    The first row gives the labels where it is marked as a header, or where the table has three
    columns or more. Two columns without a header are read as `label: value`. A row that is one
    cell across the whole table becomes a paragraph before the rows below it.
    """
    grid = [row for row in rows if any(cell.text.strip() for cell in row)]
    width = max((sum(cell.span for cell in row) for row in grid), default=0)
    labels: list[str] = []
    body = grid
    while body and len(body) > 1 and _is_header(body[0], width):
        labels = _joined(labels, _spread(body[0], width))
        body = body[1:]
    if not labels and width > 2 and len(body) > 1 and len(body[0]) > 1:
        labels, body = _spread(body[0], width), body[1:]
    for row in body:
        if len(row) == 1 and width > 1:
            yield Block(kind="paragraph", text=tidy(row[0].text), page=page)
            continue
        if width == 1:
            yield from (Block(kind="paragraph", text=t, page=page) for t in lines_of(row[0].text))
            continue
        text = _row(row, labels)
        if text:
            yield Block(kind="row", text=text, page=page)


def _is_header(row: Sequence[Cell], width: int) -> bool:
    filled = [cell for cell in row if cell.text.strip()]
    return len(row) > 1 and bool(filled) and all(cell.header for cell in filled) and width > 1


def _spread(row: Sequence[Cell], width: int) -> list[str]:
    spread = [text for cell in row for text in [_one_line(cell.text)] * cell.span]
    return spread + [""] * (width - len(spread))


def _joined(above: list[str], below: list[str]) -> list[str]:
    """Labels of two header rows: `Week 1` over `Morning` gives `Week 1, Morning`."""
    if not above:
        return below
    return [
        ", ".join(dict.fromkeys(t for t in pair if t)) for pair in zip(above, below, strict=True)
    ]


def _row(row: Sequence[Cell], labels: list[str]) -> str:
    parts: list[str] = []
    column = 0
    for cell in row:
        covered = list(dict.fromkeys(t for t in labels[column : column + cell.span] if t))
        column += cell.span
        value = _one_line(cell.text)
        if value:
            label = " / ".join(covered)
            parts.append(f"{label}: {value}" if label and label != value else value)
    if not labels and len(parts) == 2:
        return f"{parts[0].rstrip(':')}: {parts[1]}."
    return "; ".join(parts) + "." if parts else ""


def _one_line(raw: str) -> str:
    """The words of a cell without an end of sentence inside, so that the row stays one sentence."""
    pieces: list[str] = []
    for line in raw.split("\n"):
        text = tidy(line)
        pieces += [span.of(text).strip() for span in sentence_spans(text)]
    return "; ".join(piece.rstrip(" .;") for piece in pieces if piece.rstrip(" .;"))
