"""Bringing in an index that was exported: believed in nothing until it was checked, and never in
use in part. The format is described in `archive`."""

from __future__ import annotations

import base64
import binascii
import contextlib
import gzip
import hashlib
import io
import json
import math
import tarfile
import tempfile
import zlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, get_args

from pydantic import TypeAdapter

from bot.errors import BadArchive, BotError, DamagedIndex, IndexMismatch, StoreError
from bot.indexing.archive import (
    FORMAT,
    HEADER,
    MANIFEST,
    MEMBERS,
    PASSAGES,
    VECTORS,
    WITHDRAWN,
    sha256_of,
)
from bot.indexing.building import check_together
from bot.indexing.chunking import passage_text
from bot.indexing.embedding import Embedder
from bot.indexing.flow import fingerprint, make_embedder
from bot.indexing.generations import Manifest
from bot.indexing.lexical import PassageStore
from bot.indexing.places import generations, withdrawals_of
from bot.indexing.store import Kind, VectorRecord, VectorStore
from bot.indexing.word_vectors import row_bytes, turned, unpacked
from bot.reading import Reading
from bot.records import Chunk
from bot.settings import Settings
from bot.withdrawals import Withdrawal, load_list

_HEADER_BYTES = 1_000_000
_LINE_BYTES = 1_000_000
_BLOCK = 1 << 20
_SLACK = 1_000_000
"""Bytes that the archive may hold beside its files' own: headers and padding."""
_TRIED = 5
"""Passages that are embedded again, to see that the vectors are this model's."""
_SAME = 0.99
_MANIFEST = TypeAdapter(Manifest)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unpacked:
    folder: Path
    header: dict[str, Any]
    manifest: Manifest
    withdrawn: tuple[Withdrawal, ...]


def import_index(
    settings: Settings, source: Path, *, sha256: str | None = None, wait: bool = False
) -> Manifest:
    """Make an exported index the serving one. Raises `BadArchive`, `IndexMismatch` (made by another
    model or other rules), `LockHeld`, `StoreError`; then the index is as it was. Where only the
    last step fails, what the archive had withdrawn stays withdrawn here, and the error says so."""
    embedder = make_embedder(settings)
    index = generations(settings)
    with index.writing(wait=wait), _disk(settings):
        with tempfile.TemporaryDirectory(
            dir=settings.paths.var, prefix="import-", ignore_cleanup_errors=True
        ) as name:
            found = _unpack(source, Path(name), settings.store.import_max_bytes, sha256)
            _check_fingerprint(found, fingerprint(settings, embedder))
            building = index.begin()
            try:
                for file in (MANIFEST, PASSAGES):
                    (found.folder / file).rename(building.folder / file)
                _check_passages(building.passages, found.manifest)
                vectors = index.new_vectors(building, None)
                try:
                    for collection, file in VECTORS.items():
                        vectors.add(collection, _records(found.folder / file))
                    _check_vectors(building.passages, vectors, found.manifest, embedder)
                finally:
                    vectors.close()
                with _withdrawn_stay(found.withdrawn):
                    # Before the pointer moves: nothing withdrawn may be shown for a moment.
                    _withdraw(settings, found.withdrawn, source)
                    final = index.finish(building)
            except BaseException:
                index.discard(building)
                raise
        index.prune(settings.store.keep_generations)
    index.close()
    return final.manifest()


@contextlib.contextmanager
def _disk(settings: Settings) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"The index could not be imported: {error.strerror or error}. Nothing was changed.",
            hint=f"Look at free space and write access of {settings.paths.var}.",
        ) from error


@contextlib.contextmanager
def _withdrawn_stay(items: tuple[Withdrawal, ...]) -> Iterator[None]:
    """A failure in here finds the archive's withdrawals on our list already. They stay, for that
    is the safe side, and are told."""
    stay = (
        "What was withdrawn in the archive may be withdrawn here now, and stays so: "
        "python -m bot doctor lists it."
    )
    try:
        yield
    except BotError as error:
        if not items:
            raise
        raise type(error)(f"{error} {stay}", hint=error.hint) from error
    except OSError as error:
        raise StoreError(
            f"The index could not be imported: {error.strerror or error}. The index in use was "
            f"left as it was.{f' {stay}' if items else ''}",
            hint="Look at free space and write access of the state folder (BOT_PATHS__VAR).",
        ) from error


class _Counted(io.RawIOBase):
    """What is unpacked, counted: no part of the archive may unpack to more than it says."""

    def __init__(self, packed: gzip.GzipFile) -> None:
        self._packed = packed
        self._left = _HEADER_BYTES + _SLACK

    def allow(self, size: int) -> None:
        self._left += size

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._packed.read(min(size, _BLOCK) if size >= 0 else _BLOCK)
        self._left -= len(data)
        if self._left < 0:
            raise BadArchive("The archive unpacks to more than it says.")
        return data


def _unpack(source: Path, folder: Path, limit: int, sha256: str | None) -> _Unpacked:
    if not source.is_file():
        raise BadArchive(f"There is no file {source}.", hint="Name the file that was exported.")
    if sha256 is not None and sha256_of(source) != sha256.strip().lower():
        raise BadArchive(
            f"{source} is not the file that was exported: its SHA-256 is another.",
            hint="Copy it again, and compare it with what the export printed.",
        )
    try:
        with gzip.open(source, "rb") as packed:
            counted = _Counted(packed)
            with tarfile.open(fileobj=counted, mode="r|") as tar:
                header = _read_members(tar, counted, folder, limit)
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error, UnicodeError) as error:
        raise BadArchive(f"{source} is no archive of an index, or is damaged: {error}") from None
    try:
        manifest = _MANIFEST.validate_json((folder / MANIFEST).read_bytes())
        withdrawn = load_list((folder / WITHDRAWN).read_bytes(), f"in {source}")
    except (ValueError, TypeError, StoreError) as error:
        raise BadArchive(f"A part of {source} cannot be read: {error}") from None
    return _Unpacked(folder=folder, header=header, manifest=manifest, withdrawn=withdrawn)


def _read_members(
    tar: tarfile.TarFile, counted: _Counted, folder: Path, limit: int
) -> dict[str, Any]:
    header: dict[str, Any] | None = None
    missing = list(MEMBERS)
    for member in tar:
        # Names are compared, never used as paths.
        if not member.isreg() or member.issparse():
            raise BadArchive(f"The archive holds a link or a device: {member.name!r}.")
        file = tar.extractfile(member)
        assert file is not None
        if header is None:
            header = _read_header(member, file, limit)
            continue
        if member.name not in missing:
            raise BadArchive(f"The archive holds what does not belong there: {member.name!r}.")
        missing.remove(member.name)
        wanted = header["files"][member.name]
        if member.size != wanted["size"]:
            raise BadArchive(f"{member.name} has another size than the archive says.")
        counted.allow(member.size)
        if _copy(file, folder / member.name) != wanted["sha256"]:
            raise BadArchive(f"{member.name} is damaged: its SHA-256 is another.")
    if header is None or missing:
        raise BadArchive(f"The archive is not complete: {(missing or [HEADER])[0]} is missing.")
    return header


def _read_header(member: tarfile.TarInfo, file: IO[bytes], limit: int) -> dict[str, Any]:
    if member.name != HEADER or member.size > _HEADER_BYTES:
        raise BadArchive("The archive does not begin with its list of files.")
    try:
        header = json.loads(file.read())
        files = header["files"]
        total = sum(int(files[name]["size"]) for name in MEMBERS)
        good = all(isinstance(files[name]["sha256"], str) for name in MEMBERS)
        good = good and isinstance(header["fingerprint"], dict)
    except (ValueError, TypeError, KeyError) as error:
        raise BadArchive(f"The archive's list of files cannot be read: {error}") from None
    if header.get("format") != FORMAT or not good:
        raise BadArchive(
            f"The archive has the format {header.get('format')!r}; this version reads {FORMAT}.",
            hint="Import it with the version that it was made for.",
        )
    if total > limit:
        raise BadArchive(
            f"The archive unpacks to {total:,} bytes; at most {limit:,} are taken.",
            hint="If you trust it, raise BOT_STORE__IMPORT_MAX_BYTES.",
        )
    return dict(header)


def _copy(file: IO[bytes], target: Path) -> str:
    digest = hashlib.sha256()
    with target.open("wb") as out:
        while block := file.read(_BLOCK):
            digest.update(block)
            out.write(block)
    return digest.hexdigest()


def _check_fingerprint(found: _Unpacked, ours: dict[str, Any]) -> None:
    theirs = found.header["fingerprint"]
    if theirs != found.manifest.fingerprint:
        raise BadArchive("The archive's own parts do not belong together.")
    if theirs != ours:
        differ = sorted(k for k in {*theirs, *ours} if theirs.get(k) != ours.get(k))
        raise IndexMismatch(
            f"The index was made with other rules or another model: {', '.join(differ)} differ.",
            hint="Use the version and settings that it was made with, or ingest the documents.",
        )


def _check_passages(path: Path, manifest: Manifest) -> None:
    if not PassageStore.is_ours(path):
        raise BadArchive("passages.sqlite3 is no database of this version, or is damaged.")
    store = PassageStore.open(path)
    try:
        hashes = store.file_hashes()
        if hashes != manifest.documents:
            raise BadArchive("The archive's documents are not those of its list.")
        for source_id in hashes:
            store.document(source_id)
            for chunk in store.chunks_of(source_id):
                _check_chunk(chunk)
        if not all(isinstance(count, int) for count in store.vocabulary().values()):
            raise BadArchive("The archive's word counts are no numbers.")
    except BadArchive:
        raise
    except (BotError, ValueError, TypeError) as error:
        raise BadArchive(f"A document in the archive cannot be read: {error}") from None
    finally:
        store.close()


def _check_chunk(chunk: Chunk) -> None:
    """SQLite keeps any kind of value in any column."""
    texts = (chunk.text, *chunk.heading, *chunk.asked)
    numbers = (chunk.span.start, chunk.span.end, chunk.page or 0)
    if not all(isinstance(t, str) for t in texts) or not all(isinstance(n, int) for n in numbers):
        raise BadArchive(f"A passage of {chunk.source.source_id} in the archive cannot be used.")


def _records(path: Path) -> Iterator[VectorRecord]:
    size = None
    with path.open("rb") as lines:
        while line := lines.readline(_LINE_BYTES):
            try:
                record = _record(json.loads(line))
            except (ValueError, TypeError, KeyError, binascii.Error) as error:
                raise BadArchive(f"A vector in {path.name} cannot be used: {error}") from None
            size = size or len(record.vector)
            if len(record.vector) != size:
                raise BadArchive(f"The vectors in {path.name} differ in length.")
            yield record


def _record(line: dict[str, Any]) -> VectorRecord:
    texts = {name: line[name] for name in ("id", "text", "source", "chunk", "kind", "group")}
    if not all(isinstance(text, str) for text in texts.values()):
        raise ValueError("a field is no text")
    if texts["kind"] not in get_args(Kind):
        raise ValueError(f"unknown kind {texts['kind']!r}")
    vector = array("f")
    vector.frombytes(base64.b64decode(line["vector"], validate=True))
    if not math.isclose(math.hypot(*vector), 1.0, abs_tol=1e-3):  # false for nan too
        raise ValueError("a vector has not length one")
    return VectorRecord(
        record_id=texts["id"],
        vector=vector.tolist(),
        text=texts["text"],
        source_id=texts["source"],
        chunk_id=texts["chunk"],
        kind=texts["kind"],
        group=texts["group"],
    )


def _check_vectors(
    path: Path, vectors: VectorStore, manifest: Manifest, embedder: Embedder
) -> None:
    store = PassageStore.open(path)
    try:
        if (manifest.passages, manifest.questions) != (
            vectors.count("passages"),
            vectors.count("questions"),
        ):
            raise BadArchive("The archive holds another number of vectors than it says.")
        check_together(store, vectors, manifest.gap_questions)
        first = sorted(manifest.documents)[:_TRIED]
        chunks = [c for source_id in first for c in store.chunks_of(source_id)[:1]]
        fresh = embedder.read_in_bulk([passage_text(chunk) for chunk in chunks])
        stored = vectors.vectors("passages", [chunk.chunk_id for chunk in chunks])
        words = store.word_vectors([chunk.chunk_id for chunk in chunks])
        for chunk, made, packed in zip(chunks, fresh, words, strict=True):
            kept = stored[chunk.chunk_id]
            same = len(kept) == len(made.vector) and _dot(kept, made.vector) >= _SAME
            if not same or not _of_words(packed, made):
                raise BadArchive("The archive's vectors are not those of its texts.")
        for source_id in manifest.documents:
            ids = [chunk.chunk_id for chunk in store.chunks_of(source_id)]
            for packed in store.word_vectors(ids):
                unpacked(packed, fresh[0].vectors.shape[1])
    except (ValueError, TypeError) as error:
        raise BadArchive(f"The words of a passage in the archive cannot be read: {error}") from None
    except DamagedIndex as error:
        raise BadArchive(f"The archive does not hold together: {error}") from None
    finally:
        store.close()


def _of_words(packed: bytes, made: Reading) -> bool:
    """Whether these are the packed vectors of the words that the model just read."""
    width = made.vectors.shape[1]
    if len(packed) != len(made.words) * row_bytes(width):
        return False
    cosines = (unpacked(packed, width) * turned(made.vectors)).sum(axis=1)
    return bool((cosines >= _SAME).all())


def _dot(a: Sequence[float], b: Sequence[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def _withdraw(settings: Settings, items: tuple[Withdrawal, ...], source: Path) -> None:
    here = withdrawals_of(settings)
    known = here.items()
    for item in items:
        # The same place with other words was withdrawn of another text: both hold.
        if any(w.target == item.target and w.words == item.words for w in known):
            continue
        reason = f"{item.reason} (withdrawn {item.at} by {item.by})"
        by = f"import of {source.name}"
        here.withdraw(item.source_id, item.span, words=item.words, reason=reason, by=by)
