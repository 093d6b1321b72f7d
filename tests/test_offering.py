"""Which headings may be offered as questions."""

from __future__ import annotations

from bot.answering.offering import MOST, offerable
from bot.records import Question


def test_each_heading_is_tried_once() -> None:
    asked: list[str] = []

    def passes(question: Question) -> bool:
        asked.append(question.text)
        return "pill" not in question.text

    may = offerable(passes)
    assert [may("What is shingles?"), may("Can I use a pill box?"), may("What is shingles?")] == [
        True,
        False,
        True,
    ]
    assert may("Can I use a pill box?") is False
    assert asked == ["What is shingles?", "Can I use a pill box?"]


def test_what_is_kept_has_an_end() -> None:
    asked: list[str] = []

    def passes(question: Question) -> bool:
        asked.append(question.text)
        return True

    may = offerable(passes)
    for number in range(MOST + 1):
        assert may(f"Question {number}?")
    assert may("Question 0?"), "forgotten, and so asked again"
    assert len(asked) == MOST + 2
