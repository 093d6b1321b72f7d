"""Answerability: whether the best passage answers the question, or is only its neighbour.

Cosine similarity alone cannot tell (docs/decisions/0002). A small logistic model over a few
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
FEATURES = ("asked", "passage", "gap", "unknown")


class Weights(BaseModel):
    """A logistic model: probability = sigmoid(intercept + sum of weight x feature)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    threshold: float
    intercept: float
    asked: float
    passage: float
    gap: float
    unknown: float


class Model(BaseModel):
    """Two fits: for passages with stored ways of asking, and for plain leaflets without."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    asked: Weights
    plain: Weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What the model sees of a question and its best hit.

    `asked` cosine to the nearest way of asking or heading of the passage (None where the passage
    has no ways of asking), `passage` cosine to the passage, `gap` cosine to the nearest question
    known not to be covered, `unknown` share of the question's content words (0 to 1) that no
    document holds.
    """

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
        best = features.passage if features.asked is None else features.asked
        reason = "known gap" if features.gap > best else "no passage is close enough"
        return Verdict(kind="unanswerable", reason=reason, score=score)

    def features(self, query: Query, retrieved: Retrieved, hit: Hit) -> Features:
        """The features of one hit. A hit of the word search alone has passage similarity 0."""
        terms = list(dict.fromkeys(content_words(query.text)))
        unknown = sum(1 for term in terms if not self._known(term)) / len(terms) if terms else 1.0
        return Features(
            asked=(hit.asked_similarity or 0.0) if hit.chunk.asked else None,
            passage=hit.passage_similarity or 0.0,
            gap=retrieved.gap_similarity,
            unknown=unknown,
        )

    def score(self, features: Features) -> tuple[float, float]:
        """Probability that the hit answers the question, and the threshold that applies to it."""
        weights = self._model.plain if features.asked is None else self._model.asked
        logit = (
            weights.intercept
            + weights.asked * (features.asked or 0.0)
            + weights.passage * features.passage
            + weights.gap * features.gap
            + weights.unknown * features.unknown
        )
        return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, logit)))), weights.threshold
