"""What one answer is made of, collected while a question goes its way."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from bot.records import (
    Answer,
    Citation,
    CitedStatement,
    Contact,
    Outcome,
    Query,
    Question,
    Related,
    Screening,
    Trace,
    Versions,
)
from bot.rules import Hearing


class Reads(Protocol):
    """What the model makes of the texts of one question (bot/answering/finding.py)."""

    def __call__(self, text: str) -> Any: ...
    def queries(self, index: Any) -> Sequence[Query]: ...
    def beside(self, texts: Sequence[str]) -> Any: ...
    def words(self, index: Any, text: str, k: int) -> Any: ...


@dataclass(slots=True, kw_only=True)
class Reply:
    """`versions` gives those of the named index; `generation` names it once it was used.
    `asked_in` is the language of the question where it is not English; `lead` is the notice in it
    that comes before all others, where the bot has no words of its own in that language."""

    question: Question
    contact: Contact
    versions: Callable[[str | None], Versions]
    read: Reads
    heard: Hearing
    screening: Screening = field(default_factory=Screening)
    language: str = "en"
    asked_in: str | None = None
    lead: str | None = None
    generation: str | None = None
    statements: tuple[CitedStatement, ...] = ()
    citations: tuple[Citation, ...] = ()
    related: tuple[Related, ...] = ()
    follow_ups: tuple[str, ...] = ()
    trace_parts: dict[str, Any] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    started: float = field(default_factory=time.perf_counter)

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Note how long the block took, in milliseconds."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.timings[step] = round((time.perf_counter() - begun) * 1000, 2)

    def only_the_alarm(self, notice: str) -> Answer:
        """Where something failed on the way: what was found of the documents is left out."""
        self.statements, self.citations, self.related, self.follow_ups = (), (), (), ()
        return self.build("abstained", "the documents could not be used", (notice,))

    def build(
        self, outcome: Outcome, reason: str | None = None, notices: tuple[str, ...] = ()
    ) -> Answer:
        """The answer; the standing advice of triage comes after the other notices."""
        lead = (self.lead,) if self.lead else ()
        self.timings["total"] = round((time.perf_counter() - self.started) * 1000, 2)
        return Answer(
            question=self.question,
            outcome=outcome,
            reason=reason,
            alert=self.screening.alert,
            statements=self.statements,
            citations=self.citations,
            related=self.related,
            notices=(*lead, *notices, *self.screening.notices),
            follow_ups=self.follow_ups,
            language=self.language,
            asked_in=self.asked_in,
            contact=self.contact,
            versions=self.versions(self.generation),
            trace=Trace(timings_ms=dict(self.timings), **self.trace_parts),
        )
