"""Reads the rule files, checks them and compiles them. Fails closed, naming file and rule."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from bot.errors import RulesError
from bot.rules import temperature
from bot.rules.apart import apart
from bot.rules.clauses import CUES
from bot.rules.folding import CONTRACTED, fold
from bot.rules.models import (
    ContactFile,
    ContactTexts,
    ExampleFile,
    FlagFile,
    GreetingFile,
    LanguageFile,
    Reviewed,
    ScopeFile,
    ScopePoints,
    ScopeTexts,
    SpokenFile,
    WordFile,
)
from bot.rules.nearest import Nearest
from bot.rules.phrases import PhraseBook, PhraseError
from bot.rules.ruleset import Rules
from bot.rules.spelling import Spelling
from bot.rules.spoken_loading import SpokenFiles, compile_spoken
from bot.rules.spoken_points import SpokenPoints
from bot.rules.weighing import TriagePoints, Weighing

FOLDER = Path(__file__).resolve().parent
SPOKEN = ("es",)
"""The languages beside English in which red flags are looked for and cards are written."""
MAX_AGE = timedelta(days=365)
"""A file or rule that was looked at longer ago stops the bot."""

HARMLESS = "harmless"
"""The key of the examples in examples.toml that mean no sign."""
_FIRST_YEAR = 1960
"""The earliest year that is read as past everywhere; those before may be times of day."""

_File = TypeVar("_File", bound=BaseModel)


def load_rules(folder: Path = FOLDER, *, today: date | None = None) -> Rules:
    """All safety rules, compiled.

    Raises `RulesError`, naming file and rule and what to do, where a file is missing or wrong, a
    phrase cannot be read, an id stands twice, or `reviewed_on` is older than twelve months or in
    the future. `today` is the date to compare with (default: the machine's).
    """
    words = _read(folder, "words.toml", WordFile)
    flags = _read(folder, "red_flags.toml", FlagFile)
    crisis = _read(folder, "crisis.toml", FlagFile)
    scope = _read(folder, "scope.toml", ScopeFile)
    points = _read(folder, "scope_points.toml", ScopePoints)
    triage_points = _read(folder, "triage_points.toml", TriagePoints)
    greetings = _read(folder, "greetings.toml", GreetingFile)
    languages = _read(folder, "languages.toml", LanguageFile)
    examples = _read(folder, "examples.toml", ExampleFile)
    spoken = [_read_spoken(folder, language) for language in SPOKEN]
    rules = (*crisis.rule, *flags.rule)
    follow_ups = (*crisis.follow_up, *flags.follow_up)

    day = today or date.today()
    files: list[tuple[str, str, Reviewed]] = [
        ("words.toml", "", words),
        ("scope.toml", "", scope),
        ("greetings.toml", "", greetings),
        ("languages.toml", "", languages),
        ("examples.toml", "", examples),
        *(("red_flags.toml", rule.id, rule) for rule in flags.rule),
        *(("crisis.toml", rule.id, rule) for rule in crisis.rule),
        *((f"red_flags_{each.suffix}.toml", "", each.flags) for each in spoken),
        *((f"contacts_{each.suffix}.toml", "", each.contacts) for each in spoken),
        *((f"scope_{each.suffix}.toml", "", each.scope) for each in spoken),
        *((f"greetings_{each.suffix}.toml", "", each.greetings) for each in spoken),
    ]
    for file, rule_id, entry in files:
        _check_age(file, rule_id, entry.reviewed_on, day)
    _check_ids("red_flags.toml and crisis.toml", [rule.id for rule in rules])
    _check_ids("scope.toml", [rule.id for rule in scope.rule])
    _check_ids("greetings.toml", [rule.id for rule in greetings.greeting])
    _check_ids("languages.toml", [rule.code for rule in languages.language])
    for follow_up in follow_ups:
        if follow_up.rule not in {rule.id for rule in rules}:
            raise RulesError(f"red_flags.toml: follow_up names no rule: {follow_up.rule}")
    for rule in rules:
        if set(rule.together) - {other.id for other in rules if not other.together}:
            raise RulesError(f"red_flags.toml: {rule.id}: `together` names no rule to go with")
    contacts = load_contacts(folder, today=day)
    strange = examples.examples.keys() - {HARMLESS, *(rule.id for rule in rules)}
    if strange:
        raise RulesError(f"examples.toml names no rule: {', '.join(sorted(strange))}")

    medicines = tuple(_medicines(folder))
    groups = _groups(words.groups, medicines, day)
    book = PhraseBook(groups, words.slips)
    requests = PhraseBook({**groups, **scope.groups}, words.slips)
    missing = set(CUES) ^ set(words.cues)
    if missing:
        raise RulesError(f"words.toml: [cues] lacks or does not know: {', '.join(sorted(missing))}")
    for name, phrases in words.cues.items():
        _add(book, "words.toml", f"cues.{name}", f"cue:{name}", phrases)
    for rule in rules:
        file = "crisis.toml" if rule.level == "crisis" else "red_flags.toml"
        sure = [phrase[1:] for phrase in rule.phrases if phrase.startswith("!")]
        others = [phrase for phrase in rule.phrases if not phrase.startswith("!")]
        _add(book, file, rule.id, f"flag:{rule.id}", others)
        _add(book, file, rule.id, f"sure:{rule.id}", sure)
        _add(book, file, rule.id, f"unless:{rule.id}", rule.unless)
        _add(book, file, rule.id, f"also:{rule.id}", rule.also)
    for number, follow_up in enumerate(follow_ups):
        _add(book, "red_flags.toml", "follow_up", f"follow:{number}", follow_up.phrases)
        _add(book, "red_flags.toml", "follow_up", f"asked:{number}", follow_up.asked)
    for name, phrases in scope.slots.items():
        _add(requests, "scope.toml", f"slots.{name}", name, phrases)
    for greeting in greetings.greeting:
        _add(book, "greetings.toml", greeting.id, f"greet:{greeting.id}", greeting.phrases)

    spelling = _spelling(words, medicines, {*book.vocabulary, *requests.vocabulary})
    classes = _classes(examples, groups)
    measures = temperature.Words(
        temperature=frozenset(words.temperature.words),
        other_measures=frozenset(words.temperature.other_measures),
        after_number=frozenset(words.temperature.after_number),
        before_number=frozenset(words.temperature.before_number),
        surroundings=frozenset(words.temperature.surroundings),
        upper_bound=tuple(tuple(b.split()) for b in words.temperature.upper_bound),
    )
    return Rules(
        flags=rules,
        follow_ups=follow_ups,
        scope=scope,
        points=points,
        greetings=greetings,
        languages=languages,
        contacts=contacts,
        book=book,
        requests=requests,
        spelling=spelling,
        weighing=Weighing(triage_points, classes, measures),
        nearest=_nearest(examples, classes, spelling),
        temperature=measures,
        spoken={
            each.suffix: compile_spoken(
                each,
                rules=rules,
                declines=frozenset(rule.id for rule in scope.rule),
                greetings=frozenset(greeting.id for greeting in greetings.greeting),
                words=words,
                languages=languages,
                groups={name: groups[name] for name in ("medicine", "past_year")},
                english=spelling,
            )
            for each in spoken
        },
    )


def _spelling(words: WordFile, medicines: Iterable[str], vocabulary: set[str]) -> Spelling:
    """Of English. `vocabulary`: the words of the phrases."""
    targets = words.spelling.targets
    known = {*vocabulary, *words.slips, *medicines, *_measures(words)}
    return Spelling(
        slips=words.slips,
        targets=(*targets, *_long_names(medicines)),
        real_words=words.spelling.real_words,
        heard=targets,
        known=known,
        apart=partial(apart, known={*known, *targets, *CONTRACTED}),
    )


def load_contacts(folder: Path = FOLDER, *, today: date | None = None) -> ContactFile:
    """Numbers and lines by region alone, checked as in `load_rules`. Raises `RulesError`."""
    contacts = _read(folder, "contacts.toml", ContactFile)
    _check_age("contacts.toml", "", contacts.reviewed_on, today or date.today())
    _check_contacts(contacts)
    return contacts


def _read_spoken(folder: Path, language: str) -> SpokenFiles:
    points = f"triage_points_{language}.toml"
    return SpokenFiles(
        suffix=language,
        flags=_read(folder, f"red_flags_{language}.toml", SpokenFile),
        contacts=_read(folder, f"contacts_{language}.toml", ContactTexts),
        scope=_read(folder, f"scope_{language}.toml", ScopeTexts),
        greetings=_read(folder, f"greetings_{language}.toml", GreetingFile),
        points=_read(folder, points, SpokenPoints) if (folder / points).is_file() else None,
    )


def _read(folder: Path, name: str, model: type[_File]) -> _File:
    try:
        with (folder / name).open("rb") as file:
            return model.model_validate(tomllib.load(file))
    except FileNotFoundError:
        raise RulesError(f"The rule file {name} is missing from {folder}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RulesError(f"{name} is not TOML: {error}") from None
    except ValidationError as error:
        lines = [
            f"{name}: {'.'.join(str(part) for part in found['loc'])}: {found['msg']}"
            for found in error.errors()[:5]
        ]
        raise RulesError("\n".join(lines)) from None


def _check_age(file: str, rule_id: str, reviewed_on: date, today: date) -> None:
    place = f"{file}, rule {rule_id}" if rule_id else file
    if reviewed_on > today:
        raise RulesError(f"{place}: reviewed_on {reviewed_on} lies in the future.")
    if today - reviewed_on > MAX_AGE:
        raise RulesError(
            f"{place}: reviewed_on {reviewed_on} is more than twelve months ago.",
            hint="Check it against its sources, then set reviewed_on to the day of the check.",
        )


def _check_ids(place: str, ids: list[str]) -> None:
    twice = sorted({found for found in ids if ids.count(found) > 1})
    if twice:
        raise RulesError(f"{place}: these ids stand twice: {', '.join(twice)}")


def _check_contacts(contacts: ContactFile) -> None:
    if "unknown" not in contacts.regions:
        raise RulesError("contacts.toml: [regions.unknown] is missing")
    for name, region in contacts.regions.items():
        numbers = [region.emergency, *(line.phone or line.sms for line in region.crisis)]
        if name == "unknown" and any(numbers):
            raise RulesError("contacts.toml: [regions.unknown] holds a number: never guess one")
        if name != "unknown" and (region.emergency is None or not region.sources):
            raise RulesError(
                f"contacts.toml: [regions.{name}] lacks an emergency number or sources"
            )


def _classes(file: ExampleFile, groups: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """The words of the groups that are alike; a word of two groups is of the first."""
    strange = set(file.alike) - set(groups)
    if strange:
        raise RulesError(f"examples.toml: words.toml has no group {', '.join(sorted(strange))}")
    return {
        word: f"<{name}>"
        for name in reversed(file.alike)
        for word in groups[name]
        if word.isalpha()
    }


def _nearest(file: ExampleFile, classes: Mapping[str, str], spelling: Spelling) -> Nearest:
    return Nearest(
        (
            (rule, fold(text, spelling, spelling))
            for rule, texts in file.examples.items()
            if rule != HARMLESS
            for text in texts
        ),
        classes,
    )


def _groups(
    groups: Mapping[str, tuple[str, ...]], medicines: tuple[str, ...], day: date
) -> dict[str, tuple[str, ...]]:
    """Those of words.toml, and those that are not written down: medicines and years gone by."""
    names = tuple(m for m in medicines if m.isascii() and m.isalpha())
    return {**groups, **year_groups(day), "medicine": names}


def year_groups(day: date) -> dict[str, tuple[str, ...]]:
    """`past_year`, the years before that of `day`, and `long_past_year`, those before the last."""
    years = tuple(str(year) for year in range(_FIRST_YEAR, day.year))
    return {"past_year": years, "long_past_year": years[:-1]}


def _medicines(folder: Path) -> Iterable[str]:
    """The names that retrieval also uses, so that a new medicine is added in one place."""
    try:
        with (folder / "medicines.toml").open("rb") as file:
            names = tomllib.load(file)["names"]
    except (OSError, tomllib.TOMLDecodeError, KeyError) as error:
        raise RulesError(f"medicines.toml cannot be read: {error}") from None
    return [str(name).casefold() for name in names]


def _long_names(medicines: Iterable[str]) -> list[str]:
    """The names of medicines that are long enough for a slip in them to be no other word."""
    return [name for name in medicines if len(name) >= 7 and name.isascii() and name.isalpha()]


def _measures(words: WordFile) -> set[str]:
    lists = words.temperature
    return {*lists.words, *lists.other_measures, *lists.surroundings, *lists.after_number}


def _add(book: PhraseBook, file: str, rule: str, tag: str, phrases: Iterable[str]) -> None:
    try:
        book.add(tag, phrases)
    except PhraseError as error:
        raise RulesError(f"{file}, {rule}: {error}") from None
