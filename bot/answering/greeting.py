"""Greeting: small talk that is the whole message gets a fixed reply. The bot is never a person."""

from __future__ import annotations

from bot.records import Question
from bot.rules import Rules

_LONGEST = 14


class Greeting:
    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._filler = frozenset(rules.greetings.filler.words)
        self._strength = {rule.id: n for n, rule in enumerate(rules.greetings.greeting)}

    def __call__(self, question: Question) -> str | None:
        """The reply, or None where the message holds anything besides small talk.

        Of several kinds in one message ("hi, who are you?") the last in greetings.toml answers.
        """
        message = self._rules.read(question.text)
        words = message.folded.words
        if not words or len(words) > _LONGEST:
            return None
        found = [
            (rule, hit)
            for rule in self._rules.greetings.greeting
            for hit in message.tagged(f"greet:{rule.id}")
        ]
        covered = {at for _, hit in found for at in range(hit.start, hit.end)}
        left = [w for at, w in enumerate(words) if at not in covered and w not in self._filler]
        if not found or left:
            return None
        return max(found, key=lambda pair: self._strength[pair[0].id])[0].message
