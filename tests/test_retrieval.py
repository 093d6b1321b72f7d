"""Fusion: weighted similarities on the passage's identity."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Self

import pytest

from bot.answering.retrieval import Retriever, Searches, Weights, apart
from bot.order import PRIORITY_STEP
from bot.records import Chunk, Query, Retrieved
from tests.builders import a_document, chunks_of


@dataclass(frozen=True)
class Match:
    chunk_id: str
    similarity: float = 0.5
    text: str = "how"
    kind: str = "asked"
    group: str = ""
    score: float = 5.0
    number: int = 0


@dataclass(frozen=True)
class Outline:
    ways: int
    priority: int

    @classmethod
    def of(cls, chunk: Chunk) -> Self:
        return cls(len(chunk.asked), chunk.source.priority)


CHUNKS = {
    c.chunk_id: c
    for name, front in (("a.md", ""), ("b.md", ""), ("c.md", "priority: 3\n"))
    for c in chunks_of(a_document("Same words here.", name=name, front=front))
}
ASKED = {
    i: replace(c, asked=("one", "two", "three") if i.startswith("a.md") else ("one",))
    for i, c in CHUNKS.items()
}
A, B, C = CHUNKS
BESIDE = ThreadPoolExecutor(1)


def retriever(
    passages: Sequence[Match],
    questions: Sequence[Match],
    words: Sequence[Match],
    chunks: dict[str, Chunk] = CHUNKS,
    gaps: bool = True,
) -> Retriever:
    searches = Searches(
        passages=lambda text, k: passages,
        questions=lambda text, k: questions,
        by_words=lambda text, k: words,
        outlines=lambda ids: {i: Outline.of(chunks[i]) for i in dict.fromkeys(ids)},
        chunks=lambda ids: {i: chunks[i] for i in dict.fromkeys(ids)},
    )
    weights = Weights(passage=1.0, asked=0.5, asked_mean=1.0, heading=0.2, lexical=0.3)
    return Retriever(searches, weights, candidates=10, keep=10, beside=BESIDE, gaps=gaps)


def ids(found: Retriever, **kwargs: object) -> list[str]:
    return [h.chunk.chunk_id for h in found(Query(text="x"), lambda c: False).hits]


def test_found_by_all_beats_found_by_one() -> None:
    order = ids(retriever([Match(B, 0.6), Match(A, 0.6)], [Match(A, 0.6)], [Match(A)]))
    assert order == [A, B]


def test_same_text_in_two_documents_stays_two_hits() -> None:
    assert set(ids(retriever([Match(A), Match(B)], [], []))) == {A, B}


def test_many_ways_of_asking_count_once_by_the_nearest() -> None:
    asked = [Match(B, 0.9), Match(A, 0.8), Match(A, 0.7), Match(A, 0.6)]
    found = retriever([], asked, [], ASKED)
    hits = found(Query(text="x"), lambda c: False).hits
    assert [h.chunk.chunk_id for h in hits] == [B, A]
    assert hits[1].asked_similarity == 0.8
    assert hits[1].asked_rank == 2


def test_gaps_are_reported_and_never_hits() -> None:
    gap = Match("", 0.95, "how do I fix my car", "gap", "cars")
    found = retriever([Match(A)], [gap, Match(A, 0.6)], [])(Query(text="x"), lambda c: False)
    assert found.gap_group == "cars"
    assert found.gap_similarity == 0.95
    assert [h.chunk.chunk_id for h in found.hits] == [A]


def test_an_index_that_knows_no_gaps_is_not_near_to_one() -> None:
    asked = [Match(A, 0.6), Match(B, 0.2)]
    known, unknown = retriever([], asked, []), retriever([], asked, [], gaps=False)
    query = Query(text="x")
    assert known(query, lambda c: False).gap_similarity == 0.2, "no nearer than the last one found"
    assert unknown(query, lambda c: False).gap_similarity is None


def test_priority_decides_only_between_near_equals() -> None:
    near = retriever([Match(A), Match(C)], [Match(A), Match(C)], [])
    assert ids(near)[0] == C
    far = retriever([Match(A, 0.8), Match(C, 0.5)], [Match(A, 0.8)], [Match(A)])
    assert ids(far)[0] == A


def test_a_leaflet_without_ways_of_asking_is_judged_by_its_own_similarity() -> None:
    found = retriever([Match(A, 0.8)], [Match("", 0.1, kind="gap")], [])
    (hit,) = found(Query(text="x"), lambda c: False).hits
    assert hit.asked_similarity is None
    assert hit.score > 0.7


def test_as_many_hits_as_wanted_where_the_best_may_not_be_shown() -> None:
    found = retriever([Match(A, 0.9), Match(B, 0.8), Match(C, 0.1)], [], [])
    found._keep = 1
    assert ids(found) == [A]
    gone, hit = found(Query(text="x"), lambda chunk: chunk.chunk_id == A).hits
    assert (gone.chunk.chunk_id, hit.chunk.chunk_id) == (A, B)
    assert hit.dense_rank == 2


def found_without(withheld: set[str], chunks: dict[str, Chunk] = CHUNKS) -> Retrieved:
    def hidden(chunk: Chunk) -> bool:
        return chunk.chunk_id in withheld

    found = retriever([Match(A, 0.9), Match(B, 0.8), Match(C, 0.5)], [], [], chunks)
    return apart(found(Query(text="x"), hidden), hidden)


def test_what_may_not_be_shown_is_no_hit_and_how_far_it_is_ahead_is_told() -> None:
    everything = found_without(set())
    assert [h.chunk.chunk_id for h in everything.hits] == [A, B, C]
    assert everything.withheld_lead is None
    assert found_without({B}).withheld_lead is None, "it does not come before the first hit"
    without = found_without({A})
    assert [h.chunk.chunk_id for h in without.hits] == [B, C]
    a, b, c = (hit.score for hit in everything.hits)
    assert without.withheld_lead == pytest.approx(a - b)
    both = found_without({A, B})
    assert both.withheld_lead == pytest.approx(a - c - 3 * PRIORITY_STEP), "priority counts"
    assert found_without({A, B, C}) == replace(both, hits=(), withheld_lead=None)


def test_a_leaflet_in_the_place_of_a_guide_is_judged_by_itself() -> None:
    leaflet_left = {A: ASKED[A], B: CHUNKS[B], C: CHUNKS[C]}
    assert found_without({A}, leaflet_left).withheld_lead is None
    a_leaflet_gone_too = {A: CHUNKS[A], B: ASKED[B], C: ASKED[C]}
    lead = found_without({A, B}, a_leaflet_gone_too).withheld_lead
    assert lead is not None, "the guide behind the leaflet counts"


def test_what_is_of_another_language_is_not_withheld() -> None:
    found = retriever([Match(A, 0.9), Match(B, 0.8)], [], [])
    got = found(Query(text="x"), lambda chunk: False, lambda chunk: chunk.chunk_id != A)
    assert [h.chunk.chunk_id for h in got.hits] == [B]
    assert apart(got, lambda chunk: False) == got


@pytest.mark.parametrize(("each", "asked_for"), [(0.0, 30), (1.0, 30), (4.2, 50), (34.0, 80)])
def test_as_many_questions_are_looked_at_as_the_passages_have(each: float, asked_for: int) -> None:
    wanted: list[int] = []
    searches = Searches(
        passages=lambda text, k: [],
        questions=lambda text, k: wanted.append(k) or [],
        by_words=lambda text, k: [],
        outlines=lambda ids: {},
        chunks=lambda ids: {},
    )
    weights = Weights(passage=1.0, asked=0.5, asked_mean=1.0, heading=0.2, lexical=0.3)
    found = Retriever(searches, weights, candidates=10, keep=10, beside=BESIDE, records_each=each)
    assert found(Query(text="x"), lambda c: False).hits == ()
    assert wanted == [asked_for]
