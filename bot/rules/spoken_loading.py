"""Reads the files of a language beside English and compiles them. Fails closed like loading.py; a
rule of English without words here keeps its English text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.errors import RulesError
from bot.rules import temperature
from bot.rules.models import (
    ContactTexts,
    FlagRule,
    GreetingFile,
    LanguageFile,
    ScopeTexts,
    SpokenFile,
    WordFile,
)
from bot.rules.phrases import PhraseBook, PhraseError
from bot.rules.spelling import Spelling
from bot.rules.spoken import UNNAMED, SpokenFlags
from bot.rules.spoken_frames import CUES, Leading
from bot.rules.spoken_points import SpokenPoints, SpokenWeighing


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """What the rule files hold in one language beside English."""

    flags: SpokenFlags
    contacts: ContactTexts
    scope: ScopeTexts
    greetings: GreetingFile


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenFiles:
    """The files of one language as read; `suffix` ends their names, as in red_flags_es.toml."""

    suffix: str
    flags: SpokenFile
    contacts: ContactTexts
    scope: ScopeTexts
    greetings: GreetingFile
    points: SpokenPoints | None


def compile_spoken(
    files: SpokenFiles,
    *,
    rules: tuple[FlagRule, ...],
    declines: frozenset[str],
    greetings: frozenset[str],
    words: WordFile,
    languages: LanguageFile,
    groups: Mapping[str, tuple[str, ...]],
    english: Spelling,
) -> Spoken:
    """Raises `RulesError` where an id is not one of English, a cue list is missing, or a phrase
    cannot be read."""
    name, file = f"red_flags_{files.suffix}.toml", files.flags
    _only(name, [rule.id for rule in file.rule], frozenset(rule.id for rule in rules))
    _only(f"scope_{files.suffix}.toml", [r.id for r in files.scope.rule], declines)
    _only(f"greetings_{files.suffix}.toml", [g.id for g in files.greetings.greeting], greetings)
    missing = set(CUES) ^ set(file.cues)
    if missing:
        raise RulesError(f"{name}: [cues] lacks or does not know: {', '.join(sorted(missing))}")
    book = PhraseBook({**groups, **file.groups}, file.slips)
    for cue, phrases in file.cues.items():
        _add(book, name, f"cues.{cue}", f"cue:{cue}", phrases)
    for rule in file.rule:
        _add(book, name, rule.id, f"flag:{rule.id}", rule.phrases)
        _add(book, name, rule.id, f"unless:{rule.id}", rule.unless)
    for decline in files.scope.rule:
        place = f"scope_{files.suffix}.toml"
        _add(book, place, decline.id, f"scope:{decline.id}", decline.phrases)
    for greeting in files.greetings.greeting:
        place = f"greetings_{files.suffix}.toml"
        _add(book, place, greeting.id, f"greet:{greeting.id}", greeting.phrases)
    own = _own_words(files.suffix, languages)
    classes = {w: f"<{name}>" for name, ws in file.groups.items() for w in ws if w.isalpha()}
    if files.points and (unnamed := {*UNNAMED.values()} - {rule.id for rule in file.rule}):
        raise RulesError(f"{name}: points need the rules {', '.join(sorted(unnamed))}")
    in_numbers = {word for words in file.figures for word in words.split()}
    known = {*book.vocabulary, *file.slips, *own, *in_numbers, *file.temperature.words}
    spelling = Spelling(
        slips=file.slips,
        targets=file.spelling.targets,
        real_words=file.spelling.real_words,
        # A word of English is no slip of one of ours: "temperature" is not "temperatura".
        known={*known, *english.known},
        heard=book.vocabulary if file.spelling.sounds else (),
        sounds=file.spelling.sounds or (),
    )
    flags = SpokenFlags(
        language=files.suffix,
        texts={rule.id: rule for rule in file.rule},
        rules_of_english=rules,
        book=book,
        spelling=spelling,
        english=english,
        leading=Leading(
            to_verb=frozenset(file.light),
            to_noun=frozenset({*file.light, *file.between, *file.verbs, *file.lists}),
            verbs=frozenset(file.verbs),
            turns=frozenset(file.turns),
            lists=frozenset(file.lists),
        ),
        figures=file.figures,
        measures=_measures(file, words),
        own_words=own,
        classes=classes,
        weighing=SpokenWeighing(files.points) if files.points else None,
        elsewhere=_elsewhere(files, languages) - known,
    )
    return Spoken(
        flags=flags, contacts=files.contacts, scope=files.scope, greetings=files.greetings
    )


def _own_words(language: str, languages: LanguageFile) -> frozenset[str]:
    """The everyday words of the language that English does not have."""
    found = next((rule.words for rule in languages.language if rule.code == language), ())
    return frozenset(found) - frozenset(languages.shared)


def _elsewhere(files: SpokenFiles, languages: LanguageFile) -> frozenset[str]:
    """Everyday words of other languages, but for those that have points in this one."""
    others = (r.words for r in languages.language if r.code != files.suffix)
    points = files.points.signs if files.points else {}
    return frozenset(word for words in others for word in words if word not in points)


def _only(name: str, ids: Iterable[str], known: frozenset[str]) -> None:
    listed = list(ids)
    strange = sorted(set(listed) - known)
    if strange:
        raise RulesError(f"{name}: no rule of English has the id {', '.join(strange)}")
    twice = sorted({found for found in listed if listed.count(found) > 1})
    if twice:
        raise RulesError(f"{name}: these ids stand twice: {', '.join(twice)}")


def _measures(file: SpokenFile, words: WordFile) -> temperature.Words:
    """The lists of both languages together: people mix them ("tengo 101 F de temp")."""
    own, also = file.temperature, words.temperature
    return temperature.Words(
        temperature=frozenset({*own.words, *also.words}),
        other_measures=frozenset({*own.other_measures, *also.other_measures}),
        after_number=frozenset({*own.after_number, *also.after_number}),
        before_number=frozenset({*own.before_number, *also.before_number}),
        surroundings=frozenset({*own.surroundings, *also.surroundings}),
        upper_bound=tuple(tuple(b.split()) for b in (*own.upper_bound, *also.upper_bound)),
    )


def _add(book: PhraseBook, name: str, rule: str, tag: str, phrases: Iterable[str]) -> None:
    try:
        book.add(tag, phrases)
    except PhraseError as error:
        raise RulesError(f"{name}, {rule}: {error}") from None
