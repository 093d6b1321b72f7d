"""The commands that change the index, and the list of what is withdrawn from it."""

from __future__ import annotations

import json
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.errors import SettingsError, StoreError, UnknownSource

if TYPE_CHECKING:
    from bot.settings import Settings

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept in the audit log.")]
By = Annotated[str, typer.Option("--by", help="Who; kept in the audit log.")]


def register(app: typer.Typer) -> None:
    """Make these functions commands of `app`."""
    for command in (ingest, export, import_, withdraw, restore, audit):
        app.command(name=command.__name__.rstrip("_"))(command)


def ingest(
    folder: Annotated[
        Path | None, typer.Argument(help="Folder with documents (default: knowledge/).")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change; change nothing.")
    ] = False,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Read and embed everything.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Check the guides' writing rules; index nothing.")
    ] = False,
    fix: Annotated[
        bool, typer.Option("--fix", help="With --check: put missing glossary links in first.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for another ingest to end instead of refusing.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Stay, and ingest again whenever the folder changes.")
    ] = False,
    from_manifest: Annotated[
        Path | None,
        typer.Option(help="First fetch the addresses of this list (docs/fetching.md)."),
    ] = None,
    allow_private: Annotated[
        bool, typer.Option("--allow-private", help="Fetch from servers of your own network too.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Read documents into the index. Unchanged files are skipped."""
    from bot import cli_output as output
    from bot.settings import load_settings

    settings = load_settings()
    if (watch or from_manifest) and (check or dry_run):
        raise SettingsError(
            "--watch and --from-manifest cannot be combined with --check or --dry-run.",
            hint="Run one, then the other.",
        )
    if watch and rebuild:
        raise SettingsError("--watch cannot be combined with --rebuild.", hint="Rebuild first.")
    failed = False
    if from_manifest:
        failed = _fetch(
            settings, from_manifest, folder, allow_private=allow_private, as_json=as_json
        )
    if check:
        _check(folder or settings.paths.knowledge, fix=fix, as_json=as_json)
        return
    if watch:
        _watch(settings, folder, as_json=as_json)
        return
    from bot.indexing.flow import ingest as run

    with output.progress(quiet=as_json) as progress:
        result = run(
            settings,
            folder=folder,
            rebuild=rebuild,
            dry_run=dry_run,
            wait=wait,
            progress=progress,
        )
    output.print_ingest(result, as_json=as_json)
    if result.failed or failed:
        raise typer.Exit(3)


def _check(path: Path, *, fix: bool, as_json: bool) -> None:
    from bot import cli_output as output
    from bot.indexing.checking import check_path

    if fix:
        from bot.indexing.linking import link_folder

        for name in link_folder(path if path.is_dir() else path.parent):
            print(f"linked: {name}", file=sys.stderr)
    report = check_path(path)
    output.print_check(report, as_json=as_json)
    if report.problems:
        raise typer.Exit(3)


def _fetch(
    settings: Settings, path: Path, folder: Path | None, *, allow_private: bool, as_json: bool
) -> bool:
    """Whether any address failed; the others were fetched, and the ingest goes on with them."""
    import time

    from bot import cli_output as output
    from bot.indexing import fetching

    listed = fetching.read_list(path)
    web = fetching.Web(
        fetching.agent_of(listed),
        fetching.Limits(max_bytes=listed.max_bytes),
        allow_private=allow_private,
    )
    try:
        report = fetching.fetch_sources(
            listed,
            folder or settings.paths.knowledge,
            settings.paths.var,
            web,
            pause=time.sleep,
            progress=lambda source: print(f"{source.outcome}: {source.url}", file=sys.stderr),
        )
    finally:
        web.close()
    output.print_fetch(report, as_json=as_json)
    return bool(report.count("failed"))


def _watch(settings: Settings, folder: Path | None, *, as_json: bool) -> None:
    """Until SIGINT or SIGTERM; a run that they meet leaves the index as it was."""
    from bot import cli_output as output
    from bot.indexing.watching import watch

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    print(f"Watching {folder or settings.paths.knowledge}. Ctrl-C ends it.", file=sys.stderr)
    try:
        for outcome in watch(settings, folder=folder):
            output.print_watched(outcome, as_json=as_json)
    except KeyboardInterrupt:
        print("Stopped watching.", file=sys.stderr)


def export(
    file: Annotated[Path, typer.Argument(help="The archive to write, for instance index.tar.gz.")],
    as_json: Json = False,
) -> None:
    """Write the serving index to one file, with checksums: a backup, or for another machine."""
    from bot.indexing.archive import export_index
    from bot.settings import load_settings

    done = export_index(load_settings(), file)
    if as_json:
        print(json.dumps({**asdict(done), "path": str(done.path)}))
        return
    print(f"Exported {done.generation}: {done.documents} documents, {done.size:,} bytes.")
    print(f"SHA-256 {done.sha256}  {done.path}")


def import_(
    file: Annotated[Path, typer.Argument(help="An archive that `export` wrote.")],
    sha256: Annotated[
        str | None, typer.Option("--sha256", help="What `export` printed; other files are refused.")
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for an ingest to end instead of refusing.")
    ] = False,
) -> None:
    """Make an exported index the serving one, after everything in it was checked."""
    from bot.indexing.importing import import_index
    from bot.settings import load_settings

    settings = load_settings()
    manifest = import_index(settings, file, sha256=sha256, wait=wait)
    print(
        f"Imported as {manifest.generation}: {len(manifest.documents)} documents, "
        f"{manifest.passages} passages. Running servers take it up by themselves."
    )
    _tell_withdrawn(settings)


def _tell_withdrawn(settings: Settings) -> None:
    """The withdrawn passages that need a look in the index that serves now."""
    from bot.indexing.lexical import PassageStore
    from bot.indexing.places import generations, withdrawals_of
    from bot.standing import changed

    items = withdrawals_of(settings).items()
    store = PassageStore.open(generations(settings).current().passages)
    try:
        for source_id in sorted({w.source_id for w in items if w.span} & set(store.file_hashes())):
            for warning in changed(items, store.document(source_id)):
                print(warning)
    finally:
        store.close()


def withdraw(
    target: Annotated[str, typer.Argument(help="SOURCE or SOURCE:START-END.")],
    reason: Reason,
    by: By,
) -> None:
    """Take a source or passage out of all answers at once, without a restart."""
    from bot.indexing.lexical import PassageStore
    from bot.indexing.places import generations, withdrawals_of
    from bot.settings import load_settings
    from bot.targets import find_target
    from bot.withdrawals import Words

    settings = load_settings()
    store = PassageStore.open(generations(settings).current().passages)
    source_id, span, document = find_target(target, set(store.file_hashes()), store.document)
    words = Words.of(span.of(document.text)) if span else None
    item = withdrawals_of(settings).withdraw(source_id, span, reason=reason, by=by, words=words)
    print(f"Withdrawn: {item.target}. Running servers leave it out within seconds.")


def restore(
    target: Annotated[str, typer.Argument(help="As it was withdrawn.")], reason: Reason, by: By
) -> None:
    """Put a withdrawn source or passage back."""
    from bot.indexing.places import withdrawals_of
    from bot.settings import load_settings
    from bot.withdrawals import names_of

    withdrawals = withdrawals_of(load_settings())
    if not withdrawals.restore(target, reason=reason, by=by):
        known = ", ".join(names_of(withdrawals.items())) or "nothing"
        raise UnknownSource(f"{target} is not withdrawn.", hint=f"Withdrawn now: {known}.")
    print(f"Restored: {target}.")


def audit(
    check: Annotated[
        bool, typer.Option("--check", help="Check instead that no line was changed or taken out.")
    ] = False,
) -> None:
    """Print who did what, when and why: one JSON object a line."""
    from bot.indexing.places import withdrawals_of
    from bot.settings import load_settings

    settings = load_settings()
    if check:
        _check_audit(settings)
        return
    for line in withdrawals_of(settings).log():
        print(json.dumps(line, ensure_ascii=False))


def _check_audit(settings: Settings) -> None:
    from bot.audit import AuditFile
    from bot.withdrawals import audit_path

    if settings.store.chroma_url:
        raise SettingsError(
            "The audit log lies on the Chroma server, where its lines are not chained.",
            hint="Keep copies of it: python -m bot audit > FILE",
        )
    chain = AuditFile(audit_path(settings.paths.var)).check()
    if chain.fault:
        raise StoreError(
            f"The audit log does not hold together: {chain.fault}.",
            hint="Compare it with a backup; find out who can write to the file.",
        )
    print(f"{chain.lines} lines, {chain.chained} of them chained, none changed or missing between.")
    if chain.last:
        print(f"SHA-256 of the last line: {chain.last}")
