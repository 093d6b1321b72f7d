"""Rewriting: helps the search, never touches the question, never swaps medicines."""

from __future__ import annotations

import pytest

from bot.answering.rewriting import Rewriter
from bot.lexicon import load_lexicon
from bot.records import Query, Question, Turn

VOCABULARY = dict.fromkeys(
    "engraftment neutropenia apheresis transplant donor tacrolimus prednisone sirolimus "
    "conditioning condition hair loss graft host disease long last recovery marrow".split(),
    3,
)
REWRITE = Rewriter(load_lexicon(), VOCABULARY)


def query(text: str, *history: str) -> Query:
    turns = tuple(Turn(role="user" if n % 2 == 0 else "bot", text=t) for n, t in enumerate(history))
    return REWRITE.readings(Question(text=text, history=turns))[0]


@pytest.mark.parametrize(
    ("slip", "right"),
    [
        ("engrafment", "engraftment"),
        ("nutropenia", "neutropenia"),
        ("transplnt", "transplant"),
        ("tacrolimis", "tacrolimus"),
    ],
)
def test_slips_are_corrected_towards_the_documents(slip: str, right: str) -> None:
    found = query(f"what is {slip}")
    assert found.text == f"what is {right}"
    assert slip in found.notes[0]


@pytest.mark.parametrize(
    "word",
    [
        "prednisolone",  # another medicine, not a slip of prednisone
        "prednisolon",
        "everolimus",  # not sirolimus
        "host",
        "condition",  # not conditioning
        "elephants",
        "gvhd",
    ],
)
def test_words_that_must_stay(word: str) -> None:
    assert query(f"what about {word}").text == f"what about {word}"


def test_short_forms_are_searched_in_full_too() -> None:
    assert query("what is GVHD?").expansions == ("graft-versus-host disease",)
    assert query("how long does it all last").expansions == ()


@pytest.mark.parametrize(
    "text",
    ["how long does it last?", "how long does that last", "is it dangerous", "why?"],
)
def test_a_follow_up_leans_on_the_question_before(text: str) -> None:
    found = query(text, "what is gvhd", "GVHD is ...")
    assert found.text == f"{text} gvhd"
    assert "graft-versus-host disease" in found.expansions


@pytest.mark.parametrize(
    "text",
    ["how does hair loss happen after transplant", "what is conditioning", "donor recovery marrow"],
)
def test_a_new_topic_is_not_dragged_along(text: str) -> None:
    assert query(text, "what is gvhd", "GVHD is ...").text == text


def test_a_chain_of_follow_ups_reaches_back_to_the_topic() -> None:
    found = query("and why?", "what is gvhd", "...", "how long does it last", "...")
    assert "gvhd" in found.text or "last" in found.text


def test_the_question_is_left_as_it_is() -> None:
    question = Question(text="what is engrafment")
    REWRITE.readings(question)
    assert question.text == "what is engrafment"


def test_a_short_message_after_others_is_read_both_ways() -> None:
    turns = (Turn(role="user", text="what is gvhd"), Turn(role="bot", text="GVHD is ..."))
    both = REWRITE.readings(Question(text="hair loss, how long", history=turns))
    assert [q.text for q in both] == ["hair loss, how long", "hair loss, how long gvhd"]
    both = REWRITE.readings(Question(text="how long does it last?", history=turns))
    assert [q.text for q in both] == ["how long does it last? gvhd", "how long does it last?"]
    alone = REWRITE.readings(Question(text="how long does it last?"))
    assert [q.text for q in alone] == ["how long does it last?"]


def test_a_message_with_enough_words_of_its_own_is_read_one_way() -> None:
    turns = (Turn(role="user", text="what is gvhd"), Turn(role="bot", text="GVHD is ..."))
    text = "donor marrow transplant conditioning engraftment neutropenia recovery"
    assert [q.text for q in REWRITE.readings(Question(text=text, history=turns))] == [text]


def test_one_word_is_topic_enough() -> None:
    found = query("and how long does it take?", "What is engraftment?", "Engraftment is ...")
    assert found.text == "how long does it take? engraftment"


@pytest.mark.parametrize("opening", ["and ", "And, ", "ok. and ", "thanks. ", "so "])
def test_what_only_ties_a_message_to_the_talk_is_not_searched_for(opening: str) -> None:
    found = query(f"{opening}how long does it last?", "what is gvhd", "GVHD is ...")
    assert found.text == "how long does it last? gvhd"


def test_without_a_talk_before_it_nothing_is_left_out() -> None:
    assert query("and how long does it last?").text == "and how long does it last?"


def test_a_bare_word_behind_and_is_read_with_the_question_before() -> None:
    turns = (Turn(role="user", text="how long until engraftment"), Turn(role="bot", text="..."))
    both = REWRITE.readings(Question(text="and marrow?", history=turns))
    assert [q.text for q in both] == ["marrow? long engraftment"]
    both = REWRITE.readings(Question(text="marrow?", history=turns))
    assert "marrow?" in [q.text for q in both]
