"""Ingest again whenever the knowledge folder changes. An edge of the indexing flow: it decides when
to ingest, never what."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from bot.errors import BotError, StoreError
from bot.indexing.flow import Progress, ingest, make_embedder, silent
from bot.indexing.reports import IngestReport
from bot.settings import Settings

_SETTLED_MS = 1_000
"""Changes that follow each other faster are one change: copying a file writes it in parts."""
_LONGEST_MS = 10_000
_ANYWAY_SECONDS = 300.0
"""Network drives report no changes; looking at all files costs about a second for ten thousand."""
_MISSING_SECONDS = 5.0


def watch(
    settings: Settings, *, folder: Path | None = None, progress: Progress = silent
) -> Iterator[IngestReport | BotError]:
    """Ingest now, after every change of the folder and now and then anyway; yields what came of
    each run. A run that fails is yielded as its error, and the next change is waited for. Raises
    `ModelError` where there is no model, `StoreError` where the system cannot watch the folder;
    ends otherwise only by an exception from outside."""
    folder = folder or settings.paths.knowledge
    embedder = make_embedder(settings)

    def run() -> IngestReport | BotError:
        try:
            return ingest(settings, folder=folder, wait=True, progress=progress, embedder=embedder)
        except BotError as error:
            return error

    while True:
        if not folder.is_dir():
            yield run()
            while not folder.is_dir():
                time.sleep(_MISSING_SECONDS)
        # Watched before the run: what changes meanwhile is seen after it.
        changes = _changes(folder)
        next(changes)
        yield run()
        for _ in changes:
            yield run()


def _changes(folder: Path) -> Iterator[None]:
    """Yields once when the folder is watched, then for every change, and after a while without one.
    Ends when the folder is not the same any more."""
    from watchfiles import watch as reported

    identity = folder.stat().st_ino
    last = time.monotonic()
    waiting = reported(
        folder,
        watch_filter=lambda _, path: not Path(path).name.startswith("."),
        debounce=_LONGEST_MS,
        step=_SETTLED_MS,
        rust_timeout=1_000,
        yield_on_timeout=True,
        ignore_permission_denied=True,  # the ingest reports what cannot be opened
    )
    try:
        next(waiting)
    except (OSError, RuntimeError) as error:
        raise StoreError(
            f"The folder {folder} cannot be watched: {error}",
            hint="Run python ingest.py by a timer instead; a run without changes is quick.",
        ) from error
    yield
    for changes in waiting:
        if not folder.is_dir() or folder.stat().st_ino != identity:
            return
        if changes or time.monotonic() - last > _ANYWAY_SECONDS:
            yield
            last = time.monotonic()
