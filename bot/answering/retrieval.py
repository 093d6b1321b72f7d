"""Retrieval: three searches fused by weighted reciprocal rank on `chunk_id`.

The question is matched with passages (vectors), with the stored ways of asking and headings
(vectors), and with words (FTS5). The nearest known gap is reported beside the hits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.records import Chunk, Hit, Query, Retrieved


class _VectorMatch(Protocol):
    @property
    def similarity(self) -> float: ...
    @property
    def text(self) -> str: ...
    @property
    def chunk_id(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def group(self) -> str: ...


class _WordMatch(Protocol):
    @property
    def chunk_id(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Searches:
    """The three searches and the look-up that retrieval needs: `passages` and `questions` take a
    vector and a number of neighbours, `by_words` takes text, `chunks` takes passage ids."""

    embed: Callable[[str], Sequence[float]]
    passages: Callable[[Sequence[float], int], Sequence[_VectorMatch]]
    questions: Callable[[Sequence[float], int], Sequence[_VectorMatch]]
    by_words: Callable[[str, int], Sequence[_WordMatch]]
    chunks: Callable[[Iterable[str]], Mapping[str, Chunk]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Weights of the searches and the constant of reciprocal rank fusion (Cormack et al. 2009)."""

    dense: float
    asked: float
    lexical: float
    rank_constant: int


class Retriever:
    """Callable: a query in, `Retrieved` out. `accept` says which passages may be shown at all
    (not withdrawn, not overdue)."""

    def __init__(self, searches: Searches, weights: Weights, *, candidates: int, keep: int) -> None:
        self._searches = searches
        self._weights = weights
        self._candidates = candidates
        self._keep = keep

    def __call__(self, query: Query, accept: Callable[[Chunk], bool]) -> Retrieved:
        search, k = self._searches, self._candidates
        words = " ".join((query.text, *query.expansions))
        vector = search.embed(" ".join((query.text, *query.expansions)))
        dense = search.passages(vector, k)
        questions = search.questions(vector, 2 * k)
        asked = _first_of_each(m for m in questions if m.chunk_id)
        lexical = search.by_words(words, k)
        gap = next((m for m in questions if m.kind == "gap"), None)
        chunks = search.chunks(
            [m.chunk_id for m in dense] + list(asked) + [m.chunk_id for m in lexical]
        )
        ranks = (
            {m.chunk_id: n for n, m in enumerate(dense, 1)},
            {chunk_id: n for n, chunk_id in enumerate(asked, 1)},
            {m.chunk_id: n for n, m in enumerate(lexical, 1)},
        )
        similarity = {m.chunk_id: m.similarity for m in dense}
        hits = [
            Hit(
                chunk=chunk,
                score=self._score(chunk_id, ranks),
                dense_rank=ranks[0].get(chunk_id),
                asked_rank=ranks[1].get(chunk_id),
                lexical_rank=ranks[2].get(chunk_id),
                passage_similarity=similarity.get(chunk_id),
                asked_similarity=asked[chunk_id].similarity if chunk_id in asked else None,
                matched=asked[chunk_id].text if chunk_id in asked else None,
            )
            for chunk_id, chunk in chunks.items()
            if accept(chunk)
        ]
        # A preferred leaflet (front matter `priority`) goes first only among near equals.
        hits.sort(key=lambda h: (-h.score * (1 + 0.05 * h.chunk.source.priority), h.chunk.chunk_id))
        return Retrieved(
            hits=tuple(hits[: self._keep]),
            gap_similarity=gap.similarity if gap else 0.0,
            gap_question=gap.text if gap else None,
            gap_group=gap.group if gap else None,
        )

    def _score(self, chunk_id: str, ranks: tuple[dict[str, int], ...]) -> float:
        weights = (self._weights.dense, self._weights.asked, self._weights.lexical)
        constant = self._weights.rank_constant
        best = sum(weights) / (constant + 1)
        total = sum(
            weight / (constant + found[chunk_id])
            for weight, found in zip(weights, ranks, strict=True)
            if chunk_id in found
        )
        return total / best if best else 0.0


def _first_of_each(matches: Iterable[_VectorMatch]) -> dict[str, _VectorMatch]:
    found: dict[str, _VectorMatch] = {}
    for match in matches:
        found.setdefault(match.chunk_id, match)
    return found
