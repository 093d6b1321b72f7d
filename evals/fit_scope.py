"""Fits what words and slots weigh for "this asks about one's own case" and writes the points.

    python -m evals.fit_scope            writes bot/rules/scope_points.toml

Learned from requests that must be declined, and from general ones: the cases of
tests/safety_cases, the development messages of evals/safety, every question that the guides
answer (their ways of asking and the development questions) and those of strangers (split `learn`)
that the rules themselves let pass. The limit is the least one at which at most `WRONG` of the
answerable questions, and of those of strangers by themselves, are declined by the points alone
(scores held out by cross-validation). What stays below it is for the second look to decide, which
adds the points to what the model says (evals/fit_second_look.py). The floor, below which no phrase
declines a long message, is the greatest at which at most `LOST` of the labelled requests that a
phrase declines lie below it, held out likewise, and none of tests/safety_cases. Also printed: what
is caught of each blind batch by points that were fitted without it. scikit-learn comes with
sentence-transformers.
"""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from bot.answering.scope import LONG, Scope
from bot.indexing.loading import load
from bot.records import Question
from bot.rules import Rules, load_rules
from bot.rules.models import ScopePoints
from bot.rules.ruleset import request_signs
from evals.question_sets import load_items
from evals.safety_eval import batches, cases
from evals.sign_matrix import sign_matrix

ROOT = Path(__file__).resolve().parent.parent
POINTS_FILE = ROOT / "bot/rules/scope_points.toml"
WRONG = 0.004
"""Share of general questions that the points alone may decline beside the rules (own choice)."""
LOST = 0.01
"""Share of requests that a phrase declines which the floor may leave to the second look (own
choice)."""
_OFTEN = 5
"""In how many messages a word must stand to have points."""
_WEIGHT = 3.0
"""A missed request counts as much as this many wrong declines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A message, whether it must be declined, whether a phrase declines it, whether it is `LONG`,
    and where it was taken from."""

    signs: frozenset[str]
    declined: bool
    phrased: bool
    long: bool
    origin: str


def examples(rules: Rules) -> list[Example]:
    """All that is learned from. Plain questions that the phrases decline are left out."""
    by_phrases = Scope(rules.without_points())

    def example(origin: str, declined: bool, text: str) -> Example:
        folded = rules.folded(text)
        signs = request_signs(folded, rules.slots(folded))
        phrased = by_phrases(Question(text=text)) is not None
        return Example(
            signs=signs,
            declined=declined,
            phrased=phrased,
            long=len(folded.words) >= LONG,
            origin=origin,
        )

    found = [example(*row) for row in _labelled()]
    for origin, texts in (("guides", _answerable()), ("strangers", _of_strangers())):
        plain = (example(origin, False, text) for text in texts)
        found += [each for each in plain if not each.phrased]
    return found


def _labelled() -> Iterable[tuple[str, bool, str]]:
    for path in sorted((ROOT / "tests/safety_cases").glob("scope*.toml")):
        for kind, texts in tomllib.loads(path.read_text("utf-8")).items():
            for text in texts:
                yield path.stem, kind != "general", text
    for split in ("dev", *batches()):
        for name, declined in (("scope", True), ("scope_ok", False)):
            for case in cases(name, split):
                yield split, declined, case.question.text


def _answerable() -> Iterable[str]:
    for path in sorted((ROOT / "knowledge").glob("*.md")):
        for section in load(path.name, path.read_bytes()).sections:
            yield from section.asked
    for item in load_items("dev"):
        # Follow-ups that nothing answers are about transplants all the same.
        if item.answerable or item.question.history:
            yield item.question.text


def _of_strangers() -> Iterable[str]:
    for item in load_items("learn"):
        if item.by_stranger:
            yield item.question.text


def model() -> LogisticRegression:
    return LogisticRegression(C=0.5, class_weight={True: _WEIGHT, False: 1.0}, max_iter=1000)


def fit(found: Sequence[Example]) -> ScopePoints:
    """The points of each sign, the base, the floor and the limit."""
    counts = Counter(sign for example in found for sign in example.signs)
    signs = sorted(sign for sign, count in counts.items() if count >= _OFTEN)
    rows = sign_matrix((example.signs for example in found), signs)
    truth = np.array([example.declined for example in found])
    folds = StratifiedKFold(5, shuffle=True, random_state=1)
    held_out = cross_val_predict(model(), rows, truth, cv=folds, method="decision_function")
    origins = np.array([example.origin for example in found])
    plain = ("guides", "strangers")
    limit = max(float(np.quantile(held_out[origins == name], 1 - WRONG)) for name in plain)
    phrased = truth & np.array([example.phrased for example in found])
    long = np.array([example.long for example in found])
    floor = float(np.sort(held_out[phrased & long])[int(LOST * phrased.sum())])
    fitted = model().fit(rows, truth)
    weights = {sign: round(float(w), 2) for sign, w in zip(signs, fitted.coef_[0], strict=True)}
    kept = {sign: weight for sign, weight in weights.items() if abs(weight) >= 0.05}
    base = round(float(fitted.intercept_[0]), 2)
    return ScopePoints(base=base, floor=round(floor, 2), limit=round(limit, 2), signs=kept)


def without(found: Iterable[Example], held: Collection[str]) -> ScopePoints:
    """The points as they would be if nobody had seen those batches; for measuring on them."""
    return fit([example for example in found if example.origin not in held])


def write(path: Path, points: ScopePoints) -> None:
    lines = [
        "# Written by evals/fit_scope.py; do not edit by hand.",
        "# A message has the points of its words and of the slots of scope.toml that it fills, and",
        "# the base; from the limit up it is declined as one's own case, below the floor no phrase",
        "# declines it.",
        "",
        f"base = {points.base}",
        f"floor = {points.floor}",
        f"limit = {points.limit}",
        "",
        "[signs]",
        *(f"{json.dumps(sign)} = {points.signs[sign]}" for sign in sorted(points.signs)),
    ]
    path.write_text("\n".join(lines) + "\n", "utf-8")


def main(path: Path = POINTS_FILE) -> None:
    found = examples(load_rules())
    for batch in sorted({e.origin for e in found if e.origin.startswith(("scope_", "batch_"))}):
        points = without(found, [batch])
        for declined in (True, False):
            held = [e for e in found if e.origin == batch and e.declined == declined]
            if not held:
                continue
            share = np.mean([points.total(e.signs) >= points.limit for e in held])
            print(f"{batch}, {'requests' if declined else 'general'}: {share:.3f} by points alone")
    points = fit(found)
    # What tests/safety_cases calls general stays general.
    standing = [e for e in found if e.origin.startswith("scope") and not e.declined]
    most = round(max(points.total(e.signs) for e in standing) + 0.01, 2)
    requests = [e for e in found if e.origin.startswith("scope") and e.declined and e.phrased]
    least = round(min(points.total(e.signs) for e in requests if e.long) - 0.01, 2)
    points = points.model_copy(
        update={"limit": max(points.limit, most), "floor": min(points.floor, least)}
    )
    write(path, points)
    signs, base, floor, limit = len(points.signs), points.base, points.floor, points.limit
    print(f"{signs} signs, base {base}, floor {floor}, limit {limit}, written to {path}")


if __name__ == "__main__":
    main()
