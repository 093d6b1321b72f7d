"""The chat in a real Chromium, with the scripted bot: every state, keyboard, widths, traps."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import ask
from tests.scripted_bot import NASTY


def in_view(page: Page, selector: str) -> bool:
    """Whether the element lies wholly on the screen and nothing covers its middle."""
    return bool(
        page.evaluate(
            """selector => {
                const e = document.querySelector(selector);
                const r = e.getBoundingClientRect();
                const inside = r.top >= 0 && r.bottom <= innerHeight && r.left >= 0;
                const top = document.elementFromPoint(r.left + r.width / 2, r.top + r.height / 2);
                return inside && (e === top || e.contains(top));
            }""",
            selector,
        )
    )


def settled(page: Page) -> None:
    """Wait until scrolling has ended."""
    page.wait_for_function(
        """() => { const y = scrollY; window.__same = y === window.__y ? window.__same + 1 : 0;
                   window.__y = y; return window.__same > 8 }"""
    )


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
    settled(page)
    assert in_view(page, "#a1-s2")
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


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("question", ["I have chest pain", "I want to end it"])
def test_alert_is_seen_without_scrolling(
    chromium: Browser, scripted: str, width: int, question: str
) -> None:
    page = chromium.new_page(viewport={"width": width, "height": 640})
    page.goto(f"{scripted}/chat/")
    ask(page, "What are the two types?")
    ask(page, question)
    settled(page)
    alerts = page.get_by_role("alert")
    expect(alerts).to_have_count(1)
    assert page.locator("#log .answer").last.evaluate("e => e.firstElementChild.role") == "alert"
    box = page.locator("#log .alert .action").first
    expect(box).to_have_attribute("href", re.compile("^tel:"))
    expect(box).not_to_have_attribute("target", "_blank")
    assert in_view(page, "#log .alert .alert-title")
    assert in_view(page, "#log .alert .action")
    assert box.evaluate("e => e.getBoundingClientRect().height") >= 44
    page.close()


def test_conversation_goes_on_after_a_crisis_card(page: Page, scripted: str) -> None:
    page.goto(f"{scripted}/chat/")
    ask(page, "I want to end it")
    ask(page, "What are the two types?")
    expect(page.locator("#log .answer").last.locator("a.cite").first).to_be_visible()


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


def test_one_announcement_for_an_answer(page: Page, scripted: str) -> None:
    page.goto(f"{scripted}/chat/")
    page.get_by_label("Your question").wait_for()
    page.evaluate(
        """() => { window.said = []; const e = document.getElementById('announcer');
            new MutationObserver(() => { if (e.textContent) window.said.push(e.textContent) })
            .observe(e, {childList: true, characterData: true}) }"""
    )
    ask(page, "What are the two types?")
    page.wait_for_function("() => window.said.length > 0")
    settled(page)
    assert page.evaluate("window.said") == ["The answer is ready."]
    log = page.get_by_role("log")
    expect(log).to_have_attribute("aria-live", "off")
    expect(log).to_have_attribute("aria-label", "Your conversation")
    assert page.locator("#log [data-testid][aria-label]").count() == 0, "they hold raw HTML"
    ask(page, "I have chest pain")
    settled(page)
    assert page.evaluate("window.said") == ["The answer is ready."], "an alert announces itself"


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


def test_nothing_is_stored_and_no_other_host_is_asked(chromium: Browser, scripted: str) -> None:
    context = chromium.new_context()
    page = context.new_page()
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(f"{scripted}/chat/")
    ask(page, "CANARY-76 What are the two types?")
    page.reload()
    page.get_by_label("Your question").wait_for()
    hosts = {urlsplit(url).netloc for url in requests if not url.startswith(("data:", "blob:"))}
    assert hosts == {urlsplit(scripted).netloc}
    assert not [url for url in requests if "CANARY-76" in url]
    stored = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert "CANARY-76" not in stored
    assert "run-history" not in stored
    assert context.cookies() == []
    assert page.evaluate("indexedDB.databases().then(d => d.length)") == 0
    assert "CANARY-76" not in page.content()
    context.close()


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


def test_keyboard_alone_asks_and_reaches_a_source(page: Page, scripted: str) -> None:
    page.goto(f"{scripted}/chat/")
    page.get_by_label("Your question").wait_for()
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to the question box")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Your question")).to_be_focused()
    page.keyboard.type("What are the two types?")
    page.keyboard.press("Enter")
    page.locator("#log .answer").wait_for()
    for _ in range(80):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.id") == "a1-r1":
            break
    expect(page.locator("#a1-r1")).to_be_focused()
    outline = page.locator("#a1-r1").evaluate("e => getComputedStyle(e).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    expect(page.locator("#a1-s1")).to_be_focused()
    page.keyboard.press("Tab")
    with page.context.expect_page() as opened:
        page.keyboard.press("Enter")
    expect(opened.value.locator("mark#quote")).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_no_sideways_scrolling_and_no_clipping(
    chromium: Browser, scripted: str, width: int, scheme: str
) -> None:
    context = chromium.new_context(
        viewport={"width": width, "height": 800},
        color_scheme=scheme,  # type: ignore[arg-type]
    )
    page = context.new_page()
    page.goto(f"{scripted}/chat/")
    for question in ("types", "weather", "fever", "x" * 300):
        ask(page, question)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    for path in ("/plain", "/about", "/sources/guides/types.md", "/sources/nasty.md", "/none"):
        page.goto(scripted + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


# WCAG 2.2 contrast, computed in the page for every text that shows.
CONTRAST = """() => {
  const parse = c => { const m = c.match(/[\\d.]+/g).map(Number);
    return m.length < 4 ? [...m, 1] : m };
  const over = (f, b) => [0, 1, 2].map(i => f[i] * f[3] + b[i] * (1 - f[3])).concat(1);
  const lum = c => { const [r, g, b] = c.slice(0, 3).map(v => { v /= 255;
    return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4 });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b };
  const backdrop = e => { const layers = []; for (let x = e; x; x = x.parentElement) {
    const c = parse(getComputedStyle(x).backgroundColor); layers.push(c); if (c[3] === 1) break }
    return layers.reverse().reduce((b, f) => over(f, b), [255, 255, 255, 1]) };
  const bad = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (!walk.currentNode.textContent.trim() || !e.checkVisibility({opacityProperty: true,
        visibilityProperty: true})) continue;
    if (e.closest('.sr-only, .skip, .back, script, style, noscript')) continue;
    let opacity = 1; for (let x = e; x; x = x.parentElement) opacity *= getComputedStyle(x).opacity;
    const bg = backdrop(e); const fg = parse(getComputedStyle(e).color); fg[3] *= opacity;
    const [a, b] = [lum(over(fg, bg)), lum(bg)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const said = walk.currentNode.textContent.trim().slice(0, 40);
    if (ratio < 4.5) bad.push([ratio.toFixed(2), e.className, said]);
  }
  return bad }"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_enough_contrast(chromium: Browser, scripted: str, scheme: str) -> None:
    context = chromium.new_context(color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{scripted}/chat/")
    page.get_by_label("Your question").wait_for()
    assert page.evaluate(CONTRAST) == []
    for question in ("types", "weather", "dose", "fever", "chest", "end it", "crash", "hola"):
        ask(page, question)
    assert page.evaluate(CONTRAST) == []
    for path in ("/plain", "/about", "/sources/guides/types.md?start=90&end=150", "/none"):
        page.goto(scripted + path)
        assert page.evaluate(CONTRAST) == []
    context.close()


def test_without_scripts_the_page_leads_to_the_plain_one(chromium: Browser, scripted: str) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{scripted}/chat/")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.get_by_role("link", name="Use the plain page.").click()
    page.get_by_label("Your question").fill("What are the two types?")
    page.get_by_role("button", name="Send").click()
    assert page.url == f"{scripted}/plain"
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


def test_targets_are_large_enough_to_tap(page: Page, scripted: str) -> None:
    """WCAG 2.2 2.5.8: 24 px for everything that can be tapped, 44 px for what matters."""
    page.goto(f"{scripted}/chat/")
    ask(page, "What are the two types?")
    ask(page, "I have chest pain")
    small = """() => [...document.querySelectorAll('a, button, textarea')]
        .filter(e => e.checkVisibility() && !e.closest('.skip, .sr-only, .back'))
        .flatMap(e => [...e.getClientRects()].slice(0, 1).map(r => [e.textContent, r]))
        .filter(([, r]) => r.width && (r.height < 24 || r.width < 20))
        .map(([t, r]) => [t.trim(), r.width, r.height])"""
    assert page.evaluate(small) == []
    for name in ("Send", "Clear now"):
        button = page.get_by_role("button", name=name, exact=True)
        assert button.evaluate("e => e.getBoundingClientRect().height") >= 44


def test_wider_text_spacing_loses_nothing(page: Page, scripted: str) -> None:
    """WCAG 1.4.12."""
    page.goto(f"{scripted}/chat/")
    ask(page, "What are the two types?")
    page.add_style_tag(
        content="* { line-height: 1.5 !important; letter-spacing: 0.12em !important;"
        " word-spacing: 0.16em !important } p { margin-bottom: 2em !important }"
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    clipped = """() => [...document.querySelectorAll('#log *, button, .intro *')]
        .filter(e => e.checkVisibility() && !e.closest('.sr-only, .back'))
        .filter(e => getComputedStyle(e).overflow !== 'visible')
        .filter(e => e.scrollHeight > e.clientHeight + 2)
        .map(e => e.className)"""
    assert page.evaluate(clipped) == []


def test_question_box_does_not_cover_what_has_the_focus(page: Page, scripted: str) -> None:
    """WCAG 2.2 2.4.11: the box stays at the bottom of the screen while an answer is read."""
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{scripted}/chat/")
    ask(page, "What are the two types?")
    settled(page)
    composer = page.locator("#composer")
    expect(composer).to_be_in_viewport(ratio=1)
    page.locator("#a1-r1").focus()
    for _ in range(20):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            """() => { const e = document.activeElement, c = document.getElementById('composer');
                const a = e.getBoundingClientRect(), b = c.getBoundingClientRect();
                if (c.contains(e)) return 'box';
                return a.top < b.bottom && a.bottom > b.top ? 'hidden' : 'seen' }"""
        )
        assert focused != "hidden"
        if focused == "box":
            break
