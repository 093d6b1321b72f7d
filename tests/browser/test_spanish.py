"""The chat for a reader of Spanish, in a real Chromium with a Spanish locale, the real bot and a
small English guide: answer, card, abstention, and nothing left in English but the quotes."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from bot.indexing.flow import ingest
from bot.settings import Paths, Settings
from bot.web.catalogue import load_texts
from tests.browser.conftest import free_port, serving
from tests.browser.test_every_scene import axe

pytestmark = pytest.mark.timeout(600)

GUIDE = """---
title: Types of transplant
publisher: Test clinic
published: 2026-01-01
reviewed: 2026-11-02
review_by: 2099-01-01
language: en
---
# Types of transplant

## What is the difference between an autologous and an allogeneic transplant?
<!-- asked
- what is the difference between an autologous and an allogeneic transplant
- difference between auto and allo transplant
- autologous vs allogeneic
-->

An autologous transplant uses your own stem cells. An allogeneic transplant uses the stem cells of \
another person.

## Who can be a donor?
<!-- asked
- who can give me cells
- can my brother be my donor
-->

A brother or a sister can be a donor. A person from a registry can be one, too.
"""

T = load_texts("es")
STARTER = T.chat.topics[0]["questions"][0]
ENGLISH_STARTER = load_texts("en").chat.topics[0]["questions"][0]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`python app.py` of a clinic in the US that wrote its hours in Spanish, too."""
    folder = tmp_path_factory.mktemp("spanish")
    knowledge = folder / "knowledge"
    knowledge.mkdir()
    (knowledge / "types.md").write_text(GUIDE, "utf-8")
    var = folder / "var"
    assert not ingest(Settings(paths=Paths(knowledge=knowledge, var=var))).failed
    port = free_port()
    with serving(
        ["app.py"],
        port,
        folder / "app.log",
        until="/readyz",
        BOT_WEB__PORT=str(port),
        BOT_WEB__REQUESTS_PER_MINUTE="0",
        BOT_LOCALE__REGION="US",
        BOT_CONTACT__PHONE="555-0100",
        BOT_CONTACT__HOURS="every day, 8 to 6",
        BOT_CONTACT__HOURS_ES="todos los días, de 8 a 18",
        BOT_PATHS__KNOWLEDGE=str(knowledge),
        BOT_PATHS__VAR=str(var),
    ) as address:
        yield address


@pytest.fixture
def spanish(chromium: Browser) -> Iterator[Page]:
    """A phone that is set to the Spanish of Mexico; fails on any error of the page."""
    context = chromium.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, locale="es-MX"
    )
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    yield page
    assert context.cookies() == []
    context.close()
    assert not problems


def start(page: Page) -> Locator:
    """Press the first starter; its answer."""
    page.get_by_role("button", name=STARTER).click()
    answer = page.locator("#log .answer-answered")
    answer.wait_for()
    page.locator("#log .pending").wait_for(state="detached")
    return answer


def ask(page: Page, question: str) -> None:
    before = page.locator("#log .answer").count()
    page.get_by_label(T.chat.question_label).fill(question)
    page.get_by_role("button", name=T.chat.send, exact=True).click()
    page.locator("#log .answer").nth(before).wait_for()
    page.locator("#log .pending").wait_for(state="detached")


def test_a_spanish_browser_gets_the_spanish_chat(spanish: Page, small: str) -> None:
    spanish.goto(small)
    expect(spanish).to_have_url(f"{small}/chat/es/")
    assert spanish.evaluate("document.documentElement.lang") == "es"
    expect(spanish.get_by_role("heading", level=1)).to_have_text(T.chat.title)
    expect(spanish.locator(".guides-note")).to_have_text(T.chat.guides_note)
    expect(spanish.get_by_label(T.chat.question_label)).to_have_attribute("dir", "auto")
    assert T.chat.title in spanish.title()
    expect(spanish.locator(".reach")).to_contain_text("todos los días, de 8 a 18")
    assert spanish.evaluate("document.documentElement.lang") == "es", "Gradio leaves it alone"


def test_an_answer_is_framed_in_spanish_and_quoted_in_english(spanish: Page, small: str) -> None:
    spanish.goto(f"{small}/chat/es/")
    spanish.get_by_label(T.chat.question_label).wait_for()
    spanish.evaluate(
        """() => { window.said = []; const e = document.getElementById('announcer');
            new MutationObserver(() => { if (e.textContent) window.said.push(e.textContent) })
            .observe(e, {childList: true, characterData: true}) }"""
    )
    answer = start(spanish)
    words = answer.locator(".statements").first
    expect(words).to_contain_text("uses your own stem cells.")
    expect(words).to_have_attribute("lang", "en")
    expect(spanish.locator("#log .asked")).to_have_text(f"{T.chat.you_asked} {ENGLISH_STARTER}")
    expect(answer.locator(".sources-title")).to_have_text(T.answer.sources)
    expect(answer).to_contain_text(f"{T.answer.checked} 2 de noviembre de 2026.")
    expect(answer.locator("a.cite").first).to_have_text(f"{T.answer.source} [1]")
    for button in (T.tools.copy, T.tools.print, T.tools.add, T.tools.sheet):
        expect(answer.get_by_role("button", name=button)).to_be_visible()
    spanish.wait_for_function("() => window.said.length > 0")
    assert spanish.evaluate("window.said") == [T.script.ready]
    follow_up = spanish.locator("#follow-ups button").first
    expect(follow_up).to_have_text("Who can be a donor?")
    expect(follow_up).to_have_attribute("lang", "en")
    answer.get_by_role("button", name=T.tools.sheet).click()
    expect(spanish.locator("#sheet h1")).to_have_text(T.sheet.title)
    expect(spanish.locator("#sheet .sheet-quote p").first).to_have_attribute("lang", "en")
    spanish.get_by_role("button", name=T.sheet.back).click()
    answer.get_by_role("radio", name=T.feedback.helped, exact=True).locator("..").click()
    answer.get_by_role("button", name=T.feedback.send).click()
    expect(answer.locator(".feedback .tool-said")).to_have_text(T.script.thanks)


@pytest.mark.parametrize(
    ("question", "title", "action"),
    [
        ("no puedo respirar", T.alert.emergency, "Llame ahora al 911"),
        ("I cannot breathe", T.alert.emergency, "Llame ahora al 911"),
        ("tengo fiebre de 39", T.alert.urgent, "Llame a su equipo de trasplante: 555"),
        ("quiero morir", T.alert.crisis, "Llame al 988"),
    ],
)
def test_a_card_is_in_spanish_and_seen_without_scrolling(
    spanish: Page, small: str, question: str, title: str, action: str
) -> None:
    spanish.goto(f"{small}/chat/es/")
    ask(spanish, question)
    alert = spanish.get_by_role("alert")
    expect(alert).to_have_count(1)
    expect(alert.locator(".alert-title")).to_have_text(title)
    expect(alert.locator(".action").first).to_contain_text(action)
    expect(alert.locator(".action").first).to_have_attribute("href", re.compile("^tel:"))
    expect(alert.locator(".alert-title")).to_be_in_viewport(ratio=1)


def test_an_abstention_and_a_foreign_question_in_spanish(spanish: Page, small: str) -> None:
    spanish.goto(f"{small}/chat/es/")
    ask(spanish, "who won the world cup")
    abstained = spanish.locator("#log .answer-abstained")
    expect(abstained.locator(".answer-title")).to_have_text(T.outcome.abstained.title)
    expect(abstained).to_contain_text("Prefiero decirlo antes que adivinar.")
    ask(spanish, "¿Quién puede ser mi donante?")
    foreign = spanish.locator("#log .answer-unsupported_language")
    expect(foreign.locator(".answer-title")).to_have_text(T.outcome.unsupported_language.title)
    expect(foreign).to_contain_text("llame ahora a su equipo de trasplante")
    expect(foreign.locator(".contact-line")).to_contain_text("555\u20110100")
    ask(spanish, "ما هو زرع النخاع")
    arabic = spanish.locator("#log .answer-unsupported_language").last.locator(".answer-lead")
    expect(arabic).to_have_attribute("lang", "ar")
    expect(arabic).to_have_attribute("dir", "rtl")
    assert arabic.evaluate("e => getComputedStyle(e).direction") == "rtl"


# Words of the English interface and of Gradio's own; names of people and products have none.
LEFT_OVER = re.compile(
    r"\b(?:the|your|you|send|clear|source|sources|copy|print|answer|question|close|loading|"
    r"message|chatbot|conversation|textbox|submit|back|page|based on|checked|emergency|call)\b",
    re.IGNORECASE,
)


def own_words(page: Page) -> str:
    """Every word on the page that is not marked as another language, labels and hints included."""
    return str(
        page.evaluate(
            """() => {
                const own = e => (e.closest('[lang]')?.lang || 'es') === 'es';
                const said = [];
                for (const e of document.querySelectorAll('body *')) {
                    if (e.closest('script, style, template, noscript') || !own(e)) continue;
                    if (!e.checkVisibility()) continue;
                    for (const name of ['aria-label', 'placeholder', 'title', 'alt'])
                        if (e.hasAttribute(name)) said.push(e.getAttribute(name));
                    for (const node of e.childNodes)
                        if (node.nodeType === Node.TEXT_NODE) said.push(node.textContent);
                }
                return said.join(' | ') }"""
        )
    )


def test_nothing_of_ours_or_of_gradio_is_left_in_english(spanish: Page, small: str) -> None:
    spanish.goto(f"{small}/chat/es/")
    spanish.get_by_label(T.chat.question_label).wait_for()
    assert LEFT_OVER.findall(own_words(spanish)) == []
    start(spanish)
    ask(spanish, "quiero morir")
    left = own_words(spanish)
    for marked in (ENGLISH_STARTER, "Test clinic"):  # the question itself, a name
        left = left.replace(marked, "")
    assert LEFT_OVER.findall(left) == []
    for path in ("/plain", "/about", "/library", "/sources/types.md"):
        spanish.goto(small + path)
        assert spanish.evaluate("document.documentElement.lang") == "es"
        assert LEFT_OVER.findall(own_words(spanish).replace("Test clinic", "")) == [], path


def test_the_link_to_english_holds_on_every_page(spanish: Page, small: str) -> None:
    spanish.goto(f"{small}/chat/es/")
    link = spanish.get_by_role("link", name="English")
    expect(link).to_have_attribute("lang", "en")
    link.click()
    spanish.get_by_label("Your question").wait_for()
    assert spanish.evaluate("document.documentElement.lang") == "en"
    spanish.get_by_label("Your question").fill(ENGLISH_STARTER)
    spanish.get_by_role("button", name="Send", exact=True).click()
    spanish.locator("#log .answer-answered").wait_for()
    source = spanish.locator("#log a.source-link").first
    expect(source).to_have_attribute("href", re.compile(r"[?&]lang=en&"))
    spanish.get_by_role("link", name="Plain page").click()
    assert spanish.evaluate("document.documentElement.lang") == "en", "against the browser's wish"
    spanish.get_by_label("Your question").fill("who won the world cup")
    spanish.get_by_role("button", name="Send").click()
    expect(spanish.locator(".answer-title")).to_have_text("I did not find this in the guides")
    spanish.get_by_role("link", name="Español").click()
    expect(spanish.get_by_label(T.chat.question_label)).to_be_visible()


def test_an_english_browser_may_choose_spanish(chromium: Browser, small: str) -> None:
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, locale="en-US")
    page = context.new_page()
    page.goto(f"{small}/chat/")
    assert page.evaluate("document.documentElement.lang") == "en"
    page.get_by_role("link", name="Español").click()
    expect(page).to_have_url(f"{small}/chat/es/")
    start(page)
    assert page.evaluate("document.documentElement.lang") == "es", "Gradio leaves it alone"
    source = page.locator("#log a.source-link").first
    expect(source).to_have_attribute("href", re.compile(r"[?&]lang=es&"))
    with context.expect_page() as opened:
        source.click()
    reader = opened.value
    expect(reader.locator("mark#quote")).to_be_focused()
    assert reader.evaluate("document.documentElement.lang") == "es"
    stored = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert "lang" not in stored
    assert context.cookies() == []
    context.close()


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_spanish_words_fit(chromium: Browser, small: str, width: int) -> None:
    """Spanish is longer than English: no sideways scrolling, nothing cut off."""
    context = chromium.new_context(viewport={"width": width, "height": 800}, locale="es")
    page = context.new_page()
    page.goto(f"{small}/chat/es/")
    start(page)
    ask(page, "no puedo respirar")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    clipped = """() => [...document.querySelectorAll('#log *, button, .intro *, nav *')]
        .filter(e => e.checkVisibility() && !e.closest('.sr-only, .back'))
        .filter(e => getComputedStyle(e).overflow !== 'visible')
        .filter(e => e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 2)
        .map(e => [e.className, e.textContent.slice(0, 40)])"""
    assert page.evaluate(clipped) == []
    for path in ("/plain", "/about", "/library", "/sources/types.md"):
        page.goto(small + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    context.close()


def test_the_plain_page_does_the_whole_job_in_spanish(chromium: Browser, small: str) -> None:
    """Without JavaScript."""
    context = chromium.new_context(java_script_enabled=False, locale="es-ES")
    page = context.new_page()
    page.goto(f"{small}/chat/es/")
    page.get_by_role("link", name=T.chat.no_script_link).click()
    page.get_by_role("button", name=STARTER).click()
    expect(page.locator(".statements").first).to_contain_text("uses your own stem cells.")
    page.get_by_role("button", name=T.tools.sheet).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(T.sheet.title)
    context.close()


def test_words_when_the_connection_is_lost(spanish: Page, small: str) -> None:
    spanish.goto(f"{small}/chat/es/")
    spanish.get_by_label(T.chat.question_label).wait_for()
    spanish.evaluate("dispatchEvent(new Event('offline'))")
    expect(spanish.locator("#trouble")).to_contain_text("Se perdió la conexión")
    expect(spanish.locator("#trouble")).to_contain_text("En una emergencia, llame al 911")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_spanish_pages(chromium: Browser, small: str, scheme: str) -> None:
    context = chromium.new_context(
        viewport={"width": 390, "height": 844},
        color_scheme=scheme,  # type: ignore[arg-type]
        locale="es",
    )
    page = context.new_page()
    page.goto(f"{small}/chat/es/")
    page.get_by_label(T.chat.question_label).wait_for()
    assert axe(page) == []
    start(page)
    for question in ("who won the world cup", "tengo fiebre", "ما هو زرع النخاع", "quiero morir"):
        ask(page, question)
    assert axe(page) == []
    for path in ("/plain", "/about", "/library", "/sources/types.md?start=25&end=60"):
        page.goto(small + path)
        assert axe(page) == [], path
    context.close()
