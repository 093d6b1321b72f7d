"""The question sets in evals/questions, read and checked."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from bot.records import Question, Turn

FOLDER = Path(__file__).resolve().parent / "questions"
SPLITS = ("dev", "learn", "fit", "test", "test2")
"""`learn` and `fit` have many questions without facts, to train the model for questions on and to
fit the judge on; `test` and `test2` are only run."""
_SET = re.compile(r"^(?:test2?|fit)_|_?\d*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One question. `sections` are (source_id, heading) that answer it, none where nothing does;
    `facts` are patterns of which every one must match the answer."""

    id: str
    split: str
    question: Question
    kind: str
    sections: tuple[tuple[str, str], ...] = ()
    facts: tuple[re.Pattern[str], ...] = ()
    register: str = ""

    @property
    def answerable(self) -> bool:
        return bool(self.sections)


def load_items(split: str) -> list[Item]:
    """All questions of a split (of `SPLITS`), in file order."""
    items = []
    for path in sorted(FOLDER.glob("*.jsonl")):
        kind = _SET.sub("", path.stem)
        for line in path.read_text("utf-8").splitlines():
            row = json.loads(line)
            if row["split"] != split:
                continue
            history = tuple(Turn(role=t["role"], text=t["text"]) for t in row.get("history", ()))
            items.append(
                Item(
                    id=row["id"],
                    split=split,
                    question=Question(text=row["question"], history=history),
                    kind=row.get("kind", kind),
                    sections=tuple((s[0], s[1]) for s in row.get("sections", ())),
                    facts=tuple(
                        re.compile(f[0] if isinstance(f, list) else f, re.IGNORECASE)
                        for f in row.get("facts", ())
                    ),
                    register=row.get("register", ""),
                )
            )
    return items
