"""What may be offered beside a reply, and that a failure there spoils nothing.

Headings are offered as questions where they would be neither stopped nor declined, by the rules or
by the second look. Kept by heading, for each costs a pass of the model; a heading is the guides'
own, so that nothing of a reader is kept.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache

from bot.records import Question

log = logging.getLogger(__name__)
MOST = 8192


@contextmanager
def to_spare() -> Iterator[None]:
    """For what a reply can do without: a failure within is logged, by its kind alone (R29)."""
    try:
        yield
    except Exception as error:
        log.warning("nothing is offered beside the reply: %s", type(error).__name__)


def offerable(passes: Callable[[Question], bool]) -> Callable[[str], bool]:
    """Callable: heading in, whether it may be offered out. `passes` is asked once for each of the
    `MOST` headings that were offered last."""
    return lru_cache(maxsize=MOST)(lambda heading: passes(Question(text=heading)))
