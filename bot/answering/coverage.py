"""Coverage: whether a passage holds the words of a question in another language than English.

The model and the answerability weights know English only: to them all sentences of another language
look alike, so that a near passage proves nothing there. One rule: most of the question's own words
must stand in the passage or in its ways of asking; else it is not answered.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import replace

from bot.records import Chunk, Retrieved, Verdict

_SHARE = 0.66
_SHARE_OF_ALL = 0.85
"""Where the everyday words of the language are not known: they count as well, and often fit."""
_LEAST_WORDS = 2
_STEM = 5
"""Letters that decide: endings differ ("vacuna", "vacunas")."""
_WORD = re.compile(r"[^\W\d_]+")


def only_covered(
    question: str, retrieved: Retrieved, verdict: Verdict, common: Collection[str]
) -> tuple[Retrieved, Verdict]:
    """The hits that hold the question's words, and the verdict where none does. `common` are words
    that texts of the language hold whatever they are about."""
    hits = tuple(hit for hit in retrieved.hits if covers(question, hit.chunk, common))
    if hits or verdict.kind == "unanswerable":
        return replace(retrieved, hits=hits or retrieved.hits), verdict
    reason = "no passage holds the words of the question"
    return retrieved, replace(verdict, kind="unanswerable", reason=reason)


def covers(question: str, chunk: Chunk, common: Collection[str]) -> bool:
    asked = _stems(question, common)
    topic = " ".join((*chunk.heading, *chunk.asked))
    # A single word is named by many passages; what it is, is told where it is the topic.
    held = _stems(f"{topic} {chunk.text}" if len(asked) > 1 else topic, common)
    found = asked & held
    share = _SHARE if common else _SHARE_OF_ALL
    return len(found) >= min(_LEAST_WORDS, len(asked)) and 0 < share * len(asked) <= len(found)


def _stems(text: str, common: Collection[str]) -> set[str]:
    apart = unicodedata.normalize("NFD", text.casefold())
    bare = "".join(c for c in apart if not unicodedata.combining(c))
    words = (word for word in _WORD.findall(bare) if len(word) > 2 and word not in common)
    return {word[:_STEM] for word in words}
