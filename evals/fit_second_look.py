"""Sets the limits of the second look and writes it into bot/rules.

    python -m evals.fit_second_look FILE.npz      as written by train_second_look.py

The model was trained without the batches of `HELD`. On them, and with word points fitted without
them, it is found what the points and the phrases weigh beside the model, and the limits at which at
most the shares below are alarmed on, or declined, beside what the rules do. Prints what rules and
second look catch there together. No test split is read. Where the model in bot/rules is to stay and
only its limits are to be fitted again, name bot/rules/second_look.npz.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from bot.answering.scope import Scope
from bot.answering.second_look import (
    HARMLESS,
    MODEL_FILE,
    Decider,
    Limits,
    Odds,
    clipped,
    load_model,
    pieces,
    total,
)
from bot.answering.triage import Triage
from bot.indexing.embedding import Embedder
from bot.records import AlertLevel, Contact, Question
from bot.rules import Rules, load_rules
from bot.tuned import DOWN, UP
from bot.weights import DEFAULT_MODEL, model_folder, weights_sha256
from evals import fit_scope, fit_triage
from evals.question_sets import load_items
from evals.safety_eval import SETS, cases
from evals.second_look_data import told_or_unclear

HELD = ("batch_17", "batch_18", "batch_26", "batch_27", "batch_46")
"""Left out of the training: one of each hand, requests with their harmless neighbours, and one of
the latest hands."""
WRONG = 0.03
"""Share of the harmless messages that it may alarm on beside the rules (own choice)."""
PLAIN_ALARMED, PLAIN_DECLINED = 0.012, 0.007
"""Shares of plain questions (the answerable ones and those of strangers, in dev and fit) that it
may alarm on, and decline (own choice: an alarm too many is less than one too few; with the rules'
own it stays within the 3 in 100 of issue 5)."""
DECLINED = 0.03
"""Share of the general questions that it may decline beside the rules (issue 5)."""
HIGHER = 0.03
"""Share of the messages of a lower level that it may raise too high (own choice)."""
CRISIS_PLAIN, CRISIS_ALIKE = 0.004, 0.02
"""Shares of plain questions, and of harmless messages and look-alikes, with the odds of a crisis
where the rules found nothing from which it is raised (own choice: a card too many is less than a
crisis too few)."""
CRISIS = 0.01
"""Share of the messages of a lower level that it may take for a crisis (own choice)."""
EMERGENCY = 0.07
"""Share of the messages of a lower level that it may take for an emergency (own choice: an
ambulance too many is less than one too late)."""
ASKS = 0.4
"""What it takes off a sign that a decision is asked for. Without it 7 in 100 requests of the held
batches raised an alarm that the rules had not, mostly a crisis; with it 2, at the price of 1 in 100
of the signs that only the second look finds."""
SHARE = 0.35
"""The highest level is raised that holds this part of the weight: in doubt the higher one."""
SENTENCE = 0.4
"""How much the strongest sentence counts beside the whole message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A message with all that the decision rests on. `level` is what the rules give it."""

    kind: str
    expect: tuple[str, ...]
    level: AlertLevel | None
    found: frozenset[str]
    points: float
    asked: float
    scores: np.ndarray
    declined: bool


def labels_of(arrays: Mapping[str, np.ndarray]) -> list[str]:
    """Of a file as it was trained; one in bot/rules has them in the file beside it."""
    return (
        [str(label) for label in arrays["labels"]]
        if "labels" in arrays
        else list(load_model()[0].labels)
    )


class Reader:
    """Makes rows of messages."""

    def __init__(self, rules: Rules, path: Path) -> None:
        self._rules = rules
        self._triage = Triage(
            rules, region="US", fever_celsius=38.0, contact=Contact(name="the clinic")
        )
        self._scope = Scope(rules)
        with np.load(path, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays.files}
        self.labels = labels_of(found)
        self._heads, self._bias = found["heads"].T, found["bias"]
        changes = {name: v for name, v in found.items() if name.endswith((DOWN, UP))}
        self._embedder = Embedder(use_adapter=False)
        self._embedder.attach(changes)

    def row(self, kind: str, expect: tuple[str, ...], text: str) -> Row:
        question = Question(text=text)
        screening = self._triage(question)
        alert = screening.alert
        parts = pieces(text)
        weighing = self._rules.weighing
        return Row(
            kind=kind,
            expect=expect,
            level=alert.level if alert else None,
            found=screening.found,
            points=max(weighing.weight(self._rules.folded(part)) for part in parts),
            asked=self._rules.request_points(self._rules.folded(parts[0])),
            scores=self._embedder.tuned(parts) @ self._heads + self._bias,
            declined=self._scope(question) is not None,
        )


def weights(rows: Sequence[Row], decider: Decider) -> dict[str, float]:
    """What points and phrases weigh beside the model's log-odds, by a logistic regression."""
    used = [row for row in rows if row.kind in ("red_flags", "crisis", *_ALIKE)]
    table = np.array(
        [
            (
                total(decider.odds(row.scores).flags),
                clipped(row.points),
                "said grave" in row.found,
                "said lower" in row.found,
            )
            for row in used
        ],
        float,
    )
    model = LogisticRegression().fit(table, [row.kind not in _ALIKE for row in used])
    scale, *others = (float(weight) for weight in model.coef_[0])
    words, grave, lower = (round(other / scale, 2) for other in others)
    return {"words": max(0.0, words), "grave": grave, "lower": lower}


def weight_of_requests(rows: Sequence[Row], decider: Decider) -> float:
    """What a point for a request weighs beside the model's log-odds."""
    used = [row for row in rows if row.kind in ("scope", *_GENERAL) and not row.declined]
    table = [(decider.odds(row.scores).own_case, clipped(row.asked)) for row in used]
    model = LogisticRegression(class_weight="balanced")
    model.fit(table, [row.kind == "scope" for row in used])
    odds, points = (float(weight) for weight in model.coef_[0])
    return max(0.0, round(points / odds, 2))


_ALIKE = ("harmless", "crisis_lookalike")
_GENERAL = ("scope_ok", *_ALIKE, "answerable")


def choose(
    rows: Sequence[Row], answerable: Sequence[Row], labels: Sequence[str],
    levels: dict[str, AlertLevel],
) -> Limits:  # fmt: skip
    """The limits at which the shares are kept."""
    start = Limits(
        alarm=0, higher=0, crisis_alone=0, crisis=0, emergency=0, own_case=0,
        share=SHARE, sentence=SENTENCE, words=0, grave=0, lower=0,
        asks=ASKS, requests=0,
    )  # fmt: skip
    alone = Decider(labels, levels, start)
    more = {"requests": weight_of_requests([*rows, *answerable], alone), **weights(rows, alone)}
    limits = start.model_copy(update=more)
    decider = Decider(labels, levels, limits)

    def limit(values: Sequence[float], of: int, share: float) -> float:
        """The least one that at most `share` of so many messages reach."""
        most = int(share * of)
        return sorted(values, reverse=True)[most] + 0.001 if len(values) > most else -10.0

    alike = [row for row in rows if row.kind in _ALIKE]
    alarming = [odds_of(decider, row).flags for row in alike if not row.level]
    general = [odds_of(decider, row).own_case for row in rows if row.kind in ("scope_ok", *_ALIKE)]
    lower = [
        odds_of(decider, row)
        for row in rows
        if row.kind == "red_flags" and row.level and "emergency" not in row.expect
    ]
    asked = [odds_of(decider, row) for row in answerable]
    return limits.model_copy(
        update={
            "alarm": round(
                max(
                    limit([total(flags) for flags in alarming], len(alike), WRONG),
                    limit([total(o.flags) for o in asked], len(asked), PLAIN_ALARMED),
                ),
                3,
            ),
            "crisis_alone": round(
                max(
                    limit([total(f[decider.crisis]) for f in alarming], len(alike), CRISIS_ALIKE),
                    limit(
                        [total(o.flags[decider.crisis]) for o in asked], len(asked), CRISIS_PLAIN
                    ),
                ),
                3,
            ),
            "higher": round(
                limit([total(o.flags[decider.grave]) for o in lower], len(lower), HIGHER), 3
            ),
            "emergency": round(limit([o.emergency for o in lower], len(lower), EMERGENCY), 3),
            "crisis": round(
                limit([decider.crisis_odds(o.flags) for o in lower], len(lower), CRISIS), 3
            ),
            "own_case": round(
                max(
                    limit(general, len(general), DECLINED),
                    limit([o.own_case for o in asked], len(asked), PLAIN_DECLINED),
                ),
                3,
            ),
        }
    )


def odds_of(decider: Decider, row: Row) -> Odds:
    return decider.odds(row.scores, row.points, row.found, asked=row.asked)


def show(rows: Sequence[Row], decider: Decider, levels: dict[str, AlertLevel]) -> None:
    """What the rules do by themselves, and with the second look."""
    for kind in SETS:
        of = [row for row in rows if row.kind == kind]
        if not of:
            continue
        if kind.startswith("scope"):
            alone = np.mean([row.declined for row in of])
            both = np.mean(
                [row.declined or decider.own_case(odds_of(decider, row)) is not None for row in of]
            )
            print(f"{kind}: declined by rules {alone:.3f}, with the second look {both:.3f}")
            continue
        found = [
            (
                row,
                decider.alarm(odds_of(decider, row), row.level)
                if row.level not in ("emergency", "crisis")
                else None,
            )
            for row in of
        ]
        final = [(row, levels[up.rule_id] if up else row.level) for row, up in found]
        right = np.mean([(level or "none") in row.expect for row, level in final])
        print(
            f"{kind}: alarm by rules {np.mean([bool(row.level) for row in of]):.3f}, with the "
            f"second look {np.mean([bool(level) for _, level in final]):.3f}, "
            f"as labelled {right:.3f} of {len(of)}"
        )


def write(path: Path, source: Path, limits: Limits) -> None:
    with np.load(source, allow_pickle=False) as arrays:
        kept = {name: arrays[name] for name in arrays.files if name != "labels"}
        labels = labels_of(arrays)
    with path.with_suffix(".npz").open("wb") as file:
        np.savez_compressed(file, **kept)
    hashed = hashlib.sha256(path.with_suffix(".npz").read_bytes()).hexdigest()
    lines = [
        "# Written by evals/fit_second_look.py; not by hand. How it is used: docs/safety.md.",
        "# The labels are rules of red_flags.toml and crisis.toml.",
        "",
        'reviewer = "none yet"',
        f"fitted_on = {date.today()}",
        f'model_sha256 = "{weights_sha256(model_folder(DEFAULT_MODEL))}"',
        f'weights_sha256 = "{hashed}"',
        "labels = [",
        *(f'  "{label}",' for label in labels),
        "]",
        "",
        "[limits]",
        *(f"{name} = {value}" for name, value in limits.model_dump().items()),
    ]
    path.write_text("\n".join(lines) + "\n", "utf-8")


def main(source: Path) -> None:
    rules = load_rules()
    rest = [name for name in fit_triage.learned() if name not in HELD]
    points = fit_triage.Fit(fit_triage.examples(rules, rest), rules).points()
    held_rules = replace(
        rules,
        weighing=rules.weighing.using(points),
        points=fit_scope.without(fit_scope.examples(rules), HELD),
    )
    reader = Reader(held_rules, source)
    rows = [
        reader.row(kind, case.expect, case.question.text)
        for name in HELD
        for kind in SETS
        for case in cases(kind, name)
        if not case.question.history
    ]
    left_out = told_or_unclear()
    answerable = [
        reader.row("answerable", ("none",), item.question.text)
        for item in (*load_items("dev"), *load_items("fit"))
        if (item.answerable or item.by_stranger)
        and not item.question.history
        and item.question.text not in left_out
    ]
    answerable = [row for row in answerable if not row.level and not row.declined]
    levels = {rule.id: rule.level for rule in rules.flags}
    limits = choose(rows, answerable, reader.labels, levels)
    print(f"{len(rows)} messages of {', '.join(HELD)}; {limits}")
    assert HARMLESS in reader.labels
    show(rows, Decider(reader.labels, levels, limits), levels)
    write(MODEL_FILE, source, limits)
    print(f"written to {MODEL_FILE}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
