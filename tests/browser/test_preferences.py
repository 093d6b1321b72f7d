"""What a reader has set for all pages is kept: no motion, colors of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import ask
from tests.browser.scenes import SCENES, Walk, send

# Every start of a motion, on any element. The words for waiting come after a moment, by an
# animation that flips their visibility once: that is a delay and no motion.
_WATCH = """(() => { window.moved = [];
  for (const kind of ['animationstart', 'transitionrun']) {
    document.addEventListener(kind, event => {
      const name = event.animationName ?? event.propertyName;
      if (name !== 'appear') window.moved.push(`${kind} ${name} ${event.target.className}`);
    }, true);
  }
  const to = Element.prototype.scrollIntoView;
  Element.prototype.scrollIntoView = function (how) {
    if (how?.behavior === 'smooth') window.moved.push('smooth scrolling');
    return to.call(this, how);
  };
})()"""
_RUNNING = """() => document.getAnimations().filter(a => a.playState === 'running' &&
    a.animationName !== 'appear' && (a.effect.getComputedTiming().duration > 20))
    .map(a => a.animationName ?? a.transitionProperty)"""
MOVING = {
    "chat-waiting",
    "chat-answered",
    "chat-emergency",
    "chat-term-open",
    "chat-feedback-open",
    "chat-sheet",
    "chat-about-you-open",
    "chat-fault",
    "plain-answered",
    "reader-marked",
}


@pytest.fixture
def watched(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 390, "height": 844})
    context.add_init_script(_WATCH)
    yield context.new_page()
    context.close()


def test_nothing_moves_where_motion_is_unwanted(watched: Page, scripted: str) -> None:
    watched.emulate_media(reduced_motion="reduce")
    walk = Walk(watched, {"scripted": scripted})
    scenes = [scene for scene in SCENES if scene.name in MOVING]
    assert len(scenes) == len(MOVING)
    for scene in scenes:
        page = walk.to(scene)
        page.mouse.move(200, 420)
        page.locator("a:visible, button:visible").last.hover()
        assert page.evaluate(_RUNNING) == [], scene.name
        assert [m for m in page.evaluate("window.moved") if "0.01" not in m] == [], scene.name


def test_something_moves_where_nothing_is_said_of_motion(watched: Page, scripted: str) -> None:
    """Else the test above could not fail."""
    watched.goto(f"{scripted}/chat/")
    send(watched, "slow types")
    expect(watched.locator("#log .pending .spinner")).to_be_visible()
    assert "turn" in watched.evaluate(_RUNNING)
    expect(watched.locator("#log .answer")).to_be_visible()
    assert "smooth scrolling" in watched.evaluate("window.moved")


# With colors of the reader's own, backgrounds and shadows are gone: what can be pressed needs a
# border or an underline of a color that shows.
_FORMLESS = """() => [...document.querySelectorAll(
    'button, a[href], input, textarea, summary, [role=button]')]
  .filter(e => e.type !== 'hidden' && !e.closest('.skip, .sr-only, .back, #to-answer'))
  .filter(e => e.checkVisibility({visibilityProperty: true, opacityProperty: true}))
  .filter(e => { const s = getComputedStyle(e);
    const ground = getComputedStyle(document.body).backgroundColor;
    const edge = s.borderTopStyle !== 'none' && parseFloat(s.borderTopWidth) >= 1 &&
      s.borderTopColor !== ground;
    const line = s.textDecorationLine.includes('underline');
    return !edge && !line && s.appearance === 'none' && e.tagName !== 'SUMMARY' })
  .map(e => `${e.tagName}.${e.className} ${e.textContent.trim().slice(0, 30)}`)"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colors_of_the_readers_own(chromium: Browser, scripted: str, scheme: str) -> None:
    context = chromium.new_context(
        forced_colors="active",
        color_scheme=scheme,  # type: ignore[arg-type]
        viewport={"width": 390, "height": 844},
    )
    page = context.new_page()
    page.goto(f"{scripted}/chat/")
    page.get_by_label("Your question").wait_for()
    assert page.evaluate("matchMedia('(forced-colors: active)').matches")
    assert page.evaluate(_FORMLESS) == []
    for question in ("types", "fever", "chest"):
        ask(page, question)
    page.get_by_label("Looks wrong").last.check()
    assert page.evaluate(_FORMLESS) == []
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    card = page.locator(".alert").last
    assert card.evaluate("e => getComputedStyle(e).borderTopColor") != ground
    for name in ("Send", "Clear now", "Copy"):
        page.get_by_role("button", name=name, exact=True).first.focus()
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Tab")
        outline = page.evaluate(
            """() => { const s = getComputedStyle(document.activeElement);
                return [s.outlineStyle, parseFloat(s.outlineWidth), s.outlineColor] }"""
        )
        assert outline[0] == "solid", name
        assert outline[1] >= 2
        assert outline[2] != ground
    for path in ("/plain", "/sources/guides/types.md?start=125&end=186#quote", "/library"):
        page.goto(scripted + path)
        assert page.evaluate(_FORMLESS) == []
    context.close()
