"""Red flags in a language beside English: its own phrases and cues for the rules of English.

One rule: in doubt it alarms. What is denied, asked about in general, supposed in a question, or
told as long past is no alarm (bot/rules/spoken_frames.py). What no phrase speaks to is weighed by
its words (bot/rules/spoken_points.py).
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain

from bot.rules import temperature
from bot.rules.folding import Folded, fold
from bot.rules.models import FlagRule, SpokenRule, Thresholds
from bot.rules.phrases import Hit, PhraseBook
from bot.rules.spelling import Spelling
from bot.rules.spoken_frames import Frames, Leading
from bot.rules.spoken_points import Kind, SpokenWeighing, sentences, signs_of
from bot.rules.temperature import Reading

UNNAMED: Mapping[Kind, str] = {
    "crisis": "crisis-thoughts", "emergency": "told-emergency", "lower": "told-urgent",
}  # fmt: skip
"""The rules for what words tell of where no phrase names it."""
_GRAVE = frozenset({"emergency", "crisis"})
_SOUNDS, _NEARLY_ALL = 2, 0.7
_ENGLISH = frozenset(
    "i the and is are my have has had of to in it with not he she was for do".split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a message says: rule ids that are said of somebody now, and those that are only named
    (denied, past, asked about). `spoken`: words of this language are in it; `mainly`: more of them
    than of English."""

    now: frozenset[str]
    named: frozenset[str]
    spoken: bool
    mainly: bool


class SpokenFlags:
    """The flags of one language, compiled. `texts` are by the ids of the rules of English;
    `english` knows the words of English: a phrase of those alone is not of this language;
    `elsewhere` are everyday words of other languages that this one does not have."""

    def __init__(
        self,
        *,
        language: str,
        texts: Mapping[str, SpokenRule],
        rules_of_english: Iterable[FlagRule],
        book: PhraseBook,
        spelling: Spelling,
        leading: Leading,
        figures: Mapping[str, int],
        measures: temperature.Words,
        own_words: frozenset[str],
        english: Spelling,
        classes: Mapping[str, str],
        weighing: SpokenWeighing | None,
        elsewhere: frozenset[str],
    ) -> None:
        self.language = language
        self.texts = texts
        self._rules = [rule for rule in rules_of_english if rule.id in texts]
        self._book = book
        self._spelling = spelling
        self._leading = leading
        self._foreign_to_it = _ENGLISH - leading.to_verb  # "he tomado"
        self._figures = {tuple(words.split()): value for words, value in figures.items()}
        self._measures = measures
        self._own_words = own_words
        self._english = english
        self._classes = classes
        self._weighing = weighing
        self._elsewhere = elsewhere
        self._levels = {rule.id: rule.level for rule in self._rules}
        self._of_heat = frozenset(rule.id for rule in self._rules if rule.temperature)

    def without_points(self) -> SpokenFlags:
        """The same where phrases decide alone; for fitting the points."""
        alone = copy.copy(self)
        alone._weighing = None
        return alone

    def read(
        self,
        tagged: tuple[Folded, Iterable[Hit]],
        *,
        earlier: Iterable[str],
        fever: float,
        low: Thresholds,
    ) -> Said:
        """Look for every flag in what `tagged` found. `earlier` are the messages before, for talk
        of temperature."""
        folded = tagged[0]
        own = self._own_words.intersection(folded.words)
        frames, found = self._found(tagged)
        states = _not_said(found)
        if own or any(found.values()):
            of_heat = self._temperatures(folded, frames, earlier, fever, low)
            for rule in self._rules:
                if rule.temperature:
                    found[rule.id] |= of_heat
        now = frozenset(rule_id for rule_id, states in found.items() if "said" in states)
        rest = frozenset(rule_id for rule_id, states in found.items() if states) - now
        spoken = bool(now or rest) or len(own) >= 2
        english = sum(word in _ENGLISH for word in folded.words)
        mainly = spoken and sum(word in self._own_words for word in folded.words) >= english
        # "Meu pai", "il mio": Portuguese and Italian share many words.
        pure = not any(w in self._foreign_to_it or w in self._elsewhere for w in folded.words)
        mainly = mainly or (pure and self._sounds_like_it(folded))
        if mainly and pure:
            now, rest = self._weighed(folded, states, now, rest)
        return Said(now=now, named=rest, spoken=spoken, mainly=mainly)

    def _sounds_like_it(self, folded: Folded) -> bool:
        """Are nearly all words that are not English known from messages in this language? Short
        ones hold few of its everyday words ("me corto y no paro")."""
        if self._weighing is None:
            return False
        foreign = [word for word in folded.words if word not in self._english.known]
        known = sum(map(self._weighing.knows, foreign))
        return known >= _SOUNDS and known >= _NEARLY_ALL * len(foreign)

    def _found(self, tagged: tuple[Folded, Iterable[Hit]]) -> tuple[Frames, dict[str, set[str]]]:
        """The frames of a message, and how the phrases of each rule in it are meant."""
        folded, found_here = tagged
        own = not self._own_words.isdisjoint(folded.words)
        hits: dict[str, list[Hit]] = {}
        for hit in found_here:
            if own or self._is_foreign(folded.words, hit):
                hits.setdefault(hit.tag, []).append(hit)
        frames = Frames(folded, hits, self._leading)
        return frames, {rule.id: self._states(rule, hits, frames) for rule in self._rules}

    def signs(self, text: str) -> frozenset[str]:
        """What a message has for its points (bot/rules/spoken_points.py)."""
        tagged = self.tagged(text)
        return signs_of(tagged[0], self._classes, _not_said(self._found(tagged)[1]))

    def _weighed(
        self, folded: Folded, states: set[str], now: frozenset[str], rest: frozenset[str]
    ) -> tuple[frozenset[str], frozenset[str]]:
        """What is told now, and what is only named, when the words are weighed. What phrases find
        of an emergency or a crisis stands, and so does a fever; its card gives way to no crisis
        that words alone tell of."""
        weighing = self._weighing
        if weighing is None or {self._levels[rule_id] for rule_id in now} & _GRAVE:
            return now, rest
        score = weighing.score(signs_of(folded, self._classes, states))
        fever = now & self._of_heat
        kind = weighing.finds(folded, score, lower=bool(now), named=bool(rest))
        if kind and not (fever and kind == "crisis"):
            return now | {UNNAMED[kind]}, rest
        talk = now - fever
        parts = (signs_of(folded, self._classes, (), part) for part in sentences(folded))
        if talk and weighing.is_talk(folded, chain([score], map(weighing.score, parts))):
            return fever, rest | talk
        return now, rest

    def tagged(self, text: str) -> tuple[Folded, list[Hit]]:
        """The words of a message, and every phrase of this language in it."""
        folded = self._folded(text)
        return folded, self._book.find(folded)

    def _is_foreign(self, words: tuple[str, ...], hit: Hit) -> bool:
        """Does the phrase hold a word that is not English ("convulsion" is)?"""
        places = set(range(hit.start, hit.end)).difference(hit.loose)
        return any(
            words[at] in self._own_words or words[at] not in self._english.known for at in places
        )

    def _folded(self, text: str) -> Folded:
        """The words of a message, as its phrases and points know them."""
        return fold(text, self._correct, self._spelling)

    def _correct(self, word: str) -> str:
        """A slip of English stays one: "temperture" is not "temperatura"."""
        if word in self._spelling or self._english(word) == word:
            return self._spelling(word)
        return word

    def _states(self, rule: FlagRule, hits: Mapping[str, list[Hit]], frames: Frames) -> set[str]:
        excused = hits.get(f"unless:{rule.id}", ())
        states = set()
        for hit in hits.get(f"flag:{rule.id}", ()):
            if any(e.start < hit.end and hit.start < e.end for e in excused):
                continue
            state = frames.state(
                hit.start,
                hit.end,
                hit.loose,
                past=rule.past,
                others=rule.others,
                grave=rule.level == "emergency",
            )
            if rule.strict and state != "denied" and not frames.of_statistics(hit.start):
                state = "said"
            if state == "over" and (rule.level == "emergency" or rule.lasting):
                state = "said"  # a seizure that has passed needs help now
            states.add(state)
        return states

    def _temperatures(
        self,
        folded: Folded,
        frames: Frames,
        earlier: Iterable[str],
        fever: float,
        low: Thresholds,
    ) -> set[str]:
        read, places = self._with_figures(folded)
        before = list(earlier)
        words = self._measures
        found = temperature.readings(read, words, first_turn=not before)
        if not found and temperature.has_numbers(read):
            talk = any(w in words.temperature for text in before for w in self._folded(text).words)
            found = temperature.readings(read, words, spoken_of=True) if talk else ()
        return {_heat(each, places, frames, fever, low) for each in found} - {""}

    def _with_figures(self, folded: Folded) -> tuple[Folded, list[int]]:
        """The message with numbers in words as figures ("treinta y nueve" as "39"), and the place
        in the message of each of its words."""
        words: list[str] = []
        places: list[int] = []
        at = 0
        while at < len(folded.words):
            for length in (3, 1):
                value = self._figures.get(folded.words[at : at + length])
                if value is not None:
                    break
            else:
                value, length = None, 1
            words.append(folded.words[at] if value is None else str(value))
            places.append(at)
            at += length
        places.append(len(folded.words))
        breaks = tuple(folded.breaks[place] for place in places[:-1])
        return Folded(words=tuple(words), breaks=breaks), places


def _not_said(found: Mapping[str, set[str]]) -> set[str]:
    """How what phrases found is meant, but for what is told."""
    return set().union(*found.values()) - {"said"}


def _heat(
    reading: Reading, places: list[int], frames: Frames, fever: float, low: Thresholds
) -> str:
    """Fever at the clinic's mark or above, or very cold: said, unless it is put as a bound or only
    asked about; a number below the mark says nothing."""
    hot = reading.celsius + 0.001 >= fever
    if not hot and reading.celsius >= low.very_low_celsius:
        return "general" if reading.celsius >= 37.0 else ""
    if reading.below:
        return "denied"
    start, end = places[reading.start], places[reading.end]
    state = frames.state(start, end, (), past=True, others=False)
    if state in ("general", "supposed") and not reading.exact:
        return state
    return "past" if state == "past" else "said"
