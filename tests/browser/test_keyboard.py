"""The whole visit with a keyboard and nothing else, on a desk and on a page zoomed to 400%. The
focus shows at every stop and nothing covers it, the stops come in the order of the page, and there
is always a way on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import staff_scenes
from tests.browser.conftest import Scripted
from tests.browser.test_chat import settled

# How the element with the focus stands: whether its focus shows, and whether something covers it.
_STOP = """() => {
  const e = document.activeElement;
  if (!e || e === document.body) return null;
  window.__stops ??= [];
  const again = window.__stops.includes(e);
  const last = window.__stops.at(-1);
  window.__stops.push(e);
  const seen = [e, e.nextElementSibling, e.closest('label')].filter(Boolean).some(x => {
    const s = getComputedStyle(x);
    return s.outlineStyle === 'solid' && parseFloat(s.outlineWidth) >= 2 &&
      x.checkVisibility({opacityProperty: true, visibilityProperty: true}) });
  const r = [...e.getClientRects()][0];
  const at = r && document.elementFromPoint(r.left + Math.min(r.width / 2, innerWidth / 2),
      Math.max(1, Math.min(r.top + r.height / 2, innerHeight - 1)));
  const free = Boolean(at) && (e.contains(at) || at.contains(e) || Boolean(e.closest('label')));
  const inside = Boolean(r) && r.bottom > 0 && r.top < innerHeight;
  const after = !last?.isConnected ||
      Boolean(last.compareDocumentPosition(e) & Node.DOCUMENT_POSITION_FOLLOWING);
  return {again, seen, free, inside, after, said: `${e.tagName.toLowerCase()}#${e.id} ` +
      (e.getAttribute('aria-label') ?? e.textContent.trim().slice(0, 50)) }
}"""


def press(page: Page, key: str = "Tab") -> dict[str, object] | None:
    """Press the key and look at where the focus is; None outside of the page."""
    page.keyboard.press(key)
    settled(page)
    stop: dict[str, object] | None = page.evaluate(_STOP)
    if stop:
        assert stop["seen"], f"the focus does not show: {stop['said']}"
        assert stop["inside"], f"the focus is off the screen: {stop['said']}"
        assert stop["free"], f"something covers what has the focus: {stop['said']}"
    return stop


def press_until(page: Page, said: str, key: str = "Tab", most: int = 60) -> None:
    """Press the key until the focus is on what says `said`."""
    passed = []
    for _ in range(most):
        stop = press(page, key)
        if stop and said in str(stop["said"]):
            return
        passed.append(stop and stop["said"])
    pytest.fail(f"{said!r} was not reached, but {passed}")


def stops_of(page: Page) -> list[str]:
    """All stops of the page from its start, until the focus leaves it or begins anew."""
    page.evaluate("window.__stops = []")
    stops: list[str] = []
    while stop := press(page):
        if stop["again"]:
            break
        assert stop["after"], f"{stop['said']} comes too late, after {stops[-1:]}"
        stops.append(str(stop["said"]))
        assert len(stops) < 150
    return stops


@pytest.fixture(params=[(1280, 900), (320, 256)], ids=["desk", "400%"])
def desk(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    width, height = request.param
    context = chromium.new_context(
        viewport={"width": width, "height": height}, reduced_motion="reduce"
    )
    yield context.new_page()
    context.close()


def test_visit_by_keyboard(desk: Page, scripted: str) -> None:
    page = desk
    page.goto(f"{scripted}/chat/")
    page.get_by_label("Your question").wait_for()
    stops = stops_of(page)
    assert "Skip to the question box" in stops[0]
    for said in (
        "Transplant Answers",
        "About",
        "010",
        "Send",
        "About your transplant",
        "graft-versus-host",
    ):
        assert any(said in stop for stop in stops), (said, stops)

    # Ask: two keys from the start of the page.
    page.goto(f"{scripted}/chat/")
    page.get_by_label("Your question").wait_for()
    press(page)
    press(page, "Enter")
    box = page.get_by_label("Your question")
    expect(box).to_be_focused()
    page.keyboard.type("What are the two types?")
    page.keyboard.press("Enter")
    page.locator("#log .answer").wait_for()
    expect(box).to_be_focused()

    # Read: one stop back, there is a link to where the answer starts.
    settled(page)
    press_until(page, "Go to the start of the answer", "Shift+Tab", most=2)
    press(page, "Enter")
    expect(page.locator(":focus")).to_have_text("You asked: What are the two types?")

    # A word explained, and closed again.
    press_until(page, "stem cells", most=3)
    press(page, "Enter")
    expect(page.locator("#log .term-note")).to_be_visible()
    press(page, "Escape")
    expect(page.locator("#log .term-note")).to_have_count(0)

    # A citation: to its source, to the guide, back to the same place.
    press_until(page, "#a1-r1", most=3)
    press(page, "Enter")
    expect(page.locator("#a1-s1")).to_be_focused()
    press_until(page, "An autologous transplant uses the patient's own", most=1)
    with page.context.expect_page() as opened:
        page.keyboard.press("Enter")
    reader = opened.value
    expect(reader.locator("mark#quote")).to_be_focused()
    assert press(reader), "the guide can be read on by keyboard"
    reader.close()
    press_until(page, "Back to the answer [1]", most=2)
    press(page, "Enter")
    expect(page.locator("#a1-r1")).to_be_focused()

    # Feedback, with words and the tick.
    press_until(page, "input", most=40)
    press(page, "Space")
    expect(page.get_by_label("It helped")).to_be_checked()
    press(page, "ArrowDown")
    expect(page.get_by_label("It did not help")).to_be_checked()
    press(page)
    expect(page.get_by_label("Tell us more, if you like")).to_be_focused()
    page.keyboard.type("Too short")
    press(page)
    press(page, "Space")
    expect(page.get_by_label("I agree that the care team")).to_be_checked()
    press_until(page, "Send feedback", most=1)
    page.keyboard.press("Enter")
    expect(page.locator("#log form.feedback")).to_contain_text("Thank you")
    assert page.evaluate("document.activeElement !== document.body"), "the focus is lost"

    # Clear.
    press_until(page, "Clear now", most=12)
    page.keyboard.press("Enter")
    expect(page.locator("#log .answer")).to_have_count(0)
    expect(box).to_be_focused()
    assert press(page)


def test_answer_can_be_passed_from_end_to_end(desk: Page, scripted: str) -> None:
    page = desk
    page.goto(f"{scripted}/chat/")
    for question in ("types", "fever"):
        page.get_by_label("Your question").fill(question)
        page.keyboard.press("Enter")
        page.locator("#log .answer").nth(0 if question == "types" else 1).wait_for()
        page.locator("#log .pending").wait_for(state="detached")
    page.locator(".skip").focus()
    there = stops_of(page)
    page.evaluate("window.__stops = []")
    back = []
    while stop := press(page, "Shift+Tab"):
        if stop["again"]:
            break
        back.append(str(stop["said"]))
    back.reverse()
    assert "Skip to the question box" in back[0]
    # A radio group is one stop, but another one from the other side.
    assert [s for s in back[1:] if "input" not in s] == [s for s in there if "input" not in s]


@pytest.mark.parametrize(
    "path", ["/plain", "/about", "/library", "/sources/guides/types.md?start=90&end=150", "/none"]
)
def test_other_pages_by_keyboard(desk: Page, scripted: str, path: str) -> None:
    desk.goto(scripted + path)
    stops = stops_of(desk)
    assert "Skip to the main part" in stops[0]
    assert len(stops) > 4


def test_staff_pages_by_keyboard(desk: Page, serve_scripted: Scripted, tmp_path: Path) -> None:
    (tmp_path / "knowledge").mkdir()
    staff_scenes.prepare(tmp_path / "var", tmp_path / "knowledge")
    paths = {"var": str(tmp_path / "var"), "knowledge": str(tmp_path / "knowledge")}
    with serve_scripted(folder=tmp_path, paths=paths) as address:
        # Sign in, ask, and go on to withdraw a passage, with keys alone.
        desk.goto(f"{address}/staff")
        press_until(desk, "input#name")
        desk.keyboard.type(staff_scenes.NAME)
        press_until(desk, "input#password", most=1)
        desk.keyboard.type(staff_scenes.PASSWORD)
        desk.keyboard.press("Enter")
        desk.get_by_role("button", name="Sign out").wait_for()
        press_until(desk, "textarea#question")
        desk.keyboard.type("types")
        press_until(desk, "Send", most=4)
        desk.keyboard.press("Enter")
        desk.get_by_role("heading", name="How this came about").wait_for()
        press_until(desk, "Withdraw this passage")
        with desk.context.expect_page() as opened:
            desk.keyboard.press("Enter")
        confirm = opened.value
        confirm.get_by_role("heading", name="Withdraw this?").wait_for()
        press_until(confirm, "textarea#reason")
        confirm.keyboard.type("Out of date")
        press_until(confirm, "button# Withdraw", most=1)
        confirm.keyboard.press("Enter")
        expect(confirm.get_by_role("status")).to_contain_text("It is withdrawn now.")
        confirm.close()
        for path in ("", "/gaps", "/documents", "/feedback", "/feedback/shared", "/audit"):
            desk.goto(f"{address}/staff{path}")
            stops = stops_of(desk)
            assert "Skip to the main part" in stops[0]
            assert any("Sign out" in stop for stop in stops)
            assert len(stops) > 8
