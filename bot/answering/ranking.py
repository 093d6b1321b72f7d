"""The last order of the hits: what the searches found of a passage, and how near the question is to
what its section was trained on, weighed together.

The weights are fitted by evals/fit_ranking.py so that the section which answers comes first, and
lie in bot/rules/ranking.toml. A passage of a section that was not trained on (a clinic's leaflet,
a guide whose ways of asking were edited) keeps its score, and the new ones are of the same size.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from bot.errors import RulesError
from bot.order import WORD_SCALE, best_first
from bot.records import Hit, Retrieved

WEIGHTS_FILE = Path(__file__).resolve().parent.parent / "rules" / "ranking.toml"
_LEAST_SHARE = 0.001


class RankWeights(BaseModel):
    """What each sign of a hit weighs (see `signs`), and what is added."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    intercept: float
    score: float
    asked: float
    asked_mean: float
    words: float
    share: float


SIGNS = tuple(name for name in RankWeights.model_fields if name != "intercept")


def signs(hit: Hit, share: float) -> tuple[float, ...]:
    """What is weighed, in the order of `SIGNS`: the score so far, cosine to the nearest way of
    asking and mean of the nearest three, a tenth of the bm25, and the natural logarithm of the
    section's share of bot/answering/centres.py, of a thousandth at least."""
    mean = hit.asked_mean or 0.0
    return (
        hit.score,
        mean if hit.asked_similarity is None else hit.asked_similarity,
        mean,
        hit.words / WORD_SCALE,
        math.log(max(share, _LEAST_SHARE)),
    )


def load_rank_weights(path: Path = WEIGHTS_FILE) -> RankWeights:
    """Raises `RulesError` where the weights are missing or malformed."""
    try:
        return RankWeights(**tomllib.loads(path.read_text("utf-8")))
    except (OSError, ValueError, ValidationError) as error:
        raise RulesError(f"{path} cannot be used: {error}") from None


class Ranker:
    """Callable: hits and the share of each one's section (None: not trained on) in, the same hits
    with new scores in their order out."""

    def __init__(self, weights: RankWeights) -> None:
        self._weights: list[float] = [getattr(weights, name) for name in SIGNS]
        self._intercept = weights.intercept

    def __call__(self, retrieved: Retrieved, shares: Sequence[float | None]) -> Retrieved:
        hits = [
            hit if share is None else replace(hit, score=self._score(hit, share))
            for hit, share in zip(retrieved.hits, shares, strict=True)
        ]
        return replace(retrieved, hits=best_first(hits))

    def _score(self, hit: Hit, share: float) -> float:
        pairs = zip(self._weights, signs(hit, share), strict=True)
        return math.fsum((self._intercept, *(weight * sign for weight, sign in pairs)))
