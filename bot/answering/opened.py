"""The serving side's hold on the index: opens the current generation, notices a new one, closes
the old one when the last question that uses it is done. Part of the answering flow."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from bot.errors import BotError, DamagedIndex, IndexMismatch
from bot.indexing.embedding import Embedder
from bot.indexing.flow import fingerprint
from bot.indexing.generations import Manifest
from bot.indexing.lexical import PassageStore
from bot.indexing.places import Handle, Index
from bot.indexing.store import VectorStore
from bot.settings import Settings
from bot.standing import Withheld, text_in
from bot.text import content_words
from bot.withdrawals import Withdrawal

log = logging.getLogger(__name__)

_LOOK_EVERY_SECONDS = 1.0


@dataclass(slots=True)
class OpenIndex:
    """One opened generation, kept from being deleted by `lease`. `vocabulary` is read once, it is
    needed for every question; what the withdrawals mean here is found once for each list."""

    manifest: Manifest
    passages: PassageStore
    vectors: VectorStore
    vocabulary: dict[str, int]
    stems: frozenset[str]
    lease: Handle
    users: int = 0
    retired: bool = False
    withholding: tuple[tuple[Withdrawal, ...], Withheld] | None = None

    def knows(self, term: str) -> bool:
        """Whether the documents hold a word of this stem."""
        return term in self.stems

    def withheld(self, items: tuple[Withdrawal, ...]) -> Withheld:
        """What these withdrawals keep out of these texts."""
        known = self.withholding
        if known is None or known[0] != items:
            known = self.withholding = (items, Withheld(items, text_in(self.passages.document)))
        return known[1]

    def close(self) -> None:
        self.vectors.close()
        self.passages.close()
        self.lease.close()


class IndexHolder:
    """Lends the serving generation to one question at a time per thread; never a mix of two."""

    def __init__(self, settings: Settings, embedder: Embedder, generations: Index) -> None:
        self._settings = settings
        self._embedder = embedder
        self._generations = generations
        self._lock = threading.Lock()
        self._open: OpenIndex | None = None
        self._looked = 0.0
        generations.follow()

    @contextlib.contextmanager
    def use(self) -> Iterator[OpenIndex]:
        """The current generation. Raises `NoIndex`, `DamagedIndex`, `IndexMismatch`."""
        index = self._take()
        try:
            yield index
        finally:
            self._give_back(index)

    def _take(self) -> OpenIndex:
        with self._lock:
            now = time.monotonic()
            if self._open is None or now - self._looked >= _LOOK_EVERY_SECONDS:
                name = self._serving()
                self._looked = now
                if self._open is None:
                    self._open = self._load()
                elif self._open.manifest.generation != name and self._generations.at_hand(name):
                    self._open = self._replace(self._open)
            self._open.users += 1
            return self._open

    def _serving(self) -> str | None:
        """What the pointer names; the open generation as long as it cannot be read. A server that
        is silent is an error all the same: the withdrawn list and the vectors lie there, too."""
        try:
            return self._generations.current_name()
        except DamagedIndex as error:
            if self._open is None:
                raise
            log.warning("keeping index %s: %s", self._open.manifest.generation, error)
            return self._open.manifest.generation

    def _replace(self, old: OpenIndex) -> OpenIndex:
        """The new generation, or the old one as long as the new one cannot be used."""
        try:
            fresh = self._load()
        except BotError as error:
            log.warning("keeping index %s: %s", old.manifest.generation, error)
            return old
        self._retire(old)
        log.info("index %s replaces %s", fresh.manifest.generation, old.manifest.generation)
        return fresh

    def _load(self) -> OpenIndex:
        with contextlib.ExitStack() as undo:
            generation, lease = self._generations.borrow_current()
            undo.callback(lease.close)
            manifest = generation.manifest()
            if manifest.fingerprint != fingerprint(self._settings, self._embedder):
                raise IndexMismatch(
                    f"The index was made with other rules or another model ({manifest.model})."
                )
            passages = PassageStore.open(generation.passages)
            undo.callback(passages.close)
            vectors = VectorStore.open(self._generations.vectors(generation))
            undo.callback(vectors.close)
            vocabulary = passages.vocabulary()
            index = OpenIndex(
                manifest=manifest,
                passages=passages,
                vectors=vectors,
                vocabulary=vocabulary,
                stems=frozenset(stem for word in vocabulary for stem in content_words(word)),
                lease=lease,
            )
            undo.pop_all()
            return index

    def _give_back(self, index: OpenIndex) -> None:
        with self._lock:
            index.users -= 1
            if index.retired and index.users == 0:
                index.close()

    def _retire(self, index: OpenIndex) -> None:
        index.retired = True
        if index.users == 0:
            index.close()

    def name(self) -> str | None:
        """The generation in use, or the one that would be, as far as that is known without waiting
        and without errors: an emergency is answered with the index out of reach."""
        index = self._open
        return index.manifest.generation if index else self._generations.known_name()

    def close(self) -> None:
        with self._lock:
            if self._open is not None:
                self._retire(self._open)
                self._open = None
            self._generations.close()
