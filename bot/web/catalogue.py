"""The words of the interface, one TOML file a language. A missing key raises; nothing is blank."""

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
    """The interface texts in `language`. Raises `RulesError` where the file is missing or wrong."""
    path = _FOLDER / f"{language}.toml"
    try:
        return Texts(tomllib.loads(path.read_text(encoding="utf-8")), language)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RulesError(
            f"the interface texts {path.name} cannot be read: {error}",
            hint="Restore the file under bot/web/texts/.",
        ) from None
