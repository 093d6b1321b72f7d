"""Word lists that retrieval and verification share: abbreviations and medicine names."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from bot.errors import RulesError

_RULES = Path(__file__).resolve().parent / "rules"


class _Abbreviations(BaseModel):
    model_config = ConfigDict(extra="forbid")

    abbreviations: dict[str, str]


class _Medicines(BaseModel):
    model_config = ConfigDict(extra="forbid")

    names: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    """`abbreviations` maps a folded short form to its long form; `medicines` are folded names."""

    abbreviations: dict[str, str]
    medicines: frozenset[str]


@cache
def load_lexicon() -> Lexicon:
    """Raises `RulesError` naming the file where a list is missing or has the wrong form."""
    short = _read("abbreviations.toml", _Abbreviations)
    medicines = _read("medicines.toml", _Medicines)
    return Lexicon(
        abbreviations={k.casefold(): v for k, v in short.abbreviations.items()},
        medicines=frozenset(name.casefold() for name in medicines.names),
    )


_Form = TypeVar("_Form", bound=BaseModel)


def _read(name: str, form: type[_Form]) -> _Form:
    path = _RULES / name
    try:
        return form.model_validate(tomllib.loads(path.read_text("utf-8")))
    except (OSError, ValueError, ValidationError) as error:
        raise RulesError(f"{path} cannot be used: {error}") from None
