"""How near a question is to what the model was trained to tell apart: sections of the guides, and
groups of questions known not to be covered (evals/train_asking.py, docs/decisions/0010).

One rule: a section whose ways of asking were changed since, and a document that brings none, have
no centre; the judge has other weights for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from bot.records import Retrieved


class Centres:
    """Callable: hits and the question's vector for questions in, the same with `centre` and
    `gap_centre` out. `centres` are vectors of length one by the key that `key` gives for the ways
    of asking of a passage; `gaps` are the keys of the known gaps of this index."""

    def __init__(
        self,
        centres: Mapping[str, npt.ArrayLike],
        gaps: Iterable[str],
        key: Callable[[Sequence[str]], str],
    ) -> None:
        self._centres = centres
        self._key = key
        self._gaps = np.array([centres[gap] for gap in gaps if gap in centres], np.float32)

    def __call__(self, retrieved: Retrieved, asked: Sequence[float]) -> Retrieved:
        if not retrieved.hits or not len(self._gaps):
            return retrieved
        ways = retrieved.hits[0].chunk.asked
        own = self._centres.get(self._key(ways)) if ways else None
        vector = np.asarray(asked, np.float32)
        return replace(
            retrieved,
            centre=None if own is None else float(np.asarray(own, np.float32) @ vector),
            gap_centre=float((self._gaps @ vector).max()),
        )
