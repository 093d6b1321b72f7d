"""Answerability: whether the best passages answer the question, or are only its neighbours.

Cosine similarity alone cannot tell (see docs/decisions). A small logistic model over a few
similarities does better; its weights are fitted on the development questions by
evals/fit_answerability.py and kept in bot/rules/answerability.toml.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from bot.errors import RulesError
from bot.records import Hit, Query, Retrieved, Verdict
from bot.text import content_words

WEIGHTS_FILE = Path(__file__).resolve().parent.parent / "rules" / "answerability.toml"


class _Weights(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    asked: float
    passage: float
    margin: float
    unknown: float


class _Plain(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    threshold: float
    intercept: float
    passage: float
    gap: float
    unknown: float


class Model(BaseModel):
    """The fitted weights. `threshold` is the least probability at which a passage is shown."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    threshold: float
    intercept: float
    weights: _Weights
    plain: _Plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What the model sees of a question and its best hit. Cosines are in [-1, 1]."""

    asked: float | None
    passage: float
    gap: float
    unknown: float


def load_model(path: Path = WEIGHTS_FILE) -> Model:
    """Raises `RulesError` where the weights are missing or malformed."""
    try:
        return Model(**tomllib.loads(path.read_text("utf-8")))
    except (OSError, ValueError, ValidationError) as error:
        raise RulesError(f"{path} cannot be used: {error}") from None


class Judge:
    """Callable: query and hits in, `Verdict` out. `known`: do the documents hold this stem?"""

    def __init__(self, model: Model, known: Callable[[str], bool]) -> None:
        self._model = model
        self._known = known

    def __call__(self, query: Query, retrieved: Retrieved) -> Verdict:
        if not retrieved.hits:
            return Verdict(kind="unanswerable", reason="nothing was found", score=0.0)
        features = self.features(query, retrieved, retrieved.hits[0])
        score, threshold = self.score(features)
        if score >= threshold:
            return Verdict(kind="answerable", reason="the best passage fits", score=score)
        nearer_gap = features.gap > (features.asked or features.passage)
        reason = "known gap" if nearer_gap else "no passage is close enough"
        return Verdict(kind="unanswerable", reason=reason, score=score)

    def features(self, query: Query, retrieved: Retrieved, hit: Hit) -> Features:
        """The features of one hit. A hit of the word search alone has passage similarity 0."""
        terms = list(dict.fromkeys(content_words(query.text)))
        unknown = sum(1 for term in terms if not self._known(term)) / len(terms) if terms else 1.0
        return Features(
            asked=hit.asked_similarity if hit.chunk.asked else None,
            passage=hit.passage_similarity or 0.0,
            gap=retrieved.gap_similarity,
            unknown=unknown,
        )

    def score(self, features: Features) -> tuple[float, float]:
        """Probability that the hit answers the question, and the threshold that applies to it."""
        model = self._model
        if features.asked is None:
            plain = model.plain
            logit = (
                plain.intercept
                + plain.passage * features.passage
                + plain.gap * features.gap
                + plain.unknown * features.unknown
            )
            return _sigmoid(logit), plain.threshold
        weights = model.weights
        logit = (
            model.intercept
            + weights.asked * features.asked
            + weights.passage * features.passage
            + weights.margin * (features.asked - features.gap)
            + weights.unknown * features.unknown
        )
        return _sigmoid(logit), model.threshold


def _sigmoid(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, x))))
