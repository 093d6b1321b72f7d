"""What the withdrawals mean in texts as they stand now.

A withdrawn passage is two places and the hash of the words between them. While the words are there
they are withheld there. After an edit they may stand elsewhere: they are withheld wherever exactly
they stand. Where they stand nowhere, nobody knows what became of them, and the whole document is
withheld until somebody looked at it. A withdrawal from before the words were kept stays at its
places, whatever stands there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from bot.errors import UnknownSource
from bot.records import Chunk, SourceDocument, Span
from bot.withdrawals import Withdrawal, names_of, sha256_of

State = Literal["there", "moved", "lost"]
TextOf = Callable[[str], str | None]
"""The text of a document as it is now; None where there is no such document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Where the words of a withdrawn passage stand now; nowhere where they are `lost`."""

    state: State
    spans: tuple[Span, ...] = ()


def held(item: Withdrawal, text: str) -> Held:
    """Find the words of a withdrawn passage in the text of its document."""
    assert item.span is not None
    if item.words is None or sha256_of(item.span.of(text)) == item.words.sha256:
        return Held(state="there", spans=(item.span,))
    found = _found(item, text)
    return Held(state="moved" if found else "lost", spans=found)


@lru_cache(maxsize=64)  # pages ask again and again; each entry holds a text
def _found(item: Withdrawal, text: str) -> tuple[Span, ...]:
    # A long leaflet has millions of places; hashing each would take half a minute. Few of them
    # have the same sum.
    import numpy as np

    assert item.span is not None
    assert item.words is not None
    length = item.span.end - item.span.start
    if length > len(text):
        return ()
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    sums = np.concatenate(([0], np.cumsum(codes, dtype=np.int64)))
    alike = np.flatnonzero(sums[length:] - sums[: len(sums) - length] == item.words.code_sum)
    places = (Span(start=start, end=start + length) for start in alike.tolist())
    return tuple(span for span in places if sha256_of(span.of(text)) == item.words.sha256)


class Withheld:
    """What is withheld of documents with these texts. Reads only those of which passages are
    withdrawn."""

    def __init__(self, items: Iterable[Withdrawal], text_of: TextOf) -> None:
        parts: dict[str, list[Withdrawal]] = {}
        whole = set()
        for item in items:
            if item.span is None:
                whole.add(item.source_id)
            else:
                parts.setdefault(item.source_id, []).append(item)
        self._spans: dict[str, tuple[Span, ...]] = {}
        for source_id, withdrawn in parts.items():
            text = None if source_id in whole else text_of(source_id)
            if text is None:
                continue
            found = [held(item, text) for item in withdrawn]
            if any(h.state == "lost" for h in found):
                whole.add(source_id)
            else:
                self._spans[source_id] = tuple(span for h in found for span in h.spans)
        self._whole = frozenset(whole)

    def source(self, source_id: str) -> bool:
        """Is a whole document withheld?"""
        return source_id in self._whole

    def spans_of(self, source_id: str) -> tuple[Span, ...]:
        """The stretches of a document that are withheld, where it is not withheld as a whole."""
        return self._spans.get(source_id, ())

    def span(self, source_id: str, span: Span) -> bool:
        """Is a stretch withheld, wholly or in part?"""
        return self.source(source_id) or touches(self.spans_of(source_id), span)

    def covers(self, chunk: Chunk) -> bool:
        """Is a passage withheld, wholly or in part?"""
        return self.span(chunk.source.source_id, chunk.span)


def touches(spans: Iterable[Span], span: Span) -> bool:
    """Do any of these stretches and this one have a letter in common?"""
    return any(s.start < span.end and span.start < s.end for s in spans)


def text_in(document_of: Callable[[str], SourceDocument]) -> TextOf:
    """The texts of what gives documents, or raises `UnknownSource`."""

    def text_of(source_id: str) -> str | None:
        try:
            return document_of(source_id).text
        except UnknownSource:
            return None

    return text_of


def withheld_of(document: SourceDocument, items: Iterable[Withdrawal]) -> tuple[Span, ...]:
    """The stretches of one document that are withheld; all of it as one stretch."""
    source_id = document.info.source_id
    withheld = Withheld(
        (item for item in items if item.source_id == source_id), lambda _: document.text
    )
    if withheld.source(source_id):
        return (Span(start=0, end=len(document.text)),)
    return withheld.spans_of(source_id)


def told(items: Sequence[Withdrawal], text_of: TextOf) -> list[str]:
    """The withdrawals in words for operators: what each is, and what became of its words."""
    return [
        f"{name}{f' ({became})' if (became := _became(name, item, text_of)) else ''}"
        for name, item in sorted(names_of(items).items())
    ]


def changed(items: Sequence[Withdrawal], document: SourceDocument) -> tuple[str, ...]:
    """What an operator must know of the withdrawn passages of a document that was just read."""
    source_id = document.info.source_id
    own = {n: w for n, w in names_of(items).items() if w.source_id == source_id and w.span}
    return tuple(
        f"withdrawn {name}: {became}"
        for name, item in own.items()
        if (became := _became(name, item, lambda _: document.text))
    )


def _became(name: str, item: Withdrawal, text_of: TextOf) -> str:
    text = None if item.span is None else text_of(item.source_id)
    if text is None:
        return ""
    if item.words is None:
        return (
            "by its place alone, whatever stands there: see that it is the right passage, then "
            "withdraw it again to keep it with its words"
        )
    now = held(item, text)
    if now.state == "moved":
        spans = ", ".join(f"{span.start}-{span.end}" for span in now.spans)
        return f"its words stand at {spans} now and are withheld there"
    if now.state == "there":
        return ""
    return (
        f"its words are no longer there as they were, so all of {item.source_id} is withheld; read "
        f'it, withdraw what must stay out, then run: python -m bot restore "{name}"'
    )
