"""What the web edge needs of a bot, and the one place that keeps and warms it.

Opening a bot loads the rules and nothing else; model and index come in a background thread, so
that the process answers `/healthz` at once.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Literal, Protocol, TypeVar

from bot.answering.citing import Found
from bot.errors import BotError, arisen
from bot.records import Answer, Question, SourceDocument, SourceInfo, Versions
from bot.web.over import OverLimit, is_over

_LOG = logging.getLogger("bot.web")
_T = TypeVar("_T")


class Begun(Protocol):
    """The part of `bot.answering.begun.Begun` that is used here."""

    stops: bool
    named: bool

    def alarm(self) -> Answer | None: ...
    def ask(self) -> Answer: ...
    def look_up(self) -> Found: ...


class Bot(Protocol):
    """The part of `bot.answering.flow.Bot` that pages and API use."""

    def begin(self, question: Question) -> Begun: ...
    def document(self, source_id: str) -> SourceDocument: ...
    def sources(self) -> tuple[SourceInfo, ...]: ...
    def warm(self) -> None: ...
    def readiness(self) -> tuple[str, ...]: ...
    def versions(self) -> Versions: ...
    def close(self) -> None: ...


class ServiceBusy(BotError):
    """As many questions wait as may wait."""

    hint = "Raise BOT_WEB__ANSWERS_WAITING, or run more than one service behind a proxy."


class AnswerTimeout(BotError):
    """An answer took longer than a reader should wait for it."""

    hint = "Raise BOT_WEB__ANSWER_SECONDS, or find out what holds the service up."


State = Literal["ready", "starting", "no_guides"]
THREADS = 40
"""For whatever is no question that waits: the number that Starlette and Gradio have for all."""


class Service:
    """Keeps one bot for the life of the process. Safe to call from several threads.

    `at_once` questions are worked on together and `waiting` more may wait, `most` in all; each has
    `seconds`. The rules read a question before it waits: an emergency or a crisis takes no place,
    and an alarm is shown whether or not there is one.
    """

    def __init__(
        self, bot: Bot, *, at_once: int = 4, waiting: int = 64, seconds: float = 20.0
    ) -> None:
        self.bot = bot
        self._warmed = threading.Event()
        self._problem: str | None = None
        self.most = at_once + waiting
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="answer")
        self._grave = ThreadPoolExecutor(at_once, thread_name_prefix="alarm")
        self._room = threading.Semaphore(self.most)
        self._seconds = seconds

    def ask(self, question: Question) -> Answer:
        """The bot's answer. Raises what the bot raises, `ServiceBusy` at once where there is no
        room, `AnswerTimeout` after the time limit (the work itself goes on to its end), `OverLimit`
        where the request is one too many of its address; never where there is an alarm to show."""
        begun = self.bot.begin(question)
        return self._kept(begun, begun.ask, lambda alarm: alarm)

    def look_up(self, question: Question) -> Found:
        """The pages that the bot finds for a search; as `ask`."""
        begun = self.bot.begin(question)
        return self._kept(begun, begun.look_up, lambda alarm: Found(instead=alarm))

    def _kept(self, begun: Begun, work: Callable[[], _T], alone: Callable[[Answer], _T]) -> _T:
        """What the work gives; where it gives nothing and there is an alarm, that alone."""
        if is_over():
            alarm = begun.alarm()
            if alarm is None:
                raise OverLimit("Many questions came from one address.")
            return alone(alarm)
        try:
            if not begun.stops:
                return self._in_turn(work)
            # Which of the gravest cards it is takes a moment of the model, where no phrase says it.
            return work() if begun.named else self._result(self._grave.submit(work))
        except Exception as error:
            alarm = begun.alarm()
            if alarm is None:
                raise
            _LOG.warning("only the alarm is shown: %s", arisen(error))
            return alone(alarm)

    def _in_turn(self, work: Callable[[], _T]) -> _T:
        if not self._room.acquire(blocking=False):
            raise ServiceBusy("Too many questions are waiting.")
        future = self._pool.submit(work)
        future.add_done_callback(lambda _: self._room.release())
        return self._result(future)

    def _result(self, future: Future[_T]) -> _T:
        try:
            return future.result(self._seconds)
        except TimeoutError:
            if future.done() and not future.cancelled():
                raise  # the bot's own
            future.cancel()
            raise AnswerTimeout("The answer took too long.") from None

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

    def languages(self) -> frozenset[str]:
        """The languages of the guides; none where there is no index."""
        try:
            return frozenset(source.language for source in self.bot.sources())
        except BotError:
            return frozenset()

    def stop(self) -> None:
        for pool in (self._pool, self._grave):
            pool.shutdown(wait=False, cancel_futures=True)
        self.bot.close()

    def state(self) -> State:
        """What a page should say of the service before the first question."""
        if not self._warmed.is_set():
            return "starting"
        return "no_guides" if self.problems() else "ready"

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
    _LOG.error("%s failed: %s", place, arisen(error))
