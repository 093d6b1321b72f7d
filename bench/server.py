"""The index on a Chroma server against the index in a folder: building, changing one document, a
new machine, and the question path without the writer, in the same run.

Run: python bench/server.py --passages 1000 10000 --corpus medquad_corpus.jsonl.gz

Texts, vectors and questions are those of bench/query.py. The server is a real one on the same
machine, so the network costs nothing here: add two round trips a question for yours. `change` is
what an ingest does beside reading and embedding when one document of many changed: copy, replace,
check, swap.
"""

from __future__ import annotations

import argparse
import logging
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import query
from bot.answering.flow import Bot
from bot.answering.opened import OpenIndex
from bot.gaps import load_gaps
from bot.indexing import flow
from bot.indexing.building import Builder
from bot.indexing.cache import EmbeddingCache
from bot.indexing.places import generations
from bot.records import Question
from bot.settings import Paths, Settings, Store
from tests.chroma_server import ChromaServer

_PARTS = ("path", "search")


def change(settings: Settings, corpus: Path, seed: int, server: int | None) -> str:
    """What it takes to replace one document."""
    sentences, topics = query.read_corpus(corpus, 3_000)
    embedder = flow.make_embedder(settings)
    document = next(query.documents(query.SECTIONS, sentences, topics, random.Random(seed + 2)))
    logging.disable()
    made_up = query.Mixtures(embedder.read_in_bulk(sentences[:50]), seed)
    cache = EmbeddingCache(settings.paths.var, {}, made_up, made_up, made_up.read)
    gaps = load_gaps(settings.paths.knowledge)
    index = generations(settings)
    clock = Clock(server)
    with index.writing():
        served = index.current()
        building = index.begin(served)
        vectors = index.new_vectors(building, served)
        builder = Builder(building, vectors, embedder, cache, settings, fresh=False)
        builder.put(document, replaces=True)
        builder.flush()
        builder.check(sum(len(gap.questions) for gap in gaps.gap))
        manifest = builder.manifest(served.manifest().fingerprint, {}, gaps)
        builder.close()
        building.write_manifest(manifest)
        index.finish(building)
    return str(clock)


def _path(bot: Bot, text: str) -> object:
    return bot.examine(Question(text=text))


def _search(index: OpenIndex, vectors: Mapping[str, list[float]], text: str) -> object:
    return index.vectors.search("passages", vectors[text], 40)


def ask(places: dict[str, Settings], corpus: Path, seed: int, server: int | None) -> None:
    """The question path at each place in turns, so that a busy machine slows all alike."""
    _, topics = query.read_corpus(corpus, 3_000)
    rng = random.Random(seed + 1)
    phrases, count = query._PHRASES, query.QUESTIONS
    questions = [rng.choice(phrases).format(rng.choice(topics).lower()) for _ in range(count)]
    bots = {name: Bot.open(settings) for name, settings in places.items()}
    taken: dict[str, list[float]] = {f"{name} {what}": [] for name in bots for what in _PARTS}
    used = dict.fromkeys(taken, 0.0)
    for bot in bots.values():
        bot.warm()
    for first in range(0, len(questions), 10):
        some = questions[first : first + 10]
        for name, bot in bots.items():
            vectors = {text: bot._embedder.embed_query(text) for text in some}
            with bot._index.use() as index:
                parts: dict[str, Callable[[str], object]] = {
                    "path": partial(_path, bot),
                    "search": partial(_search, index, vectors),
                }
                for what in _PARTS:
                    clock = Clock(server)
                    key = f"{name} {what}"
                    taken[key] += query.times(parts[what], some, time.perf_counter)
                    # Each of the first three is asked once more, to warm up.
                    used[key] += clock.cpu() / (len(some) + 3) * len(some)
    for key, times in taken.items():
        p50, p95 = query.p50_p95(times)
        cpu = used[key] / len(questions) * 1000
        print(f"{key:>15}: p50 {p50:.1f} p95 {p95:.1f} ms, processor {cpu:.1f} ms", flush=True)
    for bot in bots.values():
        bot.close()


class Clock:
    """Seconds by the wall and of the processor, here and in the server: on a busy machine only the
    latter can be compared."""

    def __init__(self, server: int | None) -> None:
        self._server = server
        self._wall, self._cpu = time.perf_counter(), self._used()

    def _used(self) -> float:
        used = time.process_time()
        if self._server:
            fields = Path(f"/proc/{self._server}/stat").read_text().rsplit(")", 1)[1].split()
            used += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return used

    def cpu(self) -> float:
        return self._used() - self._cpu

    def __str__(self) -> str:
        return f"{time.perf_counter() - self._wall:.1f} s (processor {self.cpu():.1f} s)"


def places_for(work: Path, url: str, passages: int) -> dict[str, Settings]:
    return {
        "folder": Settings(paths=Paths(var=work / f"folder-{passages}")),
        "server": Settings(
            paths=Paths(var=work / f"server-{passages}"),
            store=Store(chroma_url=url, chroma_name=f"bench-{passages}"),
        ),
    }


def run(chosen: argparse.Namespace) -> None:
    work, corpus, seed, passages = chosen.work, chosen.corpus, chosen.seed, chosen.passages[0]
    places = places_for(work, chosen.url, passages)
    for name, settings in places.items():
        print(f"{name:>8}: ", end="", flush=True)
        clock = Clock(chosen.pid)
        query.build(settings, corpus, passages, seed)
        print(f"{'':>10}{clock}", flush=True)
    ask(places, corpus, seed, chosen.pid)
    for name, settings in places.items():
        cost = change(settings, corpus, seed, chosen.pid)
        print(f"{name:>8}: change one document {cost}", flush=True)
    new = places["server"].model_copy(update={"paths": Paths(var=work / f"new-{passages}")})
    clock = Clock(chosen.pid)
    found = generations(new).current()
    size = sum(p.stat().st_size for p in found.folder.iterdir()) / 1e6
    print(f"  server: a new machine fetches {size:.0f} MB in {clock}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--passages", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--corpus", type=Path, required=True, help="MedQuAD passages, .jsonl.gz")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--url", help="a Chroma server that runs already")
    parser.add_argument("--pid", type=int, help="used by the bench itself")
    parser.add_argument("--work", type=Path, help="used by the bench itself")
    chosen = parser.parse_args()
    if chosen.work:
        run(chosen)
        return
    with tempfile.TemporaryDirectory(prefix="server-") as scratch:
        server = None if chosen.url else ChromaServer(Path(scratch) / "chroma")
        if server:
            server.start()
        try:
            for passages in chosen.passages:
                print(f"{passages:,} passages", flush=True)
                same = ["--corpus", chosen.corpus, "--seed", str(chosen.seed)]
                place = ["--url", chosen.url or (server.url if server else ""), "--work", scratch]
                place += ["--pid", str(server.pid)] if server else []
                command = [sys.executable, __file__, "--passages", str(passages)]
                subprocess.run([*command, *same, *place], check=True)
        finally:
            if server:
                server.stop()


if __name__ == "__main__":
    main()
