"""Whether the request at hand is one too many of its address: then it gets an alarm or nothing.

The mark stands in a context variable for the time of a request, as the language does.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from bot.errors import BotError

_OVER: ContextVar[bool] = ContextVar("over", default=False)


class OverLimit(BotError):
    """One question too many of its address, and no red flag in it."""

    hint = "Raise BOT_WEB__REQUESTS_PER_MINUTE, or set BOT_WEB__TRUSTED_PROXIES behind a proxy."


@contextmanager
def over_limit() -> Iterator[None]:
    """For the time of a request above the limit."""
    token = _OVER.set(True)
    try:
        yield
    finally:
        _OVER.reset(token)


def is_over() -> bool:
    """Is this request above the limit?"""
    return _OVER.get()
