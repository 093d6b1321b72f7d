"""R37: rate, length, time and queue each have a limit, a status, words and whom to call."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import ValidationError

from bot.records import Answer, Question
from bot.settings import Answering, ContactSettings, Settings, Web
from bot.web.factory import create_app
from bot.web.places import CHATS
from bot.web.service import AnswerTimeout, Service, ServiceBusy
from tests.scripted_bot import ScriptedBot


def client_for(
    bot: ScriptedBot | None = None, *, address: str = "192.0.2.1", **web: Any
) -> TestClient:
    settings = Settings(web=Web(**web), contact=ContactSettings(phone="555-0100"))
    app = create_app(settings, bot or ScriptedBot())
    return TestClient(app, raise_server_exceptions=False, client=(address, 5000))


class Held(ScriptedBot):
    """Answers when it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()
        self.begun = threading.Semaphore(0)

    def ask(self, question: Question) -> Answer:
        self.begun.release()
        self.go.wait(30)
        return super().ask(question)


@pytest.fixture
def held() -> Iterator[Held]:
    bot = Held()
    yield bot
    bot.go.set()


def test_rate_is_counted_over_chat_plain_page_and_api_together() -> None:
    with client_for(requests_per_minute=3) as client:
        assert client.post("/plain", data={"question": "types"}).status_code == 200
        assert client.post("/api/v1/ask", json={"question": "types"}).status_code == 200
        assert client.post("/chat/gradio_api/queue/join", json={}).status_code != 429
        page = client.post("/plain", data={"question": "types"})
        assert page.status_code == 429
        assert page.headers["retry-after"] == "60"
        assert "tel:5550100" in page.text
        assert "do not wait: call" in page.text
        api = client.post("/api/v1/ask", json={"question": "types"})
        assert api.status_code == 429
        assert api.headers["content-type"] == "application/problem+json"
        assert api.json()["contact"]["phone"] == "555-0100"
        assert client.post("/chat/gradio_api/queue/join", json={}).status_code == 429
        assert client.get("/plain").status_code == 200, "reading is not counted"
        assert client.get("/sources/guides/types.md").status_code == 200


def test_zero_means_no_limit() -> None:
    with client_for(requests_per_minute=0) as client:
        codes = {client.post("/api/v1/ask", json={"question": "hello"}).status_code} | {
            client.post("/api/v1/ask", json={"question": "hello"}).status_code for _ in range(70)
        }
    assert codes == {200}


def ask_as(client: TestClient, forwarded: str) -> int:
    sent = {"x-forwarded-for": forwarded}
    return client.post("/api/v1/ask", json={"question": "hello"}, headers=sent).status_code


def test_forwarded_address_counts_only_behind_our_proxy() -> None:
    with client_for(requests_per_minute=1) as client:
        assert [ask_as(client, "198.51.100.1"), ask_as(client, "198.51.100.2")] == [200, 429]
    with client_for(requests_per_minute=1, trusted_proxies=("192.0.2.0/24",)) as client:
        assert [ask_as(client, "198.51.100.1"), ask_as(client, "198.51.100.2")] == [200, 200]
        assert ask_as(client, "198.51.100.1") == 429
        # What the client itself wrote before the proxy's own entry is not believed.
        assert ask_as(client, "203.0.113.9, 198.51.100.1") == 429


def test_addresses_of_one_network_of_ipv6_count_as_one() -> None:
    with client_for(requests_per_minute=1, trusted_proxies=("192.0.2.0/24",)) as client:
        assert [ask_as(client, f"2001:db8:0:1::{n}") for n in (1, 2, 3)] == [200, 429, 429]
        assert ask_as(client, "2001:db8:0:2::1") == 200
        # The same machine, as a socket for both kinds of addresses names it.
        assert [ask_as(client, a) for a in ("::ffff:198.51.100.7", "198.51.100.7")] == [200, 429]


@pytest.mark.parametrize("wrong", ["*", "proxy.example", "10.0.0.0/99"])
def test_proxies_are_addresses(wrong: str) -> None:
    with pytest.raises(ValidationError):
        Web(trusted_proxies=(wrong,))


def test_question_above_the_limit_is_413() -> None:
    settings = Settings(contact=ContactSettings(phone="555-0100"), answering=Answering())
    with TestClient(create_app(settings, ScriptedBot())) as client:
        api = client.post("/api/v1/ask", json={"question": "x" * 2001})
        assert api.status_code == 413
        page = client.post("/plain", data={"question": "x" * 2001})
        assert page.status_code == 413
        assert "tel:5550100" in page.text


@pytest.mark.parametrize("limit", [2_000, 20_000])
def test_chats_box_takes_more_than_is_answered_so_that_nothing_is_cut_unsaid(limit: int) -> None:
    answering = Answering(max_question_chars=limit)
    settings = Settings(contact=ContactSettings(phone="555-0100"), answering=answering)
    with TestClient(create_app(settings, ScriptedBot())) as client:
        for path in CHATS.values():
            page = client.get(f"{path}/").text
            boxes = [int(n) for n in re.findall(r'"max_length": ?(\d+)', page)]
            assert boxes
            assert min(boxes) > limit


def test_answer_that_takes_too_long_is_504_with_the_contact(held: Held) -> None:
    with client_for(held, answer_seconds=0.05) as client:
        api = client.post("/api/v1/ask", json={"question": "types CANARY-82"})
        assert api.status_code == 504
        assert api.json()["contact"]["phone"] == "555-0100"
        assert api.headers["retry-after"]
        page = client.post("/plain", data={"question": "types CANARY-82"})
        assert page.status_code == 504
        assert "in time" in page.text
        assert "tel:5550100" in page.text
        assert "types CANARY-82</textarea>" in page.text, "to try again, not to type again"
        held.go.set()


def test_no_more_wait_than_may_wait(held: Held) -> None:
    service = Service(held, at_once=1, waiting=1, seconds=30)
    done: list[Answer] = []
    threads = [
        threading.Thread(target=lambda: done.append(service.ask(Question(text="types"))))
        for _ in range(2)
    ]
    threads[0].start()
    held.begun.acquire(timeout=10)
    threads[1].start()
    while service._room._value:
        threading.Event().wait(0.01)
    with pytest.raises(ServiceBusy):
        service.ask(Question(text="types"))
    held.go.set()
    for thread in threads:
        thread.join(10)
    assert len(done) == 2
    assert service.ask(Question(text="types")).outcome == "answered", "room again"


def test_place_is_free_again_only_when_the_work_has_ended(held: Held) -> None:
    service = Service(held, at_once=1, waiting=0, seconds=0.05)
    with pytest.raises(AnswerTimeout):
        service.ask(Question(text="types"))
    with pytest.raises(ServiceBusy):
        service.ask(Question(text="types"))
    held.go.set()
    for _ in range(200):
        try:
            assert service.ask(Question(text="types")).outcome == "answered"
            break
        except ServiceBusy:
            threading.Event().wait(0.01)
    else:
        pytest.fail("the place was never given back")


def test_busy_is_503_with_the_contact(held: Held) -> None:
    with client_for(held, answers_at_once=1, answers_waiting=0, answer_seconds=0.05) as client:
        assert client.post("/api/v1/ask", json={"question": "types"}).status_code == 504
        api = client.post("/api/v1/ask", json={"question": "types"})
        assert api.status_code == 503
        assert api.headers["retry-after"] == "30"
        assert "Many people are asking" in api.json()["detail"]
        page = client.post("/plain", data={"question": "types"})
        assert page.status_code == 503
        assert "tel:5550100" in page.text
        held.go.set()


def test_missing_index_and_contact_card_only_are_said_before_the_first_question() -> None:
    bot = ScriptedBot(index=False, problems=("There is no index yet.",))
    with client_for(bot) as client:
        for path in ("/chat/", "/plain"):
            for _ in range(200):
                text = client.get(path).text
                if "The guides are not loaded right now" in text:
                    break
                threading.Event().wait(0.01)
            assert "The guides are not loaded right now" in text
        answer = client.post("/plain", data={"question": "no index"})
        assert answer.status_code == 503
        assert "I cannot reach my guides right now" in answer.text
        assert "tel:5550100" in answer.text
        assert answer.headers["retry-after"] == "30"
        api = client.post("/api/v1/ask", json={"question": "no index"})
        assert (api.status_code, api.headers["retry-after"]) == (503, "30")
    settings = Settings(
        answering=Answering(contact_card_only=True), contact=ContactSettings(phone="555-0100")
    )
    with TestClient(create_app(settings, ScriptedBot())) as client:
        for path in ("/chat/", "/plain"):
            text = client.get(path).text
            assert "This tool is not answering questions right now." in text
            assert "tel:5550100" in text
