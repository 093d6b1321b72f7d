"""`ingest --watch` as an operator runs it: a process that stays, and its output."""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.indexing.flow import generations
from bot.settings import ROOT, Settings
from tests.conftest import write_guide


class Watcher:
    """`python ingest.py --watch --json` and the lines that it prints."""

    def __init__(self, settings: Settings) -> None:
        paths = settings.paths
        # A shell that starts the tests in the background has SIGINT ignored in all below it.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "ingest.py"), "--watch", "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ
            | {"BOT_PATHS__KNOWLEDGE": str(paths.knowledge), "BOT_PATHS__VAR": str(paths.var)},
        )
        signal.signal(signal.SIGINT, before)
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)

    def next(self) -> dict[str, Any]:
        outcome: dict[str, Any] = json.loads(self._lines.get(timeout=240))
        if "files" in outcome:
            outcome["changes"] = {
                f["source_id"]: f["change"] for f in outcome["files"] if f["change"] != "unchanged"
            }
        return outcome

    def stop(self, number: signal.Signals) -> tuple[int, str]:
        self.process.send_signal(number)
        assert self.process.stderr is not None
        said = self.process.stderr.read()
        return self.process.wait(60), said


@pytest.fixture
def watcher(settings: Settings) -> Iterator[Watcher]:
    watcher = Watcher(settings)
    yield watcher
    watcher.process.kill()
    watcher.process.wait()


@pytest.mark.timeout(900)
def test_changes_are_indexed_bad_files_survived_and_signals_obeyed(
    settings: Settings, knowledge: Path, watcher: Watcher, tmp_path: Path
) -> None:
    first = watcher.next()
    assert first["changes"] == {"engraftment.md": "added", "hair.md": "added"}
    assert generations(settings).current_name() == first["generation"]

    write_guide(knowledge / "new", "food.md", "Food", "## Salad?\n\nWash salad well first.\n")
    second = watcher.next()
    assert second["changes"] == {"new/food.md": "added"}
    assert generations(settings).current_name() == second["generation"] != first["generation"]

    (knowledge / "hair.md").write_text("no front matter any more", "utf-8")
    bad = watcher.next()
    assert bad["changes"] == {"hair.md": "failed"}
    assert bad["files"][[f["source_id"] for f in bad["files"]].index("hair.md")]["stale"]
    (knowledge / "hair.md").unlink()
    assert watcher.next()["changes"] == {"hair.md": "removed"}

    shutil.move(knowledge, tmp_path / "away")
    assert "no folder" in watcher.next()["error"]
    name = generations(settings).current_name()
    write_guide(tmp_path / "away", "sleep.md", "Sleep", "## Rest?\n\nRest in the afternoon.\n")
    shutil.move(tmp_path / "away", knowledge)
    assert watcher.next()["changes"] == {"sleep.md": "added"}
    assert generations(settings).current_name() != name

    code, said = watcher.stop(signal.SIGTERM)
    assert code == 0
    assert said.splitlines()[-1] == "Stopped watching."
    assert "Traceback" not in said
    assert not list((settings.paths.var / "index/generations").glob("*ing-*"))


@pytest.mark.timeout(600)
def test_stopped_in_the_middle_of_a_run_the_index_is_as_it_was(
    settings: Settings, knowledge: Path, watcher: Watcher
) -> None:
    first = watcher.next()
    for number in range(40):
        body = "\n".join(f"## Why {number} {n}?\n\n" + f"It is {n}. " * 80 for n in range(6))
        write_guide(knowledge, f"more{number}.md", f"More {number}", body)
    building = settings.paths.var / "index/generations"
    while not list(building.glob("building-*")):
        assert watcher.process.poll() is None
    code, said = watcher.stop(signal.SIGINT)
    assert code == 0, said
    assert said.splitlines()[-1] == "Stopped watching."
    assert generations(settings).current_name() == first["generation"]
    assert not list(building.glob("*ing-*"))


def test_watching_goes_with_no_other_task(settings: Settings) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "ingest.py"), "--watch", "--rebuild"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "cannot be combined" in done.stderr
