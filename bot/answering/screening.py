"""Screening: the rules first, then the second look, which may add to what they found, and says
which of the gravest cards it is where they do not know.

One rule: the rules decide by themselves. Where the second look cannot be used, what they found
stands; a message in another language is theirs alone. Where they know by the words that something
grave is told, and only by likeness to examples what it is, the second look says what it is: an
emergency or a crisis it stays.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Self

from bot.answering.second_look import SecondLook, Vectors, load_model
from bot.answering.triage import FEARS_DEATH, LIKENED, LONG_OVER, Triage
from bot.errors import ModelError
from bot.indexing.embedding import Embedder
from bot.raised import Look
from bot.records import Question, Screening
from bot.rules import Hearing, Rules

log = logging.getLogger(__name__)


class Screener:
    """Callable: a question in, what is to be said of it first and what the second look raised."""

    def __init__(
        self, triage: Triage, look: SecondLook | None = None, *, shared: bool = False
    ) -> None:
        """`shared`: the second look has the model of the search, too."""
        self._triage = triage
        self._look = look
        self._shared = shared

    @classmethod
    def open(cls, rules: Rules, triage: Triage, embedder: Embedder) -> Self:
        """With the second look that comes with the bot, over the default embedding model:
        `embedder` if it is that, else one of its own. Raises `RulesError` and `ModelError` where
        its files are missing or do not belong together; the model is loaded on first use."""
        file, heads, changes = load_model()
        shared = embedder.is_default
        if not shared:
            embedder = Embedder(use_adapter=False)
        embedder.attach(changes)
        look = SecondLook(
            file,
            heads,
            embedder.tuned,
            sha256=embedder.sha256,
            hear=lambda: Hearing(rules),
            levels={rule.id: rule.level for rule in rules.flags},
        )
        return cls(triage, look, shared=shared)

    def __call__(self, question: Question, *, english: bool = True) -> tuple[Screening, Look]:
        """Both, one after the other."""
        screening, _ = self.first(question, english=lambda: english)
        return self.again(question, screening, english=english)

    def by_rules(self, question: Question, heard: Hearing | None = None) -> Screening:
        """What the rules find. Needs no model."""
        return self._triage(question, heard)

    def first(
        self,
        question: Question,
        heard: Hearing | None = None,
        *,
        english: Callable[[], bool],
        screening: Screening | None = None,
    ) -> tuple[Screening, Look | None]:
        """`by_rules`, with the card of the second look where only likeness to examples says which
        of the gravest it is. `english`: is the message in that language? Asked only then.
        `screening` is what the rules found, where they were asked before."""
        screening = screening or self.by_rules(question, heard)
        alert, look = screening.alert, self._look
        likened = alert and alert.stops and LIKENED in screening.found
        if not alert or not likened or look is None:
            return screening, None
        try:
            if not english():
                return screening, None
            named = look.grave(question.text, screening.found, heard)
        except Exception as error:  # whatever fails: there is a card already
            log.warning("the rules name the card alone: %s", type(error).__name__)
            return screening, None
        if named and named != alert.rule_id:
            screening = self._triage.with_alarm(screening, named, question)
        return screening, Look(named=named)

    def again(
        self,
        question: Question,
        screening: Screening,
        *,
        english: bool,
        beside: Vectors | None = None,
        heard: Hearing | None = None,
    ) -> tuple[Screening, Look]:
        """The same with what the second look adds. `english`: the message is in that language,
        which alone it has learned. `beside` has the embedder read its texts in a pass that is
        needed anyway; `heard`: where others ask the same of this question."""
        alert = screening.alert
        if self._look is None or not english or (alert and alert.stops):
            return screening, Look()
        try:
            level, beside = alert.level if alert else None, beside if self._shared else None
            look = self._look(question.text, level, screening.found, beside, heard)
        except ModelError as error:
            log.warning("there is no second look: %s", error)
            return screening, Look()
        if look.alarm:
            raised = self._triage.with_alarm(screening, look.alarm.rule_id, question)
            contrary = screening.found & {FEARS_DEATH, LONG_OVER}
            if contrary and raised.alert and raised.alert.level == "crisis":
                # The model has no sense of time, and little of a "not"; the rules read each word.
                return screening, replace(look, alarm=None)
            screening = raised
        return screening, look
