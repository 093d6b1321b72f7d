"""Retrieval: three searches, fused into one score a passage, on the passage's identity.

The question is matched with passages (vectors), with the stored ways of asking and headings
(vectors), and with words (FTS5). A score is a weighted sum of similarities, not of ranks: on the
development questions that put the right section first far more often (docs/decisions/0001). The
nearest question known not to be covered is reported beside the hits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Protocol

from bot.order import WORD_SCALE, hit_worth, worth
from bot.records import Chunk, Hit, Query, Retrieved

_NEAREST = 3
"""How many ways of asking count in the mean."""
_QUESTIONS_EACH = (3, 8)
"""Question neighbours fetched for each passage neighbour, least and most: near sections bring
several of their about twenty ways of asking, leaflets have none to bring."""


class _VectorMatch(Protocol):
    @property
    def similarity(self) -> float: ...
    @property
    def text(self) -> str: ...
    @property
    def number(self) -> int: ...
    @property
    def chunk_id(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def group(self) -> str: ...


class _WordMatch(Protocol):
    @property
    def chunk_id(self) -> str: ...
    @property
    def score(self) -> float: ...


class _Outline(Protocol):
    @property
    def ways(self) -> int: ...
    @property
    def priority(self) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Searches:
    """The three searches and the look-ups that retrieval needs: `passages`, `questions`
    and `by_words` take text and a number of neighbours, `outlines` and `chunks` take passage
    ids. Outlines, what a score needs of a passage, are looked up for all that was found, whole
    passages for the best only: several hundred are found."""

    passages: Callable[[str, int], Sequence[_VectorMatch]]
    questions: Callable[[str, int], Sequence[_VectorMatch]]
    by_words: Callable[[str, int], Sequence[_WordMatch]]
    outlines: Callable[[Iterable[str]], Mapping[str, _Outline]]
    chunks: Callable[[Iterable[str]], Mapping[str, Chunk]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What each similarity weighs: to the passage, to the nearest way of asking, to the mean of
    the three nearest, to the heading, and the match of words."""

    passage: float
    asked: float
    asked_mean: float
    heading: float
    lexical: float


@dataclass(slots=True)
class _Candidate:
    passage: float | None = None
    asked: list[float] = field(default_factory=list)
    heading: float | None = None
    words: float = 0.0
    nearest: int | None = None


def anything(chunk: Chunk) -> bool:
    """Accepts every passage."""
    return True


class Retriever:
    """Callable: a query in, `Retrieved` out. Among its hits are some that may not be shown, those
    that `withheld` names (withdrawn, overdue): `apart` takes them out once the hits are in their
    last order. `accept` says which are wanted (of a language). `records_each` is how many headings
    and ways of asking a passage has on average: more of them than so many a passage need not be
    looked at. `gaps`: does the index know questions that it does not cover? `beside` searches the
    stored questions while the other two searches run: half of the time is spent in the stores,
    outside Python."""

    def __init__(
        self,
        searches: Searches,
        weights: Weights,
        *,
        candidates: int,
        keep: int,
        beside: Executor,
        records_each: float = 0.0,
        gaps: bool = True,
    ) -> None:
        self._searches = searches
        self._beside = beside
        self._gaps = gaps
        least, most = _QUESTIONS_EACH
        self._questions = candidates * min(most, max(least, math.ceil(records_each)))
        self._weights = weights
        self._candidates = candidates
        self._keep = keep

    def __call__(
        self,
        query: Query,
        withheld: Callable[[Chunk], bool],
        accept: Callable[[Chunk], bool] = anything,
    ) -> Retrieved:
        search, k = self._searches, self._candidates
        # People wrote the stored questions, abbreviations and all: what is spelled out beside
        # "GVHD" leads away from them.
        awaited = self._beside.submit(search.questions, query.text, self._questions)
        dense = search.passages(query.full, k)
        lexical = search.by_words(query.full, k)
        near = (match.chunk_id for matches in (dense, lexical) for match in matches)
        outlines = dict(search.outlines(near))  # of those at hand, while the questions are sought
        questions = awaited.result()
        found = _gather(dense, questions, lexical)
        floors = (_lowest(dense), _lowest(questions))
        asked_order = _order({i: c.asked[0] for i, c in found.items() if c.asked})
        dense_order = {m.chunk_id: n for n, m in enumerate(dense, 1)}
        word_order = {m.chunk_id: n for n, m in enumerate(lexical, 1)}

        def hit(chunk: Chunk, score: float) -> Hit:
            chunk_id, own = chunk.chunk_id, found[chunk.chunk_id]
            return Hit(
                chunk=chunk,
                score=score,
                dense_rank=dense_order.get(chunk_id),
                asked_rank=asked_order.get(chunk_id),
                lexical_rank=word_order.get(chunk_id),
                passage_similarity=own.passage,
                asked_similarity=max(own.asked, default=None),
                asked_mean=_nearest_mean(own, len(chunk.asked), floors[1]),
                words=own.words,
                matched=_words_of(chunk, own.nearest),
            )

        hits: list[Hit] = []
        shown = 0
        ranked = iter(self._ranked(found, outlines, floors))
        while shown < self._keep and (best := dict(islice(ranked, self._keep))):
            chunks = search.chunks(best)
            for chunk_id, score in best.items():
                chunk = chunks[chunk_id]
                if shown < self._keep and accept(chunk):
                    hits.append(hit(chunk, score))
                    shown += not withheld(chunk)
        gap = next((m for m in questions if m.kind == "gap"), None)
        return Retrieved(
            hits=tuple(hits),
            # A gap beyond the neighbours fetched is at most as near as the farthest of them.
            gap_similarity=gap.similarity if gap else floors[1] if self._gaps else None,
            gap_question=gap.text if gap else None,
            gap_group=gap.group if gap else None,
        )

    def _ranked(
        self,
        found: Mapping[str, _Candidate],
        outlines: dict[str, _Outline],
        floors: tuple[float, float],
    ) -> list[tuple[str, float]]:
        """Passage ids with their scores, best first, near equals by their priority. `outlines`:
        those known already."""
        outlines |= self._searches.outlines(found.keys() - outlines.keys())
        ranked = [
            (chunk_id, self._score(found[chunk_id], outline.ways, floors), outline.priority)
            for chunk_id, outline in outlines.items()
        ]
        ranked.sort(key=lambda entry: (-worth(entry[1], entry[2]), entry[0]))
        return [(chunk_id, score) for chunk_id, score, _ in ranked]

    def _score(self, found: _Candidate, ways: int, floors: tuple[float, float]) -> float:
        """Weighted mean of the similarities. What a search did not return counts as its lowest
        neighbour; a passage without ways of asking is judged by its own similarity instead."""
        weights = self._weights
        passage = floors[0] if found.passage is None else found.passage
        heading = floors[1] if found.heading is None else found.heading
        mean = _nearest_mean(found, ways, floors[1])
        if mean is None:
            asked = mean = passage
        else:
            asked = found.asked[0] if found.asked else floors[1]
        total = (
            weights.passage * passage
            + weights.asked * asked
            + weights.asked_mean * mean
            + weights.heading * heading
            + weights.lexical * found.words / WORD_SCALE
        )
        size = weights.passage + weights.asked + weights.asked_mean + weights.heading
        return total / size if size else total


def apart(retrieved: Retrieved, withheld: Callable[[Chunk], bool]) -> Retrieved:
    """The hits that may be shown, and how far one of the others is ahead of the first of them: in
    score, priority counted. None where none is, and where only one of both has ways of asking: a
    leaflet that takes the place of a guide is judged by itself."""
    hits: list[Hit] = []
    ahead: list[Hit] = []
    for hit in retrieved.hits:
        if not withheld(hit.chunk):
            hits.append(hit)
        elif not hits:
            ahead.append(hit)
    alike = [h for h in ahead if hits and bool(h.chunk.asked) == bool(hits[0].chunk.asked)]
    lead = max(map(hit_worth, alike)) - hit_worth(hits[0]) if alike else None
    return replace(retrieved, hits=tuple(hits), withheld_lead=lead)


def _gather(
    dense: Iterable[_VectorMatch],
    questions: Iterable[_VectorMatch],
    lexical: Iterable[_WordMatch],
) -> dict[str, _Candidate]:
    found: dict[str, _Candidate] = {}
    for match in dense:
        found.setdefault(match.chunk_id, _Candidate()).passage = match.similarity
    for match in questions:
        if not match.chunk_id:
            continue
        candidate = found.setdefault(match.chunk_id, _Candidate())
        if candidate.nearest is None:
            candidate.nearest = match.number
        if match.kind == "heading":
            candidate.heading = match.similarity
        candidate.asked.append(match.similarity)  # a heading is a way of asking, too
    for word in lexical:
        found.setdefault(word.chunk_id, _Candidate()).words = word.score
    return found


def _nearest_mean(found: _Candidate, ways: int, floor: float) -> float | None:
    """Mean of the nearest ways of asking, `floor` for those not returned; None without any."""
    if not ways:
        return None
    nearest = [*found.asked[:_NEAREST], *[floor] * _NEAREST][: min(_NEAREST, ways)]
    return sum(nearest) / len(nearest)


def _words_of(chunk: Chunk, number: int | None) -> str | None:
    """The way of asking of this number; 0 is the heading."""
    if number is None:
        return None
    return (" - ".join(chunk.heading), *chunk.asked)[number]


def _lowest(matches: Sequence[_VectorMatch]) -> float:
    return min((m.similarity for m in matches), default=0.0)


def _order(similarities: Mapping[str, float]) -> dict[str, int]:
    ordered = sorted(similarities, key=lambda i: -similarities[i])
    return {chunk_id: n for n, chunk_id in enumerate(ordered, 1)}
