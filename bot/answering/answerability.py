"""Answerability: whether the best passage answers the question, or is only its neighbour.

Cosine similarity alone cannot tell (docs/decisions/0002). A small logistic model over a few
similarities does better; its weights are fitted on the development questions by
evals/fit_answerability.py and kept in bot/rules/answerability.toml.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from bot.errors import RulesError
from bot.order import SAME, WORD_SCALE, hit_worth
from bot.records import Query, Retrieved, Verdict
from bot.text import content_words

WEIGHTS_FILE = Path(__file__).resolve().parent.parent / "rules" / "answerability.toml"
ONLY_WITH_WAYS = ("asked", "asked_mean", "covered")
"""Features that a passage without stored ways of asking does not have."""
ONLY_TRAINED = ("section_share", "gap_share")
"""Features of sections that the model was trained on (bot/answering/centres.py)."""
ONLY_WITH_GAPS = ("gap",)
"""Features that there are only in an index with known gaps."""
WITHHELD = "a page that fits better was withdrawn or is overdue"
WITHHELD_LEAD = 0.07
"""So far before the first hit a withdrawn or overdue passage keeps it from being shown. Of 359
development questions whose right sections were all withdrawn 5 instead of 12 are answered so; where
one of several was, another answers 27 of 149 instead of 47."""
ASK_FROM = 0.2
"""From this probability that the first hit answers, the reader is asked whether one of the first
three sections was meant. Of the development questions that are not answered and lie between .2 and
.4, one of the three answers 42 in 100, between .1 and .2 22 in 100; those above are 85 in 100 of
the answerable ones and 46 in 100 of the others (decision 0024)."""
_LEAST_SHARE = 0.01
_LONG = 12
_LENGTH, _LEAD = 0.5, 0.2
"""About the middle of each on the development questions: where the two are multiplied, what lies
above the middle counts against what lies below."""


class Weights(BaseModel):
    """A logistic model: probability = sigmoid(intercept + sum of weight x feature)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    threshold: float
    intercept: float
    asked: float
    asked_mean: float
    passage: float
    gap: float
    section_share: float
    gap_share: float
    unknown: float
    covered: float
    covered_by_passage: float
    margin: float
    lead: float
    words: float
    length: float
    long_lead: float


class Model(BaseModel):
    """Five fits: for sections that the model was trained on, for others with stored ways of asking,
    and for plain leaflets without; the latter two again for an index that knows no gaps, where the
    nearest gap says nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    trained: Weights
    asked: Weights
    plain: Weights
    asked_alone: Weights
    plain_alone: Weights

    def weights(self, features: Features) -> Weights:
        """Those that apply to a hit."""
        if features.gap is None:
            return self.plain_alone if features.asked is None else self.asked_alone
        if features.asked is None:
            return self.plain
        return self.asked if features.section_share is None else self.trained


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What the model sees of a question and its best hit.

    `asked` cosine to the nearest way of asking and `asked_mean` of the three nearest (None where
    the passage has none), `passage` cosine to the passage, `gap` cosine to the nearest question
    known not to be covered (None where the index knows none), `section_share` and `gap_share` the
    natural logarithms of what its section and all gaps have of bot/answering/centres.py, of 1% at
    least (None where the section was not trained on). Shares (0 to 1) of the question's content
    words: `unknown` that no document holds, `covered` that the passage (with its title and heading)
    or its ways of asking hold (None without ways), `covered_by_passage` that the passage holds.
    `margin` is the lead of its worth (bot/order.py) over the next hit, `lead` that over the third:
    two sections may well answer the same question (a middling one where there is no third: a small
    index proves nothing). `words` is a tenth of its bm25, `length` content words of the question
    over 12, at most 1, `long_lead` a product of it with the lead.
    """

    asked: float | None
    asked_mean: float | None
    passage: float
    gap: float | None
    section_share: float | None
    gap_share: float | None
    unknown: float
    covered: float | None
    covered_by_passage: float
    margin: float
    lead: float
    words: float
    length: float

    @property
    def long_lead(self) -> float:
        """A lead says more of a long question."""
        return (self.length - _LENGTH) * (self.lead - _LEAD)

    def values(self) -> dict[str, float]:
        """By name; 0 for what the passage does not have."""
        return {name: getattr(self, name) or 0.0 for name in FEATURES}


FEATURES = (*(f.name for f in fields(Features)), "long_lead")


def load_model(path: Path = WEIGHTS_FILE) -> Model:
    """Raises `RulesError` where the weights are missing or malformed."""
    try:
        return Model(**tomllib.loads(path.read_text("utf-8")))
    except (OSError, ValueError, ValidationError) as error:
        raise RulesError(f"{path} cannot be used: {error}") from None


def withheld_leads(retrieved: Retrieved) -> bool:
    """Is a withdrawn or overdue passage clearly ahead of the first hit?"""
    return (retrieved.withheld_lead or 0.0) >= WITHHELD_LEAD


class Judge:
    """Callable: query and hits in, `Verdict` out. `known`: do the documents hold this stem?

    Where the first hit stores the very question it answers, whatever the likelihood: the hand that
    stored it has read both, and 95 of 96 such development questions are answered right.
    """

    def __init__(self, model: Model, known: Callable[[str], bool]) -> None:
        self._model = model
        self._known = known

    def __call__(self, query: Query, retrieved: Retrieved) -> Verdict:
        if not retrieved.hits:
            return Verdict(kind="unanswerable", reason="nothing was found", score=0.0)
        features = self.features(query, retrieved)
        score, threshold = self.score(features)
        the_very_words = (features.asked or 0.0) >= SAME > (features.gap or 0.0)
        fits = the_very_words or score >= threshold
        if fits and withheld_leads(retrieved):
            # Its neighbour would answer another question.
            return Verdict(kind="unanswerable", reason=WITHHELD, score=score, threshold=threshold)
        if fits:
            return Verdict(
                kind="answerable",
                reason="the very question is stored" if the_very_words else "the best passage fits",
                score=score,
                threshold=threshold,
                near=True,
            )
        best = features.passage if features.asked is None else features.asked
        reason = "known gap" if (features.gap or 0.0) > best else "no passage is close enough"
        return Verdict(
            kind="unanswerable",
            reason=reason,
            score=score,
            threshold=threshold,
            near=score >= ASK_FROM,
        )

    def features(self, query: Query, retrieved: Retrieved) -> Features:
        """The features of the best hit. A hit of the word search alone has passage similarity 0.

        Raises `IndexError` where nothing was found.
        """
        hit, *others = retrieved.hits
        terms = list(dict.fromkeys(content_words(query.text)))
        own = " ".join((hit.chunk.source.title, *hit.chunk.heading, hit.chunk.text))
        passage = set(content_words(own))
        asked = set(content_words(" ".join(hit.chunk.asked)))
        has_ways = bool(hit.chunk.asked)
        trained = has_ways and retrieved.section_share is not None
        return Features(
            asked=(hit.asked_similarity or 0.0) if has_ways else None,
            asked_mean=hit.asked_mean if has_ways else None,
            passage=hit.passage_similarity or 0.0,
            gap=retrieved.gap_similarity,
            section_share=_logarithm(retrieved.section_share) if has_ways else None,
            gap_share=_logarithm(retrieved.gap_share) if trained else None,
            unknown=_share(terms, lambda term: not self._known(term), 1.0),
            covered=_share(terms, (passage | asked).__contains__, 0.0) if has_ways else None,
            covered_by_passage=_share(terms, passage.__contains__, 0.0),
            margin=hit_worth(hit) - hit_worth(others[0]) if others else hit.score,
            lead=hit_worth(hit) - hit_worth(others[1]) if len(others) > 1 else _LEAD,
            words=hit.words / WORD_SCALE,
            length=min(_LONG, len(terms)) / _LONG,
        )

    def score(self, features: Features) -> tuple[float, float]:
        """Probability that the hit answers the question, and the threshold that applies to it."""
        weights = self._model.weights(features)
        logit = weights.intercept + sum(
            getattr(weights, name) * value for name, value in features.values().items()
        )
        return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, logit)))), weights.threshold


def _logarithm(share: float | None) -> float | None:
    return None if share is None else math.log(max(share, _LEAST_SHARE))


def _share(terms: Sequence[str], test: Callable[[str], bool], empty: float) -> float:
    return sum(map(test, terms)) / len(terms) if terms else empty
