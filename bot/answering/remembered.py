"""Vectors of documents' sentences, kept while they are in use: the same few come back with every
question on a subject. A question's own words are never kept here.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float32]

MOST = 16_384
"""Sentences kept, 1.5 kB each with the default model."""


class SentenceVectors:
    """Callable: sentences in, their unit vectors out. Keeps the last used ones. Thread-safe; two
    threads that need the same new sentence at once may both embed it."""

    def __init__(
        self, embed: Callable[[list[str]], Sequence[Sequence[float]]], *, most: int = MOST
    ) -> None:
        self._embed = embed
        self._most = most
        self._kept: OrderedDict[str, Vector] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, texts: Sequence[str]) -> list[Vector]:
        import numpy as np

        with self._lock:
            found = {text: self._kept[text] for text in texts if text in self._kept}
        missing = [text for text in dict.fromkeys(texts) if text not in found]
        if missing:
            fresh = np.asarray(self._embed(missing), dtype=np.float32)
            found |= dict(zip(missing, fresh, strict=True))
        with self._lock:
            for text, vector in found.items():
                self._kept[text] = vector
                self._kept.move_to_end(text)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return [found[text] for text in texts]
