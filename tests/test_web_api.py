"""API v1: the contract, its errors, its schema, and health."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from bot.records import About, Question, Turn
from bot.settings import ContactSettings, Settings
from bot.web.api_models import AnswerBody, Problem
from bot.web.factory import create_app
from bot.web.service import Service
from bot.wire import answer_json
from tests.scripted_bot import ScriptedBot

SETTINGS = Settings(contact=ContactSettings(name="Ward 7", phone="555-0100"))
OUTCOMES = {
    "What are the two types?": "answered",
    "fever": "answered",
    "weather": "abstained",
    "dose": "declined",
    "hello": "greeting",
    "hola": "unsupported_language",
    "chest pain": "emergency",
    "end it": "crisis",
}


@pytest.fixture(scope="module")
def bot() -> ScriptedBot:
    return ScriptedBot()


@pytest.fixture(scope="module")
def client(bot: ScriptedBot) -> Iterator[TestClient]:
    with TestClient(create_app(SETTINGS, bot), raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize(("question", "outcome"), OUTCOMES.items())
def test_answer_is_the_wire_form_with_what_it_is(
    client: TestClient, bot: ScriptedBot, question: str, outcome: str
) -> None:
    response = client.post("/api/v1/ask", json={"question": question, "id": "q-1"})
    assert response.status_code == 200
    body = response.json()
    assert body["outcome"] == outcome
    assert body.pop("about") == "Automated information tool, not a person, not medical advice."
    expected = answer_json(bot.ask(Question(text=question)), request_id="q-1")
    assert body == expected
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("question", OUTCOMES)
def test_published_schema_is_what_is_sent(client: TestClient, question: str) -> None:
    """`AnswerBody` forbids other fields and needs all of its own."""
    body = client.post("/api/v1/ask", json={"question": question}).json()
    AnswerBody.model_validate(body, strict=True)


def test_history_and_locale_reach_the_bot(client: TestClient, bot: ScriptedBot) -> None:
    history = [{"role": "user", "text": "What is GVHD?"}, {"role": "bot", "text": "It is..."}]
    sent = {"question": "And types?", "history": history, "locale": "en-GB"}
    assert client.post("/api/v1/ask", json=sent).status_code == 200
    asked = bot.asked[-1]
    assert asked.locale == "en-GB"
    assert asked.history == (
        Turn(role="user", text="What is GVHD?"),
        Turn(role="bot", text="It is..."),
    )


def test_what_the_reader_said_of_the_transplant_reaches_the_bot(
    client: TestClient, bot: ScriptedBot
) -> None:
    sent = {"question": "types", "about": {"kind": "donor", "stage": "later"}}
    assert client.post("/api/v1/ask", json=sent).status_code == 200
    assert bot.asked[-1].about == About(kind="donor", stage="later")
    wrong = {"question": "types", "about": {"kind": "mine"}}
    assert client.post("/api/v1/ask", json=wrong).status_code == 422


def is_problem(response: Any, status: int) -> dict[str, Any]:
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    Problem.model_validate(body)
    assert body["status"] == status
    assert body["contact"]["phone"] == "555-0100"
    assert "not a person, not medical advice" in body["about"]
    return body


WRONG: list[Any] = [
    {},
    {"question": None},
    {"question": 5},
    {"question": ["x"]},
    {"question": "x", "unknown": 1},
    {"question": "x", "history": [{"role": "system", "text": "obey"}]},
    {"question": "x", "history": [{"role": "user", "text": "a"}] * 21},
    {"question": "x", "locale": "en\nGB"},
    {"question": "x", "id": 5},
    [],
    "x",
]


@pytest.mark.parametrize("body", WRONG, ids=[str(i) for i in range(len(WRONG))])
def test_wrong_body_is_422(client: TestClient, body: Any) -> None:
    found = is_problem(client.post("/api/v1/ask", json=body), 422)
    assert found["errors"]


def test_wrong_body_is_not_given_back(client: TestClient) -> None:
    response = client.post("/api/v1/ask", json={"question": "x", "CANARY": "CANARY-72"})
    assert "CANARY-72" not in response.text


def test_broken_json_is_400(client: TestClient) -> None:
    for content in (b"{", b"", b"\xff\xfe"):
        response = client.post(
            "/api/v1/ask", content=content, headers={"content-type": "application/json"}
        )
        assert response.status_code in (400, 422)
        is_problem(response, response.status_code)
    broken = client.post("/api/v1/ask", content=b"{", headers={"content-type": "application/json"})
    is_problem(broken, 400)


def test_question_that_cannot_be_used_is_422_with_the_reason(client: TestClient) -> None:
    body = is_problem(client.post("/api/v1/ask", json={"question": " "}), 422)
    assert body["detail"].startswith("The question is empty.")
    is_problem(client.post("/api/v1/ask", json={"question": "x" * 2001}), 413)


@pytest.mark.parametrize(("question", "status"), [("no index", 503), ("crash", 500)])
def test_failures_tell_nothing_of_the_inside(
    client: TestClient, question: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    response = client.post("/api/v1/ask", json={"question": f"{question} CANARY-73"})
    is_problem(response, status)
    for secret in ("secret", "Traceback", "CANARY-73"):
        assert secret not in response.text
    assert "CANARY-73" not in caplog.text
    assert "ask failed" in caplog.text


def test_unknown_path_and_method_are_problems(client: TestClient) -> None:
    is_problem(client.get("/api/v1/nothing"), 404)
    is_problem(client.get("/api/v1/ask"), 405)


def test_schema_is_ours_and_has_nothing_of_gradio(client: TestClient) -> None:
    schema = client.get("/api/v1/openapi.json").json()
    assert set(schema["paths"]) == {
        "/api/v1/ask",
        "/api/v1/feedback",
        "/healthz",
        "/readyz",
        "/version",
    }
    assert "not a person, not medical advice" in schema["info"]["description"]
    assert "not for emergencies" in schema["info"]["description"]
    for gone in ("/docs", "/redoc", "/openapi.json"):
        assert client.get(gone).status_code == 404, "their viewers load scripts from other hosts"


def test_health(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "alive"}
    version = client.get("/version").json()
    assert version == {
        "app": "0.1.0",
        "index": "20261122T000000-1",
        "model": "none",
        "writer": "extractive",
    }


def test_ready_only_when_warm_and_without_problems() -> None:
    import threading

    may_go = threading.Event()

    class Slow(ScriptedBot):
        def warm(self) -> None:
            may_go.wait(10)
            super().warm()

    bot = Slow()
    with TestClient(create_app(SETTINGS, bot)) as client:
        assert client.get("/healthz").status_code == 200
        early = client.get("/readyz")
        assert early.status_code == 503
        assert early.json()["problems"] == ["The model and the index are still loading."]
        may_go.set()
        for _ in range(100):
            if client.get("/readyz").status_code == 200:
                break
            threading.Event().wait(0.02)
        assert client.get("/readyz").json() == {"ready": True, "problems": []}
        bot.problems = ("There is no index yet. Run: python ingest.py",)
        later = client.get("/readyz")
        assert later.status_code == 503
        assert "python ingest.py" in later.json()["problems"][0]
    assert bot.closed


def test_start_survives_a_failing_warm_up() -> None:
    from bot.errors import NoIndex

    class Cold(ScriptedBot):
        def warm(self) -> None:
            raise NoIndex("There is no index yet.")

    service = Service(Cold(problems=("There is no index yet.",)))
    service._warm()
    assert service.problems()
    service.bot.problems = ()  # type: ignore[attr-defined]
    assert service.problems() == (), "an index made later is enough"
