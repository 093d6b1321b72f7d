"""Scope: requests that only someone who knows the person can serve are declined, kindly.

One rule: what is asked about one's own case (dose, medicine, diagnosis, prognosis, results, choice
of treatment) is declined; the same thing asked in general is not.
"""

from __future__ import annotations

from bot.records import Decline, Question
from bot.rules import Message, Rules
from bot.rules.models import ScopeRule


class Scope:
    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    def __call__(self, question: Question) -> Decline | None:
        """The first rule of scope.toml that the message falls under, or None."""
        message = self._rules.read(question.text)
        for rule in self._rules.scope.rule:
            if self._asks(rule, message):
                return Decline(rule_id=rule.id, message=f"{rule.says} {self._rules.scope.closing}")
        return None

    @staticmethod
    def _asks(rule: ScopeRule, message: Message) -> bool:
        """An `unless` phrase that touches a request takes it away."""
        excused = message.tagged(f"scope-unless:{rule.id}")
        return any(
            not any(e.start < hit.end and hit.start < e.end for e in excused)
            for hit in message.tagged(f"scope:{rule.id}")
        )
