"""What a rule file may hold. Untrusted until it has passed here; unknown keys are errors."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from math import fsum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from bot.records import AlertLevel

Region = Literal["US", "GB", "IE", "CA", "AU", "NZ", "EU", "unknown"]
Step = Literal["emergency", "team", "hospital", "advice", "crisis"]


def _address(value: str) -> str:
    if not value.startswith(("https://", "http://")):
        raise ValueError(f"{value!r} is not the address of a page")
    return value


Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
Source = Annotated[str, AfterValidator(_address)]
Text = Annotated[str, Field(min_length=10)]
Phone = Annotated[str, Field(pattern=r"^\d{2,15}$")]


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Reviewed(Model):
    reviewer: str = Field(min_length=1)
    reviewed_on: date


GRAVITY: dict[AlertLevel, int] = {"emergency": 3, "crisis": 3, "urgent": 2, "call_today": 1}
"""How grave a level is, among the others: an emergency and a crisis are of the gravest."""


class FlagRule(Reviewed):
    """A red flag. See the head of red_flags.toml for what each key means."""

    id: Id
    title: Text
    level: AlertLevel
    phrases: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    together: tuple[Id, ...] = ()
    personal: bool = False
    past: bool = True
    strict: bool = False
    lasting: bool = False
    others: bool = False
    temperature: bool = False
    weighed: bool = False
    message: Text
    actions: tuple[Step, ...] = Field(min_length=1)
    notice: Text
    sources: tuple[Source, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _has_phrases_unless_weighed(self) -> Self:
        if bool(self.phrases) == self.weighed:
            raise ValueError("a rule needs phrases, or `weighed` and none")
        return self


class FollowUp(Model):
    """A short message that means a flag only after what was said before: `after` holds words of the
    user's earlier messages, `asked` phrases of the turn just before, whoever spoke."""

    rule: Id
    phrases: tuple[str, ...] = Field(min_length=1)
    after: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _rests_on_something(self) -> Self:
        if bool(self.after) == bool(self.asked):
            raise ValueError("a follow_up needs either `after` or `asked`")
        return self


class ExampleFile(Reviewed):
    """Messages by the id of the rule they mean, or `harmless`. See the head of examples.toml."""

    alike: tuple[str, ...]
    examples: dict[str, tuple[str, ...]]


class SpokenRule(Model):
    """What another language adds to a rule of English: what it looks for, and its texts. Level and
    actions stay those of the English rule with this id."""

    id: Id
    phrases: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    message: Text
    notice: Text


class FlagFile(Model):
    rule: tuple[FlagRule, ...] = Field(min_length=1)
    follow_up: tuple[FollowUp, ...] = ()


class GeneralSection(Model):
    """A section of a guide, by its own heading, that is offered beside a declined request."""

    source_id: str = Field(min_length=1)
    heading: str = Field(min_length=1)


class ScopeRule(Model):
    """See the head of scope.toml for what each key means."""

    id: Id
    title: Text
    needs: tuple[str, ...] = Field(min_length=1)
    unless: tuple[str, ...] = ()
    unless_alone: tuple[str, ...] = ()
    sure: bool = False
    only_general: bool = False
    general: tuple[GeneralSection, ...] = Field(min_length=1)
    says: Text


class ScopeFile(Reviewed):
    closing: Text
    groups: dict[str, tuple[str, ...]]
    slots: dict[str, tuple[str, ...]]
    rule: tuple[ScopeRule, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _needs_name_slots(self) -> Self:
        for rule in self.rule:
            if {*rule.unless, *rule.unless_alone} - self.slots.keys():
                raise ValueError(f"{rule.id}: `unless` or `unless_alone` names no slot")
            for need in rule.needs:
                words = need.split()
                unknown = {word.removeprefix("-") for word in words} - self.slots.keys()
                if unknown:
                    raise ValueError(f"{rule.id}: {need!r}: no slot {', '.join(sorted(unknown))}")
                if not words or words[0].startswith("-"):
                    raise ValueError(f"{rule.id}: {need!r} must begin with the slot that asks")
        return self


class ScopePoints(Model):
    """What words and slots weigh for "this asks about somebody's own case"; from `limit` up it is
    declined, below `floor` no phrase declines it. Written by evals/fit_scope.py."""

    base: float
    floor: float
    limit: float
    signs: dict[str, float]

    def total(self, signs: Iterable[str]) -> float:
        """The points of a message with these signs. Exactly, whatever their order: a message at the
        limit must not pass it in one process only."""
        return self.base + fsum(self.signs.get(sign, 0.0) for sign in signs)


class GreetingRule(Model):
    id: Id
    phrases: tuple[str, ...] = Field(min_length=1)
    message: Text


class Filler(Model):
    words: tuple[str, ...]


class GreetingFile(Reviewed):
    greeting: tuple[GreetingRule, ...] = Field(min_length=1)
    filler: Filler


class Spelled(Model):
    targets: tuple[str, ...]
    real_words: tuple[str, ...]
    sounds: tuple[tuple[str, str], ...] | None = None
    """From spelling to sound, regular expressions in their order; without it nothing is heard."""


class Temperature(Model):
    words: tuple[str, ...] = Field(min_length=1)
    other_measures: tuple[str, ...]
    after_number: tuple[str, ...]
    before_number: tuple[str, ...]
    surroundings: tuple[str, ...]
    upper_bound: tuple[str, ...]


class WordFile(Reviewed):
    groups: dict[str, tuple[str, ...]]
    slips: dict[str, tuple[str, ...]]
    spelling: Spelled
    cues: dict[str, tuple[str, ...]]
    temperature: Temperature


class SpokenFile(Reviewed):
    """A file `red_flags_LANGUAGE.toml`. See the head of red_flags_es.toml."""

    light: tuple[str, ...]
    between: tuple[str, ...]
    verbs: tuple[str, ...]
    turns: tuple[str, ...]
    lists: tuple[str, ...]
    groups: dict[str, tuple[str, ...]]
    slips: dict[str, tuple[str, ...]]
    spelling: Spelled
    cues: dict[str, tuple[str, ...]]
    figures: dict[str, int]
    temperature: Temperature
    rule: tuple[SpokenRule, ...] = Field(min_length=1)


class Emergency(Model):
    name: str = Field(min_length=2)
    phone: Phone
    note: str | None = None


class Line(Model):
    """A crisis or advice line. `text` is the words of its button."""

    name: str
    phone: Phone | None = None
    sms: Phone | None = None
    hours: str | None = None
    text: str | None = None


class RegionContacts(Model):
    """`emergency` is None where the country is not known: a number is never guessed."""

    countries: tuple[str, ...]
    emergency: Emergency | None = None
    urgent_advice: Line | None = None
    crisis: tuple[Line, ...] = Field(min_length=1)
    sources: tuple[Source, ...]


class Fallback(Model):
    emergency: Text
    team: Text
    hospital: Text


class Thresholds(Model):
    low_celsius: float = Field(ge=35, le=36.5)
    very_low_celsius: float = Field(ge=34, le=36)
    sources: tuple[Source, ...] = Field(min_length=1)


class ContactFile(Reviewed):
    regions: dict[Region, RegionContacts]
    fallback: Fallback
    thresholds: Thresholds


class RegionTexts(Model):
    """The words of a region's numbers in another language; `crisis` line by line as in
    contacts.toml."""

    crisis: tuple[str, ...] = Field(min_length=1)
    emergency: str | None = None
    note: str | None = None
    urgent_advice: str | None = None


class ContactTexts(Reviewed):
    """A file `contacts_LANGUAGE.toml`: texts beside the numbers of contacts.toml."""

    regions: dict[Region, RegionTexts]
    fallback: Fallback


class DeclineText(Model):
    """A rule of scope.toml in another language; `phrases` decline where guides in that language
    are answered from."""

    id: Id
    says: Text
    phrases: tuple[str, ...] = ()


class ScopeTexts(Reviewed):
    """A file `scope_LANGUAGE.toml`."""

    closing: Text
    rule: tuple[DeclineText, ...] = Field(min_length=1)


class LanguageRule(Model):
    """A language beside English. `common` words are in every text of it, whatever it is about.
    `only_english` says what the guides are in, `when_ill` whom to call; `message` is both."""

    code: str = Field(pattern=r"^[a-z]{2,3}$")
    name: str
    script: str | None = None
    words: tuple[str, ...] = ()
    common: tuple[str, ...] = ()
    only_english: Text
    when_ill: Text

    @property
    def message(self) -> str:
        # Chinese and Japanese set no blank between sentences.
        between = "" if self.only_english.endswith("。") else " "
        return f"{self.only_english}{between}{self.when_ill}"


class LanguageFile(Reviewed):
    shared: tuple[str, ...] = ()
    language: tuple[LanguageRule, ...] = Field(min_length=1)
