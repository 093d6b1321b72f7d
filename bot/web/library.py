"""The library: every document of the serving index on the shelf of its topic, and where in the
reader each of its parts is found. What was withdrawn is not here.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from bot.errors import UnknownSource
from bot.records import SourceDocument, SourceInfo, Span
from bot.standing import withheld_of
from bot.text import sentence_spans
from bot.web.document_view import Part, view
from bot.web.originals import is_pdf
from bot.web.service import Bot
from bot.withdrawals import Withdrawals

# The way of a patient; topics of a clinic's own come after these, by name.
_ORDER = (
    "When to call",
    "Types of transplant",
    "Before transplant",
    "Donors",
    "In hospital",
    "Recovery",
    "Medicines",
    "GVHD",
    "Complications",
    "Going home",
    "Feelings and family",
    "Faith, language and money",
    "Later life",
    "Glossary",
)
_SHOWN = 3
"""Headings that say what a document is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A document on its shelf: its headings, and the first sentence of one that has none."""

    info: SourceInfo
    headings: tuple[Part, ...]
    first_sentence: str
    overdue: bool
    is_pdf: bool

    @property
    def first_headings(self) -> tuple[Part, ...]:
        return self.headings[:_SHOWN]

    @property
    def more_headings(self) -> tuple[Part, ...]:
        """Those behind one more press."""
        return self.headings[_SHOWN:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """The documents of a topic, by title; `topic` is None for those that name none."""

    topic: str | None
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """The shelves in their order."""

    shelves: tuple[Shelf, ...] = ()

    @property
    def size(self) -> int:
        return sum(len(shelf.entries) for shelf in self.shelves)

    def anchor(self, source_id: str, span: Span) -> str:
        """The anchor of the heading above a passage; empty where there is none."""
        for shelf in self.shelves:
            for entry in shelf.entries:
                if entry.info.source_id == source_id:
                    before = bisect_left([h.start for h in entry.headings], span.start)
                    return entry.headings[before - 1].anchor if before else ""
        return ""


def entry_of(document: SourceDocument, withheld: tuple[Span, ...], today: date) -> Entry:
    """What the library says of a document."""
    parts = view(document, withheld=withheld)
    headings = tuple(part for part in parts if part.kind == "heading")
    prose = next((part.words for part in parts if part.kind in ("paragraph", "list")), "")
    sentences = sentence_spans(prose)
    return Entry(
        info=document.info,
        headings=headings,
        first_sentence=sentences[0].of(prose) if sentences and not headings else "",
        overdue=document.info.overdue(today),
        is_pdf=is_pdf(document.info.source_id),
    )


def shelved(entries: Iterable[Entry]) -> tuple[Shelf, ...]:
    """The entries by topic. Topics that differ in case only are one; it is named by the first."""
    by_topic: dict[str, list[Entry]] = {}
    for entry in sorted(entries, key=lambda e: (e.info.title.casefold(), e.info.source_id)):
        by_topic.setdefault((entry.info.topic or "").strip().casefold(), []).append(entry)
    known = [topic.casefold() for topic in _ORDER]

    def place(topic: str) -> tuple[int, str]:
        if topic in known:
            return known.index(topic), ""
        return len(known) + (not topic), topic

    return tuple(
        Shelf(topic=(found[0].info.topic or "").strip() or None, entries=tuple(found))
        for topic, found in sorted(by_topic.items(), key=lambda item: place(item[0]))
    )


class LibraryKeeper:
    """Callable: the library of the serving index, read once an index. Raises `StoreError` where
    the index cannot be read."""

    def __init__(
        self, bot: Bot, withdrawals: Withdrawals, *, today: Callable[[], date] = date.today
    ) -> None:
        self._bot = bot
        self._withdrawals = withdrawals
        self._today = today
        self._lock = threading.Lock()
        self._kept: tuple[object, Library] | None = None

    def __call__(self) -> Library:
        today = self._today()
        with self._lock:
            state = (self._bot.versions().index, today, self._withdrawals.items())
            if self._kept is None or self._kept[0] != state:
                self._kept = (state, self._read(today))
            return self._kept[1]

    def _read(self, today: date) -> Library:
        entries = []
        for info in self._bot.sources():
            try:
                document = self._bot.document(info.source_id)
            except UnknownSource:
                continue  # withdrawn, or gone with a new index, since the list was read
            withheld = withheld_of(document, self._withdrawals.items())
            entries.append(entry_of(document, withheld, today))
        return Library(shelves=shelved(entries))
