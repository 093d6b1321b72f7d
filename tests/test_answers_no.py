"""A "no" that answers what was asked before denies nothing of what follows it; the fear of dying is
no wish to die."""

from __future__ import annotations

import pytest

from bot.answering.triage import FEARS_DEATH
from tests.triaged import alarm, screened


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("No. I want to die", "crisis"),
        ("No I don't, I want to die", "crisis"),
        ("no, just want to die", "crisis"),
        ("No. I took all my pills", "crisis"),
        ("no i took 30 tablets", "crisis"),
        ("No. He is not breathing", "emergency"),
        ("nope. my chest hurts", "emergency"),
        ("no, i have chest pain", "emergency"),
        ("no my temp is 39", "urgent"),
        ("No I have a fever", "urgent"),
    ],
)
def test_a_no_that_answers_denies_nothing_of_what_is_told(text: str, level: str) -> None:
    assert alarm(text) == level


@pytest.mark.parametrize(
    "text",
    [
        "no fever, no chills, all good",
        "no fever or chest pain",
        "fever? no. rash? no.",
        "no he has no fever",
        "no, no chest pain today",
        "no i dont have a rash",
    ],
)
def test_a_no_that_denies_still_does(text: str) -> None:
    assert alarm(text) is None


@pytest.mark.parametrize(
    "text", ["I don't want to die.", "i dont wanna die im so scared", "I dont want to die yet"]
)
def test_the_fear_of_dying_is_known_as_such(text: str) -> None:
    assert alarm(text) is None
    assert FEARS_DEATH in screened(text).found


@pytest.mark.parametrize(
    "text",
    [
        "I don't want to die but I can't go on",
        "i dont want to die i want it to stop",
        "i dont want to live",
        "I don't want to die here like this tonight by my own hand",
    ],
)
def test_with_any_more_words_it_is_not(text: str) -> None:
    assert FEARS_DEATH not in screened(text).found
