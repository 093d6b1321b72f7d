"""Measures of retrieval and of abstaining. Pure functions over ranks, scores and labels."""

from __future__ import annotations

import math
from collections.abc import Sequence


def recall_at(ranks: Sequence[int | None], k: int) -> float:
    """Share of questions whose first relevant section stands at rank k or better (1 is best)."""
    return sum(1 for r in ranks if r is not None and r <= k) / len(ranks) if ranks else 0.0


def mean_reciprocal_rank(ranks: Sequence[int | None]) -> float:
    return sum(1 / r for r in ranks if r is not None) / len(ranks) if ranks else 0.0


def ndcg_at(relevances: Sequence[Sequence[bool]], totals: Sequence[int], k: int) -> float:
    """Mean normalised discounted cumulative gain with binary relevance.

    `relevances` holds, a question, whether each hit in order is relevant; `totals` how many
    relevant sections there are.
    """
    values = []
    for hits, total in zip(relevances, totals, strict=True):
        gain = sum(1 / math.log2(n + 1) for n, hit in enumerate(hits[:k], 1) if hit)
        best = sum(1 / math.log2(n + 1) for n in range(1, min(k, total) + 1))
        values.append(gain / best if best else 0.0)
    return sum(values) / len(values) if values else 0.0


def auc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """Area under the ROC curve: the chance that a positive scores above a negative."""
    if not positive or not negative:
        return float("nan")
    pairs = sum((p > n) + 0.5 * (p == n) for p in positive for n in negative)
    return pairs / (len(positive) * len(negative))


def risk_coverage(scored: Sequence[tuple[float, bool]]) -> list[tuple[float, float]]:
    """Coverage and risk (share wrong among the answered) as the threshold falls."""
    points, wrong = [], 0
    ordered = sorted(scored, key=lambda pair: -pair[0])
    for n, (_, good) in enumerate(ordered, 1):
        wrong += not good
        points.append((n / len(ordered), wrong / n))
    return points


def precision_recall_f1(
    predicted: Sequence[bool], actual: Sequence[bool]
) -> tuple[float, float, float]:
    """Of a yes/no prediction, for instance abstaining."""
    true = sum(p and a for p, a in zip(predicted, actual, strict=True))
    precision = true / sum(predicted) if sum(predicted) else 0.0
    recall = true / sum(actual) if sum(actual) else 0.0
    total = precision + recall
    return precision, recall, 2 * precision * recall / total if total else 0.0


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the values lie."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
