"""Where sources differ: what an answer must show side by side, with dates.

Two cases only, and both are in the words themselves: a sentence that says that sources differ, and
sentences of two documents that give different numbers of the same unit about the same thing. The
second may still be two different cases; the page says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from bot.records import Answer, Citation, CitedStatement
from bot.text import content_words

_SAYS_SO = re.compile(
    r"\b(?:(?:sources?|cent(?:er|re)s?|hospitals?|guidelines?|guides?|experts?|studies|reports?)"
    r"(?:,? [\w' ]{0,20})? (?:differ|vary|disagree|do not agree)\b"
    r"|(?:sources?|cent(?:er|re)s?|hospitals?|places?) differ\b"
    r"|one (?:[\w' ]{1,40}? )?(?:says?|puts?|gives?|advises?|lets?)\b[^.]*?\b(?:another|others?)\b"
    r"|differs? (?:widely )?(?:from (?:place|cent(?:er|re)|hospital)|between (?:sources|cent))"
    r")",
    re.IGNORECASE,
)
_UNITS = {
    "%": "%",
    "percent": "%",
    "day": "days",
    "week": "weeks",
    "month": "months",
    "year": "years",
    "hour": "hours",
    "liter": "liters",
    "°c": "°C",
    "°f": "°F",
}
_AMOUNT = re.compile(
    r"(\d+(?:[.,]\d+)?)(?:\s*(?:to|-|–|and|or)\s*(\d+(?:[.,]\d+)?))?\s*"
    r"(%|percent\b|°\s?[CF]\b|(?:day|week|month|year|hour|liter)s?\b)",
    re.IGNORECASE,
)
_TELLS = re.compile(r"\b(?:says?|allows?|advises?|lets?|calls?|puts?|put|gives?|found)\b", re.I)
_SHARED_WORDS = 3
"""Content words that two sentences must share to count as being about the same thing."""
_EVERYWHERE = frozenset(content_words("transplant transplants cells people team time often usual"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One statement, and where it rests: publishers with the dates on which they were read, or
    the document with the date of its last check."""

    statement: CitedStatement
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """`said`: the documents say that sources differ. `numbers`: two documents give different
    numbers."""

    kind: Literal["said", "numbers"]
    sides: tuple[Side, ...]


def differences(answer: Answer) -> tuple[Difference, ...]:
    """What differs in an answer, in order of appearance, each statement at most once."""
    cited = {c.number: c for c in answer.citations}
    sides = [
        Side(statement=s, citations=tuple(cited[n] for n in s.citations if n in cited))
        for s in answer.statements
    ]
    found: list[Difference] = []
    used: set[int] = set()
    for n, side in enumerate(sides):
        if n in used or not _SAYS_SO.search(side.statement.text):
            continue
        group = [n, *_continued(sides, n)]
        if len(_publishers(sides[k] for k in group)) < 2:
            continue
        used.update(group)
        found.append(Difference(kind="said", sides=tuple(sides[k] for k in group)))
    for a, b in combinations(range(len(sides)), 2):
        if not {a, b} & used and _numbers_differ(sides[a], sides[b]):
            used |= {a, b}
            found.append(Difference(kind="numbers", sides=(sides[a], sides[b])))
    return tuple(found)


def _continued(sides: Sequence[Side], n: int) -> Iterator[int]:
    """The sentences right after that give what single sources say: same passage, with a source of
    their own, and a number or a verb of saying."""
    passage = {c.passage_id for c in sides[n].citations}
    for k in range(n + 1, len(sides)):
        same_passage = bool(passage & {c.passage_id for c in sides[k].citations})
        text = sides[k].statement.text
        telling = bool(_AMOUNT.search(text) or _TELLS.search(text))
        if not (same_passage and telling and _publishers([sides[k]])):
            return
        yield k


def _publishers(sides: Sequence[Side] | Iterator[Side]) -> set[str]:
    return {r.publisher for side in sides for c in side.citations for r in c.based_on}


def _numbers_differ(one: Side, other: Side) -> bool:
    from_one = {c.source.source_id for c in one.citations}
    from_other = {c.source.source_id for c in other.citations}
    if not from_one or not from_other or from_one & from_other:
        return False
    shared = _subject(one) & _subject(other)
    if len(shared) < _SHARED_WORDS:
        return False
    a, b = _amounts(one.statement.text), _amounts(other.statement.text)
    return any(not a[unit] & b[unit] for unit in a.keys() & b.keys())


def _subject(side: Side) -> set[str]:
    units = {word for unit in _UNITS for word in content_words(unit)}
    found = {w for w in content_words(side.statement.text) if not w[0].isdigit()}
    return found - _EVERYWHERE - units


def _amounts(text: str) -> dict[str, set[str]]:
    """The numbers of each unit in a text; a range counts with both its ends."""
    found: dict[str, set[str]] = {}
    for first, last, unit in _AMOUNT.findall(text):
        name = re.sub(r"\s", "", unit.casefold())
        key = _UNITS.get(name) or _UNITS.get(name.removesuffix("s"), name)
        found.setdefault(key, set()).update(n for n in (first, last) if n)
    return found
