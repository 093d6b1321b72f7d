"""Screening: the rules first, then the second look, which may add to what they found.

One rule: the rules decide by themselves. Where the second look cannot be used, what they found
stands; a message in another language is theirs alone.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Self

from bot.answering.second_look import Heads, ModelFile, SecondLook, load_model
from bot.answering.triage import Triage
from bot.errors import ModelError
from bot.indexing.embedding import DEFAULT_MODEL, model_folder, weights_sha256
from bot.raised import Look
from bot.records import Question, Screening
from bot.rules import Rules
from bot.tuned import TunedModel

log = logging.getLogger(__name__)


class Screener:
    """Callable: a question in, what is to be said of it first and what the second look raised."""

    def __init__(self, triage: Triage, look: SecondLook | None = None) -> None:
        self._triage = triage
        self._look = look

    @classmethod
    def open(cls, rules: Rules, triage: Triage) -> Self:
        """With the second look that comes with the bot, over the default embedding model whatever
        model finds the passages. Raises `RulesError` and `ModelError` where its files are missing
        or do not belong together; the model itself is loaded on first use."""
        file, heads, model, sha256 = _default_look()
        look = SecondLook(
            file,
            heads,
            model,
            sha256=sha256,
            weight=lambda text: rules.weighing.weight(rules.folded(text)),
            levels={rule.id: rule.level for rule in rules.flags},
        )
        return cls(triage, look)

    def load(self) -> None:
        """Load the model now. Raises `ModelError`."""
        if self._look:
            self._look.load()

    def __call__(self, question: Question, *, english: bool = True) -> tuple[Screening, Look]:
        """Both, one after the other."""
        return self.again(question, self.by_rules(question), english=english)

    def by_rules(self, question: Question) -> Screening:
        """What the rules find. Needs no model."""
        return self._triage(question)

    def again(
        self, question: Question, screening: Screening, *, english: bool
    ) -> tuple[Screening, Look]:
        """The same with what the second look adds. `english`: the message is in that language,
        which alone it has learned."""
        alert = screening.alert
        if self._look is None or not english or (alert and alert.stops):
            return screening, Look()
        try:
            found = frozenset(self._triage.found(question))
            look = self._look(question.text, alert.level if alert else None, found)
        except ModelError as error:
            log.warning("there is no second look: %s", error)
            return screening, Look()
        if look.alarm:
            screening = self._triage.with_alarm(screening, look.alarm.rule_id, question)
        return screening, look


@lru_cache(maxsize=1)
def _default_look() -> tuple[ModelFile, Heads, TunedModel, str]:
    """Once in a process: the model takes a second to load and 90 MB."""
    file, heads, changes = load_model()
    folder = model_folder(DEFAULT_MODEL)
    return file, heads, TunedModel(folder, changes), weights_sha256(folder)
