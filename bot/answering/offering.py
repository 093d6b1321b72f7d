"""Which headings may be offered as questions: those that would be neither stopped nor declined, by
the rules or by the second look. Kept by heading, for each costs a pass of the model; a heading is
the guides' own, so that nothing of a reader is kept.
"""

from __future__ import annotations

from collections.abc import Callable

from bot.records import Question

_MOST = 8192


class Offerable:
    """Callable: heading in, whether it may be offered out. `passes` says it of a question that is
    asked for the first time. Safe to call from several threads; what two find at once is the same.
    """

    def __init__(self, passes: Callable[[Question], bool]) -> None:
        self._passes = passes
        self._known: dict[str, bool] = {}

    def __call__(self, heading: str) -> bool:
        if heading not in self._known:
            found = self._passes(Question(text=heading))
            if len(self._known) >= _MOST:  # indexes come and go
                self._known.clear()
            self._known[heading] = found
            return found
        return self._known.get(heading, False)
