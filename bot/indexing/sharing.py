"""The generations of an index on a Chroma server: the same rules as in a folder, for any number of
machines.

    NAME.pointer.0000000012             which generation serves; the highest number holds
    NAME.gen.GENERATION.passages        its vectors, also .questions
    NAME.gen.GENERATION.files           its manifest and passages.sqlite3, in pieces
    NAME.writer.lock                    held by the one process that writes
    NAME.lease.ID                       a process that reads a generation

Each machine keeps a copy of the files below `var/shared/`, checked against the hashes that the
pointer holds. A writer that starts from pointer n can only point with n + 1, and Chroma lets only
one process make that note. So whatever stalls, dies or overlaps, readers see one whole generation.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import logging
import os
import re
import shutil
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from bot.errors import DamagedIndex, LockHeld, NoIndex, StoreError
from bot.indexing.generations import FETCHING, Generation, Generations, final_name
from bot.indexing.server import (
    Board,
    Files,
    Lease,
    Listing,
    Note,
    OnServer,
    StoredFile,
    lapsed,
    writers_lock,
)
from bot.indexing.store import COLLECTIONS, VectorStore

log = logging.getLogger(__name__)

_FILES = ("manifest.json", "passages.sqlite3")
_ATTEMPTS = 5
_AGAIN_SECONDS = 30.0
"""After a copy that failed."""


class SharedLease:
    """Keeps a generation on the server, and its files here, until it is closed."""

    def __init__(self, lease: Lease, handle: IO[bytes]) -> None:
        self._lease = lease
        self._handle = handle

    def close(self) -> None:
        self._lease.close()
        self._handle.close()


class SharedIndex:
    """The generations on a server, with the copies of their files below `folder`."""

    def __init__(self, board: Board, folder: Path) -> None:
        self._board = board
        self._folder = folder
        self._here = Generations(folder)
        self._base = 0
        self._pointed = False
        self._fetching: threading.Thread | None = None
        self._failed: tuple[str, float] = ("", 0.0)
        self._checked: set[str] = set()

    # Reading.

    def follow(self) -> None:
        """This process serves: look at the server in the background."""
        self._board.follow()

    def current_name(self) -> str | None:
        """The name of the serving generation, or None before the first ingest. Raises `StoreError`
        where the server fails; while following, at once."""
        return _name(self._board.seen())

    def known_name(self) -> str | None:
        """The same as far as it is known, without waiting and without errors."""
        listing = self._board.known()
        return _name(listing) if listing else None

    def current(self) -> Generation:
        """The serving generation with its files here. Raises as in a folder, and
        `ServerUnreachable`."""
        pointer = self._board.look().last("pointer")
        if pointer is None:
            raise NoIndex("There is no index on the Chroma server yet.")
        return self._fetched(pointer)

    def borrow_current(self) -> tuple[Generation, SharedLease]:
        """The serving generation, kept from being deleted until the lease is closed."""
        for _ in range(_ATTEMPTS):
            name = _name(self._board.look())
            if name is None:
                raise NoIndex("There is no index on the Chroma server yet.")
            lease = self._board.lease(name)
            try:
                # Who deletes looks at the leases after the pointer moved: if it still names the
                # generation now, the lease was made in time.
                pointer = self._board.look().last("pointer")
                if pointer is not None and _generation(pointer) == name:
                    generation = self._fetched(pointer)
                    handle = self._here.hold(generation)
                    if handle:
                        return generation, SharedLease(lease, handle)
            except BaseException:
                lease.close()
                raise
            lease.close()
        raise StoreError("The index changed again and again while it was opened.")

    def at_hand(self, name: str | None) -> bool:
        """Whether a generation can be opened without waiting; if not, its files are fetched in the
        background, so that questions go on meanwhile."""
        if name is None or name in self._checked:
            return True
        fetching = self._fetching is not None and self._fetching.is_alive()
        failed, at = self._failed
        if not fetching and (failed != name or time.monotonic() - at > _AGAIN_SECONDS):
            self._fetching = threading.Thread(target=self._fetch_quietly, args=(name,), daemon=True)
            self._fetching.start()
        return False

    def _fetch_quietly(self, name: str) -> None:
        try:
            self.current()
        except StoreError as error:
            log.warning("the new index cannot be fetched: %s", error)
            self._failed = (name, time.monotonic())

    def vectors(self, generation: Generation) -> OnServer:
        return OnServer(connection=self._board.connection, generation=generation.name)

    def names(self) -> list[str]:
        """The generations that were pointed to and are kept, the last pointed to last."""
        return _in_order(self._board.look())

    def close(self) -> None:
        self._board.close()

    # The copies here.

    def _fetched(self, pointer: Note) -> Generation:
        generation = self._here.named(_generation(pointer))
        files = _files(pointer)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with (self._folder / "fetch.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if not self._is_here(generation, files):
                    self._fetch(generation, files)
        except OSError as error:
            raise StoreError(
                f"The index could not be copied to {self._folder}: {error.strerror or error}.",
                hint="Look at free space and write access of the state folder (BOT_PATHS__VAR).",
            ) from error
        self._checked.add(generation.name)
        return generation

    def _is_here(self, generation: Generation, files: dict[str, StoredFile]) -> bool:
        if not generation.folder.is_dir():
            return False
        if generation.name in self._checked:
            return True
        return all(_holds(generation.folder / name, file) for name, file in files.items())

    def _fetch(self, generation: Generation, files: dict[str, StoredFile]) -> None:
        """Copy the files, all or none. Under the fetch lock."""
        parent = generation.folder.parent
        parent.mkdir(exist_ok=True)
        for left in parent.glob(FETCHING + "*"):
            shutil.rmtree(left, ignore_errors=True)
        scratch = parent / (FETCHING + generation.name)
        scratch.mkdir()
        try:
            place = self.vectors(generation)
            for name, file in files.items():
                Files(place).get(file, scratch / name)
            # A copy that is not what it should be goes, even if a reader holds it open.
            shutil.rmtree(generation.folder, ignore_errors=True)
            scratch.rename(generation.folder)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    # Writing.

    @contextlib.contextmanager
    def writing(self, *, wait: bool = False) -> Iterator[None]:
        """Hold the writer's lock of the whole index (and that of this machine, for the embedding
        cache); where another process has it, `wait` or raise `LockHeld`."""
        with (
            self._here.writing(wait=wait),
            self._board.connection.patient(),
            writers_lock(self._board, wait=wait),
        ):
            last = self._board.look().last("pointer")
            self._base, self._pointed = last.number if last else 0, False
            yield

    def begin(self, copy_of: Generation | None = None) -> Generation:
        """A new folder to build in, with the files of a finished generation or empty."""
        return self._here.begin(copy_of, part=uuid.uuid4().hex[:8])

    def new_vectors(self, building: Generation, copy_of: Generation | None) -> VectorStore:
        """The collections to fill: empty, or with all that a finished generation holds. Chroma
        cannot copy a collection on a single server, so all of it goes through here."""
        store = VectorStore.open(self._place(building))
        store.create()
        if copy_of is not None:
            old = VectorStore.open(self.vectors(copy_of))
            for name in COLLECTIONS:
                store.add(name, old.records(name))
        return store

    def _place(self, building: Generation) -> OnServer:
        return OnServer(
            connection=self._board.connection,
            generation=final_name(building),
            number=self._base + 1,
        )

    def finish(self, building: Generation) -> Generation:
        """Store the files of a built and checked generation, then point to it. Raises `LockHeld`
        where another process pointed to a generation first; the index is that one's then."""
        name = final_name(building)
        final = self._here.settle(building, name)
        files = Files(self._place(building))
        stored = {n: files.put(final.folder / n).json() for n in _FILES}
        values = {"generation": name, "files": json.dumps(stored), "at": self._board.now()}
        self._pointed = True
        if self._board.post_next("pointer", self._base, values) is None:
            raise LockHeld(
                "Another ingest on this index was faster; what this one made was thrown away.",
                hint="Run it again: it starts from the other's result.",
            )
        self._checked.add(name)
        return final

    def discard(self, building: Generation) -> None:
        """Remove an unfinished generation. Where the server fails, the next writer clears it."""
        self._here.discard(building)
        self._here.remove(final_name(building))
        if self._pointed:
            return  # whether it was pointed to may be unknown; `prune` of the next writer knows
        with contextlib.suppress(StoreError):
            for note in self._board.look().of("gen"):
                if note.values.get("generation") == final_name(building):
                    self._board.take_down(note)

    def prune(self, keep: int) -> None:
        """Delete the oldest generations beyond `keep`, never the serving one nor one that a process
        anywhere reads; and what killed writers and readers left. A failure here is no failure of
        the ingest: the next one does it."""
        try:
            self._prune(keep)
        except (OSError, StoreError) as error:
            log.warning("old generations were not deleted: %s", error)

    def _prune(self, keep: int) -> None:
        listing, now = self._board.look(), self._board.now()
        serving = listing.last("pointer")
        if serving is None:
            return
        leases = listing.of("lease")
        late = lapsed(leases, now)
        held = {note.values["generation"] for note in leases if note not in late}
        order = _in_order(listing)
        old = order[:-1][: max(0, len(order) - keep)]
        kept = {name for name in order if name not in old or name in held}
        for pointer in listing.of("pointer"):
            if pointer.values["generation"] not in kept:
                self._board.take_down(pointer)
        for note in listing.of("gen"):
            # Made for a number that is taken: it can never be pointed to any more.
            never = int(note.values["number"]) <= serving.number
            if never and note.values["generation"] not in kept:
                self._board.take_down(note)
        for note in [*late, *listing.of("gone")]:
            self._board.take_down(note)
        for name in self._here.names():
            if name not in kept:
                self._here.remove(name)


def _name(listing: Listing) -> str | None:
    pointer = listing.last("pointer")
    return _generation(pointer) if pointer else None


def _generation(pointer: Note) -> str:
    """The name becomes that of a folder here: whoever wrote it must not choose another place."""
    name = str(pointer.values.get("generation"))
    if not re.fullmatch(r"[0-9A-Za-z-]{1,80}", name):
        raise DamagedIndex(f"The pointer on the Chroma server names {name!r}.")
    return name


def _in_order(listing: Listing) -> list[str]:
    names = [str(note.values["generation"]) for note in reversed(listing.of("pointer"))]
    return list(reversed(dict.fromkeys(names)))


def _files(pointer: Note) -> dict[str, StoredFile]:
    try:
        found = json.loads(str(pointer.values["files"]))
        return {
            name: StoredFile(size=int(found[name]["size"]), sha256=str(found[name]["sha256"]))
            for name in _FILES
        }
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedIndex(f"The pointer on the Chroma server cannot be read: {error}") from None


def _holds(path: Path, file: StoredFile) -> bool:
    try:
        with path.open("rb") as stream:
            return (
                os.fstat(stream.fileno()).st_size == file.size
                and hashlib.file_digest(stream, "sha256").hexdigest() == file.sha256
            )
    except OSError:
        return False
