"""From a question to a query: short forms, slips of spelling, follow-ups. For retrieval only.

The question itself is never changed; safety rules and the answerability check see the user's own
words. Spelling is corrected only towards words that the documents hold, and never from or to the
name of a medicine unless one letter differs and no other medicine is near.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from rapidfuzz import fuzz, process
from rapidfuzz.distance import DamerauLevenshtein

from bot.lexicon import Lexicon
from bot.records import Query, Question
from bot.text import STOPWORDS, canonical, content_words, stem, words

_MIN_LETTERS = 6
_MIN_RATIO = 85.0
_MOST_OWN = 5
"""Words of its own up to which a message may still lean on the one before."""
_LEANS_BACK = re.compile(
    r"\b(?:it|its|that|this|these|those|they|them|their|he|she|there|same|one)\b", re.IGNORECASE
)
_GOES_ON = re.compile(
    r"^\W*(?:and|but|so|or|what about|how about|what if|why|how long|how often|when|how come"
    r"|is it|does it|can it|will it|for how long|how bad|how common|even if)\b",
    re.IGNORECASE,
)
_OPENING = re.compile(
    r"^\W*(?:(?:and|but|so|also|then|ok|okay|oh|right|thanks|thank you)\b\W*)+", re.IGNORECASE
)
"""What only ties a message to the talk before it. No way of asking begins like that, and the model
takes it for a part of the question."""
_TIED = re.compile(r"^\W*(?:and|or)\b", re.IGNORECASE)
"""With a word or none of its own behind it ("and platelets") it says nothing by itself."""


_WHOLE_WORD = re.compile(r"\w+")


class Rewriter:
    """`vocabulary` maps the words of the documents to their counts."""

    def __init__(self, lexicon: Lexicon, vocabulary: Mapping[str, int]) -> None:
        self._lexicon = lexicon
        self._known = set(vocabulary)
        self._stems = {stem(word) for word in vocabulary}
        self._targets = sorted(
            w for w, n in vocabulary.items() if len(w) >= _MIN_LETTERS - 1 and w.isalpha()
        )

    def readings(self, question: Question) -> tuple[Query, ...]:
        """The likeliest reading first. A short message after others may go on from them or not:
        then both readings, for what is found to decide."""
        text = " ".join(canonical(question.text).split())
        lead = self._lead(question)
        own = self._own(text)
        if not lead or len(own) > _MOST_OWN:
            return (self._read(text, None),)
        leans = bool(_LEANS_BACK.search(text)) and len(own) <= 3
        fragment = bool(_GOES_ON.match(text)) and len(own) <= 2
        said = _OPENING.sub("", text) or text
        going_on = self._read(said, lead)
        if _TIED.match(text) and len(own) <= 1:
            return (going_on,)
        alone = self._read(said, None)
        return (going_on, alone) if leans or fragment else (alone, going_on)

    def _read(self, text: str, lead: str | None) -> Query:
        notes = [f"Understood as going on from: {lead}"] if lead else []
        fixed = self._spelling(text, notes)
        expansions = self._expansions(f"{lead} {fixed}" if lead else fixed)
        # Only the topic of the earlier question: its other words would drown the new ones.
        body = f"{fixed} {self._topic(lead)}" if lead else fixed
        return Query(text=body, expansions=tuple(expansions), notes=tuple(notes))

    def _own(self, text: str) -> list[str]:
        """The words of the message that the documents know."""
        return [
            w for w in content_words(text) if w in self._stems or w in self._lexicon.abbreviations
        ]

    def _lead(self, question: Question) -> str | None:
        """The last earlier question that has a topic of its own, or None."""
        earlier = [turn.text for turn in question.history if turn.role == "user"]
        for past in (" ".join(canonical(turn).split()) for turn in reversed(earlier)):
            topic = self._own(past) and not _LEANS_BACK.search(past)
            if topic or len(content_words(past)) >= 2 or self._expansions(past):
                return past[:300]
        return None

    def _topic(self, lead: str) -> str:
        return " ".join(w for w in words(lead) if w.replace("'", "") not in STOPWORDS) or lead

    def _expansions(self, text: str) -> list[str]:
        found = [
            self._lexicon.abbreviations[word]
            for word in dict.fromkeys(words(text))
            if word in self._lexicon.abbreviations
        ]
        return list(dict.fromkeys(found))

    def _spelling(self, text: str, notes: list[str]) -> str:
        fixed = text
        for word in dict.fromkeys(words(text)):
            better = self._correct(word)
            if better:
                fixed = _with_word(fixed, word, better)
                notes.append(f"Searched also for “{better}” (you wrote “{word}”).")
        return fixed

    def _correct(self, word: str) -> str | None:
        if (
            len(word) < _MIN_LETTERS
            or not word.isalpha()
            or word in STOPWORDS
            or word in self._known
            or stem(word) in self._stems
            or word in self._lexicon.abbreviations
            or word in self._lexicon.medicines
        ):
            return None
        best = process.extractOne(word, self._targets, scorer=fuzz.ratio, score_cutoff=_MIN_RATIO)
        if best is None:
            return None
        found = str(best[0])
        if found in self._lexicon.medicines:
            near = [m for m in self._lexicon.medicines if DamerauLevenshtein.distance(word, m) <= 2]
            if near != [found] or DamerauLevenshtein.distance(word, found) > 1:
                return None
        return found


def _with_word(text: str, word: str, better: str) -> str:
    """The text with `better` in the place of a word in small letters. With a pattern of its own the
    word would stay in the cache of patterns (R29)."""
    return _WHOLE_WORD.sub(lambda m: better if m.group().casefold() == word else m.group(), text)
