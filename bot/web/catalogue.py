"""The words of the interface, two TOML files a language: of all pages, and of the staff pages
(`staff`). A missing key raises; nothing is blank."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from bot.errors import RulesError

_FOLDER = Path(__file__).parent / "texts"


class Texts(Mapping[str, Any]):
    """A group of texts. `texts.chat.title` and `texts["chat"]["title"]` are the same."""

    def __init__(self, values: dict[str, Any], place: str) -> None:
        self._values = values
        self._place = place

    def __getitem__(self, key: str) -> Any:
        if key not in self._values:
            raise RulesError(
                f"the interface text {self._place}.{key} is missing",
                hint="Add it to the file under bot/web/texts/.",
            )
        value = self._values[key]
        return Texts(value, f"{self._place}.{key}") if isinstance(value, dict) else value

    def __getattr__(self, key: str) -> Any:
        if key.startswith("__"):
            raise AttributeError(key)
        return self[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


@lru_cache
def load_texts(language: str = "en") -> Texts:
    """The interface texts in `language`. Raises `RulesError` where a file is missing or wrong."""
    names = (f"{language}.toml", f"{language}_staff.toml")
    values: dict[str, Any] = {}
    for name in names:
        try:
            values |= tomllib.loads((_FOLDER / name).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise RulesError(
                f"the interface texts {name} cannot be read: {error}",
                hint="Restore the file under bot/web/texts/.",
            ) from None
    return Texts(values, language)
