"""Where the index and the list of withdrawn sources lie, by the settings: in the state folder, or
on a Chroma server. Everything else works with either."""

from __future__ import annotations

import hashlib
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from bot.errors import StoreError
from bot.indexing.generations import Generation, Generations
from bot.indexing.store import InFolder, Location, VectorStore
from bot.settings import Settings, Store
from bot.withdrawals import Withdrawals

if TYPE_CHECKING:
    from bot.indexing.server import Board


class Handle(Protocol):
    """Keeps a generation from being deleted until it is closed."""

    def close(self) -> None: ...


class Index(Protocol):
    """The generations of an index: what readers and the writer need of them. Each method is
    described in `generations` and in `sharing`."""

    def follow(self) -> None: ...
    def current_name(self) -> str | None: ...
    def known_name(self) -> str | None: ...
    def current(self) -> Generation: ...
    def borrow_current(self) -> tuple[Generation, Handle]: ...
    def at_hand(self, name: str | None) -> bool: ...
    def vectors(self, generation: Generation) -> Location: ...
    def names(self) -> list[str]: ...
    def close(self) -> None: ...

    def writing(self, *, wait: bool = False) -> AbstractContextManager[None]: ...
    def begin(self, copy_of: Generation | None = None) -> Generation: ...
    def new_vectors(self, building: Generation, copy_of: Generation | None) -> VectorStore: ...
    def finish(self, building: Generation) -> Generation: ...
    def discard(self, building: Generation) -> None: ...
    def prune(self, keep: int) -> None: ...


class FolderIndex(Generations):
    """The generations below the state folder, each with an embedded Chroma of its own."""

    def follow(self) -> None:
        """The pointer is a small file; nothing needs to run in the background."""

    def known_name(self) -> str | None:
        """What the pointer names, without errors."""
        try:
            return self.current_name()
        except StoreError:
            return None

    def at_hand(self, name: str | None) -> bool:
        """Opening a generation takes no waiting."""
        return True

    def vectors(self, generation: Generation) -> InFolder:
        return InFolder(generation.vectors)

    def new_vectors(self, building: Generation, copy_of: Generation | None) -> VectorStore:
        """The vectors of a building generation: empty, or those that were copied with it."""
        if copy_of is None:
            building.vectors.mkdir()
        store = VectorStore.open(self.vectors(building))
        if copy_of is None:
            store.create()
        return store

    def close(self) -> None:
        """Nothing is held."""


def generations(settings: Settings) -> Index:
    """The generations of the index that the settings name."""
    board = board_of(settings)
    if board is None:
        return FolderIndex(settings.paths.var / "index")
    from bot.indexing.sharing import SharedIndex

    address = board.connection.address
    mark = hashlib.sha256(address.url.encode()).hexdigest()[:8]
    return SharedIndex(board, settings.paths.var / "shared" / f"{address.name}-{mark}")


def withdrawals_of(settings: Settings) -> Withdrawals:
    """The list of what is withdrawn; on a server it holds for all machines at once."""
    board = board_of(settings)
    if board is None:
        return Withdrawals(settings.paths.var)
    from bot.indexing.server import WithdrawnOnServer

    return Withdrawals(WithdrawnOnServer(board))


def board_of(settings: Settings) -> Board | None:
    """What is shared through the Chroma server of these settings; None without one."""
    return _board(settings.store) if settings.store.chroma_url else None


@lru_cache(maxsize=8)
def _board(store: Store) -> Board:
    from bot.indexing.server import Address, Board, Connection

    assert store.chroma_url is not None
    address = Address(
        url=store.chroma_url,
        name=store.chroma_name,
        header=store.chroma_header,
        token=store.chroma_token.get_secret_value() if store.chroma_token else None,
        ca=store.chroma_ca,
        seconds=store.chroma_seconds,
    )
    return Board(Connection(address), lease_seconds=store.lease_seconds)
