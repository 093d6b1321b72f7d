"""The plain page's further jobs: about your transplant, take-home sheet, clearing, starters."""

from __future__ import annotations

import html as html_module
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from bot.records import About, Question
from bot.settings import ContactSettings, Settings
from bot.web.catalogue import load_texts
from bot.web.factory import create_app
from bot.web.plain import about_of
from tests.scripted_bot import ScriptedBot

STARTERS = [q for topic in load_texts().chat.topics for q in topic["questions"]]


@pytest.fixture(scope="module")
def bot() -> ScriptedBot:
    return ScriptedBot()


@pytest.fixture(scope="module")
def client(bot: ScriptedBot) -> Iterator[TestClient]:
    settings = Settings(contact=ContactSettings(name="Ward 7", phone="555-0100"))
    with TestClient(create_app(settings, bot), raise_server_exceptions=False) as client:
        yield client


def test_what_is_said_of_the_transplant_goes_with_the_question_and_stays(
    client: TestClient, bot: ScriptedBot
) -> None:
    form = {"question": "types", "kind": "donor", "stage": "hospital"}
    html = client.post("/plain", data=form).text
    assert bot.asked[-1].about == About(kind="donor", stage="hospital")
    assert re.search(r'<input type="radio" name="kind" value="donor"[^>]* checked>', html)
    assert re.search(r'<input type="radio" name="stage" value="hospital"[^>]* checked>', html)


def test_other_values_count_as_not_said() -> None:
    assert about_of("unsure", "unsaid") == about_of(None, "") == about_of("<x>", "x") == About()


def test_sheet_has_question_answer_quotes_and_room_for_questions(client: TestClient) -> None:
    page = client.post("/plain", data={"question": "types"}).text
    assert re.search(r'<form class="sheet-form" method="post" action="/sheet">', page)
    response = client.post("/sheet", data={"question": "What are the types & kinds?"})
    assert response.status_code == 200
    html = response.text
    assert "What are the types &amp; kinds?" in html
    for said in ("My take-home sheet", "Questions for my team", "autologous", "Last checked"):
        assert said in html
    assert "tel:5550100" in html
    assert "<script" not in html
    assert html.count("<h1>") == 1


def test_sheet_of_what_was_not_answered_takes_the_question_to_the_team(client: TestClient) -> None:
    html = client.post("/sheet", data={"question": "weather on the day"}).text
    assert '<ol class="lines">\n<li>weather on the day</li>' in html


def test_sheet_fails_as_the_plain_page_does(client: TestClient) -> None:
    assert client.post("/sheet", data={"question": ""}).status_code == 422
    assert client.post("/sheet", data={"question": "crash"}).status_code == 500


def test_clear_now_leads_to_an_empty_page(client: TestClient) -> None:
    html = client.post("/plain", data={"question": "types CANARY-83"}).text
    assert '<a class="button" href="/plain">Clear now</a>' in html
    assert "CANARY-83" not in client.get("/plain").text


def test_follow_ups_are_buttons_without_scripts(client: TestClient) -> None:
    html = client.post("/plain", data={"question": "types"}).text
    assert 'name="question" value="What is a haploidentical transplant?"' in html


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("did I mean this", ["Did you mean one of these?"]),
        (
            "my own case",
            [
                "This is a question for your own team",
                "What I can answer, in general and not for your own case:",
            ],
        ),
    ],
)
def test_what_is_offered_instead_is_a_link_and_a_button_without_scripts(
    client: TestClient, question: str, said: list[str]
) -> None:
    html = client.post("/plain", data={"question": question}).text
    assert all(words in html for words in said)
    assert "Ask one of these" in html
    assert 'name="question" value="What is a haploidentical transplant?"' in html
    assert 'class="offer" href="/sources/guides/types.md' in html
    assert 'class="related"' not in html, "the same sections twice"


def test_topics_stand_over_their_questions(client: TestClient) -> None:
    html = html_module.unescape(client.get("/plain").text)
    places = [html.index(f">{topic['name']}</h3>") for topic in load_texts().chat.topics]
    assert places == sorted(places)
    for question in STARTERS:
        assert f'value="{question}"' in html


@pytest.mark.parametrize("question", STARTERS)
def test_every_starter_is_answered_by_the_real_bot(real_bot: Any, question: str) -> None:
    answer = real_bot.ask(Question(text=question))
    assert answer.outcome == "answered"
    assert answer.citations
    assert answer.alert is None
    for follow_up in answer.follow_ups:
        assert real_bot.ask(Question(text=follow_up)).outcome == "answered", follow_up
