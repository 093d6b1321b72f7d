"""Markdown: CommonMark with tables, ways of asking in comments, references as `[^key]`."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.indexing.loading.blocks import DocumentBuilder

_ASKED = re.compile(r"<!--\s*asked\s*\n(.*?)-->", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_KEYS = re.compile(r"(?:\[\^[^\]\s]+\])+")
_KEY = re.compile(r"\[\^([^\]\s]+)\]")


def read_markdown(body: str, title: str) -> DocumentBuilder:
    """The document of the Markdown below the front matter."""
    builder = DocumentBuilder(title=title)
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(body)
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
                level, words = int(token.tag[1]), _inline(tokens[index + 1])
                path = [(lv, t) for lv, t in path if lv < level] + [(level, words)]
                heading = tuple(t for lv, t in path if not (lv == 1 and t == title))
                builder.open_section(heading or (title,), words)
            case "bullet_list_open" | "ordered_list_open":
                in_list += 1
                first_item = in_list == 1
            case "bullet_list_close" | "ordered_list_close":
                in_list -= 1
            case "inline" if tokens[index - 1].type == "paragraph_open":
                text = _inline(token)
                add_block(builder, text, list_item=in_list > 0, first=not in_list or first_item)
                first_item = False
            case "fence" | "code_block":
                add_block(builder, " ".join(token.content.split()))
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
                    add_block(builder, "; ".join(pairs) + ".", list_item=True, first=first_row)
                    first_row = False
            case _:
                pass
    builder.close_section()
    return builder


def read_plain_text(body: str, title: str) -> DocumentBuilder:
    """The document of plain text: empty lines part the paragraphs, line ends stay."""
    builder = DocumentBuilder(title=title)
    for number, block in enumerate(re.split(r"\n{2,}", body.strip("\n"))):
        for position, line in enumerate(block.split("\n")):
            # A first line that repeats the title is a heading, not a sentence to quote.
            if number == 0 and position == 0 and line.strip() == title:
                builder.open_section((title,), line.strip())
            else:
                add_block(builder, " ".join(line.split()), first=position == 0)
    builder.close_section()
    return builder


def add_block(
    builder: DocumentBuilder, raw: str, *, list_item: bool = False, first: bool = True
) -> None:
    """Add a block whose `[^key]` marks become support of its sentences."""
    text, marks = _strip_keys(raw)
    builder.block(text, marks=marks, list_item=list_item, first=first)


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


def _html(content: str, builder: DocumentBuilder) -> None:
    for match in _ASKED.finditer(content):
        ways = (line.strip()[1:].strip() for line in match.group(1).split("\n"))
        builder.ask(
            way
            for line, way in zip(match.group(1).split("\n"), ways, strict=True)
            if line.strip().startswith("-") and way
        )
    rest = " ".join(_TAG.sub(" ", _COMMENT.sub(" ", content)).split())
    if rest:
        add_block(builder, rest)


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
