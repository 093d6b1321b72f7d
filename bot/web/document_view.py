"""A document as the reader shows it: every line of its text, in order, nothing added or lost.

Spans count code points of `SourceDocument.text`. The loader's text has one heading, paragraph or
list item a line, blocks parted by an empty line; lines outside every section are headings.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from bot.records import Section, SourceDocument, Span
from bot.text import list_mark

Kind = Literal["heading", "paragraph", "list"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Words of a line, marked or not. `first` is set on the first marked run of the document."""

    text: str
    marked: bool = False
    first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A heading (`level` 2-6, `anchor`), a paragraph or a list; one entry of `lines` a line."""

    kind: Kind
    lines: tuple[tuple[Run, ...], ...]
    level: int = 2
    anchor: str = ""


def view(document: SourceDocument, quote: Span | None = None) -> tuple[Part, ...]:
    """The parts of a document with `quote` marked. The title is left out: the page shows it."""
    found: list[Part] = []
    pending: list[tuple[Run, ...]] = []
    kind: Kind = "paragraph"
    marked = False

    def flush() -> None:
        if pending:
            found.append(Part(kind=kind, lines=tuple(pending)))
            pending.clear()

    for line in _lines(document.text):
        words = line.of(document.text)
        if not words.strip():
            flush()
            continue
        section = _section_at(document.sections, line)
        if section is None:
            flush()
            if words.strip() == document.info.title and not found:
                continue
            level = _level(document.sections, line, words.strip())
            anchor = f"part-{sum(p.kind == 'heading' for p in found) + 1}"
            run = (Run(text=words.strip()),)
            found.append(Part(kind="heading", lines=(run,), level=level, anchor=anchor))
            continue
        skip = list_mark(words)
        this: Kind = "list" if skip else "paragraph"
        if this != kind:
            flush()
        kind = this
        runs = tuple(_runs(document.text, line.start + skip, line.end, quote, marked))
        marked = marked or any(run.marked for run in runs)
        pending.append(runs)
    flush()
    return tuple(found)


def _lines(text: str) -> Iterator[Span]:
    start = 0
    for line in text.split("\n"):
        yield Span(start=start, end=start + len(line))
        start += len(line) + 1


def _section_at(sections: tuple[Section, ...], line: Span) -> Section | None:
    """The section whose body overlaps the line (a body begins after its first list marker)."""
    for section in sections:
        if section.span.start < line.end and line.start < section.span.end:
            return section
    return None


def _level(sections: tuple[Section, ...], line: Span, words: str) -> int:
    after = next((s for s in sections if s.span.start >= line.end), None)
    if after and words in after.heading:
        return min(2 + after.heading.index(words), 6)
    return 2


def _runs(text: str, start: int, end: int, quote: Span | None, marked: bool) -> Iterator[Run]:
    if quote is None or quote.end <= start or end <= quote.start:
        yield Run(text=text[start:end])
        return
    begin, stop = max(start, quote.start), min(end, quote.end)
    if start < begin:
        yield Run(text=text[start:begin])
    yield Run(text=text[begin:stop], marked=True, first=not marked)
    if stop < end:
        yield Run(text=text[stop:end])
