"""H43 on every page: the card is shown, whatever is slow, full or broken behind it; and what waits
keeps nobody from the rest of the service."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from bot.answering.citing import Found
from bot.errors import DamagedIndex
from bot.records import Answer, Question, SourceDocument
from bot.settings import ContactSettings, LocaleSettings, Paths, Settings, Web
from bot.web.chat import Chat, Conversation
from bot.web.factory import create_app
from bot.web.glossary import Glossary
from bot.web.render import Renderer
from bot.web.service import AnswerTimeout, Service, ServiceBusy
from tests.scripted_bot import ScriptedBegun, ScriptedBot

URGENT = 'class="alert alert-urgent" role="alert"'
EMERGENCY = 'class="alert alert-emergency" role="alert"'
NOT_LOOKED_UP = "I could not look this up in the documents just now."


class Held(ScriptedBot):
    """Is not done with a question that says "held" before it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()
        self.begun = threading.Semaphore(0)

    def _hold(self, question: Question) -> None:
        if "held" in question.text:
            self.begun.release()
            self.go.wait(200)

    def ask(self, question: Question) -> Answer:
        self._hold(question)
        return super().ask(question)

    def look_up(self, question: Question) -> Found:
        self._hold(question)
        return super().look_up(question)


@pytest.fixture
def held() -> Iterator[Held]:
    bot = Held()
    yield bot
    bot.go.set()


def app_for(bot: ScriptedBot, **web: Any) -> TestClient:
    settings = Settings(
        web=Web(requests_per_minute=0, **web), contact=ContactSettings(phone="555-0100")
    )
    return TestClient(create_app(settings, bot), raise_server_exceptions=False)


def api(client: TestClient, text: str) -> tuple[int, str]:
    response = client.post("/api/v1/ask", json={"question": text})
    alert = response.json().get("alert") or {}
    shown = f'class="alert alert-{alert.get("level")}" role="alert"'
    return response.status_code, f"{shown} {response.text}"


def plain(client: TestClient, text: str) -> tuple[int, str]:
    response = client.post("/plain", data={"question": text})
    return response.status_code, response.text


def library(client: TestClient, text: str) -> tuple[int, str]:
    response = client.post("/library", data={"words": text})
    return response.status_code, response.text


def chat(client: TestClient, text: str) -> tuple[int, str]:
    """A message sent as the page sends it, and all that comes of it."""
    root = "/chat/gradio_api"
    page = client.get("/chat/").text
    config, _ = json.JSONDecoder().raw_decode(page.partition("window.gradio_config = ")[2])
    asks = next(d for d in config["dependencies"] if len(d["inputs"]) == 4)
    session = f"s{time.monotonic_ns()}"
    sent = {
        "data": [text, None, None, None],
        "fn_index": asks["id"],
        "session_hash": session,
        "trigger_id": asks["targets"][0][0],
    }
    joined = client.post(f"{root}/queue/join", json=sent)
    if joined.status_code != 200:
        return joined.status_code, joined.text
    events = client.get(f"{root}/queue/data", params={"session_hash": session}).text
    said = [json.loads(line[6:]) for line in events.splitlines() if line.startswith("data: ")]
    return 200, json.dumps(said).replace('\\"', '"')


EDGES = [api, plain, library, chat]
Edge = Callable[[TestClient, str], tuple[int, str]]


@contextmanager
def full(held: Held, client: TestClient) -> Iterator[None]:
    """All places of the service are taken."""
    taken = threading.Thread(target=api, args=(client, "types held"))
    taken.start()
    assert held.begun.acquire(timeout=60)
    yield
    held.go.set()
    taken.join(60)


@pytest.mark.parametrize("edge", EDGES)
def test_a_full_service_shows_the_card_and_takes_no_place_for_an_emergency(
    held: Held, edge: Edge
) -> None:
    places = {"answers_at_once": 1, "answers_waiting": 0, "answer_seconds": 200}
    with app_for(held, **places) as client, full(held, client):
        status, shown = edge(client, "fever of 38.4 and types")
        assert (status, URGENT in shown, NOT_LOOKED_UP in shown) == (200, True, True)
        status, shown = edge(client, "chest pain")
        assert (status, EMERGENCY in shown) == (200, True)
        assert "Call 911" in shown
        assert NOT_LOOKED_UP not in shown, "it is answered as ever"
        _, shown = edge(client, "types")
        assert "Many people are asking" in shown


@pytest.mark.parametrize("edge", EDGES)
def test_an_answer_that_takes_too_long_leaves_the_card(held: Held, edge: Edge) -> None:
    with app_for(held, answer_seconds=0.1) as client:
        status, shown = edge(client, "fever of 38.4, held")
        assert (status, URGENT in shown, NOT_LOOKED_UP in shown) == (200, True, True)
        held.go.set()


@pytest.mark.parametrize("edge", EDGES)
def test_an_error_of_whatever_kind_leaves_the_card(
    edge: Edge, caplog: pytest.LogCaptureFixture
) -> None:
    with app_for(ScriptedBot()) as client:
        status, shown = edge(client, "fever and a crash CANARY-4")
        assert (status, URGENT in shown) == (200, True)
    assert "RuntimeError" in caplog.text, "it is told to whoever runs the service"
    assert "CANARY-4" not in caplog.text


def test_which_of_the_gravest_cards_it_is_takes_no_place_either(held: Held) -> None:
    service = Service(held, at_once=1, waiting=0, seconds=1.0)
    with pytest.raises(AnswerTimeout):
        service.ask(Question(text="types held"))
    with pytest.raises(ServiceBusy):
        service.ask(Question(text="types"))
    assert service.ask(Question(text="chest, likened")).outcome == "emergency"
    assert [q.text for q in held.asked] == ["chest, likened"], "the model was asked"
    started = time.monotonic()
    assert service.ask(Question(text="chest, likened, held")).outcome == "emergency"
    assert time.monotonic() - started < 5, "the rules' card, where the model takes too long"
    assert service.look_up(Question(text="chest, likened, held")).instead


def test_an_alarm_that_comes_after_the_rules_is_kept_as_well(held: Held) -> None:
    """The second look found it, then the answer took too long."""

    class Late(ScriptedBegun):
        def alarm(self) -> Answer | None:
            return held._quiet(self.question, "abstained", "alarm") if held.begun._value else None

    held.begin = lambda question: Late(held, question)  # type: ignore[method-assign]
    service = Service(held, at_once=1, waiting=0, seconds=2.0)
    assert service.ask(Question(text="types held")).notices == ("alarm",)
    held.begun.acquire()
    with pytest.raises(ServiceBusy):
        service.ask(Question(text="types"))


# The library.


def test_a_search_keeps_the_card_where_the_shelves_cannot_be_read() -> None:
    class Broken(ScriptedBot):
        def document(self, source_id: str) -> SourceDocument:
            raise DamagedIndex("the passages are gone")

    with app_for(Broken()) as client:
        status, shown = library(client, "fever donor")
        assert (status, shown.count(URGENT)) == (503, 1)
        assert shown.index(URGENT) < shown.index("I cannot reach my guides right now")
        status, shown = library(client, "donor")
        assert (status, "alert-urgent" in shown) == (503, False)


@pytest.fixture(scope="module")
def without_index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The real rules, and nothing to look up in."""
    root = tmp_path_factory.mktemp("empty")
    settings = Settings(
        paths=Paths(knowledge=root, var=root / "var"),
        contact=ContactSettings(phone="555-0100"),
        locale=LocaleSettings(region="US"),
        web=Web(requests_per_minute=0),
    )
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize("edge", EDGES)
def test_real_rules_need_no_index_anywhere(without_index: TestClient, edge: Edge) -> None:
    status, shown = edge(without_index, "fever of 38.4")
    assert (status, URGENT in shown, NOT_LOOKED_UP in shown) == (200, True, True)
    status, shown = edge(without_index, "i cant breathe")
    assert (status, EMERGENCY in shown) == (200, True)


def test_a_search_is_read_in_the_language_of_its_page(without_index: TestClient) -> None:
    bot = ScriptedBot()
    with app_for(bot) as client:
        client.post("/library?lang=es", data={"words": "injerto"})
        client.post("/library", data={"words": "injerto"})
    assert [q.locale for q in bot.asked] == ["es", "en"]
    # 38.4 is no word of any language: the card is in that of the page.
    page = without_index.post("/library?lang=es", data={"words": "38.4"}).text
    assert URGENT in page
    assert "Puede que tenga fiebre." in page
    assert "su equipo de trasplante" in page
    assert "your transplant team" not in page


# What is shown.


def test_an_answer_that_cannot_be_shown_leaves_its_card(caplog: pytest.LogCaptureFixture) -> None:
    class Failing(Glossary):
        def explain(self, answer: Answer) -> Any:
            raise KeyError("SEPSIS")

    settings = Settings(contact=ContactSettings(phone="555-0100"))
    answer = ScriptedBot().ask(Question(text="fever"))
    unmarked = Renderer(settings, glossary=Failing).answer(answer, prefix="a1")
    assert URGENT in unmarked
    assert "An autologous transplant uses the patient's own stem cells." in unmarked.replace(
        "&#39;", "'"
    )
    assert "glossary failed: KeyError" in caplog.text
    broken = replace(answer, outcome="no such outcome")
    shown = Renderer(settings).answer(broken, prefix="a1")
    assert URGENT in shown
    assert 'id="a1"' in shown
    assert "\n" not in shown
    assert "tel:5550100" in shown
    with pytest.raises(Exception, match="no such outcome"):
        Renderer(settings).answer(replace(broken, alert=None), prefix="a1")


def test_a_message_with_an_alarm_stays_in_the_talk(held: Held) -> None:
    """What was said of a fever is known of when the next message comes."""
    settings = Settings(contact=ContactSettings(phone="555-0100"))
    service = Service(held, at_once=1, waiting=0, seconds=0.1)
    reply = Chat(service, Renderer(settings)).reply("fever of 38.4, held", Conversation())
    assert [turn.text for turn in reply.conversation.turns] == [
        "fever of 38.4, held",
        NOT_LOOKED_UP,
    ]


# What waits.


def test_as_many_wait_as_may_wait_and_the_rest_is_served(
    held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = 60
    made: list[Service] = []

    def service(*given: Any, **more: Any) -> Service:
        made.append(Service(*given, **more))
        return made[0]

    monkeypatch.setattr("bot.web.factory.Service", service)
    # Long enough for a machine that has much else to do.
    places = {"answers_at_once": 2, "answers_waiting": waiting - 2, "answer_seconds": 200}
    with app_for(held, **places) as client:
        while client.get("/readyz").status_code != 200:
            time.sleep(0.01)
        done: list[tuple[int, str]] = []

        def ask(edge: Edge) -> None:
            done.append(edge(client, "types held"))

        edges: list[Edge] = [api, plain, library]
        asking = [
            threading.Thread(target=ask, args=(edges[n % 3],), daemon=True) for n in range(waiting)
        ]
        for thread in asking:
            thread.start()
        until(lambda: made[0]._room._value == 0)
        for path in ("/readyz", "/about", "/static/page.js", "/sources/guides/types.md"):
            assert status_soon(client, path) == 200, path
        assert api(client, "types")[0] == 503
        assert chat(client, "chest pain")[0] == 200
        held.go.set()
        for thread in asking:
            thread.join(60)
        assert [status for status, _ in done] == [200] * waiting


def until(what: Callable[[], bool]) -> None:
    for _ in range(6000):
        if what():
            return
        time.sleep(0.01)
    pytest.fail("it never came to that")


def status_soon(client: TestClient, path: str) -> int | None:
    """None where there is none within half a minute."""
    got: list[int] = []
    reading = threading.Thread(target=lambda: got.append(client.get(path).status_code), daemon=True)
    reading.start()
    reading.join(30)
    return got[0] if got else None
