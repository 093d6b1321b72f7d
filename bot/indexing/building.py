"""Building one generation: embed what is new, store it, check that everything holds together.

Part of the indexing flow; it knows the embedder and both stores, they do not know each other.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.errors import DamagedIndex
from bot.gaps import Gaps
from bot.indexing.cache import EmbeddingCache, Vector
from bot.indexing.chunking import chunk_document, heading_text, passage_text
from bot.indexing.embedding import Embedder
from bot.indexing.generations import Generation, Manifest
from bot.indexing.lexical import PassageStore
from bot.indexing.store import VectorRecord, VectorStore, gap_id, question_id
from bot.records import Chunk, SourceDocument
from bot.settings import Settings

GAPS_SOURCE = "not-covered.toml"

_BATCH_TEXTS = 1_000
"""Texts that are embedded and stored together, of as many documents as they come from. Bounds
memory (about 15 MB) and what a killed run must do again (half a minute)."""


@dataclass(frozen=True, slots=True)
class _Cut:
    """A document and its passages, waiting to be embedded."""

    document: SourceDocument
    chunks: list[Chunk]

    @property
    def texts(self) -> Iterator[str]:
        return embedded_texts(self.chunks)


class Builder:
    """Fills one unfinished generation and checks it. Holds one batch of documents at a time.
    `vectors` are open and hold what the files of the generation call for; they are closed here."""

    def __init__(
        self,
        building: Generation,
        vectors: VectorStore,
        embedder: Embedder,
        cache: EmbeddingCache,
        settings: Settings,
        *,
        fresh: bool,
    ) -> None:
        self._building = building
        self._vectors = vectors
        self._embedder = embedder
        self._cache = cache
        self._limit = min(settings.chunking.max_tokens, embedder.window - 2)
        self._waiting: list[_Cut] = []
        self._waiting_texts = 0
        self._replaced: list[str] = []
        self.passage_counts: dict[str, int] = {}
        self._passages = (
            PassageStore.create(building.passages)
            if fresh
            else PassageStore.open_for_writing(building.passages)
        )

    def remove(self, source_ids: Sequence[str]) -> None:
        """Take documents out of both stores."""
        if not source_ids:
            return
        ids = list(self._passages.passage_ids(source_ids))
        self._vectors.delete("passages", (chunk_id for chunk_id, _ in ids))
        self._vectors.delete("questions", (q for i, count in ids for q in _questions(i, count)))
        self._passages.delete(source_ids)

    def put(self, document: SourceDocument, *, replaces: bool) -> None:
        """Put a document in, in the place of its earlier version where it `replaces` one."""
        chunks = chunk_document(
            document, count_tokens=self._embedder.count_tokens, max_tokens=self._limit
        )
        if replaces:
            self._replaced.append(document.info.source_id)
        cut = _Cut(document, chunks)
        self._waiting.append(cut)
        self._waiting_texts += sum(1 for _ in cut.texts)
        if self._waiting_texts >= _BATCH_TEXTS:
            self.flush()

    def flush(self) -> None:
        """Embed and store what waits."""
        waiting, self._waiting, self._waiting_texts = self._waiting, [], 0
        replaced, self._replaced = self._replaced, []
        self.remove(replaced)
        chunks = [chunk for cut in waiting for chunk in cut.chunks]
        read = self._cache.passages(dict.fromkeys(map(passage_text, chunks)))
        vectors = {text: made.vector for text, made in read.items()}
        split = dict.fromkeys(way for cut in waiting for way in _ways_of_split(cut.chunks))
        near = vectors | self._cache.vectors(way for way in split if way not in vectors)
        shared = [_Cut(cut.document, _share_out(cut.chunks, near)) for cut in waiting]
        asked = self._cache.asked(dict.fromkeys(t for c in chunks for t in _question_texts(c)))
        self._passages.add(
            (cut.document, [(chunk, read[passage_text(chunk)].words) for chunk in cut.chunks])
            for cut in shared
        )
        chunks = [chunk for cut in shared for chunk in cut.chunks]
        self._vectors.add("passages", (_passage_record(c, vectors) for c in chunks))
        self._vectors.add("questions", (r for c in chunks for r in _question_records(c, asked)))
        for cut in shared:
            self.passage_counts[cut.document.info.source_id] = len(cut.chunks)

    def put_gaps(self, gaps: Gaps, earlier: int) -> None:
        """Replace the known gaps, `earlier` many until now."""
        self._vectors.delete("questions", (gap_id(n) for n in range(earlier)))
        rows = [(gap.group, text) for gap in gaps.gap for text in gap.questions]
        vectors = self._cache.asked(dict.fromkeys(text for _, text in rows))
        self._vectors.add(
            "questions",
            (
                VectorRecord(
                    record_id=gap_id(n),
                    vector=vectors[text],
                    text=text,
                    source_id=GAPS_SOURCE,
                    chunk_id="",
                    kind="gap",
                    group=group,
                )
                for n, (group, text) in enumerate(rows)
            ),
        )

    def check(self, gap_count: int) -> None:
        """Merge the word index, then raise `DamagedIndex` unless all holds together."""
        self._passages.finish()
        check_together(self._passages, self._vectors, gap_count)

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
            gap_questions=sum(len(gap.questions) for gap in gaps.gap),
            model=self._embedder.name,
            failed=dict(failed),
        )

    def embedded_texts(self, gaps: Gaps) -> Iterator[str]:
        """Every text whose vector this generation holds, document by document."""
        for source_id in self._passages.file_hashes():
            yield from embedded_texts(self._passages.chunks_of(source_id))
        yield from (text for gap in gaps.gap for text in gap.questions)

    def close(self) -> None:
        self._vectors.close()
        self._passages.close()


def check_together(passages: PassageStore, vectors: VectorStore, gap_count: int) -> None:
    """Raise `DamagedIndex` unless both stores hold the same passages and questions and every
    passage stands where its span says."""
    count, questions = passages.count()
    ids = passages.passage_ids
    if (
        vectors.count("passages") != count
        or vectors.count("questions") != questions + gap_count
        or vectors.missing("passages", (chunk_id for chunk_id, _ in ids()))
        or vectors.missing("questions", (q for i, n in ids() for q in _questions(i, n)))
        or vectors.missing("questions", map(gap_id, range(gap_count)))
    ):
        raise DamagedIndex("The new index does not hold together: passages and vectors differ.")
    if damage := passages.damage():
        raise DamagedIndex(f"The new index does not hold together: {damage}.")


def embedded_texts(chunks: Iterable[Chunk]) -> Iterator[str]:
    """What is embedded for passages: text with heading, heading, ways of asking."""
    for chunk in chunks:
        yield passage_text(chunk)
        yield from _question_texts(chunk)


def _question_texts(chunk: Chunk) -> tuple[str, ...]:
    """What questions are matched with for a passage: its heading, then its ways of asking."""
    return (heading_text(chunk), *chunk.asked)


def _questions(chunk_id: str, count: int) -> Iterator[str]:
    """Ids of a passage's records among the questions: its heading, then its ways of asking."""
    return (question_id(chunk_id, number) for number in range(count))


def _passage_record(chunk: Chunk, vectors: Mapping[str, Vector]) -> VectorRecord:
    return VectorRecord(
        record_id=chunk.chunk_id,
        vector=vectors[passage_text(chunk)],
        text=chunk.text,
        source_id=chunk.source.source_id,
        chunk_id=chunk.chunk_id,
        kind="passage",
    )


def _question_records(chunk: Chunk, vectors: Mapping[str, Vector]) -> Iterator[VectorRecord]:
    texts = _question_texts(chunk)
    ids = _questions(chunk.chunk_id, len(texts))
    for number, (record_id, text) in enumerate(zip(ids, texts, strict=True)):
        yield VectorRecord(
            record_id=record_id,
            vector=vectors[text],
            text=text,
            source_id=chunk.source.source_id,
            chunk_id=chunk.chunk_id,
            kind="asked" if number else "heading",
        )


def _share_out(chunks: list[Chunk], vectors: Mapping[str, Vector]) -> list[Chunk]:
    """Give each way of asking to the one passage of its section that is nearest to it, so that a
    section cut in two is not found twice by the same words."""
    shares: dict[int, list[str]] = {number: [] for number in range(len(chunks))}
    for numbers in _by_section(chunks):
        ways = dict.fromkeys(chunks[numbers[0]].asked)
        if len(numbers) == 1:
            shares[numbers[0]] += ways
            continue
        for way in ways:
            near = [(_dot(vectors[passage_text(chunks[n])], vectors[way]), -n, n) for n in numbers]
            shares[max(near)[2]].append(way)
    return [replace(chunk, asked=tuple(shares[n])) for n, chunk in enumerate(chunks)]


def _ways_of_split(chunks: Sequence[Chunk]) -> Iterator[str]:
    """The ways of asking for sections that were cut into several passages."""
    for numbers in _by_section(chunks):
        if len(numbers) > 1:
            yield from chunks[numbers[0]].asked


def _by_section(chunks: Sequence[Chunk]) -> list[list[int]]:
    """The numbers of the passages of each section. Two sections may have one heading; their ways
    of asking tell them apart."""
    found: dict[tuple[tuple[str, ...], tuple[str, ...]], list[int]] = {}
    for number, chunk in enumerate(chunks):
        found.setdefault((chunk.heading, chunk.asked), []).append(number)
    return list(found.values())


def _dot(a: Sequence[float], b: Sequence[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))
