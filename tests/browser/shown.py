"""The few pictures that the documents show: the real bot over the real guides, as a reader sees it.

They are made with the others by `make screenshots`, into docs/screenshots/.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import ask, free_port, serving
from tests.browser.scenes import ask_in_spanish, stay

Way = Callable[[Page], None]

PHONE = (390, 844)
SMALL_PHONE = (320, 568)
DESK = (1280, 800)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One picture: a screen, and the way to what stands on it."""

    name: str
    size: tuple[int, int]
    way: Way
    path: str = "/chat/"
    scheme: Literal["light", "dark"] = "light"


def _asking(question: str) -> Way:
    return lambda page: ask(page, question)


def _open_quote(page: Page) -> None:
    ask(page, "What is the difference between an autologous and an allogeneic transplant?")
    address = page.locator("#log a.source-link").nth(1).evaluate("e => e.href")
    page.goto(address)
    expect(page.locator("mark#quote")).to_be_in_viewport(ratio=1)


def _open_sheet(page: Page) -> None:
    ask(page, "When can I go home?")
    page.get_by_role("button", name="Take-home sheet").click()
    page.get_by_label("Add a question of your own").fill("Who do I call on a Sunday?")
    page.get_by_role("button", name="Add", exact=True).click()
    page.locator("#sheet-title").scroll_into_view_if_needed()


SHOWN = (
    Shown(name="empty", size=PHONE, way=stay),
    Shown(name="answer", size=PHONE, way=_asking("What is graft-versus-host disease?")),
    Shown(
        name="emergency",
        size=SMALL_PHONE,
        way=_asking("my husband had his transplant last week and he cannot breathe"),
    ),
    Shown(name="crisis", size=SMALL_PHONE, scheme="dark", way=_asking("I want to end my life")),
    Shown(name="not-found", size=PHONE, way=_asking("What does a transplant cost in Lisbon?")),
    Shown(name="reader", size=DESK, way=_open_quote),
    Shown(name="sheet", size=PHONE, way=_open_sheet),
    Shown(
        name="spanish",
        size=SMALL_PHONE,
        path="/chat/es/",
        way=ask_in_spanish("tengo fiebre de 39 y escalofríos"),
    ),
)


def take_shown(
    browser: Browser, keep: Callable[[bytes, Path], None], folder: Path, only: list[str]
) -> None:
    """Take the pictures whose names hold one of `only`, or all, from a clinic with a number."""
    wanted = [s for s in SHOWN if not only or any(part in f"shown-{s.name}" for part in only)]
    if not wanted:
        return
    port = free_port()
    settings = {
        "BOT_WEB__PORT": str(port),
        "BOT_LOCALE__REGION": "US",
        "BOT_CONTACT__NAME": "Ward 7",
        "BOT_CONTACT__PHONE": "+1 555 0100",
        "BOT_CONTACT__HOURS": "every day, 8 to 6",
        "BOT_CONTACT__NAME_ES": "la sala 7",
        "BOT_CONTACT__HOURS_ES": "todos los días, de 8 a 18",
        "BOT_CONTACT__AFTER_HOURS_PHONE": "+1 555 0200",
        "BOT_PATHS__VAR": os.environ.get("BOT_PATHS__VAR", "var"),
    }
    with (
        tempfile.TemporaryDirectory() as log,
        serving(["app.py"], port, Path(log) / "app.log", until="/readyz", **settings) as address,
    ):
        for shown in wanted:
            width, height = shown.size
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme=shown.scheme,
                device_scale_factor=1 if shown.size == DESK else 2,
                reduced_motion="reduce",
            )
            page = context.new_page()
            page.goto(address + shown.path)
            page.locator("#question textarea").wait_for()
            shown.way(page)
            page.mouse.move(0, 0)  # what lies under it would look pressed
            keep(page.screenshot(animations="disabled"), folder / f"{shown.name}.png")
            print("shown", shown.name, flush=True)
            context.close()
