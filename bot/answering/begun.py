"""A question that the rules have read, and the work that follows. Part of the answering flow.

One rule: an alarm that was found is kept, whatever fails behind it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from bot.answering.citing import Found
from bot.answering.reply import Reply
from bot.answering.triage import LIKENED
from bot.errors import BotError, arisen
from bot.records import Answer

log = logging.getLogger(__name__)
_T = TypeVar("_T")


class Begun:
    """`stops`: what the rules found is an emergency or a crisis, so no document will be opened.
    `named`: they say by themselves which, so that no model will be asked either, and the work is
    done at once. One of `ask` and `look_up` may be called, once, in whichever thread."""

    def __init__(
        self,
        reply: Reply,
        answer: Callable[[Reply], Answer],
        pages: Callable[[Reply], Found],
    ) -> None:
        self._reply = reply
        self._answer = answer
        self._pages = pages
        alert = reply.screening.alert
        self.stops = alert is not None and alert.stops
        self.named = LIKENED not in reply.screening.found

    def alarm(self) -> Answer | None:
        """The card alone, as far as one is known of by now. For when the work fails or is not
        waited for; from any thread."""
        return self._reply.only_the_alarm()

    def ask(self) -> Answer:
        """The answer. Raises what `Bot.ask` raises."""
        return self._kept(self._answer, lambda alarm: alarm)

    def look_up(self) -> Found:
        """The pages to read. Raises what `Bot.look_up` raises."""
        return self._kept(self._pages, lambda alarm: Found(instead=alarm))

    def _kept(self, work: Callable[[Reply], _T], alone: Callable[[Answer], _T]) -> _T:
        try:
            return work(self._reply)
        except Exception as error:
            alarm = self.alarm()
            if alarm is None:
                raise
            # What is wrong here must not keep the card from somebody with a fever.
            level = logging.WARNING if isinstance(error, BotError) else logging.ERROR
            log.log(level, "only the alarm is shown: %s", arisen(error))
            return alone(alarm)
