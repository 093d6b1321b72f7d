"""From checked statements to what is shown: numbered citations, related passages, follow-ups."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice

from bot.records import (
    Answer,
    Chunk,
    Citation,
    CitedStatement,
    Hit,
    Quote,
    Reference,
    Related,
    Screening,
    Statement,
)

MAX_RELATED = 3
MAX_FOLLOW_UPS = 3
_NEAR_ASKED, _NEAR_PASSAGE, _NEAR_WITH_WORDS = 0.48, 0.4, 0.25
"""Similarities from which a passage is worth reading for a search: to a way of asking for it, to
its text, and to its text where they share words. Twelve searches for things that no guide holds
("football results", "windows update") found nothing, or a guide on another side of the thing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search of the library gives: `pages` to read, never an answer. `screening` is to be
    shown beside them; `instead` is what the rules say in place of pages."""

    pages: tuple[Related, ...] = ()
    screening: Screening = field(default_factory=Screening)
    instead: Answer | None = None


def cite(
    statements: Sequence[Statement], hits: Sequence[Hit]
) -> tuple[tuple[CitedStatement, ...], tuple[Citation, ...]]:
    """Number the quotes in order of appearance; the same quote keeps its number."""
    chunks = {hit.chunk.chunk_id: hit.chunk for hit in hits}
    numbers: dict[Quote, int] = {}
    shown = []
    for statement in statements:
        marks = tuple(numbers.setdefault(q, len(numbers) + 1) for q in statement.quotes)
        shown.append(
            CitedStatement(text=statement.text, citations=marks, list_item=statement.list_item)
        )
    citations = tuple(
        _citation(number, quote, chunks[quote.chunk_id]) for quote, number in numbers.items()
    )
    return tuple(shown), citations


def _citation(number: int, quote: Quote, chunk: Chunk) -> Citation:
    return Citation(
        number=number,
        passage_id=chunk.chunk_id,
        source=chunk.source,
        heading=chunk.heading,
        page=chunk.page,
        quote=quote.text,
        span=quote.span,
        based_on=_based_on(quote, chunk),
    )


def _based_on(quote: Quote, chunk: Chunk) -> tuple[Reference, ...]:
    """The public pages under a quoted sentence, by the reference keys of our guide."""
    keys = [
        key
        for support in chunk.support
        if support.span.start < quote.span.end and quote.span.start < support.span.end
        for key in support.keys
    ]
    by_key = {reference.key: reference for reference in chunk.source.references}
    return tuple(by_key[key] for key in dict.fromkeys(keys) if key in by_key)


def related(chunks: Iterable[Chunk], most: int = MAX_RELATED) -> tuple[Related, ...]:
    """Up to `most` sections near the question, to be labelled as related and not as an answer."""
    found: dict[tuple[str, tuple[str, ...]], Related] = {}
    for chunk in chunks:
        found.setdefault(
            (chunk.source.source_id, chunk.heading),
            Related(
                passage_id=chunk.chunk_id,
                source=chunk.source,
                heading=chunk.heading,
                span=chunk.span,
                page=chunk.page,
            ),
        )
    return tuple(found.values())[:most]


def worth_reading(hits: Sequence[Hit]) -> tuple[Related, ...]:
    """All sections that are near enough to a search, best first."""
    return related((hit.chunk for hit in hits if _near_enough(hit)), most=len(hits))


def _near_enough(hit: Hit) -> bool:
    passage = hit.passage_similarity or 0.0
    least = _NEAR_WITH_WORDS if hit.words > 0 else _NEAR_PASSAGE
    return passage >= least or (hit.asked_similarity or 0.0) >= _NEAR_ASKED


def follow_ups(
    hits: Sequence[Hit],
    used: Iterable[str],
    siblings: Callable[[str], Sequence[Chunk]],
    may_be_asked: Callable[[str], bool],
) -> tuple[str, ...]:
    """Headings that are questions and were not part of the answer: the index can answer them.

    First those that retrieval found beside the answer, then the answer's own document. Left out
    are those that `may_be_asked` refuses: what would be declined is not offered. And what its
    document keeps for those who ask for it (survival, dying), unless the answer is from there.
    """
    if not hits:
        return ()
    taken = set(used)
    answered = [h.chunk for h in hits if h.chunk.chunk_id in taken]
    taken_headings = {chunk.heading for chunk in answered}
    grave = {chunk.source.source_id for chunk in answered if _only_when_asked(chunk)}
    candidates = [h.chunk for h in hits[1:5]] + list(siblings(hits[0].chunk.source.source_id))
    found = [
        chunk.heading[-1]
        for chunk in candidates
        if chunk.asked
        and chunk.heading not in taken_headings
        and chunk.heading[-1].endswith("?")
        and (chunk.source.source_id in grave or not _only_when_asked(chunk))
    ]
    return tuple(islice(filter(may_be_asked, dict.fromkeys(found)), MAX_FOLLOW_UPS))


def _only_when_asked(chunk: Chunk) -> bool:
    return chunk.heading[-1] in chunk.source.only_when_asked


def offers(hits: Sequence[Hit], may_be_asked: Callable[[str], bool]) -> list[Chunk]:
    """The sections nearest to a question that was not answered, whose headings may be asked
    instead: word for word as the index stores them, so that each is answered by its own section.
    Left out are sections without ways of asking, which nothing is matched with, and what would be
    declined."""
    nearest: dict[str, Chunk] = {}
    for hit in hits:
        if hit.chunk.asked:
            nearest.setdefault(hit.chunk.heading[-1], hit.chunk)
    # Lazily: each heading that is tried may cost a pass of the model.
    return [nearest[h] for h in islice(filter(may_be_asked, nearest), MAX_FOLLOW_UPS)]


def offered(answer: Answer) -> tuple[Related, ...]:
    """The sections whose headings may be asked in the place of a question that was not answered."""
    instead = answer.outcome in ("abstained", "declined") and answer.follow_ups
    return answer.related if instead else ()
