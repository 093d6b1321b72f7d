"""Nearest examples: a second net for messages in words that no phrase holds.

One rule: it may only add an alarm, never take one away, and only where nearly all of the stored
examples that are most like the message mean one. The examples are lines in `examples.toml`.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from bot.rules.folding import SENTENCE, Folded

HARMLESS = "harmless"
_COMMON = 0.02
_LEAST_WORDS = 4
_MOST_WORDS = 40
_MOST_SENTENCES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """The rule that the neighbours mean, the nearest example of it, and the part (0 to 1) of the
    neighbours' weight that lies on examples of any flag."""

    rule: str
    example: str
    share: float


@dataclass(frozen=True, slots=True)
class _Example:
    rule: str
    text: str


class Nearest:
    """Compares words and pairs of words, rarer ones counting more (cosine of tf-idf).

    `examples` are (rule id or `HARMLESS`, text, folded text). `classes` maps a word to the class it
    is compared as. `neighbours` vote; a part of `least_share` of their weight must mean a flag, and
    the nearest must be `least_likeness` alike.
    """

    def __init__(
        self,
        examples: Iterable[tuple[str, str, Folded]],
        classes: Mapping[str, str],
        *,
        neighbours: int,
        least_share: float,
        least_likeness: float,
    ) -> None:
        self._classes = classes
        self._neighbours = neighbours
        self._least_share = least_share
        self._least_likeness = least_likeness
        found = [
            (_Example(rule, text), self._features(words.words)) for rule, text, words in examples
        ]
        self._examples = [example for example, _ in found]
        number = len(found)
        spread: Counter[str] = Counter()
        for _, features in found:
            spread.update(features.keys())
        self._rarity = {
            feature: math.log((number + 1) / (count + 0.5)) for feature, count in spread.items()
        }
        self._unseen = math.log(2 * (number + 1))
        # What stands in many examples tells little and costs most: it counts only in the length.
        self._places: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for at, (_, features) in enumerate(found):
            for feature, weight in self._weighted(features).items():
                if spread[feature] <= max(3, _COMMON * number):
                    self._places[feature].append((at, weight))

    def like(
        self, folded: Folded, *, asking: Callable[[int], bool], without: str = ""
    ) -> Likeness | None:
        """What the message, or one of its sentences, is like. `asking` says of a word whether it
        stands in a question: pieces that begin so are left out. `without` leaves out one example.
        """
        best: Likeness | None = None
        for start, words in _pieces(folded):
            if asking(start):
                continue
            found = self._piece(words, without)
            if found and (best is None or found.share > best.share):
                best = found
        return best

    def _piece(self, words: tuple[str, ...], without: str) -> Likeness | None:
        scores: dict[int, float] = defaultdict(float)
        for feature, weight in self._weighted(self._features(words)).items():
            for at, other in self._places.get(feature, ()):
                scores[at] += weight * other
        if without:
            scores = {a: s for a, s in scores.items() if self._examples[a].text != without}
        near = heapq.nlargest(self._neighbours, ((score, at) for at, score in scores.items()))
        if not near or near[0][0] < self._least_likeness:
            return None
        weights: dict[str, float] = defaultdict(float)
        for score, at in near:
            weights[self._examples[at].rule] += score * score
        total = sum(weights.values())
        share = 1 - weights.pop(HARMLESS, 0.0) / total
        if share < self._least_share:
            return None
        rule = max(weights, key=lambda name: weights[name])
        example = next(self._examples[at] for _, at in near if self._examples[at].rule == rule)
        return Likeness(rule=rule, example=example.text, share=round(share, 3))

    def _features(self, words: tuple[str, ...]) -> dict[str, float]:
        """Words and pairs of neighbours, each word as its class; the word itself counts half."""
        found: dict[str, float] = {}
        before = "^"
        for word in words:
            name = self._named(word)
            if name != word:
                found[word] = 0.5
            found[name] = 1.0
            found[f"{before} {name}"] = 1.0
            before = name
        found[f"{before} $"] = 1.0
        return found

    def _named(self, word: str) -> str:
        if not word[0].isdigit():
            return self._classes.get(word, word)
        try:
            value = float(word)
        except ValueError:
            return "#"
        return "#hot" if 37.9 <= value <= 42 or 100.3 <= value <= 107 else "#"

    def _weighted(self, features: Mapping[str, float]) -> dict[str, float]:
        weighted = {f: w * self._rarity.get(f, self._unseen) for f, w in features.items()}
        length = math.sqrt(sum(w * w for w in weighted.values())) or 1.0
        return {f: w / length for f, w in weighted.items()}


def _pieces(folded: Folded) -> list[tuple[int, tuple[str, ...]]]:
    """The whole of a short message, and its sentences: the first and the last ones of many. Each
    with the place of its first word."""
    words = folded.words
    cuts = [0, *(i for i, b in enumerate(folded.breaks) if i and b >= SENTENCE), len(words)]
    pieces = [
        (first, words[first:last])
        for first, last in pairwise(cuts)
        if _LEAST_WORDS <= last - first <= _MOST_WORDS and last - first < len(words)
    ]
    if len(pieces) > _MOST_SENTENCES:
        half = _MOST_SENTENCES // 2
        pieces = pieces[:half] + pieces[-half:]
    return [(0, words), *pieces] if _LEAST_WORDS <= len(words) <= _MOST_WORDS else pieces
