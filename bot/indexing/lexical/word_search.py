"""Word search in the FTS5 table of a generation. Common words of a big index are left out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bot.text import content_words

# The word index's own forms of a word, and how many passages hold each of them. The table of what
# was typed has no content: only such a one can be emptied without a trace.
WORD_FORMS = """
CREATE VIRTUAL TABLE temp.typed USING fts5 (
  word, content = '', tokenize = 'porter unicode61 remove_diacritics 2'
);
CREATE VIRTUAL TABLE temp.typed_forms USING fts5vocab ('temp', 'typed', 'row');
CREATE VIRTUAL TABLE temp.forms USING fts5vocab ('main', 'passages', 'row');
"""
_MOST_ROWS = 5_000
"""Passages that a word search ranks at most: ranking takes about a microsecond each, and words
that more passages hold tell little apart. Smaller indexes are searched with every word."""
_MOST_COUNTS = 8_192
# Weights of title, heading, ways of asking and body in bm25(); set on the development questions.
_FIELD_WEIGHTS = "1.0, 4.0, 2.0, 1.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class WordMatch:
    """A passage found by its words; `score` grows with the match (negated bm25)."""

    chunk_id: str
    score: float


class WordSearch:
    """Callable: a text in, the passages that share words with it out. `run` runs a statement;
    `lock` keeps others out while several belong together."""

    def __init__(
        self, run: Callable[[str, Sequence[Any]], list[tuple[Any, ...]]], lock: threading.RLock
    ) -> None:
        self._all = run
        self._lock = lock
        self._counts: dict[str, int] = {}

    def forget(self) -> None:
        """Counts of another state of the index are no longer true."""
        self._counts = {}

    def __call__(self, text: str, k: int) -> list[WordMatch]:
        """Passages that share words with `text`, best first. Any word may match; rare ones and
        those in headings weigh more; words of very many passages are left out."""
        terms = self._telling(list(dict.fromkeys(content_words(text)))[:32])
        if not terms:
            return []
        # Ranked first and joined then: a join inside would look up every passage that matches.
        rows = self._all(
            "SELECT c.chunk_id, f.score FROM (SELECT rowid,"
            f" bm25(passages, {_FIELD_WEIGHTS}) AS score FROM passages WHERE passages MATCH ?"
            " ORDER BY score LIMIT ?) f JOIN chunks c ON c.row = f.rowid"
            " ORDER BY f.score, c.chunk_id LIMIT ?",
            (" OR ".join(map(_quoted, terms)), 2 * k, k),
        )
        return [WordMatch(chunk_id=row[0], score=-float(row[1])) for row in rows]

    def _telling(self, terms: Sequence[str]) -> list[str]:
        """The rarest terms, as many as together stand in at most `_MOST_ROWS` passages."""
        kept, total = set(), 0
        for rows, term in sorted((self._rows_with(term), term) for term in terms):
            total += rows
            if total > _MOST_ROWS:
                break
            kept.add(term)
        return [term for term in terms if term in kept]

    def _rows_with(self, term: str) -> int:
        """Passages that hold the term (of a hyphenated one: its rarest part)."""
        with self._lock:
            try:
                self._all("INSERT INTO temp.typed (word) VALUES (?)", (term,))
                forms = self._all("SELECT term FROM temp.typed_forms", ())
            finally:
                self._all("INSERT INTO temp.typed (typed) VALUES ('delete-all')", ())
        return min((self._rows_of(form) for (form,) in forms), default=0)

    def _rows_of(self, form: str) -> int:
        """Passages that hold a form. Counting those of a common one takes long, so what is counted
        is remembered, but never a form that the index does not hold: it was typed (R29)."""
        counts = self._counts
        if form in counts:
            return counts[form]
        found = self._all("SELECT doc FROM temp.forms WHERE term = ?", (form,))
        if not found:
            return 0
        if len(counts) >= _MOST_COUNTS:
            counts.clear()
        return counts.setdefault(form, int(found[0][0]))


def _quoted(term: str) -> str:
    return '"' + term.replace('"', '""') + '"'
