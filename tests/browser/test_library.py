"""The library in a real Chromium: the filter, the posted search with and without scripts."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

WIDTHS = (320, 390, 1280)


@pytest.fixture
def bare(chromium: Browser) -> Iterator[Page]:
    """A page without scripts."""
    context = chromium.new_context(
        java_script_enabled=False, viewport={"width": 390, "height": 844}
    )
    yield context.new_page()
    context.close()


def visible_titles(page: Page) -> list[str]:
    return [t.inner_text() for t in page.locator(".entry-title").all() if t.is_visible()]


def test_typing_makes_the_list_shorter_and_says_so(page: Page, scripted: str) -> None:
    page.goto(f"{scripted}/library")
    everything = len(visible_titles(page))
    assert everything >= 5
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.get_by_label("Search the library").press_sequentially("haploid", delay=20)
    expect(page.locator("#filter-said")).to_have_text(
        "2 guides have this in their titles or headings. Press Search to look in all the texts."
    )
    titles = visible_titles(page)
    assert "Types of transplant" in titles
    assert len(titles) == 2, "the guide and its poisoned copy"
    part = page.get_by_role("link", name="What is a haploidentical transplant?").last
    expect(part).to_be_visible()
    expect(page.get_by_role("link", name="What are the two main types")).to_have_count(0)
    assert requests == [], "what is typed stays in the page"
    assert page.url == f"{scripted}/library"

    page.get_by_label("Search the library").fill("xyzzy")
    expect(page.locator("#filter-said")).to_contain_text("No title or heading has this.")
    assert visible_titles(page) == []
    page.get_by_label("Search the library").fill("")
    expect(page.locator("#filter-said")).to_have_text("All guides are shown.")
    assert len(visible_titles(page)) == everything


def test_filter_takes_words_in_any_order_and_without_accents(page: Page, scripted: str) -> None:
    page.goto(f"{scripted}/library")
    page.get_by_label("Search the library").fill("TYPES  tránsplant")
    expect(page.locator("#filter-said")).to_contain_text("this in")
    assert "Types of transplant" in visible_titles(page)


def test_filter_opens_the_parts_it_found(page: Page, scripted: str) -> None:
    page.goto(f"{scripted}/library")
    entry = page.locator(".entry", has_text="When to call your transplant team")
    more = entry.locator("details li").last
    heading = more.inner_text() if more.is_visible() else more.text_content()
    assert heading
    expect(more).to_be_hidden()
    page.get_by_label("Search the library").fill(heading.strip())
    expect(more).to_be_visible()


def test_search_with_scripts_is_posted_and_leads_into_the_reader(page: Page, scripted: str) -> None:
    page.goto(f"{scripted}/library")
    page.get_by_label("Search the library").fill("haploidentical CANARY-31")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Pages to read")).to_be_visible()
    assert page.url == f"{scripted}/library"
    link = page.get_by_role("link", name="What is a haploidentical transplant?").first
    with page.context.expect_page() as opened:
        link.click()
    reader = opened.value
    reader.wait_for_load_state()
    assert "CANARY" not in reader.url
    assert urlsplit(reader.url).fragment.startswith("part-")
    heading = reader.get_by_role("heading", name="What is a haploidentical transplant?")
    expect(heading).to_be_focused()
    expect(heading).to_be_in_viewport()
    reader.close()
    expect(page.get_by_label("Search the library")).to_have_value("haploidentical CANARY-31")
    page.get_by_role("link", name="Show all guides").click()
    expect(page.get_by_label("Search the library")).to_have_value("")
    stored = page.evaluate(
        "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, history.state])"
    )
    assert "CANARY" not in stored


def test_search_without_scripts(bare: Page, scripted: str) -> None:
    bare.goto(f"{scripted}/library")
    expect(bare.locator("#filter-said")).to_have_text("")
    bare.get_by_label("Search the library").fill("haploidentical CANARY-32")
    bare.get_by_role("button", name="Search").click()
    expect(bare.get_by_role("heading", name="Pages to read")).to_be_visible()
    assert bare.url == f"{scripted}/library"
    link = bare.get_by_role("link", name="What is a haploidentical transplant?").first
    with bare.context.expect_page() as opened:
        link.click()
    opened.value.wait_for_load_state()
    expect(
        opened.value.get_by_role("heading", name="What is a haploidentical transplant?")
    ).to_be_in_viewport()


def test_topics_and_parts_without_scripts(bare: Page, scripted: str) -> None:
    bare.goto(f"{scripted}/library")
    bare.get_by_role("link", name="Glossary", exact=True).first.click()
    expect(bare.get_by_role("heading", name="Glossary 1 guide")).to_be_in_viewport()
    entry = bare.locator(".entry", has_text="When to call your transplant team")
    entry.locator("summary").click()
    part = entry.locator("details a").first
    expect(part).to_be_visible()
    heading = part.inner_text()
    part.click()
    expect(bare.get_by_role("heading", name=heading)).to_be_in_viewport()
    bare.go_back()
    expect(bare.get_by_role("heading", name="Library")).to_be_attached()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("words", ["chest pain", "I want to end it"])
def test_card_is_seen_without_scrolling(
    chromium: Browser, scripted: str, width: int, words: str
) -> None:
    page = chromium.new_page(viewport={"width": width, "height": 640})
    page.goto(f"{scripted}/library")
    page.get_by_label("Search the library").fill(words)
    page.keyboard.press("Enter")
    alert = page.get_by_role("alert")
    expect(alert).to_have_count(1)
    expect(alert.locator(".alert-title")).to_be_in_viewport(ratio=1)
    action = alert.locator(".action").first
    expect(action).to_be_in_viewport(ratio=1)
    assert action.evaluate("e => e.getBoundingClientRect().height") >= 44
    expect(page.locator(".entry")).to_have_count(0)
    page.close()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("words", [None, "donor", "fever donor", "xyzzy"])
def test_nothing_runs_out_of_the_page_and_targets_are_large(
    chromium: Browser, scripted: str, width: int, words: str | None
) -> None:
    page = chromium.new_page(viewport={"width": width, "height": 844})
    page.goto(f"{scripted}/library")
    page.locator("#size-3").check(force=True)
    if words:
        page.get_by_label("Search the library").fill(words)
        page.keyboard.press("Enter")
        page.get_by_role("link", name="Show all guides").wait_for()
        page.locator("#size-3").check(force=True)
    else:
        for summary in page.locator("summary").all():
            summary.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    small = page.evaluate(
        """() => [...document.querySelectorAll('main a, main button, main summary, main input')]
            .filter(e => e.offsetParent)
            .map(e => [e.textContent.trim().slice(0, 40), e.getBoundingClientRect()])
            .filter(([, r]) => r.height < 24 || r.width < 24).map(([t]) => t)"""
    )
    assert small == []
    page.close()


def test_whole_library_by_keyboard(page: Page, scripted: str) -> None:
    page.goto(f"{scripted}/library")
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "library-words":
            break
    page.keyboard.type("haploid")
    expect(page.locator("#filter-said")).to_contain_text("2 guides")
    for _ in range(12):
        page.keyboard.press("Tab")
        if "haploidentical" in page.evaluate("document.activeElement.textContent"):
            break
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
    assert outline == "3px"
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="What is a haploidentical transplant?")).to_be_focused()
