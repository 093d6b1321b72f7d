"""From the list to files: what is new or changed is written into the knowledge folder, each file
with a sidecar that says where it comes from, under which licence, and when it was seen."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import bot
from bot.errors import ChangedByHand, DocumentError, FetchError, LockHeld, StoreError
from bot.front_matter import SIDECAR_SUFFIX, read_sidecar, sidecar_text
from bot.indexing.fetching.listed import Listed, Source
from bot.indexing.fetching.robots import Robots
from bot.indexing.fetching.web import Web

AGENT = "TransplantAnswers"
Outcome = Literal["new", "changed", "unchanged", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceReport:
    """What became of one address. `error` and `hint` where it failed; its earlier file stays."""

    url: str
    name: str
    outcome: Outcome
    size: int = 0
    error: str | None = None
    hint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchReport:
    """`unlisted` are files that were fetched by an earlier list and are still there."""

    sources: tuple[SourceReport, ...]
    unlisted: tuple[str, ...] = ()

    def count(self, outcome: Outcome) -> int:
        return sum(1 for source in self.sources if source.outcome == outcome)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What is remembered of a fetched file: enough to ask whether its address changed, and to see
    whether file and sidecar still are what was written. `coming` is noted before anything is
    written: whoever finds it was killed before it was done."""

    url: str
    sha256: str
    sidecar_sha256: str
    seen: str
    etag: str | None = None
    last_modified: str | None = None
    coming: _Known | None = None

    def is_of(self, before: bytes | None, beside: bytes | None) -> bool:
        """Whether file and sidecar are those of this entry, `coming` aside."""
        return (before is not None and _sha256(before) == self.sha256) and (
            beside is not None and _sha256(beside) == self.sidecar_sha256
        )


def agent_of(listed: Listed) -> str:
    return f"{AGENT}/{bot.__version__} (+{listed.contact})"


def fetch_sources(
    listed: Listed,
    knowledge: Path,
    var: Path,
    web: Web,
    *,
    today: Callable[[], date] = date.today,
    pause: Callable[[float], None],
    progress: Callable[[SourceReport], None] = lambda report: None,
) -> FetchReport:
    """Fetch all addresses of the list, one after the other. One that fails never stops the rest.
    Raises `StoreError` where files cannot be written, `LockHeld` beside another run."""
    folder = knowledge / listed.folder
    with _written(folder), _alone(var):
        folder.mkdir(parents=True, exist_ok=True)
        memory = _Memory(var / "fetched.json")
        run = _Run(folder, web, memory, today, pause)
        reports = []
        for source in listed.source:
            report = run.fetch(source)
            memory.save()
            progress(report)
            reports.append(report)
    names = {source.name for source in listed.source}
    unlisted = sorted(n for n in memory.known if n not in names and (folder / n).exists())
    return FetchReport(sources=tuple(reports), unlisted=tuple(unlisted))


class _Memory:
    """`var/fetched.json`. Where it is lost, everything is fetched once more."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.known: dict[str, _Known] = {}
        try:
            entries = json.loads(path.read_text("utf-8"))
            self.known = {name: _known(entry) for name, entry in entries.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            self.known = {}

    def expect(self, name: str, coming: _Known) -> None:
        """Note on disk what is about to be written in the place of a file that is known. One that
        is not is known by its sidecar, until it is."""
        if name in self.known:
            self.known[name] = replace(self.known[name], coming=coming)
            self.save()

    def save(self) -> None:
        entries = {name: asdict(known) for name, known in self.known.items()}
        _write(self._path, json.dumps(entries, indent=1).encode())


class _Run:
    def __init__(
        self,
        folder: Path,
        web: Web,
        memory: _Memory,
        today: Callable[[], date],
        pause: Callable[[float], None],
    ) -> None:
        self._folder = folder
        self._knowledge = folder.parent.resolve()
        self._web = web
        self._memory = memory
        self._today = today
        self._pause = pause
        self._robots = Robots(web, AGENT)
        self._asked: set[str] = set()

    def fetch(self, source: Source) -> SourceReport:
        try:
            outcome, size = self._fetched(source)
        except FetchError as error:
            return SourceReport(
                url=source.url,
                name=source.name,
                outcome="failed",
                error=str(error),
                hint=error.hint,
            )
        return SourceReport(url=source.url, name=source.name, outcome=outcome, size=size)

    def _fetched(self, source: Source) -> tuple[Outcome, int]:
        target = self._folder / source.name
        sidecar = target.with_name(target.name + SIDECAR_SUFFIX)
        if not target.parent.resolve().is_relative_to(self._knowledge):
            raise FetchError(
                f"{target.parent} leads out of the knowledge folder.", hint="Remove the link."
            )
        before, beside = _bytes(target), _bytes(sidecar)
        known = self._memory.known.get(source.name)
        _check_untouched(source, before, beside, known)
        if known and known.coming and known.coming.is_of(before, beside):
            known = known.coming
        # After a kill one of the two may be the old one: then nothing that is remembered holds.
        whole = known is not None and known.is_of(before, beside)
        asked = known if whole and known and known.url == source.url else None
        answer = self._web.get(
            source.url, types=source.types, headers=_conditions(asked), allowed=self._allowed
        )
        data = before if answer.status == 304 and asked else answer.data
        if data is None or answer.status not in (200, 304):
            raise FetchError(f"{source.url} answers {answer.status}.")
        if not data.strip():
            raise FetchError(f"{source.url} sends nothing.")
        today = self._today().isoformat()
        # What did not change keeps its date, or each run would make a new version of it.
        seen = known.seen if whole and known and data == before else today
        if _sidecar(source, seen) != beside:
            seen = today
        text = _sidecar(source, seen)
        same = data == before and text == beside
        fetched = _Known(
            url=source.url,
            sha256=_sha256(data),
            sidecar_sha256=_sha256(text),
            seen=seen,
            etag=answer.etag or (asked.etag if asked else None),
            last_modified=answer.last_modified or (asked.last_modified if asked else None),
        )
        if not same:
            self._memory.expect(source.name, fetched)
            # The sidecar first: a document without its licence must not be indexed.
            _write(sidecar, text)
            _write(target, data)
        self._memory.known[source.name] = fetched
        return "unchanged" if same else "new" if before is None else "changed", len(data)

    def _allowed(self, url: str) -> None:
        """Before each request: the site's rules, and time for it to breathe."""
        self._robots.check(url)
        site = urlsplit(url).netloc
        if site in self._asked:
            self._pause(self._robots.delay(url))
        self._asked.add(site)


def _check_untouched(
    source: Source, before: bytes | None, beside: bytes | None, known: _Known | None
) -> None:
    """Raise `ChangedByHand` rather than overwrite what a person wrote."""
    if before is None:
        return
    if known is None:
        if beside is None or not _names(beside, source):
            raise ChangedByHand(f"{source.name} is there and was not fetched from {source.url}.")
        return
    ours = [each for each in (known, known.coming) if each]
    if _sha256(before) not in {each.sha256 for each in ours}:
        raise ChangedByHand(f"{source.name} was changed here after it was fetched.")
    if beside is not None and _sha256(beside) not in {each.sidecar_sha256 for each in ours}:
        raise ChangedByHand(
            f"The sidecar of {source.name} was changed here after it was fetched.",
            hint="Put its fields into the list, and delete the sidecar.",
        )


def _known(entry: dict[str, Any]) -> _Known:
    coming = entry.pop("coming", None)
    return _Known(**entry, coming=_known(coming) if coming else None)


def _names(sidecar: bytes, source: Source) -> bool:
    try:
        return read_sidecar(sidecar, source.name).values.get("url") == source.url
    except DocumentError:
        return False


def _conditions(known: _Known | None) -> dict[str, str]:
    headers = {}
    if known and known.etag:
        headers["If-None-Match"] = known.etag
    if known and known.last_modified:
        headers["If-Modified-Since"] = known.last_modified
    return headers


def _sidecar(source: Source, seen: str) -> bytes:
    given = source.model_dump(exclude={"name"}, exclude_none=True)
    page = {"key": "page", "publisher": source.publisher, "title": source.title, "url": source.url}
    given["sources"] = [{**page, "seen": date.fromisoformat(seen)}]
    return sidecar_text(given).encode()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.part")
    with scratch.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)


@contextmanager
def _alone(var: Path) -> Iterator[None]:
    var.mkdir(parents=True, exist_ok=True)
    with (var / "fetch.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockHeld("Another run is fetching documents.") from None
        yield


@contextmanager
def _written(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"The fetched documents could not be written: {error.strerror or error}.",
            hint=f"Look at free space and write access of {folder} and of the state folder.",
        ) from error
