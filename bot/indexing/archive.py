"""An index as one file: for a backup, or to bring it to a machine that cannot ingest.

A gzip-compressed tar with, in this order,

    export.json        format, app, generation, fingerprint, and size and SHA-256 of the others
    manifest.json      as in the generation
    passages.sqlite3   as in the generation
    passages.jsonl     the vectors, one record a line; so the archive fits a folder and a server
    questions.jsonl
    withdrawn.json     what was withdrawn there must not come back here

The hashes guard against damage, not against forgery: who can change the file can change them. An
import therefore believes nothing (only these names, sizes, tables, texts, numbers), but the words
in it are those of whoever made it: compare the SHA-256 of the whole file (`--sha256`).
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import os
import tarfile
import tempfile
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bot
from bot.errors import SettingsError, StoreError
from bot.indexing.places import generations, withdrawals_of
from bot.indexing.store import COLLECTIONS, VectorRecord, VectorStore
from bot.settings import Settings
from bot.withdrawals import dump_list

FORMAT = 1
HEADER = "export.json"
MANIFEST, PASSAGES, WITHDRAWN = "manifest.json", "passages.sqlite3", "withdrawn.json"
VECTORS = {name: f"{name}.jsonl" for name in COLLECTIONS}
MEMBERS = (MANIFEST, PASSAGES, *VECTORS.values(), WITHDRAWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    path: Path
    generation: str
    documents: int
    size: int
    sha256: str


def export_index(settings: Settings, target: Path) -> Exported:
    """Write the serving generation to `target`, all or nothing. Raises `NoIndex`, `StoreError`, and
    `SettingsError` where the file exists."""
    if target.exists():
        raise SettingsError(f"{target} exists.", hint="Give another name, or remove it first.")
    index = generations(settings)
    generation, lease = index.borrow_current()
    try:
        manifest = generation.manifest()
        with tempfile.TemporaryDirectory(dir=target.absolute().parent, prefix=".export-") as name:
            scratch = Path(name)
            vectors = VectorStore.open(index.vectors(generation))
            try:
                for collection, file in VECTORS.items():
                    _write_records(vectors, collection, scratch / file)
            finally:
                vectors.close()
            withdrawn = dump_list(withdrawals_of(settings).items())
            (scratch / WITHDRAWN).write_text(withdrawn, "utf-8")
            own = {MANIFEST: generation.folder / MANIFEST, PASSAGES: generation.passages}
            paths = {member: own.get(member, scratch / member) for member in MEMBERS}
            header = {
                "format": FORMAT,
                "app": bot.__version__,
                "generation": manifest.generation,
                "fingerprint": manifest.fingerprint,
                "files": {
                    member: {"size": path.stat().st_size, "sha256": sha256_of(path)}
                    for member, path in paths.items()
                },
            }
            whole = scratch / "archive"
            _pack(whole, json.dumps(header, indent=1).encode(), paths)
            digest = sha256_of(whole)
            whole.replace(target)
    except OSError as error:
        raise StoreError(
            f"The export could not be written: {error.strerror or error}.",
            hint=f"Look at free space and write access of {target.absolute().parent}.",
        ) from error
    finally:
        lease.close()
        index.close()
    return Exported(
        path=target,
        generation=manifest.generation,
        documents=len(manifest.documents),
        size=target.stat().st_size,
        sha256=digest,
    )


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_records(vectors: VectorStore, collection: Any, path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        for record in vectors.records(collection):
            file.write(json.dumps(_as_json(record), ensure_ascii=False) + "\n")


def _as_json(record: VectorRecord) -> dict[str, str]:
    return {
        "id": record.record_id,
        "text": record.text,
        "source": record.source_id,
        "chunk": record.chunk_id,
        "kind": record.kind,
        "group": record.group,
        "vector": base64.b64encode(array("f", record.vector).tobytes()).decode("ascii"),
    }


def _pack(target: Path, header: bytes, paths: dict[str, Path]) -> None:
    """The same index gives the same bytes: no times, no owners."""
    with (
        target.open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name, size, source in _members(header, paths):
            member = tarfile.TarInfo(name)
            member.size = size
            with source as file:
                tar.addfile(member, file)
    with target.open("rb") as written:
        os.fsync(written.fileno())


def _members(header: bytes, paths: dict[str, Path]) -> Iterator[tuple[str, int, io.IOBase]]:
    yield HEADER, len(header), io.BytesIO(header)
    for name, path in paths.items():
        yield name, path.stat().st_size, path.open("rb")
