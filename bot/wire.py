"""The JSON form of an answer: one shape for the command line, the API and every integrator."""

from __future__ import annotations

from typing import Any

from bot.records import Alert, Answer, Citation, Contact, Reference, Related


def answer_json(answer: Answer, *, request_id: str | None = None) -> dict[str, Any]:
    """The answer as DESIGN §5 lays it out. Dates are ISO 8601; offsets are code points."""
    return {
        "id": request_id,
        "question": answer.question.text,
        "outcome": answer.outcome,
        "reason": answer.reason,
        "alert": _alert(answer.alert) if answer.alert else None,
        "statements": [
            {"text": s.text, "citations": list(s.citations), "list_item": s.list_item}
            for s in answer.statements
        ],
        "citations": [_citation(c) for c in answer.citations],
        "related": [_related(r) for r in answer.related],
        "notices": list(answer.notices),
        "follow_ups": list(answer.follow_ups),
        "contact": contact_json(answer.contact),
        "timings_ms": {"total": 0.0, **answer.trace.timings_ms},
        "versions": {
            "app": answer.versions.app,
            "index": answer.versions.index,
            "model": answer.versions.model,
            "writer": answer.versions.writer,
        },
        # Beyond DESIGN §5, at the end: the language of our own words, and of the question.
        "language": answer.language,
        "asked_in": answer.asked_in,
    }


def contact_json(contact: Contact) -> dict[str, Any]:
    return {
        "name": contact.name,
        "phone": contact.phone,
        "hours": contact.hours,
        "after_hours_phone": contact.after_hours_phone,
    }


def _alert(alert: Alert) -> dict[str, Any]:
    return {
        "level": alert.level,
        "rule_id": alert.rule_id,
        "message": alert.message,
        "actions": [{"text": a.text, "href": a.href} for a in alert.actions],
    }


def _citation(citation: Citation) -> dict[str, Any]:
    source = citation.source
    return {
        "number": citation.number,
        "passage_id": citation.passage_id,
        "source_id": source.source_id,
        "title": source.title,
        "publisher": source.publisher,
        "heading": list(citation.heading),
        "page": citation.page,
        "url": source.url,
        "reviewed": source.reviewed.isoformat() if source.reviewed else None,
        "published": source.published.isoformat() if source.published else None,
        "clinically_reviewed": source.clinically_reviewed,
        "quote": citation.quote,
        "start": citation.span.start,
        "end": citation.span.end,
        "based_on": [_reference(r) for r in citation.based_on],
    }


def _reference(reference: Reference) -> dict[str, Any]:
    return {
        "publisher": reference.publisher,
        "title": reference.title,
        "url": reference.url,
        "seen": reference.seen.isoformat(),
    }


def _related(related: Related) -> dict[str, Any]:
    return {
        "passage_id": related.passage_id,
        "source_id": related.source.source_id,
        "title": related.source.title,
        "publisher": related.source.publisher,
        "heading": list(related.heading),
        "start": related.span.start,
        "end": related.span.end,
    }
