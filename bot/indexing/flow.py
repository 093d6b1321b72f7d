"""The way of a document: find, load, cut into passages, embed, store, check, swap.

The only place where the indexing steps meet. Documents go through one by one: what is held for all
of them is their names and hashes.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Container, Iterator
from dataclasses import replace
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

from bot.errors import DamagedIndex, DocumentError, NoIndex, StoreError
from bot.gaps import load_gaps
from bot.indexing.batching import embed_by_length
from bot.indexing.building import Builder
from bot.indexing.cache import EmbeddingCache, PassageVectors
from bot.indexing.chunking import CHUNK_RULES_VERSION
from bot.indexing.dating import date_warnings
from bot.indexing.duplicates import Twins, same_bytes
from bot.indexing.embedding import Embedder
from bot.indexing.generations import Generation, Manifest
from bot.indexing.lexical import PassageStore
from bot.indexing.loading import LOADER_VERSION, Limits, load
from bot.indexing.places import Index, generations, withdrawals_of
from bot.indexing.reports import FileReport, IngestReport, Work
from bot.indexing.scanning import FoundFile, find_files
from bot.indexing.word_vectors import packed
from bot.records import SourceDocument
from bot.settings import Settings
from bot.standing import changed

_NEARLY = "both are indexed, remove one of them if it is an old version"

INDEX_VERSION = 3
"""Part of the fingerprint: raise it when the stored records or tables change."""

T = TypeVar("T")
Progress = Callable[[int, int, str], None]
"""Told before each document that is read: how many are done, of how many, and which."""


def silent(done: int, total: int, label: str) -> None:
    """A `Progress` that says nothing."""


def make_embedder(settings: Settings) -> Embedder:
    """The embedding model of these settings, its weights checked, not yet loaded."""
    chosen = settings.embedding
    return Embedder(
        chosen.model,
        sha256=chosen.sha256,
        batch_size=chosen.batch_size,
        query_prefix=chosen.query_prefix,
        passage_prefix=chosen.passage_prefix,
        use_adapter=chosen.adapter,
    )


def fingerprint(settings: Settings, embedder: Embedder) -> dict[str, Any]:
    """Everything that makes the records of two generations comparable."""
    return {
        **embedder.fingerprint,
        "chunk_tokens": settings.chunking.max_tokens,
        "chunk_rules": CHUNK_RULES_VERSION,
        "loader": LOADER_VERSION,
        "index": INDEX_VERSION,
    }


def ingest(
    settings: Settings,
    *,
    folder: Path | None = None,
    rebuild: bool = False,
    dry_run: bool = False,
    wait: bool = False,
    progress: Progress = silent,
    embedder: Embedder | None = None,
) -> IngestReport:
    """Bring the index up to date with the knowledge folder.

    Whether a file changed is told by the hash of its bytes alone, never by size or time. A document
    that cannot be read is reported, the others go on, and what was indexed of it before stays. The
    serving generation is replaced in one step after the new one was checked, or not at all.
    `wait` waits for another ingest to end; `embedder` is that of the settings, where it is loaded
    already. Raises `LockHeld`, `ModelError`, `StoreError`.
    """
    started = time.monotonic()
    embedder = embedder or make_embedder(settings)
    index = generations(settings)
    with index.writing(wait=wait):
        here = folder or settings.paths.knowledge
        try:
            run = _Run(settings, here, embedder, index, rebuild, progress)
            report = run.dry() if dry_run else run.bring_up_to_date()
        except OSError as error:
            raise StoreError(
                f"The new index could not be written: {error.strerror or error}. "
                "The index was left as it was.",
                hint="Look at free space and write access of the state folder, then run it again.",
            ) from error
    return replace(report, seconds=time.monotonic() - started)


class _Run:
    """One ingest, under the writer's lock."""

    def __init__(
        self,
        settings: Settings,
        folder: Path,
        embedder: Embedder,
        index: Index,
        rebuild: bool,
        progress: Progress,
    ) -> None:
        self._settings = settings
        self._folder = folder
        self._embedder = embedder
        self._progress = progress
        self._all = index
        self._marks = fingerprint(settings, embedder)
        self._gaps = load_gaps(folder)
        self._withdrawn = withdrawals_of(settings).items()
        self._current = _current(self._all)
        self._old = self._current.manifest() if self._current else None
        same = self._old is not None and self._old.fingerprint == self._marks and not rebuild
        self._keep = self._current if same else None
        self._served = self._old.documents if self._old else {}
        self._known = self._served if self._keep else {}
        self._work = self._compared()

    def dry(self) -> IngestReport:
        """What `bring_up_to_date` would do."""
        for _ in self._documents():
            pass
        return replace(self._report(self._old), dry_run=True)

    def bring_up_to_date(self) -> IngestReport:
        documents = self._documents()
        first = next(documents, None)
        old, work = self._old, self._work
        if first is None and not set(self._known) - set(work.remove):
            raise StoreError(
                "No document could be indexed; the index was left as it was."
                + "".join(f"\n  {r.error}" for r in work.reports.values() if r.error),
                hint="Put at least one readable document into the folder and try again.",
            )
        new_gaps = self._keep is None or old is None or old.gaps_hash != self._gaps.hash
        # Where no document can be read anew all of them were tried: `failed` is complete.
        same = old and old.failed == work.failed and old.duplicates == work.duplicates
        if first is None and not work.remove and not new_gaps and same:
            return self._report(old)
        found = chain([first], documents) if first else documents
        cache = EmbeddingCache(
            self._settings.paths.var / "embeddings.sqlite3",
            self._embedder.fingerprint,
            self._at_once(self._embedder.embed_in_bulk),
            self._at_once(self._embedder.embed_asked_in_bulk),
            self._at_once(self._read_passages),
        )
        with contextlib.closing(cache):
            final = self._build(found, cache, new_gaps)
        self._all.prune(self._settings.store.keep_generations)
        return replace(
            self._report(final.manifest()),
            embedded=cache.embedded,
            reused=cache.reused,
            notices=tuple(cache.notices),
            swapped=True,
            rebuilt=self._keep is None,
        )

    def _at_once(self, embed: Callable[[list[str]], list[T]]) -> Callable[[list[str]], list[T]]:
        return lambda texts: embed_by_length(texts, embed, threads=self._embedder.threads)

    def _read_passages(self, texts: list[str]) -> list[PassageVectors]:
        return [
            PassageVectors(vector=made.vector, words=packed(made.vectors))
            for made in self._embedder.read_in_bulk(texts)
        ]

    def _compared(self) -> Work:
        """The folder against what the index holds, by hashes."""
        work = Work()
        present: set[str] = set()
        contents: list[tuple[str, str, bool]] = []
        for file in self._files():
            present.add(file.source_id)
            if file.folder:
                for source_id in self._served_of(file):
                    present.add(source_id)
                    work.report(source_id, "unchanged", stale=True)
            if not file.error:
                content = file.content_hash + Path(file.source_id).suffix
                contents.append((file.source_id, content, file.sidecar is not None))
            if not file.error and self._known.get(file.source_id) == file.file_hash:
                work.report(file.source_id, "unchanged")
            else:
                work.read[file.source_id] = "changed" if file.source_id in self._served else "added"
        work.remove = sorted(set(self._known) - present)
        for source_id in work.remove:
            work.report(source_id, "removed")
        unchanged = set(self._known) & present - set(work.read)
        for source_id, other in same_bytes(contents, unchanged).items():
            work.read.pop(source_id, None)
            work.duplicate(source_id, other, indexed=source_id in self._known)
        return work

    def _files(self, only: Container[str] | None = None) -> Iterator[FoundFile]:
        limit = self._settings.chunking.max_document_bytes
        return find_files(self._folder, limit, only=only)

    def _served_of(self, file: FoundFile) -> list[str]:
        """What the index serves of a file, or of all that lies in a folder."""
        if not file.folder:
            return [file.source_id] if file.source_id in self._served else []
        return [name for name in self._served if name.startswith(f"{file.source_id}/")]

    def _documents(self) -> Iterator[SourceDocument]:
        """The documents to index, one at a time; those that cannot be read go into the report. In a
        rebuild they are taken from the index as they were read before."""
        work, done = self._work, 0
        if not work.read:
            return
        twins = self._twins()
        limits = Limits.of(self._settings.chunking)
        for file in self._files(only=work.read):
            self._progress(done, len(work.read), file.source_id)
            done += 1
            try:
                if file.error:
                    raise file.error
                document = load(file.source_id, file.data, sidecar=file.sidecar, limits=limits)
            except DocumentError as error:
                earlier = self._served_of(file)
                work.failed[file.source_id] = error.bare
                work.reports[file.source_id] = FileReport(
                    source_id=file.source_id,
                    change="failed",
                    error=str(error),
                    hint=error.hint,
                    stale=bool(earlier),
                )
                for source_id in earlier if not self._keep else ():
                    yield from self._as_served(source_id)
                continue
            twin = twins.twin_of(file.source_id, file.file_hash, document.text)
            if twin:
                work.duplicate(file.source_id, twin, indexed=file.source_id in self._known)
                continue
            near = twins.near_twin_of(file.source_id, file.file_hash)
            work.report(
                file.source_id,
                work.read[file.source_id],
                changed(self._withdrawn, document)
                + date_warnings(document.info, date.today())
                + ((f"nearly the same as {near.other}; {_NEARLY}",) if near else ()),
            )
            yield document
        twins.save()
        self._progress(len(work.read), len(work.read), "done")

    def _twins(self) -> Twins:
        """What the documents that stay as they are say, to compare the others with."""
        twins = Twins(path=self._settings.paths.var / "signatures.npz")
        leaving = {*self._work.read, *self._work.remove}
        staying = {s: h for s, h in self._known.items() if s not in leaving}
        if self._keep and staying:
            store = PassageStore.open(self._keep.passages)
            try:
                twins.remember(staying, lambda source_id: store.document(source_id).text)
            finally:
                store.close()
        return twins

    def _as_served(self, source_id: str) -> Iterator[SourceDocument]:
        assert self._current is not None
        with contextlib.suppress(StoreError):
            store = PassageStore.open(self._current.passages)
            try:
                yield store.document(source_id)
            finally:
                store.close()

    def _build(
        self, documents: Iterator[SourceDocument], cache: EmbeddingCache, new_gaps: bool
    ) -> Generation:
        """A new serving generation, or the old one unharmed."""
        building = self._all.begin(copy_of=self._keep)
        gap_count = sum(len(gap.questions) for gap in self._gaps.gap)
        try:
            vectors = self._all.new_vectors(building, self._keep)
            fresh = self._keep is None
            with contextlib.closing(
                Builder(building, vectors, self._embedder, cache, self._settings, fresh=fresh)
            ) as builder:
                removed = list(self._work.remove)
                builder.remove(removed)
                for document in documents:
                    builder.put(document, replaces=document.info.source_id in self._known)
                builder.flush()
                # Some turn out as duplicates only when they are read.
                builder.remove([s for s in self._work.remove if s not in removed])
                if new_gaps:
                    earlier = self._old.gap_questions if self._keep and self._old else 0
                    builder.put_gaps(self._gaps, earlier)
                builder.check(gap_count)
                manifest = replace(
                    builder.manifest(self._marks, self._work.failed, self._gaps),
                    duplicates=self._work.duplicates,
                )
                cache.prune(
                    manifest.passages + manifest.questions, builder.embedded_texts(self._gaps)
                )
            for source_id, count in builder.passage_counts.items():
                report = self._work.reports[source_id]
                self._work.reports[source_id] = replace(report, passages=count)
            building.write_manifest(manifest)
            return self._all.finish(building)
        except BaseException:
            self._all.discard(building)
            raise

    def _report(self, manifest: Manifest | None) -> IngestReport:
        reports = self._work.reports
        return IngestReport(
            files=tuple(reports[source_id] for source_id in sorted(reports)),
            generation=manifest.generation if manifest else None,
            passages=manifest.passages if manifest else 0,
            questions=manifest.questions if manifest else 0,
            embedded=0,
            seconds=0.0,
        )


def _current(index: Index) -> Generation | None:
    # What a process that serves saw a moment ago (`current_name`) may be older than the lock.
    try:
        current = index.current()
        current.manifest()
    except (NoIndex, DamagedIndex):
        return None
    return current
