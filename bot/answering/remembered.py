"""What the model made of documents' texts, kept while it is in use: the same few passages come back
with every question on a subject. A question's own words are never kept here.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class Remembered(Generic[T]):
    """Callable: texts in, what `make` gives for each out. Keeps the `most` last used ones.
    Thread-safe; two threads that need the same new text at once may both have it made."""

    def __init__(self, make: Callable[[list[str]], Sequence[T]], *, most: int) -> None:
        self._make = make
        self._most = most
        self._kept: OrderedDict[str, T] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, texts: Sequence[str]) -> list[T]:
        with self._lock:
            found = {text: self._kept[text] for text in texts if text in self._kept}
        missing = [text for text in dict.fromkeys(texts) if text not in found]
        if missing:
            found |= dict(zip(missing, self._make(missing), strict=True))
        with self._lock:
            for text, made in found.items():
                self._kept[text] = made
                self._kept.move_to_end(text)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return [found[text] for text in texts]
