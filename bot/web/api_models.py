"""The shape of `bot.wire.answer_json` for the published schema; a test holds them together."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from bot.records import AlertLevel, Outcome


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", protected_namespaces=())


class ActionBody(_Body):
    text: str
    href: str | None


class AlertBody(_Body):
    """A red flag. `emergency` and `crisis` come without statements; show it before all else."""

    level: AlertLevel
    rule_id: str
    message: str
    actions: list[ActionBody]


class StatementBody(_Body):
    text: str
    citations: list[int]
    list_item: bool


class ReferenceBody(_Body):
    publisher: str
    title: str
    url: str
    seen: str


class CitationBody(_Body):
    """`quote` is the canonical text of `source_id` from `start` to `end` (code points)."""

    number: int
    passage_id: str
    source_id: str
    title: str
    publisher: str | None
    heading: list[str]
    page: int | None
    url: str | None
    reviewed: str | None
    published: str | None
    clinically_reviewed: bool
    quote: str
    start: int
    end: int
    based_on: list[ReferenceBody]


class RelatedBody(_Body):
    """A passage near the question. It is not an answer."""

    passage_id: str
    source_id: str
    title: str
    publisher: str | None
    heading: list[str]
    start: int
    end: int


class ContactBody(_Body):
    name: str
    phone: str | None
    hours: str | None
    after_hours_phone: str | None


class VersionsBody(_Body):
    app: str
    index: str | None
    model: str | None
    writer: str


class AnswerBody(_Body):
    id: str | None
    question: str
    outcome: Outcome
    reason: str | None
    alert: AlertBody | None
    statements: list[StatementBody]
    citations: list[CitationBody]
    related: list[RelatedBody]
    notices: list[str]
    follow_ups: list[str]
    language: str
    asked_in: str | None
    contact: ContactBody
    timings_ms: dict[str, float]
    versions: VersionsBody
    about: str


class Kept(_Body):
    """What was kept of a piece of feedback: `words` only with the reader's consent."""

    kept: Literal["verdict", "words"]


class Problem(_Body):
    """RFC 9457 problem, with whom to call."""

    type: str
    title: str
    status: int
    detail: str
    contact: ContactBody
    about: str
    errors: list[str] | None = None
