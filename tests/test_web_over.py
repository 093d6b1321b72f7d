"""Above the rate limit a red flag still gets its card, and nothing else gets an answer (H43)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from bot.errors import SettingsError
from bot.review.paging import leaf_of
from bot.settings import ContactSettings, Settings, Web
from bot.web.factory import create_app
from bot.web.startup import check_startup
from tests.scripted_bot import ScriptedBot

EMERGENCY = 'class="alert alert-emergency" role="alert"'


@pytest.fixture
def over() -> Iterator[tuple[TestClient, ScriptedBot]]:
    """A service whose one question of this minute was asked."""
    settings = Settings(web=Web(requests_per_minute=1), contact=ContactSettings(phone="555-0100"))
    bot = ScriptedBot()
    with TestClient(create_app(settings, bot), client=("192.0.2.1", 5000)) as client:
        assert client.post("/api/v1/ask", json={"question": "types"}).status_code == 200
        yield client, bot


def test_an_emergency_is_answered(over: tuple[TestClient, ScriptedBot]) -> None:
    client, _ = over
    api = client.post("/api/v1/ask", json={"question": "chest pain"})
    assert (api.status_code, api.json()["alert"]["level"]) == (200, "emergency")
    page = client.post("/plain", data={"question": "chest pain"})
    assert page.status_code == 200
    assert EMERGENCY in page.text
    assert EMERGENCY in client.post("/library", data={"words": "chest pain"}).text


def test_anything_else_is_not_looked_up_and_comes_back_into_the_box(
    over: tuple[TestClient, ScriptedBot],
) -> None:
    client, bot = over
    asked = len(bot.asked)
    page = client.post("/plain", data={"question": "what about my types"})
    assert (page.status_code, page.headers["retry-after"]) == (429, "60")
    assert "tel:5550100" in page.text
    assert ">what about my types</textarea>" in page.text
    api = client.post("/api/v1/ask", json={"question": "types"})
    assert (api.status_code, api.headers["retry-after"]) == (429, "60")
    assert api.headers["content-type"] == "application/problem+json"
    assert len(bot.asked) == asked


def test_nor_are_there_rules_for_ever(over: tuple[TestClient, ScriptedBot]) -> None:
    """Three times the limit again; then nothing is read."""
    client, _ = over
    said = [client.post("/api/v1/ask", json={"question": "chest pain"}) for _ in range(4)]
    assert [response.status_code for response in said] == [200, 200, 200, 429]


def test_the_next_address_is_not_over(over: tuple[TestClient, ScriptedBot]) -> None:
    client, _ = over
    assert client.post("/api/v1/ask", json={"question": "types"}).status_code == 429
    other = TestClient(client.app, client=("192.0.2.9", 5000))
    assert other.post("/api/v1/ask", json={"question": "types"}).status_code == 200


@pytest.mark.parametrize("field", ["phone", "after_hours_phone"])
def test_a_live_service_needs_numbers_that_can_be_called(field: str) -> None:
    contact = ContactSettings(**{"phone": "555-0100", field: "see your letter"})
    with pytest.raises(SettingsError, match=f"BOT_CONTACT__{field.upper()}"):
        check_startup(Settings(web=Web(production=True), contact=contact))


def test_a_page_number_of_thousands_of_digits_is_the_last_page() -> None:
    assert leaf_of([1, 2], "9" * 5000).number == 1
