"""Triage: finds red flags in the user's own words, before anything else. Needs no index or model.

One rule: in doubt it alarms. The highest level that is said of someone now wins; what is denied,
long past, supposed or only asked about raises no alarm but brings its standing advice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from bot.records import Contact, Question, Screening
from bot.rules import Hearing, Message, Rules
from bot.rules.cards import Cards
from bot.rules.folding import Folded
from bot.rules.models import GRAVITY, FlagRule
from bot.rules.phrases import Hit
from bot.rules.spoken import Said
from bot.rules.spoken_loading import Spoken
from bot.rules.temperature import Reading, has_numbers, readings
from bot.rules.weighing import SAID

_MOST_NOTICES = 2
_TURNS_BACK = 4
_SHORT = 12
_GRAVE = ("emergency", "crisis")
_TOLD = frozenset({"said", "sure"})
LIKENED = "likened"
"""Found: no phrase says which alert it is, only the examples nearest to the message."""
LONG_OVER = "long over"
"""Found: an old attempt of years ago, and all well since."""
FEARS_DEATH = "fears death"
"""Found: the whole message is that somebody does not want to die."""


class Triage:
    """Screens a message.

    `region` decides the emergency number; `unknown` takes it from the question's locale where that
    names a country, and never guesses. `fever_celsius` is the clinic's mark, in degrees Celsius.
    """

    def __init__(
        self,
        rules: Rules,
        *,
        region: str,
        fever_celsius: float,
        contact: Contact,
        contacts: Mapping[str, Contact] | None = None,
    ) -> None:
        self._rules = rules
        self._fever = fever_celsius
        self._cards = Cards(
            rules,
            region=region,
            fever_celsius=fever_celsius,
            contacts={"en": contact, **(contacts or {})},
        )
        self._by_id = {rule.id: rule for rule in rules.flags}
        self._beside_another = tuple(rule for rule in rules.flags if rule.together)

    def __call__(self, question: Question, heard: Hearing | None = None) -> Screening:
        """`heard`: where others ask the same of this question."""
        heard = heard or Hearing(self._rules)
        message = heard.message(question.text)
        sure, said, noticed, found = self._sort(message, question)
        names = {name.strip("<>") for name in found} | ({"sure"} if sure else set())
        sure += self._followed_up(message, question)
        elsewhere = {
            code: self._spoken(spoken, question, heard.spoken(code, question.text))
            for code, spoken in self._rules.spoken.items()
        }
        likened: list[FlagRule] = []
        if any(each.mainly for each in elsewhere.values()):
            said = [*sure, *said]
        else:
            now, likened = self._weighed(message, sure, said, found)
            before = self._told_before_asking(message, question)
            now = [*now, *(rule for rule in before if rule not in now)]
            noticed += [rule for rule in said if rule not in now]
            noticed.sort(key=lambda rule: -GRAVITY[rule.level])
            said = now
        for each in elsewhere.values():
            said, noticed = self._merged(each, said, noticed)
        told = {rule.id for rule in sure}.union(*(each.now for each in elsewhere.values()))
        said = self._worse_together(said, told, message, question)
        language = self._language_of(question, elsewhere)
        alert, rule = None, None
        if said:
            # The order of the files decides between rules of one level; a danger to life by
            # one's own hand shows the emergency number among its actions, too.
            rule = max(said, key=lambda r: (GRAVITY[r.level], -self._rules.flags.index(r)))
            alert = self._cards.alert(rule, question, language)
        # A comprehension: a loop's own name for a rule once hid the one that the card is of.
        notices = dict.fromkeys(self._cards.notice(each, question, language) for each in noticed)
        return Screening(
            alert=alert,
            notices=tuple(notices)[:_MOST_NOTICES],
            language=language,
            found=frozenset(names | self._marks(message, rule in likened)),
        )

    @staticmethod
    def _marks(message: Message, likened: bool) -> set[str]:
        """What the second look is told besides."""
        feared = {FEARS_DEATH} if message.tagged("cue:fears_death") else set()
        return feared | ({LIKENED} if likened else set())

    def with_alarm(self, screening: Screening, rule_id: str, question: Question) -> Screening:
        """The same with the card of that rule: for what was found by other means than these
        rules."""
        alert = self._cards.alert(self._by_id[rule_id], question, screening.language)
        return replace(screening, alert=alert)

    def _spoken(self, spoken: Spoken, question: Question, tagged: tuple[Folded, list[Hit]]) -> Said:
        """What the message says in another language."""
        return spoken.flags.read(
            tagged,
            earlier=[turn.text for turn in question.history[-_TURNS_BACK:]],
            fever=self._fever,
            low=self._rules.contacts.thresholds,
        )

    def _merged(
        self, found: Said, said: list[FlagRule], noticed: list[FlagRule]
    ) -> tuple[list[FlagRule], list[FlagRule]]:
        """What was found in both languages. In a message mainly of the other, its own frames
        decide on a rule: "no tengo fiebre" is no fever because of the word it shares."""
        if found.mainly:
            said = [rule for rule in said if rule.id not in found.named]
        said += [rule for rule in self._rules.flags if rule.id in found.now and rule not in said]
        named = [r for r in self._rules.flags if r.id in found.named and not r.together]
        noticed = [rule for rule in (*noticed, *named) if rule not in said]
        ordered = sorted(
            dict.fromkeys(r.id for r in noticed), key=lambda i: -GRAVITY[self._by_id[i].level]
        )
        return said, [self._by_id[rule_id] for rule_id in ordered]

    @staticmethod
    def _language_of(question: Question, elsewhere: Mapping[str, Said]) -> str:
        """The language to say it in: that of the message, else that of the page."""
        spoken = next((code for code, found in elsewhere.items() if found.mainly), None)
        page = re.split(r"[-_]", question.locale or "")[0].casefold()
        return spoken or (page if page in elsewhere else "en")

    def _sort(
        self, message: Message, question: Question
    ) -> tuple[list[FlagRule], list[FlagRule], list[FlagRule], set[str]]:
        """The rules that are said for sure, those that are said, those that only bring their
        advice, and what was found as the points name it."""
        sure: list[FlagRule] = []
        said: list[FlagRule] = []
        noticed: list[FlagRule] = []
        found: set[str] = set()
        for rule in self._rules.flags:
            if rule.together:
                continue
            states = self._states(rule, message)
            if rule.temperature:
                states |= {
                    "sure" if state == "said" else state
                    for state in self._temperatures(message, question)
                }
            if "sure" in states or (rule.temperature and "said" in states):
                sure.append(rule)  # a fever is never weighed away
            elif "said" in states:
                said.append(rule)
            elif states:
                noticed.append(rule)
            if states & _TOLD:
                found.add(SAID[0] if rule.level in _GRAVE else SAID[1])
            found |= {f"<{state}>" for state in states - _TOLD}
            if LONG_OVER in states:
                found.add("<past>")
        return sure, said, sorted(noticed, key=lambda rule: -GRAVITY[rule.level]), found

    def _weighed(
        self, message: Message, sure: list[FlagRule], said: list[FlagRule], found: set[str]
    ) -> tuple[list[FlagRule], list[FlagRule]]:
        """What is told by phrases and points together, and what of it only by likeness."""
        if not self._rules.weighing.tells(message.folded, found):
            return sure, []
        told = [*sure, *said]
        likened = [] if told else self._named(message)
        return told or likened, likened

    def _told_before_asking(self, message: Message, question: Question) -> list[FlagRule]:
        """What is told before a question that points back to it, taken by itself: "my gums bleed,
        is that the platelets" asks for a cause and tells of a sign."""
        told: list[FlagRule] = []
        for first, last in message.context.told_before_questions():
            before = self._rules.seen(message.folded.part(first, last))
            sure, said, _, found = self._sort(before, question)
            if sure or said:
                told += self._weighed(before, sure, said, found)[0]
        return told

    def _worse_together(
        self, said: list[FlagRule], told: set[str], message: Message, question: Question
    ) -> list[FlagRule]:
        """With the rules whose signs count only beside those of another (of `told`, ids of what
        phrases and temperatures found for sure): both in this message, or one of them in a message
        just before ("he has 39", "and now he is confused")."""
        alone = [rule for rule in said if not rule.together]
        found = []
        for rule in self._beside_another:
            own = rule in said or bool(_TOLD & self._states(rule, message))
            other = bool(told & {*rule.together})
            if own != other:
                before = self._told_before(question)
                own, other = own or rule.id in before, other or bool(before & {*rule.together})
            if own and other:
                found.append(rule)
        return [*found, *alone]

    def _told_before(self, question: Question) -> set[str]:
        """Ids of the rules that the user's last messages tell of, each taken by itself."""
        told: set[str] = set()
        for turn in question.history[-_TURNS_BACK:]:
            if turn.role != "user":
                continue
            earlier, message = Question(text=turn.text), self._rules.read(turn.text)
            told |= {rule.id for rule in self._sort(message, earlier)[0]}
            told |= {r.id for r in self._beside_another if _TOLD & self._states(r, message)}
            for spoken in self._rules.spoken.values():
                told |= self._spoken(spoken, earlier, spoken.flags.tagged(turn.text)).now
        return told

    def _states(self, rule: FlagRule, message: Message) -> set[str]:
        """How the rule's phrases in the message are meant; `sure` where no weight is asked."""
        excused = message.tagged(f"unless:{rule.id}")
        states: set[str] = set()
        for hit in message.tagged(f"sure:{rule.id}"):
            if self._state(rule, message, hit) in _TOLD:
                return {"sure"}
        for hit in message.tagged(f"flag:{rule.id}"):
            if any(e.start < hit.end and hit.start < e.end for e in excused):
                continue
            state = self._state(rule, message, hit)
            if state == "sure":
                states.add(state)
                break
            if state != "figure" and "said" not in states:
                states.add(state)
        if states & _TOLD and rule.also:
            also = message.tagged(f"also:{rule.id}")
            if not any(message.context.state_of(hit) == "said" for hit in also):
                return set()
        return states

    def _state(self, rule: FlagRule, message: Message, hit: Hit) -> str:
        context = message.context
        state: str = context.state_of(
            hit,
            topics=rule.level in ("urgent", "call_today"),
            past=rule.past,
            others=rule.others,
        )
        if state == "figure":
            return state
        if state == "over" and (rule.level == "emergency" or rule.lasting):
            state = "said"  # a seizure or a blow to the head that has passed needs help now
        if rule.strict and state != "denied" and not context.of_statistics(hit.start):
            state = "said"
        if state in ("general", "supposed"):
            if context.plainly_said_later(hit.end):
                return "sure"
            if context.said_later(hit.end):
                return "said"
        if state == "said" and rule.personal and not self._of_someone(message, hit):
            return "general"
        if state == "said" and not rule.past and context.long_over(hit.start, hit.end):
            return LONG_OVER
        return state

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
        if state == "figure":
            return set()
        if state in ("denied", "feared", "over"):
            return {"said"}
        if state in ("supposed", "general") and (reading.exact or context.said_later(reading.end)):
            return {"said"}
        if state == "general" and message.tagged("cue:treated"):
            return {"said"}  # whoever asks what to take for it has it
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
        found = self._affirmed(message, last)
        for number, follow_up in enumerate(self._rules.follow_ups):
            states = {message.context.state_of(hit) for hit in message.tagged(f"follow:{number}")}
            # "Sometimes" answers a question; it is no remark about what is common.
            answered = bool(last.tagged(f"asked:{number}")) and bool(states - {"denied"})
            told = bool(spoken.intersection(follow_up.after)) and "said" in states
            if answered or told:
                found.append(self._by_id[follow_up.rule])
        return found

    def _affirmed(self, message: Message, last: Message) -> list[FlagRule]:
        """ "Yes" to a question that names a sign ("Is there any bleeding?")."""
        if not last.folded.asked or not message.tagged("cue:yes"):
            return []
        return [
            rule
            for rule in self._rules.flags
            if rule.level != "crisis"  # these have follow-ups of their own
            and any(
                last.context.is_asked_of_you(hit.start) for hit in last.tagged(f"flag:{rule.id}")
            )
        ]

    def _named(self, message: Message) -> list[FlagRule]:
        """The rule of a sign told in words that no phrase holds: what the examples like it mean."""
        found = self._rules.nearest.like(message.folded)
        return [self._by_id[found]] if found else []
