"""The list of withdrawn sources on the server: one for all machines, looked at with everything
else. Each change is a numbered note with the whole list; the highest number holds."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence

from bot.errors import StoreError
from bot.indexing.server.board import Board, Note
from bot.withdrawals import Change, Withdrawal, dump_list, load_list

_ATTEMPTS = 20


class WithdrawnOnServer:
    """A `bot.withdrawals.Place`."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._note: Note | None = None

    def stamp(self) -> int | None:
        self._note = self._board.seen().last("withdrawn")
        return self._note.number if self._note else None

    def read(self) -> tuple[Withdrawal, ...]:
        return _items(self._note)

    def update(self, change: Change) -> None:
        for _ in range(_ATTEMPTS):
            listing = self._board.look()
            last = listing.last("withdrawn")
            values = {"list": dump_list(change(_items(last)))}
            if self._board.post_next("withdrawn", last.number if last else 0, values):
                for old in listing.of("withdrawn"):
                    self._board.take_down(old)
                return
        raise StoreError(
            "The list of withdrawn sources changed again and again; nothing was changed.",
            hint="Run the command again.",
        )

    def log(self, line: dict[str, str]) -> None:
        connection = self._board.connection
        with connection.guarded():
            log = connection.client().get_or_create_collection(
                connection.collection("audit", "log"), embedding_function=None
            )
            nowhere: Sequence[float] = [0.0]
            # `at` is in whole seconds; two changes of one second keep their order.
            order = f"{round(self._board.now() * 1e9):020}"
            log.add(
                ids=[f"{line['at']}-{order}-{uuid.uuid4().hex}"],
                embeddings=[nowhere],
                metadatas=[{"line": json.dumps(line, ensure_ascii=False)}],
            )

    def logged(self) -> list[dict[str, str]]:
        connection = self._board.connection
        with connection.guarded():
            log = connection.client().get_or_create_collection(
                connection.collection("audit", "log"), embedding_function=None
            )
            got = log.get(include=["metadatas"])
        rows = zip(got["ids"], got["metadatas"] or [], strict=True)
        return [json.loads(str(row["line"])) for _, row in sorted(rows, key=lambda r: r[0])]


def _items(note: Note | None) -> tuple[Withdrawal, ...]:
    return load_list(str(note.values.get("list")), "on the Chroma server") if note else ()
