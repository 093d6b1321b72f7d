"""What the processes of one index tell each other through the Chroma server.

A note is an empty collection: its name says what it is about, its metadata hold the content. Chroma
makes a collection of a new name for one caller only, together with its metadata, and lists all of
them in one answer; so posting a note is a compare-and-set, and a listing is a state that was. All
times are the server's.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.errors import DamagedIndex, StoreError
from bot.indexing.server.connection import Connection

if TYPE_CHECKING:
    from chromadb.api.models.Collection import Collection

log = logging.getLogger(__name__)

_LOOK_EVERY_SECONDS = 1.0
_RENEWALS = 3
"""How often a lease is renewed in the time that it lasts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    kind: str
    key: str
    values: Mapping[str, Any]
    collection: Collection

    @property
    def number(self) -> int:
        """Of a numbered note."""
        return int(self.key)


@dataclass(frozen=True, slots=True)
class Listing:
    """All notes and collections of the index at one moment."""

    notes: tuple[Note, ...]

    def of(self, kind: str) -> list[Note]:
        """By key, so numbered notes by number."""
        return sorted((n for n in self.notes if n.kind == kind), key=lambda n: n.key)

    def last(self, kind: str) -> Note | None:
        """The numbered note that holds now."""
        return next(reversed(self.of(kind)), None)


class Board:
    """The notes of one index. Everything here raises `StoreError` where the server fails."""

    def __init__(self, connection: Connection, *, lease_seconds: float) -> None:
        self.connection = connection
        self.lease_seconds = lease_seconds
        self._lock = threading.Lock()
        self._leases: list[Lease] = []
        self._follower: threading.Thread | None = None
        self._stop = threading.Event()
        self._looked = threading.Event()
        self._seen: Listing | StoreError = Listing(())

    def look(self) -> Listing:
        """How things are now."""
        notes = []
        with self.connection.guarded():
            for collection in self.connection.client().list_collections():
                parts = self.connection.parts(collection.name)
                if parts and collection.metadata:
                    kind, key = parts
                    notes.append(
                        Note(kind=kind, key=key, values=collection.metadata, collection=collection)
                    )
        return Listing(tuple(notes))

    def post(self, kind: str, key: str | int, values: Mapping[str, Any]) -> Note | None:
        """Make a note; None where there is one of this kind and key. A number is written so that
        notes sort by it."""
        key = f"{key:010}" if isinstance(key, int) else key
        name, mark = self.connection.collection(kind, key), uuid.uuid4().hex
        client = self.connection.client()
        try:
            collection = client.create_collection(
                name, metadata={**values, "mark": mark}, embedding_function=None
            )
        except Exception as error:
            # It is there already; or it is ours, and only the answer was lost.
            with self.connection.guarded():
                try:
                    collection = client.get_collection(name, embedding_function=None)
                except Exception:
                    raise error from None
            if (collection.metadata or {}).get("mark") != mark:
                return None
        return Note(kind=kind, key=key, values=values, collection=collection)

    def post_next(self, kind: str, after: int, values: Mapping[str, Any]) -> Note | None:
        """Make the numbered note that follows `after`; None where another process made it or a
        later one first. The notes before it stay."""
        note = self.post(kind, after + 1, values)
        if note is None:
            return None
        # A number can be free again because later ones were made and the earlier cleared away.
        last = self.look().last(kind)
        if last is None or last.number != note.number:
            self.take_down(note)
            return None
        return note

    def rewrite(self, note: Note, values: Mapping[str, Any]) -> None:
        """Change a note's values in one step. Raises `DamagedIndex` where it was taken down."""
        with self.connection.guarded():
            note.collection.modify(metadata=dict(values))

    def take_down(self, note: Note) -> None:
        """Remove this very note or collection, never another that has its name by now. One that is
        gone already is no error."""
        client = self.connection.client()
        # Chroma renames by identity and deletes by name.
        doomed = self.connection.collection("gone", uuid.uuid4().hex)
        with contextlib.suppress(DamagedIndex), self.connection.guarded():
            note.collection.modify(name=doomed)
            client.delete_collection(doomed)

    def now(self) -> float:
        """The server's time in seconds."""
        with self.connection.guarded():
            return self.connection.client().heartbeat() / 1e9

    # For processes that serve.

    def follow(self) -> None:
        """From now on look every second in the background, so that no question waits for it."""
        with self._lock:
            if self._follower is None:
                self._stop.clear()
                self._looked.clear()
                self._follower = threading.Thread(
                    target=self._follow, name="chroma-server", daemon=True
                )
                self._follower.start()

    def seen(self) -> Listing:
        """How things were at the last look. Raises `StoreError` where that look failed."""
        if self._follower is None:
            return self.look()
        self._looked.wait()
        if isinstance(self._seen, StoreError):
            raise type(self._seen)(str(self._seen), hint=self._seen.hint)
        return self._seen

    def known(self) -> Listing | None:
        """The same without waiting and without errors."""
        return self._seen if isinstance(self._seen, Listing) else None

    def _follow(self) -> None:
        while True:
            try:
                with self.connection.guarded():
                    self._renew()
                    self._seen = self.look()
            except StoreError as error:
                if not isinstance(self._seen, StoreError):
                    log.warning("%s", error)
                self._seen = error
            self._looked.set()
            if self._stop.wait(_LOOK_EVERY_SECONDS):
                return

    def _renew(self) -> None:
        with self._lock:
            due = [lease for lease in self._leases if lease.due()]
        for lease in due:
            lease.renew()

    def lease(self, generation: str) -> Lease:
        """Keep a generation from being deleted while this process lives, until it is closed."""
        lease = Lease(self, generation)
        with self._lock:
            self._leases.append(lease)
        self.follow()
        return lease

    def forget(self, lease: Lease) -> None:
        with self._lock, contextlib.suppress(ValueError):
            self._leases.remove(lease)

    def close(self) -> None:
        """Stop following, unless another part of this process still holds a lease."""
        with self._lock:
            follower = self._follower
            if self._leases or follower is None:
                return
            self._follower = None
        self._stop.set()
        follower.join(timeout=_LOOK_EVERY_SECONDS)


def who() -> dict[str, str | int]:
    """This process, for the eyes of an operator."""
    return {"host": socket.gethostname(), "pid": os.getpid()}


class Lease:
    """A note that a process reads a generation. It lapses when it is not renewed in time."""

    def __init__(self, board: Board, generation: str) -> None:
        self._board = board
        self.generation = generation
        self._note = self._posted()

    def _values(self) -> dict[str, Any]:
        expires = self._board.now() + self._board.lease_seconds
        self._renew_at = time.monotonic() + self._board.lease_seconds / _RENEWALS
        return {"generation": self.generation, "expires": expires, **who()}

    def _posted(self) -> Note:
        note = self._board.post("lease", uuid.uuid4().hex, self._values())
        assert note is not None
        return note

    def due(self) -> bool:
        return time.monotonic() >= self._renew_at

    def renew(self) -> None:
        try:
            self._board.rewrite(self._note, self._values())
        except DamagedIndex:  # it lapsed while this process slept, and was cleared away
            self._note = self._posted()

    def close(self) -> None:
        self._board.forget(self)
        with contextlib.suppress(StoreError):  # it lapses by itself
            self._board.take_down(self._note)


def lapsed(notes: Sequence[Note], now: float) -> list[Note]:
    """Leases and locks whose holder did not renew them in time."""
    return [note for note in notes if float(note.values["expires"]) < now]
