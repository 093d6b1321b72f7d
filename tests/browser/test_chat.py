"""The chat in a real Chromium, with the scripted bot: what each answer shows, and the traps."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import ask
from tests.scripted_bot import NASTY


def comes_into_view(page: Page, selector: str) -> None:
    """The element comes to lie wholly on the screen, with nothing over its middle, and stays."""
    settled(page)
    page.wait_for_function(
        """selector => {
            const e = document.querySelector(selector);
            const r = e.getBoundingClientRect();
            const inside = r.top >= 0 && r.bottom <= innerHeight && r.left >= 0;
            const top = document.elementFromPoint(r.left + r.width / 2, r.top + r.height / 2);
            return inside && (e === top || e.contains(top));
        }""",
        arg=selector,
    )


def settled(page: Page) -> None:
    """Wait until scrolling has ended."""
    page.wait_for_function(
        """() => { const y = scrollY; window.__same = y === window.__y ? window.__same + 1 : 0;
                   window.__y = y; return window.__same > 8 }"""
    )


@pytest.mark.parametrize(("width", "height"), [(320, 568), (375, 553), (390, 664), (390, 844)])
def test_first_screen_of_a_phone_shows_where_to_write_and_whom_to_call(
    chromium: Browser, scripted: str, width: int, height: int
) -> None:
    page = chromium.new_page(viewport={"width": width, "height": height})
    page.goto(f"{scripted}/chat/")
    for part in (
        page.get_by_label("Your question"),
        page.get_by_role("button", name="Send", exact=True),
        page.locator(".reach-emergency"),
    ):
        expect(part).to_be_in_viewport(ratio=1)
        part.click(trial=True)  # nothing lies over it
    page.evaluate("scrollTo({top: document.documentElement.scrollHeight, behavior: 'instant'})")
    page.get_by_role("link", name="About this tool").click(trial=True)  # the end can be reached
    ask(page, "types")
    expect(page.locator("#log .asked")).to_be_in_viewport(ratio=1)
    assert page.locator("#composer").evaluate("e => getComputedStyle(e).position") != "fixed"
    page.close()


def test_answer_has_marks_that_lead_to_a_real_list_of_sources(page: Page, scripted: str) -> None:
    page.goto(f"{scripted}/chat/")
    ask(page, "What are the two types?")
    answer = page.locator("#log .answer")
    expect(answer.locator("p.statements a.cite")).to_have_count(3)
    expect(answer.locator("ul.statements > li")).to_have_count(2)
    entries = answer.locator("ol.sources > li")
    expect(entries).to_have_count(5)
    first = entries.first
    expect(first.locator("blockquote")).to_have_text(
        "An autologous transplant uses the patient's own stem cells."
    )
    expect(answer.locator(".source-title")).to_have_text(
        "Types of transplant: What are the two main types of transplant?"
    )
    link = first.get_by_role("link", name="An autologous transplant uses the patient's own")
    expect(link).to_have_attribute("target", "_blank")
    expect(link).to_have_attribute("rel", re.compile("noopener"))
    address = page.url
    answer.get_by_role("link", name="Source [2]").click()
    focused = page.evaluate("document.activeElement.id")
    assert focused == "a1-s2"
    comes_into_view(page, "#a1-s2")
    assert page.url == address, "a jump must not reload the page and lose the chat"
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Back to the answer [2]")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "a1-r2"


def test_jump_works_when_the_page_was_opened_with_a_query(page: Page, scripted: str) -> None:
    page.goto(f"{scripted}/chat/?from=portal")
    ask(page, "What are the two types?")
    page.locator("#log").get_by_role("link", name="Source [1]").click()
    expect(page.locator("#a1-s1")).to_be_focused()
    expect(page.locator("#log .answer")).to_have_count(1)


BURIED = "I went for a walk today and then I sat down for a while. " * 30 + "I have chest pain"


@pytest.mark.parametrize(("width", "height"), [(320, 568), (1280, 640)])
@pytest.mark.parametrize("question", ["I have chest pain", "I want to end it", BURIED])
def test_alert_is_seen_without_scrolling(
    chromium: Browser, scripted: str, width: int, height: int, question: str
) -> None:
    page = chromium.new_page(viewport={"width": width, "height": height})
    page.goto(f"{scripted}/chat/")
    ask(page, "What are the two types?")
    ask(page, question)
    alerts = page.get_by_role("alert")
    expect(alerts).to_have_count(1)
    assert page.locator("#log .answer").last.evaluate("e => e.firstElementChild.role") == "alert"
    box = page.locator("#log .alert .action").first
    expect(box).to_have_attribute("href", re.compile("^tel:"))
    expect(box).not_to_have_attribute("target", "_blank")
    comes_into_view(page, "#log .alert .alert-title")
    comes_into_view(page, "#log .alert .action")
    assert box.evaluate("e => e.getBoundingClientRect().height") >= 44
    page.close()


@pytest.mark.parametrize("question", ["I have chest pain", BURIED])
def test_plain_page_shows_an_alert_without_scrolling(
    chromium: Browser, scripted: str, question: str
) -> None:
    context = chromium.new_context(
        java_script_enabled=False, viewport={"width": 320, "height": 568}
    )
    page = context.new_page()
    page.goto(f"{scripted}/plain")
    page.get_by_label("Your question").fill(question)
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator(".alert-title")).to_be_in_viewport(ratio=1)
    expect(page.locator(".alert .action").first).to_be_in_viewport(ratio=1)
    context.close()


def test_conversation_goes_on_after_a_crisis_card(page: Page, scripted: str) -> None:
    page.goto(f"{scripted}/chat/")
    ask(page, "I want to end it")
    ask(page, "What are the two types?")
    expect(page.locator("#log .answer").last.locator("a.cite").first).to_be_visible()


def test_what_may_have_been_meant_is_a_button_that_asks(page: Page, scripted: str) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto(f"{scripted}/chat/")
    ask(page, "did I mean this")
    offered = page.locator("#log .answer-abstained .offers").get_by_role("button")
    expect(offered).to_have_count(2)
    expect(page.locator("#follow-ups button:visible")).to_have_count(0)
    expect(page.locator("#log .related")).to_have_count(0)
    expect(offered.first).to_be_in_viewport()
    offered.last.click()
    expect(page.locator("#log .asked").last).to_contain_text("What is a haploidentical transplant?")
    expect(page.locator("#log .answer-answered")).to_have_count(1)


def test_follow_up_and_starter_are_buttons_that_ask(page: Page, scripted: str) -> None:
    page.goto(f"{scripted}/chat/")
    page.get_by_role("button", name="What is graft-versus-host disease?").click()
    expect(page.locator("#log .asked")).to_have_text(
        "You asked: What is graft-versus-host disease?"
    )
    follow_up = page.get_by_role("button", name="What is a haploidentical transplant?")
    follow_up.click()
    expect(page.locator("#log .answer")).to_have_count(2)
    expect(page.locator("#log .asked").last).to_contain_text("haploidentical")
    expect(page.locator("#starters")).to_be_hidden()


def test_clear_takes_everything_away(page: Page, scripted: str) -> None:
    page.goto(f"{scripted}/chat/")
    ask(page, "CANARY-75 What are the two types?")
    page.get_by_role("button", name="Clear now").click()
    expect(page.get_by_role("button", name="What is graft-versus-host disease?")).to_be_visible()
    expect(page.locator("#log .answer")).to_have_count(0)
    assert "CANARY-75" not in page.content()
    expect(page.get_by_label("Your question")).to_be_focused()
    ask(page, "What are the two types?")
    expect(page.locator("#log .answer")).to_have_count(1)


def test_words_while_waiting_and_clear_cancels(page: Page, scripted: str) -> None:
    page.goto(f"{scripted}/chat/")
    page.get_by_label("Your question").fill("slow CANARY-77 types")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("#log .pending")).to_have_text("Looking in the guides…")
    expect(page.locator("#log .asked")).to_contain_text("CANARY-77")
    page.get_by_role("button", name="Clear now").click()
    expect(page.locator("#log .asked")).to_have_count(0)
    page.wait_for_timeout(3500)
    expect(page.locator("#log .answer")).to_have_count(0)
    assert "CANARY-77" not in page.content()


def test_long_question_comes_back_with_a_kind_word(page: Page, scripted: str) -> None:
    page.goto(f"{scripted}/chat/")
    ask(page, "x" * 2500)
    expect(page.locator("#log .answer-trouble")).to_contain_text("I could not use that question")
    expect(page.get_by_label("Your question")).to_have_value("x" * 2500)


def test_hostile_texts_run_nothing(page: Page, scripted: str) -> None:
    page.goto(f"{scripted}/chat/")
    ask(page, f"nasty {NASTY}")
    answer = page.locator("#log .answer")
    expect(answer).to_contain_text("<script>window.pwned=1</script>")
    expect(answer).to_contain_text("{{ 7*7 }} ${7*7}")
    expect(page.locator("#log .asked")).to_contain_text("<img src=x onerror=window.pwned=1>")
    expect(page.locator("#follow-ups button").first).to_contain_text("<svg/onload=")
    assert page.locator("#log :is(script, img, iframe)").count() == 0
    assert page.locator("a[href^='javascript']").count() == 0
    link = answer.locator("a.source-link").first.get_attribute("href")
    page.goto(scripted + str(link))
    expect(page.locator("article")).to_contain_text("<script>window.pwned=1</script>")
    assert page.evaluate("window.pwned") is None


def test_question_box_and_send_have_names_and_labels_that_show(page: Page, scripted: str) -> None:
    page.goto(f"{scripted}/chat/")
    box = page.get_by_role("textbox", name="Your question")
    expect(box).to_be_visible()
    expect(page.locator("#question label > span").first).to_be_visible()
    send = page.get_by_role("button", name="Send", exact=True)
    assert send.evaluate("e => e.getBoundingClientRect().height") >= 44
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    assert page.evaluate("document.documentElement.lang") == "en"
    assert "transplant" in page.title()


def test_without_scripts_the_page_leads_to_the_plain_one(chromium: Browser, scripted: str) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{scripted}/chat/")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.get_by_role("link", name="Use the plain page.").click()
    page.get_by_label("Your question").fill("What are the two types?")
    page.get_by_role("button", name="Send").click()
    assert page.url == f"{scripted}/plain#a1"
    page.get_by_role("link", name="Source [2]").click()
    page.locator("li.source:target a.source-link").click()
    reader = context.wait_for_event("page") if len(context.pages) < 2 else context.pages[1]
    mark = reader.locator("mark#quote")
    expect(mark).to_have_text("An allogeneic transplant uses stem cells from another person.")
    expect(mark).to_be_in_viewport()
    context.close()


def test_words_when_the_connection_is_lost(page: Page, scripted: str) -> None:
    page.goto(f"{scripted}/chat/")
    page.get_by_label("Your question").wait_for()
    page.evaluate("dispatchEvent(new Event('offline'))")
    expect(page.locator("#trouble")).to_contain_text("connection to this service is lost")
    expect(page.locator("#trouble")).to_contain_text("+1 (555) 010\u20110199")
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator("#trouble")).to_be_hidden()
