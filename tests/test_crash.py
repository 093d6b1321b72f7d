"""Crash safety with real processes: killed, without disk, without rights, two at once, read while
written. The long version of the kills is bench/kills.py."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.answering.flow import Bot
from bot.indexing.flow import generations, ingest
from bot.indexing.lexical import PassageStore
from bot.records import Question
from bot.settings import Settings
from tests.conftest import without_root_rights, write_guide

ROOT = Path(__file__).resolve().parent.parent
READER = """
import sys, time
from pathlib import Path
from bot.answering.opened import IndexHolder
from bot.indexing.flow import generations, make_embedder
from bot.settings import Paths, Settings

settings = Settings(paths=Paths(knowledge=Path(sys.argv[1]), var=Path(sys.argv[2])))
holder = IndexHolder(settings, make_embedder(settings), generations(settings))
any_vector = [1.0] + [0.0] * 383
last = None
while True:
    with holder.use() as index:
        seen = set()
        for source_id in index.passages.file_hashes():
            seen |= {w for w in index.passages.document(source_id).text.split() if "edition" in w}
        held = {m.chunk_id for m in index.vectors.search("passages", any_vector, 100)}
        chunks = index.passages.chunks(held)
        for chunk in chunks.values():
            seen |= {w for w in chunk.text.split() if "edition" in w}
        mixed = len(seen) != 1 or len(chunks) != index.manifest.passages or held != set(chunks)
        if mixed or seen != last:
            last = seen
            print("MIXED" if mixed else "", *sorted(seen), flush=True)
    time.sleep(0.02)
"""


def run_ingest(
    settings: Settings, *prefix: str, before: Callable[[], None] | None = None
) -> subprocess.CompletedProcess[str]:
    paths = settings.paths
    return subprocess.run(
        [*prefix, sys.executable, str(ROOT / "ingest.py")],
        env=os.environ
        | {"BOT_PATHS__KNOWLEDGE": str(paths.knowledge), "BOT_PATHS__VAR": str(paths.var)},
        capture_output=True,
        text=True,
        preexec_fn=before,
        check=False,
    )


def assert_serves(settings: Settings, name: str | None, documents: set[str]) -> None:
    assert generations(settings).current_name() == name
    store = PassageStore.open(generations(settings).current().passages)
    assert set(store.file_hashes()) == documents
    assert store.search("engraftment", 3)
    store.close()


def test_killed_at_random_moments_nothing_is_lost_or_mixed() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "bench/kills.py"), "--kills", "15", "--seed", "7", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    tally = json.loads(done.stdout)
    assert tally["killed"] == 15
    assert tally["served none"] + tally["served old"] + tally["served new"] == tally["runs"]
    for bad in ("broken", "mixed", "lost", "not repaired", "left over"):
        assert tally[bad] == 0


@pytest.mark.parametrize("limit", [30_000, 300_000])
def test_a_full_disk_is_a_clear_error_and_the_old_index_serves(
    settings: Settings, knowledge: Path, limit: int
) -> None:
    ingest(settings)
    name = generations(settings).current_name()
    for number in range(10):
        body = "\n".join(f"## Why {number} {n}?\n\n" + f"It is {n}. " * 60 for n in range(10))
        write_guide(knowledge, f"more{number}.md", f"More {number}", body)
    # Files may not grow beyond the limit: the same failed write as on a full disk.
    done = run_ingest(
        settings, before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    )
    assert done.returncode == 4, done.stderr
    assert "could not be written" in done.stderr
    assert "What to do: Look at free space" in done.stderr
    assert_serves(settings, name, {"engraftment.md", "hair.md"})
    assert not list((settings.paths.var / "index/generations").glob("*ing-*"))
    report = ingest(settings)
    assert report.count("added") == 10
    assert not report.notices


ON_A_SMALL_DISK = """
import os, subprocess, sys
from pathlib import Path
from bot.indexing.flow import generations, ingest
from bot.settings import Paths, Settings
from tests.conftest import write_guide
from tests.test_crash import assert_serves, run_ingest

var, knowledge = Path(sys.argv[1]), Path(sys.argv[2])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", var], check=True)
settings = Settings(paths=Paths(knowledge=knowledge, var=var))
ingest(settings)
name = generations(settings).current_name()
size = sum(p.stat().st_size for p in (var / "index/generations" / name).rglob("*") if p.is_file())
write_guide(knowledge, "more.md", "More", "## Why?\\n\\n" + "It is so. " * 400)
# Full while the old index is copied, and full while the new one is written.
for room in (size // 2, size + 40_000):
    with (var / "filler").open("wb") as filler:
        free = os.statvfs(var)
        filler.write(bytes(free.f_bavail * free.f_bsize - room))
    done = run_ingest(settings)
    print(room, done.returncode, done.stderr)
    assert done.returncode == 4
    assert "What to do: Look at free space" in done.stderr
    assert_serves(settings, name, {"engraftment.md", "hair.md"})
    assert not list((var / "index/generations").glob("*ing-*"))
    (var / "filler").unlink()
assert ingest(settings).count("added") == 1
print("repaired")
"""


def test_a_disk_that_is_really_full_is_a_clear_error_and_more_room_is_enough(
    settings: Settings,
) -> None:
    settings.paths.var.mkdir()
    own_mounts = ("unshare", "--mount", *(() if os.geteuid() == 0 else ("--map-root-user",)))
    if subprocess.run([*own_mounts, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody mount a small disk")
    done = subprocess.run(
        [
            *(*own_mounts, sys.executable, "-c", ON_A_SMALL_DISK),
            *(settings.paths.var, settings.paths.knowledge),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.rstrip().endswith("repaired"), done.stdout + done.stderr


def test_a_read_only_state_folder_is_a_clear_error_and_the_old_index_serves(
    settings: Settings, knowledge: Path
) -> None:
    ingest(settings)
    name = generations(settings).current_name()
    (knowledge / "hair.md").unlink()
    folders = [p for p in settings.paths.var.rglob("*") if p.is_dir()]
    for folder in folders:
        folder.chmod(0o555)
    try:
        done = run_ingest(settings, *without_root_rights())
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert done.returncode == 4, done.stderr
    assert "written" in done.stderr
    assert_serves(settings, name, {"engraftment.md", "hair.md"})


def test_a_second_ingest_refuses_with_its_own_exit_code(settings: Settings) -> None:
    with generations(settings).writing():
        done = run_ingest(settings)
    assert done.returncode == 7
    assert "Another ingest is running" in done.stderr


def test_a_second_ingest_can_wait_for_the_first(settings: Settings) -> None:
    held, free = threading.Event(), threading.Event()

    def first() -> None:
        with generations(settings).writing():
            held.set()
            free.wait(60)

    thread = threading.Thread(target=first)
    thread.start()
    held.wait(60)
    threading.Timer(0.5, free.set).start()
    report = ingest(settings, wait=True)
    assert free.is_set(), "it did not wait"
    assert report.swapped
    thread.join()


def test_several_ingests_at_once_leave_one_whole_index(settings: Settings, knowledge: Path) -> None:
    for number in range(8):
        body = f"## What is {number}?\n\nNumber {number} means engraftment to a nurse.\n"
        write_guide(knowledge, f"more{number}.md", f"More {number}", body)
    paths = settings.paths
    env = os.environ | {
        "BOT_PATHS__KNOWLEDGE": str(paths.knowledge),
        "BOT_PATHS__VAR": str(paths.var),
    }
    command = [sys.executable, str(ROOT / "ingest.py")]
    started = [
        subprocess.Popen([*command, *more], env=env, stderr=subprocess.DEVNULL)
        for more in ([], [], ["--wait"])
    ]
    codes = [one.wait() for one in started]
    assert codes[2] == 0, "who waits is served"
    assert set(codes) <= {0, 7}
    assert 0 in codes
    documents = {"engraftment.md", "hair.md", *(f"more{n}.md" for n in range(8))}
    assert_serves(settings, generations(settings).current_name(), documents)
    assert ingest(settings).count("unchanged") == 10


def test_a_generation_that_a_reader_holds_is_not_deleted(
    settings: Settings, knowledge: Path
) -> None:
    ingest(settings)
    held, lease = generations(settings).borrow_current()
    for number in range(3):
        write_guide(knowledge, "hair.md", "Hair", f"## Hair?\n\nHair sentence number {number}.\n")
        ingest(settings)
    assert held.manifest().passages == 3
    assert len(generations(settings).names()) == settings.store.keep_generations + 1
    lease.close()
    write_guide(knowledge, "hair.md", "Hair", "## Hair?\n\nHair grows back.\n")
    ingest(settings)
    assert held.name not in generations(settings).names()
    assert len(generations(settings).names()) == settings.store.keep_generations


def test_readers_see_the_old_or_the_new_index_and_soon_the_new_one(
    settings: Settings, knowledge: Path, tmp_path: Path
) -> None:
    for path in knowledge.glob("*.md"):
        path.unlink()

    def publish(edition: int) -> None:
        for number in range(6):
            body = f"## Leaflet {number}?\n\nLeaflet {number} says edition-{edition} here.\n"
            write_guide(knowledge, f"{number}.md", f"Leaflet {number}", body)
        assert ingest(settings).swapped

    publish(0)
    outputs = [tmp_path / f"reader-{n}.txt" for n in range(2)]
    readers = []
    for output in outputs:
        with output.open("w") as file:
            readers.append(
                subprocess.Popen(
                    [sys.executable, "-c", READER, str(knowledge), str(settings.paths.var)],
                    stdout=file,
                    stderr=subprocess.STDOUT,
                    cwd=ROOT,
                )
            )
    try:
        for edition in range(6):
            if edition:
                publish(edition)
            deadline = time.monotonic() + (20 if edition else 120)
            while not all(f"edition-{edition}" in o.read_text() for o in outputs):
                assert time.monotonic() < deadline, [o.read_text() for o in outputs]
                time.sleep(0.1)
    finally:
        for reader in readers:
            reader.kill()
            reader.wait()
    for output in outputs:
        assert output.read_text().split() == [f"edition-{n}" for n in range(6)]


def test_answers_during_swaps_are_of_one_edition_and_soon_of_the_new_one(
    settings: Settings, knowledge: Path
) -> None:
    for path in knowledge.glob("*.md"):
        path.unlink()

    def publish(edition: int) -> None:
        for number in range(4):
            body = (
                f"## Where is desk {number}?\n<!-- asked\n- where is nurse desk {number}\n"
                f"- how do I find desk {number}\n-->\n\nDesk {number} has room {edition}{number}. "
                f"A nurse sits at desk {number} of edition {edition}.\n"
            )
            write_guide(knowledge, f"{number}.md", f"Desk {number}", body)
        assert ingest(settings, embedder=bot._embedder).swapped

    bot = Bot.open(settings)
    publish(1)
    said: list[tuple[str, frozenset[str]]] = []
    ended, failed = threading.Event(), list[BaseException]()

    def ask_on() -> None:
        turn = 0
        try:
            while not ended.is_set():
                answer = bot.ask(Question(text=f"Where is nurse desk {turn % 4}?"))
                text = " ".join(c.quote for c in answer.citations)
                editions = re.findall(r"(?:room |edition )(\d)", text)
                assert answer.outcome == "answered"
                said.append((str(answer.versions.index), frozenset(editions)))
                turn += 1
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=ask_on) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for edition in range(1, 5):
            if edition > 1:
                publish(edition)
            deadline = time.monotonic() + 30
            while not failed and not any(str(edition) in editions for _, editions in said):
                assert time.monotonic() < deadline, f"edition {edition} is not served"
                time.sleep(0.05)
    finally:
        ended.set()
        for thread in threads:
            thread.join()
        bot.close()
    assert not failed
    assert all(len(editions) == 1 for _, editions in said), set(said)
    assert len(dict(said)) == len(set(said)) == 4, "one edition a generation"
