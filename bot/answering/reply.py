"""What one answer is made of, collected while a question goes its way."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from bot.messages import load_messages
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
        """Note how long the block took, in milliseconds, with what the step took before."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            taken = (time.perf_counter() - begun) * 1000
            self.timings[step] = round(self.timings.get(step, 0.0) + taken, 2)

    def stop(self) -> Answer | None:
        """Nothing but the card, where the alert stops all else."""
        alert = self.screening.alert
        if alert is None or not alert.stops:
            return None
        return self.build("crisis" if alert.level == "crisis" else "emergency")

    def only_the_alarm(self) -> Answer | None:
        """The card that is known of by now, and that nothing was looked up; None where there is
        none. Changes nothing here: another thread may still be at work on this reply."""
        screening = self.screening
        if screening.alert is None:
            return None
        alone = replace(
            self,
            screening=screening,
            language=screening.language,
            statements=(),
            citations=(),
            related=(),
            follow_ups=(),
            trace_parts=dict(self.trace_parts),
            timings=dict(self.timings),
        )
        notice = load_messages(alone.language).not_looked_up
        reason = "the documents could not be used"
        return alone.stop() or alone.build("abstained", reason, (notice,))

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
