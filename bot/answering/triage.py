"""Triage: finds red flags in the user's own words, before anything else. Needs no index or model.

One rule: in doubt it alarms. The highest level that is said of someone now wins; what is denied,
long past, supposed or only asked about raises no alarm but brings its standing advice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from bot.phones import tel_link
from bot.records import Action, Alert, AlertLevel, Contact, Question, Screening
from bot.rules import Message, Rules
from bot.rules.models import Emergency, FlagRule, Line, RegionContacts
from bot.rules.phrases import Hit
from bot.rules.temperature import Reading, has_numbers, readings

_ORDER: dict[AlertLevel, int] = {"emergency": 3, "crisis": 3, "urgent": 2, "call_today": 1}
_MOST_NOTICES = 2
_TURNS_BACK = 4
_SHORT = 12


class Triage:
    """Screens a message.

    `region` decides the emergency number; `unknown` takes it from the question's locale where that
    names a country, and never guesses. `fever_celsius` is the clinic's mark, in degrees Celsius.
    """

    def __init__(
        self, rules: Rules, *, region: str, fever_celsius: float, contact: Contact
    ) -> None:
        self._rules = rules
        self._region = region
        self._fever = fever_celsius
        self._contact = contact
        self._by_id = {rule.id: rule for rule in rules.flags}

    def __call__(self, question: Question) -> Screening:
        message = self._rules.read(question.text)
        said, noticed = self._sort(message, question)
        said += self._followed_up(message, question)
        if not said and not noticed:
            said += self._like_examples(message)
        region = self._region_of(question)
        alert = None
        if said:
            # The order of the files decides between rules of one level; a danger to life by
            # one's own hand shows the emergency number among its actions, too.
            rule = max(said, key=lambda r: (_ORDER[r.level], -self._rules.flags.index(r)))
            alert = self._alert(rule, region)
        notices: list[str] = []
        for rule in noticed:
            text = self._fill(rule.notice, region)
            if text not in notices:
                notices.append(text)
        return Screening(alert=alert, notices=tuple(notices[:_MOST_NOTICES]))

    def _sort(self, message: Message, question: Question) -> tuple[list[FlagRule], list[FlagRule]]:
        said: list[FlagRule] = []
        noticed: list[FlagRule] = []
        for rule in self._rules.flags:
            states = self._states(rule, message)
            if rule.temperature:
                states |= self._temperatures(message, question)
            if "said" in states:
                said.append(rule)
            elif states:
                noticed.append(rule)
        noticed = [rule for rule in noticed if rule not in said]
        return said, sorted(noticed, key=lambda rule: -_ORDER[rule.level])

    def _states(self, rule: FlagRule, message: Message) -> set[str]:
        hits = message.tagged(f"flag:{rule.id}")
        if not hits:
            return set()
        context = message.context
        excused = message.tagged(f"unless:{rule.id}")
        states: set[str] = set()
        for hit in hits:
            if any(e.start < hit.end and hit.start < e.end for e in excused):
                continue
            state: str = context.state_of(
                hit,
                topics=rule.level in ("urgent", "call_today"),
                past=rule.past,
                others=rule.others,
            )
            if state == "over" and (rule.level == "emergency" or rule.lasting):
                state = "said"  # a seizure or a blow to the head that has passed needs help now
            if rule.strict and state != "denied" and not context.of_statistics(hit.start):
                state = "said"
            later = state in ("general", "supposed") and context.said_later(hit.end)
            if later:
                state = "said"
            if (
                state == "said"
                and not later
                and rule.personal
                and not self._of_someone(message, hit)
            ):
                state = "general"
            states.add(state)
            if state == "said":
                break
        if "said" in states and rule.also:
            also = message.tagged(f"also:{rule.id}")
            if not any(context.state_of(hit) == "said" for hit in also):
                return set()
        return states

    @staticmethod
    def _of_someone(message: Message, hit: Hit) -> bool:
        """Is it told of somebody? Bare words ("rash, itchy") count as told; a question does not."""
        context = message.context
        return not context.asking(hit.start) or context.personal(hit.start, hit.end)

    def _temperatures(self, message: Message, question: Question) -> set[str]:
        words = self._rules.temperature
        found = readings(message.folded, words, first_turn=not question.history)
        # "It is 38" is a temperature when the talk was of temperature just before.
        if not found and has_numbers(message.folded) and self._spoke_of_temperature(question):
            found = readings(message.folded, words, spoken_of=True)
        return {state for r in found for state in self._judge(r, message)}

    def _spoke_of_temperature(self, question: Question) -> bool:
        return any(
            word in self._rules.temperature.temperature
            for turn in question.history[-_TURNS_BACK:]
            for word in self._rules.folded(turn.text).words
        )

    def _judge(self, reading: Reading, message: Message) -> set[str]:
        """Fever at the clinic's mark or above; cold when very low, or low and the person is ill."""
        low = self._rules.contacts.thresholds
        hot = reading.celsius + 0.001 >= self._fever
        cold = reading.celsius < low.low_celsius
        if reading.below and hot:
            return {"denied"}
        if cold and reading.celsius >= low.very_low_celsius:
            cold = bool(message.tagged("cue:unwell"))
            if not cold:
                return {"general"}
        if not hot and not cold:
            return set() if reading.celsius < 37.0 else {"general"}
        context = message.context
        state = context.state(reading.start, reading.end)
        if state in ("denied", "feared", "over"):
            return {"said"}
        if state in ("supposed", "general") and (reading.exact or context.said_later(reading.end)):
            return {"said"}
        return {state}

    def _followed_up(self, message: Message, question: Question) -> list[FlagRule]:
        """A short message that carries on from the talk before ("it won't stop", "yes")."""
        if len(message.folded.words) > _SHORT:
            return []
        if not question.history:
            return []
        before = [turn.text for turn in question.history if turn.role == "user"][-_TURNS_BACK:]
        spoken = {word for text in before for word in self._rules.folded(text).words}
        last = self._rules.read(question.history[-1].text)
        found = []
        for number, follow_up in enumerate(self._rules.follow_ups):
            states = {message.context.state_of(hit) for hit in message.tagged(f"follow:{number}")}
            # "Sometimes" answers a question; it is no remark about what is common.
            answered = bool(last.tagged(f"asked:{number}")) and bool(states - {"denied"})
            told = bool(spoken.intersection(follow_up.after)) and "said" in states
            if answered or told:
                found.append(self._by_id[follow_up.rule])
        return found

    def _like_examples(self, message: Message) -> list[FlagRule]:
        """The second net, where no phrase spoke to the message, not even to excuse it."""
        for rule in self._rules.flags:
            if message.tagged(f"flag:{rule.id}") and message.tagged(f"unless:{rule.id}"):
                return []
        found = self._rules.nearest.like(message.folded, asking=message.context.asking)
        return [self._by_id[found.rule]] if found else []

    def _region_of(self, question: Question) -> RegionContacts:
        regions = self._rules.contacts.regions
        if self._region != "unknown" and self._region in regions:
            return next(found for name, found in regions.items() if name == self._region)
        parts = re.split(r"[-_]", question.locale or "")
        country = next((p.upper() for p in parts[1:] if len(p) == 2), "")
        for found in regions.values():
            if country and country in found.countries:
                return found
        return regions["unknown"]

    def _fill(self, text: str, region: RegionContacts) -> str:
        number = self._number(region)
        fahrenheit = self._fever * 9 / 5 + 32
        return text.replace("{emergency}", number).replace(
            "{fever}", f"{self._fever:.1f} °C ({fahrenheit:.1f} °F)"
        )

    def _number(self, region: RegionContacts) -> str:
        if region.emergency is None:
            return self._rules.contacts.fallback.emergency
        return region.emergency.name

    def _alert(self, rule: FlagRule, region: RegionContacts) -> Alert:
        actions: list[Action] = []
        for step in rule.actions:
            if step == "emergency":
                actions.append(_emergency(region.emergency, self._number(region)))
            elif step == "crisis":
                actions += _crisis(region.crisis)
            elif step == "team":
                actions += self._team()
            elif step == "hospital":
                actions.append(Action(text=self._rules.contacts.fallback.hospital))
            elif region.urgent_advice and region.urgent_advice.phone:
                line = region.urgent_advice
                actions.append(
                    Action(text=f"Cannot reach them? Call {line.name}", href=f"tel:{line.phone}")
                )
        return Alert(
            level=rule.level,
            rule_id=rule.id,
            message=self._fill(rule.message, region),
            actions=tuple(actions),
        )

    def _team(self) -> Iterable[Action]:
        contact = self._contact
        if contact.phone:
            hours = f" ({contact.hours})" if contact.hours else ""
            yield Action(
                text=f"Call {contact.name}: {contact.phone}{hours}", href=tel_link(contact.phone)
            )
        if contact.after_hours_phone:
            yield Action(
                text=f"Nights and weekends: {contact.after_hours_phone}",
                href=tel_link(contact.after_hours_phone),
            )
        if not contact.phone and not contact.after_hours_phone:
            yield Action(text=self._rules.contacts.fallback.team)


def _emergency(emergency: Emergency | None, name: str) -> Action:
    if emergency is None:
        return Action(text=f"Call {name} now")
    note = f" ({emergency.note})" if emergency.note else ""
    return Action(text=f"Call {emergency.name} now{note}", href=f"tel:{emergency.phone}")


def _crisis(lines: Iterable[Line]) -> Iterable[Action]:
    for line in lines:
        href = f"tel:{line.phone}" if line.phone else f"sms:{line.sms}" if line.sms else None
        yield Action(text=line.text or f"Call {line.name}", href=href)
