"""The comparison of rules with those of another commit, and the pleas that it reads."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from bot.answering.scope import Scope
from bot.answering.triage import Triage
from bot.records import Contact, Question
from bot.rules import load_rules
from evals.compare_rules import LEVELS, Message, changes, from_pleas, main, unpack
from evals.compare_rules import PLEAS as PLEAS_FILE

PLEAS = from_pleas()
_ROWS = [json.loads(line) for line in PLEAS_FILE.read_text("utf-8").splitlines()]
OF_CUES = {row["text"] for row in _ROWS if row.get("excuse", "").startswith("cue:")}
RULES = load_rules()
TRIAGE = Triage(RULES, region="US", fever_celsius=38.0, contact=Contact(name="the clinic"))


@pytest.mark.parametrize(
    ("expect", "before", "now", "lost"),
    [
        (("urgent",), "urgent", "none", True),
        (("urgent",), "emergency", "urgent", False),
        (("urgent",), "none", "none", False),
        (("urgent", "emergency"), "emergency", "call_today", True),
        (("crisis",), "crisis", "emergency", True),
        (("call_today",), "crisis", "call_today", False),
    ],
)
def test_less_than_before_and_than_the_label(
    expect: tuple[str, ...], before: str, now: str, lost: bool
) -> None:
    assert Message(text="...", expect=expect).lost(before, now) is lost


def test_every_change_is_shown_once() -> None:
    messages = [
        Message(text="a", expect=("urgent",)),
        Message(text="b", expect=("urgent",)),
        Message(text="c", expect=("none",)),
        Message(text="d", expect=("none",)),
    ]
    less, others, quiet = changes(
        messages, ["urgent", "none", "none", "none"], ["none", "urgent", "crisis", "none"]
    )
    assert ["a" in line for line in less] == [True]
    assert ["b" in line for line in others] == [True]
    assert ["c" in line for line in quiet] == [True]


def test_a_commit_that_git_does_not_know_is_said_to_be_unknown(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no-such-commit cannot be read"):
        unpack("no-such-commit", tmp_path)


def test_a_file_that_is_not_there_is_said_to_be_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--base", "HEAD", str(tmp_path / "none.txt")])
    assert "cannot be read" in capsys.readouterr().err


def test_no_excuse_takes_the_alarm_from_pleas_in_its_own_words() -> None:
    """2,261 signs and pleas that hold the words of the excuses, written without trying them. When
    the first 1,964 were written 172 of them, 66 told of a crisis, met no alarm of the rules; what
    is left now is ambiguous or contrived."""
    alarms = [message for message in PLEAS if message.alarm and message.text not in OF_CUES]
    silent = Counter(
        message.expect[0] for message in alarms if not TRIAGE(Question(text=message.text)).alert
    )
    assert len(alarms) > 2200
    assert {m.expect[0] for m in PLEAS} <= set(LEVELS[1:])
    assert silent["crisis"] <= 5
    assert silent.total() <= 30


def test_no_cue_takes_the_alarm_from_pleas_in_its_own_words() -> None:
    """Signs and pleas that hold the words of a "no", "used to", "if", "the dog" ..., of hands who
    tried nothing. When they were written 141 of them, 53 emergencies, met no alarm of the rules."""
    alarms = [message for message in PLEAS if message.text in OF_CUES]
    silent = Counter(
        message.expect[0] for message in alarms if not TRIAGE(Question(text=message.text)).alert
    )
    assert len(alarms) > 2000
    assert silent["crisis"] <= 13
    assert silent.total() <= 77


def test_no_narrowing_lets_requests_in_its_own_words_pass() -> None:
    """Requests about one's own case in the words of phrases that were narrowed."""
    scope = Scope(RULES)
    requests = [Question(text=m.text) for m in PLEAS if m.plea and not m.alarm]
    passed = [q.text for q in requests if not (scope(q) or TRIAGE(q).alert)]
    assert len(requests) > 200
    assert len(passed) <= 3, passed


def test_spanish_pleas_in_the_words_of_excuses_are_alarmed_on() -> None:
    """Signs and pleas in the words of the Spanish excuses and rules, then of the cues. When they
    were written 115 of 520 met no alarm, and 154 of 395."""
    pleas = from_pleas(PLEAS_FILE.with_stem("pleas_es"))
    silent = [m.text for m in pleas if not TRIAGE(Question(text=m.text, locale="es")).alert]
    assert len(pleas) > 900
    assert len(silent) <= 3, silent
