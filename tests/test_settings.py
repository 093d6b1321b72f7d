"""Settings: a misspelt name is an error, a wrong value names its setting."""

from __future__ import annotations

import pytest

from bot.errors import SettingsError
from bot.settings import known_names, load_settings


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


def test_names_are_documented() -> None:
    from bot.settings import ROOT

    text = (ROOT / "docs" / "settings.md").read_text("utf-8")
    assert [n for n in known_names() if f"`{n}`" not in text] == []
