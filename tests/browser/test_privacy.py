"""R29 and the request log: a canary asked in every way there is, then looked for everywhere."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Error, Page, Playwright, Request, expect

from tests.browser.conftest import ARGS, CHROMIUM, Scripted, ask
from tests.browser.scenes import send

CANARY = "kanarienvogel-4711"
FOUND = "findelkind-4712"
WAYS = ("types", "weather", "which dose", "I have chest pain", "crash", "no index", "x" * 2500)


def post(address: str, body: dict[str, object]) -> int:
    request = urllib.request.Request(
        address,
        data=json.dumps(body).encode(),
        headers={"content-type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return int(error.code)


def found_below(folder: Path, words: str = CANARY) -> list[str]:
    """The files that hold the words, in either of the ways that programs write texts."""
    ways = (words.encode(), words.encode("utf-16-le"))
    return [
        str(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and any(way in path.read_bytes() for way in ways)
    ]


def test_no_word_of_a_reader_is_kept_anywhere(
    chromium: Browser, serve_scripted: Scripted, tmp_path: Path
) -> None:
    context = chromium.new_context()
    page = context.new_page()
    requests: list[Request] = []

    def record(request: Request) -> None:
        requests.append(request)  # Playwright cannot take a built-in method

    context.on("request", record)
    with serve_scripted(folder=tmp_path) as address:
        page.goto(f"{address}/chat/")
        for number, way in enumerate(WAYS, 1):
            ask(page, f"{way} {CANARY}")
            expect(page.locator(f"#a{number}, #log .answer-trouble").last).to_be_visible()
        form = page.locator("#a1 form.feedback")
        form.get_by_label("Looks wrong").check()
        form.get_by_label("Tell us more, if you like").fill(CANARY)
        form.get_by_role("button", name="Send feedback").click()
        expect(form).to_contain_text("none of your words")
        page.get_by_role("button", name="Add to my questions").first.click()
        page.get_by_role("button", name="Take-home sheet").first.click()
        page.get_by_role("button", name="Back to the chat").click()
        with context.expect_page() as opened:
            page.locator("#a1 a.source-link").first.click()
        opened.value.wait_for_load_state()

        library = context.new_page()
        library.goto(f"{address}/library")
        library.get_by_label("Search the library").press_sequentially(f"donor {CANARY}")
        expect(library.locator("#filter-said")).not_to_be_empty()
        for way in ("donor", *WAYS):
            library.get_by_label("Search the library").fill(f"{way} {CANARY}")
            library.get_by_role("button", name="Search").click()
            expect(library.get_by_label("Search the library")).to_have_value(f"{way} {CANARY}")

        plain = context.new_page()
        plain.goto(f"{address}/plain")
        plain.get_by_label("Your question").fill(f"types {CANARY}")
        plain.get_by_role("button", name="Send", exact=True).click()
        plain.get_by_label("It helped").check()
        plain.get_by_label("Tell us more, if you like").fill(CANARY)
        plain.get_by_role("button", name="Send feedback").click()
        expect(plain.get_by_role("heading", level=1)).to_have_text("Thank you")

        api = f"{address}/api/v1"
        assert post(f"{api}/ask", {"question": f"types {CANARY}", "id": CANARY}) == 200
        assert post(f"{api}/ask", {"question": f"crash {CANARY}"}) == 500
        assert post(f"{api}/ask", {"quest": CANARY}) == 422
        given = {"verdict": "helped", "outcome": "answered", "comment": CANARY, "index": CANARY}
        assert post(f"{api}/feedback", {**given, "sources": [CANARY]}) == 200
        for path in ("/healthz", "/readyz", "/version", "/metrics"):
            assert CANARY not in context.request.get(address + path).text()

        for shown in (page, plain, library):
            stored = shown.evaluate(
                """async () => JSON.stringify([{...localStorage}, {...sessionStorage},
                    document.cookie, history.state, location.href,
                    await indexedDB.databases(), await caches.keys()])"""
            )
            assert CANARY not in stored
        with pytest.raises(Error, match="ERR_CACHE_MISS"):
            plain.go_back()  # the next person at this device does not get the answer back
        assert context.cookies() == []
        assert CANARY not in json.dumps(context.storage_state())
    context.close()

    assert (tmp_path / "var" / "feedback.jsonl").exists(), "the search below must have an object"
    assert (tmp_path / "app.log").stat().st_size > 0
    assert found_below(tmp_path) == []
    addresses = [request.url for request in requests]
    assert len(addresses) > 20
    assert not [url for url in addresses if CANARY in url]
    own = urlsplit(address).netloc
    elsewhere = [
        url
        for url in addresses
        if not url.startswith(("data:", "blob:")) and urlsplit(url).netloc != own
    ]
    assert elsewhere == []
    assert not [r for r in requests if CANARY in json.dumps(r.headers)]


def browsed(
    driver: Playwright, address: str, profile: Path, steps: Callable[[Page, str], None]
) -> list[str]:
    """A shared computer: what is left of the reader's words in all that a browser keeps on disk of
    these steps, after it was closed."""
    context = driver.chromium.launch_persistent_context(
        profile, executable_path=CHROMIUM, args=ARGS
    )
    page = context.pages[0]
    page.goto(f"{address}/about?seen={FOUND}")
    steps(page, address)
    page.wait_for_timeout(6000)  # Chromium writes its tabs down some seconds later
    context.close()
    assert found_below(profile, FOUND), "an address is kept, so the search finds what there is"
    return found_below(profile)


def test_the_chat_leaves_nothing_on_the_disk_of_the_device(
    driver: Playwright, scripted: str, tmp_path: Path
) -> None:
    def steps(page: Page, address: str) -> None:
        page.goto(f"{address}/chat/")
        ask(page, f"types {CANARY}")
        page.get_by_label("Looks wrong").check()
        page.get_by_label("Tell us more, if you like").fill(CANARY)
        page.get_by_label("Your question").fill(f"half a {CANARY}")

    assert browsed(driver, scripted, tmp_path / "profile", steps) == []


def test_pages_without_scripts_leave_no_more_than_the_browsers_own_tabs(
    driver: Playwright, scripted: str, tmp_path: Path
) -> None:
    """To bring tabs back Chromium keeps the form that a page came from, whatever the page says; the
    pages tell readers so. Nothing else is left."""

    def steps(page: Page, address: str) -> None:
        page.goto(f"{address}/plain")
        send(page, f"types {CANARY}")
        page.get_by_label("Tell us more, if you like").fill(CANARY)
        expect(page.get_by_text("clear its history")).to_be_visible()
        page.get_by_role("button", name="Take-home sheet").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("My take-home sheet")
        page.goto(f"{address}/library")
        page.get_by_label("Search the library").fill(CANARY)
        page.get_by_role("button", name="Search").click()
        expect(page.get_by_role("heading", level=1)).to_be_visible()

    left = browsed(driver, scripted, tmp_path / "profile", steps)
    assert {Path(each).parent.name for each in left} <= {"Sessions"}
