"""Which evaluation questions are near copies of a question that the guides store.

A stored way of asking that a reader types word for word is met at once, so such a question says
little of those that nobody foresaw. They are not kept out of the guides, for what most people ask
is what must be stored: they are counted apart.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer

COPY = 0.6
"""Share of the trigrams of two questions that both hold, from which they count as copies. The same
limit kept questions out of the guides before (docs/decisions/0013)."""
_AT_ONCE = 256


def near_copies(questions: Sequence[str], stored: Sequence[str]) -> list[bool]:
    """For each question: do at least `COPY` of the trigrams (of letters, across words, in small
    letters without marks) of it and of some stored question occur in both?"""
    if not questions or not stored:
        return [False] * len(questions)
    counter = CountVectorizer(
        analyzer="char", ngram_range=(3, 3), binary=True, dtype=np.float32, preprocessor=_plain
    )
    known = counter.fit_transform(stored)
    asked = counter.transform(questions)
    trigrams = counter.build_analyzer()
    own = np.array([len(set(trigrams(question))) for question in questions], dtype=np.float32)
    theirs = np.asarray(known.sum(axis=1)).ravel()
    found: list[bool] = []
    for start in range(0, len(questions), _AT_ONCE):
        both = (asked[start : start + _AT_ONCE] @ known.T).toarray()
        either = own[start : start + _AT_ONCE, None] + theirs[None, :] - both
        found += (both >= COPY * either).any(axis=1).tolist()
    return found


def _plain(text: str) -> str:
    kept = "".join(c if c.isalnum() else " " for c in text.lower())
    return f" {' '.join(kept.split())} "
