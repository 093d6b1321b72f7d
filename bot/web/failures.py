"""What a reader is told when something fails: one table for chat, plain page and API.

Every entry is fit to show to a patient. What went wrong inside is logged by place, never shown.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.errors import BotError, QuestionError, StoreError
from bot.web.catalogue import Texts
from bot.web.over import OverLimit
from bot.web.service import AnswerTimeout, ServiceBusy, log_failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An HTTP status, what happened, what to do. `retry_after` in seconds where trying again
    helps; `give_back` where the question should come back to be changed."""

    status: int
    title: str
    message: str
    hint: str = ""
    retry_after: int | None = None
    give_back: bool = False


def failure_of(
    error: Exception, texts: Texts, *, place: str, question: str, max_chars: int
) -> Failure:
    """The entry for an error; unexpected ones are logged as `place`."""
    e = texts["error"]
    if isinstance(error, QuestionError):
        length = len(question.strip())
        if length > max_chars:
            message = e["too_long"].format(length=f"{length:,}", most=f"{max_chars:,}")
        else:
            message = e["no_words" if length else "empty"]
        return Failure(
            status=413 if length > max_chars else 422,
            title=e["question_title"],
            message=message,
            hint=e["rephrase"],
            give_back=True,
        )
    if isinstance(error, ServiceBusy):
        return Failure(
            status=503, title=e["busy_title"], message=e["busy"], retry_after=30, give_back=True
        )
    if isinstance(error, AnswerTimeout):
        return Failure(
            status=504, title=e["slow_title"], message=e["slow"], retry_after=30, give_back=True
        )
    if isinstance(error, OverLimit):
        return Failure(
            status=429, title=e["limit_title"], message=e["limit"], retry_after=60, give_back=True
        )
    log_failure(place, error)
    if isinstance(error, StoreError):
        # An index made or a server started meanwhile is taken up without a restart.
        return Failure(
            status=503, title=e["no_guides_title"], message=e["no_guides"], retry_after=30
        )
    status = 503 if isinstance(error, BotError) else 500
    retry = 30 if isinstance(error, BotError) else None
    return Failure(status=status, title=e["title"], message=e["unavailable"], retry_after=retry)
