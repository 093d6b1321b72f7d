"""What the scripted bot tells staff of its answers, and the documents as staff see them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bot.errors import UnknownSource
from bot.records import (
    Chunk,
    Considered,
    Dropped,
    Hit,
    Query,
    Question,
    Quote,
    Retrieved,
    SourceDocument,
    SourceInfo,
    Statement,
    Trace,
    Verdict,
)
from bot.text import sentence_spans

if TYPE_CHECKING:
    from tests.scripted_bot import ScriptedBot


def passages_of(document: SourceDocument) -> list[Chunk]:
    """Each section as one passage."""
    return [
        Chunk(
            source=document.info,
            heading=section.heading,
            span=section.span,
            text=section.span.of(document.text),
            page=section.page,
        )
        for section in document.sections
    ]


def trace_of(question: Question, document: SourceDocument, *, answers: bool = True) -> Trace:
    """A way from the question to the document: two sentences shown, the others left out, one
    dropped by the check; or too far to answer."""
    chunks = passages_of(document)
    hits = tuple(
        Hit(
            chunk=chunk,
            score=0.9 - number / 10,
            dense_rank=number,
            lexical_rank=number + 1,
            asked_rank=number,
            passage_similarity=0.7 - number / 10,
            asked_similarity=0.8 - number / 10,
            matched=f"a stored question like {question.text[:200]}",
        )
        for number, chunk in enumerate(chunks, start=1)
    )
    considered = tuple(
        Considered(
            quote=Quote(chunk_id=chunk.chunk_id, span=span, text=span.of(document.text)),
            shown=number < 2,
            why="the passage's first sentence" if number < 2 else "less close than those shown",
            relevance=0.5,
        )
        for chunk in chunks
        for number, span in enumerate(
            s
            for s in sentence_spans(document.text)
            if chunk.span.start <= s.start and s.end <= chunk.span.end
        )
    )
    verdict = Verdict(
        kind="answerable" if answers else "unanswerable",
        reason="close to a stored question" if answers else "known gap",
        score=0.82 if answers else 0.21,
        threshold=0.5,
    )
    lost = Statement(text="A sentence that its source does not hold.", quotes=())
    return Trace(
        query=Query(
            text=question.text, expansions=("hematopoietic cell transplant",), notes=("A note.",)
        ),
        retrieved=Retrieved(
            hits=hits,
            gap_similarity=0.4 if answers else 0.8,
            gap_question="what will the weather be",
            gap_group="other-subjects",
        ),
        verdict=verdict,
        considered=considered if answers else (),
        dropped=(Dropped(statement=lost, why="no quote"),) if answers else (),
        timings_ms={"triage": 1.0, "find": 20.0},
    )


class ScriptedShelf:
    """The scripted bot's documents as a `bot.review.shelf.Shelf`, and as what it opens."""

    def __init__(self, bot: ScriptedBot) -> None:
        self._bot = bot

    @contextmanager
    def open(self) -> Iterator[ScriptedShelf]:
        yield self

    def sources(self) -> tuple[SourceInfo, ...]:
        return tuple(sorted(self._bot.sources(), key=lambda info: info.title))

    def counts(self) -> dict[str, int]:
        return {info.source_id: len(self.passages(info.source_id)) for info in self.sources()}

    def document(self, source_id: str) -> SourceDocument:
        return self._bot.document(source_id)

    def passages(self, source_id: str) -> list[Chunk]:
        try:
            return passages_of(self._bot.document(source_id))
        except UnknownSource:
            return []
