"""Ingest throughput against the plain recipe, in the same run with the same model and threads.

Run: python bench/ingest.py --documents 200
     python bench/ingest.py --documents 500 --corpus medquad_corpus.jsonl.gz
     python bench/ingest.py --unchanged 10000

The plain recipe is what most tutorials build: RecursiveCharacterTextSplitter (1,000 characters, 200
of overlap), sentence-transformers, `Chroma.from_documents`; it reads the same files and takes the
front matter off, nothing more. Ours loads, checks, embeds passages and headings, fills the word
index and brings all to disk. Both run in processes of their own, which load model and libraries
before the clock starts, and take the parts of the corpus in turns, so that a busy machine slows
both alike. `langchain-text-splitters` must be installed.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bot.indexing import flow
from bot.reading import Reading
from bot.settings import Paths, Settings

_TOPICS = (
    *("mouth care", "the central line", "food at home", "blood counts", "visitors", "pets"),
    *("skin care", "sleep", "work", "school", "sun and travel", "vaccines", "going home"),
)
_WHO = ("Your nurse", "The team", "A doctor on the ward", "The dietitian", "The day unit")
_DOES = ("explains", "checks", "writes down", "looks at", "talks with you about", "plans")
_WHAT = ("the plan for {}", "what changes with {}", "each step of {}", "your questions on {}")
_WHEN = (
    "each morning",
    "before you go home",
    "at every visit",
    "once a week",
    "in the first month",
)
_ALSO = (
    "Bring the list with you on day {}.",
    "The card in pocket {} says who is on call.",
    "Room {} has a phone that reaches the unit at night.",
    "Ask about it again after {} days if anything is unclear.",
)


def leaflets(count: int, seed: int) -> Iterator[tuple[str, str]]:
    """Titles and bodies of distinct plausible leaflets: four to eight sections of six to sixteen
    sentences."""
    rng = random.Random(seed)
    for number in range(count):
        title = f"Leaflet {number}: {rng.choice(_TOPICS)}"
        parts = []
        for part in range(rng.randint(4, 8)):
            topic = rng.choice(_TOPICS)
            sentences = []
            for _ in range(rng.randint(6, 16)):
                about = rng.choice(_WHAT).format(rng.choice((topic, rng.choice(_TOPICS))))
                sentences.append(
                    f"{rng.choice(_WHO)} {rng.choice(_DOES)} {about} {rng.choice(_WHEN)}."
                )
                if rng.random() < 0.5:
                    sentences.append(rng.choice(_ALSO).format(rng.randint(1, 999)))
            parts.append(f"## What about {topic}, part {part + 1}?\n\n{' '.join(sentences)}\n")
        yield title, "\n".join(parts)


def medquad(path: Path, count: int) -> Iterator[tuple[str, str]]:
    """Topics and texts, spread over the whole file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        entries = [json.loads(line) for line in lines]
    for entry in itertools.islice(entries[:: max(1, len(entries) // count)], count):
        yield f"{entry['focus']} ({entry['qtype']})", entry["text"]


def write_folder(folder: Path, documents: Iterator[tuple[str, str]]) -> None:
    folder.mkdir(parents=True)
    for number, (title, body) in enumerate(documents):
        text = f"---\ntitle: {json.dumps(title)}\n---\n{body}\n"
        (folder / f"{number:06}.md").write_text(text, "utf-8")


def serve(which: str, work: Path) -> None:
    """Index one folder after the other, as they are named on standard input."""
    index = ours() if which == "ours" else plain()
    for number, line in enumerate(sys.stdin):
        folder, target = Path(line.strip()), work / f"{which}-{number}"
        started, cpu = time.perf_counter(), time.process_time()
        passages, embedded = index(folder, target)
        cost = {
            "seconds": time.perf_counter() - started,
            "cpu": time.process_time() - cpu,
            "passages": passages,
            "embedded": embedded,
            "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "size": megabytes(target / "index" if which == "ours" else target),
            "kept": megabytes(target) if which == "ours" else 0.0,
        }
        print(json.dumps(cost), flush=True)


def megabytes(folder: Path) -> float:
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) / 1e6


def ours() -> Callable[[Path, Path], tuple[int, int]]:
    import chromadb  # noqa: F401  (before the clock, as it is for the plain recipe)

    embedder = flow.make_embedder(Settings())
    embedder.embed_in_bulk(["warm up"])
    embedder.read_in_bulk(["warm up"])
    flow.make_embedder = lambda settings: embedder

    def index(folder: Path, target: Path) -> tuple[int, int]:
        report = flow.ingest(Settings(paths=Paths(knowledge=folder, var=target)))
        return report.passages, report.embedded

    return index


def plain() -> Callable[[Path, Path], tuple[int, int]]:
    from langchain_chroma import Chroma
    from langchain_core.documents import Document
    from langchain_core.embeddings import Embeddings
    from langchain_text_splitters import RecursiveCharacterTextSplitter
    from sentence_transformers import SentenceTransformer

    from bot.weights import model_folder

    class Plain(Embeddings):
        model = SentenceTransformer(str(model_folder("default")), device="cpu")

        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            made: list[list[float]] = self.model.encode(texts, normalize_embeddings=True).tolist()
            return made

        def embed_query(self, text: str) -> list[float]:
            return self.embed_documents([text])[0]

    embeddings = Plain()
    embeddings.embed_query("warm up")

    def index(folder: Path, target: Path) -> tuple[int, int]:
        splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200)
        documents = [
            Document(page_content=path.read_text("utf-8").split("---\n", 2)[2])
            for path in sorted(folder.glob("*.md"))
        ]
        pieces = splitter.split_documents(documents)
        Chroma.from_documents(pieces, embeddings, persist_directory=str(target))
        return len(pieces), len(pieces)

    return index


def compare(documents: list[tuple[str, str]], scratch: Path, parts: int) -> None:
    script = [sys.executable, __file__, "--work", str(scratch), "--only"]
    sides = {
        which: subprocess.Popen(
            [*script, which], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for which in ("plain", "ours")
    }
    total = {which: Counter[str]() for which in sides}
    for part in range(parts):
        folder = scratch / f"knowledge-{part}"
        write_folder(folder, iter(documents[part::parts]))
        for which, side in sides.items():
            assert side.stdin
            assert side.stdout
            side.stdin.write(f"{folder}\n")
            side.stdin.flush()
            cost = json.loads(side.stdout.readline())
            total[which]["peak"] = max(total[which]["peak"], cost.pop("peak"))
            total[which].update(cost)
    for side in sides.values():
        side.communicate()
    columns = [
        *("seconds", "CPU s", "docs/s", "passages", "pass./s", "texts", "peak MB", "index MB"),
        "+ cache",
    ]
    print(" " * 6 + "".join(f"{column:>10}" for column in columns))
    for which, cost in total.items():
        values = (
            f"{cost['seconds']:.1f}",
            f"{cost['cpu']:.1f}",
            f"{len(documents) / cost['seconds']:.2f}",
            f"{cost['passages']}",
            f"{cost['passages'] / cost['seconds']:.1f}",
            f"{cost['embedded']}",
            f"{cost['peak']:.0f}",
            f"{cost['size']:.1f}",
            f"{cost['kept']:.1f}",
        )
        print(f"{which:6}" + "".join(f"{value:>10}" for value in values))
    for name in ("seconds", "cpu"):
        ratio = total["plain"][name] / total["ours"][name]
        print(f"documents a second by {name}, ours / plain: {ratio:.2f}")


def unchanged(folder: Path, work: Path, count: int) -> None:
    """A second run over `count` short documents that did not change. Their vectors are made up:
    the second run never asks for one."""
    write_folder(folder, ((f"Short {n}", f"Leaflet {n} is short.") for n in range(count)))
    settings = Settings(paths=Paths(knowledge=folder, var=work))
    embedder = flow.make_embedder(settings)
    rng = random.Random(1)

    def made_up(texts: list[str]) -> list[list[float]]:
        axis = [rng.randrange(384) for _ in texts]
        return [[float(n == a) for n in range(384)] for a in axis]

    def read(texts: list[str]) -> list[Reading]:
        no_words = np.zeros((0, 384))
        return [
            Reading(vector=made, words=(), vectors=no_words, asked=[]) for made in made_up(texts)
        ]

    embedder.embed_in_bulk = made_up  # type: ignore[method-assign]
    embedder.read_in_bulk = read  # type: ignore[method-assign,assignment]
    flow.make_embedder = lambda settings: embedder
    first = flow.ingest(settings)
    assert first.passages == count
    started, cpu = time.perf_counter(), time.process_time()
    second = flow.ingest(settings)
    seconds, spent = time.perf_counter() - started, time.process_time() - cpu
    assert second.count("unchanged") == count
    assert not second.swapped
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{count:,} documents: first run {first.seconds:.1f} s; unchanged re-run {seconds:.2f} s "
        f"({spent:.2f} s CPU); peak {peak:.0f} MB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--documents", type=int, default=200)
    parser.add_argument("--corpus", type=Path, help="MedQuAD passages instead of made-up leaflets")
    parser.add_argument("--unchanged", type=int, help="only: re-run over so many documents")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=("ours", "plain"), help="used by the bench itself")
    parser.add_argument("--parts", type=int, default=4)
    parser.add_argument("--work", type=Path, help="used by the bench itself")
    chosen = parser.parse_args()
    if chosen.only:
        serve(chosen.only, chosen.work)
        return
    with tempfile.TemporaryDirectory(prefix="ingest-") as scratch:
        if chosen.unchanged:
            unchanged(Path(scratch) / "knowledge", Path(scratch) / "var", chosen.unchanged)
            return
        count = chosen.documents
        documents = medquad(chosen.corpus, count) if chosen.corpus else leaflets(count, chosen.seed)
        compare(list(documents), Path(scratch), chosen.parts)


if __name__ == "__main__":
    main()
