"""The public yardstick: NIH questions to their own answers (MedQuAD, CC BY 4.0).

    python -m bot eval medquad --data ../shared/data        prints the table

Ours is the product itself: each answer becomes a leaflet in a folder that `ingest` indexes, and
`retrieve` is asked. MedQuAD names the disease of every answer beside its text, as a real page does
in its title; `ours` gives it to our documents as their title, `ours, no titles` does not, since the
plain recipe never looks at titles. Neither has stored ways of asking. Nothing is tuned on it.
"""

from __future__ import annotations

import gzip
import json
import random
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.answering.flow import Bot
from bot.errors import StoreError
from bot.indexing.embedding import Embedder
from bot.indexing.flow import ingest
from bot.indexing.loading import load
from bot.settings import Settings
from evals.changed_settings import changed
from evals.metrics import mean_reciprocal_rank, ndcg_at, recall_at
from evals.plain_recipe import plain_store

SEED = 20261122
_DEEP = 40
"""Hits asked for, so that ten different answers are among them."""
_ONLY: dict[str, dict[str, float]] = {
    "dense only": {"heading_weight": 0.0, "lexical_weight": 0.0},
    "lexical only": {
        "passage_weight": 0.0,
        "asked_weight": 0.0,
        "asked_mean_weight": 0.0,
        "heading_weight": 0.0,
        "lexical_weight": 1.0,
    },
}
_FRONT = "---\ntitle: {title}\npublisher: {publisher}\n---\n{text}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Yardstick:
    """Answers by id and questions with the ids that answer them."""

    answers: dict[str, dict[str, str]]
    questions: list[tuple[str, frozenset[str]]]


def load_yardstick(folder: Path, *, passages: int, questions: int) -> Yardstick:
    """A sample by a fixed seed: the answers of the sampled questions, all other answers to the same
    diseases (the hard ones), and others up to `passages` (0: all of both).

    Raises `StoreError` where the files are not there.
    """
    corpus_file, query_file = (folder / f"medquad_{n}.jsonl.gz" for n in ("corpus", "queries"))
    if not (corpus_file.is_file() and query_file.is_file()):
        raise StoreError(
            f"MedQuAD is not in {folder}.", hint="Name the folder that holds it with --data."
        )
    corpus = {row["id"]: row for row in _rows(corpus_file)}
    asked = [(row["query"], frozenset(row["relevant"])) for row in _rows(query_file)]
    pick = random.Random(SEED)
    pick.shuffle(asked)
    if questions:
        asked = asked[:questions]
    if passages:
        needed = {i for _, relevant in asked for i in relevant}
        diseases = {corpus[i]["focus"] for i in needed}
        chosen = [i for i, row in corpus.items() if i in needed or row["focus"] in diseases]
        others = sorted(set(corpus) - set(chosen))
        pick.shuffle(others)
        chosen += others[: max(0, passages - len(chosen))]
        corpus = {i: corpus[i] for i in chosen}
    return Yardstick(answers=corpus, questions=asked)


def _rows(path: Path) -> Iterable[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def run(settings: Settings, data: Path, *, passages: int, questions: int) -> dict[str, Any]:
    """The measures of every system on the same sample."""
    yardstick = load_yardstick(data, passages=passages, questions=questions)
    systems: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        for name, titled in (("ours", True), ("ours, no titles", False)):
            base = _indexed(settings, yardstick, root / name.replace(", ", "-"), titled=titled)
            systems[name] = _measure_ours(yardstick, base)
            if titled:
                for part, weights in _ONLY.items():
                    systems[part] = _measure_ours(yardstick, changed(base, retrieval=weights))
        systems["plain recipe"] = _measure(yardstick, _plain(yardstick, root / "plain"))
    return {
        "passages": len(yardstick.answers),
        "questions": len(yardstick.questions),
        "systems": systems,
    }


def _indexed(settings: Settings, yardstick: Yardstick, root: Path, *, titled: bool) -> Settings:
    """Settings of an index of the answers, made by the product's own ingest."""
    folder = root / "knowledge"
    folder.mkdir(parents=True)
    for answer_id, row in yardstick.answers.items():
        title = row["focus"] if titled else answer_id
        text = _written(title, row["source"], row["text"])
        (folder / f"{answer_id}.txt").write_text(text, "utf-8")
    chosen = changed(
        settings,
        paths={"knowledge": folder, "var": root / "var"},
        retrieval={"keep": _DEEP},
    )
    ingest(chosen)
    return chosen


def _written(title: str, publisher: str, text: str) -> str:
    return _FRONT.format(
        title=json.dumps(title), publisher=json.dumps(publisher), text=_prose(text)
    )


def _prose(text: str) -> str:
    """MedQuAD's texts are one line; a loader must not take a stray mark for front matter."""
    return re.sub(r"\s+", " ", text).strip(" -")


def _measure_ours(yardstick: Yardstick, settings: Settings) -> dict[str, Any]:
    bot = Bot.open(settings)

    def search(text: str) -> list[str]:
        hits = bot.retrieve(text).hits
        return [hit.chunk.source.source_id.removesuffix(".txt") for hit in hits]

    try:
        return _measure(yardstick, search)
    finally:
        bot.close()


def _plain(yardstick: Yardstick, folder: Path) -> Callable[[str], list[str]]:
    documents = [
        load(f"{answer_id}.txt", _written(answer_id, row["source"], row["text"]).encode())
        for answer_id, row in yardstick.answers.items()
    ]
    store = plain_store(folder, documents, Embedder(use_adapter=False))

    def search(text: str) -> list[str]:
        found = store.similarity_search(text, k=_DEEP)
        return [piece.metadata["source_id"].removesuffix(".txt") for piece in found]

    return search


def _measure(yardstick: Yardstick, search: Callable[[str], Sequence[str]]) -> dict[str, Any]:
    ranks, relevances, totals = [], [], []
    for text, relevant in yardstick.questions:
        found = list(dict.fromkeys(search(text)))[:10]
        ranks.append(next((n for n, i in enumerate(found, 1) if i in relevant), None))
        relevances.append([i in relevant for i in found])
        totals.append(len(relevant))
    found_at = {
        "recall@1": recall_at(ranks, 1),
        "recall@10": recall_at(ranks, 10),
        "mrr@10": mean_reciprocal_rank(ranks),
        "ndcg@10": ndcg_at(relevances, totals, 10),
    }
    print(found_at, file=sys.stderr, flush=True)  # the next system takes minutes
    return found_at
