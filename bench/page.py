"""How soon the chat can be used, cold cache, against a bare Gradio chat on the same machine.

Run: python bench/page.py --loads 5

The app is `python app.py` as the settings of this shell make it, the bare page is one
`gr.ChatInterface` in its own process. Loads take turns, each in a browser that has nothing cached.
`words` is the first paint of text (for ours: notice and whom to call), `box` the moment when the
question box is there to be used; the last line has the ratios of the medians. The first load starts
as soon as the process answers at all, while model and index still load in the background.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
LIMIT_MS = 2000
_WATCH = """(() => { const look = () => {
  const boxes = [...document.querySelectorAll('textarea')];
  if (boxes.some(box => box.checkVisibility() && !box.disabled)) window.boxAt = performance.now();
  else requestAnimationFrame(look) };
  requestAnimationFrame(look) })()"""
_TIMES = """() => ({
  words: performance.getEntriesByName('first-contentful-paint')[0].startTime,
  box: window.boxAt,
  requests: performance.getEntriesByType('resource').length + 1,
  kilobytes: (performance.getEntriesByType('navigation')[0].transferSize +
    performance.getEntriesByType('resource').reduce((n, e) => n + e.transferSize, 0)) / 1024 })"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    words: float
    box: float
    requests: float
    kilobytes: float


def serve_bare(port: int) -> None:
    """The least that Gradio needs for a chat."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    import gradio as gr
    import uvicorn
    from fastapi import FastAPI

    app = FastAPI()
    gr.mount_gradio_app(app, gr.ChatInterface(lambda message, _: message), path="/chat")
    uvicorn.run(app, port=port, log_level="warning")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextlib.contextmanager
def served(name: str, command: list[str], port: int, **env: str) -> Iterator[str]:
    """The address of the chat page, as soon as its server answers."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, **env},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}/chat/"
    try:
        while True:
            with contextlib.suppress(urllib.error.URLError, OSError):
                urllib.request.urlopen(address, timeout=10).close()
                break
            if process.poll() is not None:
                sys.exit(f"{name} did not start")
            time.sleep(0.02)
        print(f"{name}: answers {time.perf_counter() - began:.1f} s after its process was started")
        yield address
    finally:
        process.terminate()
        process.wait(20)


def load(browser: Browser, address: str) -> Load:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    context.add_init_script(_WATCH)
    page = context.new_page()
    page.goto(address, wait_until="commit")
    page.wait_for_function("() => window.boxAt")
    page.wait_for_timeout(1500)  # never idle: Gradio keeps a stream open
    found = Load(**page.evaluate(_TIMES))
    context.close()
    return found


def say(name: str, loads: list[Load]) -> Load:
    """Print the medians of the loads, and give them back."""
    middle = Load(
        **{
            each.name: statistics.median(getattr(one, each.name) for one in loads)
            for each in fields(Load)
        }
    )
    print(
        f"{name:12} words {middle.words:5.0f} ms, box {middle.box:5.0f} ms"
        f" (all: {', '.join(f'{one.box:.0f}' for one in loads)}),"
        f" {middle.requests:.0f} requests, {middle.kilobytes:.0f} kB"
    )
    return middle


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--loads", type=int, default=5)
    parser.add_argument("--serve-bare", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve_bare:
        serve_bare(given.serve_bare)
        return
    ours, bare = free_port(), free_port()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        load_average = os.getloadavg()[0]
        print(f"{os.cpu_count()} cores, load average {load_average:.1f}")
        with served("ours", ["app.py"], ours, BOT_WEB__PORT=str(ours)) as our_address:
            first = load(browser, our_address)
            print(
                f"ours, first load after the start: words {first.words:.0f} ms,"
                f" box {first.box:.0f} ms, limit {LIMIT_MS} ms"
                f" {'kept' if first.box < LIMIT_MS else 'MISSED'}"
            )
            command = ["bench/page.py", "--serve-bare", str(bare)]
            with served("bare Gradio", command, bare) as bare_address:
                load(browser, bare_address)
                pairs = [
                    (load(browser, our_address), load(browser, bare_address))
                    for _ in range(given.loads)
                ]
        mine = say("ours", [pair[0] for pair in pairs])
        plain = say("bare Gradio", [pair[1] for pair in pairs])
        print(
            f"ours / bare Gradio: words {mine.words / plain.words:.2f},"
            f" box {mine.box / plain.box:.2f},"
            f" requests {mine.requests / plain.requests:.2f},"
            f" kilobytes {mine.kilobytes / plain.kilobytes:.2f}"
        )
        browser.close()


if __name__ == "__main__":
    main()
