"""The page in an iframe of a portal on another origin: allowed when listed, refused when not."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Playwright, expect

from tests.browser.conftest import ARGS, CHROMIUM, Scripted, free_port


@pytest.fixture
def portal() -> Iterator[tuple[str, list[str]]]:
    """A page of another origin that frames whatever address is put into the list."""
    framed: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            sandbox = "allow-scripts allow-same-origin allow-forms allow-popups"
            body = f'<!doctype html><title>Portal</title><iframe title="Transplant questions"\
 src="{framed[0]}/chat/" sandbox="{sandbox}" width="600" height="800"></iframe>'
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    port = free_port()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    # Another name makes it another site, too, not only another origin.
    yield f"http://localhost:{port}", framed
    server.shutdown()
    server.server_close()


def test_listed_portal_shows_the_chat_and_it_works(
    driver: Playwright, portal: tuple[str, list[str]], serve_scripted: Scripted
) -> None:
    address, framed = portal
    with serve_scripted(address) as app:
        framed.append(app)
        browser = driver.chromium.launch(
            executable_path=CHROMIUM, args=[*ARGS, "--test-third-party-cookie-phaseout"]
        )
        page = browser.new_page()
        page.goto(address)
        inside = page.frame_locator("iframe")
        inside.get_by_label("Your question").fill("What are the two types?")
        inside.get_by_role("button", name="Send").click()
        expect(inside.locator("ol.sources > li")).to_have_count(5)
        browser.close()


@pytest.mark.parametrize("listed", [(), ("https://another.example",)])
def test_other_pages_may_not_frame_it(
    chromium: Browser,
    portal: tuple[str, list[str]],
    serve_scripted: Scripted,
    listed: tuple[str, ...],
) -> None:
    address, framed = portal
    with serve_scripted(*listed) as app:
        framed.append(app)
        page = chromium.new_page()
        refusals: list[str] = []
        page.on("console", lambda message: refusals.append(message.text))
        page.goto(address)
        page.wait_for_timeout(500)
        assert page.frame_locator("iframe").get_by_text("Transplant Answers").count() == 0
        assert any("frame-ancestors" in text for text in refusals), refusals
        page.close()
