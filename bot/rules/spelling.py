"""Spelling: a slip becomes the safety word it stands for. Lists first, then endings, then small
distances, and last what sounds alike.

One rule: a word that is itself a word (in the rules or among `real_words`) is never changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from bot.rules.folding import SEVERAL

_NOT = ("nae", "nea", "ny", "nie", "nt")
_BEFORE_NOT = frozenset("did does is was has have had were are could would should ai wo do".split())
_LEAST_SOUNDS = 4
_LONGER = 3


def by_slip(slips: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """From each listed slip to its word. `slips` has words and their slips, as the files do."""
    return {slip: word for word, found in slips.items() for slip in found}


def _compiled(sounds: Iterable[tuple[str, str]]) -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(spelt), sound) for spelt, sound in sounds)


_SOUNDS = _compiled(
    (
        (r"^(?:kn|pn|gn)", "n"), (r"^wr", "r"), (r"^ps", "s"), (r"^wh", "w"), (r"^x", "s"),
        (r"ph|gh$", "f"), (r"gh", ""), (r"tch|ch", "c"), (r"t(?:ure|cher|chur|chure)$", "cr"),
        (r"sci|ti(?=o|a)|ci(?=o|a)|ssi(?=o)|si(?=on)|sh|zh", "x"), (r"dg|g(?=[eiy])", "j"),
        (r"c(?=[eiy])|z", "s"), (r"ck|[ckq]", "k"), (r"x(?=[aeiouy])", "x"), (r"th", "t"),
        (r"ing$|in$", "n"), (r"r(?![aeiouy])", ""), (r"(?<!^)[aeiouyhw]", ""), (r"(.)\1+", r"\1"),
    )
)  # fmt: skip
"""From spelling to sound in English, in this order: like consonants as one, and the later vowels
gone."""


class Spelling:
    """Maps a word to the safety word it is a slip of, or returns it as it is. `known` words are
    never changed.

    `targets` are the words that a slip is read as: one letter dropped, doubled, swapped or wrong in
    words of five letters and more, two in words of nine and more. The first letter must be right,
    except in what `slips` lists outright. `heard` words are also read from any spelling of the same
    sound ("konfyoosed"); `sounds` are those of another language than English. An ending that is
    swallowed counts for any known word ("bleedin"). `apart` gives the words, with spaces between
    them, of what is none of all this, or nothing ("cantbreathe").
    """

    def __init__(
        self,
        *,
        slips: Mapping[str, Iterable[str]],
        targets: Iterable[str],
        real_words: Iterable[str],
        known: Iterable[str],
        heard: Iterable[str] = (),
        sounds: Iterable[tuple[str, str]] | None = None,
        apart: Callable[[str], str] | None = None,
    ) -> None:
        self._apart = apart
        self._sounds = _SOUNDS if sounds is None else _compiled(sounds)
        self._slips = by_slip(slips)
        self.known = frozenset(known) | frozenset(real_words) | frozenset(targets)
        self._near: dict[str, set[str]] = {}
        for word in targets:
            for key in _shortened(word, 2 if len(word) >= 9 else 1):
                self._near.setdefault(key, set()).add(word)
        self._alike: dict[str, set[str]] = {}
        for word in heard:
            self._alike.setdefault(self._sound(word), set()).add(word)

    def __contains__(self, word: object) -> bool:
        return word in self.known or word in self._slips

    def __call__(self, word: str) -> str:
        if word in self._slips:
            return self._slips[word]
        if len(word) < 4 or word in self.known:
            return word
        # Never cached: the words that people type must not stay (R29).
        found = "" if len(word) > SEVERAL else self._one(word)
        return found or (self._apart(word) if self._apart else "") or word

    def _one(self, word: str) -> str:
        return self._ended(word) or self._nearest(word) or self._sounding(word)

    def _ended(self, word: str) -> str:
        """The word with the ending that was swallowed ("bleedin", "wasnae")."""
        if word.endswith("in") and word + "g" in self.known:
            return word + "g"
        stem = next((word.removesuffix(end) for end in _NOT if word.endswith(end)), "")
        return stem + "nt" if stem in _BEFORE_NOT else ""

    def _sounding(self, word: str) -> str:
        """The one word of `heard` that sounds like the word and is about as long."""
        key = self._sound(word)
        near = [t for t in self._alike.get(key, ()) if abs(len(t) - len(word)) <= _LONGER]
        return near[0] if len(near) == 1 and len(key) >= _LEAST_SOUNDS else ""

    def _sound(self, word: str) -> str:
        """What is left of a word when it is only heard."""
        for spelt, sound in self._sounds:
            word = spelt.sub(sound, word)
        return word

    def _nearest(self, word: str) -> str:
        keys = _shortened(word, 2 if len(word) >= 8 else 1)
        # A target shares many keys with a slip of it; how far it is away takes longest to find.
        targets = set().union(*(self._near[key] for key in keys & self._near.keys()))
        best = (3, "")
        for target in targets:
            if target[0] != word[0]:
                continue
            away = _distance(word, target)
            if away <= (2 if len(target) >= 9 else 1):
                best = min(best, (away, target))
        return best[1]


def _shortened(word: str, most: int) -> set[str]:
    """The word with up to `most` letters (one or two) left out, the first letter kept."""
    found = {word}
    for first in range(1, len(word)):
        without = word[:first] + word[first + 1 :]
        found.add(without)
        if most == 2:
            found.update([without[:i] + without[i + 1 :] for i in range(first, len(without))])
    return found


def _distance(a: str, b: str) -> int:
    """Optimal string alignment distance: insert, drop, change a letter, swap two neighbours."""
    before: list[int] = []
    above = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, above = above, row
    return above[-1]
