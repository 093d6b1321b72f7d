"""Near copies of stored questions are told apart from questions that nobody foresaw."""

from __future__ import annotations

from evals.likeness import near_copies

STORED = ["What is shingles?", "how long does engraftment take"]


def test_the_same_words_are_a_copy_whatever_the_case_and_the_marks() -> None:
    assert near_copies(["what is shingles", "How long does engraftment take??"], STORED) == [
        True,
        True,
    ]


def test_another_question_is_none() -> None:
    assert near_copies(["can my dog sleep in my bed", "shingles vaccine when"], STORED) == [
        False,
        False,
    ]


def test_a_longer_question_around_a_stored_one_is_none() -> None:
    longer = "my father in law rang and asked what is shingles and whether he should come on sunday"
    assert near_copies([longer], STORED) == [False]


def test_without_stored_questions_there_are_no_copies() -> None:
    assert near_copies(["what is shingles"], []) == [False]
    assert near_copies([], STORED) == []
