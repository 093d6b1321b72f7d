"""Web pages: the main content as blocks. What surrounds it, or is not shown, is left out."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree
from lxml.html import HtmlElement, HTMLParser

from bot.errors import DecompressionBomb, EmptyDocument, TruncatedDocument, UnreadableDocument
from bot.indexing.loading.blocks import BULLET, Block, Extract, raised, tidy
from bot.indexing.loading.html_metadata import page_metadata
from bot.indexing.loading.tables import Cell, table_blocks

_NEVER = frozenset(
    "script style noscript template svg iframe object embed applet audio video canvas map button"
    " select option textarea input datalist nav aside dialog menu head".split()
)
_NEVER_ROLES = frozenset(
    "navigation banner contentinfo complementary search dialog alertdialog menu menubar"
    " toolbar".split()
)
_BLOCKS = frozenset(
    "address article blockquote body center dd details div dl dt fieldset figcaption figure footer"
    " form header hgroup hr html li main ol p pre section summary table ul legend caption".split()
)
_HEADINGS = {f"h{n}": n for n in range(1, 7)}
_AROUND = re.compile(
    r"(?:^|[\s_-])(?:cookies?|cookiebanner|onetrust|breadcrumbs?|skip-?(?:link|to|nav)\w*"
    r"|social|share-?(?:bar|buttons?|links?)|newsletter)(?:$|[\s_-])",
    re.IGNORECASE,
)
_NOT_SHOWN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_TOO_DEEP = "the elements of the page nest too deep"
_MOST_AROUND = 0.3
"""What is named like a cookie banner but holds more of the page's text than this is content."""


def read_html(source_id: str, text: str) -> Extract:
    """The main content of a page and its metadata.

    Raises `TruncatedDocument` (the end of the page is missing), `DecompressionBomb` (elements
    nest without end), `EmptyDocument`, `UnreadableDocument`.
    """
    _check_whole(source_id, text)
    root = _parse(source_id, text)
    try:
        blocks = _Reader(_main(root)).read()
    except RecursionError:
        raise DecompressionBomb(_TOO_DEEP, source_id=source_id) from None
    return Extract(blocks=tuple(blocks), fields=page_metadata(root, blocks))


def _check_whole(source_id: str, text: str) -> None:
    begins = re.search(r"<(?:html|body)[\s>]", text, re.IGNORECASE)
    if begins and not re.search(r"</(?:html|body)\s*>", text, re.IGNORECASE):
        raise TruncatedDocument(
            "the page begins with <html> or <body> and never ends it",
            source_id=source_id,
            hint="Download it again. If it is whole, add </html> at its end.",
        )


def _parse(source_id: str, text: str) -> HtmlElement:
    """A tree without comments. HTML knows no entity of its own making and loads no other file."""
    parser = HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(text.encode("utf-8"), parser)
    except (etree.LxmlError, ValueError, AssertionError) as error:
        raise UnreadableDocument(
            f"the page cannot be read: {str(error)[:120]}", source_id=source_id
        ) from None
    # Past its limit on depth libxml2 drops the rest of the page and only notes it here.
    for entry in parser.error_log:
        if entry.level == etree.ErrorLevels.FATAL:
            raise DecompressionBomb(_TOO_DEEP, source_id=source_id)
    if root is None:
        raise EmptyDocument("there is no text to quote", source_id=source_id)
    return root


def _main(root: HtmlElement) -> HtmlElement:
    """The element that holds the content: `main`, the only `article`, or the body."""
    for path in ("//main", "//*[@role='main']", "//article"):
        found = [e for e in root.xpath(path) if not _hidden(e)]
        outer = [e for e in found if not any(a in found for a in e.iterancestors())]
        if len(outer) == 1 and _length(outer[0]) > 0:
            return outer[0]
    bodies = root.xpath("//body")
    return bodies[0] if bodies else root


def _length(element: HtmlElement) -> int:
    parts = element.xpath(".//text()[not(parent::script or parent::style)]")
    return sum(len(part.strip()) for part in parts)


def _hidden(element: HtmlElement) -> bool:
    if element.get("hidden") is not None and element.get("hidden") != "until-found":
        return True
    return element.get("aria-hidden") == "true" or bool(_NOT_SHOWN.search(element.get("style", "")))


class _Reader:
    """Walks the content once. Text gathers until a block ends."""

    def __init__(self, main: HtmlElement) -> None:
        self._main = main
        self._whole = max(1, _length(main))
        self._inside = main.tag in ("main", "article") or main.get("role") == "main"
        self._blocks: list[Block] = []
        self._text: list[str] = []
        self._lists = 0
        self._level = 0

    def read(self) -> list[Block]:
        self._children(self._main)
        self._flush()
        return self._blocks

    def _dropped(self, element: HtmlElement) -> bool:
        tag = element.tag
        if tag in _NEVER or element.get("role") in _NEVER_ROLES or _hidden(element):
            return True
        if tag == "footer" or (tag == "header" and not self._inside):
            # A heading in the header of a page without `main` is often its only title.
            return tag == "footer" or not element.xpath(".//h1")
        if tag == "a" and element.get("href", "").startswith("#"):
            return tidy("".join(element.itertext())).casefold().startswith("skip to")
        names = f"{element.get('class', '')} {element.get('id', '')}"
        if _AROUND.search(names):
            return _length(element) <= _MOST_AROUND * self._whole
        return False

    def _walk(self, element: HtmlElement) -> None:
        tag = element.tag
        if not isinstance(tag, str) or self._dropped(element):
            return
        if tag in _HEADINGS:
            self._flush()
            self._heading(element, _HEADINGS[tag])
        elif tag == "sup":
            self._text.append(raised("".join(self._text).rstrip(), self._words(element)))
        elif tag == "br":
            self._text.append("\n")
        elif tag == "table":
            self._flush()
            self._table(element)
        elif tag == "details":
            self._flush()
            self._details(element)
        elif tag == "dl":
            self._flush()
            self._definitions(element)
        elif tag in ("ul", "ol"):
            self._flush()
            self._lists += 1
            self._children(element)
            self._flush()
            self._lists -= 1
        elif tag == "pre":
            self._flush()
            self._text.append("".join(element.itertext()))
            self._flush()
        elif tag in _BLOCKS:
            self._flush()
            self._children(element)
            self._flush()
        else:
            self._children(element)

    def _children(self, element: HtmlElement) -> None:
        self._add(element.text)
        for child in element:
            self._walk(child)
            self._add(child.tail)

    def _add(self, text: str | None) -> None:
        if text:
            self._text.append(re.sub(r"\s+", " ", text))

    def _flush(self) -> None:
        text, self._text = "".join(self._text), []
        for part in re.split(r"\n\s*\n", text):
            if not tidy(part):
                continue
            marked = BULLET.match(part)
            item = self._lists > 0 or bool(marked)
            self._blocks.append(
                Block(
                    kind="item" if item else "paragraph",
                    text=part[marked.end() :] if marked else part,
                )
            )

    def _words(self, element: HtmlElement) -> str:
        """The text of an element as one line, by a reader of its own."""
        inner = _Reader(element)
        inner._whole, inner._inside = self._whole, True
        return tidy(" ".join(block.text for block in inner.read()))

    def _heading(self, element: HtmlElement, level: int) -> None:
        if text := self._words(element):
            self._level = level
            self._blocks.append(Block(kind="heading", text=text, level=level))

    def _details(self, element: HtmlElement) -> None:
        """What a reader opens with a click: its summary is a heading, as in lists of questions."""
        outer = self._level
        summaries = [child for child in element if child.tag == "summary"]
        for summary in summaries:
            self._heading(summary, min(outer, 6) + 1)
        self._add(element.text)
        for child in element:
            if child not in summaries:
                self._walk(child)
            self._add(child.tail)
        self._flush()
        self._level = outer
        self._blocks.append(Block(kind="heading", text="", level=min(outer, 6) + 1))

    def _definitions(self, element: HtmlElement) -> None:
        """Terms and definitions: `Term: definition` as an item each."""
        terms: list[str] = []
        fresh = True
        for child in element.iter("dt", "dd"):
            if next(child.iterancestors("dl")) is not element or self._dropped(child):
                continue
            text = self._words(child)
            if child.tag == "dt":
                terms = [*(terms if fresh else []), text]
                fresh = True
            elif text:
                label = ", ".join(t for t in terms if t)
                self._blocks.append(Block(kind="item", text=f"{label}: {text}" if label else text))
                fresh = False

    def _table(self, table: HtmlElement) -> None:
        rows = [row for row in table.iter("tr") if next(row.iterancestors("table")) is table]
        cells = [[c for c in row if c.tag in ("td", "th")] for row in rows]
        if self._is_layout(table, cells):
            for row in cells:
                for cell in row:
                    self._children(cell)
                    self._flush()
            return
        for caption in table.iterchildren("caption"):
            self._children(caption)
            self._flush()
        self._blocks += table_blocks(list(self._grid(rows, cells)))

    def _is_layout(self, table: HtmlElement, cells: list[list[HtmlElement]]) -> bool:
        """A table that only places things on the page: one column, or blocks in its cells."""
        if table.get("role") in ("presentation", "none"):
            return True
        if table.xpath(".//th") or table.xpath("./caption"):
            return False
        inner = table.xpath(".//table | .//h1 | .//h2 | .//h3 | .//h4 | .//ul | .//ol")
        return bool(inner) or max((len(row) for row in cells), default=0) < 2

    def _grid(
        self, rows: list[HtmlElement], cells: list[list[HtmlElement]]
    ) -> Iterator[list[Cell]]:
        """The rows with cells that span several of them repeated in each."""
        above: dict[int, tuple[int, Cell]] = {}
        for row, found in zip(rows, cells, strict=True):
            in_head = any(a.tag == "thead" for a in row.iterancestors())
            below: dict[int, tuple[int, Cell]] = {}
            line: list[Cell] = []
            column, taken = 0, 0
            while column in above or taken < len(found):
                if column in above:
                    rows_left, cell = above[column]
                else:
                    element = found[taken]
                    taken += 1
                    rows_left = _count(element.get("rowspan"))
                    cell = Cell(
                        text=self._cell_text(element),
                        header=in_head or (element.tag == "th" and element.get("scope") != "row"),
                        span=_count(element.get("colspan")),
                    )
                line.append(cell)
                if rows_left > 1:
                    below[column] = (rows_left - 1, cell)
                column += cell.span
            above = below
            yield line

    def _cell_text(self, element: HtmlElement) -> str:
        inner = _Reader(element)
        inner._whole, inner._inside = self._whole, True
        return "\n".join(block.text for block in inner.read())


def _count(raw: str | None) -> int:
    return min(int(raw), 100) if raw and raw.isascii() and raw.isdigit() and int(raw) > 0 else 1
