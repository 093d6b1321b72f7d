"""Kills the ingest with SIGKILL at random moments and proves that no document is lost or mixed.

Run: python bench/kills.py --kills 200

Each trial starts a first ingest, an incremental one (a document added, one removed, half of them
edited) or a rebuild, in a process of its own, and kills it: half the time after a random delay,
half the time before or after a random file operation, because the moments that matter (the rename,
the pointer, the pruning) are too short to be hit by the clock. Then, in other processes: the index
must open and hold exactly the old or exactly the new state (every text, hash, span, vector, word
row and word count), each passage must be found by its own vector and words; the next run must bring
it to the new state and leave nothing behind. Model and libraries are loaded once; trials are forks.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Whatever is set: a fork hangs where torch had threads of its own before it.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bot.indexing import flow
from bot.indexing.embedding import Embedder
from bot.indexing.generations import Generations
from bot.indexing.lexical import PassageStore
from bot.indexing.store import InFolder, VectorStore
from bot.indexing.word_vectors import unpacked
from bot.settings import Paths, Settings

DOCUMENTS = 20
MODES = ("first", "incremental", "rebuild")
_SAME = 0.9995
"""Cosine from which two vectors are of one text: embedded in another batch, in bfloat16, it has at
least 0.9999; the nearest two texts of these leaflets, which differ in one digit, have 0.9962."""
_SAME_WORD = 0.98
"""The same of a word in two bits a number."""


def write_corpus(folder: Path, version: int) -> None:
    """Version 2 has one document more and one fewer than version 1, and every other one edited."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for number in range(DOCUMENTS + 1):
        if number == (0 if version == 2 else DOCUMENTS):
            continue
        edition = version if number % 2 else 1
        (folder / f"leaflet-{number:02}.md").write_text(
            f"---\ntitle: Leaflet {number}\n---\n# Leaflet {number}\n\n"
            f"## What does leaflet {number} say?\n"
            f"<!-- asked\n- tell me about topic {number} edition {edition}\n-->\n\n"
            f"Leaflet {number} has edition {edition}. Its nurse is on floor {number + 3}.\n\n"
            f"## Whom do I call?\n\nCall desk {number} of edition {edition}. Ask for a nurse.\n",
            "utf-8",
        )
    (folder / "not-covered.toml").write_text(
        f'[[gap]]\ngroup = "cars"\ninstead = "Ask a garage."\n'
        f'questions = ["how do I fix car number {version}", "is car {version} slow"]\n',
        "utf-8",
    )


def settings_for(folder: Path, var: Path) -> Settings:
    return Settings(paths=Paths(knowledge=folder, var=var))


def state_of(var: Path) -> dict[str, Any] | None:
    """All that the serving generation holds, or None where there is none. Raises where a passage is
    not found by its own vector or its own words."""
    generations = Generations(var / "index")
    if generations.current_name() is None:
        return None
    generation, lease = generations.borrow_current()
    manifest = generation.manifest()
    passages = PassageStore.open(generation.passages)
    vectors = VectorStore.open(InFolder(generation.vectors))
    documents = {s: passages.document(s) for s in passages.file_hashes()}
    chunks = {c.chunk_id: c for s in documents for c in passages.chunks_of(s)}
    db = sqlite3.connect(f"{generation.passages.as_uri()}?mode=ro", uri=True)
    words = dict(db.execute("SELECT word, count FROM words"))
    rows = {
        row[0]: row[1:]
        for row in db.execute(
            "SELECT c.chunk_id, p.title, p.heading, p.asked, p.body FROM passages p"
            " LEFT JOIN chunks c ON c.row = p.rowid"
        )
    }
    db.close()
    records = {}
    for name in ("passages", "questions"):
        got = vectors._collection(name).get(include=["embeddings", "documents", "metadatas"])
        texts, metadatas, embeddings = got["documents"], got["metadatas"], got["embeddings"]
        assert texts is not None
        assert metadatas is not None
        assert embeddings is not None
        for position, record_id in enumerate(got["ids"]):
            records[f"{name} {record_id}"] = (
                texts[position],
                metadatas[position],
                [float(x) for x in embeddings[position]],
            )
    read = dict(zip(chunks, passages.word_vectors(list(chunks)), strict=True))
    for chunk_id, chunk in chunks.items():
        near = vectors.search("passages", records[f"passages {chunk_id}"][2], 1)
        assert near[0].chunk_id == chunk_id, f"{chunk_id} is not found by its vector"
        found = {m.chunk_id for m in passages.search(chunk.text, 5)}
        assert chunk_id in found, f"{chunk_id} is not found by its words"
    counts = (manifest.passages, manifest.questions, len(manifest.documents))
    vectors.close()
    passages.close()
    lease.close()
    return {
        "documents": documents,
        "chunks": chunks,
        "rows": rows,
        "words": words,
        "records": records,
        "read": {chunk_id: unpacked(vectors, 384) for chunk_id, vectors in read.items()},
        "hashes": manifest.documents,
        "gaps": (manifest.gaps_hash, manifest.gap_groups),
        "counts": counts,
    }


def same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    """Equal in everything; vectors up to rounding."""
    if any(a[key] != b[key] for key in a if key not in ("records", "read")):
        return False
    if any(not same_words(matrix, b["read"][chunk_id]) for chunk_id, matrix in a["read"].items()):
        return False
    if a["records"].keys() != b["records"].keys():
        return False
    for key, (text, metadata, vector) in a["records"].items():
        other = b["records"][key]
        if (text, metadata) != other[:2]:
            return False
        if sum(x * y for x, y in zip(vector, other[2], strict=True)) < _SAME:
            return False
    return True


def same_words(a: Any, b: Any) -> bool:
    """Whether both are the packed vectors of the same words."""
    if a.shape != b.shape:
        return False
    lengths = (a**2).sum(axis=1) ** 0.5 * (b**2).sum(axis=1) ** 0.5
    return bool(((a * b).sum(axis=1) / lengths >= _SAME_WORD).all())


def leftovers(var: Path) -> list[str]:
    return [p.name for p in var.glob("index/generations/*ing-*")]


class Fork:
    """A child process that calls a function and hands its value back through a file."""

    def __init__(self, call: Callable[[], Any], scratch: Path) -> None:
        self._file = scratch / "result.pickle"
        self._file.unlink(missing_ok=True)
        self.pid = os.fork()
        if self.pid == 0:
            code = 1
            try:
                self._file.write_bytes(pickle.dumps(call()))
                code = 0
            except BaseException as error:
                self._file.write_bytes(pickle.dumps(error if _pickles(error) else repr(error)))
            finally:
                os._exit(code)

    def kill_after(self, seconds: float) -> bool:
        """SIGKILL after a delay; False where the child was done by then."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if os.waitpid(self.pid, os.WNOHANG)[0]:
                return False
            time.sleep(0.002)
        os.kill(self.pid, signal.SIGKILL)
        return os.WIFSIGNALED(os.waitpid(self.pid, 0)[1])

    def killed_itself(self) -> bool:
        return os.WIFSIGNALED(os.waitpid(self.pid, 0)[1])

    def value(self) -> Any:
        status = os.waitpid(self.pid, 0)[1]
        value = pickle.loads(self._file.read_bytes())  # noqa: S301
        if status:
            raise RuntimeError(f"the child failed: {value!r}")
        return value


def _pickles(error: BaseException) -> bool:
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301
    except Exception:
        return False
    return True


class Operations:
    """Counts the file operations of an ingest, and kills the process at one of them."""

    def __init__(self, kill_at: int | None = None, *, after: bool = False) -> None:
        self.count = 0
        self._kill_at = kill_at
        self._after = after

    def watch(self) -> None:
        for owner, names in (
            (os, ("fsync", "rename", "replace", "unlink", "rmdir", "mkdir")),
            (PassageStore, ("add", "delete", "finish")),
            (VectorStore, ("add", "delete", "close")),
        ):
            for name in names:
                setattr(owner, name, self._wrapped(getattr(owner, name)))

    def _wrapped(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            self.count += 1
            here = self.count == self._kill_at
            if here and not self._after:
                os.kill(os.getpid(), signal.SIGKILL)
            value = real(*args, **named)
            if here:
                os.kill(os.getpid(), signal.SIGKILL)
            return value

        return call


class Trials:
    def __init__(self, work: Path, seed: int) -> None:
        self._work = work
        self._random = random.Random(seed)
        embedder = flow.make_embedder(Settings())
        embedder.embed_query("warm up")
        embedder.read_in_bulk(["warm up"])
        import chromadb  # noqa: F401  (imported here so that each fork has it)

        # Two, as on a machine with two processors, each a thread of the fork's own.
        Embedder.threads = 2  # type: ignore[method-assign,assignment]
        flow.make_embedder = lambda settings: embedder
        self._folders = {1: work / "knowledge-1", 2: work / "knowledge-2"}
        for version, folder in self._folders.items():
            write_corpus(folder, version)
        self._old, self._new = (self._reference(version) for version in (1, 2))
        self._lengths = {mode: self._measure(mode) for mode in MODES}

    def _reference(self, version: int) -> dict[str, Any]:
        var = self._work / f"reference-{version}"
        self._run(self._folders[version], var)
        state = self._state(var)
        assert state is not None
        return state

    def _run(self, folder: Path, var: Path, *, rebuild: bool = False) -> Any:
        call = lambda: flow.ingest(settings_for(folder, var), rebuild=rebuild)  # noqa: E731
        return Fork(call, self._work).value()

    def _state(self, var: Path) -> dict[str, Any] | None:
        state: dict[str, Any] | None = Fork(lambda: state_of(var), self._work).value()
        return state

    def _prepare(self, mode: str, var: Path) -> Path:
        """State folder before the run; returns the knowledge folder of the run."""
        shutil.rmtree(var, ignore_errors=True)
        if mode == "first":
            var.mkdir()
            return self._folders[1]
        shutil.copytree(self._work / "reference-1", var)
        if self._random.random() < 0.5:
            for path in var.glob("embeddings.sqlite3*"):
                path.unlink()
        return self._folders[2]

    def _measure(self, mode: str) -> tuple[float, int]:
        var = self._work / "measured"
        folder = self._prepare(mode, var)
        for path in var.glob("embeddings.sqlite3*"):
            path.unlink()

        def call() -> int:
            operations = Operations()
            operations.watch()
            flow.ingest(settings_for(folder, var), rebuild=mode == "rebuild")
            return operations.count

        started = time.monotonic()
        operations = Fork(call, self._work).value()
        return time.monotonic() - started, operations

    def trial(self, mode: str) -> Counter[str]:
        """One kill and what came of it."""
        var = self._work / "trial"
        folder = self._prepare(mode, var)
        seconds, operations = self._lengths[mode]
        by_clock = self._random.random() < 0.5
        watch = Operations(
            None if by_clock else self._random.randint(1, operations),
            after=self._random.random() < 0.5,
        )

        def call() -> None:
            watch.watch()
            flow.ingest(settings_for(folder, var), rebuild=mode == "rebuild")

        child = Fork(call, self._work)
        killed = (
            child.kill_after(self._random.uniform(0, seconds))
            if by_clock
            else child.killed_itself()
        )
        tally = Counter(runs=1, killed=int(killed))
        new = self._old if mode == "first" else self._new
        try:
            state = self._state(var)
        except RuntimeError as error:
            print(f"does not open or answer: {error}", file=sys.stderr)
            return tally + Counter(broken=1)
        if state is None:
            tally["served none"] += 1
            tally["lost"] += int(mode != "first")
        elif same(state, new):
            tally["served new"] += 1
        elif mode != "first" and same(state, self._old):
            tally["served old"] += 1
        else:
            tally["mixed"] += 1
        self._run(folder, var)
        repaired = self._state(var)
        tally["not repaired"] += int(repaired is None or not same(repaired, new))
        tally["left over"] += len(leftovers(var))
        return tally


COLUMNS = (
    *("runs", "killed", "served none", "served old", "served new"),
    *("broken", "mixed", "lost", "not repaired", "left over"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print the tally as JSON")
    chosen = parser.parse_args()
    tallies: dict[str, Counter[str]] = {mode: Counter() for mode in MODES}
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        trials = Trials(Path(folder), chosen.seed)
        turn = 0
        while sum(t["killed"] for t in tallies.values()) < chosen.kills:
            mode = MODES[turn % len(MODES)]
            tallies[mode] += trials.trial(mode)
            turn += 1
    total = sum(tallies.values(), Counter())
    if chosen.json:
        print(json.dumps({column: total[column] for column in COLUMNS}))
    else:
        print(f"{'':12}" + "".join(f"{column:>14}" for column in COLUMNS))
        for mode, tally in {**tallies, "all": total}.items():
            print(f"{mode:12}" + "".join(f"{tally[column]:>14}" for column in COLUMNS))
        print(f"{time.monotonic() - started:.0f} s, seed {chosen.seed}")
    bad = ("broken", "mixed", "lost", "not repaired", "left over")
    sys.exit(1 if any(total[column] for column in bad) else 0)


if __name__ == "__main__":
    main()
