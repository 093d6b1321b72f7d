"""What an ingest has to do and what became of it. Plain values; no files are read here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Change = Literal["added", "changed", "removed", "unchanged", "duplicate", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """What became of one file. `stale` means that an earlier version of it is still served,
    `warnings` are what a person must look at although the file was indexed; a `duplicate` is not
    indexed, its warning names the document that is."""

    source_id: str
    change: Change
    passages: int = 0
    error: str | None = None
    hint: str | None = None
    stale: bool = False
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestReport:
    """The outcome of a run. `generation` is the serving one afterwards, `embedded` the number of
    texts that went through the model, `reused` of those whose vectors were kept from earlier runs.
    `notices` are for the operator: what was wrong and is mended."""

    files: tuple[FileReport, ...]
    generation: str | None
    passages: int
    questions: int
    embedded: int
    seconds: float
    dry_run: bool = False
    rebuilt: bool = False
    swapped: bool = False
    reused: int = 0
    notices: tuple[str, ...] = ()

    def count(self, change: Change) -> int:
        return sum(1 for f in self.files if f.change == change)

    @property
    def failed(self) -> tuple[FileReport, ...]:
        return tuple(f for f in self.files if f.change == "failed")


@dataclass(slots=True)
class Work:
    """What must be done to make the index equal to the folder, and what became of it."""

    read: dict[str, Change] = field(default_factory=dict)
    remove: list[str] = field(default_factory=list)
    reports: dict[str, FileReport] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    duplicates: dict[str, str] = field(default_factory=dict)

    def report(
        self,
        source_id: str,
        change: Change,
        warnings: tuple[str, ...] = (),
        *,
        stale: bool = False,
    ) -> None:
        self.reports[source_id] = FileReport(
            source_id=source_id, change=change, warnings=warnings, stale=stale
        )

    def duplicate(self, source_id: str, other: str, *, indexed: bool) -> None:
        """Leave out a document that repeats another."""
        self.duplicates[source_id] = other
        self.report(
            source_id,
            "duplicate",
            (f"the same content as {other}; indexed once, remove one of them",),
        )
        if indexed:
            self.remove.append(source_id)
