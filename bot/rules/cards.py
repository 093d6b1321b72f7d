"""Cards: what a red flag tells the reader to do, with the numbers of the clinic's region, in the
reader's language. A number is never guessed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from bot.messages import ActionTexts, load_messages
from bot.phones import tel_link
from bot.records import Action, Alert, Contact, Question
from bot.rules.models import FlagRule, Line, RegionContacts, RegionTexts, SpokenRule
from bot.rules.ruleset import Rules


class Cards:
    """`region` decides the numbers; `unknown` takes it from the question's locale where that names
    a country. `contacts` are by language; a language without one gets the English."""

    def __init__(
        self, rules: Rules, *, region: str, fever_celsius: float, contacts: Mapping[str, Contact]
    ) -> None:
        self._rules = rules
        self._region = region
        self._fever = fever_celsius
        self._contacts = contacts

    def alert(self, rule: FlagRule, question: Question, language: str) -> Alert:
        name, region = self._region_of(question)
        actions = _Actions(self._rules, language, name, region, self._contact(language))
        text = self._text(rule, language)
        return Alert(
            level=rule.level,
            rule_id=rule.id,
            message=self._fill(text.message, actions.number),
            actions=tuple(action for step in rule.actions for action in actions.of(step)),
        )

    def notice(self, rule: FlagRule, question: Question, language: str) -> str:
        """The standing advice of a rule."""
        name, region = self._region_of(question)
        actions = _Actions(self._rules, language, name, region, self._contact(language))
        text = self._text(rule, language)
        return self._fill(text.notice, actions.number)

    def _text(self, rule: FlagRule, language: str) -> FlagRule | SpokenRule:
        """The rule in that language; in English where it was not translated."""
        spoken = self._rules.spoken.get(language)
        return (spoken.flags.texts.get(rule.id) if spoken else None) or rule

    def _contact(self, language: str) -> Contact:
        return self._contacts.get(language) or next(iter(self._contacts.values()))

    def _region_of(self, question: Question) -> tuple[str, RegionContacts]:
        regions = {str(name): found for name, found in self._rules.contacts.regions.items()}
        if self._region != "unknown" and self._region in regions:
            return self._region, regions[self._region]
        parts = re.split(r"[-_]", question.locale or "")
        country = next((p.upper() for p in parts[1:] if len(p) == 2), "")
        for name, found in regions.items():
            if country and country in found.countries:
                return name, found
        return "unknown", regions["unknown"]

    def _fill(self, text: str, number: str) -> str:
        fahrenheit = self._fever * 9 / 5 + 32
        return text.replace("{emergency}", number).replace(
            "{fever}", f"{self._fever:.1f} °C ({fahrenheit:.1f} °F)"
        )


class _Actions:
    """The actions of a card for one region in one language."""

    def __init__(
        self, rules: Rules, language: str, name: str, region: RegionContacts, contact: Contact
    ) -> None:
        spoken = rules.spoken.get(language)
        words = spoken.contacts if spoken else None
        self._fallback = words.fallback if words else rules.contacts.fallback
        self._texts: RegionTexts | None = None
        if words:
            self._texts = next((t for n, t in words.regions.items() if n == name), None)
        self._say: ActionTexts = load_messages(language if words else "en").actions
        self._region = region
        self._contact = contact

    @property
    def number(self) -> str:
        """The emergency number as it stands in a sentence."""
        if self._region.emergency is None:
            return self._fallback.emergency
        return (self._texts and self._texts.emergency) or self._region.emergency.name

    def of(self, step: str) -> Iterable[Action]:
        if step == "emergency":
            yield self._emergency()
        elif step == "crisis":
            yield from self._crisis()
        elif step == "team":
            yield from self._team()
        elif step == "hospital":
            yield Action(text=self._fallback.hospital)
        elif self._region.urgent_advice and self._region.urgent_advice.phone:
            line = self._region.urgent_advice
            name = (self._texts and self._texts.urgent_advice) or line.name
            yield Action(text=self._say.advice.format(name=name), href=f"tel:{line.phone}")

    def _emergency(self) -> Action:
        emergency = self._region.emergency
        if emergency is None:
            return Action(text=self._say.call_now.format(name=self.number))
        note = (self._texts and self._texts.note) or (emergency.note if not self._texts else None)
        text = self._say.with_note if note else self._say.call_now
        return Action(text=text.format(name=self.number, note=note), href=f"tel:{emergency.phone}")

    def _crisis(self) -> Iterable[Action]:
        texts = self._texts.crisis if self._texts else ()
        for place, line in enumerate(self._region.crisis):
            said = texts[place] if place < len(texts) else line.text
            yield Action(text=said or self._say.call.format(name=line.name), href=_link(line))

    def _team(self) -> Iterable[Action]:
        contact = self._contact
        if contact.phone:
            hours = f" ({contact.hours})" if contact.hours else ""
            said = self._say.team.format(name=contact.name, phone=contact.phone)
            yield Action(text=said + hours, href=tel_link(contact.phone))
        if contact.after_hours_phone:
            yield Action(
                text=self._say.after_hours.format(phone=contact.after_hours_phone),
                href=tel_link(contact.after_hours_phone),
            )
        if not contact.phone and not contact.after_hours_phone:
            yield Action(text=self._fallback.team)


def _link(line: Line) -> str | None:
    if line.phone:
        return f"tel:{line.phone}"
    return f"sms:{line.sms}" if line.sms else None
