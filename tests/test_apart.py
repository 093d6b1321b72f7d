"""Words typed without a space are read as the words that they are; names and medicines stay."""

from __future__ import annotations

import pytest

from bot.rules.apart import apart
from tests.triaged import alarm

KNOWN = frozenset("cant breathe want die chest pains fever hubs seat help dad".split())


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("cantbreathe", "cant breathe"),
        ("iwanttodie", "i want to die"),
        ("feverof", "fever of"),
        ("helpmydad", "help my dad"),
    ],
)
def test_words_run_together_are_taken_apart(word: str, words: str) -> None:
    assert apart(word, KNOWN) == words


@pytest.mark.parametrize(
    "word",
    [
        "breathe",  # a word
        "hubsand",  # a slip of husband
        "seaton",  # a place
        "ruxolitinib",
        "cantyodel",  # no rule knows the second word
        "cant2breathe",
        "ab",
        "cantbreathe" * 9,
    ],
)
def test_in_doubt_a_word_stays_as_it_is(word: str) -> None:
    assert apart(word, KNOWN) == ""


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("cantbreathe", "emergency"),
        ("iwanttodie", "crisis"),
        ("shesnotbreathingproperly", "emergency"),
        ("seatonhospital visit", None),
    ],
)
def test_a_sign_without_spaces_is_found(text: str, level: str | None) -> None:
    assert alarm(text) == level


def test_a_page_of_run_on_words_is_looked_at_in_part_and_a_plea_before_it_found() -> None:
    page = " ".join(
        f"{'q' * 3}{chr(97 + n % 26)}zxvkjwhfqpzxvkjwhf{chr(97 + n // 26)}" for n in range(400)
    )
    assert alarm(f"iwanttodieicantdothis {page}") == "crisis"
