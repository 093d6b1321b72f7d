"""An answer's trace in words that a nurse can read: what was searched, what came back, why these
sentences and not others. For staff; it holds the reader's words and is never logged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bot.records import Answer, Considered, Hit, Span, Trace
from bot.text import flesch_kincaid, words

_PASSAGES = 5
_CLOSENESS = ((0.75, "very close"), (0.6, "close"), (0.45, "some way off"), (-1.0, "far"))
"""Cosines in words; for reading only, nothing is decided by them."""

_OUTCOMES = {
    "answered": "A passage answers it, and its sentences passed the check.",
    "abstained": "No answer was given: the documents do not hold one, or not surely enough.",
    "declined": "No answer was given: the request is about the person's own case.",
    "emergency": "Everything else was stopped by an emergency rule.",
    "crisis": "Everything else was stopped by a crisis rule.",
    "greeting": "It is a greeting.",
    "unsupported_language": "It is not in English.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of the trace. Where it speaks of a place in a document, `linked` is what leads there,
    and `passage` says whether that is a whole passage."""

    before: str = ""
    linked: str = ""
    after: str = ""
    source_id: str | None = None
    span: Span | None = None
    passage: bool = False

    @property
    def text(self) -> str:
        return f"{self.before}{self.linked}{self.after}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A heading with its lines."""

    heading: str
    lines: tuple[Line, ...]


def reading_grade(answer: Answer) -> float | None:
    """Flesch-Kincaid grade of the statements, for staff; patients are not shown a number."""
    said = "\n".join(statement.text for statement in answer.statements)
    return round(flesch_kincaid(said), 1) if said else None


def word_count(answer: Answer) -> int:
    """How many words the statements have."""
    return sum(len(words(statement.text)) for statement in answer.statements)


def explain(answer: Answer) -> tuple[Step, ...]:
    """What happened, step by step, in its order."""
    return tuple(
        Step(
            heading=heading,
            lines=tuple(Line(before=x) if isinstance(x, str) else x for x in lines),
        )
        for heading, lines in _parts(answer)
    )


def _parts(answer: Answer) -> list[tuple[str, list[str] | list[Line]]]:
    parts: list[tuple[str, list[str] | list[Line]]] = [
        ("Outcome", _outcome(answer)),
        ("1. Safety rules", _safety(answer)),
    ]
    trace = answer.trace
    if trace.query:
        parts.append(("2. What was searched for", _searched(trace)))
    if trace.retrieved:
        parts.append(("3. What came back, best first", list(_found(trace))))
    if trace.verdict:
        parts.append(("4. Does the best passage answer it?", _judged(trace)))
    if trace.considered:
        parts.append(("5. Sentences", list(_sentences(answer))))
    if trace.dropped:
        lines = [f"“{d.statement.text}”: {d.why}" for d in trace.dropped]
        parts.append(("6. Dropped by the check against the source", lines))
    spent = ", ".join(f"{name} {ms:.0f} ms" for name, ms in trace.timings_ms.items())
    used = answer.versions
    parts.append(("Time and versions", [spent, f"index {used.index}, model {used.model}"]))
    return parts


def _outcome(answer: Answer) -> list[str]:
    said = _OUTCOMES[answer.outcome]
    return [said, f"Reason on record: {answer.reason}."] if answer.reason else [said]


def _safety(answer: Answer) -> list[str]:
    look = answer.trace.look
    if look and (raised := look.alarm):
        return [
            "No phrase or weight of the rules matched, or only one of a lower level. The second "
            f"look raised rule “{raised.rule_id}” (score {raised.score:.2f}, raised from "
            f"{raised.threshold:.2f})."
        ]
    if look and look.named:
        return [
            "The words tell of an emergency or a crisis, and no phrase says of which; the second "
            f"look takes it for rule “{look.named}”."
        ]
    if answer.alert:
        return [f"Rule “{answer.alert.rule_id}” matched, level {answer.alert.level}."]
    return ["No red-flag or crisis rule matched the message."]


def _searched(trace: Trace) -> list[str]:
    assert trace.query
    lines = [f"The words: {trace.query.text}"]
    if trace.query.expansions:
        lines.append(f"And, for short forms in it: {'; '.join(trace.query.expansions)}")
    return [*lines, *trace.query.notes]


def _found(trace: Trace) -> Iterator[Line]:
    assert trace.retrieved
    for place, hit in enumerate(trace.retrieved.hits[:_PASSAGES], 1):
        signs = "; ".join(_signs(hit))
        yield Line(
            before=f"{place}. ",
            linked=_name(hit),
            after=f" (score {hit.score:.2f}). {signs[:1].upper()}{signs[1:]}.",
            source_id=hit.chunk.source.source_id,
            span=hit.chunk.span,
            passage=True,
        )
    more = len(trace.retrieved.hits) - _PASSAGES
    if more > 0:
        yield Line(before=f"And {more} more that were not used.")


def _signs(hit: Hit) -> Iterator[str]:
    if hit.asked_similarity is not None and hit.matched:
        rank = f", rank {hit.asked_rank}" if hit.asked_rank else ""
        yield f"{_closeness(hit.asked_similarity)} to the stored question “{hit.matched}”{rank}"
    if hit.passage_similarity is not None:
        rank = f", rank {hit.dense_rank}" if hit.dense_rank else ""
        yield f"its text is {_closeness(hit.passage_similarity)}{rank}"
    if hit.lexical_rank is not None:
        yield f"rank {hit.lexical_rank} by shared words"


def _judged(trace: Trace) -> list[str]:
    verdict, retrieved = trace.verdict, trace.retrieved
    assert verdict
    lines = [
        f"Chance that it does: {verdict.score:.0%}; an answer is given from"
        f" {verdict.threshold:.0%}. {verdict.reason[:1].upper()}{verdict.reason[1:]}."
    ]
    if retrieved and retrieved.gap_question:
        lines.append(
            f"Nearest question known not to be covered: “{retrieved.gap_question}”"
            f" ({_closeness(retrieved.gap_similarity or 0.0)}, group {retrieved.gap_group})."
        )
    if retrieved and retrieved.section_share is not None:
        lines.append(
            "How far it fits what people ask of the best passage's section:"
            f" {retrieved.section_share:.0%}; of all known gaps: {retrieved.gap_share or 0:.0%}."
        )
    return lines


def _sentences(answer: Answer) -> Iterator[Line]:
    trace = answer.trace
    assert trace.retrieved
    hits = {hit.chunk.chunk_id: hit for hit in trace.retrieved.hits}
    before = None
    for considered in trace.considered:
        place = considered.quote.chunk_id
        if place != before:
            yield Line(before=f"From {_name(hits[place]) if place in hits else place}:")
        before = place
        yield Line(
            before=f"  {_mark(considered)} ",
            linked=f"“{considered.quote.text}”",
            after=f": {considered.why}.",
            source_id=place.rpartition(":")[0],
            span=considered.quote.span,
        )


def _mark(considered: Considered) -> str:
    return "shown" if considered.shown else "left out"


def _name(hit: Hit) -> str:
    return f"{hit.chunk.source.title}, {' > '.join(hit.chunk.heading)}"


def _closeness(cosine: float) -> str:
    return next(f"{word} ({cosine:.2f})" for least, word in _CLOSENESS if cosine >= least)
