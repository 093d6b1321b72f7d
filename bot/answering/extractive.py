"""The extractive writer: whole sentences of the passage that answers, verbatim, in reading order.

It must read as an answer: the section's own direct sentence first, then what bears on the
question; where another sentence is far nearer to what was asked, that one opens the answer. A
sentence that leans on the one before it brings it along; a list stays whole. Where the section says
when to call an ambulance, the answer does, and where there is room, whom else to call at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.records import Chunk, Considered, Draft, Hit, Query, Quote, Span, Statement
from bot.text import list_mark, sentence_spans

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = Sequence[float] | NDArray[np.float32]

NAME = "extractive"

_LEANS = re.compile(
    r"(?:these|those|this|they|them|their|it|its|such|both|either|neither|others?|some of (?:these|"
    r"them)|most of (?:these|them)|but|however|also|then|so|and|or|instead|otherwise|here|there"
    r"|that|he|she|as a result|for (?:this|that) reason|in (?:this|that|these|both) cases?)\b",
    re.IGNORECASE,
)
_SELF_CONTAINED = re.compile(
    r"(?:there (?:is|are)|it is (?:not )?(?:a|an|the|safe|common)\b)", re.I
)
_DIFFERS = re.compile(
    r"\b(?:differ|differs|vary|varies|other (?:cent(?:er|re)s?|sources?))\b", re.I
)
_AMBULANCE = re.compile(r"\b(?:emergency number|ambulance|call (?:911|999|112))\b", re.I)
_TEAM = re.compile(r"\bcalls? (?:\w+ ){0,4}(?:at once|right away|now)\b", re.I)
_FROM_SECOND = 2
"""Sentences taken from a second passage that scores almost as high as the first."""
_LEAST_SHARE = 0.45
"""A sentence must be at least this near the question, as a share of the nearest one."""
_OPENS = 0.6
"""Where the section's first sentence is less than this share as near the question as the nearest
one, the nearest one opens the answer (own choice, by reading 316 development answers: of the 37
below it the nearest was the direct answer in 34)."""
_SAME = 0.85
"""Cosine from which two sentences count as saying the same."""
_MAX_LIST = 8
"""Most list items shown with their lead-in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sentence:
    span: Span
    text: str
    list_item: bool
    lead_in: bool
    chunk: Chunk


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choice:
    quote: Quote
    list_item: bool
    shown: bool
    why: str
    relevance: float
    opens: bool


class ExtractiveWriter:
    """Callable: query and hits in, `Draft` out. `embed_question` gives the unit vector of a
    question, `embed` those of sentences (kept by the caller); `max_statements` bounds the draft,
    lists aside; `nearby` is how much lower a second passage may score to be shown, too."""

    def __init__(
        self,
        embed_question: Callable[[str], Vector],
        embed: Callable[[Sequence[str]], Sequence[Vector]],
        *,
        max_statements: int,
        nearby: float,
    ) -> None:
        self._embed_question = embed_question
        self._embed = embed
        self._max = max_statements
        self._nearby = nearby

    def __call__(self, query: Query, hits: Sequence[Hit]) -> Draft:
        if not hits:
            return Draft(statements=(), writer=NAME)
        asked = self._embed_question(query.full)
        sentences = _sentences(hits[0].chunk)
        second = self._second(hits)
        most = self._max if second is None else max(1, self._max - _FROM_SECOND)
        choices = self._choose(asked, sentences, most, calls=True)
        if second is not None:
            choices += self._add(asked, second, [c for c in choices if c.shown])
        return Draft(
            statements=tuple(
                Statement(text=c.quote.text, quotes=(c.quote,), list_item=c.list_item)
                for c in sorted(choices, key=lambda c: not c.opens)
                if c.shown
            ),
            writer=NAME,
            considered=tuple(
                Considered(quote=c.quote, shown=c.shown, why=c.why, relevance=c.relevance)
                for c in choices
            ),
        )

    def _choose(
        self, asked: Vector, sentences: list[_Sentence], most: int, *, calls: bool = False
    ) -> list[_Choice]:
        """Every sentence in reading order, with what became of it. `calls`: one that says when to
        call an ambulance comes before others, one on whom to call at once behind them, however far
        both are from the question."""
        relevance = self._relevance(asked, sentences)
        why = ["too far from the question"] * len(sentences)
        picked: set[int] = set()
        nearest_first = sorted(range(1, len(sentences)), key=lambda n: -relevance[n])
        least = _LEAST_SHARE * max(relevance)
        # The first sentence of a section answers its heading; it goes first.
        order = [(0, "the passage's first sentence")]
        if calls:
            order += _calls(sentences, nearest_first, _AMBULANCE)
        order += [(n, "close to the question") for n in nearest_first if relevance[n] >= least]
        if calls:
            order += _calls(sentences, nearest_first, _TEAM)
        for n, reason in order:
            wanted = _with_company(sentences, n) - picked
            if picked and _size(sentences, picked | wanted) > most:
                if n not in picked:
                    why[n] = "the answer was full"
                continue
            for company in wanted:
                why[company] = "belongs with a sentence that is shown"
            if n in wanted:
                why[n] = reason
            picked |= wanted
        opening = _opening(sentences, relevance, picked)
        return [
            _choice(sentence, n in picked, why[n], relevance[n], opens=n in opening)
            for n, sentence in enumerate(sentences)
        ]

    def _second(self, hits: Sequence[Hit]) -> Hit | None:
        """The next best passage of another section where it scores almost as high, or None. Which
        of two near equals answers better is a toss-up; the reader is better off with both."""
        first = hits[0]
        place = (first.chunk.source.source_id, first.chunk.heading)
        for hit in hits[1:]:
            if hit.score < first.score - self._nearby:
                return None
            if (hit.chunk.source.source_id, hit.chunk.heading) != place:
                return hit
        return None

    def _add(self, asked: Vector, hit: Hit, before: Sequence[_Choice]) -> list[_Choice]:
        choices = self._choose(asked, _sentences(hit.chunk), _FROM_SECOND)
        vectors = self._embed([c.quote.text for c in [*before, *choices]])
        old = vectors[: len(before)]
        return [
            replace(choice, shown=False, why="says what another sentence says")
            if choice.shown and any(_dot(vector, other) >= _SAME for other in old)
            else choice
            for choice, vector in zip(choices, vectors[len(before) :], strict=True)
        ]

    def _relevance(self, asked: Vector, sentences: list[_Sentence]) -> list[float]:
        """Cosine to the question, half for the sentence alone and half below its heading: many a
        sentence ("That takes about four weeks on average") names its subject only there."""
        alone = [s.text for s in sentences]
        below = [f"{' - '.join(s.chunk.heading)}: {s.text}" for s in sentences]
        vectors = self._embed([*alone, *below])
        return [
            (_dot(asked, bare) + _dot(asked, headed)) / 2
            for bare, headed in zip(vectors[: len(alone)], vectors[len(alone) :], strict=True)
        ]


def _calls(
    sentences: list[_Sentence], nearest_first: Sequence[int], pattern: re.Pattern[str]
) -> list[tuple[int, str]]:
    """The nearest sentence that says so, unless the first of all does, with the reason for it."""
    if pattern.search(sentences[0].text):
        return []
    saying = (n for n in nearest_first if pattern.search(sentences[n].text))
    return [(n, "says when to call") for n in saying][:1]


def _opening(sentences: list[_Sentence], relevance: Sequence[float], picked: set[int]) -> set[int]:
    """The picked sentences that go before the section's first: none, or the nearest to the question
    with all that it needs beside it and that needs it. A list stays in its place."""
    nearest = max(picked, key=lambda n: relevance[n])
    if relevance[0] >= _OPENS * relevance[nearest]:
        return set()
    opening = _with_company(sentences, nearest)
    for n in sorted(picked):
        company = _with_company(sentences, n)
        if company & opening:
            opening |= company
    listed = any(sentences[n].list_item or sentences[n].lead_in for n in opening)
    return set() if listed else opening & picked


def _size(sentences: list[_Sentence], picked: set[int]) -> int:
    """Statements of a choice; a list with its lead-in counts as two however long it is."""
    items = [n for n in picked if sentences[n].list_item]
    return len(picked) - len(items) + (1 if items else 0)


def _with_company(sentences: list[_Sentence], n: int) -> set[int]:
    """The sentence and those without which it would mislead: what it leans on, its list, and the
    one that says that sources differ."""
    wanted: set[int] = set()
    stack = [n]
    while stack:
        k = stack.pop()
        if k in wanted or not 0 <= k < len(sentences):
            continue
        wanted.add(k)
        sentence = sentences[k]
        if sentence.list_item:
            stack += _list_around(sentences, k)
        elif sentence.lead_in:
            stack += _list_around(sentences, k + 1)
        elif k > 0 and _leans(sentence.text):
            stack.append(k - 1)
        if _DIFFERS.search(sentence.text) and k > 0:
            stack.append(k - 1)
        if (
            k + 1 < len(sentences)
            and re.search(r"\d", sentence.text)
            and _DIFFERS.search(sentences[k + 1].text)
        ):
            stack.append(k + 1)
    return wanted


def _list_around(sentences: list[_Sentence], k: int) -> list[int]:
    if not (0 <= k < len(sentences)) or not sentences[k].list_item:
        return []
    first = k
    while first > 0 and sentences[first - 1].list_item:
        first -= 1
    last = k
    while last + 1 < len(sentences) and sentences[last + 1].list_item:
        last += 1
    lead = [first - 1] if first > 0 and sentences[first - 1].lead_in else []
    return lead + list(range(first, min(last, first + _MAX_LIST - 1) + 1))


def _leans(text: str) -> bool:
    return bool(_LEANS.match(text)) and not _SELF_CONTAINED.match(text)


def _sentences(chunk: Chunk) -> list[_Sentence]:
    found = []
    for span in sentence_spans(chunk.text):
        line_start = chunk.text.rfind("\n", 0, span.start) + 1
        text = span.of(chunk.text)
        found.append(
            _Sentence(
                span=Span(start=chunk.span.start + span.start, end=chunk.span.start + span.end),
                text=text,
                list_item=list_mark(chunk.text[line_start : span.start]) > 0,
                lead_in=text.endswith(":"),
                chunk=chunk,
            )
        )
    return found


def _choice(
    sentence: _Sentence, shown: bool, why: str, relevance: float, *, opens: bool
) -> _Choice:
    return _Choice(
        quote=Quote(chunk_id=sentence.chunk.chunk_id, span=sentence.span, text=sentence.text),
        list_item=sentence.list_item,
        shown=shown,
        why=why,
        relevance=relevance,
        opens=opens,
    )


def _dot(a: Vector, b: Vector) -> float:
    import numpy as np

    return float(np.dot(a, b))
