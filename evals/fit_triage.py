"""Fits what words and pairs of words weigh for "this tells of a sign" and writes the points.

    python -m evals.fit_triage                    writes bot/rules/triage_points.toml
    python -m evals.fit_triage batch_1 batch_2    the same, from these batches only

Learned from the examples of bot/rules, the cases of tests/safety_cases (except those kept apart in
points_unseen.toml), the development messages of evals/safety and their batches, and from what the
guides answer: their ways of asking (evals/safety/asked.toml names those that tell of a sign) and
the development questions. Requests that the phrases alarm on are left out where nobody has
labelled them.

What the phrases find in a message has points too. They are learned from first_tries.jsonl: what was
found in each message when it was first run, before any phrase was written for it. The limits are
set on these messages as well. With the names of some batches only these are used, and printed is
what is caught of the others.
scikit-learn comes with sentence-transformers.
"""

from __future__ import annotations

import json
import random
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold

from bot.answering.triage import Triage
from bot.indexing.loading import load
from bot.records import Contact, Question
from bot.rules import Rules, load_rules
from bot.rules.loading import HARMLESS
from bot.rules.weighing import FOUND, SAID, TriagePoints
from evals import first_tries
from evals.question_sets import load_items
from evals.safety_eval import batches, cases
from evals.sign_matrix import sign_matrix

ROOT = Path(__file__).resolve().parent.parent
POINTS_FILE = ROOT / "bot/rules/triage_points.toml"
CASES = ROOT / "tests/safety_cases"
UNSEEN = "points_unseen"
LATER = tuple(f"batch_{number}" for number in range(33, 62))
"""Written when the points stood. Fitted with 33 to 40, full of near look-alikes, 26
pleas and signs lose the alarm that they have; fitted with 42 to 45, 45 of the messages lose one
and 250 gain one, nearly all of them learned from (of batch 46, seen by neither, 3 of 170 signs and
1 of 108 crises gain one). So they are kept for measuring."""
WRONG = 0.02
"""Share of harmless look-alikes, run for the first time, that may raise an alarm where no phrase
speaks (own choice)."""
LOST = 0.05
"""Share of the signs of lower levels, found by phrases, that may be taken for talk (own choice)."""
ASKED = 0.2
"""How much one way of asking counts: there are many, and most are far from any sign."""
_OFTEN = 3
"""In how many messages a sign must stand to have points."""
_STRENGTH = 1.0
"""How freely single signs are weighed (C of the regression)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A message, whether it tells of a sign, and where it was taken from."""

    text: str
    told: bool
    origin: str


def examples(rules: Rules, from_batches: Sequence[str]) -> list[Example]:
    """All that is learned from, each message once."""
    phrases = Triage(
        rules.without_points(), region="US", fever_celsius=38.0, contact=Contact(name="the clinic")
    )
    found: dict[str, Example] = {}
    for text, told, origin in (*_labelled(from_batches), *_asked()):
        if told is None and phrases(Question(text=text)).alert is not None:
            continue
        found.setdefault(text, Example(text=text, told=bool(told), origin=origin))
    return list(found.values())


def _labelled(from_batches: Sequence[str]) -> Iterable[tuple[str, bool | None, str]]:
    for name in ("dev", *from_batches):
        for kind, told in (
            ("red_flags", True), ("crisis", True), ("harmless", False),
            ("crisis_lookalike", False), ("scope", None), ("scope_ok", None),
        ):  # fmt: skip
            for case in cases(kind, name):
                if not case.question.history:
                    yield case.question.text, told, kind
    for path in sorted(CASES.glob("*.toml")):
        if path.stem == UNSEEN:
            continue
        for kind, texts in tomllib.loads(path.read_text("utf-8")).items():
            if kind == "talk":
                continue
            harmless = kind in ("harmless", "none")
            told = None if path.stem.startswith("scope") else not harmless
            for text in texts:
                yield text, told, "cases"
    file = tomllib.loads((ROOT / "bot/rules/examples.toml").read_text("utf-8"))["examples"]
    for rule, texts in file.items():
        for text in texts:
            yield text, rule != HARMLESS, "examples"


def _asked() -> Iterable[tuple[str, bool | None, str]]:
    labels = tomllib.loads((ROOT / "evals/safety/asked.toml").read_text("utf-8"))
    told, unclear = set(labels["told"]), set(labels["unclear"])
    for path in sorted((ROOT / "knowledge").glob("*.md")):
        for section in load(path.name, path.read_bytes()).sections:
            for text in section.asked:
                if text not in unclear:
                    yield text, text in told, "asked"
    for item in (*load_items("dev"), *load_items("learn")):
        text = item.question.text
        if item.question.history or text in unclear:
            continue
        if item.by_stranger:
            yield text, text in told, "strangers"
        elif item.answerable:
            yield text, None, "asked"


def framed(found: Sequence[Example]) -> list[Example]:
    """The examples, and each once more with what people write around it. By the text, not by
    chance, so that two fits are alike."""
    frames = tomllib.loads((ROOT / "evals/safety/frames.toml").read_text("utf-8"))
    more = []
    for example in found:
        draw = random.Random(example.text)
        text = example.text
        if example.told and draw.random() < 0.4:
            text = f"{text} {draw.choice(frames['asks'])}"
        if draw.random() < 0.6:
            text = f"{draw.choice(frames['before'])} {text}"
        if text == example.text or draw.random() < 0.6:
            text = f"{text}. {draw.choice(frames['after'])}"
        more.append(replace(example, text=text))
    return [*found, *more]


def learned() -> list[str]:
    """The batches that the points in bot/rules are fitted with."""
    return [name for name in batches() if name not in LATER]


class Fit:
    """The points of some examples. An example and the same in its frame are held out together."""

    def __init__(self, bare: Sequence[Example], rules: Rules) -> None:
        found = framed(bare)
        self._rules = rules
        self._signs = [rules.weighing.signs_of(rules.folded(e.text)) for e in found]
        self._found = found
        counts = Counter(sign for signs in self._signs for sign in signs)
        self._columns = sorted(sign for sign, count in counts.items() if count >= _OFTEN)
        self.rows = sign_matrix(self._signs, self._columns)
        self.truth = np.array([e.told for e in found])
        self.origins = np.array([e.origin for e in found])

    def held_out(self) -> np.ndarray:
        """The weight of each example by points that were fitted without it."""
        folds = StratifiedGroupKFold(5, shuffle=True, random_state=1)
        groups = np.arange(len(self.truth)) % (len(self.truth) // 2)
        weights = np.zeros(len(self.truth))
        for rest, part in folds.split(self.rows, self.truth, groups):
            weights[part] = self._fitted(rest).decision_function(self.rows[part])
        return weights

    def _fitted(self, places: np.ndarray) -> LogisticRegression:
        counts = np.where(self.origins[places] == "asked", ASKED, 1.0)
        return LogisticRegression(C=_STRENGTH, max_iter=3000).fit(
            self.rows[places], self.truth[places], sample_weight=counts
        )

    def points(self) -> TriagePoints:
        fitted = self._fitted(np.arange(len(self.truth)))
        signs = {
            sign: round(float(weight), 2)
            for sign, weight in zip(self._columns, fitted.coef_[0], strict=True)
            if abs(weight) >= 0.05
        }
        for_found, limits = self._first_tries()
        return TriagePoints(
            base=round(float(fitted.intercept_[0]), 2),
            alarm=limits["alarm"],
            lower=limits["lower"],
            signs=signs | for_found,
        )

    def _first_tries(self) -> tuple[dict[str, float], dict[str, float]]:
        """The points of what phrases find, on the scale of the words, and the limits."""
        held = dict(zip((e.text for e in self._found), self.held_out(), strict=True))
        rows = [row for row in first_tries.rows() if row["text"] in held]
        rows = [row for row in rows if "sure" not in row["found"]]
        told = np.array([row["told"] for row in rows])
        weight = np.array([[held[row["text"]]] for row in rows])
        found = np.array([[name[1:-1] in row["found"] for name in FOUND] for row in rows], float)
        table = np.hstack([weight, found])
        model = LogisticRegression().fit(table, told)
        scale, *weights = model.coef_[0]
        points = {
            name: round(float(weight / scale), 2)
            for name, weight in zip(FOUND, weights, strict=True)
        }
        total = table[:, 0] + found @ np.array(list(points.values()))
        grave, lower = (found[:, FOUND.index(name)] > 0 for name in SAID)
        silent = ~grave & ~lower
        quiet = np.sort(total[~told & silent])[::-1]
        limits = {
            "alarm": float(quiet[int(WRONG * np.sum(~told))]),
            "lower": float(np.quantile(total[told & lower & ~grave], LOST)),
        }
        passed = grave | (total >= np.where(lower, limits["lower"], limits["alarm"]))
        print(
            f"first tries: {np.mean(passed[told]):.3f} of {told.sum()} signs told, "
            f"{np.mean(passed[~told]):.3f} of {np.sum(~told)} harmless ones"
        )
        return points, {name: round(limit, 2) for name, limit in limits.items()}


def write(path: Path, points: TriagePoints) -> None:
    lines = [
        "# Written by evals/fit_triage.py; do not edit by hand. How it is used: docs/safety.md.",
        "# A message has the points of its words and pairs of words, of what the phrases found in",
        "# it, and the base. From `alarm` up it tells of a sign that no phrase speaks to. What a",
        "# phrase finds of the lower levels is told unless the message lies below `lower`.",
        "",
        f"base = {points.base}",
        f"alarm = {points.alarm}",
        f"lower = {points.lower}",
        "",
        "[signs]",
        *(f"{json.dumps(s, ensure_ascii=False)} = {points.signs[s]}" for s in sorted(points.signs)),
    ]
    path.write_text("\n".join(lines) + "\n", "utf-8")


def show(name: str, rules: Rules, points: TriagePoints) -> None:
    """What triage makes of a batch with these points."""
    triage = Triage(
        replace(rules, weighing=rules.weighing.using(points)),
        region="US",
        fever_celsius=38.0,
        contact=Contact(name="the clinic"),
    )
    for kinds, told in (
        (("red_flags", "crisis"), True),
        (("harmless", "crisis_lookalike"), False),
    ):
        alarms = [
            triage(case.question).alert is not None for kind in kinds for case in cases(kind, name)
        ]
        if alarms:
            print(f"{name}, {'signs' if told else 'harmless'}: {np.mean(alarms):.3f} alarmed")


def main(argv: Sequence[str] = (), path: Path = POINTS_FILE) -> None:
    rules = load_rules()
    used = list(argv) or learned()
    points = Fit(examples(rules, used), rules).points()
    for name in batches():
        if name not in used:
            show(name, rules, points)
    write(path, points)
    print(
        f"{len(points.signs)} signs, alarm {points.alarm}, lower {points.lower}, written to {path}"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
