"""Generations: immutable copies of the index, one pointer, one writer.

    var/index/current                   the name of the serving generation
    var/index/generations/NAME/         manifest.json, passages.sqlite3, chroma/
    var/index/lock                      held by the one process that writes

A generation is built beside the others under a name that starts with `building-`, checked, brought
to disk, renamed, and only then does the pointer change, by an atomic rename. A crash at any moment
leaves the old pointer and the old generation; what it left over is cleared by the next writer.
Who reads a generation holds a shared lock on its manifest; the writer never deletes such a one.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from bot.errors import DamagedIndex, LockHeld, NoIndex, StoreError

log = logging.getLogger(__name__)

_POINTER = "current"
_BUILDING = "building-"
_DELETING = "deleting-"
FETCHING = "fetching-"
"""Begins the name of a folder that another machine's generation is being copied into."""
_MANIFEST = "manifest.json"
_POLL_SECONDS = 0.2
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a generation is made of. `fingerprint` holds everything that, when changed, makes its
    vectors or passages not comparable; `failed` maps a source_id to why it could not be read in
    the last run (what was indexed of it before is still in), `duplicates` one that repeats another
    document to that one."""

    generation: str
    created: str
    fingerprint: dict[str, Any]
    documents: dict[str, str]
    passages: int
    questions: int
    gaps_hash: str
    gap_groups: dict[str, str]
    model: str
    gap_questions: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    duplicates: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Generation:
    """A generation on disk."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def passages(self) -> Path:
        return self.folder / "passages.sqlite3"

    @property
    def vectors(self) -> Path:
        return self.folder / "chroma"

    def manifest(self) -> Manifest:
        """Raises `DamagedIndex` where the manifest cannot be read."""
        try:
            return Manifest(**json.loads((self.folder / _MANIFEST).read_text("utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise DamagedIndex(f"{self.folder} has no readable manifest: {error}") from error

    def write_manifest(self, manifest: Manifest) -> None:
        _write_durably(
            self.folder / _MANIFEST, json.dumps(asdict(manifest), indent=1, sort_keys=True)
        )


class Generations:
    """The generations under one folder (`var/index`)."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._all = root / "generations"

    def current(self) -> Generation:
        """The serving generation. Raises `NoIndex` before the first ingest, `DamagedIndex` where
        the pointer names a generation that is not there."""
        name = self.current_name()
        if name is None:
            raise NoIndex("There is no index yet.")
        generation = Generation(self._all / name)
        if not generation.folder.is_dir():
            raise DamagedIndex(f"The index generation {name} is missing.")
        return generation

    def current_name(self) -> str | None:
        """The pointer's content, or None before the first ingest. Cheap: one small file."""
        try:
            return (self._root / _POINTER).read_text("utf-8").strip() or None
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise DamagedIndex(f"The index pointer cannot be read: {error}") from error

    def borrow_current(self) -> tuple[Generation, IO[bytes]]:
        """The serving generation and a handle that keeps it from being deleted until it is closed.

        Raises as `current` does. The system frees the handle when a process dies.
        """
        for _ in range(_ATTEMPTS):
            generation = self.current()
            handle = self.hold(generation)
            if handle:
                return generation, handle
            time.sleep(_POLL_SECONDS)  # a writer swapped and deleted it in between
        raise DamagedIndex(f"The index generation {self.current_name()} has no manifest.")

    def hold(self, generation: Generation) -> IO[bytes] | None:
        """A handle that keeps a generation from being deleted until it is closed; None where it is
        gone already."""
        try:
            handle = (generation.folder / _MANIFEST).open("rb")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise DamagedIndex(f"{generation.folder} cannot be read: {error}") from error
        fcntl.flock(handle, fcntl.LOCK_SH)
        # The lock may have been had only after the folder was taken away.
        if (generation.folder / _MANIFEST).exists():
            return handle
        handle.close()
        return None

    @contextlib.contextmanager
    def writing(self, *, wait: bool = False) -> Iterator[None]:
        """Hold the writer's lock; where another process has it, `wait` or raise `LockHeld`. The
        system frees it when a process dies. Clears what a killed writer left over."""
        try:
            self._all.mkdir(parents=True, exist_ok=True)
            handle = (self._root / "lock").open("w")
        except OSError as error:
            raise StoreError(
                f"The index folder {self._root} cannot be written: {error.strerror}.",
                hint="Give this user write access to it, or set BOT_PATHS__VAR to another folder.",
            ) from error
        with handle:
            while not _locked(handle):
                if not wait:
                    raise LockHeld("Another ingest is running on this index.")
                time.sleep(_POLL_SECONDS)
            self._clear_leftovers()
            yield

    def begin(
        self, copy_of: Generation | None = None, *, part: str | int | None = None
    ) -> Generation:
        """A new folder to build in: empty, or a copy of a finished generation. `part` tells apart
        what is begun in the same second (without one: the process)."""
        base = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{part or os.getpid()}"
        folder = self._all / (_BUILDING + base)
        try:
            if copy_of is None:
                folder.mkdir()
            else:
                shutil.copytree(copy_of.folder, folder, ignore=shutil.ignore_patterns(_MANIFEST))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return Generation(folder)

    def finish(self, building: Generation) -> Generation:
        """Give a built and checked generation its final name and point to it."""
        name, number = final_name(building), 1
        while (self._all / name).exists():
            number += 1
            name = f"{final_name(building)}-{number}"
        final = self.settle(building, name)
        self.point_to(final)
        return final

    def settle(self, building: Generation, name: str) -> Generation:
        """Bring a built generation to disk under its final name, without pointing to it."""
        final = self.named(name)
        building.write_manifest(replace(building.manifest(), generation=name))
        _sync_tree(building.folder)
        building.folder.rename(final.folder)
        _sync(self._all)
        return final

    def named(self, name: str) -> Generation:
        """The place of a finished generation; it need not exist."""
        return Generation(self._all / name)

    def point_to(self, generation: Generation) -> None:
        """Make a finished generation the serving one, atomically."""
        generation.manifest()
        _write_durably(self._root / _POINTER, generation.name + "\n")

    def names(self) -> list[str]:
        """Finished generations, oldest first."""
        if not self._all.is_dir():
            return []
        unfinished = (_BUILDING, _DELETING, FETCHING)
        return sorted(p.name for p in self._all.iterdir() if not p.name.startswith(unfinished))

    def discard(self, building: Generation) -> None:
        shutil.rmtree(building.folder, ignore_errors=True)

    def prune(self, keep: int) -> None:
        """Delete the oldest finished generations beyond `keep`, never the serving one nor one that
        a reader holds; that one goes after a later run. A failure here is no failure of the
        ingest, whose index serves by now: the next one does it."""
        try:
            self._prune(keep)
        except (OSError, StoreError) as error:
            log.warning("old generations were not deleted: %s", error)

    def _prune(self, keep: int) -> None:
        current = self.current_name()
        old = [name for name in self.names() if name != current]
        for name in old[: max(0, len(old) - (keep - 1))]:
            self.remove(name)

    def remove(self, name: str) -> None:
        """Delete a finished generation where there is one, unless a reader holds it."""
        if not (self._all / name).exists():
            return
        with contextlib.ExitStack() as stack:
            try:
                handle = stack.enter_context((self._all / name / _MANIFEST).open("rb"))
                if not _locked(handle):
                    return
            except FileNotFoundError:
                pass  # no manifest: nobody can be reading it
            # Renamed first: half a generation must never stand under a finished name.
            doomed = (self._all / name).rename(self._all / (_DELETING + name))
        shutil.rmtree(doomed, ignore_errors=True)

    def _clear_leftovers(self) -> None:
        for start in (_BUILDING, _DELETING):
            for folder in self._all.glob(start + "*"):
                shutil.rmtree(folder, ignore_errors=True)


def final_name(building: Generation) -> str:
    """What a generation that is being built will be called."""
    return building.name.removeprefix(_BUILDING)


def _locked(handle: IO[Any]) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write_durably(path: Path, text: str) -> None:
    scratch = path.with_name(path.name + ".new")
    with scratch.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_tree(folder: Path) -> None:
    for path in [*folder.rglob("*"), folder]:
        _sync(path)
