"""What the rules of this tree make of messages, beside the rules of another commit.

    python -m evals.compare_rules --base COMMIT             pleas and development messages
    python -m evals.compare_rules --base COMMIT FILE ...    and the lines of these files

A new excuse (`unless`) in bot/rules can take the alarm away from a plea in plain words, and twice
it has. Run this before a change of the rules is committed: it shows every message that lost its
alarm or has a lesser one, and those that are alarmed on now; requests about one's own case that are
no longer declined likewise. The messages are evals/safety/pleas.jsonl (signs, pleas and requests in
the words of the excuses themselves), the sets and batches of the development split, and the plain
questions of strangers; the test split is never read. A line of a FILE counts as a plea. Exits with
1 where a message has less of an alarm than before and less than its label asks for, or a request
is let pass. Phrases alone, without points of requests and the second look.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

TREE = Path(__file__).resolve().parent.parent
PLEAS = TREE / "evals/safety/pleas.jsonl"
LEVELS = ("none", "declined", "call_today", "urgent", "emergency", "crisis")
"""From none to most. An alarm goes before a decline, which still points to people."""
SETS = ("red_flags", "crisis", "harmless", "crisis_lookalike", "scope", "scope_ok")
_GENERAL = "not_declined"
"""What the sets expect of a general question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What somebody may type, and the levels that its label allows: only "none" where it should be
    left alone."""

    text: str
    expect: tuple[str, ...]

    @property
    def plea(self) -> bool:
        return "none" not in self.expect

    @property
    def alarm(self) -> bool:
        """Does the label ask for an alarm?"""
        return self.plea and LEVELS[1] not in self.expect

    def lost(self, before: str, now: str) -> bool:
        """Is `now` less than before, and less than the label asks for?"""
        least = min(map(LEVELS.index, self.expect))
        no_crisis_card = "crisis" in self.expect and before == "crisis" and now != "crisis"
        return no_crisis_card or LEVELS.index(now) < min(LEVELS.index(before), least)


def from_pleas(path: Path = PLEAS) -> list[Message]:
    """The messages of pleas.jsonl."""
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [Message(text=row["text"], expect=(row["expect"],)) for row in rows]


def from_sets() -> list[Message]:
    """The development messages of single turns, and the strangers' questions that a model learns
    from or is fitted on."""
    from evals.question_sets import load_items
    from evals.safety_eval import batches, cases

    plain = LEVELS[:1]
    messages = [
        Message(text=case.question.text, expect=plain if _GENERAL in case.expect else case.expect)
        for split in ("dev", *batches())
        for kind in SETS
        for case in cases(kind, split)
        if not case.question.history
    ]
    return messages + [
        Message(text=item.question.text, expect=plain)
        for split in ("learn", "fit")
        for item in load_items(split)
        if item.by_stranger and not item.question.history
    ]


def levels_in(tree: Path, texts: Sequence[str]) -> list[str]:
    """The level (of `LEVELS`) that the rules of a tree give each message. Exits where that tree
    cannot be asked: it is too old."""
    done = subprocess.run(
        [sys.executable, __file__, "--levels-of", str(tree)],
        input=json.dumps(texts), capture_output=True, text=True, encoding="utf-8", check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"The rules in {tree} cannot be used:\n{done.stderr}")
    levels: list[str] = json.loads(done.stdout)
    return levels


def _print_levels(tree: str) -> None:
    """In a process of its own: bot is that of the tree."""
    sys.path.insert(0, tree)
    from bot.answering.scope import Scope
    from bot.answering.triage import Triage
    from bot.records import Contact, Question
    from bot.rules import load_rules

    rules = load_rules()
    triage = Triage(rules, region="US", fever_celsius=38.0, contact=Contact(name="the clinic"))
    scope = Scope(rules.without_points())

    def level(question: Question) -> str:
        alert = triage(question).alert
        return alert.level if alert else LEVELS[bool(scope(question))]

    json.dump([level(Question(text=text)) for text in json.load(sys.stdin)], sys.stdout)


def unpack(commit: str, folder: Path) -> None:
    """The files of a commit. Exits where git does not know it."""
    done = subprocess.run(
        ["git", "-C", str(TREE), "archive", commit, "bot"], capture_output=True, check=False
    )
    if done.returncode:
        sys.exit(f"{commit} cannot be read: {done.stderr.decode().strip()}")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")


def changes(
    messages: Iterable[Message], before: Iterable[str], now: Iterable[str]
) -> tuple[list[str], list[str], list[str]]:
    """Lines to read: pleas with less of an alarm than before and than their label; other pleas that
    changed; quiet messages that changed."""
    less, others, quiet = [], [], []
    for message, old, new in zip(messages, before, now, strict=True):
        if old == new:
            continue
        line = f"{old:>10} -> {new:<10} {message.text}"
        if not message.plea:
            quiet.append(line)
        elif message.lost(old, new):
            less.append(f"{line}   [{'/'.join(message.expect)}]")
        else:
            others.append(line)
    return less, others, quiet


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m evals.compare_rules", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("--base", default="HEAD", help="the commit to compare with (HEAD)")
    parser.add_argument("--levels-of", help=argparse.SUPPRESS)
    parser.add_argument("files", nargs="*", type=Path, help="more pleas, one a line")
    chosen = parser.parse_args(argv)
    if chosen.levels_of:
        _print_levels(chosen.levels_of)
        return 0
    try:
        own = [line for file in chosen.files for line in file.read_text("utf-8").splitlines()]
    except OSError as error:
        parser.error(f"{error.filename} cannot be read: {error.strerror}")
    # Unlabelled: any loss is shown.
    pleas = [Message(text=line, expect=LEVELS[-1:]) for line in own if line.strip()]
    pleas += from_pleas()
    messages = [*pleas, *from_sets()]
    texts = [message.text for message in messages]
    with tempfile.TemporaryDirectory() as folder:
        unpack(chosen.base, Path(folder))
        before = levels_in(Path(folder), texts)
    now = levels_in(TREE, texts)
    less, others, quiet = changes(messages, before, now)
    for title, lines in (
        ("Pleas and requests with less", less),
        ("Other pleas and requests that changed", others),
        ("Quiet messages that changed", quiet),
    ):
        print(f"{title}: {len(lines)}", *lines, sep="\n  ")
    caught = sum(level != LEVELS[0] for level in now[: len(pleas)])
    print(f"{len(messages)} messages; of {len(pleas)} pleas {caught} alarmed on or declined")
    return 1 if less else 0


if __name__ == "__main__":
    raise SystemExit(main())
