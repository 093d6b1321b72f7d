"""Phrases: what a rule file writes to say which words it looks for, and how they are found.

A phrase is a line of elements with a blank between them:

    fever           that word                    breath*         a word that begins so
    my|his|her      one of these                 <stool>         one of the group in words.toml
    very?           may be missing               #               a number
    ..  ...  .....  up to 2, 4, 8 other words    ^  $            start, end of a clause

`sore_throat` stands for the two words in a list of alternatives. A phrase never crosses the end of
a sentence. Matching takes time in proportion to the message, whatever the message is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, KeysView, Mapping
from dataclasses import dataclass, field

from bot.rules.folding import SENTENCE, Folded

_GAPS = {"..": 2, "...": 4, ".....": 8}
_WORD = re.compile(r"[a-z0-9.°%/<>=~]+\*?")


class PhraseError(ValueError):
    """A phrase cannot be read; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Hit:
    """Words `start` to `end` (half-open) of a folded message match a phrase of `tag`. `loose` are
    the words between that a gap of the phrase let pass."""

    tag: str
    start: int
    end: int
    phrase: str
    loose: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class _Element:
    exact: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()
    runs: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    optional: bool = False
    gap: int = 0
    edge: str = ""
    number: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class _Phrase:
    tag: str
    text: str
    elements: tuple[_Element, ...]
    needed: tuple[_Element, ...]
    first: _Element


# Words that stand in most messages: a phrase is looked up by a word that does not, if it has one.
_COMMON = frozenset(
    "a an the i my he she his her we our you your it is are was do does can could should will "
    "would what how when why in on of to for and or with have has had be am this that not me if "
    "at so from after before there any no by out up get got been now all just".split()
)


class PhraseBook:
    """All phrases, found in one pass over a message."""

    def __init__(self, groups: Mapping[str, Iterable[str]]) -> None:
        self._groups = {name: tuple(items) for name, items in groups.items()}
        self._by_word: dict[str, list[_Phrase]] = {}
        self._by_prefix: dict[str, list[_Phrase]] = {}
        self._by_number: list[_Phrase] = []
        self._prefixes: set[str] = set()
        self.vocabulary: set[str] = set()

    def add(self, tag: str, phrases: Iterable[str]) -> None:
        """Raises `PhraseError` for a phrase that cannot be read."""
        for text in phrases:
            elements = tuple(self._element(part, text) for part in text.split())
            needed = tuple(e for e in elements if not (e.edge or e.gap or e.optional))
            first = next((e for e in elements if not e.edge), None)
            if first is None or first.gap or first.optional:
                raise PhraseError(f"{text!r} must begin with words that are not optional")
            phrase = _Phrase(tag, text, elements, needed, first)
            self._index(phrase, min(needed, key=_commonness))

    def _index(self, phrase: _Phrase, anchor: _Element) -> None:
        for word in {*anchor.exact, *anchor.runs}:
            self._by_word.setdefault(word, []).append(phrase)
        for prefix in anchor.prefixes:
            self._by_prefix.setdefault(prefix, []).append(phrase)
        if anchor.number:
            self._by_number.append(phrase)
        for element in phrase.needed:
            self._prefixes.update(element.prefixes)

    def _element(self, part: str, phrase: str) -> _Element:
        if part in _GAPS:
            return _Element(gap=_GAPS[part])
        if part in ("^", "$"):
            return _Element(edge=part)
        optional = part.endswith("?")
        part = part.removesuffix("?")
        exact: set[str] = set()
        number = False
        prefixes: list[str] = []
        runs: dict[str, list[tuple[str, ...]]] = {}
        for item in self._items(part, phrase):
            if item == "#":
                number = True
                continue
            words = item.replace("_", " ").split()
            if not words or not all(_WORD.fullmatch(word) for word in words):
                raise PhraseError(f"{phrase!r}: {item!r} is not a word in small letters")
            if len(words) > 1:
                if "*" in item:
                    raise PhraseError(f"{phrase!r}: no * in {item!r}, which is more than one word")
                runs.setdefault(words[0], []).append(tuple(words))
            elif item.endswith("*"):
                if len(item) < 4:
                    raise PhraseError(f"{phrase!r}: {item!r} needs three letters before the *")
                prefixes.append(item[:-1])
            else:
                exact.add(item)
            self.vocabulary.update(word for word in words if not word.endswith("*"))
        ordered = {w: tuple(sorted(rs, key=len, reverse=True)) for w, rs in runs.items()}
        return _Element(frozenset(exact), tuple(prefixes), ordered, optional, number=number)

    def _items(self, part: str, phrase: str) -> Iterable[str]:
        for item in part.split("|"):
            if item.startswith("<") and item.endswith(">") and len(item) > 2:
                if item[1:-1] not in self._groups:
                    raise PhraseError(f"{phrase!r}: there is no group {item} in words.toml")
                yield from self._groups[item[1:-1]]
            else:
                yield item

    def find(self, folded: Folded) -> list[Hit]:
        """Every hit, in the order of the words. One phrase hits at most once at a place."""
        places = self._places(folded.words)
        candidates: dict[_Phrase, None] = {}
        for word in places:
            for phrase in self._by_word.get(word, ()):
                candidates[phrase] = None
            if word[-1] == "*":
                for phrase in self._by_prefix.get(word[:-1], ()):
                    candidates[phrase] = None
        if "#" in places:
            candidates.update(dict.fromkeys(self._by_number))
        present = places.keys()
        hits: list[Hit] = []
        for phrase in candidates:
            if all(_present(element, present) for element in phrase.needed):
                for at in _starts(phrase.first, places):
                    loose: list[int] = []
                    end = _match(phrase.elements, 0, folded, at, at, loose)
                    if end > at:
                        hits.append(Hit(phrase.tag, at, end, phrase.text, tuple(loose)))
        hits.sort(key=lambda hit: (hit.start, hit.end))
        return hits

    def _places(self, words: tuple[str, ...]) -> dict[str, list[int]]:
        """Where each word stands; a prefix that some phrase uses stands as `prefix*`, any number
        as `#`."""
        places: dict[str, list[int]] = {}
        for at, word in enumerate(words):
            if word in places:
                places[word].append(at)
            else:
                places[word] = [at]
            if word[0].isdigit():
                places.setdefault("#", []).append(at)
        for word in list(places):
            for length in range(3, min(len(word), 12) + 1):
                if word[:length] in self._prefixes:
                    places.setdefault(word[:length] + "*", []).extend(places[word])
        return places


def _commonness(element: _Element) -> tuple[int, int]:
    words = {*element.exact, *element.runs}
    common = len(words & _COMMON) + (3 if element.number else 0)
    return common, len(words) + 3 * len(element.prefixes)


def _present(element: _Element, present: KeysView[str]) -> bool:
    return (
        not present.isdisjoint(element.exact)
        or (bool(element.runs) and not present.isdisjoint(element.runs))
        or (element.number and "#" in present)
        or any(prefix + "*" in present for prefix in element.prefixes)
    )


def _starts(first: _Element, places: Mapping[str, list[int]]) -> Iterable[int]:
    found: set[int] = set()
    for word, at in places.items():
        if (
            word in first.exact
            or word in first.runs
            or (first.number and word == "#")
            or (first.prefixes and word[-1] == "*" and word[:-1] in first.prefixes)
        ):
            found.update(at)
    return sorted(found)


def _match(
    elements: tuple[_Element, ...], k: int, folded: Folded, at: int, start: int, loose: list[int]
) -> int:
    """The end of the match of elements[k:] at word `at`, or -1. `loose` gets the words in gaps."""
    if k == len(elements):
        return at
    words, breaks = folded.words, folded.breaks
    element = elements[k]
    if element.edge:
        if element.edge == "^":
            fits = at == 0 or breaks[at] > 0
        else:
            fits = at == len(words) or breaks[at] > 0
        return _match(elements, k + 1, folded, at, start, loose) if fits else -1
    if element.gap:
        for skip in range(element.gap + 1):
            if at + skip > len(words) or (
                skip and at + skip - 1 > start and breaks[at + skip - 1] >= SENTENCE
            ):
                return -1
            end = _match(elements, k + 1, folded, at + skip, start, loose)
            if end >= 0:
                loose.extend(range(at, at + skip))
                return end
        return -1
    if at < len(words) and (at == start or breaks[at] < SENTENCE):
        for length in _lengths(element, folded, at):
            end = _match(elements, k + 1, folded, at + length, start, loose)
            if end >= 0:
                return end
    return _match(elements, k + 1, folded, at, start, loose) if element.optional else -1


def _lengths(element: _Element, folded: Folded, at: int) -> Iterable[int]:
    word = folded.words[at]
    for run in element.runs.get(word, ()):
        end = at + len(run)
        if folded.words[at:end] == run and not any(
            b >= SENTENCE for b in folded.breaks[at + 1 : end]
        ):
            yield len(run)
    if (
        word in element.exact
        or (element.number and word[0].isdigit())
        or (element.prefixes and word.startswith(element.prefixes))
    ):
        yield 1
