"""The bot's own sentences, from `bot/rules/messages.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from bot.errors import RulesError

_PATH = Path(__file__).resolve().parent / "rules" / "messages.toml"


class Messages(BaseModel):
    """Every text is complete: it may be shown alone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    abstained: str
    overdue: str
    contact_only: str


@cache
def load_messages() -> Messages:
    """Raises `RulesError` where the file is missing or a text is."""
    try:
        return Messages(**tomllib.loads(_PATH.read_text("utf-8"))["messages"])
    except (OSError, KeyError, ValueError, ValidationError) as error:
        raise RulesError(f"{_PATH} cannot be used: {error}") from None
