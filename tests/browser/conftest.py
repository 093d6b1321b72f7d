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
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

from bot.settings import Settings
from tests.browser.reporting import Report

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
PATIENCE_MS = 45_000
"""How long a page may take in a test that is not about time: the machine may be busy."""
REPORT = pytest.StashKey[Report]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[REPORT] = Report()
    expect.set_options(timeout=PATIENCE_MS * 2 / 3)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in terminalreporter.config.stash[REPORT].lines():
        terminalreporter.write_line(line)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    # Playwright keeps an event loop running until the session ends: its tests go last.
    items.sort(key=lambda item: here in item.path.parents)
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if not Path(CHROMIUM).exists() and not os.environ.get("CI"):
                item.add_marker(pytest.mark.skip(reason="there is no Chromium on this machine"))


@pytest.fixture(scope="session")
def report(pytestconfig: pytest.Config) -> Report:
    """Where tests put the figures that the end of the run prints."""
    return pytestconfig.stash[REPORT]


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
                process.wait(4)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)


Scripted = Callable[..., contextlib.AbstractContextManager[str]]


def scripted_app(
    folder: Path, *frame_ancestors: str, index: bool = True, **settings: Any
) -> dict[str, Any]:
    """What `serve_scripted.py` needs to know of one app; its state goes below `folder`."""
    web = {"frame_ancestors": frame_ancestors, "requests_per_minute": 0}
    given = {
        "paths": {"var": str(folder / "var")},
        **settings,
        "web": web | settings.get("web", {}),
    }
    return {"port": free_port(), "settings": given, "index": index}


@contextlib.contextmanager
def serving_scripted(folder: Path, *apps: dict[str, Any]) -> Iterator[list[str]]:
    """The addresses of the apps, all ready. Temporary files go below `folder`, too."""
    (folder / "tmp").mkdir(exist_ok=True)
    command = ["-m", "tests.browser.serve_scripted", json.dumps(apps)]
    port = apps[0]["port"]
    with serving(command, port, folder / "app.log", TMPDIR=str(folder / "tmp")):
        addresses = [f"http://127.0.0.1:{app['port']}" for app in apps]
        deadline = time.monotonic() + START_SECONDS
        while not all(answers(f"{address}/healthz") for address in addresses):
            assert time.monotonic() < deadline, (folder / "app.log").read_text()[-3000:]
            time.sleep(0.1)
        yield addresses


@pytest.fixture(scope="session")
def serve_scripted(tmp_path_factory: pytest.TempPathFactory) -> Scripted:
    """Serve the app with the scripted bot; the origins may frame it, `settings` are groups of
    settings, `index=False` takes the index away. State and temporary files go into `folder`."""

    @contextlib.contextmanager
    def start(
        *frame_ancestors: str, index: bool = True, folder: Path | None = None, **settings: Any
    ) -> Iterator[str]:
        folder = folder or tmp_path_factory.mktemp("served")
        app = scripted_app(folder, *frame_ancestors, index=index, **settings)
        with serving_scripted(folder, app) as (address,):
            yield address

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
        BOT_WEB__REQUESTS_PER_MINUTE="0",
        BOT_LOCALE__REGION="US",
        BOT_CONTACT__NAME="Ward 7 transplant line",
        BOT_CONTACT__PHONE="555-0100",
        BOT_CONTACT__HOURS="every day, 8 to 6",
        BOT_CONTACT__AFTER_HOURS_PHONE="555-0200",
        BOT_PATHS__VAR=str(real_settings.paths.var),
    ) as address:
        yield address


@pytest.fixture(scope="session")
def driver() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


def launched(driver: Playwright, *args: str) -> Browser:
    """A Chromium of which every page has the patience of `PATIENCE_MS`, which Playwright cannot
    be told for a whole browser."""
    browser = driver.chromium.launch(executable_path=CHROMIUM, args=[*ARGS, *args])

    def patient(open_one: Callable[..., Any]) -> Callable[..., Any]:
        def opened(**options: Any) -> Any:
            found = open_one(**options)
            found.set_default_timeout(PATIENCE_MS)
            return found

        return opened

    browser.new_context = patient(browser.new_context)  # type: ignore[method-assign]
    browser.new_page = patient(browser.new_page)  # type: ignore[method-assign]
    return browser


@pytest.fixture(scope="session")
def chromium(driver: Playwright) -> Iterator[Browser]:
    browser = launched(driver)
    yield browser
    browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A phone's page that fails the test on any error of the page itself."""
    context = chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
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
