"""The design tokens: every pair of colors that meets on a page has enough contrast, in light, dark
and print, and colors stand nowhere but in tokens.css."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

STATIC = Path(__file__).resolve().parent.parent / "bot" / "web" / "static"
TOKENS = (STATIC / "tokens.css").read_text("utf-8")

# Text on its ground: WCAG 1.4.3, 4.5 to 1.
TEXT = [
    *[(ink, ground) for ink in ("ink", "ink-soft", "link") for ground in ("ground", "surface")],
    *[(ink, ground) for ink in ("ink", "ink-soft", "link") for ground in ("sunken", "accent-soft")],
    ("accent-ink", "accent"),
    ("mark-ink", "mark"),
    *[(f"{kind}-ink", f"{kind}-soft") for kind in ("alarm", "warn", "care")],
    *[(f"{kind}-soft", kind) for kind in ("alarm", "warn", "care")],
]
# Edges of what can be pressed, the focus ring, marks: WCAG 1.4.11, 3 to 1.
PARTS = [
    *[(part, ground) for part in ("edge", "accent") for ground in ("ground", "surface")],
    ("accent", "accent-soft"),
    ("edge", "accent-soft"),
    ("mark-line", "surface"),
    ("mark-line", "ground"),
    *[(kind, f"{kind}-soft") for kind in ("alarm", "warn", "care")],
]


def colors(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block))


def schemes() -> dict[str, dict[str, str]]:
    light, _, rest = TOKENS.partition("@media (prefers-color-scheme: dark)")
    dark, _, paper = rest.partition("@media print")
    base = colors(light)
    return {"light": base, "dark": base | colors(dark), "print": base | colors(paper)}


def luminance(color: str) -> float:
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_computed_as_wcag_says() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
@pytest.mark.parametrize(("pairs", "least"), [(TEXT, 4.5), (PARTS, 3.0)], ids=["text", "parts"])
def test_every_pair_has_enough_contrast(
    scheme: str, pairs: list[tuple[str, str]], least: float
) -> None:
    named = schemes()[scheme]
    found = {pair: contrast(named[pair[0]], named[pair[1]]) for pair in pairs}
    assert {pair: round(ratio, 2) for pair, ratio in found.items() if ratio < least} == {}


def test_dark_and_print_change_every_color() -> None:
    light, _, rest = TOKENS.partition("@media (prefers-color-scheme: dark)")
    dark, _, paper = rest.partition("@media print")
    assert colors(light).keys() == colors(dark).keys() == colors(paper).keys()


def test_colors_and_names_stand_in_one_place() -> None:
    known = set(re.findall(r"--([a-z0-9-]+):", TOKENS))
    for path in sorted(STATIC.glob("*.css")):
        if path.name == "tokens.css":
            continue
        text = path.read_text("utf-8")
        assert not re.findall(r"#[0-9a-fA-F]{3,8}\b(?=[;\s,)])(?![^{}]*\{)|rgba?\(|hsl", text), path
        used = set(re.findall(r"var\(--([a-z0-9-]+)\)", text))
        assert used <= known, (path, used - known)
