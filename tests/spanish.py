"""How easy a Spanish text is to read: the formula of Fernández Huerta (1959) in its corrected form,
206.84 - 60 x syllables a word - 1.02 x words a sentence. 70 to 80 is sixth grade, 60 to 70 seventh
and eighth."""

from __future__ import annotations

import re
from itertools import pairwise

_WORD = re.compile(r"[^\W\d_]+", re.UNICODE)
_GROUP = re.compile(r"[aeiouáéíóúü]+")
_STRONG = "aeoáéó"
_WEAK_WITH_STRESS = "íú"


def syllables(word: str) -> int:
    """Vowel groups; two strong vowels, or a stressed weak one beside another, are two syllables. A
    "y" at the end or alone sounds as a vowel, the "u" of que, qui, gue and gui does not sound."""
    text = re.sub(r"(?<=[qg])u(?=[eiéí])", "", word.casefold())
    text = re.sub(r"y$", "i", text)
    count = 0
    for group in _GROUP.findall(text):
        count += 1
        for one, two in pairwise(group):
            both = one in _STRONG and two in _STRONG
            count += both or one in _WEAK_WITH_STRESS or two in _WEAK_WITH_STRESS
    return max(1, count)


def fernandez_huerta(text: str) -> float:
    words = _WORD.findall(text)
    sentences = max(1, len(re.findall(r"[.!?:;…]+(?:\s|$)", text)))
    a_word = sum(syllables(word) for word in words) / len(words)
    return 206.84 - 60 * a_word - 1.02 * len(words) / sentences
