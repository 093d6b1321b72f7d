"""Whether a message can be read as a question at all."""

from __future__ import annotations

import re

from bot.errors import QuestionError
from bot.records import Question

_HAS_WORDS = re.compile(r"[^\W_]")


def check_question(question: Question, *, most: int) -> None:
    """Raises `QuestionError` where it is empty, has no words or more than `most` characters."""
    text = question.text.strip()
    if not text:
        raise QuestionError("The question is empty.")
    if len(text) > most:
        raise QuestionError(
            f"The question has {len(text):,} characters; at most {most:,} can be read."
        )
    if not _HAS_WORDS.search(text):
        raise QuestionError("There are no words in the question.")
