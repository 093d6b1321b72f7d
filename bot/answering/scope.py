"""Scope: requests that only someone who knows the person can serve are declined, kindly.

One rule: what is asked about one's own case (dose, medicine, diagnosis, prognosis, results, choice
of treatment) is declined; the same thing asked in general is not. A message that holds both is
declined, but for what `unless` names. Requests in words that no rule foresees are found by points
(scope_points.toml): here where the words alone leave no doubt, else by the second look, which knows
more than words. Where the words of a long message plainly speak against a request, its points lie
below the floor and no phrase declines it: phrases cannot foresee all plain questions that hold
their words (decision 0018).
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from bot.records import Decline, Question
from bot.rules import Hearing, Rules
from bot.rules.folding import CLAUSE, Folded
from bot.rules.models import GeneralSection, ScopeRule
from bot.rules.phrases import Hit
from bot.rules.ruleset import Slots

OWN_CASE = "own-case"
"""The rule that declines by points."""
LONG, SHORT_OF_FLOOR = 10, 1.2
"""In `LONG` words or more a message says enough for its words to speak against any phrase. In
fewer, where it is one piece, they speak against those of rules that are not `sure`, from so much
below the floor."""

_BEFORE, _AFTER = 3, 1
"""How many pieces around the one that asks may hold what is asked about."""

_LINKS = frozenset("and but or so then also plus because".split())
_OPENERS = frozenset(
    "should can could shall may might must ought would will do does did is are am was were has "
    "have what which when where who why how any".split()
)
_PERSONS = frozenset("i we he she it they my this that these those the you".split())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Need:
    """A request: `ask` and every one of `others` stand near each other, and nothing of `nots`
    stands in the piece that asks."""

    ask: str
    others: tuple[str, ...]
    nots: tuple[str, ...]


class Scope:
    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._needs = [
            (rule, tuple(_need(text) for text in rule.needs)) for rule in rules.scope.rule
        ]
        self._general = {rule.id: rule.general for rule in rules.scope.rule}

    def __call__(
        self,
        question: Question,
        language: str = "en",
        asked_in: str | None = None,
        heard: Hearing | None = None,
    ) -> Decline | None:
        """The first rule of scope.toml that the message falls under, or None. `language` is what
        to say it in, `asked_in` the language of the message where it is not English; `heard`:
        where others ask the same of this question."""
        heard = heard or Hearing(self._rules)
        rule = self._of_own_case(question, heard) or self._of_phrases(question, asked_in, heard)
        return self._decline(rule, language) if rule else None

    def of_look(
        self,
        rule_id: str,
        question: Question,
        language: str = "en",
        heard: Hearing | None = None,
    ) -> Decline | None:
        """What is said where the second look found a request of that rule; None where the words
        take it away (`unless`, `unless_alone`)."""
        heard = heard or Hearing(self._rules)
        rule = next(rule for rule, _ in self._needs if rule.id == rule_id)
        found, starts = heard.slots(question.text), _pieces(heard.folded(question.text))
        if found.keys() & set(rule.unless) or self._plain(rule, found, starts):
            return None
        return self._decline(rule, language)

    def _of_phrases(
        self, question: Question, asked_in: str | None, heard: Hearing
    ) -> ScopeRule | None:
        """The first rule of scope_LANGUAGE.toml: phrases alone, without the pieces of English."""
        if asked_in is None or asked_in not in self._rules.spoken:
            return None
        tags = {hit.tag for hit in heard.spoken(asked_in, question.text)[1]}
        return next((rule for rule, _ in self._needs if f"scope:{rule.id}" in tags), None)

    def _of_own_case(self, question: Question, heard: Hearing) -> ScopeRule | None:
        folded = heard.folded(question.text)
        found = heard.slots(question.text)
        starts = _pieces(folded)
        standing = [each for each in self._needs if not found.keys() & set(each[0].unless)]
        points = heard.request_points(question.text)
        floor = self._rules.points.floor
        if len(folded.words) >= LONG and points < floor:
            return None
        plain = len(starts) == 1 and points < floor - SHORT_OF_FLOOR
        for rule, needs in standing:
            if plain and not rule.sure:
                continue
            if any(_asks(need, found, starts, len(folded.words)) for need in needs):
                return rule
        if points >= self._rules.points.limit:
            own = next((rule for rule, _ in standing if rule.id == OWN_CASE), None)
            return None if own and self._plain(own, found, starts) else own
        return None

    def _plain(self, rule: ScopeRule, found: Slots, starts: list[int]) -> bool:
        """Does the message ask one thing, and one that a leaflet tells everybody?"""
        return len(starts) == 1 and bool(found.keys() & set(rule.unless_alone))

    def _decline(self, rule: ScopeRule, language: str) -> Decline:
        spoken = self._rules.spoken.get(language)
        texts = {text.id: text.says for text in spoken.scope.rule} if spoken else {}
        closing = spoken.scope.closing if spoken else self._rules.scope.closing
        said = texts.get(rule.id)
        message = f"{said} {closing}" if said else f"{rule.says} {self._rules.scope.closing}"
        return Decline(rule_id=rule.id, message=message)

    def general(self, rule_id: str) -> tuple[GeneralSection, ...]:
        """What the guides say in general where that rule declined; named in scope.toml."""
        return self._general.get(rule_id, ())

    def only_general(self, rule_id: str) -> bool:
        """May nothing but `general` be offered beside a decline of that rule?"""
        return any(rule.only_general for rule, _ in self._needs if rule.id == rule_id)


def _need(text: str) -> _Need:
    ask, *rest = text.split()
    return _Need(
        ask=ask,
        others=tuple(name for name in rest if not name.startswith("-")),
        nots=tuple(name[1:] for name in rest if name.startswith("-")),
    )


def _pieces(folded: Folded) -> list[int]:
    """Where the pieces of a message begin. A piece is a clause, or a question that is joined on:
    "how does it work | and should I take less"."""
    words, breaks = folded.words, folded.breaks
    starts = [0]
    for at in range(1, len(words)):
        opens = words[at] in _OPENERS
        if opens and words[at] in ("is", "are", "was", "were", "do", "does", "did", "has", "have"):
            opens = at + 1 < len(words) and words[at + 1] in _PERSONS
        if breaks[at] >= CLAUSE or (opens and (breaks[at] or words[at - 1] in _LINKS)):
            starts.append(at)
    return starts


def _asks(need: _Need, found: Slots, starts: list[int], end: int) -> bool:
    if need.ask not in found or any(name not in found for name in need.others):
        return False
    others = [found[name] for name in need.others]
    nots = [hit for name in need.nots for hit in found.get(name, ())]
    return any(_stands(hit, others, nots, starts, end) for hit in found[need.ask])


def _stands(
    ask: Hit, others: list[tuple[Hit, ...]], nots: list[Hit], starts: list[int], end: int
) -> bool:
    """Does the request stand: with the others around it, and no other sense in its own piece?"""
    first = bisect_right(starts, ask.start) - 1
    last = bisect_right(starts, ask.end - 1) - 1
    begin, stop = starts[first], starts[last + 1] if last + 1 < len(starts) else end
    if any(hit.start < stop and begin < hit.end for hit in nots):
        return False
    low = starts[max(0, first - _BEFORE)]
    after = last + 1 + _AFTER
    high = starts[after] if after < len(starts) else end
    return all(any(low <= hit.start < high for hit in found) for found in others)
