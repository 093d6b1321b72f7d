"""Which passages may be shown at all: not withdrawn, not past their review date."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from bot.records import Chunk, SourceInfo
from bot.withdrawals import Withdrawals


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

    def gone(self, source_id: str) -> bool:
        """Was the whole document withdrawn?"""
        return self._withdrawn.source(source_id)

    def withheld(self, chunk: Chunk) -> bool:
        """Was the passage withdrawn, or is its document overdue?"""
        return not self.document(chunk.source) or self._withdrawn.covers(chunk)

    def shown(self, chunk: Chunk) -> bool:
        """May it be shown?"""
        return not self.withheld(chunk)
