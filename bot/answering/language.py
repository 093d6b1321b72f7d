"""Language: which language a message is in, where it is clearly not English.

One rule: unless most of the message speaks for another language, it is taken for English. A
misspelt or clipped English message must never be sent away.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

from bot.records import Question
from bot.rules import Rules
from bot.rules.models import LanguageRule

_WORD = re.compile(r"[^\W\d_]+")
_EXAMINED = 2000
ENGLISH = "en"
"""The language of the rules and of the guides."""
_ENGLISH = frozenset(
    "the a an and or of to in is are was were be been do does did have has had can could will "
    "would should i you he she we they it my your his her our their this that what how why when "
    "where who which for with from at on not no if about after before there any some".split()
)


class Language:
    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._by_script: dict[str, list[LanguageRule]] = {}
        self._latin: list[LanguageRule] = []
        self._shared = frozenset(rules.languages.shared)
        for rule in rules.languages.language:
            for script in (rule.script or "").split():
                self._by_script.setdefault(script, []).append(rule)
            if not rule.script:
                self._latin.append(rule)

    def __call__(self, question: Question) -> LanguageRule | None:
        """The language, or None for English (and the unknown). For the language of the reader's
        page one of its words is enough where none is English; for another it takes two."""
        text = unicodedata.normalize("NFC", question.text[:_EXAMINED])
        letters = [c for c in text if c.isalpha()]
        if not letters:
            return None
        scripts = Counter(_script(c) for c in letters)
        foreign = {s: n for s, n in scripts.items() if s != "LATIN"}
        if sum(foreign.values()) * 2 > len(letters):
            return self._of_script(foreign, text)
        return self._of_words(text, primary(question.locale))

    def _of_script(self, scripts: dict[str, int], text: str) -> LanguageRule | None:
        if scripts.get("HIRAGANA") or scripts.get("KATAKANA"):
            scripts = {"HIRAGANA": 1}
        ordered = sorted(scripts, key=lambda s: -scripts[s])
        rules = next((self._by_script[s] for s in ordered if s in self._by_script), None)
        if rules is None:
            return None
        # Look-alike letters spell English words to fool the rules: folded, they are English.
        plain = self._rules.folded(text).words
        if plain and sum(w in _ENGLISH or self._rules.knows(w) for w in plain) * 2 > len(plain):
            return None
        words = {w.casefold() for w in _WORD.findall(text)}
        return max(rules, key=lambda rule: len(words.intersection(rule.words)))

    def _of_words(self, text: str, of_page: str) -> LanguageRule | None:
        decomposed = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
        bare = "".join(c for c in decomposed if not unicodedata.combining(c))
        words = _WORD.findall(bare.replace("ı", "i").replace("ß", "ss").replace("ł", "l"))
        english = sum(word in _ENGLISH for word in words)
        best = max(
            self._latin,
            key=lambda rule: (sum(word in rule.words for word in words), rule.code == of_page),
        )
        hits = [word for word in words if word in best.words]
        foreign = len(set(hits) - _ENGLISH - self._shared)
        if best.code == of_page and not english:
            return best if foreign else None
        enough = foreign >= 2 and len(hits) * 5 >= len(words) * 2
        return best if enough and foreign > english else None


def primary(tag: str | None) -> str:
    """The language of a tag such as `es-MX`; empty where there is none."""
    return re.split(r"[-_]", tag or "")[0].casefold()


def _script(letter: str) -> str:
    if letter.isascii():
        return "LATIN"
    return unicodedata.name(letter, "?").split(" ")[0].split("-")[0]
