"""R29: no word of a question stays in the process when it has been answered."""

from __future__ import annotations

import functools
import gc
import re
from collections.abc import Iterable
from pathlib import Path
from types import FunctionType, ModuleType

import pytest

import bot.text
from bot.answering.rewriting import Rewriter
from bot.indexing.lexical import PassageStore
from bot.lexicon import load_lexicon
from bot.records import Question
from bot.rules import Rules, load_rules
from bot.text import content_words
from tests.builders import a_document, chunks_of

CANARY = "zonkelwurts"
_NOT_WALKED = (type, FunctionType, ModuleType, str, bytes, int, float, bool)


def strings_in(roots: Iterable[object]) -> set[str]:
    """Every string that can be reached from the roots, in the memory of caches, too."""
    seen: set[int] = set()
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            found.add(each)
        if id(each) in seen or isinstance(each, _NOT_WALKED):
            continue
        seen.add(id(each))
        waiting += gc.get_referents(each)
    return found


def kept(*roots: object) -> list[str]:
    return [text for text in strings_in(roots) if CANARY[:-1] in text]


def test_what_a_cache_holds_is_seen() -> None:
    remembered = functools.lru_cache(lambda word: word + "!")
    assert not kept([remembered])
    remembered(f"{CANARY}!")
    assert kept([remembered])


@pytest.fixture(scope="module")
def rules() -> Rules:
    return load_rules()


@pytest.mark.parametrize("text", [f"my {CANARY} hurts", f"me duele mucho el {CANARY} hoy"])
def test_the_rules_keep_no_word_of_a_message(rules: Rules, text: str) -> None:
    rules.read(text)
    for spoken in rules.spoken.values():
        spoken.flags.tagged(text)
    assert not kept(rules)


def test_the_words_of_a_text_are_kept_nowhere() -> None:
    content_words(f"What about {CANARY}, or {CANARY}-like ones?")
    assert not kept(*vars(bot.text).values())


def test_the_word_search_keeps_no_word_that_the_index_does_not_hold(tmp_path: Path) -> None:
    document = a_document("## Blood\n\nPlatelets help the blood to clot.\n")
    with_words = [(chunk, b"") for chunk in chunks_of(document)]
    making = PassageStore.create(tmp_path / "passages.sqlite")
    making.add([(document, with_words)])
    making.finish()
    making.close()
    store = PassageStore.open(tmp_path / "passages.sqlite")
    found = store.search(f"Do platelets and {CANARY} clot?", 5)
    assert [match.chunk_id for match in found] == [chunk.chunk_id for chunk, _ in with_words]
    assert not kept(store)
    forms = "SELECT term FROM temp.typed_forms"
    assert not store._all(forms)
    tables = [name for (name,) in store._all("SELECT name FROM temp.sqlite_master")]
    below = [name for name in tables if re.fullmatch("typed_[a-e].*", name)]
    assert "typed_data" in below, "where the words of a table for word search lie"
    for name in below:
        assert CANARY[:6] not in repr(store._all(f"SELECT * FROM temp.{name}")), name
    store.close()


def test_correcting_a_slip_leaves_no_pattern_of_it_behind() -> None:
    slip = f"{CANARY[:5]}n{CANARY[5:]}"
    rewriter = Rewriter(load_lexicon(), {CANARY: 3})
    [query] = rewriter.readings(Question(text=f"What is {slip}, and {slip.upper()}?"))
    assert query.text == f"What is {CANARY}, and {CANARY}?"
    assert not [text for text in strings_in(vars(re).values()) if slip in text]
