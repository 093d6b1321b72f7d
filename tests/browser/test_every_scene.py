"""Every page in every state, light and dark, at three widths: axe-core finds nothing of any impact
at any level of WCAG 2.2 A and AA, nor against the best practices; every target is large enough;
nothing is cut off or sticks out, nor at 200% zoom, with wider text spacing or with doubled text.
The same walk logs every request that the pages make: all go to the page's own server.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page, Request

from tests.browser.probes import (
    CLIPPED,
    PALE,
    SMALL_TARGETS,
    faults,
    sideways,
    spaced,
    text_doubled,
)
from tests.browser.reporting import Report
from tests.browser.scenes import SCENES, Scene, Walk, all_servers

SIZES = {320: 568, 390: 844, 1280: 900}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
ZOOMED = {"width": 640, "height": 450}  # what 1280 by 900 holds at 200%
LEVELS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
RUN = {"resultTypes": ["violations"], "preload": False, "runOnly": [*LEVELS, "best-practice"]}

INSIDE = ("(data)", "(blob)", "(chrome)", "(chrome-extension)")

Log = list[Request]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with all_servers(tmp_path_factory.mktemp("scenes")) as found:
        yield found


def host_of(url: str) -> str:
    """The host that a request goes to; its scheme where it stays inside the browser, as what the
    browser's own viewer for PDFs loads does."""
    parts = urlsplit(url)
    return parts.netloc if parts.scheme in ("http", "https") else f"({parts.scheme})"


@pytest.fixture(scope="module")
def requests(servers: dict[str, str], report: Report) -> Iterator[Log]:
    """Every request of the walk; a summary of it goes into the report."""
    log: Log = []
    yield log
    own = {host_of(address) for address in servers.values()}
    hosts = Counter("own server" if host_of(r.url) in own else host_of(r.url) for r in log)
    kinds = Counter(f"{r.method} {r.resource_type}" for r in log if host_of(r.url) in own)
    title = "Requests of all pages in all states"
    report.add(title, f"{len(log)} requests, by host: {dict(hosts)}")
    report.add(title, ", ".join(f"{n} {kind}" for kind, n in kinds.most_common()))


@pytest.fixture(scope="module")
def walk(chromium: Browser, servers: dict[str, str], requests: Log) -> Iterator[Walk]:
    # Without motion: where colors fade into the other scheme's, axe would meet them half way.
    context = chromium.new_context(viewport={"width": 390, "height": 844}, reduced_motion="reduce")

    def record(found: Request) -> None:
        requests.append(found)  # Playwright cannot take a built-in method

    context.on("request", record)
    yield Walk(context.new_page(), servers)
    context.close()


def axe(page: Page) -> list[str]:
    """What axe finds on the page as it stands."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found: list[dict[str, Any]] = page.evaluate("run => axe.run(document, run)", RUN)["violations"]
    return [f"{v['id']} ({v['impact']}): {[n['target'] for n in v['nodes']]}" for v in found]


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_scene_is_free_of_faults(
    walk: Walk, servers: dict[str, str], scene: Scene, requests: Log, report: Report
) -> None:
    before = len(requests)
    page = walk.to(scene)
    found: dict[str, list[str]] = {}
    for width, height in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        found[f"sideways {width}"] = sideways(page)
        found[f"clipped {width}"] = faults(page, CLIPPED)
        if width == 320:
            found["small targets"] = faults(page, SMALL_TARGETS)
            found["spaced"] = spaced(page)
        if width == 1280:
            found["text doubled"] = text_doubled(page)
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            found[f"axe {scheme} {width}"] = broken = axe(page)
            report.cell("axe findings", scene.name, f"{scheme} {width}", len(broken))
            if width == 1280:
                found[f"pale {scheme}"] = faults(page, PALE)
    page.set_viewport_size(ZOOMED)
    found["zoomed"] = sideways(page) + faults(page, CLIPPED)
    page.set_viewport_size({"width": 390, "height": 844})
    own = {*map(host_of, servers.values()), *INSIDE}
    found["requests"] = [r.url for r in requests[before:] if host_of(r.url) not in own]
    assert not {check: f for check, f in found.items() if f}


def test_checks_find_what_they_look_for(chromium: Browser) -> None:
    page = chromium.new_page(viewport={"width": 320, "height": 568})
    page.set_content(
        "<html lang=en><title>Bad</title><main><p style='color:#aaa'>Pale</p><img src=x>"
        "<a href=#a style='display:inline-block;width:9px;height:9px'>a</a>"
        "<a href=#b style='display:inline-block;width:9px;height:9px'>b</a>"
        "<p style='height:20px;overflow:hidden'>One line of these words fits into the box, and the"
        " second line of them is cut off at its edge.</p><p style='width:500px'>Wide</p></main>"
    )
    rules = {line.partition(" ")[0] for line in axe(page)}
    assert {"color-contrast", "image-alt", "target-size", "page-has-heading-one"} <= rules
    assert len(faults(page, SMALL_TARGETS)) == 2
    assert len(faults(page, PALE)) == 1
    assert len(faults(page, CLIPPED)) == 1
    assert sideways(page)
    assert spaced(page)
    assert text_doubled(page)
    page.close()
