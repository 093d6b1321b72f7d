"""Fits the answerability model on the development questions and writes its weights.

    python -m evals.fit_answerability            writes bot/rules/answerability.toml

A question counts as answerable when one of its sections is found first; an answerable question
whose best passage is a wrong one counts against, like the unanswerable: better silent than wrong.
The threshold is the least one at which at most `WRONG` of the unanswerable development questions
are answered (scores held out by cross-validation). For sections that the model was not trained on
it is fitted without their centres, for plain leaflets without the ways of asking, too. scikit-learn
comes with sentence-transformers.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bot.answering.answerability import (
    FEATURES,
    ONLY_TRAINED,
    ONLY_WITH_WAYS,
    WEIGHTS_FILE,
    Features,
)
from bot.answering.flow import Bot
from bot.settings import load_settings
from evals.metrics import auc
from evals.question_sets import load_items

WRONG = 0.02
"""Share of must-not-answer development questions that may slip through (own choice, reported). At
0.03 two to three more in a hundred answerable questions are answered, and of all questions six or
seven more in a thousand wrongly."""
STRENGTH = 0.1
"""C of scikit-learn: the smaller, the more the weights are held back. Chosen by cross-validation
from .1, .3 and 1."""


def collect(bot: Bot) -> tuple[list[Features], list[bool], list[bool]]:
    """Features of the best hit of each development question, whether the hit answers it, and
    whether anything does."""
    features, labels, answerable = [], [], []
    for item in load_items("dev"):
        seen = bot.examine(item.question)
        if seen is None:
            continue
        best, found = seen
        features.append(found)
        labels.append((best.source.source_id, best.heading[-1]) in set(item.sections))
        answerable.append(item.answerable)
    return features, labels, answerable


def fit(
    matrix: np.ndarray, labels: np.ndarray, answerable: np.ndarray, wrong: float
) -> tuple[np.ndarray, float, float]:
    """Coefficients with the intercept last, the threshold, and the cross-validated AUC."""
    model = make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTH, max_iter=5000))
    folds = StratifiedKFold(5, shuffle=True, random_state=1)
    held_out = cross_val_predict(model, matrix, labels, cv=folds, method="predict_proba")[:, 1]
    area = auc(list(held_out[labels]), list(held_out[~labels]))
    threshold = float(np.quantile(held_out[~answerable], 1 - wrong))
    scaler, linear = (step for _, step in model.fit(matrix, labels).steps)
    weights = linear.coef_[0] / scaler.scale_
    return np.r_[weights, linear.intercept_[0] - weights @ scaler.mean_], threshold, area


def main(path: Path = WEIGHTS_FILE) -> None:
    bot = Bot.open(load_settings())
    features, truth, can_be = collect(bot)
    bot.close()
    labels, answerable = np.array(truth), np.array(can_be)
    has_asked = np.array([f.asked is not None for f in features])
    matrix = np.array([[f.values()[name] for name in FEATURES] for f in features])
    trained = np.array([f.section_share is not None for f in features])
    asked = [n for n, name in enumerate(FEATURES) if name not in ONLY_TRAINED]
    plain = [n for n in asked if FEATURES[n] not in ONLY_WITH_WAYS]
    lines = [
        "# Written by evals/fit_answerability.py from the development questions; do not edit by"
        " hand."
    ]
    for name, keep, columns, wrong in (
        ("trained", trained, list(range(len(FEATURES))), WRONG),
        ("asked", has_asked, asked, WRONG),
        ("plain", np.ones(len(features), bool), plain, WRONG),
    ):
        weights, threshold, area = fit(
            matrix[keep][:, columns], labels[keep], answerable[keep], wrong
        )
        values = dict.fromkeys(FEATURES, 0.0)
        values |= {FEATURES[c]: float(w) for c, w in zip(columns, weights, strict=False)}
        lines += ["", f"[{name}]", f"threshold = {threshold:.4f}", f"intercept = {weights[-1]:.4f}"]
        lines += [f"{key} = {value:.4f}" for key, value in values.items()]
        kept = labels[keep]
        print(
            f"{name}: {len(kept)} questions, {kept.sum()} may be answered, cross-validated AUC "
            f"{area:.3f}, threshold {threshold:.3f}"
        )
    path.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
