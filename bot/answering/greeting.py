"""Greeting: small talk that is the whole message gets a fixed reply. The bot is never a person."""

from __future__ import annotations

from collections.abc import Iterable

from bot.records import Question
from bot.rules import Hearing, Rules
from bot.rules.folding import Folded
from bot.rules.models import GreetingFile
from bot.rules.phrases import Hit

_LONGEST = 14
_TAG = "greet:"


class Greeting:
    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._filler = frozenset(rules.greetings.filler.words)
        self._strength = {rule.id: n for n, rule in enumerate(rules.greetings.greeting)}

    def __call__(
        self, question: Question, language: str = "en", heard: Hearing | None = None
    ) -> tuple[str, str] | None:
        """The reply and its language, or None where the message holds anything besides small talk.

        It is in the language of the message, or in `language` where that is English. Of several
        kinds in one message ("hi, who are you?") the last in greetings.toml answers. `heard`: where
        others ask the same of this question.
        """
        heard = heard or Hearing(self._rules)
        message = heard.message(question.text)
        hits = [hit for each in message.hits.values() for hit in each]
        kind = self._kind(message.folded, hits, self._filler)
        if kind:
            spoken = self._rules.spoken.get(language)
            said = _said(spoken.greetings, kind) if spoken else None
            return (said, language) if said else (_said(self._rules.greetings, kind) or "", "en")
        for code, spoken in self._rules.spoken.items():
            folded, found = heard.spoken(code, question.text)
            kind = self._kind(folded, found, frozenset(spoken.greetings.filler.words))
            said = _said(spoken.greetings, kind) if kind else None
            if said:
                return said, code
        return None

    def _kind(self, folded: Folded, hits: Iterable[Hit], filler: frozenset[str]) -> str | None:
        """The kind of small talk that fills the whole message."""
        words = folded.words
        if not words or len(words) > _LONGEST:
            return None
        found = [hit for hit in hits if hit.tag.startswith(_TAG)]
        covered = {at for hit in found for at in range(hit.start, hit.end)}
        if not found or any(at not in covered and w not in filler for at, w in enumerate(words)):
            return None
        kinds = {hit.tag.removeprefix(_TAG) for hit in found}
        return max(kinds, key=lambda kind: self._strength.get(kind, -1))


def _said(file: GreetingFile, kind: str) -> str | None:
    return next((greeting.message for greeting in file.greeting if greeting.id == kind), None)
