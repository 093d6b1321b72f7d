"""The question path without the writer as the index grows, against the bare cost of embedding the
question plus one Chroma query, and the plain recipe's search, in the same run.

Run: python bench/query.py --passages 1000 10000 100000 --corpus medquad_corpus.jsonl.gz

Texts are sentences of the corpus, drawn anew for each passage; vectors are random mixtures of real
passages' vectors plus noise, because embedding 100,000 passages would take an hour and the search
does not care. Each passage has a heading and `--ways` ways of asking (two; ours have more, leaflets
of a clinic none, and nobody writes any for a million passages). Questions are the
corpus' own focus words in a patient's phrase. The path is `Bot.ask` without the writer and what
follows it: triage, the second look, scope, rewriting, retrieval, answerability.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import logging
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # as app.py serves
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bot.answering.flow import Bot
from bot.chains import LocalEmbeddings
from bot.gaps import load_gaps
from bot.indexing import flow
from bot.indexing.building import Builder
from bot.indexing.cache import EmbeddingCache, PassageVectors
from bot.indexing.places import generations
from bot.indexing.word_vectors import packed
from bot.reading import Reading
from bot.records import Question, Section, SourceDocument, SourceInfo, Span
from bot.settings import Paths, Settings
from bot.text import sentence_spans

SECTIONS = 5
QUESTIONS = 100
_WARM_UP = 5
_WAYS = ("tell me of", "at home with", "how long is", "who gets", "why would there be")
_PHRASES = (
    "what is {}",
    "what helps against {} after a transplant",
    "how is {} treated",
    "is {} normal at home",
    "do I have to call someone because of {}",
)


def read_corpus(path: Path, limit: int) -> tuple[list[str], list[str]]:
    """Sentences and topics of the first passages."""
    sentences, topics = [], []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            if number == limit:
                break
            entry = json.loads(line)
            topics.append(entry["focus"])
            text = entry["text"]
            sentences += [s.of(text) for s in sentence_spans(text) if 30 < s.end - s.start < 300]
    return sentences, list(dict.fromkeys(topics))


def documents(
    passages: int, sentences: list[str], topics: list[str], rng: random.Random, ways: int = 2
) -> Iterator[SourceDocument]:
    """Documents of five sections, one passage each."""
    for number in range(passages // SECTIONS):
        title = f"{rng.choice(topics)} {number}"
        text, sections = title, []
        for part in range(SECTIONS):
            topic = rng.choice(topics)
            heading = f"{rng.choice(('What is', 'How is', 'When is'))} {topic} {part}"
            body = " ".join(rng.choices(sentences, k=6))
            start = len(text) + len(heading) + 4
            text = f"{text}\n\n{heading}\n\n{body}"
            sections.append(
                Section(
                    heading=(heading,),
                    span=Span(start=start, end=start + len(body)),
                    asked=tuple(
                        f"{words} {topic} number {number} {part}" for words in _WAYS[:ways]
                    ),
                )
            )
        yield SourceDocument(
            info=SourceInfo(source_id=f"synthetic/{number:07}.md", title=title),
            text=text,
            sections=tuple(sections),
            file_hash=f"{number:064x}",
        )


class Mixtures:
    """Unit vectors of made-up texts: two real vectors mixed, and noise. Their words are those of
    six real sentences."""

    def __init__(self, real: list[Reading], seed: int) -> None:
        import numpy as np

        self._real = np.asarray([made.vector for made in real], dtype=np.float32)
        self._words = [packed(made.vectors) for made in real]
        self._random = np.random.default_rng(seed)

    def __call__(self, texts: list[str]) -> list[list[float]]:
        n, width = len(texts), self._real.shape[1]
        picks = self._random.integers(0, len(self._real), (2, n))
        share = self._random.random((n, 1), dtype="float32")
        mixed = share * self._real[picks[0]] + (1 - share) * self._real[picks[1]]
        mixed += 0.02 * self._random.standard_normal((n, width), dtype="float32")
        mixed /= (mixed**2).sum(axis=1, keepdims=True) ** 0.5
        made: list[list[float]] = mixed.tolist()
        return made

    def read(self, texts: list[str]) -> list[PassageVectors]:
        picks = self._random.integers(0, len(self._words), (len(texts), 6))
        return [
            PassageVectors(vector=vector, words=b"".join(self._words[n] for n in six))
            for vector, six in zip(self(texts), picks, strict=True)
        ]


def build(settings: Settings, corpus: Path, passages: int, seed: int, ways: int = 2) -> None:
    """Build an index of so many passages; print rate and size."""
    sentences, topics = read_corpus(corpus, 3_000)
    rng = random.Random(seed)
    embedder = flow.make_embedder(settings)
    mixtures = Mixtures(embedder.read_in_bulk(rng.sample(sentences, 400)), seed)
    all_generations = generations(settings)
    gaps = load_gaps(settings.paths.knowledge)
    started = time.perf_counter()
    with all_generations.writing():
        building = all_generations.begin()
        # A folder cannot be opened as a cache: made-up vectors are not kept.
        logging.disable()
        cache = EmbeddingCache(settings.paths.var, {}, mixtures, mixtures, mixtures.read)
        vectors = all_generations.new_vectors(building, None)
        builder = Builder(building, vectors, embedder, cache, settings, fresh=True)
        for document in documents(passages, sentences, topics, rng, ways):
            builder.put(document, replaces=False)
        builder.flush()
        builder.put_gaps(gaps, 0)
        builder.check(sum(len(gap.questions) for gap in gaps.gap))
        manifest = builder.manifest(flow.fingerprint(settings, embedder), {}, gaps)
        builder.close()
        building.write_manifest(manifest)
        final = all_generations.finish(building)
    size = sum(p.stat().st_size for p in final.folder.rglob("*") if p.is_file())
    seconds = time.perf_counter() - started
    rate = passages / seconds
    print(f"built {passages:,}: {seconds:.0f} s ({rate:.0f}/s), {size / 1e6:,.0f} MB", flush=True)


Call = Callable[[str], object]


def times(call: Call, questions: list[str], clock: Callable[[], float]) -> list[float]:
    """Milliseconds of each call."""
    for text in questions[:3]:
        call(text)
    taken = []
    for text in questions:
        start = clock()
        call(text)
        taken.append((clock() - start) * 1000)
    return taken


def in_turns(calls: dict[str, Call], questions: list[str]) -> dict[str, list[tuple[float, float]]]:
    """Milliseconds by the clock and of the processor of each call for each question; all calls for
    one question before the next, each one first in turn, so that a busy machine slows all alike."""
    names = list(calls)
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    for number, text in enumerate([*questions[:_WARM_UP], *questions]):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            wall, cpu = time.perf_counter(), time.process_time()
            calls[name](text)
            cost = (time.perf_counter() - wall, time.process_time() - cpu)
            if number >= _WARM_UP:
                taken[name].append((cost[0] * 1000, cost[1] * 1000))
    return taken


def p50_p95(taken: list[float]) -> tuple[float, float]:
    cuts = statistics.quantiles(taken, n=20)
    return cuts[9], cuts[18]


def is_searched_for(bot: Bot, text: str) -> bool:
    """Whether the rules leave this question to the documents."""
    return bot._before_documents(bot._reply(Question(text=text))) is None


def path(bot: Bot, text: str) -> object:
    """What `Bot.ask` does before it writes."""
    reply = bot._reply(Question(text=text))
    assert bot._before_documents(reply) is None
    with bot._index.use() as index:
        return bot._find_and_judge(index, reply.read)


def measure(settings: Settings, corpus: Path, passages: int, seed: int, count: int) -> None:
    """Print what a question costs: the whole path, the bare cost, and the plain recipe's search of
    the same passages; then the steps of the path."""
    _, topics = read_corpus(corpus, 3_000)
    rng = random.Random(seed + 1)
    bot = Bot.open(settings)
    bot.warm()
    embedder = bot._embedder
    drawn = (rng.choice(_PHRASES).format(rng.choice(topics).lower()) for _ in range(9 * count))
    questions = list(itertools.islice(filter(lambda t: is_searched_for(bot, t), drawn), count))
    with bot._index.use() as index:
        collection = index.vectors._collection("passages")
        plain = index.vectors.as_langchain(LocalEmbeddings(embedder))

        def bare(text: str) -> object:
            vector: Sequence[float] = embedder.embed_query(text)
            return collection.query(query_embeddings=[vector], n_results=10)

        costs = in_turns(
            {
                "bare": bare,
                "plain": lambda t: plain.similarity_search(t, k=10),
                "path": lambda t: path(bot, t),
            },
            questions,
        )
        read = {text: embedder.read_query(text) for text in questions}
        found = {t: bot.retrieve(t).hits[:5] for t in questions}
        steps: dict[str, Call] = {
            "rules": lambda t: bot._screen.by_rules(Question(text=t)),
            "scope": lambda t: bot._scope(Question(text=t)),
            "rewrite": lambda t: bot._find.queries(index, Question(text=t)),
            "embed": embedder.embed_query,
            "read": embedder.read_query,
            "read with second look": lambda t: embedder.read_beside([t], [t]),
            "passages": lambda t: index.vectors.search("passages", read[t].vector, 40),
            "questions": lambda t: index.vectors.search("questions", read[t].vector, 120),
            "words": lambda t: index.passages.search(t, 40),
            "chunks": lambda t: index.passages.chunks(h.chunk.chunk_id for h in found[t]),
            "word vectors": lambda t: index.passages.word_vectors(
                [h.chunk.chunk_id for h in found[t]]
            ),
        }
        medians = {
            name: p50_p95(times(call, questions, time.process_time))[0]
            for name, call in steps.items()
        }
    bot.close()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{passages:,} passages, {memory:.0f} MB")
    print(f"{'':>8}{'p50':>8}{'p95':>8}{'x bare':>8}{'CPU p50':>9}{'x bare':>8}")
    wall = {name: p50_p95([c[0] for c in taken]) for name, taken in costs.items()}
    cpu = {name: p50_p95([c[1] for c in taken])[0] for name, taken in costs.items()}
    for name, (p50, p95) in wall.items():
        ratios = p50 / wall["bare"][0], cpu[name] / cpu["bare"]
        print(f"{name:>8}{p50:8.1f}{p95:8.1f}{ratios[0]:8.2f}{cpu[name]:9.1f}{ratios[1]:8.2f}")
    print("CPU p50: " + ", ".join(f"{name} {value:.1f}" for name, value in medians.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--passages", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--corpus", type=Path, required=True, help="MedQuAD passages, .jsonl.gz")
    parser.add_argument("--keep", type=Path, help="build the indexes here and use them again")
    parser.add_argument("--questions", type=int, default=QUESTIONS)
    parser.add_argument("--ways", type=int, choices=range(len(_WAYS) + 1), default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=("build", "measure"), help="used by the bench itself")
    chosen = parser.parse_args()
    if chosen.only:
        settings = Settings(paths=Paths(var=chosen.keep / str(chosen.passages[0])))
        corpus, passages, seed = chosen.corpus, chosen.passages[0], chosen.seed
        if chosen.only == "build":
            build(settings, corpus, passages, seed, chosen.ways)
        else:
            measure(settings, corpus, passages, seed, chosen.questions)
        return
    folder = chosen.keep or Path(tempfile.mkdtemp(prefix="query-"))
    for passages in chosen.passages:
        # Processes of their own, so that memory is that of serving.
        same = ["--corpus", chosen.corpus, "--keep", folder, "--seed", str(chosen.seed)]
        same += ["--questions", str(chosen.questions), "--ways", str(chosen.ways)]
        for step in ("build", "measure"):
            if step == "build" and (folder / str(passages) / "index/current").exists():
                continue
            command = [sys.executable, __file__, "--passages", str(passages), "--only", step]
            subprocess.run([*command, *same], check=True)
    if not chosen.keep:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
