"""What a reader can do with an answer: explain a word, copy, print, take home, give feedback, say
something of the transplant, change the text size, clear. In a real Chromium, by keyboard too."""

from __future__ import annotations

import json
import re
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Scripted, ask
from tests.browser.test_chat import settled


def announced(page: Page) -> list[str]:
    found: list[str] = page.evaluate("window.said")
    return found


def listen(page: Page) -> None:
    page.evaluate(
        """() => { window.said = []; const e = document.getElementById('announcer');
            new MutationObserver(() => { if (e.textContent) window.said.push(e.textContent) })
            .observe(e, {childList: true, characterData: true}) }"""
    )


def test_word_opens_its_explanation_by_keyboard_and_esc_closes_it(
    page: Page, scripted: str
) -> None:
    page.goto(f"{scripted}/chat/")
    ask(page, "types")
    expect(page.locator("#announcer")).to_have_text("The answer is ready.")
    listen(page)
    term = page.get_by_role("button", name="stem cells", exact=True)
    expect(term).to_have_count(1)
    expect(term).to_have_attribute("aria-expanded", "false")
    term.focus()
    page.keyboard.press("Enter")
    note = page.locator("#log .term-note")
    expect(note).to_contain_text("Stem cells are young cells that can grow into blood cells.")
    link = note.get_by_role("link")
    expect(link).to_have_attribute("href", re.compile(r"^/sources/glossary\.md\?start=\d+"))
    expect(term).to_have_attribute("aria-expanded", "true")
    expect(term).to_be_focused()
    page.wait_for_function("() => window.said.length > 0")
    said = "Stem cells: Stem cells are young cells that can grow into blood cells."
    assert announced(page) == [said]
    page.keyboard.press("Escape")
    expect(note).to_have_count(0)
    expect(term).to_have_attribute("aria-expanded", "false")
    expect(term).to_be_focused()
    page.keyboard.press("Space")
    expect(note).to_have_count(1)
    note.get_by_role("button", name="Close: Stem cells").click()
    expect(note).to_have_count(0)
    expect(term).to_be_focused()


def test_only_one_explanation_is_open_and_the_words_of_the_answer_stay(
    page: Page, scripted: str
) -> None:
    page.goto(f"{scripted}/chat/")
    ask(page, "types")
    page.get_by_role("button", name="stem cells", exact=True).click()
    page.get_by_role("button", name="allogeneic transplant", exact=True).click()
    expect(page.locator("#log .term-note")).to_have_count(1)
    expect(page.locator("#log p.statements")).to_contain_text(
        "An autologous transplant uses the patient's own stem cells."
    )
    expect(page.locator("#log .words")).to_be_hidden()


def test_copy_takes_sources_and_contact_along(chromium: Browser, scripted: str) -> None:
    context = chromium.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(f"{scripted}/chat/")
    ask(page, "What are the two types?")
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.locator("#log .tool-said").first).to_have_text("Copied, with sources and contact.")
    text = page.evaluate("navigator.clipboard.readText()")
    for said in (
        "Question: What are the two types?",
        "An autologous transplant uses the patient's own stem cells. An allogeneic",
        '[1] "An autologous transplant uses the patient\'s own stem cells."',
        f"{scripted}/sources/guides/types.md?start=",
        "Types of transplant: What are the two main types of transplant?",
        "Last checked 22 November 2026.",
        "Based on: NHS: Stem cell and bone marrow transplants",
        "+1 (555) 010\u20110199",
        "Automated information tool, not a person, not medical advice.",
    ):
        assert said in text, said
    context.close()


def test_copy_without_a_clipboard_interface(page: Page, scripted: str) -> None:
    page.goto(f"{scripted}/chat/")
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error()) }")
    ask(page, "types")
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.locator("#log .tool-said").first).to_have_text("Copied, with sources and contact.")
    assert page.locator("body > textarea").count() == 0


def test_print_is_one_answer_with_sources_words_and_contact(page: Page, scripted: str) -> None:
    page.goto(f"{scripted}/chat/")
    page.evaluate("window.print = () => (window.printed = true)")
    ask(page, "types")
    ask(page, "how common")
    page.get_by_role("button", name="Print or save as PDF").last.click()
    assert page.evaluate("window.printed")
    page.emulate_media(media="print")
    expect(page.locator("#a1")).to_be_hidden()
    expect(page.locator("#a2")).to_be_visible()
    expect(page.locator("#a2 li.source").first).to_be_visible()
    expect(page.locator("#a2 .contact-line")).to_be_visible()
    expect(page.locator("#log .asked").last).to_be_visible()
    for gone in ("#composer", ".tools", ".feedback", ".text-size", "#clear", "#about-you"):
        expect(page.locator(gone).last).to_be_hidden()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(page.locator("#a1 .words")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_take_home_sheet_by_keyboard(page: Page, scripted: str) -> None:
    page.goto(f"{scripted}/chat/")
    ask(page, "What are the two types?")
    ask(page, "weather")
    add = page.get_by_role("button", name="Add to my questions").last
    add.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#log .tools .tool-said").last).to_have_text("Added to your questions.")
    page.keyboard.press("Enter")
    expect(page.locator("#log .tools .tool-said").last).to_have_text(
        "This question is on your list."
    )
    opener = page.get_by_role("button", name="Take-home sheet").first
    opener.focus()
    address = page.url
    page.keyboard.press("Enter")
    sheet = page.locator("#sheet")
    expect(sheet).to_be_focused()
    expect(page.get_by_role("heading", level=1)).to_have_text("My take-home sheet")
    expect(page.get_by_role("main")).to_have_count(1)
    expect(sheet.get_by_role("heading", level=2).first).to_have_text(
        "Question: What are the two types?"
    )
    expect(sheet).to_contain_text("An allogeneic transplant uses stem cells from another person.")
    expect(sheet).to_contain_text("[2] “An allogeneic transplant uses stem cells")
    expect(sheet).to_contain_text("+1 (555) 010\u20110199")
    assert sheet.locator("#sheet-questions > li").count() == 1
    expect(sheet.locator("#sheet-questions > li")).to_contain_text("weather")
    page.get_by_label("Add a question of your own").fill("Can my sister be tested?")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(sheet.locator("#sheet-questions > li")).to_have_count(2)
    page.get_by_role("button", name="Take off the list: weather").click()
    expect(sheet.locator("#sheet-questions > li")).to_have_count(1)
    assert page.url == address
    large = sheet.locator("p.statements").evaluate("e => parseFloat(getComputedStyle(e).fontSize)")
    assert large >= 20
    page.emulate_media(media="print")
    expect(page.get_by_role("button", name="Back to the chat")).to_be_hidden()
    expect(page.locator("#composer")).to_be_hidden()
    expect(sheet.locator("#sheet-questions > li")).to_be_visible()
    page.emulate_media(media="screen")
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    expect(opener).to_be_focused()


def test_answer_can_be_left_out_of_the_sheet(page: Page, scripted: str) -> None:
    page.goto(f"{scripted}/chat/")
    ask(page, "types")
    ask(page, "how common")
    page.get_by_role("button", name="Take-home sheet").last.click()
    page.get_by_role("button", name="Leave this answer out: types").click()
    expect(page.locator("#sheet .sheet-answer")).to_have_count(1)
    expect(page.locator("#sheet")).to_contain_text("Institute A")
    page.get_by_role("button", name="Leave this answer out: how common").click()
    expect(page.locator("#sheet-answers")).to_have_text(
        "No answers are on the sheet. You can still take your questions along."
    )


def kept(folder: Path) -> list[dict[str, object]]:
    text = (folder / "var" / "feedback.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_feedback_with_and_without_the_tick(
    page: Page, serve_scripted: Scripted, tmp_path: Path
) -> None:
    with serve_scripted(folder=tmp_path) as address:
        page.goto(f"{address}/chat/")
        ask(page, "CANARY-84 types")
        form = page.locator("#a1 form.feedback")
        expect(form.get_by_label("Tell us more, if you like")).to_be_hidden()
        form.get_by_label("Looks wrong").check()
        form.get_by_label("Tell us more, if you like").fill("CANARY-84 it is wrong")
        form.get_by_role("button", name="Send feedback").click()
        expect(form).to_have_text("Thank you. Your choice was kept, and none of your words.")
        ask(page, "CANARY-85 types")
        form = page.locator("#a2 form.feedback")
        form.get_by_label("It helped").check()
        form.get_by_label("Tell us more, if you like").fill("CANARY-85 thanks")
        form.get_by_label("I agree that the care team").check()
        form.get_by_role("button", name="Send feedback").click()
        expect(form).to_have_text("Thank you. The care team can read what you shared.")
        first, second = kept(tmp_path)
        assert first["shared"] is None
        assert first["sources"] == ["guides/types.md"]
        assert first["index"] == "20261122T000000-1"
        shared = second["shared"]
        assert isinstance(shared, dict)
        assert shared["question"] == "CANARY-85 types"
        assert shared["answer"].startswith("An autologous transplant uses the patient's own")
        assert shared["comment"] == "CANARY-85 thanks"
        assert "CANARY-84" not in (tmp_path / "var" / "feedback.jsonl").read_text("utf-8")
        page.goto("about:blank")


def test_no_tools_stand_beside_an_alarm(page: Page, scripted: str) -> None:
    page.goto(f"{scripted}/chat/")
    for number, question in enumerate(("I have chest pain", "I want to end it", "hello"), 1):
        ask(page, question)
        expect(page.locator(f"#a{number} :is(.tools, .feedback)")).to_have_count(0)


def test_what_is_said_of_the_transplant_goes_with_the_question_and_is_cleared(
    page: Page, scripted: str
) -> None:
    page.goto(f"{scripted}/chat/")
    page.get_by_role("button", name="About your transplant").click()
    group = page.get_by_role("group", name="Where do the cells come from?")
    group.get_by_label("A donor's cells").check()
    page.get_by_label("Later", exact=True).check()
    ask(page, "about me")
    expect(page.locator("#log .notices")).to_contain_text("kind donor, stage later")
    page.get_by_role("button", name="Clear now").click()
    expect(group.get_by_label("Not sure")).to_be_checked()
    expect(page.get_by_label("Rather not say")).to_be_checked()
    ask(page, "about me")
    expect(page.locator("#log .notices")).to_contain_text("kind None, stage None")


def test_text_size_has_three_steps_by_keyboard_and_fits_a_small_phone(
    chromium: Browser, scripted: str
) -> None:
    page = chromium.new_page(viewport={"width": 320, "height": 640})
    for path in ("/chat/", "/plain"):
        page.goto(scripted + path)
        size = page.get_by_role("group", name="Text size")
        size.get_by_label("Standard").focus()
        sizes = []
        for _ in range(3):
            sizes.append(
                page.locator("h1").first.evaluate("e => parseFloat(getComputedStyle(e).fontSize)")
            )
            page.keyboard.press("ArrowRight")
        assert sizes[0] < sizes[1] < sizes[2]
        size.get_by_label("Very large").check()
        if path == "/chat/":
            ask(page, "types")
            words = page.locator("#log p.statements")
            assert words.evaluate("e => parseFloat(getComputedStyle(e).fontSize)") >= 25
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        stored = page.evaluate("JSON.stringify([{...localStorage}, document.cookie])")
        assert "size" not in stored
    page.close()


def test_text_size_works_without_scripts(chromium: Browser, scripted: str) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{scripted}/plain")
    before = page.locator("h1").bounding_box()
    page.get_by_label("Very large").check()
    after = page.locator("h1").bounding_box()
    assert before
    assert after
    assert after["height"] > before["height"]
    context.close()


def test_plain_page_does_the_same_jobs_without_scripts(chromium: Browser, scripted: str) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{scripted}/plain")
    page.get_by_label("Your question").fill("types")
    page.get_by_text("About your transplant").click()
    page.get_by_label("My own cells").check()
    page.get_by_role("button", name="Send", exact=True).click()
    page.get_by_role("link", name="stem cells", exact=True).click()
    expect(page.locator("dt:target")).to_have_text("Stem cells")
    page.get_by_label("It helped").check()
    page.get_by_role("button", name="Take-home sheet").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("My take-home sheet")
    assert page.url == f"{scripted}/sheet"
    context.close()


def test_clear_now_leaves_nothing_anywhere(chromium: Browser, scripted: str) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{scripted}/chat/")
    length = page.evaluate("history.length")
    ask(page, "CANARY-86 types")
    page.get_by_role("button", name="Add to my questions").click()
    page.get_by_label("Looks wrong").check()
    page.get_by_label("Tell us more, if you like").fill("CANARY-86")
    page.get_by_role("button", name="Take-home sheet").click()
    page.get_by_label("Add a question of your own").fill("CANARY-86 draft")
    page.get_by_role("button", name="Back to the chat").click()
    page.get_by_label("Your question").fill("CANARY-86 half a ques")
    page.get_by_role("button", name="Clear now").click()
    expect(page.locator("#log .answer")).to_have_count(0)
    expect(page.get_by_label("Your question")).to_have_value("")
    settled(page)
    everything = page.evaluate(
        """async () => JSON.stringify([
            document.documentElement.outerHTML,
            [...document.querySelectorAll('input, textarea')].map(e => e.value),
            {...localStorage}, {...sessionStorage}, document.cookie, history.state, location.href,
            await indexedDB.databases(), await caches.keys(),
            performance.getEntries().map(e => e.name)])"""
    )
    assert "CANARY-86" not in everything
    assert page.evaluate("history.length") == length
    assert context.cookies() == []
    ask(page, "types")
    page.get_by_role("button", name="Take-home sheet").click()
    expect(page.locator("#sheet-questions > li")).to_have_count(0)
    context.close()
