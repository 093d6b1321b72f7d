"""The main job with nothing faked: `python app.py`, the real model, the real index, the knowledge
base as it is. Ask, read the answer, follow the citation, find the sentence."""

from __future__ import annotations

import json
import urllib.request
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import ask
from tests.test_language import IN_OTHER_LANGUAGES

# The first run embeds the whole knowledge base.
pytestmark = pytest.mark.timeout(900)

MAIN = "What is the difference between an autologous and an allogeneic transplant?"


def post(address: str, question: str) -> dict[str, object]:
    request = urllib.request.Request(
        f"{address}/api/v1/ask",
        data=json.dumps({"question": question}).encode(),
        headers={"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        found: dict[str, object] = json.load(response)
    return found


def test_ask_read_follow_and_find_the_sentence(page: Page, real: str) -> None:
    page.goto(f"{real}/chat/")
    ask(page, MAIN)
    answer = page.locator("#log .answer-answered")
    expect(answer.locator("a.cite").first).to_have_text("Source [1]")
    words = answer.locator(".statements").all_inner_texts()
    said = " ".join(words).casefold()
    assert "your own" in said or "patient's own" in said
    assert "donor" in said or "another person" in said or "someone else" in said
    entries = answer.locator("ol.sources > li")
    assert entries.count() >= 1
    for number in range(entries.count()):
        entry = entries.nth(number)
        quote = entry.locator("blockquote").inner_text()
        assert quote in " ".join(words), "an extractive answer says what it quotes"
        with page.context.expect_page() as opened:
            entry.locator("a.source-link").click()
        reader = opened.value
        mark = reader.locator("mark#quote")
        expect(mark).to_be_in_viewport(ratio=1)
        assert mark.evaluate("e => e.textContent") == quote
        expect(mark).to_be_focused()
        query = parse_qs(urlsplit(reader.url).query)
        assert int(query["end"][0]) - int(query["start"][0]) == len(quote)
        reader.close()


def test_chat_and_api_give_the_same_answer(page: Page, real: str) -> None:
    body = post(real, MAIN)
    page.goto(f"{real}/chat/")
    ask(page, MAIN)
    quotes = page.locator("#log blockquote").all_inner_texts()
    assert quotes == [c["quote"] for c in body["citations"]]  # type: ignore[attr-defined]


def test_emergency_comes_before_everything(page: Page, real: str) -> None:
    page.goto(f"{real}/chat/")
    ask(page, "my husband had his transplant last week and he cannot breathe")
    alert = page.get_by_role("alert")
    expect(alert).to_have_count(1)
    expect(alert).to_be_in_viewport()
    expect(page.locator("#log .answer-emergency")).to_have_count(1)
    expect(page.locator("#log a.cite")).to_have_count(0)


@pytest.mark.parametrize(
    ("question", "numbers"),
    [
        ("my husband had his transplant last week and he cannot breathe", ["tel:911"]),
        ("I want to end my life", ["tel:911", "tel:988", "sms:988"]),
        ("I feel like there is no point in living anymore", ["tel:988", "sms:988", "tel:911"]),
        ("I have a fever of 39", ["tel:5550100", "tel:5550200"]),
    ],
)
def test_card_and_numbers_are_on_the_screen_of_a_small_phone(
    chromium: Browser, real: str, question: str, numbers: list[str]
) -> None:
    """With the real words of the rules, which are longer than those of the scripted bot."""
    context = chromium.new_context(
        viewport={"width": 320, "height": 568}, has_touch=True, reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto(f"{real}/chat/")
    ask(page, question)
    alert = page.get_by_role("alert")
    expect(alert.locator(".alert-title")).to_be_in_viewport(ratio=1)
    expect(alert.locator(".alert-text").first).to_be_in_viewport(ratio=1)
    for number in numbers:
        button = alert.locator(f"a.action[href='{number}']")
        expect(button).to_be_in_viewport(ratio=1)
        button.click(trial=True)  # nothing lies over it
    context.close()


def test_what_the_guides_do_not_hold_is_not_answered(page: Page, real: str) -> None:
    page.goto(f"{real}/chat/")
    ask(page, "Which airline has the cheapest flights to Lisbon in June?")
    expect(page.locator("#log .answer-abstained")).to_have_count(1)
    expect(page.locator("#log a.cite")).to_have_count(0)
    expect(page.locator("#log a[href='tel:5550100']").last).to_be_visible()


def test_every_language_we_know_is_answered_in_it_with_the_contact(real: str) -> None:
    """On the plain page, as it is served: the words are marked with their language and direction,
    and the numbers of the clinic stand below."""
    asked = {code: text for code, text in IN_OTHER_LANGUAGES if code != "es"}
    assert len(asked) >= 28
    for code, text in asked.items():
        data = urlencode({"question": text}).encode()
        with urllib.request.urlopen(f"{real}/plain", data, timeout=60) as response:
            html = response.read().decode()
        card = html[html.index('class="answer answer-unsupported_language"') :]
        lead = card[card.index('<p class="answer-lead"') :].partition("</p>")[0]
        assert f'lang="{code}"' in lead
        assert ('dir="rtl"' in lead) == (code in ("ar", "fa", "he", "ur")), code
        assert 'href="tel:5550100"' in card.partition("</form>")[0], code


def test_follow_ups_offered_are_answered(real: str) -> None:
    for question in post(real, MAIN)["follow_ups"]:  # type: ignore[attr-defined]
        assert post(real, question)["outcome"] == "answered", question
