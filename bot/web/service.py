"""What the web edge needs of a bot, and the one place that keeps and warms it.

Opening a bot loads the rules and nothing else; model and index come in a background thread, so
that the process answers `/healthz` at once.
"""

from __future__ import annotations

import logging
import threading
import traceback
from typing import Protocol

from bot.errors import BotError
from bot.records import Answer, Question, SourceDocument, SourceInfo, Versions

_LOG = logging.getLogger("bot.web")


class Bot(Protocol):
    """The part of `bot.answering.flow.Bot` that pages and API use."""

    def ask(self, question: Question) -> Answer: ...
    def document(self, source_id: str) -> SourceDocument: ...
    def sources(self) -> tuple[SourceInfo, ...]: ...
    def warm(self) -> None: ...
    def readiness(self) -> tuple[str, ...]: ...
    def versions(self) -> Versions: ...
    def close(self) -> None: ...


class Service:
    """Keeps one bot for the life of the process. Safe to call from several threads."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self._warmed = threading.Event()
        self._problem: str | None = None

    def start(self) -> None:
        """Warm the bot in the background. Requests that come earlier wait for what they need."""
        threading.Thread(target=self._warm, name="warm-up", daemon=True).start()

    def _warm(self) -> None:
        try:
            self.bot.warm()
        except BotError as error:
            # Not fatal: an index made later is picked up, and triage works without one.
            self._problem = f"{error} {error.hint}".strip()
            _LOG.warning("not ready: %s", type(error).__name__)
        except Exception as error:
            self._problem = "The start-up failed. See the log of the service."
            log_failure("warm-up", error)
        finally:
            self._warmed.set()

    def stop(self) -> None:
        self.bot.close()

    def problems(self) -> tuple[str, ...]:
        """Why the service cannot answer now, in plain words; empty where it can."""
        if not self._warmed.is_set():
            return ("The model and the index are still loading.",)
        found = self.bot.readiness()
        if not found:
            self._problem = None
        elif self._problem and self._problem not in found:
            return (self._problem, *found)
        return found


def log_failure(place: str, error: BaseException) -> None:
    """Log where an unexpected error arose, never its message: that can hold a patient's words."""
    frames = traceback.extract_tb(error.__traceback__)
    where = " < ".join(f"{f.filename.rsplit('/', 1)[-1]}:{f.lineno}" for f in reversed(frames))
    _LOG.error("%s failed: %s at %s", place, type(error).__name__, where)
