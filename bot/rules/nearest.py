"""Nearest examples: which sign a message tells of that no phrase speaks to.

One rule: it only names a rule. Whether anything is told at all is weighed before (weighing.py). The
examples are lines in `examples.toml`.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from bot.rules.folding import Folded

_COMMON = 0.02
_MOST_WORDS = 60
_NEIGHBOURS = 12


class Nearest:
    """Compares words and pairs of words, rarer ones counting more (cosine of tf-idf).

    `examples` are (rule id, folded text). `classes` maps a word to the class it is compared as.
    """

    def __init__(self, examples: Iterable[tuple[str, Folded]], classes: Mapping[str, str]) -> None:
        self._classes = classes
        found = [(rule, self._features(words.words)) for rule, words in examples]
        self._rules = [rule for rule, _ in found]
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

    def like(self, folded: Folded) -> str | None:
        """The id of the rule that most of the nearest examples mean; None where nothing is alike.
        Of a long message the head is compared."""
        scores: dict[int, float] = defaultdict(float)
        for feature, weight in self._weighted(self._features(folded.words[:_MOST_WORDS])).items():
            for at, other in self._places.get(feature, ()):
                scores[at] += weight * other
        near = heapq.nlargest(_NEIGHBOURS, ((score, at) for at, score in scores.items()))
        weights: dict[str, float] = defaultdict(float)
        for score, at in near:
            weights[self._rules[at]] += score * score
        return max(weights, key=lambda name: weights[name]) if weights else None

    def _features(self, words: tuple[str, ...]) -> dict[str, float]:
        """Words and pairs of neighbours, each word as its class; the word itself counts half."""
        found: dict[str, float] = {}
        before = "^"
        for word in words:
            name = "#" if word[0].isdigit() else self._classes.get(word, word)
            if name != word:
                found[word] = 0.5
            found[name] = 1.0
            found[f"{before} {name}"] = 1.0
            before = name
        found[f"{before} $"] = 1.0
        return found

    def _weighted(self, features: Mapping[str, float]) -> dict[str, float]:
        weighted = {f: w * self._rarity.get(f, self._unseen) for f, w in features.items()}
        length = math.sqrt(sum(w * w for w in weighted.values())) or 1.0
        return {f: w / length for f, w in weighted.items()}
