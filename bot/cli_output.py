"""What the command line prints: tables for people, JSON for programs."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from bot.answering.citing import offered
from bot.errors import BotError
from bot.explaining import explain, reading_grade
from bot.records import Answer, Retrieved

if TYPE_CHECKING:
    from bot.doctor import Finding
    from bot.indexing.checking import CheckReport
    from bot.indexing.fetching import FetchReport
    from bot.indexing.reports import IngestReport


def _console() -> Console:
    width = None if sys.stdout.isatty() else 110
    return Console(width=width, highlight=False, markup=False)


def _dump(data: Any) -> None:
    print(json.dumps(data, ensure_ascii=False, indent=1, default=str))


@contextlib.contextmanager
def progress(*, quiet: bool) -> Iterator[Callable[[int, int, str], None]]:
    """A progress bar on a terminal, a line a document otherwise, nothing when quiet. However the
    work ends, the terminal is left as it was."""
    if quiet:
        yield lambda done, total, label: None
    elif sys.stderr.isatty():
        with _bar() as draw:
            yield draw
    else:
        yield _line


def _line(done: int, total: int, label: str) -> None:
    if done < total:
        print(f"[{done + 1}/{total}] {label}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def _bar() -> Iterator[Callable[[int, int, str], None]]:
    """A bar hides the cursor from its start to its end, so it starts where there is work."""
    from rich.progress import Progress

    bar = Progress(console=Console(stderr=True), transient=True)
    task = bar.add_task("Reading documents", total=None)

    def draw(done: int, total: int, label: str) -> None:
        bar.start()
        bar.update(task, total=total, completed=done, description=label)
        if done >= total:
            bar.stop()

    try:
        yield draw
    finally:
        if bar.live.is_started:
            bar.stop()


def print_ingest(report: IngestReport, *, as_json: bool) -> None:
    if as_json:
        _dump(asdict(report))
        return
    table = Table(title="Documents")
    for column in ("document", "change", "passages", "note"):
        table.add_column(column, justify="right" if column == "passages" else "left")
    for file in report.files:
        if file.change == "unchanged":
            continue
        note = "; ".join([file.error] if file.error else file.warnings)
        if file.stale:
            note += " (the earlier version is still served)"
        table.add_row(file.source_id, file.change, str(file.passages or ""), note)
    console = _console()
    if table.row_count:
        console.print(table)
    counts = ", ".join(
        f"{report.count(c)} {c}"
        for c in ("added", "changed", "removed", "unchanged", "duplicate", "failed")
        if report.count(c)
    )
    lead = "Dry run, nothing was changed. " if report.dry_run else ""
    console.print(f"{lead}{counts or 'no documents'}.")
    console.print(
        f"Index {report.generation or '(none)'}: {report.passages} passages, "
        f"{report.questions} questions; {report.embedded} texts embedded in "
        f"{report.seconds:.1f} s."
    )
    for file in report.failed:
        print(f"Error: {file.error}", file=sys.stderr)
        if file.hint:
            print(f"What to do: {file.hint}", file=sys.stderr)


def print_fetch(report: FetchReport, *, as_json: bool) -> None:
    """What was fetched; as one line of JSON, because the report of the ingest follows."""
    if as_json:
        print(json.dumps(asdict(report), ensure_ascii=False))
        return
    counts = ", ".join(
        f"{report.count(outcome)} {outcome}"
        for outcome in ("new", "changed", "unchanged", "failed")
        if report.count(outcome)
    )
    console = _console()
    console.print(f"Fetched: {counts}.")
    for name in report.unlisted:
        console.print(f"No longer listed, still indexed: {name}")
    for source in report.sources:
        if source.error:
            print(f"Error: {source.error}\nWhat to do: {source.hint}", file=sys.stderr)


def print_watched(outcome: IngestReport | BotError, *, as_json: bool) -> None:
    """One run of `--watch`: one line of JSON, or what `print_ingest` prints, with the time before
    it. A run that changed nothing prints nothing, unless files failed in it that were tried."""
    if isinstance(outcome, BotError):
        if as_json:
            print(json.dumps({"error": str(outcome), "hint": outcome.hint}), flush=True)
        else:
            print(f"Error: {outcome}\nWhat to do: {outcome.hint}", file=sys.stderr, flush=True)
    elif outcome.swapped or outcome.failed:
        if as_json:
            print(json.dumps(asdict(outcome), ensure_ascii=False, default=str), flush=True)
        else:
            print(time.strftime("%H:%M:%S"))
            print_ingest(outcome, as_json=False)
            sys.stdout.flush()


def print_check(report: CheckReport, *, as_json: bool) -> None:
    if as_json:
        _dump(asdict(report))
        return
    table = Table(title="Guides")
    for column in ("guide", "sections", "sentences", "factual", "words", "sources", "grade"):
        table.add_column(column, justify="left" if column == "guide" else "right")
    for guide in report.guides:
        table.add_row(
            guide.source_id,
            str(guide.sections),
            str(guide.sentences),
            str(guide.factual),
            str(guide.words),
            str(guide.sources),
            f"{guide.grade:.1f}",
        )
    console = _console()
    console.print(table)
    console.print(report.summary)
    for problem in report.problems:
        print(problem, file=sys.stderr)
    if report.problems:
        print(f"{len(report.problems)} problems. See docs/guide-format.md.", file=sys.stderr)


def print_answer(answer: Answer) -> None:
    console = _console()
    if answer.alert:
        console.print(f"!! {answer.alert.message}")
        for action in answer.alert.actions:
            console.print(f"   - {action.text}")
        console.print()
    for statement in answer.statements:
        marks = "".join(f"[{n}]" for n in statement.citations)
        console.print(f"{'- ' if statement.list_item else ''}{statement.text} {marks}")
    for notice in answer.notices:
        console.print(notice)
    if answer.citations:
        console.print("\nSources")
    for c in answer.citations:
        where = " - ".join(part for part in (c.source.publisher, " > ".join(c.heading)) if part)
        console.print(f" [{c.number}] {c.source.title}. {where}")
        target = f"{c.source.source_id}:{c.span.start}-{c.span.end}"
        console.print(f"     python -m bot show {target}")
        for reference in c.based_on:
            console.print(f"     based on: {reference.publisher}, {reference.title}")
    asked_back = offered(answer)
    if answer.related and not asked_back:
        console.print("\nClose to your question, but not an answer to it:")
    for r in () if asked_back else answer.related:
        console.print(f" - {r.source.title}: {' > '.join(r.heading)}")
    if answer.follow_ups:
        titles = {"abstained": "Did you mean:", "declined": "What the documents answer in general:"}
        console.print(f"\n{titles.get(answer.outcome, 'You can also ask:')}")
    for text in answer.follow_ups:
        console.print(f" - {text}")
    contact = answer.contact
    phone = f", {contact.phone}" if contact.phone else ""
    console.print(f"\nTo reach a person: {contact.name}{phone}")


def explain_json(answer: Answer) -> dict[str, Any]:
    """The trace for staff and tests: query, hits with ranks, verdict, what was dropped."""
    trace = answer.trace
    return {
        "query": asdict(trace.query) if trace.query else None,
        "verdict": asdict(trace.verdict) if trace.verdict else None,
        "gap": {
            "question": trace.retrieved.gap_question,
            "group": trace.retrieved.gap_group,
            "similarity": trace.retrieved.gap_similarity,
        }
        if trace.retrieved
        else None,
        "hits": _hits(trace.retrieved, 50) if trace.retrieved else [],
        "sentences": [
            {
                "passage_id": c.quote.chunk_id,
                "text": c.quote.text,
                "shown": c.shown,
                "why": c.why,
                "relevance": round(c.relevance, 4),
            }
            for c in trace.considered
        ],
        "readable": [
            {"heading": step.heading, "lines": [line.text for line in step.lines]}
            for step in explain(answer)
        ],
        "dropped": [{"text": d.statement.text, "why": d.why} for d in trace.dropped],
        "reading_grade": reading_grade(answer),
        "timings_ms": trace.timings_ms,
    }


def print_explanation(answer: Answer) -> None:
    console = _console()
    console.print("\nHow this came about")
    for step in explain(answer):
        console.print(f"\n{step.heading}")
        for line in step.lines:
            console.print(f"  {line.text}", markup=False)
    grade = reading_grade(answer)
    if grade is not None:
        console.print(f"\nReading grade of the answer (Flesch-Kincaid): {grade}")


def _hits(retrieved: Retrieved, k: int) -> list[dict[str, Any]]:
    return [
        {
            "rank": rank,
            "passage_id": hit.chunk.chunk_id,
            "source_id": hit.chunk.source.source_id,
            "heading": list(hit.chunk.heading),
            "score": round(hit.score, 4),
            "dense_rank": hit.dense_rank,
            "asked_rank": hit.asked_rank,
            "lexical_rank": hit.lexical_rank,
            "passage_similarity": hit.passage_similarity,
            "asked_similarity": hit.asked_similarity,
            "matched": hit.matched,
        }
        for rank, hit in enumerate(retrieved.hits[:k], start=1)
    ]


def _print_hits(retrieved: Retrieved, k: int) -> None:
    table = Table(title="Passages found")
    for column in (
        "",
        "passage",
        "heading",
        "score",
        "meaning",
        "asked",
        "words",
        "nearest way of asking",
    ):
        table.add_column(column)
    for row in _hits(retrieved, k):
        table.add_row(
            str(row["rank"]),
            row["passage_id"],
            " > ".join(row["heading"]),
            f"{row['score']:.2f}",
            _rank(row["dense_rank"], row["passage_similarity"]),
            _rank(row["asked_rank"], row["asked_similarity"]),
            _rank(row["lexical_rank"], None),
            row["matched"] or "",
        )
    _console().print(table)


def _rank(rank: int | None, similarity: float | None) -> str:
    if rank is None:
        return "-"
    return f"#{rank}" + (f" ({similarity:.2f})" if similarity is not None else "")


def print_search(retrieved: Retrieved, k: int, *, as_json: bool) -> None:
    if as_json:
        _dump({"hits": _hits(retrieved, k)})
    else:
        _print_hits(retrieved, k)


def print_findings(findings: Sequence[Finding], *, as_json: bool) -> None:
    if as_json:
        _dump({"findings": [asdict(f) for f in findings]})
        return
    table = Table(title="Doctor")
    for column in ("part", "state", "detail", "what to do"):
        table.add_column(column)
    for f in findings:
        table.add_row(f.part, f.state, f.detail, f.hint)
    _console().print(table)
