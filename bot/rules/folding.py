"""Folding: a message becomes plain lower-case words with the strength of the break before each.

One rule: folding may merge spellings and leave out a sentence said twice, but never drops anything
else, so nothing said is lost to the rules.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from itertools import pairwise

COMMA, CLAUSE, SENTENCE = 1, 2, 3
LIMIT = 20_000
"""Code points that are examined. Longer input is examined at its head and its tail."""
MOST_WORDS = 5_000
"""So many words are examined, likewise: 20,000 code points of plain talk hold some 4,000."""

# Letters of other scripts that look like Latin ones, written by hand: only look-alikes.
_PAIRS = (
    "аa еe оo рp сc уy хx іi јj ѕs ԁd һh ӏl ԛq ԝw мm тt вb нh кk ьb ԍg "
    "αa εe νv οo ρp τt υu χx ιi κk ηn ωw βb ƖI ıi ɑa ɡg łl øo đd ħh"
)
_LOOKALIKE = {pair[0]: pair[1] for pair in _PAIRS.split()}
_FIXED = {
    "’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'", "′": "'", "“": " ", "”": " ", '"': " ",
    "º": "°", "˚": "°", "∘": "°", "–": " - ", "—": " - ", "−": "-", "‐": "-", "‑": "-",
    "…": "...", "·": ".", "٫": ".", "\u00a0": " ", "\r": "\n", "\u2028": "\n", "\u2029": "\n",
}  # fmt: skip
_INVISIBLE = [0x00AD, 0x034F, 0x061C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180E, 0x3164]
_INVISIBLE += [0xFEFF, 0xFFA0]
_INVISIBLE += [*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070)]
_INVISIBLE += [*range(0xFE00, 0xFE10), *range(0xE0000, 0xE0080)]
_BEFORE = {ord(k): v for k, v in _FIXED.items()} | dict.fromkeys(_INVISIBLE, "")
_AFTER = {ord(k): v for k, v in _LOOKALIKE.items()}

_LONG = 120
SEVERAL = 20
"""A word of more letters is no slip of another, but several in one."""
_RUN_ON = 10
"""So many of them are looked at in a message."""
_SPACED = re.compile(r"(?<![^\W_])(?:[a-z][ .*_\-]){3,}[a-z](?![^\W_])")
_MARKUP = re.compile(r"</?([a-z][^<>]{0,200})>")
_TAG = re.compile(
    r"(?:a|b|br|center|code|div|em|font|h[1-6]|hr|i|iframe|img|li|ol|p|pre|q|s|script|small|span"
    r"|strong|style|sub|sup|svg|table|td|tr|u|ul)\s*/?"
)
# "2day", "38.O", "38,l": figures for letters and letters for figures; and dictated punctuation.
_TEXTED = {
    "2day": "today", "2nite": "tonight", "2night": "tonight", "2moro": "tomorrow",
    "2morrow": "tomorrow", "2mrw": "tomorrow", "b4": "before", "every1": "everyone",
    "some1": "someone", "sum1": "someone", "any1": "anyone", "no1": "no one", "gr8": "great",
    "m8": "mate", "l8r": "later", "l8": "late", "str8": "straight", "w8": "wait",
    "4ever": "forever", "4eva": "forever", "2gether": "together", "h8": "hate",
    "w/o": "without", "w/": "with",
    "full stop": ".", "question mark": "?",
}  # fmt: skip
_TEXT = re.compile(rf"(?<![^\W_])(?:{'|'.join(re.escape(each) for each in _TEXTED)})(?![^\W_])")
_DIGIT_O = re.compile(r"(?<=\d[.,])[oO](?![^\W_])|(?<=\d)[oO](?=[\d.,])")
_RUN = re.compile(r"([^\W\d_])\1{2,}")
_TOKEN = re.compile(
    r"(?P<leet>[a-z]+[013457@$]+[a-z]+(?![\w]))"
    r"|(?P<number>\d+(?:[.,]\d+)*(?:s(?![^\W_]))?)"
    r"|(?P<word>[^\W\d_]+(?:['*][^\W\d_]+)*)"
    r"|(?P<mark>\n\s*\n|\n|[.]{2,}|[.!?;:,()°%/<>=~]|[£$€](?=\d)| -+(?= )|-)"
)
_LEET = str.maketrans("013457@$", "oieastas")
_MARKS = {".": SENTENCE, "!": SENTENCE, "?": SENTENCE, "\n": CLAUSE, ";": CLAUSE, ":": CLAUSE}
_SYMBOLS = frozenset("°%/<>=~£$€")
_PRONOUN_IS = frozenset(
    "he she it that there what who how where here everything something everyone".split()
)
_SUFFIX = {"ve": "have", "ll": "will", "re": "are", "d": "would", "m": "am"}
CONTRACTED: dict[str, tuple[str, ...]] = {
    "im": ("i", "am"), "ive": ("i", "have"), "hes": ("he", "is"), "shes": ("she", "is"),
    "its": ("it", "is"), "theyre": ("they", "are"), "theyve": ("they", "have"),
    "weve": ("we", "have"), "youve": ("you", "have"), "youre": ("you", "are"),
    "theres": ("there", "is"), "thats": ("that", "is"), "whats": ("what", "is"),
    "hows": ("how", "is"), "whos": ("who", "is"), "wheres": ("where", "is"),
    "cannot": ("cant",), "wanna": ("want", "to"), "wana": ("want", "to"), "tryna": ("trying", "to"),
    "finna": ("going", "to"), "gna": ("going", "to"), "gonnae": ("going", "to"),
    "hafta": ("have", "to"), "dyou": ("do", "you"), "dya": ("do", "you"),
    "idk": ("dont", "know"), "gonna": ("going", "to"),
    "gotta": ("have", "to"), "dunno": ("dont", "know"), "u": ("you",), "ur": ("your",),
    "r": ("are",), "pls": ("please",), "plz": ("please",), "cuz": ("because",),
    "coz": ("because",), "cos": ("because",), "bc": ("because",), "aint": ("isnt",),
    "i'm": ("i", "am"), "won't": ("wont",), "can't": ("cant",), "ain't": ("isnt",),
    "let's": ("let", "us"), "n't": ("not",), "outta": ("out", "of"), "kinda": (), "sorta": (),
    "lemme": ("let", "me"), "gimme": ("give", "me"), "imma": ("i", "will"),
}  # fmt: skip
_WITH_NOT = {
    "can": "cant", "could": "couldnt", "do": "dont", "does": "doesnt", "did": "didnt",
    "has": "hasnt", "have": "havent", "had": "hadnt", "is": "isnt", "are": "arent",
    "was": "wasnt", "were": "werent", "will": "wont", "would": "wouldnt", "should": "shouldnt",
}  # fmt: skip

# "want 2 die": the number stands for the word.
_TWO = re.compile("2")
_BEFORE_TO = frozenset("want need going wanna trying have ready struggling able hard".split())

Correct = Callable[[str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """`breaks[i]` is the strength of the break before word i (0 none, then COMMA, CLAUSE,
    SENTENCE); `asked` holds the index after the last word of each sentence ended by `?`."""

    words: tuple[str, ...]
    breaks: tuple[int, ...]
    asked: frozenset[int] = frozenset()

    def part(self, first: int, last: int) -> Folded:
        """Words `first` to `last` (half-open) as a message of their own. A question mark right
        before `last` is left out: "my gums bleed? is that the gvhd" tells of gums."""
        return Folded(
            words=self.words[first:last],
            breaks=self.breaks[first:last],
            asked=frozenset(end - first for end in self.asked if first < end < last),
        )

    def sentence_starts(self) -> list[int]:
        """The first word of each sentence."""
        return [0] + [i for i, b in enumerate(self.breaks) if i and b >= SENTENCE]


def plain(text: str) -> str:
    """Lower case, accents and invisible characters off, look-alike letters as Latin ones.

    Longer than `LIMIT`: only the head and the tail, half each; NFKC makes up to 18 of one.
    """
    text = _ends(text).replace("\r\n", "\n")
    if text.isascii():
        return text.translate(_BEFORE).lower()
    text = _ends(unicodedata.normalize("NFKC", text.translate(_BEFORE))).casefold()
    text = unicodedata.normalize("NFD", text.translate(_BEFORE))
    return "".join(c for c in text if not unicodedata.combining(c)).translate(_AFTER)


def _ends(text: str) -> str:
    if len(text) <= LIMIT:
        return text
    return text[: LIMIT // 2] + "\n\n" + text[-LIMIT // 2 :]


def _without_markup(text: str) -> str:
    """Markup off, so that it parts no sentence. What stands in it is kept behind, but for the bare
    names of tags: people write "<" for "below", and what they say then may end at a ">"."""
    inside: list[str] = []

    def taken(match: re.Match[str]) -> str:
        if not _TAG.fullmatch(match[1]):
            inside.append(match[1])
        return " "

    return "\n\n".join((_MARKUP.sub(taken, text), *inside))


def _same(word: str) -> str:
    return word


def words_of(text: str, slips: Mapping[str, str]) -> tuple[str, ...]:
    """The words that messages have where they hold this text: "whats" is two, a listed slip the
    word that it stands for (`slips` maps the one to the other)."""
    return fold(text, lambda word: slips.get(word, word)).words


def _remembering(correct: Correct) -> Correct:
    """The same, each word looked up once in this one message: a word said a thousand times must
    not slow the rest, and none may be remembered beyond the message. Of words so long that they
    must be several, the first few only: they take longest, and a page of them is no message."""
    found: dict[str, str] = {}
    left = _RUN_ON

    def remembered(word: str) -> str:
        nonlocal left
        if word not in found:
            several = len(word) > SEVERAL
            left -= several
            found[word] = word if several and left < 0 else correct(word)
        return found[word]

    return remembered


def fold(text: str, correct: Correct = _same, known: Container[str] = ()) -> Folded:
    """The words of a message and the breaks between them.

    `correct` maps a word to the known word it is a slip of, or returns it as it is. `known` (by
    default nothing) decides whether `k1ll` may be read as `kill`.
    """
    text = _DIGIT_O.sub("0", _without_markup(plain(text)))
    text = _TEXT.sub(lambda m: _TEXTED[m.group()], text)
    text = _SPACED.sub(lambda m: re.sub(r"[^a-z]", "", m.group()), text)
    correct = _remembering(correct)
    words: list[str] = []
    breaks: list[int] = []
    asked: set[int] = set()
    pending = 0

    def add(word: str) -> None:
        nonlocal pending
        if word == "not" and words and not pending and words[-1] in _WITH_NOT:
            words[-1] = _WITH_NOT[words[-1]]
            return
        words.append(word)
        breaks.append(pending)
        pending = 0

    for match in _TOKEN.finditer(text):
        kind, token = match.lastgroup, match.group()
        if kind == "word":
            for word in _plain_words(token, correct):
                add(word)
        elif _TWO.fullmatch(token) and not pending and words and words[-1] in _BEFORE_TO:
            add("to")
        elif kind == "number":
            add(token.replace(",", ".") if re.fullmatch(r"\d+,\d{1,2}", token) else token)
        elif kind == "leet":
            read = token.translate(_LEET)
            for word in [read] if read in known else re.findall(r"\d+|[^\d]+", token):
                add(correct(word))
        elif token in _SYMBOLS:
            add(token)
        else:
            pending = max(pending, _strength(token))
            if "?" in token:
                asked.add(len(words))
    if len(words) > MOST_WORDS:
        asked = _without_middle(words, breaks, asked)
    _join_torn(words, breaks, asked, known)
    if len(words) > _LONG:
        return _without_repeats(words, breaks, asked)
    return Folded(words=tuple(words), breaks=tuple(breaks), asked=frozenset(asked))


def _without_middle(words: list[str], breaks: list[int], asked: set[int]) -> set[int]:
    """Leaves the first and the last words; the new places of the question marks."""
    half = MOST_WORDS // 2
    end = len(words) - half
    del words[half:end], breaks[half:end]
    breaks[half] = SENTENCE
    return {at if at <= half else at - end + half for at in asked if at <= half or at > end}


def _join_torn(words: list[str], breaks: list[int], asked: set[int], known: Container[str]) -> None:
    """Makes one word of two pieces that are not both words by themselves ("ki ll")."""
    for at in range(len(words) - 2, -1, -1):
        first, second = words[at], words[at + 1]
        torn = not breaks[at + 1] and len(first) + len(second) >= 4 and (first + second).isalpha()
        if torn and first + second in known and not (first in known and second in known):
            words[at : at + 2] = [first + second]
            del breaks[at + 1]
            moved = {end - 1 if end > at + 1 else end for end in asked}
            asked.clear()
            asked.update(moved)


def _without_repeats(words: list[str], breaks: list[int], asked: set[int]) -> Folded:
    """Each different sentence once: pasting one a thousand times must not hide or slow the rest."""
    kept: list[str] = []
    strengths: list[int] = []
    marks: set[int] = set()
    seen: set[tuple[str, ...]] = set()
    cuts = [0, *(i for i, b in enumerate(breaks) if i and b >= SENTENCE), len(words)]
    for first, last in pairwise(cuts):
        sentence = tuple(words[first:last])
        if sentence in seen:
            continue
        seen.add(sentence)
        kept += sentence
        strengths += breaks[first:last]
        if last in asked:
            marks.add(len(kept))
    return Folded(words=tuple(kept), breaks=tuple(strengths), asked=frozenset(marks))


def _strength(mark: str) -> int:
    if mark.startswith("\n"):
        return SENTENCE if mark.count("\n") > 1 else CLAUSE
    if mark == "-":
        return 0
    if mark.startswith(" -"):
        return CLAUSE
    return _MARKS.get(mark, COMMA)


def _plain_words(token: str, correct: Correct) -> tuple[str, ...]:
    if token in CONTRACTED:
        return CONTRACTED[token]
    if "'" in token:
        stem, _, end = token.partition("'")
        if end == "t" and stem.endswith("n"):
            return (stem + "t",)
        if end == "s":
            return (stem, "is") if stem in _PRONOUN_IS else (correct(stem),)
        if end in _SUFFIX:
            return (correct(stem), _SUFFIX[end])
        token = token.replace("'", "")
    token = token.replace("*", "")
    if _RUN.search(token):
        once = _RUN.sub(r"\1", token)
        twice = _RUN.sub(r"\1\1", token)
        token = twice if correct(once) == once and correct(twice) != twice else once
        if token in CONTRACTED:
            return CONTRACTED[token]
    token = correct(token)
    if " " not in token:
        return (token,)
    return tuple(word for part in token.split(" ") for word in CONTRACTED.get(part, (part,)))
