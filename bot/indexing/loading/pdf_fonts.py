"""Fonts of a PDF: which characters a string of bytes stands for, and how wide they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pypdf.generic import DictionaryObject, StreamObject

# pypdf has no public class that decodes and measures text; the lock file pins its version.
from pypdf.generic._font import Font

_BOLD_WEIGHT = 600
_FORCE_BOLD = 1 << 18
_WIDE_BLANK = 3
"""So many blanks in a row place text, as a tab does; they are no word space."""


# Codes that WinAnsiEncoding leaves open stand for a bullet (ISO 32000, D.2, note 3).
_UNUSED = dict.fromkeys((0x7F, 0x81, 0x8D, 0x8F, 0x90, 0x9D), "•")


@dataclass(slots=True)
class TextState:
    """The parameters of PDF text (ISO 32000, 9.3); `scale` is 1.0 for 100 percent."""

    font: Font | None = None
    size: float = 0.0
    char_space: float = 0.0
    word_space: float = 0.0
    scale: float = 1.0
    leading: float = 0.0
    rise: float = 0.0


class Fonts:
    """The fonts of a document, each read once. `spend` is told how much its tables unpack to."""

    def __init__(self, spend: Callable[[int], None]) -> None:
        self._spend = spend
        # The font's own object is kept with it, so that its id is not used again.
        self._known: dict[int, tuple[DictionaryObject, Font | None]] = {}

    def get(self, resources: DictionaryObject, name: Any) -> Font | None:
        """None for a font that is missing or has no map to characters: its text is unknown."""
        fonts = resources.get("/Font")
        fonts = fonts.get_object() if fonts is not None else None
        found = fonts.get(name) if isinstance(fonts, DictionaryObject) else None
        found = found.get_object() if found is not None else None
        if not isinstance(found, DictionaryObject):
            return None
        if id(found) not in self._known:
            for table in ("/ToUnicode", "/Encoding"):
                stream = found.get(table)
                stream = stream.get_object() if stream is not None else None
                if isinstance(stream, StreamObject):
                    self._spend(len(stream.get_data()))
            font = Font.from_font_resource(found)
            self._known[id(found)] = (found, font if font.interpretable else None)
        return self._known[id(found)][1]


def is_bold(font: Font) -> bool:
    descriptor = font.font_descriptor
    weight = str(descriptor.weight)
    name = f"{font.name} {descriptor.name}".casefold()
    return (
        any(word in name for word in ("bold", "black", "heavy", "demi"))
        or (weight.isdigit() and int(weight) >= _BOLD_WEIGHT)
        or bool(int(descriptor.flags) & _FORCE_BOLD)
    )


def stretches(state: TextState, font: Font, raw: bytes) -> Iterator[tuple[str, float, float]]:
    """The text of a drawn string, cut at wide blanks, each with where it starts and ends."""
    at = start = end = 0.0
    text = ""
    blanks = 0
    for character, width, is_space in _glyphs(font, raw):
        advance = width / 1000 * state.size * state.scale
        blanks = blanks + 1 if is_space else 0
        if blanks >= _WIDE_BLANK and text.strip():
            yield text.rstrip(), start, end
            text = ""
        if not text.strip() and not is_space:
            start, text = at, text if text else ""
        text += character
        if not is_space:
            end = at + advance
        at += advance + (state.char_space + (state.word_space if is_space else 0)) * state.scale
    if text.strip():
        yield text, start, end


def advance(state: TextState, font: Font, raw: bytes) -> float:
    """How far a drawn string moves the pen, in text space."""
    return sum(
        width / 1000 * state.size * state.scale
        + (state.char_space + (state.word_space if is_space else 0)) * state.scale
        for _, width, is_space in _glyphs(font, raw)
    )


def _glyphs(font: Font, raw: bytes) -> Iterator[tuple[str, float, bool]]:
    """Each glyph's characters, width in thousandths, and whether it is a word space."""
    if isinstance(font.encoding, str):
        codes = raw.decode(font.encoding, "replace")
        characters = codes
    else:
        codes = raw.decode("latin-1")
        encoding = font.encoding
        characters = "".join((encoding.get(byte) or chr(byte))[:1] for byte in raw)
        characters = characters.translate(_UNUSED)
    widths, default = font.character_widths, font.character_widths["default"]
    for code, character in zip(codes, characters, strict=True):
        mapped = str(font.character_map.get(character, character))
        is_space = code == font.space_char or mapped == " "
        width = font.space_width if code == font.space_char else widths.get(code, default)
        yield mapped, float(width), is_space
