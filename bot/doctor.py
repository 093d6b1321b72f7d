"""Self-examination: model, index, rules, contacts, settings. Imports no model code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING

from bot.errors import BotError
from bot.settings import Settings, load_settings

if TYPE_CHECKING:
    from bot.indexing.embedding import Embedder


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


def _files(settings: Settings) -> Finding:
    from bot.indexing.dating import date_warnings
    from bot.indexing.lexical import PassageStore
    from bot.indexing.places import generations, withdrawals_of
    from bot.indexing.scanning import find_files

    generation = generations(settings).current()
    manifest = generation.manifest()
    found = {
        f.source_id: f.file_hash
        for f in find_files(settings.paths.knowledge, settings.chunking.max_document_bytes)
    }
    changed = sorted(
        s for s in set(found) | set(manifest.documents) if found.get(s) != manifest.documents.get(s)
    )
    store = PassageStore.open(generation.passages)
    try:
        dated = [(i.source_id, date_warnings(i, date.today())) for i in store.sources()]
    finally:
        store.close()
    withdrawn = [w.target for w in withdrawals_of(settings).items()]
    notes = [f"withdrawn: {target}" for target in withdrawn]
    stale = dict.fromkeys(manifest.documents, ", its earlier version is still served")
    named = {*manifest.failed, *manifest.duplicates}
    notes += [
        f"could not be read: {s} ({why}{stale.get(s, '')})"
        for s, why in sorted(manifest.failed.items())
    ]
    notes += [f"not indexed: {s} (same as {o})" for s, o in sorted(manifest.duplicates.items())]
    notes += [f"not as indexed: {s}" for s in changed if s not in named]
    notes += [f"{s}: {warning}" for s, warnings in dated for warning in warnings]
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


def _rules(settings: Settings) -> Finding:
    from bot.answering.answerability import load_model
    from bot.lexicon import load_lexicon
    from bot.messages import load_messages
    from bot.rules import load_rules

    load_rules()
    load_model()
    load_lexicon()
    load_messages()
    return Finding(part="rules", state="ok", detail="all rule files understood and in date")


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
