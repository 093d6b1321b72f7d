"""The loaded rules and a message seen through them: its words, phrases and frames, found once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import inf

from bot.rules import temperature
from bot.rules.context import Context
from bot.rules.folding import Folded, fold
from bot.rules.models import (
    ContactFile,
    FlagRule,
    FollowUp,
    GreetingFile,
    LanguageFile,
    ScopeFile,
    ScopePoints,
)
from bot.rules.nearest import Nearest
from bot.rules.phrases import Hit, PhraseBook
from bot.rules.spelling import Spelling
from bot.rules.spoken_loading import Spoken
from bot.rules.weighing import Weighing

Slots = Mapping[str, tuple[Hit, ...]]


def _by_tag(hits: Iterable[Hit]) -> dict[str, tuple[Hit, ...]]:
    found: dict[str, list[Hit]] = {}
    for hit in hits:
        found.setdefault(hit.tag, []).append(hit)
    return {tag: tuple(of_tag) for tag, of_tag in found.items()}


@dataclass(frozen=True, slots=True)
class Message:
    """One message: folded words, what phrases hit by tag, and the frames they stand in."""

    folded: Folded
    hits: Mapping[str, tuple[Hit, ...]]
    context: Context

    def tagged(self, tag: str) -> tuple[Hit, ...]:
        return self.hits.get(tag, ())


def request_signs(folded: Folded, found: Slots) -> frozenset[str]:
    """What scope_points.toml may give points for: the slots that a message fills, as `<slot>`, and
    its words; every number is `#`."""
    words = ("#" if word[0].isdigit() else word for word in folded.words)
    return frozenset(words) | {f"<{name}>" for name in found}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Everything that the rule files say, checked and compiled."""

    flags: tuple[FlagRule, ...]
    follow_ups: tuple[FollowUp, ...]
    scope: ScopeFile
    points: ScopePoints
    greetings: GreetingFile
    languages: LanguageFile
    contacts: ContactFile
    book: PhraseBook
    requests: PhraseBook
    spelling: Spelling
    weighing: Weighing
    nearest: Nearest
    temperature: temperature.Words
    spoken: Mapping[str, Spoken]

    def read(self, text: str) -> Message:
        """The message as the rules see it. Keeps nothing of the text after it returns."""
        return self.seen(self.folded(text))

    def seen(self, folded: Folded) -> Message:
        """`read` of what is folded."""
        hits = self.book.find(folded)
        return Message(folded, _by_tag(hits), Context(folded, hits))

    def without_points(self) -> Rules:
        """The same rules where phrases decide alone; for fitting the points."""
        return replace(
            self,
            points=ScopePoints(base=0.0, floor=-inf, limit=inf, signs={}),
            weighing=self.weighing.without_points(),
            spoken={
                code: replace(each, flags=each.flags.without_points())
                for code, each in self.spoken.items()
            },
        )

    def slots(self, folded: Folded) -> Slots:
        """What fills the slots of scope.toml, by slot."""
        return _by_tag(self.requests.find(folded))

    def request_points(self, folded: Folded, slots: Slots | None = None) -> float:
        """What a text has in scope_points.toml: how much it reads like a request about one's own
        case. `slots`: where the caller has found what fills them."""
        found = self.slots(folded) if slots is None else slots
        return self.points.total(request_signs(folded, found))

    def folded(self, text: str) -> Folded:
        return fold(text, self.spelling, self.spelling)

    def knows(self, word: str) -> bool:
        """Is it a word of the rules or of the list of real English words?"""
        return word in self.spelling
