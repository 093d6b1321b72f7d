"""Which passages may be shown at all: not withdrawn, not past their review date."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from typing import Protocol

from bot.records import Chunk, SourceInfo
from bot.rules.models import GeneralSection
from bot.standing import Withheld
from bot.withdrawals import Withdrawal, Withdrawals


class Passages(Protocol):
    def chunks_of(self, source_id: str) -> Sequence[Chunk]: ...


class Texts(Protocol):
    """The texts of one index. What is withdrawn may stand elsewhere in those of another."""

    @property
    def passages(self) -> Passages: ...
    def withheld(self, items: tuple[Withdrawal, ...]) -> Withheld: ...


class Showing:
    """`shows_overdue`: a document past its review date is shown (with a notice). `gone`, `withheld`
    and `shown` raise `StoreError` where the list of what is withdrawn cannot be read."""

    def __init__(
        self, withdrawn: Withdrawals, today: Callable[[], date], *, shows_overdue: bool
    ) -> None:
        self._withdrawn = withdrawn
        self._today = today
        self._shows_overdue = shows_overdue

    def overdue(self, source: SourceInfo) -> bool:
        """Is it past its review date today?"""
        return source.overdue(self._today())

    def document(self, source: SourceInfo) -> bool:
        """May the document be shown by its date?"""
        return self._shows_overdue or not self.overdue(source)

    def gone(self, index: Texts, source_id: str) -> bool:
        """Is the whole document withheld?"""
        return index.withheld(self._withdrawn.items()).source(source_id)

    def withheld(self, index: Texts) -> Callable[[Chunk], bool]:
        """Says of a passage of this index whether it was withdrawn, or its document is overdue."""

        def withheld(chunk: Chunk) -> bool:
            withdrawn = index.withheld(self._withdrawn.items())
            return not self.document(chunk.source) or withdrawn.covers(chunk)

        return withheld

    def sections(self, index: Texts, named: Iterable[GeneralSection]) -> Iterator[Chunk]:
        """The passages of these sections that may be shown."""
        for section in named:
            for chunk in self.shown(index, section.source_id):
                if chunk.heading[-1:] == (section.heading,):
                    yield chunk

    def shown(self, index: Texts, source_id: str) -> list[Chunk]:
        """The passages of a document that may be shown, in reading order."""
        withheld = self.withheld(index)
        return [chunk for chunk in index.passages.chunks_of(source_id) if not withheld(chunk)]
