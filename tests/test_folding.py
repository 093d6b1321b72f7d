"""What folding keeps of a message: nothing said is lost, and a page of tricks takes no time."""

from __future__ import annotations

import pytest

from bot.rules.folding import LIMIT, MOST_WORDS, SENTENCE, fold, plain
from tests.triaged import alarm


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("help <i cant breathe>", "emergency"),
        ("bp <ninety and i collapsed, pulse >120", "emergency"),
        ("wbc <normal i want to kill myself >", "crisis"),
        ("plts <ten, gums are bleeding and won't stop, temp >38", "emergency"),
        ("ayuda <no puedo respirar>", "emergency"),
        ("<b>chest</b> pain", "emergency"),
        ('<a href="javascript:x">i cant</a> breathe', "emergency"),
    ],
)
def test_what_stands_between_angle_brackets_is_heard(text: str, level: str) -> None:
    assert alarm(text) == level


def test_the_bare_name_of_a_tag_is_no_word() -> None:
    assert fold("my <b>temp</b> is<br/>39").words == ("my", "temp", "is", "39")
    assert fold("i am <dying>").words == ("i", "am", "dying")


def test_letters_that_fold_into_many_are_cut_once_more() -> None:
    assert len(plain("\ufdfa" * LIMIT)) <= LIMIT + 2


def test_of_very_many_words_the_first_and_the_last_are_read() -> None:
    text = "first? " + "a1 " * MOST_WORDS + "middle? " + "a1 " * MOST_WORDS + "very last? end"
    made = fold(text)
    assert len(made.words) <= MOST_WORDS
    assert (made.words[0], made.words[-3:]) == ("first", ("very", "last", "end"))
    assert "middle" not in made.words
    assert len(made.words) == len(made.breaks)
    assert SENTENCE in made.breaks[1:-3]
    assert {1, len(made.words) - 1} <= made.asked <= set(range(1, len(made.words) + 1))
