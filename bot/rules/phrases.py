"""Phrases: what a rule file writes to say which words it looks for, and how they are found.

A phrase is a line of elements with a blank between them:

    fever           that word                    breath*         a word that begins so
    my|his|her      one of these                 <stool>         one of the group in words.toml
    very?           may be missing               #               a number
    ..  ...  .....  up to 2, 4, 8 other words    ^  $            start, end of a clause
    a & b           both, in any order, up to 8 other words and no comma between

`sore_throat` stands for the two words in a list of alternatives. The words of a phrase are folded
as those of a message are, so that "whats", "do_not" or "seizures" are found. A phrase never crosses
the end of a sentence. Matching takes time in proportion to the message, whatever the message is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise, product
from types import MappingProxyType

from bot.rules.folding import SENTENCE, Folded, words_of
from bot.rules.spelling import by_slip

_GAPS = {"..": 2, "...": 4, ".....": 8}
_APART = 8
_MOST_PLACES = 12
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
    """`keys` are the entries of `_places` that can begin it."""

    exact: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()
    runs: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    optional: bool = False
    gap: int = 0
    edge: str = ""
    number: bool = False
    keys: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class _Phrase:
    """`parts` has one entry, or several that may stand in any order (written with `&`)."""

    tag: str
    text: str
    parts: tuple[tuple[_Element, ...], ...]
    needed: tuple[_Element, ...]


# Words that stand in most messages: a phrase is looked up by a word that does not, if it has one.
_COMMON = frozenset(
    "a an the i my he she his her we our you your it is are was do does can could should will "
    "would what how when why in on of to for and or with have has had be am this that not me if "
    "at so from after before there any no by out up get got been now all just".split()
)


class PhraseBook:
    """All phrases, found in one pass over a message. `slips`: words and the listed slips of them,
    which messages are read with, too."""

    def __init__(
        self,
        groups: Mapping[str, Iterable[str]],
        slips: Mapping[str, Iterable[str]] = MappingProxyType({}),
    ) -> None:
        self._slips = by_slip(slips)
        self._folded: dict[str, tuple[str, ...]] = {}
        self._groups = {name: tuple(items) for name, items in groups.items()}
        self._by_word: dict[str, list[_Phrase]] = {}
        self._by_prefix: dict[str, list[_Phrase]] = {}
        self._by_number: list[_Phrase] = []
        self._prefixes: set[str] = set()
        self.vocabulary: set[str] = set()

    def add(self, tag: str, phrases: Iterable[str]) -> None:
        """Raises `PhraseError` for a phrase that cannot be read."""
        for text in phrases:
            parts = tuple(
                tuple(self._element(item, text) for item in part.split())
                for part in text.split(" & ")
            )
            for elements in parts:
                first = next((e for e in elements if not e.edge), None)
                if first is None or first.gap or first.optional:
                    raise PhraseError(f"{text!r} must begin with words that are not optional")
            needed = [e for part in parts for e in part if not (e.edge or e.gap or e.optional)]
            needed.sort(key=_commonness)
            phrase = _Phrase(tag, text, parts, tuple(needed))
            self._index(phrase, needed[0])

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
            written = item.replace("_", " ").split()
            if not written or not all(_WORD.fullmatch(word) for word in written):
                raise PhraseError(f"{phrase!r}: {item!r} is not a word in small letters")
            if len(written) > 1 and "*" in item:
                raise PhraseError(f"{phrase!r}: no * in {item!r}, which is more than one word")
            words = tuple(written) if "*" in item else self._words(" ".join(written))
            if not words:
                raise PhraseError(f"{phrase!r}: no message holds {item!r} as a word")
            if len(words) > 1:
                runs.setdefault(words[0], []).append(words)
            elif item.endswith("*"):
                if len(item) < 4:
                    raise PhraseError(f"{phrase!r}: {item!r} needs three letters before the *")
                prefixes.append(item[:-1])
            else:
                exact.add(words[0])
            self.vocabulary.update(word for word in words if not word.endswith("*"))
        ordered = {w: tuple(sorted(rs, key=len, reverse=True)) for w, rs in runs.items()}
        keys = {*exact, *ordered, *(prefix + "*" for prefix in prefixes)} | (
            {"#"} if number else set()
        )
        return _Element(
            frozenset(exact),
            tuple(prefixes),
            ordered,
            optional,
            number=number,
            keys=frozenset(keys),
        )

    def _words(self, written: str) -> tuple[str, ...]:
        """As messages have them; each once, for a group stands in many phrases."""
        if written not in self._folded:
            self._folded[written] = words_of(written, self._slips)
        return self._folded[written]

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
            if any(element.keys.isdisjoint(present) for element in phrase.needed[1:]):
                continue
            found: list[list[_Found]] = []
            for part in phrase.parts:
                matches = _matches(part, folded, places)
                if not matches:
                    break
                found.append(matches)
            else:
                for at, end, loose in found[0] if len(found) == 1 else _together(found, folded):
                    hits.append(Hit(phrase.tag, at, end, phrase.text, loose))
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


_Found = tuple[int, int, tuple[int, ...]]


def _matches(
    elements: tuple[_Element, ...], folded: Folded, places: Mapping[str, list[int]]
) -> list[_Found]:
    """Start, end and loose words of each place where the elements stand one after the other."""
    first = next(e for e in elements if not e.edge)
    starts = {at for key in first.keys & places.keys() for at in places[key]}
    found: list[_Found] = []
    for at in sorted(starts):
        loose: list[int] = []
        end = _match(elements, 0, folded, at, at, loose)
        if end > at:
            found.append((at, end, tuple(loose)))
    return found


def _together(found: list[list[_Found]], folded: Folded) -> Iterable[_Found]:
    """Parts that stand near each other with no comma between, in any order; the words between are
    loose. At most `_MOST_PLACES` of each part are tried."""
    for combination in product(*(places[:_MOST_PLACES] for places in found)):
        ordered = sorted(combination)
        loose = [word for _, _, between in ordered for word in between]
        for (_, end, _), (start, _, _) in pairwise(ordered):
            if not 0 <= start - end <= _APART:
                break
            loose += range(end, start)
        else:
            first, last = ordered[0][0], ordered[-1][1]
            if not any(folded.breaks[first + 1 : last]):
                yield first, last, tuple(loose)


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
