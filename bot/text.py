"""Pure text: canonical form, sentence spans, words, reading grade. No files, no settings.

All spans are half-open code-point offsets into the text that was given.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

import sentencex

from bot.records import Span

# Bidirectional controls, zero-width marks and the soft hyphen can hide or reorder words; no
# leaflet needs them. ZWJ and ZWNJ stay: some scripts cannot be spelled without them.
_INVISIBLE = re.compile(
    "[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]"
)
# Half of a surrogate pair is no character and cannot be written as UTF-8.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_WORD = re.compile(r"[^\W_]+(?:['’\-][^\W_]+)*")
# sentencex ends a sentence after these although they are abbreviations.
_NO_END = re.compile(
    r"(?:\b(?:temp|approx|no|vs|fig|e\.g|i\.e|etc|max|min|est|dept|tel|ext|incl|wk|wks|hr|hrs|mth|mths)\.)$",
    re.IGNORECASE,
)
_LONGEST_NO_END = len(" approx.")
# ... and does not end one after a unit such as 10^9/L.
_MISSED_END = re.compile(r"(?<=/[Ll]\.)\s+(?=[A-Z])|(?<=[.!?]['\"”’])\s+(?=[A-Z])")

STOPWORDS = frozenset(
    """a about after again all also am an and any are as at be because been before being but by can
    could did do does doing done for from further get gets getting got had has have having he her
    here hers him his how i if in into is it its itself just let like may me might more most much my
    myself no nor not now of off on once only or other our out over own please same she should so
    some such tell than that the their them then there these they this those through to too under
    until up us very was we were what whats when where which while who whom why will with would you
    your yours dont doesnt didnt isnt arent im ive youre theres whos hows""".split()
)


def canonical(raw: str) -> str:
    """NFC, `\\n` line ends, no control or invisible characters, no trailing blanks on a line."""
    text = raw.replace("\r\n", "\n").replace("\r", "\n")
    text = _INVISIBLE.sub(
        "", _CONTROL.sub("", text.replace("\u2028", "\n").replace("\u2029", "\n"))
    )
    text = unicodedata.normalize("NFC", text).replace("\u00a0", " ")
    return re.sub(r"[ \t]+(?=\n|$)", "", text)


def trimmed(text: str, start: int, end: int) -> Span:
    """The span without the white space at either end."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return Span(start=start, end=end)


_LIST_MARK = re.compile(r"[ \t]*(?:[-*•–]|\d{1,3}[.)])[ \t]+")


def list_mark(line: str) -> int:
    """How many characters at the start of `line` are a list marker; 0 where it is no list item."""
    match = _LIST_MARK.match(line)
    return match.end() if match else 0


def _lines(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for line in text.split("\n"):
        yield start, start + len(line)
        start += len(line) + 1


def sentence_spans(text: str, language: str = "en") -> list[Span]:
    """Spans of the sentences of `text`, in order, without the white space between them.

    A sentence never crosses a line end; a list item's marker is not part of it. Every character
    that is neither white space nor a list marker lies in exactly one span.
    """
    spans: list[Span] = []
    for line_start, line_end in _lines(text):
        line = text[line_start:line_end]
        if not line.strip():
            continue
        begin = line_start + list_mark(line)
        for start, end in _segments(text[begin:line_end], language):
            span = trimmed(text, begin + start, begin + end)
            if span.start < span.end:
                spans.append(span)
    return spans


def _segments(line: str, language: str) -> list[tuple[int, int]]:
    ends = [int(b["end_index"]) for b in sentencex.get_sentence_boundaries(language, line)]
    # Searched in all of the line so far, each time, it was 3 in 100 of an ingest.
    ends = [end for end in ends if not _NO_END.search(line[:end].rstrip()[-_LONGEST_NO_END:])]
    ends += [m.end() for m in _MISSED_END.finditer(line)]
    ends.append(len(line))
    cuts = sorted({end for end in ends if 0 < end <= len(line)})
    return [(a, b) for a, b in zip([0, *cuts], cuts, strict=False) if a < b]


def words(text: str) -> list[str]:
    """Lower-case words, hyphenated ones whole (`graft-versus-host`), in order."""
    return [m.group().casefold().replace("’", "'") for m in _WORD.finditer(text)]


def stem(word: str) -> str:
    """A light English stem: plural and common verb endings off. Only for comparing words."""
    # Not cached: what people type would stay (R29), and a cache saves a third of a microsecond.
    w = word.removesuffix("'s")
    if len(w) > 4 and w.endswith("ies"):
        return w[:-3] + "y"
    if len(w) > 4 and w.endswith(("sses", "shes", "ches", "xes")):
        return w[:-2]
    if len(w) > 3 and w.endswith("s") and not w.endswith(("ss", "us", "is")):
        w = w[:-1]
    for ending in ("ing", "ed"):
        if len(w) > len(ending) + 3 and w.endswith(ending):
            w = w[: -len(ending)]
            if w[-1] == w[-2] and w[-1] not in "lsz":
                w = w[:-1]
            break
    return w.removesuffix("e") if len(w) > 4 else w


def content_words(text: str) -> list[str]:
    """Stems of the words that carry meaning; hyphenated words also give their parts."""
    found: list[str] = []
    for word in words(text):
        parts = [word, *re.split(r"[-']", word)] if "-" in word else [word]
        found += [stem(part) for part in parts if part and part.replace("'", "") not in STOPWORDS]
    return found


_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def numbers(text: str) -> list[str]:
    """The numbers in `text` as written, thousands commas taken out (`1,500` gives `1500`)."""
    return [re.sub(r"(?<=\d),(?=\d{3}\b)", "", match.group()) for match in _NUMBER.finditer(text)]


_VOWELS = re.compile(r"[aeiouy]+")
# Two vowels that are two syllables: ra-di-ation, pe-ri-od, us-u-al, allo-gene-ic.
_HIATUS = re.compile(r"(?<![cts])i[aou]|eo(?!p)|(?<![gq])ua|ei(?=c$)|oi(?=n?g$)")


@lru_cache(maxsize=65536)  # only documents and our own texts are graded, never a question
def syllables(word: str) -> int:
    """Syllables of an English word by vowel groups (no dictionary; errs slightly high)."""
    w = re.sub(r"[^a-z]", "", word.casefold())
    if not w:
        return 1
    if len(w) <= 3:
        return max(1, len(_VOWELS.findall(w)))
    w = re.sub(r"(?:[^laeiouy]es|[^tdaeiouy]ed|[^laeiouy]e)$", lambda m: m.group()[0], w)
    count = len(_VOWELS.findall(w))
    count += len(_HIATUS.findall(w))
    return max(1, count)


def flesch_kincaid(text: str) -> float:
    """Flesch-Kincaid grade (Kincaid et al. 1975), 0.0 where there are no words:
    0.39 words/sentence + 11.8 syllables/word - 15.59. Numbers count as one syllable."""
    sentences = sentence_spans(text)
    found = [w for span in sentences for part in words(span.of(text)) for w in part.split("-")]
    if not found:
        return 0.0
    per_word = sum(syllables(word) for word in found) / len(found)
    return 0.39 * len(found) / len(sentences) + 11.8 * per_word - 15.59
