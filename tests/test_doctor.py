"""What `doctor` says before a date comes that stops something."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from bot.answering.flow import Bot
from bot.doctor import SOON, _files, _last_days, _rules
from bot.errors import RulesError
from bot.indexing.flow import ingest
from bot.messages import _FOLDER, load_messages
from bot.rules import load_rules
from bot.settings import ContactSettings, Settings

DAY = timedelta(days=1)


def test_rules_that_run_out_are_told_a_month_ahead() -> None:
    last = min(_last_days().values())
    load_rules(today=last)
    with pytest.raises(RulesError, match="more than twelve months ago"):
        load_rules(today=last + DAY)

    assert _rules(Settings(), last - SOON - DAY).state == "ok"
    for day in (last - SOON, last):
        found = _rules(Settings(), day)
        assert (found.state, found.exit_code) == ("look", 0)
        assert f"after {last} the bot does not start" in found.detail
        assert "words.toml" in found.detail
        assert "reviewed_on" in found.hint


def test_spanish_texts_that_cannot_be_used_are_found_before_a_card_needs_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Also by the start of a bot whose clinic has a name of its own."""
    monkeypatch.setattr("bot.messages._FOLDER", tmp_path)
    for name in ("messages.toml", "messages_es.toml"):
        text = (_FOLDER / name).read_text("utf-8")
        (tmp_path / name).write_text(text if name == "messages.toml" else "", "utf-8")
    load_messages.cache_clear()
    try:
        with pytest.raises(RulesError, match=r"messages_es\.toml"):
            _rules(Settings())
        with pytest.raises(RulesError, match=r"messages_es\.toml"):
            Bot.open(Settings(contact=ContactSettings(name="Ward 7")))
    finally:
        load_messages.cache_clear()


def test_documents_that_run_out_are_told_a_month_ahead(settings: Settings) -> None:
    ingest(settings)
    last = date(2099, 1, 1)
    assert _files(settings, last - SOON - DAY).state == "ok"
    for day in (last - SOON, last):
        found = _files(settings, day)
        assert (found.state, found.exit_code) == ("look", 0)
        assert found.detail == "may be quoted up to 2099-01-01 only: engraftment.md, hair.md"
        assert found.hint == "Review these sources."
    after = _files(settings, last + DAY).detail
    assert "hair.md: its review date has passed (2099-01-01)" in after
    assert "may be quoted up to" not in after
