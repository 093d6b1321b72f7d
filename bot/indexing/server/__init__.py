"""An index on a Chroma server: the connection, what processes tell each other through it, and the
files that travel through it. Shared by any number of machines (docs/decisions/0005)."""

from bot.indexing.server.board import Board, Lease, Listing, Note, lapsed
from bot.indexing.server.connection import Address, Connection, OnServer
from bot.indexing.server.files import Files, StoredFile
from bot.indexing.server.lock import writers_lock
from bot.indexing.server.withdrawn import WithdrawnOnServer

__all__ = [
    "Address",
    "Board",
    "Connection",
    "Files",
    "Lease",
    "Listing",
    "Note",
    "OnServer",
    "StoredFile",
    "WithdrawnOnServer",
    "lapsed",
    "writers_lock",
]
