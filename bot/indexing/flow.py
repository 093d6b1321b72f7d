"""The way of a document: find, load, cut into passages, embed, store, check, swap.

The only place where the indexing steps meet.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from bot.errors import DamagedIndex, DocumentError, StoreError
from bot.gaps import load_gaps
from bot.indexing.building import Builder, Progress
from bot.indexing.chunking import CHUNK_RULES_VERSION
from bot.indexing.embedding import Embedder
from bot.indexing.generations import Generation, Generations, Manifest
from bot.indexing.lexical import PassageStore
from bot.indexing.loaders import LOADER_VERSION, load
from bot.indexing.scanning import find_files
from bot.records import SourceDocument
from bot.settings import Settings

INDEX_VERSION = 1
"""Part of the fingerprint: raise it when the stored records or tables change."""

Change = Literal["added", "changed", "removed", "unchanged", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """What became of one file. `stale` means that an earlier version of it is still served."""

    source_id: str
    change: Change
    passages: int = 0
    error: str | None = None
    hint: str | None = None
    stale: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestReport:
    """The outcome of a run. `generation` is the serving one afterwards, `embedded` the number of
    texts that went through the model."""

    files: tuple[FileReport, ...]
    generation: str | None
    passages: int
    questions: int
    embedded: int
    seconds: float
    dry_run: bool = False
    rebuilt: bool = False
    swapped: bool = False

    def count(self, change: Change) -> int:
        return sum(1 for f in self.files if f.change == change)

    @property
    def failed(self) -> tuple[FileReport, ...]:
        return tuple(f for f in self.files if f.change == "failed")


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


def generations(settings: Settings) -> Generations:
    return Generations(settings.paths.var / "index")


@dataclass(slots=True)
class _Plan:
    """What must be done to make the index equal to the folder."""

    add: list[SourceDocument] = field(default_factory=list)
    remove: list[str] = field(default_factory=list)
    reports: list[FileReport] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def changes(self) -> bool:
        return bool(self.add or self.remove)


def ingest(
    settings: Settings,
    *,
    folder: Path | None = None,
    rebuild: bool = False,
    dry_run: bool = False,
    progress: Progress = silent,
) -> IngestReport:
    """Bring the index up to date with the knowledge folder.

    Raises `LockHeld`, `ModelError`, `StoreError`. A document that cannot be read is reported, the
    others go on, and what was indexed of it before stays. The serving generation is replaced in
    one step after the new one was checked, or not at all.
    """
    started = time.monotonic()
    folder = folder or settings.paths.knowledge
    all_generations = generations(settings)
    embedder = make_embedder(settings)
    marks = fingerprint(settings, embedder)
    gaps = load_gaps(folder)
    with all_generations.writing():
        current = _current(all_generations)
        old = current.manifest() if current else None
        keep = current if old and old.fingerprint == marks and not rebuild else None
        known = dict(old.documents) if old and keep else {}
        served = dict(old.documents) if old else {}
        plan = _plan(folder, settings, known, served=served)
        if current and not keep:
            _carry_over(plan, current)
        gaps_changed = keep is None or (old is not None and old.gaps_hash != gaps.hash)
        same_failures = old is not None and old.failed == plan.failed
        if dry_run or (keep and not plan.changes and not gaps_changed and same_failures):
            return _report(plan, old, started, dry_run=dry_run)
        if not plan.add and not known:
            raise StoreError(
                "No document could be indexed; the index was left as it was."
                + "".join(f"\n  {f.error}" for f in plan.reports if f.error),
                hint="Put at least one readable document into the folder and try again.",
            )
        building = all_generations.begin(copy_of=keep)
        try:
            builder = Builder(building, embedder, settings, progress, fresh=keep is None)
            try:
                builder.apply(
                    remove=plan.remove,
                    add=plan.add,
                    gaps=gaps if gaps_changed else None,
                )
                builder.check()
                manifest = builder.manifest(marks, plan.failed, gaps)
            finally:
                builder.close()
            building.write_manifest(manifest)
            final = all_generations.finish(building)
        except BaseException:
            all_generations.discard(building)
            raise
        all_generations.prune(settings.store.keep_generations)
        reports = [
            replace(r, passages=builder.passage_counts.get(r.source_id, 0)) for r in plan.reports
        ]
        plan.reports = reports
        return _report(
            plan,
            final.manifest(),
            started,
            embedded=builder.embedded,
            swapped=True,
            rebuilt=keep is None,
        )


def _current(all_generations: Generations) -> Generation | None:
    if all_generations.current_name() is None:
        return None
    try:
        current = all_generations.current()
        current.manifest()
    except DamagedIndex:
        return None
    return current


def _plan(folder: Path, settings: Settings, known: dict[str, str], served: dict[str, str]) -> _Plan:
    plan = _Plan()
    present: set[str] = set()
    for file in find_files(folder, settings.chunking.max_document_bytes):
        present.add(file.source_id)
        if not file.error and known.get(file.source_id) == file.file_hash:
            plan.reports.append(FileReport(source_id=file.source_id, change="unchanged"))
            continue
        try:
            if file.error:
                raise file.error
            document = load(file.source_id, file.data)
        except DocumentError as error:
            plan.failed[file.source_id] = error.bare
            plan.reports.append(
                FileReport(
                    source_id=file.source_id,
                    change="failed",
                    error=str(error),
                    hint=error.hint,
                    stale=file.source_id in served,
                )
            )
            continue
        plan.add.append(document)
        plan.reports.append(
            FileReport(
                source_id=file.source_id,
                change="changed" if file.source_id in served else "added",
            )
        )
        if file.source_id in known:
            plan.remove.append(file.source_id)
    for source_id in sorted(set(known) - present):
        plan.remove.append(source_id)
        plan.reports.append(FileReport(source_id=source_id, change="removed"))
    return plan


def _carry_over(plan: _Plan, current: Generation) -> None:
    """In a rebuild, take what cannot be read now from the index as it was read before."""
    wanted = [r.source_id for r in plan.reports if r.change == "failed" and r.stale]
    if not wanted:
        return
    try:
        store = PassageStore.open(current.passages)
        documents = [store.document(source_id) for source_id in wanted]
        store.close()
    except StoreError:
        return
    plan.add += documents


def _report(
    plan: _Plan,
    manifest: Manifest | None,
    started: float,
    *,
    embedded: int = 0,
    dry_run: bool = False,
    swapped: bool = False,
    rebuilt: bool = False,
) -> IngestReport:
    return IngestReport(
        files=tuple(sorted(plan.reports, key=lambda f: f.source_id)),
        generation=manifest.generation if manifest else None,
        passages=manifest.passages if manifest else 0,
        questions=manifest.questions if manifest else 0,
        embedded=embedded,
        seconds=time.monotonic() - started,
        dry_run=dry_run,
        swapped=swapped,
        rebuilt=rebuilt,
    )
