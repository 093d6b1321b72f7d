"""Which headings may be offered as questions."""

from __future__ import annotations

from bot.answering import offering
from bot.answering.offering import Offerable
from bot.records import Question


def test_each_heading_is_tried_once() -> None:
    asked: list[str] = []

    def passes(question: Question) -> bool:
        asked.append(question.text)
        return "pill" not in question.text

    may = Offerable(passes)
    assert [may("What is shingles?"), may("Can I use a pill box?"), may("What is shingles?")] == [
        True,
        False,
        True,
    ]
    assert may("Can I use a pill box?") is False
    assert asked == ["What is shingles?", "Can I use a pill box?"]


def test_what_is_kept_has_an_end() -> None:
    may = Offerable(lambda question: True)
    for number in range(offering._MOST + 5):
        assert may(f"Question {number}?")
    assert len(may._known) <= offering._MOST
