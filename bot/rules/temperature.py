"""Temperatures in a message: which numbers are body temperatures, in degrees Celsius.

One rule: a number that belongs to something else (a date, an age, a count, a blood value, the
weather) is none. Else it counts with a unit, beside a word for temperature, after a verb of reading
("it hit 39"), or by its own looks: tenths from 37 to 42.9 C or from 99 to 107.9 F.
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
_UNDER = frozenset("under below less lower beneath".split())
_RISES = frozenset(
    "gone go goes went going risen rose crept shot jumped climbed back spiked is now shoots".split()
)
_FAILS = frozenset(
    "cant couldnt wont not isnt never hasnt havent doesnt didnt wouldnt refuses unable".split()
)
# What may stand beside a number that is the whole message, or between it and a verb of reading.
_SMALL = frozenset(
    "at to up of about around over just now nearly almost a an only is it in".split()
)
_ALONE = _SMALL | frozenset("and oh ok so then again still his her my our was says said".split())
_READ_OFF = frozenset(
    "running hit hits hitting reached reaching reads reading read clocked clocking registered "
    "registering registers showing shows showed spiked spiking spikes climbed climbing jumped rose "
    "risen rising beeped recorded recording measured touched crept topped says".split()
)
_PATIENT = frozenset(
    "he she it son daughter kid kiddo baby toddler husband wife hubby dad mum mom mam boy "
    "girl partner temp fever lad".split()
)
_ALSO_OF_THINGS = frozenset("hot warm boiling burning roasting".split())
_NEXT = frozenset("and but with so while plus then also".split())
_HERE = frozenset("here out outside".split())
_BEING = frozenset("is am are was were been be still now sitting stuck hovering running".split())


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


def readings(
    folded: Folded, words: Words, *, spoken_of: bool = False, first_turn: bool = False
) -> tuple[Reading, ...]:
    """All temperatures that the message gives. `spoken_of`: the talk was of temperature before.
    `first_turn`: nothing was said before, so a message that is only a number answers no question.
    """
    numbers = list(_numbers(folded.words))
    alone = sum(bool(_likely_unit(n.value)) for n in numbers) == 1
    expected = [
        (spoken_of and alone) or (first_turn and _is_all(folded.words, number))
        for number in numbers
    ]
    found = [_reading(folded, *each, words) for each in zip(numbers, expected, strict=True)]
    if any(found):  # "37.9 earlier, now thirty nine": beside a temperature there is often another
        found = [
            each or _reading(folded, n, True, words) for each, n in zip(found, numbers, strict=True)
        ]
    return tuple(each for each in found if each)


def has_numbers(folded: Folded) -> bool:
    return any(True for _ in _numbers(folded.words))


def _reading(folded: Folded, number: _Number, expected: bool, words: Words) -> Reading | None:
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
    if not _is_body_temperature(folded, number, end, words, explicit, expected):
        return None
    return Reading(
        celsius=round(celsius, 2),
        start=number.start,
        end=end,
        exact=number.value % 1 != 0 and number.value not in _ROUND,
        below=_bounded(text, number.start, words.upper_bound),
    )


def _likely_unit(value: float) -> str:
    if 35.0 <= value <= 43.0 or (30.0 <= value < 35.0 and value % 1):
        return "C"
    return "F" if 93.0 <= value <= 115.0 else ""


def _likely_unit_of(word: str) -> str:
    value = _digits((word,), 0)[0]
    return "" if value is None else _likely_unit(value)


def _is_body_temperature(
    folded: Folded,
    number: _Number,
    end: int,
    words: Words,
    explicit: bool,
    expected: bool,
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
    # "It is 39 degrees here in Karachi", but "down": "a cool bath to bring down 101.9".
    weather = after in _HERE and not number.tenths and text[max(0, number.start - 2)] == "it"
    around = before != "down" and any(word in words.surroundings for word in sentence)
    if (weather or around) and words.temperature.isdisjoint({*sentence} - _ALSO_OF_THINGS):
        return False
    owner = _owner(folded, first, last, number, end, words)
    if owner:
        return owner == "temperature"
    if explicit or (expected and last - first <= 12):
        return True
    if number.tenths:
        return 34.0 <= number.value <= 42.9 or 99.0 <= number.value <= 107.9
    likely = 37.0 <= number.value <= 42.0 or 100.0 <= number.value <= 107.0
    return likely and (
        _is_read_off(folded, number.start) or _is_told_before(folded, number, first, last, words)
    )


def _is_told_before(folded: Folded, number: _Number, first: int, last: int, words: Words) -> bool:
    """Is it a sentence by itself after one about temperature ("kid's hot. 39")?"""
    text = folded.words
    if not first or not _ALONE.issuperset((*text[first : number.start], *text[number.end : last])):
        return False
    start, end = _sentence(folded, first - 1)
    told = text[start:end]
    return not words.temperature.isdisjoint(told) and words.surroundings.isdisjoint(
        set(told) - words.temperature
    )


def _is_all(text: tuple[str, ...], number: _Number) -> bool:
    """Is the message nothing but the number ("a hundred and two", "now 39")?"""
    likely = 38.0 <= number.value <= 42.0 or 100.0 <= number.value <= 107.0
    rest = text[: number.start] + text[number.end :]
    return likely and len(text) > 1 and _ALONE.issuperset(rest)


def _is_read_off(folded: Folded, at: int) -> bool:
    """Does a verb of reading stand before the number ("it hit 39", "we are at 38")?"""
    text, first = folded.words, at
    while first and folded.breaks[first] < CLAUSE and text[first - 1] in _SMALL and at - first < 4:
        first -= 1
    if not first or folded.breaks[first] >= CLAUSE:
        return False
    if text[first - 1] in _READ_OFF:
        return True
    if "to" in text[first:at] and text[first - 1][0].isdigit() and _likely_unit_of(text[first - 1]):
        return True
    return text[first - 1] in _BEING | _PATIENT and "at" in text[first:at]


def _charted(folded: Folded, number: _Number) -> bool:
    """Is the number written as on a chart: "T 38.7", "T: 39.1", "t=38"?"""
    text, at = folded.words, number.start - 1
    if at > 0 and text[at] in ("=", "of", "was", "is"):
        at -= 1
    if at < 0 or text[at] != "t" or folded.breaks[number.start] >= SENTENCE:
        return False
    return 34.0 <= number.value <= 42.9 or 95.0 <= number.value <= 107.9


def _owner(folded: Folded, first: int, last: int, number: _Number, end: int, words: Words) -> str:
    """What the number measures: the nearest named measure before it, else just after it."""
    text = folded.words
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
    beside = True
    for at in range(end, min(end + 8, last)):
        beside = beside and not folded.breaks[at] and text[at] not in _NEXT and at < end + 4
        if text[at] in words.temperature:
            return "temperature"
        if beside and text[at] in words.other_measures:
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


def _bounded(text: tuple[str, ...], start: int, bounds: Iterable[tuple[str, ...]]) -> bool:
    """Is the number put as an upper bound? "Cannot get it below 38.6" is none."""
    before = text[max(0, start - 4) : start]
    for bound in bounds:
        for at in range(len(before) - len(bound) + 1):
            if before[at : at + len(bound)] != bound:
                continue
            if any(word in _PAST_IT for word in before[at + len(bound) :]):
                continue
            place = start - len(before) + at
            if bound == ("up", "to") and not _RISES.isdisjoint(text[max(0, place - 2) : place]):
                continue
            if bound[0] in _UNDER and not _FAILS.isdisjoint(text[max(0, place - 6) : place]):
                continue
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
        # Money and dates have two places after the point, or none.
        tenths = value % 1 != 0 or "." in word
        yield _Number(value, at, end, tenths and len(word.partition(".")[2]) < 2)
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
