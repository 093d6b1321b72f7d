"""Loaders: bytes in, `SourceDocument` out, one loader a suffix. They raise, they never guess.

A document's canonical text is what the source reader shows and what every span counts in: one
line a heading, paragraph or list item (`- ` before it), blocks parted by an empty line.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.errors import EmptyDocument, FrontMatterError, UnknownFormat, UnreadableDocument
from bot.front_matter import FrontMatter, read_front_matter
from bot.records import Section, SourceDocument, SourceInfo, Span, Support
from bot.text import canonical, sentence_spans

LOADER_VERSION = 1
"""Part of the index fingerprint: raise it when a loader's output changes."""

_ASKED = re.compile(r"<!--\s*asked\s*\n(.*?)-->", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_KEYS = re.compile(r"(?:\[\^[^\]\s]+\])+")
_KEY = re.compile(r"\[\^([^\]\s]+)\]")
NO_FACT = "-"
"""The reference key of a sentence that states no fact."""


def load(source_id: str, data: bytes) -> SourceDocument:
    """Load one document by the suffix of `source_id`.

    Raises `UnknownFormat`, `UnreadableDocument` (not UTF-8), `FrontMatterError`, `EmptyDocument`.
    """
    loader = LOADERS.get(suffix_of(source_id))
    if loader is None:
        known = ", ".join(sorted(LOADERS))
        raise UnknownFormat(
            f"no loader takes this kind of file (known: {known})", source_id=source_id
        )
    front = read_front_matter(_decode(source_id, data), source_id)
    builder = loader(front)
    if not builder.sections:
        raise EmptyDocument("there is no text below the front matter", source_id=source_id)
    text = builder.text()
    known_keys = {reference.key for reference in front.info.references} | {NO_FACT}
    for support in builder.support:
        for key in support.keys:
            if key not in known_keys:
                raise FrontMatterError(
                    f"the reference [^{key}] is not among the sources", source_id=source_id
                )
    return SourceDocument(
        info=front.info,
        text=text,
        sections=tuple(builder.sections),
        file_hash=hashlib.sha256(data).hexdigest(),
        support=tuple(builder.support),
    )


def suffix_of(source_id: str) -> str:
    name = source_id.rsplit("/", 1)[-1]
    return "." + name.rsplit(".", 1)[-1].lower() if "." in name else ""


def _decode(source_id: str, data: bytes) -> str:
    if not data.strip():
        raise EmptyDocument("the file is empty", source_id=source_id)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UnreadableDocument(
            "the file is not UTF-8 text",
            source_id=source_id,
            line=line,
            hint="Save it again with the encoding UTF-8.",
        ) from None
    if "\x00" in text:
        raise UnreadableDocument(
            "the file holds binary data, not text", source_id=source_id, line=1
        )
    return canonical(text)


@dataclass(slots=True)
class _Builder:
    """Collects blocks into one canonical text and the sections, spans and references in it."""

    info: SourceInfo
    parts: list[str] = field(default_factory=list)
    length: int = 0
    sections: list[Section] = field(default_factory=list)
    support: list[Support] = field(default_factory=list)
    _heading: tuple[str, ...] = ()
    _start: int | None = None
    _end: int = 0
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
        self.close_section()
        self._append(line, "\n\n")
        self._heading = heading

    def ask(self, ways: Iterable[str]) -> None:
        self._asked += tuple(ways)

    def block(self, raw: str, *, list_item: bool = False, first: bool = True) -> None:
        text, marks = _strip_keys(raw)
        if not text.strip():
            return
        lead = "- " if list_item else ""
        start = self._append(lead + text, "\n\n" if first else "\n") + len(lead)
        if self._start is None:
            self._start = start
        self._end = start + len(text)
        self._note_support(text, start, marks)

    def _note_support(
        self, text: str, start: int, marks: list[tuple[int, tuple[str, ...]]]
    ) -> None:
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
                    heading=self._heading or (self.info.title,),
                    span=Span(start=self._start, end=self._end),
                    asked=self._asked,
                )
            )
        self._start, self._asked = None, ()


def _strip_keys(raw: str) -> tuple[str, list[tuple[int, tuple[str, ...]]]]:
    """The text without `[^key]` marks, and for each run of marks where it stood and its keys."""
    text, marks, last = "", [], 0
    for match in _KEYS.finditer(raw):
        text = text + raw[last : match.start()]
        if text.endswith(" ") and raw[match.end() : match.end() + 1] in ("", " "):
            text = text[:-1]
        marks.append((len(text), tuple(_KEY.findall(match.group()))))
        last = match.end()
    return text + raw[last:], marks


def _markdown(front: FrontMatter) -> _Builder:
    builder = _Builder(info=front.info)
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(front.body)
    path: list[tuple[int, str]] = []
    in_list = 0
    first_item = True
    row: list[str] = []
    header: list[str] = []
    in_head = False
    first_row = True
    for index, token in enumerate(tokens):
        match token.type:
            case "heading_open":
                level, title = int(token.tag[1]), _inline(tokens[index + 1])
                path = [(lv, t) for lv, t in path if lv < level] + [(level, title)]
                heading = tuple(t for lv, t in path if not (lv == 1 and t == front.info.title))
                builder.open_section(heading or (front.info.title,), title)
            case "bullet_list_open" | "ordered_list_open":
                in_list += 1
                first_item = in_list == 1
            case "bullet_list_close" | "ordered_list_close":
                in_list -= 1
            case "inline" if tokens[index - 1].type == "paragraph_open":
                text = _inline(token)
                builder.block(text, list_item=in_list > 0, first=not in_list or first_item)
                first_item = False
            case "fence" | "code_block":
                builder.block(" ".join(token.content.split()))
            case "html_block":
                _html(token.content, builder)
            case "thead_open" | "thead_close":
                in_head = token.type == "thead_open"
                first_row = True
                header = header if token.type == "thead_close" else []
            case "tr_open":
                row = []
            case "inline" if tokens[index - 1].type in ("th_open", "td_open"):
                row.append(_inline(token))
            case "tr_close" if in_head:
                header = row
            case "tr_close":
                pairs = [f"{h}: {c}" if h else c for h, c in zip(header, row, strict=False) if c]
                if pairs:
                    builder.block("; ".join(pairs) + ".", list_item=True, first=first_row)
                    first_row = False
            case _:
                pass
    builder.close_section()
    return builder


def _html(content: str, builder: _Builder) -> None:
    for match in _ASKED.finditer(content):
        ways = (line.strip()[1:].strip() for line in match.group(1).split("\n"))
        builder.ask(
            way
            for line, way in zip(match.group(1).split("\n"), ways, strict=True)
            if line.strip().startswith("-") and way
        )
    rest = " ".join(_TAG.sub(" ", _COMMENT.sub(" ", content)).split())
    if rest:
        builder.block(rest)


def _inline(token: Token) -> str:
    """The words of an inline token: markup off, line breaks as blanks, link texts kept."""
    parts: list[str] = []
    for child in token.children or []:
        if child.type in ("text", "code_inline"):
            parts.append(child.content)
        elif child.type in ("softbreak", "hardbreak"):
            parts.append(" ")
        elif child.type == "image":
            parts.append(child.content)
    return " ".join("".join(parts).split())


def _plain(front: FrontMatter) -> _Builder:
    builder = _Builder(info=front.info)
    for number, block in enumerate(re.split(r"\n{2,}", front.body.strip("\n"))):
        for position, line in enumerate(block.split("\n")):
            # A first line that repeats the title is a heading, not a sentence to quote.
            if number == 0 and position == 0 and line.strip() == front.info.title:
                builder.open_section((front.info.title,), line.strip())
            else:
                builder.block(" ".join(line.split()), first=position == 0)
    builder.close_section()
    return builder


LOADERS: dict[str, Callable[[FrontMatter], _Builder]] = {
    ".md": _markdown,
    ".markdown": _markdown,
    ".txt": _plain,
}
