"""The bot's own sentences, from `bot/rules/messages.toml` and, in another language, from
`messages_LANGUAGE.toml` beside it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from bot.errors import RulesError
from bot.records import TransplantKind, TransplantStage

_FOLDER = Path(__file__).resolve().parent / "rules"
DEFAULT = "en"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Preference(_Part):
    """What a reader said of the transplant, said back. `notice` holds `{said}`; `joined` stands
    between two of them."""

    kind: Mapping[TransplantKind, str]
    stage: Mapping[TransplantStage, str]
    joined: str
    notice: str


class ActionTexts(_Part):
    """The words of a card's buttons, each with `{name}`, `{phone}` or `{note}` to be filled in."""

    call: str
    call_now: str
    with_note: str
    team: str
    after_hours: str
    advice: str


class Messages(_Part):
    """Every text is complete: it may be shown alone. `team` names whom to call where the clinic
    gave no name."""

    abstained: str
    asked_back: str
    withheld: str
    overdue: str
    contact_only: str
    not_looked_up: str
    team: str
    preference: Preference
    actions: ActionTexts


@cache
def load_messages(language: str = DEFAULT) -> Messages:
    """Raises `RulesError` where the file is missing or a text is."""
    name = "messages.toml" if language == DEFAULT else f"messages_{language}.toml"
    try:
        return Messages.model_validate(tomllib.loads((_FOLDER / name).read_text("utf-8")))
    except (OSError, ValueError, ValidationError) as error:
        raise RulesError(f"{_FOLDER / name} cannot be used: {error}") from None
