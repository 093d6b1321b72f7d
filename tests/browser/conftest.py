"""A real Chromium, and the web app in a process of its own on a free port."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from bot.settings import Settings

ROOT = Path(__file__).resolve().parent.parent.parent
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
START_SECONDS = 90


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    # Playwright keeps an event loop running until the session ends: its tests go last.
    items.sort(key=lambda item: here in item.path.parents)
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if not Path(CHROMIUM).exists() and not os.environ.get("CI"):
                item.add_marker(pytest.mark.skip(reason="there is no Chromium on this machine"))


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@contextlib.contextmanager
def serving(
    command: list[str], port: int, log: Path, *, until: str = "/healthz", **env: str
) -> Iterator[str]:
    """Run `command` until `until` answers 200; end it afterwards."""
    address = f"http://127.0.0.1:{port}"
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("BOT_")}
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, *command], cwd=ROOT, env={**inherited, **env}, stdout=out, stderr=out
        )
        try:
            deadline = time.monotonic() + START_SECONDS
            while not answers(address + until):
                if process.poll() is not None or time.monotonic() > deadline:
                    pytest.fail(f"the app did not start: {log.read_text()[-3000:]}")
                time.sleep(0.1)
            yield address
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)


Scripted = Callable[..., contextlib.AbstractContextManager[str]]


@pytest.fixture(scope="session")
def serve_scripted(tmp_path_factory: pytest.TempPathFactory) -> Scripted:
    """Serve the app with the scripted bot; the origins may frame it, `settings` are groups of
    settings, `index=False` takes the index away. State and temporary files go into `folder`."""

    def start(
        *frame_ancestors: str, index: bool = True, folder: Path | None = None, **settings: Any
    ) -> contextlib.AbstractContextManager[str]:
        port = free_port()
        folder = folder or tmp_path_factory.mktemp("served")
        web = {"frame_ancestors": frame_ancestors, "requests_per_minute": 0}
        given = {
            "paths": {"var": str(folder / "var")},
            **settings,
            "web": web | settings.get("web", {}),
        }
        options = [] if index else ["no-index"]
        command = ["-m", "tests.browser.serve_scripted", str(port), json.dumps(given), *options]
        (folder / "tmp").mkdir(exist_ok=True)
        return serving(command, port, folder / "app.log", TMPDIR=str(folder / "tmp"))

    return start


@pytest.fixture(scope="session")
def scripted(serve_scripted: Scripted) -> Iterator[str]:
    """The app with the scripted bot, which nobody may frame."""
    with serve_scripted() as address:
        yield address


@pytest.fixture(scope="session")
def real(real_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`python app.py` with the real bot over the real knowledge base, ready."""
    log = tmp_path_factory.mktemp("log") / "app.log"
    port = free_port()
    with serving(
        ["app.py"],
        port,
        log,
        until="/readyz",
        BOT_WEB__PORT=str(port),
        BOT_CONTACT__PHONE="555-0100",
        BOT_PATHS__VAR=str(real_settings.paths.var),
    ) as address:
        yield address


@pytest.fixture(scope="session")
def driver() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def chromium(driver: Playwright) -> Iterator[Browser]:
    browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGS)
    yield browser
    browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A phone's page that fails the test on any error of the page itself."""
    context = chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    context.set_default_timeout(15_000)
    found = context.new_page()
    problems: list[str] = []
    found.on("pageerror", lambda error: problems.append(str(error)))
    found.on(
        "console",
        lambda message: (
            problems.append(f"{message.text} {message.location}")
            if message.type == "error"
            else None
        ),
    )
    yield found
    context.close()
    assert not problems


def ask(page: Page, question: str) -> None:
    """Type a question, send it and wait for its answer."""
    before = page.locator("#log .answer").count()
    page.get_by_label("Your question").fill(question)
    page.get_by_role("button", name="Send", exact=True).click()
    page.locator("#log .answer").nth(before).wait_for()
    page.locator("#log .pending").wait_for(state="detached")
