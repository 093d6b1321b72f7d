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

from bot.records import Hit, Retrieved

Shares = npt.NDArray[np.float32]

SHARPNESS = 25.0
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
        nearness = SHARPNESS * (self._centres @ np.asarray(asked, np.float32))
        found = np.exp(nearness - nearness.max())
        made: Shares = found / found.sum()
        return made

    def of(self, hits: Sequence[Hit], shares: Shares) -> list[float | None]:
        """The share of each hit's section; None where it was not trained on."""
        if not len(shares):
            return [None] * len(hits)
        places = [
            self._places.get(self._key(h.chunk.asked)) if h.chunk.asked else None for h in hits
        ]
        return [None if place is None else float(shares[place]) for place in places]

    def __call__(self, retrieved: Retrieved, shares: Shares) -> Retrieved:
        if not retrieved.hits or not len(shares):
            return retrieved
        (own,) = self.of(retrieved.hits[:1], shares)
        return replace(retrieved, section_share=own, gap_share=float(shares[self._gaps].sum()))
