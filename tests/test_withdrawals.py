"""R18: what is withdrawn is gone from answers and pages at once, in every process, and logged."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bot.answering.flow import Bot
from bot.errors import StoreError, UnknownSource
from bot.indexing.flow import ingest
from bot.records import Question, Span
from bot.settings import ROOT, Settings
from bot.withdrawals import Withdrawals

QUESTION = Question(text="What is engraftment?")


@pytest.fixture(autouse=True)
def look_always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.withdrawals._LOOK_EVERY_SECONDS", 0.0)


def cited(bot: Bot) -> set[str]:
    answer = bot.ask(QUESTION)
    return {c.source.source_id for c in answer.citations} | {
        r.source.source_id for r in answer.related
    }


def test_another_process_withdraws_and_a_running_bot_obeys(settings: Settings) -> None:
    ingest(settings)
    bot = Bot.open(settings)
    assert "engraftment.md" in cited(bot)
    for words, present in (("withdraw", False), ("restore", True)):
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "bot",
                words,
                "engraftment.md",
                "--reason",
                "old",
                "--by",
                "Ann",
            ],
            cwd=ROOT,
            env={
                "BOT_PATHS__VAR": str(settings.paths.var),
                "BOT_PATHS__KNOWLEDGE": str(settings.paths.knowledge),
                "PATH": "/usr/bin:/bin",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert ("engraftment.md" in cited(bot)) is present
        assert ("engraftment.md" in {s.source_id for s in bot.sources()}) is present
        if present:
            assert bot.document("engraftment.md").text
        else:
            with pytest.raises(UnknownSource, match="withdrawn"):
                bot.document("engraftment.md")
    lines = (settings.paths.var / "audit.jsonl").read_text("utf-8").splitlines()
    log = [json.loads(line) for line in lines]
    assert [(e["action"], e["target"], e["by"], e["reason"]) for e in log] == [
        ("withdraw", "engraftment.md", "Ann", "old"),
        ("restore", "engraftment.md", "Ann", "old"),
    ]
    bot.close()


def test_one_passage_can_be_withdrawn(settings: Settings) -> None:
    ingest(settings)
    bot = Bot.open(settings)
    (passage,) = {c.passage_id for c in bot.ask(QUESTION).citations}
    start = int(passage.split(":")[1].split("-")[0])
    Withdrawals(settings.paths.var).withdraw(
        "engraftment.md", Span(start=start, end=start + 5), reason="wrong", by="Bo"
    )
    answer = bot.ask(QUESTION)
    assert passage not in {c.passage_id for c in answer.citations}
    assert passage not in {r.passage_id for r in answer.related}
    bot.close()


def test_a_list_that_cannot_be_read_stops_answers(settings: Settings) -> None:
    ingest(settings)
    bot = Bot.open(settings)
    (settings.paths.var / "withdrawn.json").write_text("{broken", "utf-8")
    with pytest.raises(StoreError, match="withdrawn"):
        bot.ask(QUESTION)
    assert bot.ask(Question(text="I can't breathe")).outcome == "emergency"
    bot.close()


def test_the_same_target_twice_is_kept_once_and_unknown_restores_nothing(tmp_path: Path) -> None:
    withdrawals = Withdrawals(tmp_path)
    assert withdrawals.items() == ()
    for _ in range(2):
        withdrawals.withdraw("a.md", None, reason="x", by="y")
    assert [w.target for w in withdrawals.items()] == ["a.md"]
    assert not withdrawals.restore("b.md", reason="x", by="y")
    assert withdrawals.restore("a.md", reason="x", by="y")
    assert withdrawals.items() == ()
