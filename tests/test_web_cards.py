"""The words of an alert around its buttons."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import bot.rules
from bot.web.cards import MOST, around_the_buttons

RULES = Path(bot.rules.__file__).parent


def messages() -> dict[str, str]:
    """What every rule of every language says on its card."""
    found = {}
    for name in ("red_flags", "crisis", "red_flags_es"):
        held = tomllib.loads((RULES / f"{name}.toml").read_text("utf-8"))
        for rules in held.values():
            for rule in rules if isinstance(rules, list) else ():
                if isinstance(rule, dict) and rule.get("message"):
                    found[f"{name} {rule['id']}"] = rule["message"]
    return found


@pytest.mark.parametrize("message", messages().values(), ids=messages())
def test_no_word_is_lost_and_the_buttons_come_early(message: str) -> None:
    above, below = around_the_buttons(message)
    assert f"{above} {below}".strip() == message
    assert above.endswith(".")
    # A longer first sentence stands whole.
    assert len(above) <= max(MOST, message.index(". ") + 1)


def test_what_to_do_before_one_calls_is_read_before_the_button() -> None:
    said = messages()
    assert "Clamp the line" in around_the_buttons(said["red_flags line-open-breathless"])[0]
    assert "clamp it" in around_the_buttons(said["red_flags line"])[0]
    assert "Cierre la pinza" in around_the_buttons(said["red_flags_es line-open-breathless"])[0]


def test_short_messages_and_none() -> None:
    assert around_the_buttons("Call now.") == ("Call now.", "")
    assert around_the_buttons("This is an emergency. Call 911.") == (
        "This is an emergency.",
        "Call 911.",
    )
    assert around_the_buttons("") == ("", "")
