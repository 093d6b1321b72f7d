"""Fits what words of a language beside English weigh for "this tells of a sign", and writes the
points.

    python -m evals.fit_spoken es        writes bot/rules/triage_points_es.toml

Learned from the development messages of evals/safety in that language (dev_es.jsonl: several hands,
who saw no rule), the pleas of pleas_es.jsonl and the cases of tests/safety_cases_es. The scores on
which the limits are set are of hands that were left out one after the other: what is written by
one hand is alike. Printed is what the limits do to those. scikit-learn comes with
sentence-transformers.
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix, diags
from sklearn.linear_model import LogisticRegression

from bot.answering.triage import Triage
from bot.records import Contact, Question
from bot.rules import Rules, load_rules
from bot.rules.spoken_points import Score, SpokenPoints
from evals.compare_rules import from_pleas
from evals.safety_eval import FOLDER as SAFETY
from evals.safety_eval import levels_of
from evals.sign_matrix import sign_matrix

ROOT = Path(__file__).resolve().parent.parent
WRONG_PLAIN, WRONG_TWINS = 0.02, 0.08
"""Shares of plain questions, and of messages written to be as like a sign as can be, that the words
may alarm on where no phrase does (own choice)."""
LOST = 0.01
"""Share of the signs of lower levels, found by phrases, that may be taken for talk (own choice)."""
RAISED = 0.05
"""Share of signs of lower levels that may be taken for an emergency or a crisis (own choice)."""
HIGHER_CRISIS, HIGHER_GRAVE = 0.005, 0.03
"""The same where a phrase found the sign, so that there is a card already (own choice)."""
_OFTEN = 3
"""In how many messages a sign must stand to have points."""
_STRENGTH = 6.0
"""How freely single signs are weighed (C of the regression)."""
_CASES = 2.0
"""How often a message of tests/safety_cases_LANGUAGE counts: those must hold (own choice)."""
_QUIET = ("none", "advised", "silent")


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A message, the levels that are right for it ("none" where it tells of no sign), who wrote it,
    and whether it is a plain question."""

    text: str
    levels: tuple[str, ...]
    hand: str
    plain: bool = False

    @property
    def told(self) -> bool:
        return "none" not in self.levels


def examples(language: str) -> list[Example]:
    found: dict[str, Example] = {}
    for example in (*_messages(language), *_pleas(language), *_cases(language)):
        found.setdefault(example.text, example)
    return list(found.values())


def _messages(language: str) -> Iterable[Example]:
    for line in (SAFETY / f"dev_{language}.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        yield Example(
            text=row["text"],
            levels=levels_of(row["expect"]),
            hand=row["hand"],
            plain=row.get("kind") == "plain",
        )


def _pleas(language: str) -> Iterable[Example]:
    for plea in from_pleas(SAFETY / f"pleas_{language}.jsonl"):
        yield Example(text=plea.text, levels=plea.expect, hand="pleas")


def _cases(language: str) -> Iterable[Example]:
    for path in sorted((ROOT / f"tests/safety_cases_{language}").glob("*.toml")):
        for kind, texts in tomllib.loads(path.read_text("utf-8")).items():
            for text in texts:
                levels = ("none",) if kind in _QUIET else (kind,)
                yield Example(text=text, levels=levels, hand="cases")


class Fit:
    """The points of some examples. Three regressions on the same signs: told or not; of what is
    told, crisis or not; of the rest, emergency or not."""

    def __init__(self, found: Sequence[Example], rules: Rules, language: str) -> None:
        flags = rules.spoken[language].flags
        self._signs = [flags.signs(e.text) for e in found]
        told = np.array([e.told for e in found])
        crisis = np.array(["crisis" in e.levels for e in found])
        grave = np.array(["emergency" in e.levels for e in found])
        one_level = np.array([len(e.levels) == 1 for e in found])
        self._truths = (
            (told, np.ones(len(found), bool)),
            (crisis, told & one_level),
            (grave, told & ~crisis & one_level),
        )
        self.hands = np.array([e.hand for e in found])
        self._counts = np.where(self.hands == "cases", _CASES, 1.0)

    def fitted(self, places: np.ndarray) -> tuple[list[str], np.ndarray, list[LogisticRegression]]:
        """Signs, their rarity, and the three regressions, from the examples at these places."""
        chosen = [self._signs[place] for place in places]
        counts = Counter(sign for signs in chosen for sign in signs)
        columns = sorted(sign for sign, count in counts.items() if count >= _OFTEN)
        rarity = np.array([1 + np.log((1 + len(chosen)) / (1 + counts[s])) for s in columns])
        rows = _of_length_one(sign_matrix(chosen, columns), rarity)
        models = []
        for truth, used in self._truths:
            here = used[places]
            model = LogisticRegression(C=_STRENGTH, max_iter=3000, class_weight="balanced")
            counts = self._counts[places][here]
            models.append(model.fit(rows[here], truth[places][here], sample_weight=counts))
        return columns, rarity, models

    def held_out(self) -> np.ndarray:
        """The three scores of each example by points of other hands."""
        scores = np.zeros((len(self._signs), 3))
        for hand in sorted(set(self.hands)):
            own = np.flatnonzero(self.hands == hand)
            columns, rarity, models = self.fitted(np.flatnonzero(self.hands != hand))
            rows = _of_length_one(sign_matrix([self._signs[n] for n in own], columns), rarity)
            for column, model in enumerate(models):
                scores[own, column] = model.decision_function(rows)
        return scores


def _of_length_one(rows: csr_matrix, rarity: np.ndarray) -> csr_matrix:
    rows = rows.multiply(rarity).tocsr()
    lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    return (diags(1 / np.maximum(lengths, 1e-9)) @ rows).tocsr()


def limits(
    found: Sequence[Example], scores: np.ndarray, levels: Sequence[str], named: np.ndarray
) -> dict[str, float]:
    """The limits, from held-out scores and the `levels` that phrases alone found; `named` where
    they found signs that are not told."""
    told = np.array([e.told for e in found])
    plain = np.array([e.plain for e in found])
    by_phrase = np.array(levels)
    silent, lower = by_phrase == "", np.isin(by_phrase, ("urgent", "call_today"))
    expected_lower = np.array([not {"emergency", "crisis", "none"} & {*e.levels} for e in found])
    quiet, twins = silent & ~told, ~told & ~plain
    told_limit = max(
        _from_the_top(scores[quiet & plain & ~named, 0], WRONG_PLAIN * np.sum(~told & plain)),
        _from_the_top(scores[quiet & twins & ~named, 0], WRONG_TWINS * np.sum(twins & ~named)),
    )
    named_limit = _from_the_top(scores[quiet & named, 0], WRONG_TWINS * np.sum(twins & named))
    of_lower = told & expected_lower
    return {
        "told": told_limit,
        "named": max(told_limit, named_limit),
        "higher": told_limit,
        "lower": float(np.quantile(scores[told & lower, 0], LOST)),
        "crisis": _from_the_top(scores[of_lower, 1], RAISED * of_lower.sum()),
        "crisis_higher": _from_the_top(scores[of_lower & lower, 1], HIGHER_CRISIS * of_lower.sum()),
        "grave": _from_the_top(scores[of_lower, 2], RAISED * of_lower.sum()),
        "grave_higher": _from_the_top(scores[of_lower & lower, 2], HIGHER_GRAVE * of_lower.sum()),
    }


def _from_the_top(scores: np.ndarray, number: float) -> float:
    """The least limit that at most so many of the scores reach."""
    ordered = np.sort(scores)[::-1]
    return float(ordered[int(number)]) + 0.001 if int(number) < len(ordered) else float(ordered[-1])


def phrases_alone(
    rules: Rules, language: str, found: Sequence[Example]
) -> tuple[list[str], np.ndarray]:
    """The level of the card that each message gets by phrases, "" for none; and whether they found
    a sign that is not told."""
    triage = Triage(
        rules.without_points(), region="US", fever_celsius=38.0, contact=Contact(name="the clinic")
    )
    seen = [triage(Question(text=e.text, locale=language)) for e in found]
    levels = [screening.alert.level if screening.alert else "" for screening in seen]
    return levels, np.array([bool(screening.notices) for screening in seen])


def write(path: Path, points: SpokenPoints) -> None:
    base = points.base
    lines = [
        "# Written by evals/fit_spoken.py; do not edit by hand. How it is used: docs/safety.md.",
        "# Rarity of a sign, and its points for: a sign is told, a crisis, an emergency.",
        "",
        *(
            f"{n} = {getattr(points, n)}"
            for n in SpokenPoints.model_fields
            if n not in ("base", "signs")
        ),
        "",
        "[base]",
        *(f"{n} = {getattr(base, n)}" for n in ("told", "crisis", "grave")),
        "",
        "[signs]",
        *(
            f"{json.dumps(s, ensure_ascii=False)} = {list(points.signs[s])}"
            for s in sorted(points.signs)
        ),
    ]
    path.write_text("\n".join(lines) + "\n", "utf-8")


def main(argv: Sequence[str]) -> None:
    (language,) = argv
    rules = load_rules()
    found = examples(language)
    fit = Fit(found, rules, language)
    scores = fit.held_out()
    levels, named = phrases_alone(rules, language, found)
    found_limits = {n: round(v, 2) for n, v in limits(found, scores, levels, named).items()}
    report(found, scores, levels, named, found_limits)
    columns, rarity, models = fit.fitted(np.arange(len(found)))
    weights = np.array([model.coef_[0] for model in models])
    told, crisis, grave = (round(float(model.intercept_[0]), 2) for model in models)
    points = SpokenPoints(
        base=Score(told=told, crisis=crisis, grave=grave),
        signs={
            sign: (round(float(rarity[n]), 2), *(round(float(w), 2) for w in weights[:, n]))
            for n, sign in enumerate(columns)
        },
        **found_limits,
    )
    path = ROOT / f"bot/rules/triage_points_{language}.toml"
    write(path, points)
    print(f"{len(points.signs)} signs, {found_limits}, written to {path}")


def report(
    found: Sequence[Example],
    scores: np.ndarray,
    levels: Sequence[str],
    named: np.ndarray,
    limit: dict[str, float],
) -> None:
    """What phrases find, and what the words add, by hand and level; scores held out."""
    for hand in sorted({e.hand for e in found}):
        for kind in ("crisis", "emergency", "urgent", "call_today", "none"):
            rows = [n for n, e in enumerate(found) if e.hand == hand and e.levels[0] == kind]
            if not rows:
                continue
            by_phrase = [bool(levels[n]) for n in rows]
            both = [
                (levels[n] in ("emergency", "crisis"))
                or (bool(levels[n]) and scores[n, 0] >= limit["lower"])
                or scores[n, 0] >= limit["named" if named[n] else "told"]
                for n in rows
            ]
            print(
                f"{hand}, {kind}: {np.mean(by_phrase):.3f} by phrases, {np.mean(both):.3f} with "
                f"words, of {len(rows)}"
            )


if __name__ == "__main__":
    main(sys.argv[1:])
