"""Self-examination: model, index, rules, contacts, settings. Imports no model code."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from bot.errors import BotError
from bot.settings import Settings, load_settings

if TYPE_CHECKING:
    from bot.indexing.embedding import Embedder

SOON = timedelta(days=30)
"""So long before a date that stops something there is a word of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One examined part. `exit_code` is 0 where it is in order or only needs a look."""

    part: str
    state: str
    detail: str
    hint: str = ""
    exit_code: int = 0


def examine() -> list[Finding]:
    """Examine everything; a part that fails does not keep the others from being examined."""
    try:
        settings = load_settings()
    except BotError as error:
        return [_failed("settings", error)]
    findings = [Finding(part="settings", state="ok", detail="all names and values understood")]
    for part, check in (
        ("model", _model),
        ("server", _server),
        ("index", _index),
        ("files", _files),
        ("rules", _rules),
        ("contact", _contact),
    ):
        try:
            finding = check(settings)
        except BotError as error:
            finding = _failed(part, error)
        if finding is not None:
            findings.append(finding)
    return findings


def _failed(part: str, error: BotError) -> Finding:
    return Finding(
        part=part, state="failed", detail=str(error), hint=error.hint, exit_code=error.exit_code
    )


@cache
def _embedder() -> Embedder:
    """The embedder of the settings; hashing its weights takes a while, so once."""
    from bot.indexing.flow import make_embedder

    return make_embedder(load_settings())


def _model(settings: Settings) -> Finding:
    embedder = _embedder()
    return Finding(
        part="model", state="ok", detail=f"{embedder.name}, SHA-256 {embedder.sha256[:12]}..."
    )


def _server(settings: Settings) -> Finding | None:
    """Nothing to say where the index lies in the state folder."""
    from bot.indexing.places import board_of

    board = board_of(settings)
    if board is None:
        return None
    listing = board.look()
    address = board.connection.address
    generations = {note.values["generation"] for note in listing.of("pointer")}
    detail = (
        f"{address.url} answers, {address.name}: {len(generations)} generation(s), "
        f"{len(listing.of('lease'))} reader(s)"
    )
    if address.token and address.url.startswith("http:"):
        return Finding(
            part="server",
            state="look",
            detail=f"{detail}; the token is sent without TLS",
            hint="Use https in BOT_STORE__CHROMA_URL unless this network is yours alone.",
        )
    return Finding(part="server", state="ok", detail=detail)


def _index(settings: Settings) -> Finding:
    from bot.errors import DamagedIndex, IndexMismatch
    from bot.indexing.flow import fingerprint
    from bot.indexing.lexical import PassageStore
    from bot.indexing.places import generations
    from bot.indexing.store import COLLECTIONS, VectorStore

    index = generations(settings)
    generation = index.current()
    manifest = generation.manifest()
    if manifest.fingerprint != fingerprint(settings, _embedder()):
        raise IndexMismatch(f"The index was made with other rules or model ({manifest.model}).")
    store = PassageStore.open(generation.passages)
    try:
        if len(store.chunk_ids()) != manifest.passages:
            raise DamagedIndex("The index holds another number of passages than its manifest says.")
    finally:
        store.close()
    if settings.store.chroma_url:  # in a folder Chroma would have to be loaded for this
        vectors = VectorStore.open(index.vectors(generation))
        for name in COLLECTIONS:
            if vectors.count(name) != getattr(manifest, name):
                raise DamagedIndex(f"The server holds another number of {name} than it should.")
    return Finding(
        part="index",
        state="ok",
        detail=f"{manifest.generation}: {len(manifest.documents)} documents, "
        f"{manifest.passages} passages, {manifest.questions} questions",
    )


def _files(settings: Settings, today: date | None = None) -> Finding:
    from bot.indexing.dating import date_warnings, runs_out_within
    from bot.indexing.lexical import PassageStore
    from bot.indexing.places import generations, withdrawals_of
    from bot.indexing.scanning import find_files
    from bot.standing import text_in, told

    generation = generations(settings).current()
    manifest = generation.manifest()
    found = {
        f.source_id: f.file_hash
        for f in find_files(settings.paths.knowledge, settings.chunking.max_document_bytes)
    }
    changed = sorted(
        s for s in set(found) | set(manifest.documents) if found.get(s) != manifest.documents.get(s)
    )
    day = today or date.today()
    store = PassageStore.open(generation.passages)
    try:
        sources = store.sources()
        withdrawn = told(withdrawals_of(settings).items(), text_in(store.document))
    finally:
        store.close()
    notes = [f"withdrawn: {what}" for what in withdrawn]
    stale = dict.fromkeys(manifest.documents, ", its earlier version is still served")
    named = {*manifest.failed, *manifest.duplicates}
    notes += [
        f"could not be read: {s} ({why}{stale.get(s, '')})"
        for s, why in sorted(manifest.failed.items())
    ]
    notes += [f"not indexed: {s} (same as {o})" for s, o in sorted(manifest.duplicates.items())]
    notes += [f"not as indexed: {s}" for s in changed if s not in named]
    notes += [f"{i.source_id}: {warning}" for i in sources for warning in date_warnings(i, day)]
    ending = [i for i in sources if runs_out_within(i, day, SOON)]
    for last in sorted({i.review_by for i in ending if i.review_by}):
        names = ", ".join(i.source_id for i in ending if i.review_by == last)
        notes.append(f"may be quoted up to {last} only: {names}")
    if not notes:
        return Finding(part="files", state="ok", detail="the index holds the files as they are")
    hint = "Correct the files, then run: python ingest.py" if changed else "Review these sources."
    return Finding(
        part="files",
        state="look",
        detail="; ".join(notes),
        hint=hint,
        exit_code=3 if manifest.failed else 0,
    )


def _rules(settings: Settings, today: date | None = None) -> Finding:
    from bot.answering.answerability import load_model
    from bot.lexicon import load_lexicon
    from bot.messages import DEFAULT, load_messages
    from bot.rules import load_rules

    day = today or date.today()
    rules = load_rules(today=day)
    load_model()
    load_lexicon()
    for language in (DEFAULT, *rules.spoken):
        load_messages(language)
    ending = {name: last for name, last in _last_days().items() if last <= day + SOON}
    if ending:
        return Finding(
            part="rules",
            state="look",
            detail=f"after {min(ending.values())} the bot does not start any more: twelve months "
            f"since the review of {', '.join(ending)}",
            hint="Check each against its sources, then set reviewed_on to the day of the check.",
        )
    return Finding(part="rules", state="ok", detail="all rule files understood and in date")


def _last_days() -> dict[str, date]:
    """The last day on which each rule file is taken, by the oldest review in it."""
    from bot.rules.loading import FOLDER, MAX_AGE

    last = {}
    for path in sorted(FOLDER.glob("*.toml")):
        text = path.read_text("utf-8")
        # The large files hold points of words and no date.
        dates = list(_reviews(tomllib.loads(text))) if "reviewed_on" in text else []
        if dates:
            last[path.name] = min(dates) + MAX_AGE
    return last


def _reviews(entry: Any) -> Iterator[date]:
    """The dates of review anywhere in a rule file."""
    if isinstance(entry, list):
        for part in entry:
            yield from _reviews(part)
    elif isinstance(entry, dict):
        for key, value in entry.items():
            if key == "reviewed_on":
                yield value
            else:
                yield from _reviews(value)


def _contact(settings: Settings) -> Finding:
    region = settings.locale.region
    if settings.contact.phone and region != "unknown":
        return Finding(part="contact", state="ok", detail=f"{settings.contact.name}, {region}")
    missing = [] if settings.contact.phone else ["no phone number of the clinic"]
    missing += [] if region != "unknown" else ["no country, so no emergency number is named"]
    return Finding(
        part="contact",
        state="look",
        detail="; ".join(missing),
        hint="Set BOT_CONTACT__PHONE and BOT_LOCALE__REGION before patients use this.",
        exit_code=2 if settings.web.production and not settings.contact.phone else 0,
    )
