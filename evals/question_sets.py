"""The question sets in evals/questions, read and checked."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from bot.records import Question, Turn

FOLDER = Path(__file__).resolve().parent / "questions"
SPLITS = ("dev", "learn", "fit", "test", "test2", "test3", "test4", "test5", "test6", "test7")
"""`learn` and `fit` have many questions without facts, to train the model for questions on and to
fit the judge on; `test` and `test2` to `test7` are only run."""
STRANGERS = ("strangers", "test3", "test4", "test5", "test6", "test7")
"""How the sets begin whose writers had not seen the guides."""
POOLED = FOLDER / "pooled.tsv"
"""Sections found to answer a question when searches' first hits were judged: id, file, heading."""
_SET = re.compile(r"^(?:test[2-7]?|fit)_|_?\d*$")


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
    by_stranger: bool = False
    """Written by somebody who had not seen the guides."""

    @property
    def answerable(self) -> bool:
        return bool(self.sections)


def load_items(split: str) -> list[Item]:
    """All questions of a split (of `SPLITS`), in file order."""
    items = []
    more = _pooled()
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
                    sections=(
                        *((s[0], s[1]) for s in row.get("sections", ())),
                        *more.get(row["id"], ()),
                    ),
                    facts=tuple(
                        re.compile(f[0] if isinstance(f, list) else f, re.IGNORECASE)
                        for f in row.get("facts", ())
                    ),
                    register=row.get("register", ""),
                    by_stranger=path.stem.startswith(STRANGERS),
                )
            )
    return items


def _pooled() -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for line in POOLED.read_text("utf-8").splitlines():
        item, source_id, heading = line.split("\t")
        found.setdefault(item, []).append((source_id, heading))
    return found
