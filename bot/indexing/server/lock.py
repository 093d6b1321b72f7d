"""One writer at a time, across machines.

The lock saves work, it does not guard the index: a writer that stalls until its lock lapses may
still run beside the next one. What guards the index is that a generation becomes the serving one
only by `Board.post_next`, which one of them wins.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

from bot.errors import LockHeld, StoreError
from bot.indexing.server.board import Board, Note, lapsed, who

_POLL_SECONDS = 0.5
_RENEWALS = 3


@contextlib.contextmanager
def writers_lock(board: Board, *, wait: bool = False) -> Iterator[None]:
    """Hold the index's lock; where another process has it, `wait` or raise `LockHeld`. The lock of
    a process that died lapses after the board's `lease_seconds`."""
    note = _taken(board)
    while note is None:
        if not wait:
            raise LockHeld(_held_by(board))
        time.sleep(_POLL_SECONDS)
        note = _taken(board)
    done = threading.Event()
    keeper = threading.Thread(target=_keep, args=(board, note, done), daemon=True)
    keeper.start()
    try:
        yield
    finally:
        done.set()
        keeper.join()
        with contextlib.suppress(StoreError):  # it lapses by itself
            board.take_down(note)


def _taken(board: Board) -> Note | None:
    note = board.post("writer", "lock", _values(board))
    if note is None:
        for old in lapsed(board.look().of("writer"), board.now()):
            # By identity: where two find it lapsed, the second cannot take away the first's lock.
            board.take_down(old)
            note = board.post("writer", "lock", _values(board))
    return note


def _values(board: Board) -> dict[str, str | int | float]:
    return {"expires": board.now() + board.lease_seconds, **who()}


def _keep(board: Board, note: Note, done: threading.Event) -> None:
    while not done.wait(board.lease_seconds / _RENEWALS):
        # Where this fails the lock lapses; the last step finds out whether another was faster.
        with contextlib.suppress(StoreError):
            board.rewrite(note, _values(board))


def _held_by(board: Board) -> str:
    for note in board.look().of("writer"):
        left = max(0, round(float(note.values["expires"]) - board.now()))
        return (
            f"Another ingest is running on this index (process {note.values['pid']} on "
            f"{note.values['host']}). If it was killed, its lock lapses in {left} seconds."
        )
    return "Another ingest is running on this index."
