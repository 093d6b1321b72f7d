"""Fits the answerability model on the development questions and writes its weights.

    python -m evals.fit_answerability            writes bot/rules/answerability.toml
    python -m evals.fit_answerability asked      the same for one kind of index; the rest stays

A question counts as answerable when one of its sections is found first; an answerable question
whose best passage is a wrong one counts against, like the unanswerable: better silent than wrong.
The threshold is the least one at which at most `WRONG` of all questions, and of those of strangers
(evals/README.md), get a wrong answer and at most `SLIP` of the unanswerable ones any (scores held
out by cross-validation, a question with all its hits in one fold). There are five fits, each on
indexes of its kind (evals/leaflet_sets.py): the guides as they are; the same without the centres of
the trained model; the guides as plain leaflets without ways of asking; and a part of them, one to
ten, without known gaps, with and without their ways of asking. About twenty minutes, the first two
kinds three.
scikit-learn comes with sentence-transformers.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bot.answering.answerability import (
    FEATURES,
    ONLY_TRAINED,
    ONLY_WITH_GAPS,
    ONLY_WITH_WAYS,
    WEIGHTS_FILE,
    Features,
)
from bot.answering.flow import Bot
from bot.indexing.flow import make_embedder
from bot.settings import Settings, load_settings
from evals.leaflet_sets import answered_by, drawn, leaflets, within
from evals.metrics import auc
from evals.question_sets import Item, load_items

WRONG = 0.02
"""Share of all questions that may be shown a wrong answer (issue 4)."""
SLIP = 0.05
"""Share of the unanswerable questions that may be answered (issue 4)."""
SHOWN = (0.02, 0.03, 0.05)
"""For these shares it prints what is won and lost."""
STRENGTH = 0.1
"""C of scikit-learn: the smaller, the more the weights are held back. Chosen by cross-validation
from .1, .3 and 1."""
SIZES = (1, 1, 1, 1, 3, 3, 3, 10)
"""Guides in the indexes without known gaps."""
OTHERS = 300
"""Questions that an index does not answer, for each of those."""
SEED = 5
KINDS = ("trained", "asked", "plain", "asked_alone", "plain_alone")
"""Of indexes, each with weights of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What the judge sees of one question's best hit, whether that answers it, and whether anything
    in the index does."""

    item: Item
    features: Features
    right: bool
    answerable: bool


def collect(bot: Bot, items: Iterable[Item]) -> list[Case]:
    """One case for each question that is searched for and finds something."""
    guides = {source.source_id for source in bot.sources()}
    cases = []
    for item in items:
        seen = bot.examine(item.question)
        if seen is None:
            continue
        best, features = seen
        cases.append(
            Case(
                item=item,
                features=features,
                right=(best.source.source_id, best.heading[-1]) in set(item.sections),
                answerable=answered_by(item, guides),
            )
        )
    return cases


def alone(settings: Settings, items: list[Item], *, ways: bool) -> list[Case]:
    """Cases of indexes of some guides without known gaps."""
    embedder, cases = make_embedder(settings), []
    for seed, guides in enumerate(drawn(_guides(settings), SIZES, SEED)):
        with leaflets(settings, guides, ways=ways, gaps=False, embedder=embedder) as bot:
            cases += collect(bot, within(items, guides, OTHERS, seed))
    return cases


def _guides(settings: Settings) -> list[str]:
    return sorted(path.name for path in settings.paths.knowledge.glob("*.md"))


def fit(cases: list[Case], names: list[str], wrong: float) -> tuple[np.ndarray, float, float]:
    """Weights of these features with the intercept last, the threshold, and the cross-validated
    area under the curve."""
    matrix = np.array([[case.features.values()[name] for name in names] for case in cases])
    labels = np.array([case.right for case in cases])
    answerable = np.array([case.answerable for case in cases])
    model = make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTH, max_iter=5000))
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=1)
    held_out = cross_val_predict(
        model, matrix, labels,
        cv=folds, groups=[case.item.id for case in cases], method="predict_proba",
    )[:, 1]  # fmt: skip
    area = auc(list(held_out[labels]), list(held_out[~labels]))
    for slip in SHOWN:
        passed = held_out >= np.quantile(held_out[~answerable], 1 - slip)
        print(
            f"  where {slip} slip: right {(passed & labels).sum() / answerable.sum():.3f} of"
            f" the answerable, wrong {(passed & ~labels).mean():.3f} of all"
        )
    strangers = np.array([case.item.by_stranger for case in cases])
    threshold = max(
        _where(held_out[~labels], wrong * len(cases)),
        _where(held_out[~labels & strangers], wrong * strangers.sum()),
        float(np.quantile(held_out[~answerable], 1 - SLIP)),
    )
    passed = held_out >= threshold
    print(
        f"  as chosen: right {(passed & labels).sum() / answerable.sum():.3f} of the answerable,"
        f" wrong {(passed & ~labels).mean():.3f} of all,"
        f" {passed[~answerable].mean():.3f} of the unanswerable answered; wrong"
        f" {(passed & ~labels)[strangers].mean():.3f} of the strangers'"
    )
    scaler, linear = (step for _, step in model.fit(matrix, labels).steps)
    weights = linear.coef_[0] / scaler.scale_
    return np.r_[weights, linear.intercept_[0] - weights @ scaler.mean_], threshold, area


def _where(scores: np.ndarray, most: float) -> float:
    """The least threshold that at most so many of these scores pass."""
    return float(np.sort(scores)[::-1][int(most)]) + 1e-6


def main(chosen: Sequence[str] = KINDS, path: Path = WEIGHTS_FILE) -> None:
    settings = load_settings()
    items = [*load_items("dev"), *load_items("fit")]
    features = set(FEATURES)
    seen = {
        "trained": features,
        "asked": features - set(ONLY_TRAINED),
        "plain": features - set(ONLY_TRAINED) - set(ONLY_WITH_WAYS),
        "asked_alone": features - set(ONLY_TRAINED) - set(ONLY_WITH_GAPS),
        "plain_alone": features - set(ONLY_TRAINED) - set(ONLY_WITH_WAYS) - set(ONLY_WITH_GAPS),
    }
    whole = cache(partial(_whole, settings, items))
    kept = tomllib.loads(path.read_text("utf-8"))
    for name in chosen:
        names = [feature for feature in FEATURES if feature in seen[name]]
        cases = _cases(name, settings, items, whole)
        weights, threshold, area = fit(cases, names, WRONG)
        values = dict.fromkeys(FEATURES, 0.0) | dict(zip(names, map(float, weights), strict=False))
        kept[name] = {"threshold": threshold, "intercept": float(weights[-1])} | values
        print(
            f"{name}: {len(cases)} cases, {sum(c.right for c in cases)} may be answered,"
            f" cross-validated AUC {area:.3f}, threshold {threshold:.3f}",
            flush=True,
        )
    lines = [
        "# Written by evals/fit_answerability.py from the development questions; do not edit by"
        " hand."
    ]
    for name in KINDS:
        lines += ["", f"[{name}]", *(f"{key} = {value:.4f}" for key, value in kept[name].items())]
    path.write_text("\n".join(lines) + "\n", "utf-8")


def _cases(
    name: str, settings: Settings, items: list[Item], whole: Callable[[], list[Case]]
) -> list[Case]:
    """The cases of the indexes of one kind."""
    if name in ("trained", "asked"):
        if name == "trained":
            return [case for case in whole() if case.features.section_share is not None]
        return [case for case in whole() if case.features.asked is not None]
    if name == "plain":
        guides, embedder = _guides(settings), make_embedder(settings)
        with leaflets(settings, guides, ways=False, gaps=True, embedder=embedder) as bot:
            return collect(bot, items)
    cases = alone(settings, items, ways=name == "asked_alone")
    return [c for c in cases if name == "plain_alone" or c.features.asked is not None]


def _whole(settings: Settings, items: list[Item]) -> list[Case]:
    """The cases of the guides as they are, collected once."""
    bot = Bot.open(settings)
    try:
        return collect(bot, items)
    finally:
        bot.close()


if __name__ == "__main__":
    main(sys.argv[1:] or KINDS)
