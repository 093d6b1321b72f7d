"""Building one generation: embed what is new, store it, check that everything holds together.

Part of the indexing flow; it knows the embedder and both stores, they do not know each other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from bot.errors import DamagedIndex
from bot.gaps import Gaps
from bot.indexing.chunking import chunk_document, passage_text
from bot.indexing.embedding import Embedder
from bot.indexing.generations import Generation, Manifest
from bot.indexing.lexical import PassageStore
from bot.indexing.store import VectorRecord, VectorStore
from bot.records import Chunk, SourceDocument
from bot.settings import Settings

GAPS_SOURCE = "not-covered.toml"

Progress = Callable[[int, int, str], None]
"""Told before each document that is embedded: how many are done, of how many, and which."""


class Builder:
    """Fills one unfinished generation and checks it."""

    def __init__(
        self,
        building: Generation,
        embedder: Embedder,
        settings: Settings,
        progress: Progress,
        *,
        fresh: bool,
    ) -> None:
        self._building = building
        self._embedder = embedder
        self._settings = settings
        self._progress = progress
        self.embedded = 0
        self.passage_counts: dict[str, int] = {}
        if fresh:
            building.vectors.mkdir()
            self._passages = PassageStore.create(building.passages)
            self._vectors = VectorStore.in_folder(building.vectors)
            self._vectors.create()
        else:
            self._passages = PassageStore.open_for_writing(building.passages)
            self._vectors = VectorStore.in_folder(building.vectors)

    def apply(
        self, *, remove: Iterable[str], add: Sequence[SourceDocument], gaps: Gaps | None
    ) -> None:
        """Take documents out, put documents in, and replace the known gaps unless None."""
        for source_id in remove:
            self._passages.delete(source_id)
            self._vectors.delete_source(source_id)
        limit = min(self._settings.chunking.max_tokens, self._embedder.window - 2)
        for number, document in enumerate(add):
            self._progress(number, len(add), document.info.source_id)
            self._add(document, limit)
        if add:
            self._progress(len(add), len(add), "done")
        if gaps is not None:
            self._vectors.delete_source(GAPS_SOURCE)
            self._add_gaps(gaps)
        self._passages.finish()

    def _embed(self, texts: Sequence[str]) -> list[list[float]]:
        self.embedded += len(texts)
        return self._embedder.embed_documents(list(texts))

    def _add(self, document: SourceDocument, limit: int) -> None:
        chunks = chunk_document(
            document, count_tokens=self._embedder.count_tokens, max_tokens=limit
        )
        if not chunks:
            return
        asked = list(dict.fromkeys(way for chunk in chunks for way in chunk.asked))
        headings = list(dict.fromkeys(" - ".join(chunk.heading) for chunk in chunks))
        vectors = self._embed([*(passage_text(c) for c in chunks), *headings, *asked])
        passage_vectors = vectors[: len(chunks)]
        question_vectors = dict(zip([*headings, *asked], vectors[len(chunks) :], strict=True))
        chunks = _share_out(chunks, passage_vectors, question_vectors)
        self._passages.add(document, chunks)
        self.passage_counts[document.info.source_id] = len(chunks)
        source_id = document.info.source_id
        self._vectors.add(
            "passages",
            [
                VectorRecord(
                    record_id=chunk.chunk_id,
                    vector=vector,
                    text=chunk.text,
                    source_id=source_id,
                    chunk_id=chunk.chunk_id,
                    kind="passage",
                )
                for chunk, vector in zip(chunks, passage_vectors, strict=True)
            ],
        )
        self._vectors.add(
            "questions",
            [
                VectorRecord(
                    record_id=f"{chunk.chunk_id}#{number}",
                    vector=question_vectors[text],
                    text=text,
                    source_id=source_id,
                    chunk_id=chunk.chunk_id,
                    kind="asked" if number else "heading",
                )
                for chunk in chunks
                for number, text in enumerate([" - ".join(chunk.heading), *chunk.asked])
            ],
        )

    def _add_gaps(self, gaps: Gaps) -> None:
        texts = [q for gap in gaps.gap for q in gap.questions]
        groups = [gap.group for gap in gaps.gap for _ in gap.questions]
        self._vectors.add(
            "questions",
            [
                VectorRecord(
                    record_id=f"gap:{group}:{number}",
                    vector=vector,
                    text=text,
                    source_id=GAPS_SOURCE,
                    chunk_id="",
                    kind="gap",
                    group=group,
                )
                for number, (text, group, vector) in enumerate(
                    zip(texts, groups, self._embed(texts), strict=True)
                )
            ],
        )

    def check(self) -> None:
        """Raises `DamagedIndex` unless both stores hold the same passages and every passage's
        text stands where its span says."""
        chunk_ids = self._passages.chunk_ids()
        if chunk_ids != self._vectors.ids("passages"):
            raise DamagedIndex("The new index does not hold together: passages and vectors differ.")
        questions = [i for i in self._vectors.ids("questions") if not i.startswith("gap:")]
        if len(questions) != self._passages.asked_count():
            raise DamagedIndex("The new index does not hold together: questions are missing.")
        for source_id in self._passages.file_hashes():
            document = self._passages.document(source_id)
            for chunk in self._passages.chunks_of(source_id):
                if chunk.span.of(document.text) != chunk.text or not chunk.text.strip():
                    raise DamagedIndex(f"The passage {chunk.chunk_id} is not in its document.")

    def manifest(self, marks: dict[str, Any], failed: dict[str, str], gaps: Gaps) -> Manifest:
        return Manifest(
            generation=self._building.name,
            created=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            fingerprint=marks,
            documents=self._passages.file_hashes(),
            passages=self._vectors.count("passages"),
            questions=self._vectors.count("questions"),
            gaps_hash=gaps.hash,
            gap_groups={gap.group: gap.instead for gap in gaps.gap},
            model=self._embedder.name,
            failed=dict(failed),
        )

    def close(self) -> None:
        self._vectors.close()
        self._passages.close()


def _share_out(
    chunks: list[Chunk],
    passage_vectors: list[list[float]],
    question_vectors: dict[str, list[float]],
) -> list[Chunk]:
    """Give each way of asking to the one passage of its section that is nearest to it, so that a
    section cut in two is not found twice by the same words."""
    by_heading: dict[tuple[str, ...], list[int]] = {}
    for number, chunk in enumerate(chunks):
        by_heading.setdefault(chunk.heading, []).append(number)
    shares: dict[int, list[str]] = {number: [] for number in range(len(chunks))}
    for numbers in by_heading.values():
        for way in dict.fromkeys(chunks[numbers[0]].asked):
            vector = question_vectors[way]
            near = [(_dot(passage_vectors[n], vector), -n, n) for n in numbers]
            shares[max(near)[2]].append(way)
    return [replace(chunk, asked=tuple(shares[n])) for n, chunk in enumerate(chunks)]


def _dot(a: Sequence[float], b: Sequence[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))
