"""What is offered beside an answer, and in the place of one."""

from __future__ import annotations

from bot.answering.citing import MAX_FOLLOW_UPS, follow_ups, offers
from bot.records import Chunk
from tests.builders import a_document, a_hit, chunks_of

BODY = "\n".join(
    f"""
## Question {number}?
<!-- asked
- way {number}
-->

Answer number {number} is here.
"""
    for number in range(5)
)


def test_the_nearest_sections_that_may_be_asked_are_offered_each_once() -> None:
    chunks = chunks_of(a_document(BODY))
    hits = [a_hit(chunk) for chunk in (chunks[0], chunks[0], *chunks[1:])]
    offered = offers(hits, lambda heading: heading != "Question 1?")
    assert [chunk.heading[-1] for chunk in offered] == [
        "Question 0?",
        "Question 2?",
        "Question 3?",
    ]
    assert len(offered) == MAX_FOLLOW_UPS


def test_a_leaflet_without_ways_of_asking_is_not_offered() -> None:
    """Its heading is matched with nothing, so that it might not be answered either."""
    (chunk,) = chunks_of(a_document("## Visiting?\n\nYou may visit from two."))
    assert offers([a_hit(chunk)], lambda heading: True) == []


def test_no_more_headings_are_tried_than_are_offered() -> None:
    """Each that is tried for the first time costs a pass of the model."""
    tried: list[str] = []
    hits = [a_hit(chunk) for chunk in chunks_of(a_document(BODY))]
    offers(hits, lambda heading: not tried.append(heading))  # type: ignore[func-returns-value]
    assert tried == ["Question 0?", "Question 1?", "Question 2?"]


GRAVE = 'only_when_asked: ["Question 1?", "Question 2?"]\n'


def _beside(chunks: list[Chunk], answered: int, own: list[Chunk]) -> tuple[str, ...]:
    """The next questions beside an answer from one of the chunks."""
    hits = [a_hit(chunks[answered]), *(a_hit(c) for n, c in enumerate(chunks) if n != answered)]
    return follow_ups(hits, [chunks[answered].chunk_id], lambda source_id: own, lambda text: True)


def test_what_is_kept_for_those_who_ask_for_it_is_not_a_next_question() -> None:
    chunks = chunks_of(a_document(BODY, front=GRAVE))
    assert _beside(chunks, 0, chunks) == ("Question 3?", "Question 4?")


def test_beside_an_answer_of_that_kind_it_is_one() -> None:
    chunks = chunks_of(a_document(BODY, front=GRAVE))
    assert "Question 2?" in _beside(chunks, 1, chunks)


def test_but_not_beside_one_of_another_document() -> None:
    """Who is afraid of dying has not asked how many survive."""
    feelings = chunks_of(
        a_document("## Afraid?\n<!-- asked\n- i am afraid\n-->\n\nTell somebody of it.",
                   name="f.md", front='only_when_asked: "Afraid?"\n')
    )  # fmt: skip
    survival = chunks_of(a_document(BODY, front=GRAVE))
    assert _beside([*feelings, *survival], 0, feelings) == (
        "Question 0?",
        "Question 3?",
    )
