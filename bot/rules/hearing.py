"""What the rules make of the texts of one question: each folded and searched once.

Triage, second look, scope and greeting ask the same of the same words. One object for a question,
not kept beyond it: question text must not stay in a cache (R29). Not for several threads.
"""

from __future__ import annotations

from bot.rules.folding import Folded
from bot.rules.phrases import Hit
from bot.rules.ruleset import Message, Rules, Slots


class Hearing:
    """Memory of one question. Each method gives what the method of `Rules` that it names gives."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._folded: dict[str, Folded] = {}
        self._messages: dict[str, Message] = {}
        self._slots: dict[str, Slots] = {}
        self._spoken: dict[tuple[str, str], tuple[Folded, list[Hit]]] = {}

    def folded(self, text: str) -> Folded:
        """`Rules.folded`."""
        if text not in self._folded:
            self._folded[text] = self._rules.folded(text)
        return self._folded[text]

    def message(self, text: str) -> Message:
        """`Rules.read`."""
        if text not in self._messages:
            self._messages[text] = self._rules.seen(self.folded(text))
        return self._messages[text]

    def slots(self, text: str) -> Slots:
        """`Rules.slots`."""
        if text not in self._slots:
            self._slots[text] = self._rules.slots(self.folded(text))
        return self._slots[text]

    def request_points(self, text: str) -> float:
        """How much it reads like a request about one's own case (scope_points.toml)."""
        return self._rules.request_points(self.folded(text), self.slots(text))

    def weight(self, text: str) -> float:
        """How much its words tell of a sign (triage_points.toml)."""
        return self._rules.weighing.weight(self.folded(text))

    def spoken(self, code: str, text: str) -> tuple[Folded, list[Hit]]:
        """`SpokenFlags.tagged` of another language."""
        if (code, text) not in self._spoken:
            self._spoken[code, text] = self._rules.spoken[code].flags.tagged(text)
        return self._spoken[code, text]
