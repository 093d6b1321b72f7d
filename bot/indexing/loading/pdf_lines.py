"""Lines of PDF pages to blocks: headings, paragraphs, list items and table rows with their page.

What repeats at the head or foot of the pages is left out. Words cut at a line's end are joined.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from bot.indexing.loading.blocks import BULLET, Block, tidy
from bot.indexing.loading.pdf_layout import Line
from bot.indexing.loading.tables import table_blocks
from bot.text import sentence_spans

_MARGIN = 0.12
"""The share of a page's height at its head and foot where running lines stand."""
_EDGE_LINES = 3
_MOST_RUNNING_WORDS = 8
"""Running lines in the size of the text that differ in numbers only have no more words."""
_SMALL_PRINT = 0.92
"""Small print is at most this many times as large as the body text."""
_PAGE_NUMBER = re.compile(
    r"^[\s\-–—|•]*(?:(?:page|p\.?|seite|side)\s*)?\d{1,4}(?:\s*(?:of|/|from|von)\s*\d{1,4})?[\s\-–—|•]*$",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"^\(?(?:\d{1,2}|[a-z])[.)]\s+(?=\S)")
_SENTENCE_END = re.compile(r"[.!?:;][\"'”’)\]]*$")
_CUT = re.compile(r"(?<=\w)[-\u00ad\u2010]$")
_HEADING_SIZE = 1.12
"""A heading is at least this many times as large as the body text, or bold."""
_MAX_HEADING_WORDS = 16
_KEEP_HYPHEN = frozenset(
    "self non well anti post pre co ex half long short high low full part one two three four five"
    " first second follow check graft host stem cross over all in out up off on e".split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageLine:
    """A line and the page it stands on."""

    line: Line
    page: int


def blocks_of(pages: Sequence[Sequence[Line]]) -> list[Block]:
    """The blocks of a document whose pages' lines are given in reading order."""
    body = _body_size(line for page in pages for line in page)
    kept = _without_running_lines(pages, body)
    lines = [PageLine(line=line, page=n) for n, page in enumerate(kept, start=1) for line in page]
    levels = _heading_levels(lines, body)
    words = _Words(lines)
    blocks: list[Block] = []
    breaks: set[int] = set()
    place: tuple[int, int] | None = None
    for group in _groups(lines, levels):
        first = group[0]
        if place is not None and place != (first.page, first.line.region):
            breaks.add(len(blocks))
        place = (first.page, first.line.region)
        if first.line.grid:
            blocks += table_blocks(first.line.grid, page=first.page)
            continue
        text = words.join([item.line.text for item in group])
        level = levels.get(_look(first.line))
        if level is not None and _can_head(text):
            blocks.append(Block(kind="heading", text=tidy(text), level=level, page=first.page))
            continue
        marked = BULLET.match(text) or _NUMBERED.match(text)
        blocks.append(
            Block(
                kind="item" if marked else "paragraph",
                text=tidy(text[marked.end() :] if marked else text),
                page=first.page,
            )
        )
    return list(_across_breaks(blocks, breaks, words))


def _without_running_lines(pages: Sequence[Sequence[Line]], body: float) -> list[list[Line]]:
    """The pages without page numbers, and without lines that stand at the same place at the head
    or foot of most pages, or of most left or right pages. A document of one page has nothing to
    compare: there the small print at head and foot is read before and after the rest."""
    edges = [_edge_lines(page) for page in pages]
    keys = [[_running_keys(line, lines, body) for line in lines] for lines in edges]
    seen = Counter(key for found in keys for key in set().union(*found))
    full = sum(1 for page in pages if page)
    most = max(2, round(0.4 * full))
    numbered = sum(any(_PAGE_NUMBER.match(x.text) for x in lines) for lines in edges)
    kept = []
    for page, lines, found in zip(pages, edges, keys, strict=True):
        running = {
            id(line)
            for line, own in zip(lines, found, strict=True)
            if full > 1 and any(seen[key] >= most for key in own)
        }
        for line in lines:
            if _PAGE_NUMBER.match(line.text) and (numbered > 1 or "of" in line.text or full == 1):
                beside = _row(line, lines) if full == 1 else []
                running |= {id(x) for x in [line, *(x for x in beside if _is_small(x, body))]}
        rest = [line for line in page if id(line) not in running]
        kept.append(_with_edges(_set_apart(rest, body) if full == 1 else rest))
    return kept


def _row(line: Line, lines: Sequence[Line]) -> list[Line]:
    """The lines of all columns that stand on the same height, from left to right."""
    row = [x for x in lines if abs(x.baseline - line.baseline) <= 0.3 * line.size]
    return sorted(row, key=lambda x: x.x0)


def _is_small(line: Line, body: float) -> bool:
    return line.size <= _SMALL_PRINT * body


def _set_apart(page: Sequence[Line], body: float) -> list[Line]:
    """The page with the small print of its head first and of its foot last, as stretches of their
    own: between two columns it would stand in the middle of a sentence."""
    small = [line for line in _edge_lines(page) if _is_small(line, body)]
    apart = {id(line) for line in small}
    regions = [line.region for line in page]
    head = [replace(line, region=min(regions) - 1) for line in small if line.y > 0.5]
    foot = [replace(line, region=max(regions) + 1) for line in small if line.y <= 0.5]
    return [*head, *(line for line in page if id(line) not in apart), *foot]


def _with_edges(page: Sequence[Line]) -> list[Line]:
    """The edges of each column anew: a running line across the page is no measure of it."""
    edges: dict[int, tuple[float, float]] = {}
    for line in page:
        left, right = edges.get(line.region, (line.x0, line.x1))
        edges[line.region] = (min(left, line.x0), max(right, line.x1))
    return [replace(x, left=edges[x.region][0], right=edges[x.region][1]) for x in page]


def _edge_lines(page: Sequence[Line]) -> list[Line]:
    ordered = sorted((line for line in page if not line.grid), key=lambda line: -line.y)
    head = [line for line in ordered[:_EDGE_LINES] if line.y >= 1 - _MARGIN]
    foot = [line for line in ordered[-_EDGE_LINES:] if line.y <= _MARGIN]
    return head + [line for line in foot if line not in head]


def _running_keys(line: Line, lines: Sequence[Line], body: float) -> set[tuple[str, int]]:
    """The line's own key and that of its row: where a page has columns, a line across their gap is
    read as two."""
    row = [_running_key(x, body) for x in _row(line, lines)]
    return {_running_key(line, body), (" ".join(text for text, _ in row), round(line.y * 40))}


def _running_key(line: Line, body: float) -> tuple[str, int]:
    """What makes two lines the same running line. Digits count where the line looks like a heading
    or ends like a sentence, or is as long as one: `Step 1` and `Step 2` at the head of two pages
    are content."""
    text = line.text.casefold()
    short = len(text.split()) <= _MOST_RUNNING_WORDS or _is_small(line, body)
    if short and not line.bold and line.size <= 1.05 * body and not _SENTENCE_END.search(text):
        text = re.sub(r"\d+|\b[ivx]+\b", "#", text)
    return " ".join(text.split()), round(line.y * 40)


def _body_size(lines: Iterable[Line]) -> float:
    sizes = Counter[float]()
    for line in lines:
        if not line.grid:
            sizes[round(line.size * 2) / 2] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 10.0


def _look(line: Line) -> tuple[float, bool]:
    return round(line.size * 2) / 2, line.bold


def _heading_levels(lines: Sequence[PageLine], body: float) -> dict[tuple[float, bool], int]:
    """The levels of the looks that headings have: the larger the higher, bold before plain."""
    looks = Counter(_look(x.line) for x in lines if not x.line.grid)
    bold_text = sum(len(x.line.text) for x in lines if x.line.bold and not x.line.grid)
    all_text = sum(len(x.line.text) for x in lines if not x.line.grid) or 1
    heads = [
        (size, bold)
        for size, bold in looks
        if size >= _HEADING_SIZE * body
        or (bold and size >= 0.95 * body and bold_text < 0.4 * all_text)
    ]
    return {look: level for level, look in enumerate(sorted(heads, reverse=True), start=1)}


def _can_head(text: str) -> bool:
    words = text.split()
    return (
        len(words) <= _MAX_HEADING_WORDS
        and not BULLET.match(text)
        and bool(re.search(r"[^\W\d_]{2}", text))
        and not re.search(r"[.;,]$", text)
    )


def _groups(
    lines: Sequence[PageLine], levels: dict[tuple[float, bool], int]
) -> Iterator[list[PageLine]]:
    """Lines that belong to one block."""
    leading = _leading(lines)
    group: list[PageLine] = []
    for item in lines:
        if group and not _goes_on(group, item, levels, leading):
            yield group
            group = []
        group.append(item)
    if group:
        yield group


def _leading(lines: Sequence[PageLine]) -> float:
    """The usual distance of baselines within a paragraph, in font sizes."""
    steps = [
        round((a.line.baseline - b.line.baseline) / b.line.size, 1)
        for a, b in pairwise(lines)
        if a.page == b.page and a.line.region == b.line.region and a.line.size == b.line.size
    ]
    usual = Counter(step for step in steps if 0.8 <= step <= 2.5)
    often = [step for step, count in usual.items() if count >= max(2, 0.2 * usual.total())]
    return min(often, default=1.2)


def _goes_on(
    group: list[PageLine],
    item: PageLine,
    levels: dict[tuple[float, bool], int],
    leading: float,
) -> bool:
    before, line = group[-1].line, item.line
    if before.grid or line.grid or group[-1].page != item.page or before.region != line.region:
        return False
    step = (before.baseline - line.baseline) / max(before.size, line.size)
    if step > 1.3 * leading + 0.05 or step < 0:
        return False
    if BULLET.match(line.text) or _NUMBERED.match(line.text):
        return False
    if (_look(before) in levels or _look(line) in levels) and _look(before) != _look(line):
        return False
    if _look(line) in levels:
        middle = abs(before.x0 + before.x1 - line.x0 - line.x1) / 2
        return step <= 1.45 and min(middle, abs(before.x0 - line.x0)) <= 0.3 * line.size
    if BULLET.match(group[0].line.text) or _NUMBERED.match(group[0].line.text):
        # An item's further lines stand further in than its mark.
        return line.x0 > group[0].line.x0 + 0.3 * line.size or not _SENTENCE_END.search(before.text)
    if _is_forced(before, line):
        return False
    ended = bool(_SENTENCE_END.search(before.text))
    short = before.x1 < before.left + 0.8 * (before.right - before.left)
    indented = line.x0 > before.x0 + 0.8 * line.size
    return not (ended and (short or indented))


def _is_forced(before: Line, line: Line) -> bool:
    """Whether the line before was ended on purpose: the next word would have fitted well."""
    if _CUT.search(before.text):
        return False
    width = before.right - before.left
    letter = (before.x1 - before.x0) / max(len(before.text), 1)
    word = letter * (len(line.text.split(maxsplit=1)[0]) + 1)
    return before.x1 + word + 0.15 * width < before.right


@dataclass(slots=True)
class _Words:
    """The words of the document that stand within a line: they decide if a hyphen is real."""

    lines: Iterable[PageLine]
    known: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        for item in self.lines:
            texts = [c.text for row in item.line.grid or () for c in row] or [item.line.text]
            for text in texts:
                self.known.update(w.strip(".,;:!?()\"'“”").casefold() for w in text.split()[:-1])

    def join(self, texts: Sequence[str]) -> str:
        """The lines as one, words that were cut at a line's end made whole."""
        joined = ""
        for text in texts:
            if not joined:
                joined = text
            elif _CUT.search(joined):
                joined = self._mended(joined, text)
            else:
                joined = f"{joined} {text}"
        return joined

    def _mended(self, before: str, after: str) -> str:
        first = before.rsplit(maxsplit=1)[-1]
        stem, mark = first[:-1], first[-1]
        tail = after.split(maxsplit=1)[0].strip(".,;:!?()\"'“”")
        if mark == "\u00ad":
            return before[:-1] + after
        whole, hyphened = f"{stem}{tail}".casefold(), f"{stem}-{tail}".casefold()
        real = (
            hyphened.lstrip("(\"'“") in self.known
            or not tail[:1].islower()
            or not stem[-1:].isalpha()
            or "-" in stem
            or stem.casefold().strip("(\"'“") in _KEEP_HYPHEN
        )
        if real and whole.lstrip("(\"'“") not in self.known:
            return before[:-1] + "-" + after
        return before[:-1] + after


def _across_breaks(blocks: Sequence[Block], breaks: set[int], words: _Words) -> Iterator[Block]:
    """Join what a column or page break parted (`breaks` are the blocks after one). Over a page
    only the sentence that is cut goes back to the page where it began; the rest stays on its own
    page."""
    waiting: Block | None = None
    for number, block in enumerate(blocks):
        if waiting is not None and number in breaks and _is_cut(waiting, block):
            text = words.join([waiting.text, block.text])
            if waiting.page == block.page:
                waiting = replace(waiting, text=text)
                continue
            spans = sentence_spans(text)
            end = next(s.end for s in spans if s.end > len(waiting.text) - 2)
            yield replace(waiting, text=text[:end].strip())
            rest = text[end:].strip()
            waiting = replace(block, text=rest) if rest else None
            continue
        if waiting is not None:
            yield waiting
        waiting = block
    if waiting is not None:
        yield waiting


def _is_cut(before: Block, after: Block) -> bool:
    return (
        before.kind in ("paragraph", "item")
        and after.kind == "paragraph"
        and not _SENTENCE_END.search(before.text)
        and (after.text[:1].islower() or bool(_CUT.search(before.text)))
    )
