"""Takes a picture of every scene, light and dark, on a phone and on a desk: `make screenshots`.

With names of scenes, or parts of them, only of those: `make screenshots ONLY=crisis`. The pictures
go into docs/screenshots/all/, which git ignores; look at them all before a release. The few that
the documents show (shown.py) are of the real bot over the real guides; they lie one folder above.
"""

from __future__ import annotations

import sys
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import ARGS, CHROMIUM, ROOT
from tests.browser.scenes import SCENES, Scene, Walk, all_servers
from tests.browser.shown import take_shown

FOLDER = ROOT / "docs" / "screenshots"
SIZES = {390: 844, 1280: 900}
SMALLEST = (320, 568)
COLORS = 128


def keep(picture: bytes, path: Path) -> None:
    """A PNG with a palette: a tenth of the size, and nobody sees the difference on flat colors."""
    image = Image.open(BytesIO(picture)).convert("RGB")
    image.quantize(COLORS, dither=Image.Dither.NONE).save(path, optimize=True)


def take(page: Page, name: str) -> None:
    """What a small phone shows without scrolling, and the whole page at both sizes."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        width, height = SMALLEST
        page.set_viewport_size({"width": width, "height": height})
        newest = page.locator("#log .user-row").last
        if newest.is_visible():
            newest.evaluate("e => e.scrollIntoView({behavior: 'instant'})")
        picture = page.screenshot(animations="disabled")
        keep(picture, FOLDER / "all" / f"{name}-{width}-{scheme}.png")
        for width, height in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            whole = page.evaluate("document.documentElement.scrollHeight")
            # As high as the page, so that what sticks to an edge of the screen stands in place.
            page.set_viewport_size({"width": width, "height": max(height, whole)})
            picture = page.screenshot(animations="disabled")
            keep(picture, FOLDER / "all" / f"{name}-{width}-{scheme}.png")
    page.set_viewport_size({"width": 390, "height": 844})


def take_all(browser: Browser, scenes: list[Scene]) -> None:
    (FOLDER / "all").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, all_servers(Path(folder)) as servers:
        # Without motion, a page stands where it scrolls to.
        context = browser.new_context(
            viewport={"width": 390, "height": 844}, reduced_motion="reduce"
        )
        walk = Walk(context.new_page(), servers)
        for scene in scenes:
            take(walk.to(scene), scene.name)
            print(scene.name, flush=True)
        context.close()


def main(names: list[str]) -> None:
    scenes = [s for s in SCENES if not names or any(name in s.name for name in names)]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        if scenes:
            take_all(browser, scenes)
        take_shown(browser, keep, FOLDER, names)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
