"""Which headings may be offered as questions: those that would be neither stopped nor declined, by
the rules or by the second look. Kept by heading, for each costs a pass of the model; a heading is
the guides' own, so that nothing of a reader is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from bot.records import Question

MOST = 8192


def offerable(passes: Callable[[Question], bool]) -> Callable[[str], bool]:
    """Callable: heading in, whether it may be offered out. `passes` is asked once for each of the
    `MOST` headings that were offered last."""
    return lru_cache(maxsize=MOST)(lambda heading: passes(Question(text=heading)))
