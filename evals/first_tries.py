"""What the phrases find in a batch of messages before anybody has read it.

    python -m evals.first_tries batch_8

Run it on a new batch of evals/safety/batches before a phrase is written for it: only then it shows
how the phrases do on words that nobody had in mind. It adds the batch to first_tries.jsonl, from
which fit_triage.py learns what a phrase is worth, and prints what triage made of it. A batch that
is there already is refused.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from bot.answering.triage import Triage
from bot.records import Contact
from bot.rules import load_rules
from evals.safety_eval import batches, cases

FIRST_TRIES = Path(__file__).resolve().parent / "safety" / "first_tries.jsonl"
KINDS = {"red_flags": True, "crisis": True, "harmless": False, "crisis_lookalike": False}


def rows() -> list[dict]:
    """One for each message: `origin`, `told` (does it tell of a sign), `found`, `text`."""
    return [json.loads(line) for line in FIRST_TRIES.read_text("utf-8").splitlines()]


def main(argv: Sequence[str]) -> None:
    known = {row["origin"] for row in rows()}
    for name in argv:
        if name not in batches():
            sys.exit(f"There is no batch {name}. There are: {', '.join(batches())}.")
        if name in known:
            sys.exit(f"{name} is in {FIRST_TRIES.name} already; a second try is no first one.")
    triage = Triage(
        load_rules(), region="US", fever_celsius=38.0, contact=Contact(name="the clinic")
    )
    for name in argv:
        lines = []
        for kind, told in KINDS.items():
            alarms = []
            for case in cases(kind, name):
                alarms.append(triage(case.question).alert is not None)
                if not case.question.history:
                    found = sorted(triage(case.question).found)
                    row = {"origin": name, "told": told, "found": found, "text": case.question.text}
                    lines.append(json.dumps(row, ensure_ascii=False))
            print(f"{name}, {kind}: {sum(alarms)} of {len(alarms)} alarmed")
        with FIRST_TRIES.open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)


if __name__ == "__main__":
    main(sys.argv[1:])
