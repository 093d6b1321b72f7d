"""Feedback: what is kept with and without the reader's tick, where, and how much."""

from __future__ import annotations

import html as html_module
import json
import re
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from bot.review.comments import read_feedback
from bot.settings import ContactSettings, Paths, Privacy, Settings
from bot.web.factory import create_app
from bot.web.feedback import (
    MOST_IN_COMMENT,
    FeedbackBody,
    FeedbackFull,
    FeedbackLog,
    feedback_of,
)
from tests.scripted_bot import ScriptedBot

NOW = datetime(2026, 11, 22, 10, 11, 12, tzinfo=UTC)
BODY: dict[str, Any] = {
    "verdict": "looks_wrong",
    "outcome": "answered",
    "sources": ["guides/types.md", "guides/types.md", "CANARY-80.md"],
    "index": "20261122T000000-1",
    "question": "CANARY-80 question",
    "answer": "CANARY-80 answer",
    "comment": "CANARY-80 comment",
}


def client_for(var: Path, **privacy: Any) -> TestClient:
    settings = Settings(
        paths=Paths(var=var), contact=ContactSettings(phone="555-0100"), privacy=Privacy(**privacy)
    )
    return TestClient(create_app(settings, ScriptedBot()), raise_server_exceptions=False)


def lines(var: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (var / "feedback.jsonl").read_text("utf-8").splitlines()]


def test_without_the_tick_no_word_is_kept(tmp_path: Path) -> None:
    with client_for(tmp_path) as client:
        response = client.post("/api/v1/feedback", json=BODY)
    assert response.json() == {"kept": "verdict"}
    assert "CANARY-80" not in (tmp_path / "feedback.jsonl").read_text("utf-8")
    [kept] = lines(tmp_path)
    assert kept["sources"] == ["guides/types.md"]
    assert kept["verdict"] == "looks_wrong"
    assert kept["index"] == "20261122T000000-1"
    assert kept["shared"] is None


def test_with_the_tick_question_answer_and_comment_are_kept(tmp_path: Path) -> None:
    with client_for(tmp_path) as client:
        client.post("/api/v1/feedback", json={**BODY, "share": True})
        client.post("/api/v1/feedback", json=BODY)
    first, second = lines(tmp_path)
    assert first["shared"] == {
        "question": "CANARY-80 question",
        "answer": "CANARY-80 answer",
        "comment": "CANARY-80 comment",
    }
    assert second["shared"] is None
    mode = stat.S_IMODE((tmp_path / "feedback.jsonl").stat().st_mode)
    assert mode == 0o600


def test_no_words_come_in_by_the_index_name() -> None:
    body = FeedbackBody.model_validate({**BODY, "index": "my chest hurts"})
    kept = feedback_of(body, frozenset(), now=lambda: NOW)
    assert kept.index is None
    assert kept.sources == ()
    assert kept.at == "2026-11-22T10:11Z"


@pytest.mark.parametrize(
    "wrong",
    [
        {"verdict": "great"},
        {"verdict": None},
        {"outcome": "CANARY"},
        {"comment": "x" * 4001},
        {"more": 1},
    ],
)
def test_wrong_bodies_are_422_and_leave_nothing(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with client_for(tmp_path) as client:
        assert client.post("/api/v1/feedback", json={**BODY, **wrong}).status_code == 422
    assert not (tmp_path / "feedback.jsonl").exists()


def test_file_has_a_size(tmp_path: Path) -> None:
    log = FeedbackLog(tmp_path / "deep" / "f.jsonl", max_bytes=200)
    kept = feedback_of(FeedbackBody.model_validate(BODY), frozenset(), now=lambda: NOW)
    log.add(kept)
    size = log.path.stat().st_size
    assert 100 < size < 200
    with pytest.raises(FeedbackFull):
        log.add(kept)
    assert log.path.stat().st_size == size
    assert log.path.read_text("utf-8").endswith("\n")


@contextmanager
def no_file_above(size: int) -> Iterator[None]:
    """The disk takes a part of what is written, as a full one does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_nobody_is_thanked_for_half_a_line_and_the_next_one_stands_by_itself(
    tmp_path: Path,
) -> None:
    log = FeedbackLog(tmp_path / "f.jsonl", max_bytes=10_000)
    kept = feedback_of(FeedbackBody.model_validate(BODY), frozenset(), now=lambda: NOW)
    log.add(kept)
    size = log.path.stat().st_size
    with pytest.raises(OSError, match="too large"), no_file_above(size + 40):
        log.add(kept)
    assert log.path.stat().st_size == size + 40, "a part was written"
    log.add(kept)
    given = read_feedback(log.path)
    assert (given.total.all, given.unread) == (2, 1)


def test_full_file_is_said_with_the_contact(tmp_path: Path) -> None:
    (tmp_path / "feedback.jsonl").write_bytes(b"x" * 10_000)
    with client_for(tmp_path, feedback_max_bytes=10_000) as client:
        response = client.post("/api/v1/feedback", json=BODY)
        assert response.status_code == 503
        assert response.json()["contact"]["phone"] == "555-0100"
        page = client.post("/feedback", data={"verdict": "helped", "outcome": "answered"})
        assert page.status_code == 503
        assert "Nothing was saved." in page.text


def test_off_means_no_buttons_and_no_way_in(tmp_path: Path) -> None:
    with client_for(tmp_path, feedback="off") as client:
        assert client.post("/api/v1/feedback", json=BODY).status_code == 404
        assert client.post("/feedback", data={"verdict": "helped"}).status_code == 404
        assert "feedback-part" not in client.get("/chat/").text
        assert 'action="/feedback"' not in client.post("/plain", data={"question": "types"}).text
    assert not (tmp_path / "feedback.jsonl").exists()


def test_plain_page_gives_feedback_without_scripts(tmp_path: Path) -> None:
    with client_for(tmp_path) as client:
        form = {
            "verdict": "helped",
            "outcome": "answered",
            "source": "guides/types.md",
            "question": "CANARY-81",
            "answer": "CANARY-81",
            "comment": "CANARY-81",
        }
        assert "none of your words" in client.post("/feedback", data=form).text
        assert "CANARY-81" not in (tmp_path / "feedback.jsonl").read_text("utf-8")
        shared = client.post("/feedback", data={**form, "share": "yes"})
        assert "can read what you shared" in shared.text
        assert "CANARY-81" not in shared.text
        assert lines(tmp_path)[1]["shared"]["comment"] == "CANARY-81"
        assert client.post("/feedback", data={"verdict": "x"}).status_code == 422


FORM = {
    "verdict": "helped",
    "outcome": "answered",
    "source": ["guides/types.md", "guides/other.md"],
    "index": "20261122T000000-1",
    "share": "yes",
    "question": "CANARY-82 <question>",
    "answer": "CANARY-82 answer",
}


def test_a_line_break_in_a_comment_counts_once_as_in_the_browser(tmp_path: Path) -> None:
    comment = "first\n" * 600 + "x" * 400  # 4,000 for a browser, which posts CR LF for each break
    assert len(comment) == MOST_IN_COMMENT
    with client_for(tmp_path) as client:
        posted = {**FORM, "comment": comment.replace("\n", "\r\n")}
        assert client.post("/feedback", data=posted).status_code == 200
    assert lines(tmp_path)[0]["shared"]["comment"] == comment


@pytest.mark.parametrize(
    ("wrong", "said", "not_said"),
    [
        ({"comment": "CANARY-83 " + "x" * 4_000}, "has 4,010 characters", "one of the four"),
        ({"verdict": "", "comment": "CANARY-83 & more"}, "one of the four", "characters"),
        ({"outcome": "none", "comment": "CANARY-83 & more"}, "could not be kept", "characters"),
    ],
)
def test_what_was_written_is_given_back_with_the_reason(
    tmp_path: Path, wrong: dict[str, str], said: str, not_said: str
) -> None:
    with client_for(tmp_path) as client:
        page = client.post("/feedback", data={**FORM, **wrong})
        assert page.status_code == 422
        assert said in page.text
        assert not_said not in page.text
        assert f">{html_module.escape(wrong['comment'])}</textarea>" in page.text
        assert re.search(r'name="share"[^>]* checked>', page.text)
        checked = re.findall(r'name="verdict" value="(\w+)"[^>]* checked>', page.text)
        assert checked == [v for v in [{**FORM, **wrong}["verdict"]] if v]
        # The form holds all the rest, so that sending it again is enough.
        form = page.text.partition('action="/feedback"')[2].partition("</form>")[0]
        hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)
        again: dict[str, Any] = {**FORM, "comment": "short", "outcome": "answered"}
        again["source"] = [html_module.unescape(v) for n, v in hidden if n == "source"]
        again |= {n: html_module.unescape(v) for n, v in hidden if n in ("question", "answer")}
        assert client.post("/feedback", data=again).status_code == 200
    [kept] = lines(tmp_path)
    assert kept["shared"] == {
        "question": FORM["question"],
        "answer": FORM["answer"],
        "comment": "short",
    }
    assert kept["sources"] == ["guides/types.md"]


def test_what_could_not_be_written_is_given_back(tmp_path: Path) -> None:
    (tmp_path / "feedback.jsonl").write_bytes(b"x" * 10_000)
    with client_for(tmp_path, feedback_max_bytes=10_000) as client:
        page = client.post("/feedback", data={**FORM, "comment": "CANARY-84"})
    assert page.status_code == 503
    assert "Nothing was saved." in page.text
    assert ">CANARY-84</textarea>" in page.text
