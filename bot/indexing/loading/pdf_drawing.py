"""What a PDF page draws: pieces of text with their place, and the lines of its tables.

Text that is not meant as content is left out here: marked as header, footer or watermark, beyond
the page's edge, or in a font without a map to characters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from pypdf import PageObject
from pypdf.generic import ArrayObject, ContentStream, DictionaryObject, StreamObject

from bot.indexing.loading.limits import Limits
from bot.indexing.loading.pdf_fonts import Fonts, TextState, advance, is_bold, stretches
from bot.indexing.loading.pdf_geometry import (
    IDENTITY,
    Matrix,
    Rule,
    box,
    matrix,
    mult,
    point,
    rules,
    turned,
)

_MAX_FORMS_DEEP = 12
_MAX_FORMS = 50_000
_MAX_STATES = 200
_PAINT_STROKE = frozenset((b"S", b"s", b"B", b"B*", b"b", b"b*"))
_PAINT_FILL = frozenset((b"f", b"F", b"f*"))


class TooMuchDrawing(Exception):
    """The document draws or unpacks more than the limits allow."""


class Budget:
    """What one document may still unpack and draw. Raises `TooMuchDrawing` when it is spent."""

    def __init__(self, limits: Limits) -> None:
        self._operations = limits.max_operations
        self._bytes = limits.max_unpacked_bytes
        self._forms = _MAX_FORMS

    def spend(self, *, operations: int = 0, unpacked: int = 0, forms: int = 0) -> None:
        self._operations -= operations
        self._bytes -= unpacked
        self._forms -= forms
        if min(self._operations, self._bytes, self._forms) < 0:
            raise TooMuchDrawing


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Text drawn in one go. `x0`, `x1` and `y` (the baseline) are points in a frame turned so
    that the text runs level; `angle` is how far it was turned, in degrees. `space` is the width
    of a blank in points."""

    text: str
    x0: float
    x1: float
    y: float
    size: float
    space: float
    bold: bool
    angle: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """All that one page draws; `width` and `height` in points as the page is shown."""

    pieces: tuple[Piece, ...]
    rules: tuple[Rule, ...]
    width: float
    height: float


@dataclass(slots=True)
class _Marked:
    """A stretch of marked content: left out, or standing for other words."""

    skipped: bool = False
    instead: str | None = None


class Drawer:
    """Draws the pages of one document within its budget."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._fonts = Fonts(lambda size: budget.spend(unpacked=size))
        self._forms: dict[int, tuple[Any, Any]] = {}
        self._pieces: list[Piece] = []
        self._rules: list[Rule] = []
        self._page: PageObject
        self._width = self._height = 0.0

    def draw(self, page: PageObject) -> Drawing:
        """Everything a page draws, as it is shown. Raises `TooMuchDrawing`."""
        self._page, self._pieces, self._rules = page, [], []
        start = turned(-(int(page.rotation or 0) % 360))
        area = page.cropbox
        left, bottom, right, top = (
            float(n) for n in (area.left, area.bottom, area.right, area.top)
        )
        corners = [point(start, x, y) for x in (left, right) for y in (bottom, top)]
        xs, ys = [x for x, _ in corners], [y for _, y in corners]
        start = (*start[:4], -min(xs), -min(ys))
        self._width, self._height = max(xs) - min(xs), max(ys) - min(ys)
        contents = page.get("/Contents")
        contents = contents.get_object() if contents is not None else None
        if isinstance(contents, (StreamObject, ArrayObject)):
            self._run(self._parse(contents), _resources(page), start, TextState(), deep=0)
        return Drawing(
            pieces=tuple(self._pieces),
            rules=tuple(self._rules),
            width=self._width,
            height=self._height,
        )

    def _parse(self, contents: Any) -> Any:
        for part in contents if isinstance(contents, ArrayObject) else [contents]:
            stream = part.get_object()
            if isinstance(stream, StreamObject):
                self._budget.spend(unpacked=len(stream.get_data()))
        return ContentStream(contents, self._page.pdf, "bytes").operations

    def _run(
        self,
        operations: Any,
        resources: DictionaryObject,
        ctm: Matrix,
        state: TextState,
        *,
        deep: int,
    ) -> None:
        stack: list[tuple[Matrix, TextState]] = []
        marked: list[_Marked] = []
        path: list[tuple[str, Any]] = []
        tm = line = IDENTITY
        self._budget.spend(operations=len(operations) + 1)
        for operands, operator in operations:
            numbers = [float(o) for o in operands if isinstance(o, (int, float))]
            match operator:
                case b"q" if len(stack) < _MAX_STATES:
                    stack.append((ctm, replace(state)))
                case b"Q" if stack:
                    ctm, state = stack.pop()
                case b"cm" if len(numbers) == 6:
                    ctm = mult(matrix(numbers), ctm)
                case b"BT":
                    tm = line = IDENTITY
                case b"Tf" if operands:
                    state.font = self._fonts.get(resources, operands[0])
                    state.size = numbers[-1] if numbers else state.size
                case b"Tc" | b"Tw" | b"Tz" | b"TL" | b"Ts" if numbers:
                    _set(state, operator, numbers[0])
                case b"Tm" if len(numbers) == 6:
                    tm = line = matrix(numbers)
                case b"Td" | b"TD" if len(numbers) == 2:
                    if operator == b"TD":
                        state.leading = -numbers[1]
                    tm = line = mult((1, 0, 0, 1, numbers[0], numbers[1]), line)
                case b"T*":
                    tm = line = mult((1, 0, 0, 1, 0, -state.leading), line)
                case b"Tj" | b"TJ" if operands:
                    tm = self._show(state, tm, ctm, operands[0], marked)
                case b"'" | b'"' if operands:
                    if operator == b'"' and len(numbers) == 2:
                        state.word_space, state.char_space = numbers
                    line = mult((1, 0, 0, 1, 0, -state.leading), line)
                    tm = self._show(state, line, ctm, operands[-1], marked)
                case b"BMC" | b"BDC":
                    marked.append(_marking(operands, resources))
                case b"EMC" if marked:
                    marked.pop()
                case b"Do" if operands and not any(m.skipped for m in marked):
                    self._draw_form(resources, operands[0], ctm, state, deep)
                case _:
                    self._trace(operator, numbers, ctm, path)

    def _trace(
        self, operator: bytes, numbers: list[float], ctm: Matrix, path: list[tuple[str, Any]]
    ) -> None:
        """Follow the paths that are drawn: some of them are the lines of tables."""
        match operator:
            case b"m" | b"l" if len(numbers) == 2:
                path.append((operator.decode(), point(ctm, *numbers)))
            case b"re" if len(numbers) == 4:
                path.append(("re", box(ctm, numbers)))
            case b"n":
                path.clear()
            case _ if operator in _PAINT_STROKE or operator in _PAINT_FILL:
                self._rules += rules(path, stroked=operator in _PAINT_STROKE)
                path.clear()
            case _:
                pass

    def _draw_form(
        self, resources: DictionaryObject, name: Any, ctm: Matrix, state: TextState, deep: int
    ) -> None:
        """A drawing inside the page. Each is parsed once, however often it is drawn."""
        forms = resources.get("/XObject")
        forms = forms.get_object() if forms is not None else None
        form = forms.get(name) if isinstance(forms, DictionaryObject) else None
        form = form.get_object() if form is not None else None
        if not isinstance(form, StreamObject) or form.get("/Subtype") != "/Form":
            return
        self._budget.spend(forms=1)
        if deep >= _MAX_FORMS_DEEP:
            raise TooMuchDrawing
        own_matrix = form.get("/Matrix")
        own_matrix = own_matrix.get_object() if own_matrix is not None else None
        if isinstance(own_matrix, ArrayObject) and len(own_matrix) == 6:
            ctm = mult(matrix([float(n) for n in own_matrix]), ctm)
        own = form.get("/Resources")
        own = own.get_object() if own is not None else None
        if id(form) not in self._forms:
            self._forms[id(form)] = (form, self._parse(form))
        inner = own if isinstance(own, DictionaryObject) else resources
        self._run(self._forms[id(form)][1], inner, ctm, replace(state), deep=deep + 1)

    def _show(
        self, state: TextState, tm: Matrix, ctm: Matrix, shown: Any, marked: list[_Marked]
    ) -> Matrix:
        """Draw a string, or strings with gaps between them; returns the text matrix after it."""
        if state.font is None:
            return tm
        for item in shown if isinstance(shown, (list, tuple)) else (shown,):
            moved = 0.0
            if isinstance(item, (int, float)):
                moved = -float(item) / 1000 * state.size * state.scale
            elif isinstance(item, (bytes, str)):
                raw = item if isinstance(item, bytes) else item.encode("latin-1", "replace")
                for text, start, end in stretches(state, state.font, raw):
                    self._add(state, mult(tm, ctm), text, start, end, marked)
                moved = advance(state, state.font, raw)
            tm = mult((1, 0, 0, 1, moved, 0), tm)
        return tm

    def _add(
        self,
        state: TextState,
        place: Matrix,
        text: str,
        start: float,
        end: float,
        marked: list[_Marked],
    ) -> None:
        for mark in marked:
            if mark.skipped:
                return
            if mark.instead is not None:
                text, mark.instead = mark.instead, ""
        size = abs(state.size) * math.hypot(place[2], place[3])
        if not text or state.font is None or not 1.0 <= size <= 1_000:
            return
        x, y = point(place, start, state.rise)
        far_x, far_y = point(place, end, state.rise)
        if not (-1 <= x <= self._width + 1 and -1 <= y <= self._height + 1):
            return
        along_x, along_y = place[:2] if state.size >= 0 else (-place[0], -place[1])
        angle = round(math.degrees(math.atan2(along_y, along_x))) % 360
        cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        level, far = x * cos + y * sin, far_x * cos + far_y * sin
        self._pieces.append(
            Piece(
                text=text,
                x0=min(level, far),
                x1=max(level, far),
                y=y * cos - x * sin,
                size=size,
                space=size * max(0.15, min(0.6, float(state.font.space_width) / 1000)),
                bold=is_bold(state.font),
                angle=angle,
            )
        )


def _set(state: TextState, operator: bytes, value: float) -> None:
    match operator:
        case b"Tc":
            state.char_space = value
        case b"Tw":
            state.word_space = value
        case b"Tz":
            state.scale = value / 100
        case b"TL":
            state.leading = value
        case _:
            state.rise = value


def _resources(page: Any) -> DictionaryObject:
    """The page's resources, or those that it inherits."""
    holder = page
    for _ in range(100):
        found = holder.get("/Resources")
        found = found.get_object() if found is not None else None
        if isinstance(found, DictionaryObject):
            return found
        parent = holder.get("/Parent")
        if parent is None:
            break
        holder = parent.get_object()
    return DictionaryObject()


def _marking(operands: Any, resources: DictionaryObject) -> _Marked:
    """What a mark on content says (ISO 32000, 14.8.2.2 and 14.9.4)."""
    properties = operands[1] if len(operands) > 1 else None
    if isinstance(properties, str):
        named = resources.get("/Properties")
        named = named.get_object() if named is not None else None
        properties = named.get(properties) if isinstance(named, DictionaryObject) else None
        properties = properties.get_object() if properties is not None else None
    if not isinstance(properties, DictionaryObject):
        return _Marked()
    around = ("/Header", "/Footer", "/Watermark")
    paging = properties.get("/Type") == "/Pagination" or properties.get("/Subtype") in around
    if operands[0] == "/Artifact" and paging:
        return _Marked(skipped=True)
    words = properties.get("/ActualText")
    words = words.get_object() if words is not None else None
    if isinstance(words, bytes):
        marks = (b"\xfe\xff", b"\xff\xfe")
        words = words.decode("utf-16" if words[:2] in marks else "latin-1", "replace")
    return _Marked(instead=str(words) if words is not None else None)
