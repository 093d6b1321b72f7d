"""Words that were typed without a space ("cantbreathe", "feverof") are taken apart again.

By the words of English and how often each is used, which come with symspellpy (SymSpell by Wolf
Garbe, MIT; 82,834 words from books and a spelling list). In doubt a word stays as it is: a name or
a medicine must not become three little words.
"""

from __future__ import annotations

from collections.abc import Container
from functools import cache
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from symspellpy import SymSpell

_LEAST, _MOST = 5, 60
"""Letters of a word that is looked at."""
_SHORT = frozenset(
    "a i am an and any are as at bad be but by can dad day did die do eat end eye far for get go "
    "got had has he her hes him his hot how if ill im in is it its ive leg me mom mum my new no "
    "not now of off on or our out pee red she so the to too up us was we wee who why you".split()
)
"""The pieces of up to three letters that may stand in a row."""
_LONGEST = 14
"""Letters of a piece at most: what it takes grows with it."""
_NO_END = frozenset("a i am an and as at be he in is my on or so the to we".split())
"""No row ends with these: "vomita" is Spanish, "seaton" a place, "hubsand" a slip."""
_LIKELY = -6.0
"""Mean logarithm (base 10) of the shares of the pieces, at least. Of "cant breathe" it is -5.2."""


@cache
def _english() -> SymSpell:
    from symspellpy import SymSpell

    # No distance: it is for cutting, not for spelling, and the words are read in half a second.
    english = SymSpell(max_dictionary_edit_distance=0)
    with as_file(files("symspellpy") / "frequency_dictionary_en_82_765.txt") as path:
        english.load_dictionary(path, 0, 1)
    return english


def apart(word: str, known: Container[str]) -> str:
    """The words that one without a space holds, with spaces between them; empty where it is a word
    of English itself, or no likely row of words that the rules know (`known`)."""
    if not _LEAST <= len(word) <= _MOST or not word.isalpha():
        return ""
    english = _english()
    if word in english.words:
        return ""
    cut = english.word_segmentation(
        word, max_edit_distance=0, max_segmentation_word_length=_LONGEST
    )
    pieces = cut.segmented_string.split()
    likely = len(pieces) > 1 and cut.log_prob_sum >= _LIKELY * len(pieces)
    if not likely or pieces[-1] in _NO_END:
        return ""
    fits = all(piece in (known if len(piece) > 3 else _SHORT) for piece in pieces)
    return " ".join(pieces) if fits else ""
