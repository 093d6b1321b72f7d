"""Slows guessing down: after five wrong tries in five minutes, of one name or from one address, no
password is looked at until the first of them is five minutes old. A name is the same however it is
typed, as long as it finds the same account.

Counted in memory, in each process for itself; a restart forgets it.
"""

from __future__ import annotations

import hashlib
import math
import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from bot.addresses import counted_as
from bot.review.accounts import folded

WRONG_TRIES = 5
MINUTES = 5


class Tries:
    """Wrong tries by name and by address."""

    def __init__(self) -> None:
        self._item = RateLimitItemPerMinute(WRONG_TRIES, MINUTES)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def wait(self, name: str, address: str) -> int:
        """Seconds until the next try may be made; 0 where it may be made now."""
        ends = [
            self._limiter.get_window_stats(self._item, *key).reset_time
            for key in _keys(name, address)
            if not self._limiter.test(self._item, *key)
        ]
        return max(1, math.ceil(max(ends) - time.time())) if ends else 0

    def wrong(self, name: str, address: str) -> None:
        """Count a wrong try."""
        for key in _keys(name, address):
            self._limiter.hit(self._item, *key)


def _keys(name: str, address: str) -> tuple[tuple[str, str], tuple[str, str]]:
    # As a hash: a password typed into the wrong box is not kept in memory.
    typed = hashlib.sha256(folded(name).encode("utf-8", "replace")).hexdigest()
    return ("name", typed), ("address", counted_as(address))
