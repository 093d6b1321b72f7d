"""What a screen reader says by itself: every live region of the page is listened to, ours and
Gradio's. One announcement for one answer; an alarm is announced once, and never again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import ask
from tests.browser.scenes import send

READY = "polite: The answer is ready."

# What a browser tells assistive technology, which it does once a frame: words put into a region
# that was there already, and alerts, when they come. All changes of a region in one frame are one
# announcement.
LISTEN = """(() => {
  const LIVE = '[aria-live], [role=alert], [role=status], [role=log]';
  const how = e => {
    const said = e.getAttribute('aria-live');
    if (said) return said === 'off' ? null : said;
    return e.getAttribute('role') === 'alert' ? 'assertive' : 'polite' };
  const words = e => e.textContent.replace(/\\s+/g, ' ').trim();
  const seen = e => e.isConnected && e.checkVisibility({visibilityProperty: true});
  window.heard = [];
  let changes = [];
  const hear = () => {
    const spoken = new Map();
    for (const change of changes) {
      const target = change.target.nodeType === 1 ? change.target : change.target.parentElement;
      const region = target?.closest(LIVE);
      const added = [...change.addedNodes].filter(n => n.textContent?.trim());
      for (const node of added.filter(n => n.nodeType === 1)) {
        for (const alert of [node, ...node.querySelectorAll('*')]) {
          if (!alert.matches('[role=alert], [aria-live=assertive]')) continue;
          if (words(alert) && seen(alert)) spoken.set(alert, `assertive: ${words(alert)}`);
        }
      }
      if (!region || !seen(region) || !how(region) || !words(region)) continue;
      const shown = change.type === 'attributes' && seen(target) && words(target);
      if (added.length || change.type === 'characterData' || shown) {
        spoken.set(region, `${how(region)}: ${words(region)}`);
      }
    }
    changes = [];
    window.heard.push(...spoken.values()) };
  new MutationObserver(found => {
    if (!changes.length) requestAnimationFrame(hear);
    changes.push(...found);
  }).observe(document, {childList: true, subtree: true, characterData: true,
    attributes: true, attributeFilter: ['hidden']});
})()"""


@pytest.fixture
def listening(chromium: Browser, scripted: str) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 390, "height": 844})
    context.add_init_script(LISTEN)
    page = context.new_page()
    page.goto(f"{scripted}/chat/")
    page.get_by_label("Your question").wait_for()
    assert page.evaluate("window.heard") == []
    yield page
    context.close()


def heard_after(page: Page, question: str) -> list[str]:
    """Everything that is announced from sending the question until all is quiet."""
    page.evaluate("window.heard = []")
    ask(page, question)
    page.wait_for_timeout(700)
    found: list[str] = page.evaluate("window.heard")
    return found


@pytest.mark.parametrize("question", ["types", "weather", "dose", "hola", "common", "slow types"])
def test_answer_is_announced_once(listening: Page, question: str) -> None:
    assert heard_after(listening, question) == [READY]


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("I have chest pain", "assertive: Emergency: get help now"),
        ("I want to end it", "assertive: You matter."),
        ("a fever", "assertive: Call your transplant team now"),
        ("crash", "assertive: "),
    ],
)
def test_alarm_is_announced_once_and_never_again(
    listening: Page, question: str, first: str
) -> None:
    heard = heard_after(listening, question)
    assert len(heard) == 1, heard
    assert heard[0].startswith(first)
    assert heard_after(listening, "types") == [READY]
    assert heard_after(listening, "weather") == [READY]


def test_trouble_is_announced_once(listening: Page) -> None:
    listening.route("**/queue/join**", lambda route: route.fulfill(status=429))
    listening.evaluate("window.heard = []")
    send(listening, "types")
    expect(listening.locator("#trouble")).to_be_visible()
    listening.wait_for_timeout(500)
    (said,) = listening.evaluate("window.heard")
    assert said.startswith("polite: That was a lot of questions")
    assert "555" in said


def test_clearing_is_announced_once(listening: Page) -> None:
    ask(listening, "I have chest pain")
    listening.wait_for_timeout(500)
    listening.evaluate("window.heard = []")
    listening.get_by_role("button", name="Clear now").click()
    expect(listening.locator("#log .answer")).to_have_count(0)
    listening.wait_for_timeout(500)
    assert listening.evaluate("window.heard") == ["polite: The chat is cleared."]


def test_log_itself_is_silent_and_has_a_name(listening: Page) -> None:
    ask(listening, "types")
    log = listening.get_by_role("log")
    expect(log).to_have_attribute("aria-live", "off")
    expect(log).to_have_attribute("aria-label", "Your conversation")
    assert listening.locator("#log [data-testid][aria-label]").count() == 0, "they hold raw HTML"
