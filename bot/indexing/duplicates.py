"""Documents that say the same: twins (the same text) and near twins (nine in ten shingles).

Linear in the number of documents: each is reduced to a digest and a MinHash signature (about 2 kB
in memory), kept by file hash in a cache that may be thrown away at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.text import words

NEAR = 0.9
"""Jaccard similarity of the sets of shingles from which two documents count as near twins."""

_SHINGLE_WORDS = 5
_HASHES = 128
_BANDS = 16
"""Bands of 8 hashes: a pair at 0.9 shares one with a chance above 0.9999."""
_DOUBT = 0.05
"""Two standard errors of the estimate: a pair is reported from `NEAR - _DOUBT`, for a report too
many costs a look and a report too few leaves two versions of one leaflet."""
_random = np.random.default_rng(20261122)
_FACTORS = _random.integers(0, 1 << 63, _HASHES, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_OFFSETS = _random.integers(0, 1 << 63, _HASHES, dtype=np.uint64)
_VERSION = 1

Signature = NDArray[np.uint32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """A document that is nearly the same as another; `similarity` is an estimate."""

    source_id: str
    other: str
    similarity: float


def same_bytes(contents: Iterable[tuple[str, str, bool]], indexed: set[str]) -> dict[str, str]:
    """For source id, content hash and whether there is a sidecar: each document that repeats
    another's bytes, and the one it repeats. The one with a sidecar stays, else the one that is in
    the index, else the first of them."""
    groups: dict[str, list[tuple[str, bool]]] = {}
    for source_id, content_hash, described in contents:
        groups.setdefault(content_hash, []).append((source_id, described))
    found: dict[str, str] = {}
    for group in groups.values():
        kept, _ = max(group, key=lambda one: (one[1], one[0] in indexed))
        found |= {source_id: kept for source_id, _ in group if source_id != kept}
    return found


@dataclass(slots=True)
class Twins:
    """Compares the documents of one run with each other and with those in the index."""

    path: Path
    _cache: dict[str, tuple[str, Signature]] = field(default_factory=dict)
    _used: dict[str, tuple[str, Signature]] = field(default_factory=dict)
    _by_digest: dict[str, str] = field(default_factory=dict)
    _by_band: dict[int, int] = field(default_factory=dict)
    _taken: list[tuple[str, Signature]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._cache = _load(self.path)

    def remember(self, indexed: Mapping[str, str], text_of: Callable[[str], str]) -> None:
        """Take in documents that stay as they are: their file hashes by source id. `text_of` is
        asked only for those that the cache does not know."""
        for source_id, file_hash in indexed.items():
            known = self._cache.get(file_hash)
            digest, signature = known or _reduced(text_of(source_id))
            self._used[file_hash] = (digest, signature)
            self._by_digest.setdefault(digest, source_id)
            self._nearest(source_id, signature)

    def twin_of(self, source_id: str, file_hash: str, text: str) -> str | None:
        """The document that was taken in before and has the same text, if there is one."""
        digest, signature = self._cache.get(file_hash) or _reduced(text)
        self._used[file_hash] = (digest, signature)
        first = self._by_digest.setdefault(digest, source_id)
        return first if first != source_id else None

    def near_twin_of(self, source_id: str, file_hash: str) -> Near | None:
        """The nearest document taken in before, at about `NEAR` or above. Ask after `twin_of`."""
        return self._nearest(source_id, self._used[file_hash][1])

    def save(self) -> None:
        """Keep the signatures of this run's documents for the next one. It is only a cache, so a
        full disk is no failure."""
        with contextlib.suppress(OSError):
            _save(self.path, self._used)

    def _nearest(self, source_id: str, signature: Signature) -> Near | None:
        best: Near | None = None
        number = len(self._taken)
        self._taken.append((source_id, signature))
        for band, part in enumerate(signature.reshape(_BANDS, -1)):
            # One document stands for each bucket: a thousand like it are found through it.
            at = self._by_band.setdefault(hash((band, part.tobytes())), number)
            if at == number:
                continue
            other, others = self._taken[at]
            similarity = float(np.mean(signature == others))
            if similarity >= NEAR - _DOUBT and (best is None or similarity > best.similarity):
                best = Near(source_id=source_id, other=other, similarity=similarity)
        return best


def _reduced(text: str) -> tuple[str, Signature]:
    """Digest of a text, white space folded, and MinHash signature of its words' shingles."""
    found = words(text)
    digest = hashlib.sha256(" ".join(text.split()).encode()).hexdigest()
    last = max(1, len(found) - _SHINGLE_WORDS + 1)
    shingles = {" ".join(found[at : at + _SHINGLE_WORDS]) for at in range(last)}
    hashes = np.fromiter(
        (int.from_bytes(hashlib.blake2b(s.encode(), digest_size=8).digest()) for s in shingles),
        dtype=np.uint64,
        count=len(shingles),
    )
    signature = np.full(_HASHES, np.iinfo(np.uint32).max, dtype=np.uint64)
    for start in range(0, len(hashes), 4096):  # in parts, so that a long book needs no more memory
        mixed = (hashes[start : start + 4096, None] * _FACTORS + _OFFSETS) >> np.uint64(32)
        signature = np.minimum(signature, mixed.min(axis=0))
    return digest, signature.astype(np.uint32)


def _load(path: Path) -> dict[str, tuple[str, Signature]]:
    """The cache, empty where there is none or it cannot be used."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            if int(stored["version"]) != _VERSION:
                return {}
            names = stored["names"].tobytes().decode("ascii")
            signatures = stored["signatures"].astype(np.uint32).reshape(-1, _HASHES)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return {}
    if len(names) != 128 * len(signatures):
        return {}
    return {
        names[at : at + 64]: (names[at + 64 : at + 128], signatures[number])
        for number, at in enumerate(range(0, len(names), 128))
    }


def _save(path: Path, entries: Mapping[str, tuple[str, Signature]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    names = "".join(file_hash + digest for file_hash, (digest, _) in entries.items())
    signatures = [signature for _, signature in entries.values()]
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as stream:
            np.savez(
                stream,
                version=np.array(_VERSION),
                names=np.frombuffer(names.encode("ascii"), dtype=np.uint8),
                signatures=np.array(signatures, dtype=np.uint32).reshape(-1, _HASHES),
            )
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
