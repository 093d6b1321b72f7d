"""What a reader said of the transplant: near equals change places, nothing else does."""

from __future__ import annotations

from typing import Any

import pytest

from bot.answering.preference import MARGIN, SISTER_MARGIN, prefer
from bot.batch import QuestionBody
from bot.records import About, Hit, Question
from tests.builders import a_document, a_hit, chunks_of

BODY = """
## How long does recovery take after a donor transplant?

Recovery after a donor transplant often takes a year.

## How long does recovery take with my own cells?

Recovery with your own cells is quicker.

## What is rest?

Rest is when you lie down.
"""


def hits(*scores: float) -> list[Hit]:
    found = chunks_of(a_document(BODY))
    return [a_hit(chunk, score=score) for chunk, score in zip(found, scores, strict=True)]


def test_the_near_equal_that_fits_comes_first_and_the_reader_is_told() -> None:
    found = hits(1.0, 0.98, 0.9)
    preferred = prefer(found, About(kind="own"))
    assert [h.score for h in preferred.hits] == [0.98, 1.0, 0.9]
    assert preferred.notice == (
        "Because you said that your transplant uses your own cells, "
        "a part that fits this comes first."
    )


def test_the_section_for_the_other_kind_gives_way_to_its_sister() -> None:
    found = hits(1.0, 1.0 - SISTER_MARGIN + 0.001, 0.9)
    preferred = prefer(found, About(kind="own"))
    assert preferred.hits[0].chunk.heading[-1].endswith("with my own cells?")
    assert {h.score for h in preferred.hits} == {h.score for h in found}
    assert preferred.notice is not None


@pytest.mark.parametrize(
    ("about", "scores"),
    [
        (None, (1.0, 0.99, 0.98)),
        (About(), (1.0, 0.99, 0.98)),
        (About(kind="donor"), (1.0, 0.99, 0.98)),
        (About(kind="own"), (1.0, 1.0 - SISTER_MARGIN - 0.001, 0.8)),
        (About(stage="later"), (1.0, 1.0 - MARGIN - 0.001, 0.9)),
    ],
)
def test_otherwise_nothing_moves_and_nothing_is_said(
    about: About | None, scores: tuple[float, ...]
) -> None:
    found = hits(*scores)
    preferred = prefer(found, about)
    assert list(preferred.hits) == found
    assert preferred.notice is None


def test_nothing_is_hidden_or_added() -> None:
    found = hits(1.0, 0.99, 0.98)
    for about in (About(kind="own", stage="later"), About(kind="donor", stage="before")):
        assert sorted(h.score for h in prefer(found, about).hits) == [0.98, 0.99, 1.0]
    assert prefer([], About(kind="own")).hits == ()


def test_stage_counts_by_topic_and_by_words() -> None:
    late = a_document("## How am I?\n\nWell, thank you.", name="b.md", front="topic: Later life\n")
    found = [hits(1.0, 0.9, 0.8)[2], a_hit(chunks_of(late)[0], score=0.79)]
    preferred = prefer(found, About(stage="later"))
    assert preferred.hits[0].chunk.source.source_id == "b.md"
    assert "it was more than 100 days ago" in str(preferred.notice)


def test_a_body_carries_it_into_the_question() -> None:
    body = QuestionBody.model_validate({"question": "x", "about": {"kind": "own"}})
    assert body.record() == Question(text="x", about=About(kind="own"))
    assert QuestionBody.model_validate({"question": "x"}).record().about is None


def test_the_real_bot_prefers_and_says_so(real_bot: Any) -> None:
    text = "How long does recovery take after a stem cell transplant?"
    plain = real_bot.ask(Question(text=text))
    own = real_bot.ask(Question(text=text, about=About(kind="own")))
    assert plain.outcome == own.outcome == "answered"
    assert "donor" in plain.citations[0].heading[-1]
    assert own.citations[0].heading[-1] == "How long does recovery take with my own cells?"
    assert own.notices[0].startswith("Because you said that your transplant uses your own cells")
    assert not [n for n in plain.notices if n.startswith("Because you said")]


def test_red_flags_and_scope_never_see_it(real_bot: Any) -> None:
    for text in ("I have crushing chest pain", "what dose of tacrolimus should I take"):
        with_it = real_bot.ask(Question(text=text, about=About(kind="own", stage="hospital")))
        without = real_bot.ask(Question(text=text))
        assert (with_it.outcome, with_it.reason) == (without.outcome, without.reason)
        assert with_it.notices == without.notices
