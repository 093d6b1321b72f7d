"""Fits what decides the last order of the hits and writes bot/rules/ranking.toml.

    python -m evals.fit_ranking

The hits of the development questions and of the split `fit` before they are put in their last
order: the weights are those under which the sections that answer have the most of a softmax over
the hits of a question. Printed, held out by questions: how often a right section comes first and
among three, before and after. The scores that come out have the mean and the spread of those that
went in, so that a leaflet's score, which stays, can be compared with them. Needs an index; about
five minutes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import logsumexp
from sklearn.model_selection import KFold

from bot.answering.flow import Bot
from bot.answering.ranking import SIGNS, WEIGHTS_FILE, signs
from bot.records import Retrieved
from bot.settings import load_settings
from evals.question_sets import Item, load_items

STRENGTH = 1e-3
"""How much large weights (of signs brought to one spread) cost."""
FOLDS = 5
SEED = 0

Array = npt.NDArray[np.float64]


@dataclass(slots=True)
class Recorder:
    """In the place of the ranker: leaves the order and keeps what it would have seen."""

    seen: list[tuple[Retrieved, Sequence[float | None]]] = field(default_factory=list)

    def __call__(self, retrieved: Retrieved, shares: Sequence[float | None]) -> Retrieved:
        self.seen.append((retrieved, shares))
        return retrieved


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The signs of each hit of a question (hits x signs), and which of them answer."""

    item: Item
    signs: Array
    right: npt.NDArray[np.bool_]


def collect(bot: Bot, items: Sequence[Item]) -> list[Case]:
    """A case for each answerable question whose hits were all trained on, in its likeliest
    reading."""
    recorder = Recorder()
    bot._find._ranker = recorder  # type: ignore[assignment]
    cases = []
    for item in items:
        recorder.seen.clear()
        if not item.answerable or bot.examine(item.question) is None:
            continue
        retrieved, shares = recorder.seen[0]
        rows = [
            signs(hit, share)
            for hit, share in zip(retrieved.hits, shares, strict=True)
            if share is not None
        ]
        if not rows or len(rows) < len(retrieved.hits):
            continue
        right = [
            (hit.chunk.source.source_id, hit.chunk.heading[-1]) in item.sections
            for hit in retrieved.hits
        ]
        cases.append(Case(item=item, signs=np.array(rows), right=np.array(right)))
    return cases


def fit(cases: Sequence[Case]) -> Array:
    """Weights of the signs, as they are."""
    told = [case for case in cases if case.right.any()]
    rows = np.concatenate([case.signs for case in told])
    spread = rows.std(axis=0) + 1e-9
    scaled = [(case.signs / spread, case.right) for case in told]

    def loss(weights: Array) -> tuple[float, Array]:
        total, slope = 0.0, np.zeros_like(weights)
        for signs_of, right in scaled:
            scores = signs_of @ weights
            of_all = np.exp(scores - logsumexp(scores))
            of_right = np.where(right, np.exp(scores - logsumexp(scores[right])), 0.0)
            total -= logsumexp(scores[right]) - logsumexp(scores)
            slope += (of_all - of_right) @ signs_of
        size = len(scaled)
        return (
            total / size + STRENGTH * weights @ weights,
            slope / size + 2 * STRENGTH * weights,
        )

    found: Array = minimize(loss, np.zeros(len(SIGNS)), jac=True, method="L-BFGS-B").x
    return found / spread


def show(cases: Sequence[Case], orders: Sequence[npt.NDArray[np.intp]], what: str) -> None:
    """Print how often a right section comes first and among three, of all and of strangers."""
    for name, wanted in (("all", (False, True)), ("strangers", (True,))):
        pairs = [
            case.right[order]
            for case, order in zip(cases, orders, strict=True)
            if case.item.by_stranger in wanted
        ]
        first, three = (np.mean([right[:n].any() for right in pairs]) for n in (1, 3))
        print(f"{what}, {name} ({len(pairs)}): first {first:.4f}, among three {three:.4f}")


def main(path: Path = WEIGHTS_FILE) -> None:
    bot = Bot.open(load_settings())
    cases = collect(bot, [*load_items("dev"), *load_items("fit")])
    bot.close()
    show(cases, [np.arange(len(case.right)) for case in cases], "before")
    orders: list[npt.NDArray[np.intp]] = [np.arange(0)] * len(cases)
    for learned, held_out in KFold(FOLDS, shuffle=True, random_state=SEED).split(cases):
        weights = fit([cases[n] for n in learned])
        for n in held_out:
            orders[n] = np.argsort(-(cases[n].signs @ weights), kind="stable")
    show(cases, orders, "held out")
    weights = fit(cases)
    rows = np.concatenate([case.signs for case in cases])
    before, after = rows[:, SIGNS.index("score")], rows @ weights
    weights *= before.std() / after.std()
    values = {"intercept": before.mean() - (rows @ weights).mean()}
    values |= dict(zip(SIGNS, map(float, weights), strict=True))
    lines = ["# Written by evals/fit_ranking.py from the splits dev and fit; do not edit by hand."]
    lines += [f"{name} = {value:.4f}" for name, value in values.items()]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    print(path.read_text("utf-8"))


if __name__ == "__main__":
    main()
