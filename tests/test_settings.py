"""Settings: a misspelt name is an error, a wrong value names its setting."""

from __future__ import annotations

import re

import annotated_types
import pytest
from pydantic.fields import FieldInfo

from bot.errors import SettingsError
from bot.settings import ROOT, Settings, known_names, load_settings, tracing_names
from bot.web.startup import check_startup

DOCUMENT = (ROOT / "docs" / "settings.md").read_text("utf-8")


def test_defaults_are_the_embedded_ones() -> None:
    settings = load_settings()
    assert settings.web.host == "127.0.0.1"
    assert settings.web.frame_ancestors == ()
    assert settings.locale.region == "unknown"


def test_a_misspelt_name_is_an_error_with_a_guess(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_LOCALE__FEVER_CELCIUS", "37.8")
    with pytest.raises(SettingsError, match="BOT_LOCALE__FEVER_CELSIUS") as caught:
        load_settings()
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("BOT_LOCALE__FEVER_CELSIUS", "39", "FEVER_CELSIUS"),
        ("BOT_LOCALE__REGION", "Mars", "REGION"),
        ("BOT_WEB__PORT", "http", "PORT"),
        ("BOT_WEB__FRAME_ANCESTORS", "*", "FRAME_ANCESTORS"),
        ("BOT_WEB__FRAME_ANCESTORS", "https://a.example; script-src *", "FRAME_ANCESTORS"),
        ("BOT_WEB__FRAME_ANCESTORS", "https://a.example/path", "FRAME_ANCESTORS"),
    ],
)
def test_a_wrong_value_names_its_setting(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=says):
        load_settings()


def test_lists_are_parted_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_WEB__FRAME_ANCESTORS", "https://a.example, https://b.example:8443")
    assert load_settings().web.frame_ancestors == ("https://a.example", "https://b.example:8443")


def allowed(field: FieldInfo) -> str:
    """The numbers that a setting takes, as docs/settings.md says it."""
    low, high = "", ""
    for bound in field.metadata:
        if isinstance(bound, annotated_types.Ge):
            low = f"{bound.ge:g}" if isinstance(bound.ge, float) else f"{bound.ge}"
        elif isinstance(bound, annotated_types.Gt):
            low = f"more than {bound.gt}, at most"
        elif isinstance(bound, annotated_types.Le):
            high = f"{bound.le}"
    if not high:
        return f"{low} or more" if low else ""
    return f"{low} {high}" if low.endswith("most") else f"{low} to {high}"


def test_names_and_the_numbers_they_take_are_documented() -> None:
    said = re.findall(r"^\| `(BOT_\w+)` \| .*? \|(.*?)\| .* \|$", DOCUMENT, re.MULTILINE)
    taken = {
        f"BOT_{group}__{name}".upper(): allowed(found)
        for group, field in Settings.model_fields.items()
        for name, found in field.annotation.model_fields.items()  # type: ignore[union-attr]
    }
    assert {name: numbers.strip() for name, numbers in said} == taken
    assert sorted(taken) == list(known_names())


@pytest.mark.parametrize(
    "name",
    ["LANGSMITH_TRACING", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING", "LANGCHAIN_TRACING_V2"],
)
def test_what_would_send_questions_away_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    assert f"`{name}`" in DOCUMENT
    for off in ("", "0", "false", "No", "off"):
        monkeypatch.setenv(name, off)
        check_startup(load_settings())
    monkeypatch.setenv(name, "true")
    assert tracing_names() == (name,)
    with pytest.raises(SettingsError, match=name):
        check_startup(load_settings())
