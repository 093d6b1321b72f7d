"""Files that travel through the Chroma server: texts and word index of a generation, in pieces.

The pieces stand in the metadata of records, not in their documents: Chroma keeps an index of
letters over documents, which would cost more than the file.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.errors import DamagedIndex
from bot.indexing.server.connection import OnServer

if TYPE_CHECKING:
    from chromadb.api.models.Collection import Collection

_PIECE = 1_000_000
_PIECES_AT_ONCE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file as it must come back."""

    size: int
    sha256: str

    def json(self) -> dict[str, Any]:
        return asdict(self)


class Files:
    """The files of one generation on the server."""

    def __init__(self, place: OnServer) -> None:
        self._connection = place.connection
        self._name = place.collection("files")
        self._labels = place.labels()

    def put(self, path: Path) -> StoredFile:
        """Store a file under its name and read it back. Raises `StoreError`."""
        with self._connection.guarded():
            collection = self._connection.client().get_or_create_collection(
                self._name, metadata=self._labels, embedding_function=None
            )
        digest, size = hashlib.sha256(), 0
        with path.open("rb") as file:
            for number, piece in enumerate(iter(lambda: file.read(_PIECE), b"")):
                digest.update(piece)
                size += len(piece)
                text = base64.b64encode(zlib.compress(piece)).decode("ascii")
                vector: Sequence[float] = [float(number)]
                with self._connection.guarded():
                    collection.add(
                        ids=[_piece_id(path.name, number)],
                        embeddings=[vector],
                        metadatas=[{"data": text}],
                    )
        stored = StoredFile(size=size, sha256=digest.hexdigest())
        self._read(collection, path.name, stored, lambda _: None)
        return stored

    def get(self, stored: StoredFile, target: Path) -> None:
        """Write a stored file to `target`, which has its name. Raises `DamagedIndex` where it is
        not what was stored, `OSError` where it cannot be written."""
        with self._connection.guarded():
            collection = self._connection.client().get_collection(
                self._name, embedding_function=None
            )
        with target.open("wb") as file:
            self._read(collection, target.name, stored, file.write)

    def _read(
        self,
        collection: Collection,
        name: str,
        stored: StoredFile,
        take: Callable[[bytes], object],
    ) -> None:
        digest, size = hashlib.sha256(), 0
        for piece in self._pieces(collection, name, stored.size):
            digest.update(piece)
            size += len(piece)
            take(piece)
        if size != stored.size or digest.hexdigest() != stored.sha256:
            raise DamagedIndex(f"The file {name} on the Chroma server is not what was stored.")

    def _pieces(self, collection: Collection, name: str, size: int) -> Iterator[bytes]:
        count = -(-size // _PIECE)
        for first in range(0, count, _PIECES_AT_ONCE):
            numbers = range(first, min(count, first + _PIECES_AT_ONCE))
            wanted = [_piece_id(name, number) for number in numbers]
            with self._connection.guarded():
                got = collection.get(ids=wanted, include=["metadatas"])
            found = dict(zip(got["ids"], got["metadatas"] or [], strict=True))
            for record_id in wanted:
                yield _unpacked(str(found.get(record_id, {}).get("data", "")))


def _piece_id(name: str, number: int) -> str:
    return f"{name}/{number:06}"


def _unpacked(text: str) -> bytes:
    try:
        unpacker = zlib.decompressobj()
        return unpacker.decompress(base64.b64decode(text, validate=True), _PIECE)
    except (ValueError, zlib.error) as error:
        raise DamagedIndex(f"A file on the Chroma server is damaged: {error}") from None
