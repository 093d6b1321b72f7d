"""States in which the chat cannot answer: each says what happened and whom to call."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.conftest import Scripted, ask, scripted_app, serving_scripted

PHONE = "+1 (555) 010\u20110199"
SETTINGS: dict[str, dict[str, Any]] = {
    "limited": {"web": {"requests_per_minute": 1}},
    "small body": {"web": {"max_body_bytes": 4096}},
    "little time": {"web": {"answer_seconds": 0.3}},
    "crowded": {"web": {"answer_seconds": 0.3, "answers_at_once": 1, "answers_waiting": 0}},
    "no index": {"index": False},
    "contact only": {"answering": {"contact_card_only": True}},
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The address of the app with each of the settings, by name."""
    folder = tmp_path_factory.mktemp("states")
    apps = [scripted_app(folder / name, **settings) for name, settings in SETTINGS.items()]
    with serving_scripted(folder, *apps) as addresses:
        yield dict(zip(SETTINGS, addresses, strict=True))


@pytest.fixture
def quiet(chromium: Browser) -> Iterator[Page]:
    """A page on which failed requests are expected, so its console is not looked at."""
    context = chromium.new_context(viewport={"width": 390, "height": 844})
    yield context.new_page()
    context.close()


def send(page: Page, question: str) -> None:
    page.get_by_label("Your question").fill(question)
    page.get_by_role("button", name="Send", exact=True).click()


def trouble(page: Page, said: str) -> None:
    """The trouble line is in view, says what happened and whom to call, and nothing else does."""
    line = page.locator("#trouble")
    expect(line).to_contain_text(said)
    expect(line).to_contain_text(PHONE)
    expect(line).to_contain_text("In an emergency, call")
    expect(line).to_be_in_viewport()
    for toast in page.locator(".toast-body").all():
        expect(toast).to_be_hidden()


def test_over_the_limit(quiet: Page, served: dict[str, str]) -> None:
    quiet.goto(f"{served['limited']}/chat/")
    ask(quiet, "types")
    send(quiet, "weather")
    trouble(quiet, "That was a lot of questions in a short time.")
    expect(quiet.get_by_label("Your question")).to_have_value("weather")
    expect(quiet.locator("#sending")).to_be_hidden()
    expect(quiet.locator("#log .answer")).to_have_count(1)


def test_message_above_the_size_limit(quiet: Page, served: dict[str, str]) -> None:
    quiet.goto(f"{served['small body']}/chat/")
    send(quiet, "x" * 5000)
    trouble(quiet, "That message is too long.")
    expect(quiet.get_by_label("Your question")).to_have_value("x" * 5000)


def test_answer_that_takes_too_long(quiet: Page, served: dict[str, str]) -> None:
    quiet.goto(f"{served['little time']}/chat/")
    ask(quiet, "slow types")
    card = quiet.locator("#log .answer-trouble")
    expect(card).to_contain_text("This took too long")
    expect(card).to_contain_text(PHONE)
    expect(quiet.get_by_label("Your question")).to_have_value("slow types")


def test_too_many_at_once(quiet: Page, served: dict[str, str]) -> None:
    quiet.goto(f"{served['crowded']}/chat/")
    ask(quiet, "slow types")
    ask(quiet, "types")
    card = quiet.locator("#log .answer-trouble").last
    expect(card).to_contain_text("Many people are asking right now.")
    expect(card).to_contain_text(PHONE)


def test_missing_index_is_said_before_and_after_the_question(
    quiet: Page, served: dict[str, str]
) -> None:
    quiet.goto(f"{served['no index']}/chat/")
    expect(quiet.locator(".state")).to_contain_text("The guides are not loaded right now")
    ask(quiet, "no index")
    expect(quiet.locator("#log .answer-trouble")).to_contain_text(
        "I cannot reach my guides right now"
    )
    expect(quiet.locator("#log .answer-trouble")).to_contain_text(PHONE)
    ask(quiet, "I have chest pain")
    expect(quiet.locator("#log .alert")).to_be_visible()


def test_contact_card_only(quiet: Page, served: dict[str, str]) -> None:
    for path in ("/chat/", "/plain"):
        quiet.goto(served["contact only"] + path)
        expect(quiet.locator(".state")).to_contain_text("not answering questions right now")
        expect(quiet.locator(".reach")).to_contain_text(PHONE)


def test_server_gone_before_the_question(quiet: Page, serve_scripted: Scripted) -> None:
    with serve_scripted() as address:
        quiet.goto(f"{address}/chat/")
        ask(quiet, "types")
        told = time.monotonic()
    assert time.monotonic() - told < 4, "an open page does not keep the server from ending"
    send(quiet, "weather")
    trouble(quiet, "The connection to this service is lost.")
    expect(quiet.get_by_label("Your question")).to_have_value("weather")
    expect(quiet.locator("#log .answer")).to_have_count(1)


def test_server_gone_while_an_answer_is_awaited(quiet: Page, serve_scripted: Scripted) -> None:
    """A server that stops finishes its answers first; this one takes longer than it is given."""
    with serve_scripted() as address:
        quiet.goto(f"{address}/chat/")
        send(quiet, "stuck types")
        expect(quiet.locator("#log .pending")).to_be_visible()
    trouble(quiet, "The connection to this service is lost.")
    expect(quiet.locator("#log .pending .spinner")).to_be_hidden()


def test_server_that_hangs(quiet: Page, scripted: str) -> None:
    """Reachable by TCP, but it answers nothing."""
    quiet.goto(f"{scripted}/chat/")
    quiet.get_by_label("Your question").wait_for()
    quiet.route("**/healthz", lambda route: None)
    quiet.route("**/queue/join**", lambda route: None)
    send(quiet, "types")
    waiting = quiet.locator("#sending")
    expect(waiting).to_have_text("Looking in the guides…")
    expect(waiting).to_be_visible()
    expect(waiting.locator(".spinner")).to_be_visible()
    trouble(quiet, "The connection to this service is lost.")


# From the moment when a question is sent, frame by frame: whether words for waiting show. The time
# is the one that animations go by: a busy machine draws a frame later than it says.
_WATCH_WAITING = """() => {
  window.frames_ = [];
  document.getElementById('send').addEventListener('click', () => {
    const began = document.timeline.currentTime;
    const look = time => {
      if (document.querySelector('#log .answer')) { window.answered = true; return }
      const shown = [...document.querySelectorAll('.pending')].some(
        e => e.textContent.trim() && e.checkVisibility({visibilityProperty: true}));
      window.frames_.push([time - began, shown]);
      requestAnimationFrame(look) };
    requestAnimationFrame(look) }, {capture: true}) }"""


@pytest.mark.parametrize("held", [0, 0.6], ids=["taken at once", "taken late"])
def test_words_come_after_a_moment_and_stay(page: Page, scripted: str, held: float) -> None:
    """After 0.3 s, counted from sending, and then until the answer; also where the server takes
    the question up late, so that the words above the box come first."""

    def hold(route: Route) -> None:
        time.sleep(held)
        route.continue_()

    page.goto(f"{scripted}/chat/")
    page.get_by_label("Your question").wait_for()
    page.get_by_role("button", name="Send", exact=True).wait_for()  # drawn after the box
    page.route("**/queue/join**", hold)
    page.evaluate(_WATCH_WAITING)
    send(page, "slow types")
    expect(page.locator(".pending:visible")).to_have_text("Looking in the guides…")
    page.wait_for_function("() => window.answered")
    seen = page.evaluate("window.frames_")
    came = next(when for when, shown in seen if shown)
    assert 299 < came < 900  # the style holds a rounded time
    assert [when for when, shown in seen if not shown and when > came] == []


def test_spinner_stands_still_where_motion_is_unwanted(page: Page, scripted: str) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{scripted}/chat/")
    send(page, "slow types")
    spinner = page.locator("#log .pending .spinner")
    spinner.wait_for(state="attached")
    assert spinner.evaluate("e => getComputedStyle(e).animationName") == "none"
    expect(page.locator("#log .answer-answered")).to_be_visible()


def test_words_for_waiting_go_when_the_answer_is_there(page: Page, scripted: str) -> None:
    """A quick answer, one with a failure, and one after the oldest have left the page."""
    page.goto(f"{scripted}/chat/")
    for number, question in enumerate(["types", "crash", *["hello"] * 30, "types"], 1):
        send(page, question)
        expect(page.locator(f"#a{number}")).to_be_visible()
        expect(page.locator("#sending")).to_be_hidden()
    expect(page.locator("#log .answer")).to_have_count(30)
    expect(page.locator("#log .asked").last).to_be_in_viewport()
    expect(page.locator("#trouble")).to_be_hidden()
