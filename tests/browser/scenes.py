"""Every page in every state that a reader can meet, each with the way into it. The accessibility
tests walk through them, and `make screenshots` takes their pictures.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser import staff_scenes
from tests.browser.conftest import ask, scripted_app, serving_scripted
from tests.making_pdfs import leaflet
from tests.scripted_bot import LEAFLET

Way = Callable[[Page], None]

SERVERS: dict[str, dict[str, Any]] = {
    "scripted": {},
    "no index": {"index": False},
    "contact only": {"answering": {"contact_card_only": True}},
    "limited": {"web": {"requests_per_minute": 1}},
    "staff": {},
}
"""The settings of each server that the scenes need, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A page in a state. `way` leads from the page as it loads to the state; `leaves` says that the
    page cannot be brought back from there without loading it anew."""

    page: str
    state: str
    path: str
    way: Way
    server: str = "scripted"
    leaves: bool = False

    @property
    def name(self) -> str:
        return re.sub(r"[^a-z0-9]+", "-", f"{self.page} {self.state}".casefold()).strip("-")


def stay(_: Page) -> None:
    """The page as it loads."""


def asking(*questions: str) -> Way:
    def way(page: Page) -> None:
        for question in questions:
            ask(page, question)

    return way


def send(page: Page, question: str) -> None:
    page.get_by_label("Your question").fill(question)
    page.get_by_role("button", name="Send", exact=True).click()


def _wait(page: Page) -> None:
    send(page, "stuck types")
    page.locator("#log .pending").wait_for()


def _open_term(page: Page) -> None:
    ask(page, "types")
    page.get_by_role("button", name="stem cells", exact=True).click()
    expect(page.locator("#log .term-note")).to_be_visible()


def _open_feedback(page: Page) -> None:
    ask(page, "types")
    page.get_by_label("Looks wrong").check()
    expect(page.get_by_role("button", name="Send feedback")).to_be_visible()


def _send_feedback(page: Page) -> None:
    _open_feedback(page)
    page.get_by_role("button", name="Send feedback").click()
    expect(page.locator("#log form.feedback")).to_contain_text("Thank you")


def _open_sheet(page: Page) -> None:
    ask(page, "What are the two types?")
    page.get_by_role("button", name="Add to my questions").click()
    page.get_by_role("button", name="Take-home sheet").click()
    expect(page.locator("#sheet")).to_be_visible()


def _open_empty_sheet(page: Page) -> None:
    ask(page, "weather")
    page.get_by_role("button", name="Take-home sheet").click()
    expect(page.locator("#sheet")).to_be_visible()


def _open_about_you(page: Page) -> None:
    page.get_by_role("button", name="About your transplant").click()
    page.get_by_label("A donor's cells").check()


def _largest_text(page: Page) -> None:
    page.get_by_label("Very large").check()
    ask(page, "types")


def _ask_too_much(page: Page) -> None:
    page.get_by_label("Your question").wait_for()
    while page.locator("#trouble").is_hidden():
        send(page, "types")
        expect(page.locator("#trouble:visible, #log .answer").last).to_be_visible()
        page.locator("#log .pending").wait_for(state="detached")
    expect(page.locator("#trouble")).to_contain_text("a lot of questions")


def _lose_the_server(page: Page) -> None:
    ask(page, "types")
    page.context.set_offline(True)
    try:
        send(page, "weather")
        expect(page.locator("#trouble")).to_contain_text("connection to this service is lost")
    finally:
        page.context.set_offline(False)
    # `online` takes the line away again; what a reader sees while it lasts is what counts.
    page.evaluate("dispatchEvent(new Event('offline'))")


def _post(question: str) -> Way:
    def way(page: Page) -> None:
        send(page, question)
        page.locator("main .answer").wait_for()

    return way


def _post_sheet(page: Page) -> None:
    _post("types")(page)
    page.get_by_role("button", name="Take-home sheet").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("My take-home sheet")


def _post_feedback(page: Page) -> None:
    _post("types")(page)
    page.get_by_label("It helped").check()
    page.get_by_role("button", name="Send feedback").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you")


def _search(words: str) -> Way:
    def way(page: Page) -> None:
        page.locator("#library-words").fill(words)
        page.get_by_role("button", name="Search", exact=True).click()
        page.locator("#found-title, #said-title").wait_for(state="attached")

    return way


def _filter(page: Page) -> None:
    page.locator("#library-words").press_sequentially("haploid")
    expect(page.locator("#filter-said")).to_contain_text("this in")


def _follow_a_quote(page: Page) -> None:
    """From the plain page into the guide, in the same tab."""
    _post("types")(page)
    page.goto(page.evaluate("document.querySelectorAll('a.source-link')[1].href"))
    expect(page.locator("#quote")).to_be_focused()


def _follow_a_quote_of_a_pdf(page: Page) -> None:
    _post("leaflet")(page)
    page.goto(page.evaluate("document.querySelectorAll('a.source-link')[0].href"))
    expect(page.locator("#quote")).to_be_focused()


def ask_in_spanish(question: str) -> Way:
    def way(page: Page) -> None:
        page.locator("#question textarea").fill(question)
        page.locator("#send").click()
        page.locator("#log .answer").wait_for()
        page.locator("#log .pending").wait_for(state="detached")

    return way


def _chat(state: str, way: Way, **more: Any) -> Scene:
    return Scene(page="chat", state=state, path="/chat/", way=way, **more)


def _plain(state: str, way: Way, **more: Any) -> Scene:
    return Scene(page="plain", state=state, path="/plain", way=way, **more)


_GUIDE = "/sources/guides/types.md"

SCENES = (
    _chat("empty", stay),
    _chat("about you open", _open_about_you, leaves=True),
    _chat("waiting", _wait, leaves=True),
    _chat("answered", asking("types")),
    _chat("long talk", asking("types", "weather", "fever", "common")),
    _chat("abstained", asking("weather")),
    _chat("asked back", asking("did I mean this")),
    _chat("declined", asking("dose")),
    _chat("declined with questions", asking("my own case")),
    _chat("greeting", asking("hello")),
    _chat("other language", asking("hola")),
    _chat("sources differ", asking("common")),
    _chat("urgent", asking("fever")),
    _chat("emergency", asking("chest")),
    _chat("crisis", asking("end it")),
    _chat("hard texts", asking("nasty " + "x" * 300)),
    _chat("fault", asking("crash")),
    _chat("too long", asking("x" * 2500), leaves=True),
    _chat("term open", _open_term),
    _chat("feedback open", _open_feedback),
    _chat("feedback sent", _send_feedback),
    _chat("sheet", _open_sheet, leaves=True),
    _chat("sheet empty", _open_empty_sheet, leaves=True),
    _chat("largest text", _largest_text, leaves=True),
    _chat("server gone", _lose_the_server, leaves=True),
    _chat("over limit", _ask_too_much, server="limited", leaves=True),
    _chat("no index", stay, server="no index"),
    _chat("no index asked", asking("no index"), server="no index"),
    _chat("contact only", stay, server="contact only"),
    _plain("empty", stay),
    _plain("answered", _post("types")),
    _plain("abstained", _post("weather")),
    _plain("asked back", _post("did I mean this")),
    _plain("declined", _post("dose")),
    _plain("declined with questions", _post("my own case")),
    _plain("urgent", _post("fever")),
    _plain("emergency", _post("chest")),
    _plain("crisis", _post("end it")),
    _plain("fault", _post("crash")),
    _plain("sheet", _post_sheet),
    _plain("feedback sent", _post_feedback),
    _plain("no index", stay, server="no index"),
    _plain("contact only", stay, server="contact only"),
    Scene(page="reader", state="whole guide", path=_GUIDE, way=stay),
    Scene(page="reader", state="marked", path=f"{_GUIDE}?start=125&end=186#quote", way=stay),
    _plain("to a quote", _follow_a_quote),
    _plain("to a quote of a pdf", _follow_a_quote_of_a_pdf),
    Scene(page="reader", state="pdf", path=f"/sources/{LEAFLET}", way=stay),
    Scene(page="reader", state="pdf beside", path=f"/sources/{LEAFLET}?page=2", way=stay),
    Scene(page="reader", state="hard texts", path="/sources/nasty.md", way=stay),
    Scene(page="reader", state="wrong span", path=f"{_GUIDE}?start=9&end=9999999", way=stay),
    Scene(page="reader", state="unknown", path="/sources/none.md", way=stay),
    Scene(page="reader", state="no index", path=_GUIDE, way=stay, server="no index"),
    Scene(page="library", state="shelves", path="/library", way=stay),
    Scene(page="library", state="filtered", path="/library", way=_filter),
    Scene(page="library", state="found", path="/library", way=_search("cells")),
    Scene(page="library", state="nothing found", path="/library", way=_search("xyzzy")),
    Scene(page="library", state="urgent", path="/library", way=_search("fever cells")),
    Scene(page="library", state="emergency", path="/library", way=_search("chest")),
    Scene(page="library", state="no index", path="/library", way=stay, server="no index"),
    Scene(page="spanish", state="empty", path="/chat/es/", way=stay),
    Scene(page="spanish", state="answered", path="/chat/es/", way=ask_in_spanish("types")),
    Scene(page="spanish", state="emergency", path="/chat/es/", way=ask_in_spanish("chest")),
    Scene(page="spanish", state="plain", path="/plain?lang=es", way=stay),
    Scene(page="about", state="as it is", path="/about", way=stay),
    Scene(page="not found", state="as it is", path="/none", way=stay),
    *(
        Scene(page="staff", state=state, path=path, way=way, server="staff")
        for state, path, way in staff_scenes.STATES
    ),
)


class Walk:
    """One browser page that goes from scene to scene, loading the chat anew only where it must."""

    def __init__(self, page: Page, servers: dict[str, str]) -> None:
        self.page = page
        self.servers = servers
        self._used = True

    def to(self, scene: Scene) -> Page:
        """The page, in the state of the scene."""
        page = self.page
        address = self.servers[scene.server] + scene.path
        if not self._used and page.url == address and "/chat/" in address:
            self._clear()
        else:
            page.goto(address)
        self._used = True
        if "/chat/" in address:
            page.locator("#question textarea").wait_for()
        scene.way(page)
        self._used = scene.leaves
        return page

    def _clear(self) -> None:
        clear = self.page.locator("#clear")
        if clear.is_visible():
            clear.click()
        expect(self.page.locator("#log .answer")).to_have_count(0)
        expect(clear).to_be_hidden()


@contextlib.contextmanager
def all_servers(folder: Path) -> Iterator[dict[str, str]]:
    """The address of every server, by name. Their knowledge folder holds the PDF's original; one
    has accounts, and so pages for staff."""
    knowledge = folder / "knowledge"
    original = knowledge / LEAFLET
    original.parent.mkdir(parents=True)
    original.write_bytes(leaflet(4))
    states = {name: folder / ("staff" if name == "staff" else "var") for name in SERVERS}
    staff_scenes.prepare(states["staff"], knowledge)
    apps = [
        scripted_app(
            folder, paths={"var": str(states[name]), "knowledge": str(knowledge)}, **settings
        )
        for name, settings in SERVERS.items()
    ]
    with serving_scripted(folder, *apps) as addresses:
        yield dict(zip(SERVERS, addresses, strict=True))
