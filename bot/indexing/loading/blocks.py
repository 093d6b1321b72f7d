"""Blocks in, canonical text out: the one place where sections, spans and pages are counted.

One line a heading, paragraph or list item (`- ` before it), blocks parted by an empty line, items
of one list by a line end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from bot.records import Section, Span, Support
from bot.text import canonical, sentence_spans

Marks = Sequence[tuple[int, tuple[str, ...]]]
"""Where references stood in a text, and their keys."""

_LIGATURES = {
    "\ufb00": "ff",
    "\ufb01": "fi",
    "\ufb02": "fl",
    "\ufb03": "ffi",
    "\ufb04": "ffl",
    "\ufb05": "st",
    "\ufb06": "st",
}
_LIGATURE = re.compile("[" + "".join(_LIGATURES) + "]")
_TAKES_POWER = re.compile(r"(?:\d|\b(?:[cdkm]?m|[mcd\u00b5]?l|s|kg))$", re.IGNORECASE)
BULLET = re.compile(
    r"^\s*(?:[•◦‣▪▫■□●○◆◇❖➢➤►▶✓✔✗✘·\uf0a7\uf0b7\uf0d8\uf076\uf0fc]|[-–—*](?=\s))\s*"
)
"""A list mark that was typed or drawn; the private characters are those of Symbol and Wingdings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A piece of a document as its author saw it. `level` ranks headings, 1 the highest, 0 the
    document's own title; a `row` is a table row with its labels."""

    kind: Literal["heading", "paragraph", "item", "row"]
    text: str
    level: int = 1
    page: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """What a loader got out of a file: its blocks, and the metadata that the file itself gives
    (arguments of `SourceInfo`)."""

    blocks: tuple[Block, ...]
    fields: dict[str, Any]


def tidy(raw: str) -> str:
    """One line of canonical text: white space folded, ligatures spelled out."""
    text = _LIGATURE.sub(lambda m: _LIGATURES[m.group()], raw)
    return " ".join(canonical(text).split())


def raised(before: str, text: str) -> str:
    """What a superscript adds to the text before it. A power keeps its sense (`10^9`, `m^2`): as
    plain digits it would be another number. The mark of a footnote adds nothing."""
    small = text.strip()
    if not small or not re.fullmatch(
        r"[\[(]?[-+\u2212\u2013]?\d{1,3}(?:\s?[,\u2013-]\s?\d{1,3})*[\])]?", small
    ):
        return text
    if re.fullmatch(r"[-+\u2212\u2013]?\d{1,3}", small) and _TAKES_POWER.search(before):
        return "^" + small
    return ""


def lines_of(raw: str) -> list[str]:
    """The lines of a text with line breaks. A break inside a sentence (the next line goes on in
    lower case) is only a turn of the line."""
    lines: list[str] = []
    for raw_line in raw.split("\n"):
        line = tidy(raw_line)
        if not line:
            continue
        if lines and line[0].islower() and lines[-1][-1] not in ".?!:;":
            lines[-1] += " " + line
        else:
            lines.append(line)
    return lines


@dataclass(slots=True)
class DocumentBuilder:
    """Collects blocks into one canonical text and the sections, spans and references in it."""

    title: str
    parts: list[str] = field(default_factory=list)
    length: int = 0
    sections: list[Section] = field(default_factory=list)
    support: list[Support] = field(default_factory=list)
    _heading: tuple[str, ...] = ()
    _start: int | None = None
    _end: int = 0
    _page: int | None = None
    _asked: tuple[str, ...] = ()

    def text(self) -> str:
        return "".join(self.parts)

    def _append(self, block: str, separator: str) -> int:
        if self.parts:
            self.parts.append(separator)
            self.length += len(separator)
        start = self.length
        self.parts.append(block)
        self.length += len(block)
        return start

    def open_section(self, heading: tuple[str, ...], line: str) -> None:
        """Begin a section under `heading`; `line` is its visible heading, empty for none."""
        self.close_section()
        if line:
            self._append(line, "\n\n")
        self._heading = heading

    def ask(self, ways: Iterable[str]) -> None:
        self._asked += tuple(ways)

    def block(
        self,
        text: str,
        *,
        marks: Marks = (),
        list_item: bool = False,
        first: bool = True,
        page: int | None = None,
    ) -> None:
        """Add a paragraph or item. A new page ends the section: a section lies on one page."""
        if not text.strip():
            return
        if page != self._page:
            self.close_section()
        self._page = page
        lead = "- " if list_item else ""
        start = self._append(lead + text, "\n\n" if first else "\n") + len(lead)
        if self._start is None:
            self._start = start
        self._end = start + len(text)
        if marks:
            self._note_support(text, start, marks)

    def _note_support(self, text: str, start: int, marks: Marks) -> None:
        for span in sentence_spans(text):
            keys = [k for at, found in marks if span.start < at <= span.end for k in found]
            if keys:
                self.support.append(
                    Support(
                        span=Span(start=start + span.start, end=start + span.end),
                        keys=tuple(dict.fromkeys(keys)),
                    )
                )

    def close_section(self) -> None:
        if self._start is not None:
            self.sections.append(
                Section(
                    heading=self._heading or (self.title,),
                    span=Span(start=self._start, end=self._end),
                    page=self._page,
                    asked=self._asked,
                )
            )
        self._start, self._asked = None, ()


def build(title: str, blocks: Iterable[Block]) -> DocumentBuilder:
    """The document of these blocks. The title is no part of a heading path."""
    builder = DocumentBuilder(title=title)
    path: list[tuple[int, str]] = []
    before: Block | None = None
    for block in blocks:
        if block.kind == "heading":
            path = [(level, text) for level, text in path if level < block.level]
            if block.text:
                path.append((block.level, block.text))
            heading = tuple(t for level, t in path if level > 0 and t != title)
            builder.open_section(heading or (title,), block.text)
        else:
            listed = block.kind != "paragraph"
            goes_on = listed and before is not None and before.kind == block.kind
            for number, line in enumerate(lines_of(block.text)):
                first = not goes_on if number == 0 else False
                builder.block(line, list_item=listed and number == 0, first=first, page=block.page)
        before = block
    builder.close_section()
    return builder
