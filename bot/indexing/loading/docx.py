"""Word documents: headings, paragraphs, lists, tables and text boxes as blocks.

Read as Word shows the final text: insertions in, deletions and hidden text out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from io import BytesIO
from typing import Any

import docx
from docx.document import Document
from docx.oxml.ns import qn

from bot.errors import DecompressionBomb, UnreadableDocument
from bot.indexing.loading.blocks import BULLET, Block, Extract, lines_of, raised, tidy
from bot.indexing.loading.docx_package import check_package
from bot.indexing.loading.limits import Limits
from bot.indexing.loading.metadata import (
    believable_authors,
    believable_date,
    believable_title,
    language_of,
)
from bot.indexing.loading.tables import Cell, table_blocks

_SKIPPED = frozenset(
    map(
        qn,
        "w:del w:moveFrom w:delText w:instrText w:rPr w:pPr w:tblPr w:tblGrid w:sectPr w:sdtPr"
        " w:footnoteRef w:endnoteRef w:annotationRef w:commentReference".split(),
    )
)
_NOTE_REFERENCES = {qn("w:footnoteReference"): "footnotes", qn("w:endnoteReference"): "endnotes"}
_HEADING_STYLE = re.compile(r"^heading (\d)$", re.IGNORECASE)
_MAX_HEADING_WORDS = 14
_FAKE_HEADING_LEVEL = 8
"""Below every heading that has a style: a line that is only printed bold."""
_TEMPLATE_TIME = "2013-12-23T23:15:00"
"""When the template was made that python-docx fills: not a date of the leaflet."""
_ALTERNATE = "{http://schemas.openxmlformats.org/markup-compatibility/2006}AlternateContent"
_PICTURE = "{http://schemas.openxmlformats.org/drawingml/2006/picture}pic"
_APP = "{http://schemas.openxmlformats.org/officeDocument/2006/extended-properties}Company"


def read_docx(source_id: str, data: bytes, limits: Limits) -> Extract:
    """The document's blocks and metadata. Raises the errors of `check_package`,
    `UnreadableDocument`, `DecompressionBomb` (elements nest without end)."""
    check_package(source_id, data, limits)
    try:
        document = docx.Document(BytesIO(data))
        blocks = _Reader(document).read()
        fields = _metadata(document, blocks)
    except RecursionError:
        raise DecompressionBomb(
            "the elements of the document nest too deep", source_id=source_id
        ) from None
    except Exception as error:  # The library meets hostile XML with whatever it trips over.
        raise UnreadableDocument(
            f"the Word document cannot be read: {str(error)[:120]}", source_id=source_id
        ) from None
    return Extract(blocks=tuple(blocks), fields=fields)


class _Reader:
    def __init__(self, document: Document) -> None:
        self._document = document
        self._styles = _Styles(document)
        self._notes = {kind: _notes(document, kind) for kind in ("footnotes", "endnotes")}
        self._waiting: list[Any] = []  # text boxes and notes of the paragraph being read

    def read(self) -> list[Block]:
        return list(_bold_lines_as_headings(list(self._blocks(self._document.element.body))))

    def _blocks(self, parent: Any) -> Iterator[tuple[Block, bool]]:
        """The blocks below an element, each with whether all of its words are bold."""
        for child in parent:
            if child.tag in _SKIPPED:
                continue
            if child.tag == qn("w:p"):
                yield from self._paragraph(child)
            elif child.tag == qn("w:tbl"):
                yield from self._table(child)
            elif isinstance(child.tag, str):
                yield from self._blocks(child)

    def _paragraph(self, element: Any) -> Iterator[tuple[Block, bool]]:
        outer, self._waiting = self._waiting, []
        text, bold = "", True
        for words, is_bold, is_raised in self._pieces(element):
            text += raised(text.rstrip(), words) if is_raised else words
            bold &= is_bold or not words.strip()
        waiting, self._waiting = self._waiting, outer
        if text.strip():
            yield self._block(element, text), bold
        for inner in waiting:
            yield from self._blocks(inner)

    def _block(self, element: Any, text: str) -> Block:
        style = self._styles.of(element)
        level = self._styles.heading_level(element, style)
        if level is not None:
            return Block(kind="heading", text=tidy(text), level=level)
        marked = BULLET.match(text)
        if marked or self._styles.is_list(element, style):
            return Block(kind="item", text=text[marked.end() :] if marked else text)
        return Block(kind="paragraph", text=text)

    def _pieces(
        self, element: Any, bold: bool = False, high: bool = False
    ) -> Iterator[tuple[str, bool, bool]]:
        """The words of a paragraph in order, each piece with whether it is bold or raised."""
        for child in element:
            tag = child.tag
            if tag in _SKIPPED or not isinstance(tag, str):
                continue
            if tag in (qn("w:t"), "{http://schemas.openxmlformats.org/officeDocument/2006/math}t"):
                yield child.text or "", bold, high
            elif tag in (qn("w:tab"), qn("w:ptab")):
                yield " ", bold, high
            elif tag in (qn("w:br"), qn("w:cr")):
                yield "\n", bold, high
            elif tag == qn("w:noBreakHyphen"):
                yield "-", bold, high
            elif tag == qn("w:r"):
                if not self._styles.is_hidden(child):
                    yield from self._pieces(
                        child, self._styles.is_bold(child, element), self._styles.is_raised(child)
                    )
            elif tag == qn("w:txbxContent"):
                self._waiting.append(child)
            elif tag in _NOTE_REFERENCES:
                note = self._notes[_NOTE_REFERENCES[tag]].pop(child.get(qn("w:id")), None)
                if note is not None:
                    self._waiting.append(note)
            elif tag == _ALTERNATE:
                # The same text box twice, for new and for old programs: the first is enough.
                yield from self._pieces(child[0] if len(child) else child, bold, high)
            elif tag != _PICTURE:
                yield from self._pieces(child, bold, high)

    def _table(self, table: Any) -> Iterator[tuple[Block, bool]]:
        rows = list(self._inside(table, "w:tr"))
        cells = [list(self._inside(row, "w:tc")) for row in rows]
        if max((len(row) for row in cells), default=0) < 2 or self._is_layout(cells):
            for row in cells:
                for cell in row:
                    yield from self._blocks(cell)
            return
        above: dict[int, str] = {}
        grid: list[list[Cell]] = []
        for row, found in zip(rows, cells, strict=True):
            line: list[Cell] = []
            column = _grid_before(row)
            if column:
                line.append(Cell(text="", span=column))
            for cell in found:
                span, merge = _span_and_merge(cell)
                if merge == "continue":
                    text, bold = above.get(column, ""), False
                else:
                    text, bold = self._cell_text(cell)
                above[column] = text
                header = bold or row.find(f"{qn('w:trPr')}/{qn('w:tblHeader')}") is not None
                line.append(Cell(text=text, header=header, span=span))
                column += span
            grid.append(line)
        for block in table_blocks(grid):
            yield block, False

    def _inside(self, parent: Any, name: str) -> Iterator[Any]:
        """The rows or cells of a table, also those in content controls and insertions."""
        for child in parent:
            if child.tag == qn(name):
                properties = child.find(qn("w:trPr"))
                if properties is None or properties.find(qn("w:del")) is None:
                    yield child
            elif child.tag in (qn("w:sdt"), qn("w:sdtContent"), qn("w:ins"), qn("w:customXml")):
                yield from self._inside(child, name)

    def _is_layout(self, cells: list[list[Any]]) -> bool:
        """A table that only places things on the page has headings in its cells."""
        return any(
            self._styles.heading_level(p, self._styles.of(p)) is not None
            for row in cells
            for cell in row
            for p in cell.iter(qn("w:p"))
        )

    def _cell_text(self, cell: Any) -> tuple[str, bool]:
        inner = list(self._blocks(cell))
        return "\n".join(b.text for b, _ in inner), bool(inner) and all(bold for _, bold in inner)


class _Styles:
    """What paragraphs and runs inherit from their styles."""

    def __init__(self, document: Document) -> None:
        self._by_id = {
            style.get(qn("w:styleId")): style
            for style in document.styles.element.findall(qn("w:style"))
        }

    def of(self, paragraph: Any) -> list[Any]:
        """The style of a paragraph and those that it is based on."""
        found = paragraph.find(f"{qn('w:pPr')}/{qn('w:pStyle')}")
        return self._chain(found.get(qn("w:val")) if found is not None else None)

    def _chain(self, style_id: str | None) -> list[Any]:
        chain: list[Any] = []
        while style_id in self._by_id and len(chain) < 20:
            style = self._by_id[style_id]
            chain.append(style)
            based = style.find(qn("w:basedOn"))
            style_id = based.get(qn("w:val")) if based is not None else None
        return chain

    def heading_level(self, paragraph: Any, chain: list[Any]) -> int | None:
        for style in chain:
            name = style.find(qn("w:name"))
            words = name.get(qn("w:val"), "") if name is not None else ""
            if words.casefold() == "title":
                return 0
            if match := _HEADING_STYLE.match(words):
                return int(match.group(1))
        for holder in (paragraph, *chain):
            outline = holder.find(f"{qn('w:pPr')}/{qn('w:outlineLvl')}")
            if outline is not None:
                value = outline.get(qn("w:val"), "9")
                return int(value) + 1 if value.isdigit() and int(value) < 9 else None
        return None

    def is_list(self, paragraph: Any, chain: list[Any]) -> bool:
        for holder in (paragraph, *chain):
            number = holder.find(f"{qn('w:pPr')}/{qn('w:numPr')}/{qn('w:numId')}")
            if number is not None:
                return bool(number.get(qn("w:val")) != "0")
        found = (style.find(qn("w:name")) for style in chain)
        names = [name.get(qn("w:val"), "") for name in found if name is not None]
        return any(name.startswith("List ") and name != "List Paragraph" for name in names)

    def is_hidden(self, run: Any) -> bool:
        return self._on(run, "w:vanish", ())

    def is_bold(self, run: Any, parent: Any) -> bool:
        return self._on(run, "w:b", self.of(parent) if parent.tag == qn("w:p") else ())

    def is_raised(self, run: Any) -> bool:
        mark = run.find(f"{qn('w:rPr')}/{qn('w:vertAlign')}")
        return mark is not None and mark.get(qn("w:val")) == "superscript"

    def _on(self, run: Any, name: str, inherited: Any) -> bool:
        style = run.find(f"{qn('w:rPr')}/{qn('w:rStyle')}")
        chain = self._chain(style.get(qn("w:val"))) if style is not None else []
        for holder in (run, *chain, *inherited):
            mark = holder.find(f"{qn('w:rPr')}/{qn(name)}")
            if mark is not None:
                return mark.get(qn("w:val"), "true") not in ("0", "false", "off")
        return False


def _span_and_merge(cell: Any) -> tuple[int, str | None]:
    span = cell.find(f"{qn('w:tcPr')}/{qn('w:gridSpan')}")
    merge = cell.find(f"{qn('w:tcPr')}/{qn('w:vMerge')}")
    width = span.get(qn("w:val"), "1") if span is not None else "1"
    return (
        min(max(int(width), 1), 100) if width.isdigit() else 1,
        None if merge is None else merge.get(qn("w:val"), "continue"),
    )


def _grid_before(row: Any) -> int:
    before = row.find(f"{qn('w:trPr')}/{qn('w:gridBefore')}")
    value = before.get(qn("w:val"), "0") if before is not None else "0"
    return min(int(value), 100) if value.isdigit() else 0


def _notes(document: Document, kind: str) -> dict[str, Any]:
    """The foot or end notes by id, without the lines that part them from the text."""
    from docx.oxml import parse_xml

    for relation in document.part.rels.values():
        if relation.reltype.endswith(f"/{kind}") and not relation.is_external:
            root: Any = parse_xml(relation.target_part.blob)
            return {note.get(qn("w:id")): note for note in root if not note.get(qn("w:type"))}
    return {}


def _bold_lines_as_headings(found: list[tuple[Block, bool]]) -> Iterator[Block]:
    """A short bold line above other text is a heading in the many leaflets without styles."""
    for number, (block, bold) in enumerate(found):
        after = found[number + 1] if number + 1 < len(found) else None
        text = tidy(block.text)
        if (
            block.kind == "paragraph"
            and bold
            and len(lines_of(block.text)) == 1
            and len(text.split()) <= _MAX_HEADING_WORDS
            and text[-1] not in ".,;!"
            and after is not None
            and not (after[0].kind == "paragraph" and after[1])
        ):
            yield Block(kind="heading", text=text.rstrip(":"), level=_FAKE_HEADING_LEVEL)
        else:
            yield block


def _metadata(document: Document, blocks: list[Block]) -> dict[str, Any]:
    titles = [block.text for block in blocks if block.kind == "heading" and block.level == 0]
    package = document.part.package
    if not any(r.reltype.endswith("/core-properties") for r in package.rels.values()):
        # The library would make some up, with the date of today.
        return {"title": believable_title(titles[0] if titles else None)}
    core = document.core_properties
    return {
        "title": believable_title(core.title) or believable_title(titles[0] if titles else None),
        "publisher": _company(document),
        "authors": believable_authors([core.author]),
        "published": _day(core.modified) or _day(core.created),
        "language": language_of(core.language) or language_of(_default_language(document)),
    }


def _day(moment: datetime | None) -> date | None:
    if moment is None or moment.isoformat().startswith(_TEMPLATE_TIME):
        return None
    return believable_date(moment)


def _company(document: Document) -> str | None:
    from docx.oxml import parse_xml

    for part in document.part.package.iter_parts():
        if str(part.partname) == "/docProps/app.xml":
            root: Any = parse_xml(part.blob)
            found = root.find(_APP)
            return (tidy(found.text or "") or None) if found is not None else None
    return None


def _default_language(document: Document) -> str | None:
    found = document.styles.element.find(
        f"{qn('w:docDefaults')}/{qn('w:rPrDefault')}/{qn('w:rPr')}/{qn('w:lang')}"
    )
    return found.get(qn("w:val")) if found is not None else None
