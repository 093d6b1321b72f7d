"""The command line. Heavy imports wait until a command needs them.

Errors go to standard error with a hint; exit codes are those of `bot.errors`.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from bot.cli_index import register
from bot.cli_staff import staff
from bot.errors import BotError, QuestionError, UnknownSource

if TYPE_CHECKING:
    from bot.answering.flow import Bot

app = typer.Typer(
    name="bot",
    help="Answers questions about blood stem cell transplantation from documents, with citations.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
register(app)
app.add_typer(staff, name="staff")


def main(prepend: list[str] | None = None) -> NoReturn:
    """Run the command line; turn expected errors into a message, a hint and an exit code."""
    try:
        app(args=[*(prepend or []), *sys.argv[1:]], standalone_mode=True)
    except BotError as error:
        fail(error)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    sys.exit(0)


def fail(error: BotError) -> NoReturn:
    print(f"Error: {error}", file=sys.stderr)
    if error.hint:
        print(f"What to do: {error.hint}", file=sys.stderr)
    sys.exit(error.exit_code)


@app.command()
def ask(
    question: Annotated[str | None, typer.Argument(help="The question, in your words.")] = None,
    as_json: Json = False,
    batch: Annotated[
        Path | None,
        typer.Option(help='File with one {"id", "question", "history"?, "locale"?} a line.'),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show how the answer came about.")
    ] = False,
    locale: Annotated[str | None, typer.Option(help="For instance en-GB.")] = None,
) -> None:
    """Answer a question, with citations."""
    if (question is None) == (batch is None):
        raise QuestionError(
            "Give either a question or --batch FILE.",
            hint='For instance: python -m bot ask "What is engraftment?"',
        )
    from bot import cli_output as output
    from bot.answering.flow import Bot
    from bot.records import Question
    from bot.settings import load_settings
    from bot.wire import answer_json

    bot = Bot.open(load_settings())
    try:
        if batch is not None:
            if not run_batch(bot, batch):
                raise typer.Exit(2)
            return
        answer = bot.ask(Question(text=question or "", locale=locale))
    finally:
        bot.close()
    if as_json:
        data = answer_json(answer)
        if explain:
            data["explain"] = output.explain_json(answer)
        print(json.dumps(data, ensure_ascii=False, indent=1))
    else:
        output.print_answer(answer)
        if explain:
            output.print_explanation(answer)


def run_batch(bot: Bot, path: Path) -> bool:
    """Answer a JSON Lines file line by line. A line that cannot be used becomes a line with
    `error` in its place. Returns whether all lines could be answered."""
    from bot.batch import lines_of, question_of
    from bot.wire import answer_json

    try:
        lines = lines_of(path.read_bytes().decode("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise QuestionError(
            f"{path} cannot be read: {error}", hint="Give a UTF-8 file with one question a line."
        ) from None
    good = True
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        request_id: str | None = None
        try:
            request_id, question = question_of(line, number)
            out = answer_json(bot.ask(question), request_id=request_id)
        except QuestionError as error:
            good = False
            request_id = getattr(error, "request_id", None) or request_id
            out = {"id": request_id, "error": {"message": str(error), "hint": error.hint}}
        print(json.dumps(out, ensure_ascii=False), flush=True)
    return good


@app.command()
def search(
    words: Annotated[str, typer.Argument(help="What to look for.")],
    k: Annotated[int, typer.Option("-k", min=1, max=50, help="How many passages.")] = 10,
    as_json: Json = False,
) -> None:
    """Show which passages a search finds, with ranks and scores."""
    from bot import cli_output as output
    from bot.answering.flow import Bot
    from bot.settings import load_settings

    bot = Bot.open(load_settings())
    try:
        retrieved = bot.retrieve(words)
    finally:
        bot.close()
    output.print_search(retrieved, k, as_json=as_json)


@app.command()
def show(
    target: Annotated[
        str, typer.Argument(help="SOURCE or SOURCE:START-END, counted in code points.")
    ],
) -> None:
    """Print the stored text of a document, or of a span of it, as it is."""
    from bot.indexing.lexical import PassageStore
    from bot.indexing.places import generations
    from bot.settings import load_settings
    from bot.targets import parse_target

    store = PassageStore.open(generations(load_settings()).current().passages)
    source_id, span = parse_target(target, set(store.file_hashes()))
    text = store.document(source_id).text
    if span is not None:
        if span.end > len(text):
            raise UnknownSource(
                f"{source_id} has {len(text):,} characters; there is no {span.start}-{span.end}."
            )
        text = span.of(text)
    sys.stdout.buffer.write(text.encode("utf-8"))
    if span is None:
        sys.stdout.buffer.write(b"\n")


@app.command()
def doctor(as_json: Json = False) -> None:
    """Check model, index, rules, contacts and settings."""
    from bot import cli_output as output
    from bot.doctor import examine

    findings = examine()
    output.print_findings(findings, as_json=as_json)
    worst = max((f.exit_code for f in findings), default=0)
    if worst:
        raise typer.Exit(worst)


@app.command(name="eval")
def evaluate(
    what: Annotated[str, typer.Argument(help="answers, safety, all, medquad or ablation.")] = "all",
    split: Annotated[
        str,
        typer.Option(
            help="answers, ablation: dev, learn, fit, test, test2, test3, test4, test5, test6, "
            "test7. "
            "safety: dev, test, test2, test3, dev_es, test_es, test2_es. "
            "all: dev, test, test2, test3. medquad has none. "
            "What begins with test is run last and once, never tuned on."
        ),
    ] = "dev",
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the figures here.")
    ] = None,
    html_file: Annotated[Path | None, typer.Option("--html", help="Write a report here.")] = None,
    data: Annotated[Path | None, typer.Option(help="The folder that holds MedQuAD.")] = None,
    passages: Annotated[int, typer.Option(help="MedQuAD answers, 0 for all.")] = 4000,
    questions: Annotated[int, typer.Option(help="MedQuAD questions, 0 for all.")] = 1000,
) -> None:
    """Measure answers and safety rules on the question sets in evals/, beside the plain recipe."""
    from bot.settings import load_settings
    from evals import run as evaluation

    evaluation.run(
        load_settings(),
        what,
        split,
        json_file=json_file,
        html_file=html_file,
        data=data or evaluation.DATA,
        passages=passages,
        questions=questions,
    )


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Default: BOT_WEB__HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Default: BOT_WEB__PORT.")] = None,
) -> None:
    """Serve the chat, the source reader and the API."""
    # As in app.py, before torch is loaded: two threads wait longer than they calculate.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from bot.settings import load_settings
    from bot.web.serving import serve as run

    run(load_settings(), host=host, port=port)
