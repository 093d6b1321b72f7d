"""What readers say of an answer, one JSON line each in `var/feedback.jsonl`.

Without the reader's tick no word of theirs is kept: neither question nor answer nor comment, only
the verdict, the kind of answer, which sources it cited, the index and the time (R29).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from bot.appending import appending
from bot.errors import BotError
from bot.records import Outcome

FeedbackVerdict = Literal["helped", "did_not_help", "hard_to_understand", "looks_wrong"]
MOST_IN_COMMENT = 4_000
"""Characters of a comment, a line break counted as one, as browsers count them."""
_INDEX_NAME = re.compile(r"[0-9]{8}T[0-9]{6}-[0-9]{1,10}")


class FeedbackFull(BotError):
    """The file has reached its size; nothing more is kept."""

    hint = "Read and move var/feedback.jsonl, or raise BOT_PRIVACY__FEEDBACK_MAX_BYTES."


class FeedbackBody(BaseModel):
    """Feedback as a page sends it. `question`, `answer` and `comment` are kept only with `share`,
    the reader's explicit consent."""

    model_config = ConfigDict(extra="forbid")

    verdict: FeedbackVerdict
    outcome: Outcome
    sources: list[str] = Field(default_factory=list, max_length=40)
    index: str | None = Field(default=None, max_length=64)
    share: bool = False
    question: str | None = Field(default=None, max_length=20_000)
    answer: str | None = Field(default=None, max_length=40_000)
    comment: str | None = Field(default=None, max_length=MOST_IN_COMMENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedWords:
    """What the reader agreed to show to the care team."""

    question: str
    answer: str
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """One line of the file. `at` is UTC, to the minute."""

    at: str
    verdict: FeedbackVerdict
    outcome: Outcome
    sources: tuple[str, ...]
    index: str | None
    shared: SharedWords | None = None


def feedback_of(
    body: FeedbackBody,
    known_sources: frozenset[str],
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Feedback:
    """What is kept of a body. Sources that the index does not hold and index names that are none
    are dropped: no free text comes in through them."""
    shared = None
    if body.share:
        shared = SharedWords(
            question=(body.question or "").strip(),
            answer=(body.answer or "").strip(),
            comment=(body.comment or "").strip(),
        )
    named = body.index if body.index and _INDEX_NAME.fullmatch(body.index) else None
    return Feedback(
        at=now().strftime("%Y-%m-%dT%H:%MZ"),
        verdict=body.verdict,
        outcome=body.outcome,
        sources=tuple(s for s in dict.fromkeys(body.sources) if s in known_sources),
        index=named,
        shared=shared,
    )


class FeedbackLog:
    """Appends lines, each whole on disk before the reader is thanked."""

    def __init__(self, path: Path, *, max_bytes: int) -> None:
        self.path = path
        self._max = max_bytes

    def add(self, feedback: Feedback) -> None:
        """Raises `FeedbackFull`; `OSError` where the disk does not take it."""
        entry: dict[str, Any] = asdict(feedback)
        line = json.dumps(entry, ensure_ascii=False).encode("utf-8")
        with appending(self.path, mode=0o600) as log:
            if log.size + len(line) + 1 > self._max:
                raise FeedbackFull("The feedback file is full.")
            log.add(line)
