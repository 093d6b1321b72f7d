"""The reading grade: for staff in `--explain`, never on a page for patients."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from bot.cli_output import explain_json, print_explanation
from bot.explaining import reading_grade
from bot.records import Question
from bot.settings import Settings
from bot.web.factory import create_app
from tests.scripted_bot import ScriptedBot


def test_staff_see_the_grade_of_what_was_said(capsys: pytest.CaptureFixture[str]) -> None:
    answer = ScriptedBot().ask(Question(text="types"))
    grade = reading_grade(answer)
    assert grade is not None
    assert 2 < grade < 12
    assert explain_json(answer)["reading_grade"] == grade
    print_explanation(answer)
    assert f"Reading grade of the answer (Flesch-Kincaid): {grade}" in capsys.readouterr().out


def test_where_nothing_was_said_there_is_no_grade() -> None:
    assert reading_grade(ScriptedBot().ask(Question(text="weather"))) is None


def test_patients_see_no_grade() -> None:
    with TestClient(create_app(Settings(), ScriptedBot())) as client:
        page = client.post("/plain", data={"question": "types"}).text
        api = client.post("/api/v1/ask", json={"question": "types"}).text
    assert "grade" not in page.casefold()
    assert "reading_grade" not in api
