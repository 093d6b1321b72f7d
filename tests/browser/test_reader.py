"""The reader in a real Chromium: scroll, focus, one announcement, from quote to quote, back to the
answer, and a PDF beside its text."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Error, Page, expect

from tests.browser.conftest import Scripted, ask, free_port
from tests.making_pdfs import leaflet
from tests.scripted_bot import LEAFLET

WIDTHS = (320, 390, 1280)


@pytest.fixture(scope="module")
def served(serve_scripted: Scripted, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app with the original of the scripted PDF in its knowledge folder."""
    folder = tmp_path_factory.mktemp("reader")
    path = folder / "knowledge" / LEAFLET
    path.parent.mkdir(parents=True)
    path.write_bytes(leaflet(4))
    paths = {"var": str(folder / "var"), "knowledge": str(folder / "knowledge")}
    with serve_scripted(folder=folder, paths=paths) as address:
        yield address


def opened_from(page: Page, link: int) -> Page:
    with page.context.expect_page() as opened:
        page.locator(".source-link").nth(link).click()
    opened.value.wait_for_load_state()
    return opened.value


def in_the_middle(page: Page) -> None:
    """The marked words are on the screen and nothing covers them."""
    mark = page.locator("#quote")
    expect(mark).to_be_in_viewport(ratio=1)
    assert mark.evaluate(
        """e => { const r = e.getClientRects()[0];
                  const top = document.elementFromPoint(r.left + 4, r.top + r.height / 2);
                  return e.contains(top) }"""
    )


WATCH = """() => {
    window.said = [];
    const region = document.getElementById('reader-said');
    new MutationObserver(() => region.textContent && window.said.push(region.textContent))
        .observe(region, { childList: true, characterData: true, subtree: true });
}"""


@pytest.mark.parametrize("width", WIDTHS)
def test_quote_is_in_view_focused_and_said_once(chromium: Browser, served: str, width: int) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 700})
    context.add_init_script(
        f"document.addEventListener('DOMContentLoaded', () => document.getElementById"
        f"('reader-said') && ({WATCH})())"
    )
    page = context.new_page()
    page.goto(f"{served}/plain")
    page.get_by_label("Your question").fill("What are the two types?")
    page.get_by_role("button", name="Send").click()
    reader = opened_from(page, 3)
    expect(reader.locator("#quote")).to_be_focused()
    expect(reader.locator("#quote")).to_have_text("The cells can come from a brother or a sister.")
    in_the_middle(reader)
    expect(reader.locator("#reader-said")).to_have_text("Quote 4 of 5 is marked.")
    assert reader.locator("#reader-said").get_attribute("role") == "status"
    reader.wait_for_timeout(400)
    assert reader.evaluate("window.said") == ["Quote 4 of 5 is marked."]
    assert reader.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


def test_from_quote_to_quote_over_two_guides_and_back_to_the_answer(
    page: Page, served: str
) -> None:
    page.goto(f"{served}/chat/")
    ask(page, "leaflet CANARY-41")
    reader = opened_from(page, 0)
    wanted = [
        ("This is the text of part 1.", LEAFLET),
        ("That person is the donor.", "guides/types.md"),
        ("This is the text of part 3.", LEAFLET),
        ("Your new cells need time to grow.", LEAFLET),
    ]
    expect(reader.get_by_role("link", name="Previous quote")).to_have_count(0)
    for number, (quote, source_id) in enumerate(wanted, start=1):
        expect(reader.locator(".trail-count")).to_have_text(f"Quote {number} of 4")
        expect(reader.locator("#quote")).to_have_text(quote)
        expect(reader.locator("#quote")).to_be_focused()
        in_the_middle(reader)
        assert urlsplit(reader.url).path == f"/sources/{source_id}"
        assert "CANARY" not in reader.url
        if number < 4:
            reader.get_by_role("link", name="Next quote").click()
    expect(reader.get_by_role("link", name="Next quote")).to_have_count(0)
    reader.get_by_role("link", name="Previous quote").click()
    expect(reader.locator("#quote")).to_have_text("This is the text of part 3.")
    assert reader.evaluate("history.length") == 1, "the steps take no places in the history"
    back = reader.get_by_role("button", name="Back to your answer")
    # A click that closes the page may end before the driver hears that it was done.
    with reader.expect_event("close"), suppress(Error):
        back.click()
    expect(page.locator("#log .answer")).to_have_count(1)
    expect(page.locator("#log .asked")).to_contain_text("CANARY-41")


def test_steps_by_keyboard_alone(page: Page, served: str) -> None:
    page.goto(f"{served}/chat/")
    ask(page, "What are the two types?")
    reader = opened_from(page, 0)
    expect(reader.locator("#quote")).to_be_focused()
    for _ in range(6):
        reader.keyboard.press("Shift+Tab")
        if reader.evaluate("document.activeElement.classList.contains('step-after')"):
            break
    reader.keyboard.press("Enter")
    expect(reader.locator(".trail-count")).to_have_text("Quote 2 of 5")
    expect(reader.locator("#quote")).to_be_focused()


def test_tab_with_a_history_says_where_the_answer_is(page: Page, served: str) -> None:
    page.goto(f"{served}/plain")
    page.get_by_label("Your question").fill("What are the two types?")
    page.get_by_role("button", name="Send").click()
    href = page.locator(".source-link").first.get_attribute("href")
    page.goto(f"{served}{href}")
    expect(page.get_by_role("button", name="Back to your answer")).to_be_hidden()
    expect(page.locator("#back-note")).to_be_visible()


def test_reader_without_scripts(chromium: Browser, served: str) -> None:
    context = chromium.new_context(
        java_script_enabled=False, viewport={"width": 390, "height": 700}
    )
    page = context.new_page()
    page.goto(f"{served}/plain")
    page.get_by_label("Your question").fill("leaflet")
    page.get_by_role("button", name="Send").click()
    reader = opened_from(page, 1)
    expect(reader.locator("#quote")).to_be_in_viewport()
    expect(reader.get_by_role("button", name="Back to your answer")).to_be_hidden()
    expect(reader.locator("#back-note")).to_contain_text("Your answer is still open")
    reader.get_by_role("link", name="Next quote").click()
    expect(reader.locator("#quote")).to_have_text("This is the text of part 3.")
    expect(reader.locator("#quote")).to_be_in_viewport()
    reader.get_by_role("link", name="Previous page").click()
    expect(reader.get_by_role("heading", name="Page 3", exact=True)).to_be_visible()
    context.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_bar_of_the_quotes_leaves_room_and_targets_are_large(
    chromium: Browser, served: str, width: int
) -> None:
    page = chromium.new_page(viewport={"width": width, "height": 700})
    page.goto(f"{served}/plain")
    page.get_by_label("Your question").fill("leaflet")
    page.get_by_role("button", name="Send").click()
    reader = opened_from(page, 2)
    for size in (1, 3):
        reader.locator(f"#size-{size}").check(force=True)
        assert reader.evaluate("document.documentElement.scrollWidth") <= width
    small = reader.evaluate(
        """() => [...document.querySelectorAll('main a, main button, main summary')]
            .filter(e => e.offsetParent && e.getBoundingClientRect().height < 24)
            .map(e => e.textContent.trim())"""
    )
    assert small == []
    reader.locator("#size-1").check(force=True)
    height = reader.locator(".trail").evaluate("e => e.getBoundingClientRect().height")
    assert height <= 700 / 4
    page.context.close()


def pdf_frames(page: Page) -> list[str]:
    return [frame.url for frame in page.frames if "/documents/" in frame.url]


@pytest.mark.parametrize("width", WIDTHS)
def test_pdf_stands_beside_its_text(chromium: Browser, served: str, width: int) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    page.goto(f"{served}/plain")
    page.get_by_label("Your question").fill("leaflet")
    page.get_by_role("button", name="Send").click()
    reader = opened_from(page, 2)
    reader.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    held = reader.locator("object.original-page")
    expect(held).to_be_visible()
    for _ in range(100):
        if pdf_frames(reader):
            break
        reader.wait_for_timeout(100)
    assert pdf_frames(reader)[0].startswith(f"{served}/documents/{LEAFLET}#page=4")
    expect(reader.locator(".original-hidden")).to_be_hidden()
    expect(reader.locator("#quote")).to_be_focused(), "the viewer takes no focus"
    text, original = reader.evaluate(  # at one moment: the page may still be scrolling
        """() => ['.page-text', '.original'].map(
            name => document.querySelector(name).getBoundingClientRect().toJSON())"""
    )
    if width >= 1024:
        assert original["x"] >= text["x"] + text["width"], "beside each other"
        assert abs(original["y"] - text["y"]) < 40
    else:
        assert original["y"] >= text["y"] + text["height"], "one below the other"
    assert reader.evaluate("document.documentElement.scrollWidth") <= width
    assert problems == []
    context.close()


def test_browser_that_shows_no_pdf_gets_a_link(chromium: Browser, served: str) -> None:
    """What a browser does that cannot show the object: it shows what is inside."""
    page = chromium.new_page()
    page.route("**/documents/**", lambda route: route.abort())
    page.goto(f"{served}/sources/{LEAFLET}?page=2")
    expect(page.locator(".original-hidden")).to_be_visible()
    link = page.get_by_role("link", name="Open page 2 of the original PDF")
    expect(link).to_have_attribute("href", f"/documents/{LEAFLET}#page=2&navpanes=0&view=FitH")
    page.close()


def test_another_site_cannot_frame_the_original(
    chromium: Browser, served: str, tmp_path: Path
) -> None:
    address = f"{served}/documents/{LEAFLET}"
    (tmp_path / "index.html").write_text(
        f'<object data="{address}" type="application/pdf">kept out</object>'
        f'<iframe src="{address}"></iframe>'
    )
    handler = partial(Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), handler) as portal:
        threading.Thread(target=portal.serve_forever, daemon=True).start()
        page = chromium.new_page()
        refused: list[str] = []
        page.on("console", lambda message: refused.append(message.text))
        page.goto(f"http://localhost:{portal.server_port}/")
        page.get_by_text("kept out").wait_for()
        page.wait_for_timeout(500)
        assert pdf_frames(page) == []
        assert any("frame-ancestors" in text for text in refused), refused
        page.close()
        portal.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Files of a folder, without a log."""

    def log_message(self, *_: object) -> None:
        pass


def test_paper_has_the_text_and_the_source_and_nothing_to_press(page: Page, served: str) -> None:
    page.goto(f"{served}/chat/")
    ask(page, "leaflet")
    reader = opened_from(page, 0)
    reader.emulate_media(media="print")
    for hidden in (".trail", ".original", ".page-steps", ".quote-note", ".back-note", ".ways"):
        expect(reader.locator(hidden).first).to_be_hidden()
    for shown in ("#quote", "#page-number", ".about-source", ".reach"):
        expect(reader.locator(shown)).to_be_visible()
    reader.close()


def test_print_button_prints(page: Page, served: str) -> None:
    page.goto(f"{served}/sources/guides/types.md")
    page.evaluate("window.print = () => (window.printed = true)")
    page.get_by_role("button", name="Print or save as PDF").click()
    assert page.evaluate("window.printed")
