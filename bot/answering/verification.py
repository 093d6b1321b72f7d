"""Verification: the same check for every writer. What fails is dropped whole, never patched.

A statement is kept only if each of its quotes stands, byte for byte, in a retrieved passage at the
span it claims; every number and medicine name in it occurs in its quotes; and its content words do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bot.records import Checked, Draft, Dropped, Hit, SourceDocument, Statement
from bot.text import content_words, numbers, words

_MIN_SUPPORTED = 0.8
"""Least share of a statement's content words that its quotes must hold (own choice: an extractive
statement has 1.0; a reworded one keeps its nouns)."""


class Verifier:
    """`document` gives the stored document of a source_id; `medicines` are folded names."""

    def __init__(
        self, document: Callable[[str], SourceDocument], medicines: frozenset[str]
    ) -> None:
        self._document = document
        self._medicines = medicines

    def __call__(self, draft: Draft, hits: Sequence[Hit]) -> Checked:
        by_id = {hit.chunk.chunk_id: hit for hit in hits}
        kept: list[Statement] = []
        dropped: list[Dropped] = []
        for statement in draft.statements:
            why = self._fault(statement, by_id)
            if why is None:
                kept.append(statement)
            else:
                dropped.append(Dropped(statement=statement, why=why))
        return Checked(kept=tuple(kept), dropped=tuple(dropped))

    def _fault(self, statement: Statement, by_id: dict[str, Hit]) -> str | None:
        if not statement.text.strip():
            return "it is empty"
        if not statement.quotes:
            return "it has no quote"
        for quote in statement.quotes:
            hit = by_id.get(quote.chunk_id)
            if hit is None:
                return f"its quote names a passage that was not retrieved ({quote.chunk_id})"
            if not hit.chunk.span.contains(quote.span) or not quote.text.strip():
                return "its quote lies outside the passage"
            stored = self._document(hit.chunk.source.source_id).text
            if quote.span.of(stored) != quote.text:
                return "its quote is not word for word in the document"
        quoted = " ".join(quote.text for quote in statement.quotes)
        for number in numbers(statement.text):
            if number not in numbers(quoted):
                return f"the number {number} is not in its quotes"
        for word in words(statement.text):
            if word in self._medicines and word not in words(quoted):
                return f"the medicine {word} is not in its quotes"
        claimed = set(content_words(statement.text))
        supported = claimed & set(content_words(quoted))
        if claimed and len(supported) / len(claimed) < _MIN_SUPPORTED:
            return "its words are not supported by its quotes"
        return None
