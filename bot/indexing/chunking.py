"""Passages: whole sentences of one section, as many as fit the model's window.

Invariant of every chunk: `chunk.text == document.text[chunk.span]`. Every sentence of a section
lies in exactly one chunk, unless it is longer than the window by itself; then it is cut between
words and its pieces lie in consecutive chunks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from bot.records import Chunk, Section, SourceDocument, Span
from bot.text import list_mark, sentence_spans, trimmed

CHUNK_RULES_VERSION = 1
"""Part of the index fingerprint: raise it when the rules below change."""


Count = Callable[[Sequence[str]], list[int]]


def chunk_document(
    document: SourceDocument, *, count_tokens: Count, max_tokens: int
) -> list[Chunk]:
    """The passages of a document in reading order.

    `max_tokens` bounds heading and text together, in the model's own tokens, which `count_tokens`
    counts for each of some texts.
    """
    return [
        Chunk(
            source=document.info,
            heading=section.heading,
            span=span,
            text=span.of(document.text),
            page=section.page,
            asked=section.asked,
            support=tuple(s for s in document.support if span.contains(s.span)),
        )
        for section in document.sections
        for span in _section_spans(document.text, section, count_tokens, max_tokens)
    ]


def heading_text(chunk: Chunk) -> str:
    """The heading path in one line; it is embedded by itself, too."""
    return " - ".join(chunk.heading)


def passage_text(chunk: Chunk) -> str:
    """What is embedded for a passage: its heading gives the sentences their subject."""
    return f"{heading_text(chunk)}: {chunk.text}"


def _section_spans(text: str, section: Section, count: Count, max_tokens: int) -> Iterator[Span]:
    sentences = [
        Span(start=section.span.start + sentence.start, end=section.span.start + sentence.end)
        for sentence in sentence_spans(section.span.of(text))
    ]
    # Counted all at once: one by one it was a twentieth of an ingest.
    heading, *tokens_of_each = count(
        [" - ".join(section.heading) + ": ", *(span.of(text) for span in sentences)]
    )
    room = max(16, max_tokens - heading)
    units: list[tuple[Span, int]] = []
    for span, tokens in zip(sentences, tokens_of_each, strict=True):
        units += [(span, tokens)] if tokens <= room else _cut(text, span, count, room)
    total = sum(tokens for _, tokens in units)
    # Equal shares avoid a last passage of a single left-over sentence.
    share = room if total <= room else min(room, math.ceil(total / math.ceil(total / room)) + 24)
    start, end, used = None, 0, 0
    for position, (span, tokens) in enumerate(units):
        over_share = used + tokens > share and not _keeps_list(text, units, position)
        if start is not None and (over_share or used + tokens > room):
            yield Span(start=start, end=end)
            start, used = None, 0
        if start is None:
            start = span.start
        end, used = span.end, used + tokens
    if start is not None:
        yield Span(start=start, end=end)


def _keeps_list(text: str, units: list[tuple[Span, int]], position: int) -> bool:
    """True where a cut before this unit would part a list item from its lead-in or its list."""
    span = units[position][0]
    line = text.rfind("\n", 0, span.start) + 1
    return list_mark(text[line : span.start]) > 0


def _cut(text: str, span: Span, count: Count, room: int) -> Iterator[tuple[Span, int]]:
    """Pieces of a sentence that is too long, cut between words, each within `room` tokens."""
    middle = (span.start + span.end) // 2
    cut = text.rfind(" ", span.start, middle)
    cut = cut if cut > span.start else text.find(" ", middle, span.end)
    if cut <= span.start:
        cut = middle
    for half in (trimmed(text, span.start, cut), trimmed(text, cut, span.end)):
        if half.start < half.end:
            (tokens,) = count([half.of(text)])
            if tokens <= room:
                yield half, tokens
            else:
                yield from _cut(text, half, count, room)
