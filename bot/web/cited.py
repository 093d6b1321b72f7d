"""The cited passages of an answer, carried in a reader's address: places only, never a word of the
question. Written `guide.md:120-240,250-300,other.md:5-80`; a place without a name lies in the
document of the place before it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote

from bot.records import Citation, Span

MOST = 30
"""Places that an address may name; an answer has far fewer."""

_PLACE = re.compile(r"(?:([^:,]{1,600}):)?([0-9]{1,12})-([0-9]{1,12})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A passage of a document."""

    source_id: str
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """Where one stands among the cited passages of an answer: `number` of `count`, from 1."""

    places: tuple[Place, ...]
    number: int

    @property
    def count(self) -> int:
        return len(self.places)

    @property
    def before(self) -> Place | None:
        return self.places[self.number - 2] if self.number > 1 else None

    @property
    def after(self) -> Place | None:
        return self.places[self.number] if self.number < self.count else None


def places_of(citations: Sequence[Citation]) -> tuple[Place, ...]:
    """The places of an answer's citations, in their order."""
    return tuple(Place(source_id=c.source.source_id, span=c.span) for c in citations)


def written(places: Sequence[Place]) -> str:
    """The places as the value of a query parameter, ready to stand in an address."""
    parts = []
    named = None
    for place in places[:MOST]:
        name = "" if place.source_id == named else quote(place.source_id, safe="/") + ":"
        named = place.source_id
        parts.append(f"{name}{place.span.start}-{place.span.end}")
    return quote(",".join(parts), safe="/:,-")


def read(value: str | None) -> tuple[Place, ...]:
    """The places that a query parameter (decoded once) names; none where any of it is wrong."""
    found: list[Place] = []
    for part in (value or "").split(","):
        match = _PLACE.fullmatch(part)
        if not match or len(found) >= MOST or not (match[1] or found):
            return ()
        first, last = int(match[2]), int(match[3])
        if first >= last:
            return ()
        source_id = unquote(match[1]) if match[1] else found[-1].source_id
        found.append(Place(source_id=source_id, span=Span(start=first, end=last)))
    return tuple(found)


def trail(places: Sequence[Place], here: Place) -> Trail | None:
    """Where `here` stands among the places; None where it is not among them or the only one."""
    if len(places) < 2 or here not in places:
        return None
    return Trail(places=tuple(places), number=list(places).index(here) + 1)
