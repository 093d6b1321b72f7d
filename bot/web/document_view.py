"""A document as the reader shows it: every line of its text, in order, nothing added or lost but
what was withdrawn.

Spans count code points of `SourceDocument.text`. The loader's text has one heading, paragraph or
list item a line, blocks parted by an empty line; lines outside every section are headings.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from bot.records import Section, SourceDocument, Span
from bot.text import list_mark

Kind = Literal["heading", "paragraph", "list", "page", "withheld"]
Mark = Literal["quote", "also"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Words of a line. `mark` says if they are of the quote one came for or of another one;
    `first` and `last` are set where the marked passage begins and ends."""

    text: str
    mark: Mark | None = None
    first: bool = False
    last: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A heading (`level` 2-6, `anchor`), a paragraph or a list, one entry of `lines` a line; or
    the place where a page begins, or where something was withdrawn. `start` is its place in the
    text."""

    kind: Kind
    start: int
    lines: tuple[tuple[Run, ...], ...] = ()
    level: int = 2
    anchor: str = ""
    page: int | None = None

    @property
    def words(self) -> str:
        return " ".join("".join(run.text for run in line) for line in self.lines)


def view(
    document: SourceDocument,
    quote: Span | None = None,
    *,
    also: Iterable[Span] = (),
    withheld: Sequence[Span] = (),
) -> tuple[Part, ...]:
    """The parts of a document with `quote` and the passages of `also` marked. The title is left
    out: the page shows it. Lines that touch `withheld` are left out, and the place says so."""
    building = _Building(document, quote, tuple(also))
    for line in _lines(document.text):
        words = line.of(document.text)
        if not words.strip():
            building.end()
        elif any(line.start < w.end and w.start < line.end for w in withheld):
            building.leave_out(line)
        else:
            building.add(line, words)
    building.end()
    return tuple(building.parts)


class _Building:
    """Collects lines into parts."""

    def __init__(self, document: SourceDocument, quote: Span | None, also: tuple[Span, ...]):
        self.parts: list[Part] = []
        self._document = document
        self._marks: list[tuple[Span, Mark]] = [(span, "also") for span in also if span != quote]
        if quote:
            self._marks.insert(0, (quote, "quote"))
        self._begun: set[Span] = set()
        self._starts = [section.span.start for section in document.sections]
        self._pending: list[tuple[Run, ...]] = []
        self._kind: Kind = "paragraph"
        self._start = 0
        self._headings = 0
        self._page: int | None = None

    def end(self) -> None:
        """Close the paragraph or list that is being collected."""
        if self._pending:
            self.parts.append(Part(kind=self._kind, start=self._start, lines=tuple(self._pending)))
            self._pending.clear()

    def leave_out(self, line: Span) -> None:
        self.end()
        if not self.parts or self.parts[-1].kind != "withheld":
            self.parts.append(Part(kind="withheld", start=line.start))

    def add(self, line: Span, words: str) -> None:
        section = self._section_at(line)
        if section is None:
            self.end()
            self._heading(line, words)
            return
        self._turn_to(section.page, line)
        skip = list_mark(words)
        kind: Kind = "list" if skip else "paragraph"
        if kind != self._kind:
            self.end()
        if not self._pending:
            self._kind, self._start = kind, line.start
        self._pending.append(tuple(self._runs(line.start + skip, line.end)))

    def _section_at(self, line: Span) -> Section | None:
        """The section whose body overlaps the line (a body begins after its first list marker)."""
        before = bisect_left(self._starts, line.end)
        section = self._document.sections[before - 1] if before else None
        return section if section and line.start < section.span.end else None

    def _heading(self, line: Span, words: str) -> None:
        number = bisect_left(self._starts, line.end)
        after = self._document.sections[number] if number < len(self._starts) else None
        if after:
            self._turn_to(after.page, line)
        title = words.strip()
        if title == self._document.info.title and all(p.kind == "page" for p in self.parts):
            return
        self._headings += 1
        level = min(2 + after.heading.index(title), 6) if after and title in after.heading else 2
        trimmed = line.start + len(words) - len(words.lstrip())
        self.parts.append(
            Part(
                kind="heading",
                start=line.start,
                lines=(tuple(self._runs(trimmed, trimmed + len(title))),),
                level=level,
                anchor=f"part-{self._headings}",
            )
        )

    def _turn_to(self, page: int | None, line: Span) -> None:
        if page is None or page == self._page:
            return
        self.end()
        self._page = page
        self.parts.append(Part(kind="page", start=line.start, page=page, anchor=f"page-{page}"))

    def _runs(self, start: int, end: int) -> Iterator[Run]:
        """The line in pieces that are marked the same way throughout."""
        cuts = {start, end}
        for span, _ in self._marks:
            cuts.update(at for at in (span.start, span.end) if start < at < end)
        places = sorted(cuts)
        for begin, stop in pairwise(places):
            over = next(
                ((span, m) for span, m in self._marks if span.start <= begin and stop <= span.end),
                None,
            )
            text = self._document.text[begin:stop]
            if over is None:
                yield Run(text=text)
                continue
            span, mark = over
            yield Run(
                text=text,
                mark=mark,
                first=span not in self._begun,
                last=not self._document.text[stop : span.end].strip(),
            )
            self._begun.add(span)


def _lines(text: str) -> Iterator[Span]:
    start = 0
    for line in text.split("\n"):
        yield Span(start=start, end=start + len(line))
        start += len(line) + 1
