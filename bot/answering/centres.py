"""How near a question is to what the model was trained to tell apart: sections of the guides, and
groups of questions known not to be covered (evals/train_asking.py, docs/decisions/0010).

One rule: a section whose ways of asking were changed since, and a document that brings none, have
no share; the judge has other weights for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from bot.records import Retrieved

Shares = npt.NDArray[np.float32]

_SHARPNESS = 25.0
"""By how much nearness counts, as in the training; chosen on the development questions."""


class Centres:
    """Callable: hits and the question's `shares` in, the same with `section_share` and
    `gap_share` out. `centres` are vectors of length one by the key that `key` gives for the ways of
    asking of a passage; `gaps` are the keys of the known gaps of this index."""

    def __init__(
        self,
        centres: Mapping[str, npt.ArrayLike],
        gaps: Iterable[str],
        key: Callable[[Sequence[str]], str],
    ) -> None:
        self._places = {name: place for place, name in enumerate(centres)}
        self._centres = np.array(list(centres.values()), np.float32)
        self._gaps = [self._places[gap] for gap in gaps if gap in centres]
        self._key = key

    def shares(self, asked: Sequence[float]) -> Shares:
        """How near each centre is, of 1 in all, to the question's vector for questions. Needs no
        hits, so that it can be found out beside the search; empty without known gaps."""
        if not self._gaps:
            return np.zeros(0, np.float32)
        nearness = _SHARPNESS * (self._centres @ np.asarray(asked, np.float32))
        found = np.exp(nearness - nearness.max())
        made: Shares = found / found.sum()
        return made

    def __call__(self, retrieved: Retrieved, shares: Shares) -> Retrieved:
        if not retrieved.hits or not len(shares):
            return retrieved
        ways = retrieved.hits[0].chunk.asked
        own = self._places.get(self._key(ways)) if ways else None
        return replace(
            retrieved,
            section_share=None if own is None else float(shares[own]),
            gap_share=float(shares[self._gaps].sum()),
        )
