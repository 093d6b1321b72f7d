"""Temperatures in a message: which numbers are body temperatures, in degrees Celsius.

One rule: a number with a unit or beside a word for temperature counts; a number that belongs to
something else (a date, an age, a count, a blood value, the weather) does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bot.rules.folding import CLAUSE, SENTENCE, Folded

_UNITS = {
    "c": "C", "celsius": "C", "celcius": "C", "centigrade": "C", "degc": "C",
    "f": "F", "fahrenheit": "F", "farenheit": "F", "fahrenheight": "F", "degf": "F", "oc": "C",
    "fh": "F", "celcuis": "C", "ferenheit": "F", "faren": "F",
}  # fmt: skip
_DEGREES = frozenset("° degree degrees deg degs degress".split())
_ONES = {
    w: i
    for i, w in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve".split()
    )
}
_ONES |= {"oh": 0, "o": 0, "nought": 0, "for": 4, "fore": 4, "ate": 8}
_TENS = {"thirty": 30, "thirthy": 30, "forty": 40, "fourty": 40, "ninety": 90, "ninty": 90}
_ROUND = frozenset({37.5, 37.8, 38.3, 38.5, 99.5, 100.4, 100.5})
_PAST_IT = {"over", "above", "past", "exceeds", "exceeding"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A body temperature in words `start` to `end`. `celsius` is rounded to 0.01.

    `exact` is false for whole degrees and for the thresholds that leaflets name: those may stand
    in a general question. `below` says the writer put it as an upper bound ("under 38").
    """

    celsius: float
    start: int
    end: int
    exact: bool
    below: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The word lists that the parser needs, from words.toml."""

    temperature: frozenset[str]
    other_measures: frozenset[str]
    after_number: frozenset[str]
    before_number: frozenset[str]
    surroundings: frozenset[str]
    upper_bound: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class _Number:
    value: float
    start: int
    end: int
    tenths: bool


def readings(folded: Folded, words: Words, *, spoken_of: bool = False) -> tuple[Reading, ...]:
    """All temperatures that the message gives. `spoken_of`: the talk was of temperature before."""
    found = []
    numbers = list(_numbers(folded.words))
    likely = [n for n in numbers if _likely_unit(n.value)]
    written = sum(n.tenths for n in likely)
    for number in numbers:
        alone = len(likely) == 1 or (number.tenths and written == 1)
        reading = _reading(folded, number, words, spoken_of, alone=alone)
        if reading:
            found.append(reading)
    return tuple(found)


def has_numbers(folded: Folded) -> bool:
    return any(True for _ in _numbers(folded.words))


def _reading(
    folded: Folded, number: _Number, words: Words, spoken_of: bool, *, alone: bool
) -> Reading | None:
    text, unit, end = folded.words, "", number.end
    degrees = False
    while end < len(text) and folded.breaks[end] < CLAUSE and end < number.end + 3:
        if text[end] in _DEGREES:
            degrees = True
        elif _UNITS.get(text[end]) and not unit:
            unit = _UNITS[text[end]]
        else:
            break
        end += 1
    unit = unit or _likely_unit(number.value)
    celsius = number.value if unit == "C" else round((number.value - 32) * 5 / 9, 2)
    if not unit or not 30.0 <= celsius <= 45.0:
        return None
    explicit = degrees or end > number.end
    if not _is_body_temperature(folded, number, end, words, explicit, spoken_of, alone):
        return None
    return Reading(
        celsius=round(celsius, 2),
        start=number.start,
        end=end,
        exact=number.value % 1 != 0 and number.value not in _ROUND,
        below=_bounded(text[max(0, number.start - 4) : number.start], words.upper_bound),
    )


def _likely_unit(value: float) -> str:
    if 35.0 <= value <= 43.0 or (30.0 <= value < 35.0 and value % 1):
        return "C"
    return "F" if 93.0 <= value <= 115.0 else ""


def _is_body_temperature(
    folded: Folded,
    number: _Number,
    end: int,
    words: Words,
    explicit: bool,
    spoken_of: bool,
    alone: bool,
) -> bool:
    text = folded.words
    if _charted(folded, number):
        return True
    after = text[end] if end < len(text) and not folded.breaks[end] else ""
    before = text[number.start - 1] if number.start and folded.breaks[number.start] < CLAUSE else ""
    if after in words.after_number and not explicit:
        return False
    if before in words.before_number and not explicit:
        return False
    first, last = _sentence(folded, number.start)
    sentence = text[first:last]
    if any(word in words.surroundings for word in sentence) and not any(
        word in words.temperature for word in sentence
    ):
        return False
    owner = _owner(text, first, last, number, end, words)
    if owner:
        return owner == "temperature"
    if explicit:
        return True
    if spoken_of and alone and last - first <= 12:
        return True
    likely = 34.0 <= number.value <= 42.9 or 99.0 <= number.value <= 107.9
    return alone and number.tenths and likely and len(text) <= 12


def _charted(folded: Folded, number: _Number) -> bool:
    """Is the number written as on a chart: "T 38.7", "T: 39.1", "t=38"?"""
    text, at = folded.words, number.start - 1
    if at > 0 and text[at] in ("=", "of", "was", "is"):
        at -= 1
    if at < 0 or text[at] != "t" or folded.breaks[number.start] >= SENTENCE:
        return False
    return 34.0 <= number.value <= 42.9 or 95.0 <= number.value <= 107.9


def _owner(
    text: tuple[str, ...], first: int, last: int, number: _Number, end: int, words: Words
) -> str:
    """What the number measures: the nearest named measure before it, else just after it."""
    for at in range(number.start - 1, first - 1, -1):
        if text[at] in words.temperature:
            return "temperature"
        if text[at] not in words.other_measures or at + 1 == number.start:
            if text[at] in words.other_measures:
                return "other"
            continue
        # In "day 18, 38.4" the day has its own number; "before bed it was 38.4" is of no bed.
        if not text[at + 1][0].isdigit() and text[at] not in words.before_number:
            return "other"
    for at in range(end, min(end + 8, last)):
        if text[at] in words.temperature:
            return "temperature"
        if text[at] in words.other_measures:
            return "other"
    return ""


def _sentence(folded: Folded, at: int) -> tuple[int, int]:
    first = at
    while first and folded.breaks[first] < SENTENCE:
        first -= 1
    last = at + 1
    while last < len(folded.words) and folded.breaks[last] < SENTENCE:
        last += 1
    return first, last


def _bounded(before: tuple[str, ...], bounds: Iterable[tuple[str, ...]]) -> bool:
    for bound in bounds:
        for at in range(len(before) - len(bound) + 1):
            if before[at : at + len(bound)] == bound and not any(
                word in _PAST_IT for word in before[at + len(bound) :]
            ):
                return True
    return False


def _numbers(words: tuple[str, ...]) -> Iterator[_Number]:
    at = 0
    while at < len(words):
        word = words[at]
        if word[0].isdigit():
            value, end = _digits(words, at)
        else:
            value, end = _spoken(words, at)
        if value is None:
            at += 1
            continue
        yield _Number(value, at, end, value % 1 != 0 or "." in word)
        at = end


def _digits(words: tuple[str, ...], at: int) -> tuple[float | None, int]:
    try:
        value = float(words[at])
    except ValueError:  # 12.3.2026 or 1,234,567
        return None, at + 1
    if at + 2 < len(words) and words[at + 1] in ("point", "pt", "dot") and value % 1 == 0:
        tenths = words[at + 2]
        digits = tenths if tenths.isdigit() else str(_ONES.get(tenths, ""))
        if digits:
            return float(f"{int(value)}.{digits}"), at + 3
    if words[at + 1 : at + 4] == ("and", "a", "half"):
        return value + 0.5, at + 4
    return value, at + 1


def _spoken(words: tuple[str, ...], at: int) -> tuple[float | None, int]:
    """Thirty-five to forty-three and ninety-five to a hundred and twelve, with tenths."""
    rest = words[at:]
    if rest[0] in _TENS:
        whole, used = _TENS[rest[0]], 1
        if len(rest) > 1 and rest[1] in _ONES and 0 < _ONES[rest[1]] < 10:
            whole, used = whole + _ONES[rest[1]], 2
    elif rest[0] == "hundred" or rest[:2] in (("a", "hundred"), ("one", "hundred")):
        used = 1 if rest[0] == "hundred" else 2
        whole = 100
        if len(rest) > used + 1 and rest[used] == "and" and _ONES.get(rest[used + 1], 0) > 0:
            whole, used = 100 + _ONES[rest[used + 1]], used + 2
        elif len(rest) > used and _ONES.get(rest[used], 0) > 0 and rest[used] != "for":
            whole, used = 100 + _ONES[rest[used]], used + 1
    elif rest[:2] in (("one", "oh"), ("one", "o"), ("one", "zero")) and len(rest) > 2:
        if rest[2] not in _ONES or not 0 < _ONES[rest[2]] < 10:
            return None, at + 1
        whole, used = 100 + _ONES[rest[2]], 3
    else:
        return None, at + 1
    if rest[used : used + 3] == ("and", "a", "half"):
        return whole + 0.5, at + used + 3
    if len(rest) > used + 1 and rest[used] in ("point", "dot"):
        tenths = rest[used + 1]
        if tenths in _ONES and _ONES[tenths] < 10:
            return whole + _ONES[tenths] / 10, at + used + 2
        if tenths.isdigit():
            return float(f"{whole}.{tenths}"), at + used + 2
    return float(whole), at + used
