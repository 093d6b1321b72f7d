"""The page in an iframe of a portal on another origin: allowed when listed, refused when not. The
frame is the one of docs/embedding.md."""

from __future__ import annotations

import http.server
import re
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Playwright, expect

from tests.browser.conftest import ROOT, free_port, launched, scripted_app, serving_scripted

LISTED, ELSEWHERE, NONE = "portal", "another", "none"
_PAGE = (ROOT / "docs" / "embedding.md").read_text("utf-8")
FRAME = {name: re.findall(rf'\b{name}="([^"]*)"', _PAGE)[0] for name in ("allow", "sandbox")}
COUNT_PRINTS = "window.printed = 0; addEventListener('beforeprint', () => { window.printed += 1 })"


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A page of another origin that frames an app: at `/portal` the one that lists it, at
    `/another` one that lists somebody else, at `/none` one that lists nobody."""
    apps: dict[str, str] = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            framed = apps.get(self.path.strip("/"), "")
            rights = " ".join(f'{name}="{value}"' for name, value in FRAME.items())
            body = f'<!doctype html><title>Portal</title><iframe title="Transplant questions"\
 src="{framed}/chat/" {rights} width="600" height="800"></iframe>'
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    folder = tmp_path_factory.mktemp("portal")
    with http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        # Another name makes it another site, too, not only another origin.
        address = f"http://localhost:{server.server_port}"
        listed = {LISTED: (address,), ELSEWHERE: ("https://another.example",), NONE: ()}
        given = [scripted_app(folder / name, *origins) for name, origins in listed.items()]
        with serving_scripted(folder, *given) as addresses:
            apps.update(zip(listed, addresses, strict=True))
            yield address
        server.shutdown()


def test_listed_portal_shows_the_chat_and_it_works(driver: Playwright, portal: str) -> None:
    browser = launched(driver, "--test-third-party-cookie-phaseout")
    page = browser.new_page()
    page.add_init_script(COUNT_PRINTS)
    problems: list[str] = []
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    page.goto(f"{portal}/{LISTED}")
    inside = page.frame_locator("iframe")
    inside.get_by_label("Your question").fill("What are the two types?")
    inside.get_by_role("button", name="Send").click()
    expect(inside.locator("ol.sources > li")).to_have_count(5)
    inside.get_by_role("button", name="Print").click()
    printed = page.frames[1].wait_for_function("window.printed")
    assert printed.json_value() == 1, "the frame may print"
    inside.get_by_role("button", name="Copy").click()
    expect(inside.locator(".tool-said").first).to_have_text("Copied, with sources and contact.")
    assert not problems
    browser.close()


def test_source_opens_from_the_frame_in_a_tab_that_may_print(
    chromium: Browser, portal: str
) -> None:
    context = chromium.new_context()
    context.add_init_script(COUNT_PRINTS)
    page = context.new_page()
    page.goto(f"{portal}/{LISTED}")
    inside = page.frame_locator("iframe")
    inside.get_by_label("Your question").fill("What are the two types?")
    inside.get_by_role("button", name="Send").click()
    with context.expect_page() as opened:
        inside.locator("a.source-link").first.click()
    expect(opened.value.locator("#quote")).to_be_focused()
    opened.value.get_by_role("button", name="Print").click()
    opened.value.wait_for_function("window.printed === 1")
    context.close()


@pytest.mark.parametrize("name", [NONE, ELSEWHERE])
def test_other_pages_may_not_frame_it(chromium: Browser, portal: str, name: str) -> None:
    page = chromium.new_page()
    refusals: list[str] = []
    page.on("console", lambda message: refusals.append(message.text))
    page.goto(f"{portal}/{name}")
    page.wait_for_timeout(500)
    assert page.frame_locator("iframe").get_by_text("Transplant Answers").count() == 0
    assert any("frame-ancestors" in text for text in refusals), refusals
    page.close()
