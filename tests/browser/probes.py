"""What the tests ask of a page as it stands: small scripts whose answer is a list of faults."""

from __future__ import annotations

from playwright.sync_api import Page

# Words for people who do not see the page, and links that show when they have the focus.
_UNSEEN = """const unseen = e => { for (let x = e; x; x = x.parentElement) {
    if (getComputedStyle(x).clipPath === 'inset(50%)' || x.matches('.skip')) return true }
  return false };"""

# WCAG 2.2 2.5.8: at least 24 by 24 px, for links in sentences, too. A radio button or a tick is as
# large as its label.
SMALL_TARGETS = """() => { UNSEEN
  return [...document.querySelectorAll(
    'a[href], button, input, textarea, select, summary, [tabindex="0"]')]
  .filter(e => e.type !== 'hidden' && !unseen(e) &&
    e.checkVisibility({visibilityProperty: true, opacityProperty: !e.matches('input')}))
  .map(e => ({e, area: e.matches('input') ? e.closest('label') ?? e : e}))
  .flatMap(({e, area}) => [...area.getClientRects()].slice(0, 1).map(r => [e, r]))
  .filter(([, r]) => r.width && (r.height < 23.9 || r.width < 23.9))
  .map(([e, r]) => `${e.tagName}.${e.className} "${e.textContent.trim().slice(0, 30)}" ` +
    `${r.width.toFixed(1)} x ${r.height.toFixed(1)}`) }""".replace("UNSEEN", _UNSEEN)

# Text that a box cuts off; what is hidden on purpose does not count.
CLIPPED = """() => { UNSEEN
  return [...document.querySelectorAll('body *')]
  .filter(e => e.checkVisibility({visibilityProperty: true, opacityProperty: true}))
  .filter(e => !e.closest('script, svg, textarea, object') && !unseen(e))
  .filter(e => { const s = getComputedStyle(e); return [s.overflowX, s.overflowY].some(
      o => o === 'hidden' || o === 'clip') || s.textOverflow === 'ellipsis' })
  .filter(e => e.scrollHeight > e.clientHeight + 2 || e.scrollWidth > e.clientWidth + 2)
  .map(e => `${e.tagName}.${e.className} "${e.textContent.trim().slice(0, 30)}"`) }""".replace(
    "UNSEEN", _UNSEEN
)

# Contrast by WCAG, computed for every text that shows; axe leaves some texts undecided.
PALE = """() => { UNSEEN
  const parse = c => { const m = c.match(/[\\d.]+/g).map(Number);
    return m.length < 4 ? [...m, 1] : m };
  const over = (f, b) => [0, 1, 2].map(i => f[i] * f[3] + b[i] * (1 - f[3])).concat(1);
  const lum = c => { const [r, g, b] = c.slice(0, 3).map(v => { v /= 255;
    return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4 });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b };
  const backdrop = e => { const layers = []; for (let x = e; x; x = x.parentElement) {
    const c = parse(getComputedStyle(x).backgroundColor); layers.push(c); if (c[3] === 1) break }
    return layers.reverse().reduce((b, f) => over(f, b), [255, 255, 255, 1]) };
  const bad = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (!walk.currentNode.textContent.trim() || !e.checkVisibility({opacityProperty: true,
        visibilityProperty: true})) continue;
    if (e.closest('script, style, noscript') || unseen(e)) continue;
    let opacity = 1; for (let x = e; x; x = x.parentElement) opacity *= getComputedStyle(x).opacity;
    const bg = backdrop(e); const fg = parse(getComputedStyle(e).color); fg[3] *= opacity;
    const [a, b] = [lum(over(fg, bg)), lum(bg)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const said = walk.currentNode.textContent.trim().slice(0, 40);
    if (ratio < 4.5) bad.push(`${ratio.toFixed(2)} .${e.className} "${said}"`);
  }
  return bad }""".replace("UNSEEN", _UNSEEN)

# WCAG 1.4.12. A sheet of the page's own making, because the policy allows no style element.
_SPACE = """() => { const sheet = new CSSStyleSheet();
  sheet.replaceSync('* { line-height: 1.5 !important; letter-spacing: 0.12em !important;' +
    ' word-spacing: 0.16em !important } p { margin-bottom: 2em !important }');
  document.adoptedStyleSheets = [sheet] }"""


def faults(page: Page, probe: str) -> list[str]:
    """What the probe finds on the page as it stands."""
    found: list[str] = page.evaluate(probe)
    return found


def sideways(page: Page) -> list[str]:
    """Whether the page can be scrolled sideways, and what sticks out of it."""
    return faults(
        page,
        """() => document.documentElement.scrollWidth <= innerWidth ? [] :
        ['the page', ...[...document.querySelectorAll('body *')]
          .filter(e => e.getBoundingClientRect().right > innerWidth + 1)
          .map(e => `${e.tagName}.${e.className}`).slice(0, 5)]""",
    )


def spaced(page: Page) -> list[str]:
    """What is lost when a reader widens the spaces between lines, words and letters."""
    page.evaluate(_SPACE)
    found = sideways(page) + faults(page, CLIPPED)
    page.evaluate("document.adoptedStyleSheets = []")
    return found


def text_doubled(page: Page) -> list[str]:
    """What is lost when a reader doubles the size of the text alone (WCAG 1.4.4)."""
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    found = sideways(page) + faults(page, CLIPPED)
    page.evaluate("document.documentElement.style.fontSize = ''")
    return found
