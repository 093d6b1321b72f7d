"""R18: what is withdrawn is gone from answers and pages at once, in every process, and logged."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bot.answering.answerability import WITHHELD, WITHHELD_LEAD, Judge, load_model
from bot.answering.flow import Bot
from bot.cli_index import withdraw
from bot.errors import NotLogged, StoreError, UnknownSource
from bot.indexing.flow import ingest
from bot.records import Query, Question, Retrieved, Span, Verdict
from bot.settings import ROOT, Settings
from bot.withdrawals import Withdrawals
from tests.builders import a_document, a_hit, chunks_of
from tests.conftest import without_root_rights, write_guide

CHUNK = chunks_of(a_document("## What is it?\n<!-- asked\n- what is it\n-->\n\nIt is a thing."))[0]
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


def test_no_neighbour_answers_for_a_guide_that_was_withdrawn(real_settings: Settings) -> None:
    bot = Bot.open(real_settings)
    asked = Question(text="why do i need my childhood jabs again")
    before = bot.ask(asked)
    assert before.outcome == "answered"
    assert {c.source.source_id for c in before.citations} == {"vaccination.md"}
    withdrawn = Withdrawals(real_settings.paths.var)
    withdrawn.withdraw("vaccination.md", None, reason="out of date", by="Bo")
    try:
        answer = bot.ask(asked)
        assert (answer.outcome, answer.reason) == ("abstained", WITHHELD)
        assert "taken out of use" in answer.notices[0]
        assert answer.citations == ()
        for other in ("what is engraftment", "when should i wash my hands"):
            assert bot.ask(Question(text=other)).outcome == "answered"
    finally:
        withdrawn.restore("vaccination.md", reason="read again", by="Bo")
    assert bot.ask(asked).outcome == "answered"
    bot.close()


def verdict(lead: float | None, **values: float) -> Verdict:
    hit = a_hit(CHUNK, asked_similarity=0.97, asked_mean=0.95, **values)
    found = Retrieved(
        hits=(hit,), gap_similarity=0.3, section_share=0.9, gap_share=0.02, withheld_lead=lead
    )
    return Judge(load_model(), lambda stem: True)(Query(text="what is it"), found)


def test_only_a_clear_lead_of_what_is_withheld_silences_an_answer() -> None:
    assert verdict(None).kind == "answerable"
    assert verdict(WITHHELD_LEAD / 2).kind == "answerable", "a near equal: the new edition"
    assert verdict(WITHHELD_LEAD * 1.1).reason == WITHHELD
    far = Retrieved(
        hits=(a_hit(CHUNK, asked_similarity=0.2, asked_mean=0.2, passage_similarity=0.1),),
        gap_similarity=0.9,
        section_share=0.01,
        gap_share=0.9,
        withheld_lead=0.5,
    )
    judged = Judge(load_model(), lambda stem: True)(Query(text="what is it"), far)
    assert judged.reason == "known gap", "what was no answer anyway is told as before"


def test_what_is_overdue_silences_its_neighbours_too(settings: Settings) -> None:
    """Where overdue documents may not be shown."""
    folder = settings.paths.knowledge
    page = (folder / "engraftment.md").read_text("utf-8")
    (folder / "engraftment.md").write_text(
        re.sub(r"review_by: .*", "review_by: 2020-01-01", page), "utf-8"
    )
    ingest(settings)
    refusing = settings.model_copy(
        update={"answering": settings.answering.model_copy(update={"overdue_sources": "refuse"})}
    )
    bot = Bot.open(refusing)
    assert "engraftment.md" not in cited(bot)
    assert not bot.ask(QUESTION).citations
    bot.close()


def test_a_list_that_cannot_be_read_stops_answers(settings: Settings) -> None:
    ingest(settings)
    bot = Bot.open(settings)
    (settings.paths.var / "withdrawn.json").write_text("{broken", "utf-8")
    with pytest.raises(StoreError, match="withdrawn"):
        bot.ask(QUESTION)
    assert bot.ask(Question(text="I can't breathe")).outcome == "emergency"
    bot.close()


def test_a_list_that_vanished_stops_answers_and_is_not_begun_anew(settings: Settings) -> None:
    """A volume that was not mounted, a restored backup: what was withdrawn must not come back."""
    ingest(settings)
    var = settings.paths.var
    bot = Bot.open(settings)
    here = Withdrawals(var)
    here.withdraw("engraftment.md", None, reason="wrong", by="Ann")
    assert "engraftment.md" not in cited(bot)
    seen = Withdrawals(var)
    assert seen.items()
    (var / "withdrawn.json").unlink()
    newly = Withdrawals(var)
    for ask in (lambda: bot.ask(QUESTION), here.items, seen.items, newly.items):
        with pytest.raises(StoreError, match="gone") as failed:
            ask()
        assert "backup" in failed.value.hint
    with pytest.raises(StoreError, match=r"withdrawn: engraftment\.md"):
        newly.withdraw("hair.md", None, reason="wrong", by="Ann")
    assert not (var / "withdrawn.json").exists()
    (var / "audit.jsonl").unlink()
    with pytest.raises(StoreError, match="was there and is gone"):
        seen.withdraw("hair.md", None, reason="wrong", by="Ann")
    assert bot.ask(Question(text="I can't breathe")).outcome == "emergency"
    bot.close()


def test_a_list_that_vanished_with_nothing_on_it_is_no_error(tmp_path: Path) -> None:
    before = Withdrawals(tmp_path)
    before.note("sign-in", "Ann", by="Ann")
    before.withdraw("a.md", None, reason="x", by="y")
    before.restore("a.md", reason="x", by="y")
    (tmp_path / "withdrawn.json").unlink()
    assert Withdrawals(tmp_path).items() == ()


def test_the_same_target_twice_is_kept_once_and_unknown_restores_nothing(tmp_path: Path) -> None:
    withdrawals = Withdrawals(tmp_path)
    assert withdrawals.items() == ()
    for _ in range(2):
        withdrawals.withdraw("a.md", None, reason="x", by="y")
    assert [w.target for w in withdrawals.items()] == ["a.md"]
    assert not withdrawals.restore("b.md", reason="x", by="y")
    assert withdrawals.restore("a.md", reason="x", by="y")
    assert withdrawals.items() == ()


# Where the disk does not take it.


def spoiled_list(var: Path) -> None:
    (var / "withdrawn.lock").mkdir(parents=True)


def spoiled_log(var: Path) -> None:
    (var / "audit.jsonl").mkdir(parents=True)


def test_a_place_that_cannot_be_used_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("no folder", "utf-8")
    nowhere = Withdrawals(tmp_path / "var")
    for work in (
        nowhere.items,
        nowhere.log,
        lambda: nowhere.note("sign-in", "Ann", by="Ann"),
        lambda: nowhere.withdraw("a.md", None, reason="x", by="y"),
        lambda: nowhere.restore("a.md", reason="x", by="y"),
    ):
        with pytest.raises(StoreError, match=r"cannot be (read|written)") as failed:
            work()
        assert not isinstance(failed.value, NotLogged)
        assert failed.value.hint


def test_a_list_that_cannot_be_written_changes_nothing(tmp_path: Path) -> None:
    spoiled_list(tmp_path)
    withdrawals = Withdrawals(tmp_path)
    with pytest.raises(StoreError, match="Nothing was changed"):
        withdrawals.withdraw("a.md", None, reason="x", by="y")
    assert withdrawals.items() == ()
    assert withdrawals.log() == []


def test_what_holds_is_told_where_only_the_audit_log_fails(tmp_path: Path) -> None:
    withdrawals = Withdrawals(tmp_path)
    spoiled_log(tmp_path)
    with pytest.raises(NotLogged, match=r"a.md is withdrawn and stays so\. But nobody can see"):
        withdrawals.withdraw("a.md", None, reason="x", by="y")
    assert [w.target for w in withdrawals.items()] == ["a.md"]
    with pytest.raises(NotLogged, match=r"a\.md is put back") as failed:
        withdrawals.restore("a.md", reason="x", by="y")
    assert "by hand" in failed.value.hint
    assert withdrawals.items() == ()


def test_the_command_says_so_without_rights(settings: Settings) -> None:
    ingest(settings)
    var = settings.paths.var
    rights = var.stat().st_mode
    var.chmod(0o555)
    try:
        done = subprocess.run(
            [
                *without_root_rights(),
                *(sys.executable, "-m", "bot", "withdraw", "hair.md"),
                *("--reason", "old", "--by", "Ann"),
            ],
            cwd=ROOT,
            env={"BOT_PATHS__VAR": str(var), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        var.chmod(rights)
    assert done.returncode == 4
    assert "cannot be written: Permission denied. Nothing was changed." in done.stderr
    assert "What to do:" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def here(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The commands work on the index of these settings."""
    monkeypatch.setattr("bot.settings.load_settings", lambda: settings)
    return settings


def test_a_place_that_does_not_exist_is_not_withdrawn(
    here: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    ingest(here)
    for target in ("engraftment.md:0-99999", "none.md"):
        with pytest.raises(UnknownSource, match=r"characters|no document"):
            withdraw(target, reason="x", by="y")
    assert Withdrawals(here.paths.var).items() == ()
    assert capsys.readouterr().out == ""


def test_the_command_prints_the_name_that_is_on_the_list(
    here: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    write_guide(here.paths.knowledge, "m\u00e9dula.md", "M", "## What?\n\nMarrow is in bones.\n")
    ingest(here)
    withdraw("me\u0301dula.md:0-5", reason="x", by="y")
    (item,) = Withdrawals(here.paths.var).items()
    assert item.target == "m\u00e9dula.md:0-5"
    assert f"Withdrawn: {item.target}." in capsys.readouterr().out


def test_the_very_question_that_is_stored_is_answered_whatever_its_likelihood() -> None:
    """But not where a known gap is the very same, or a page that is gone fits better."""

    def judged(asked: float, gap: float, lead: float | None = None) -> Verdict:
        hit = a_hit(CHUNK, asked_similarity=asked, asked_mean=0.5, passage_similarity=0.1)
        found = Retrieved(
            hits=(hit,), gap_similarity=gap, section_share=0.05, gap_share=0.8, withheld_lead=lead
        )
        return Judge(load_model(), lambda stem: False)(Query(text="what is it"), found)

    assert judged(0.99, 0.9).kind == "unanswerable"
    assert judged(1.0, 0.9).reason == "the very question is stored"
    assert judged(1.0, 1.0).kind == "unanswerable"
    assert judged(1.0, 0.9, WITHHELD_LEAD * 1.1).reason == WITHHELD
