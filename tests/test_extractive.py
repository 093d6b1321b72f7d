"""The extractive writer, with the real model: answers, not search results."""

from __future__ import annotations

from typing import Any

import pytest

from bot.answering.extractive import ExtractiveWriter
from bot.records import Draft, Query
from tests.builders import a_document, a_hit, chunks_of

HAIR = """## Will I lose my hair?

Most people lose their hair after strong chemotherapy. It often falls out within weeks. A soft hat \
keeps the head warm. Hair mostly grows back 3 to 6 months after treatment. Centers differ in what \
they tell people about this. The new hair may have another color. Some cut it short before."""

LIST = """## When should I call?

Call your team at once for any of these signs:

- You have a fever.
- You have chills.
- You bleed and cannot stop it.

Keep the number near your phone."""


DRINKS = """## What can I drink?

Drink plenty of fluids, as they help keep your kidneys healthy. City tap water is safe in most \
places. One center says no alcohol for 6 months. Other centers differ, so ask your own team first. \
Beer and wine can clash with medicines."""


MEMORY = """## Why is my memory bad?

Many people have trouble with memory after a transplant. You may forget names or dates, or take \
longer to finish things. Trouble with memory tends to ease with time. Poor sleep, tiredness and \
worry can add to trouble with memory. Lists and routines help many people with their memory. \
Figures for trouble with memory go from 30 to 60 in 100. Sudden confusion is different: call your \
emergency number, then your team."""

SEPSIS = """## What is sepsis?

Sepsis is a reaction of the body to an infection. Call your team at once, day or night, for a \
fever or shivers. Call your emergency number for someone who is hard to wake."""


@pytest.fixture(scope="module")
def writer(embedder: Any) -> ExtractiveWriter:
    return ExtractiveWriter(
        embedder.embed_query,
        lambda texts: embedder.embed_documents(list(texts)),
        max_statements=5,
        nearby=0.8,
    )


def write(writer: ExtractiveWriter, question: str, *bodies: str) -> Draft:
    hits = [a_hit(chunks_of(a_document(body, name=f"{n}.md"))[0]) for n, body in enumerate(bodies)]
    return writer(Query(text=question), hits)


def texts(draft: Draft) -> list[str]:
    return [s.text for s in draft.statements]


def test_every_statement_is_a_verbatim_sentence_with_its_quote(writer: ExtractiveWriter) -> None:
    draft = write(writer, "when does hair grow back", HAIR)
    document = a_document(HAIR, name="0.md")
    assert 1 <= len(draft.statements) <= 5
    for statement in draft.statements:
        (quote,) = statement.quotes
        assert quote.text == statement.text == quote.span.of(document.text)


def test_direct_sentence_first_and_reading_order(writer: ExtractiveWriter) -> None:
    found = texts(write(writer, "when does hair grow back", HAIR))
    assert found[0] == "Most people lose their hair after strong chemotherapy."
    assert "Hair mostly grows back 3 to 6 months after treatment." in found
    order = [HAIR.replace("\\\n", "").index(t[:20]) for t in found]
    assert order == sorted(order)


def test_a_far_nearer_sentence_opens_the_answer_with_what_belongs_to_it(
    writer: ExtractiveWriter,
) -> None:
    found = texts(write(writer, "for how many months is alcohol forbidden", DRINKS))
    assert found[:2] == [
        "One center says no alcohol for 6 months.",
        "Other centers differ, so ask your own team first.",
    ]
    assert "Drink plenty of fluids, as they help keep your kidneys healthy." in found[2:]
    assert texts(write(writer, "how much should i drink", DRINKS))[0].startswith("Drink plenty")


def test_a_list_stays_below_its_lead_in(writer: ExtractiveWriter) -> None:
    found = texts(write(writer, "chills", LIST))
    assert found[0] == "Call your team at once for any of these signs:"


def test_a_sentence_that_says_centers_differ_stays_with_its_number(
    writer: ExtractiveWriter,
) -> None:
    found = texts(write(writer, "when does hair grow back", HAIR))
    if "Hair mostly grows back 3 to 6 months after treatment." in found:
        assert "Centers differ in what they tell people about this." in found
    else:
        pytest.fail("the sentence that answers is missing")


def test_nothing_dangles(writer: ExtractiveWriter) -> None:
    for question in ("does it fall out quickly", "is hair loss common", "hair color after"):
        found = texts(write(writer, question, HAIR))
        if "It often falls out within weeks." in found:
            at = found.index("It often falls out within weeks.")
            assert found[at - 1] == "Most people lose their hair after strong chemotherapy."


def test_a_list_stays_whole_with_its_lead_in(writer: ExtractiveWriter) -> None:
    draft = write(writer, "when do I ring the hospital about bleeding", LIST)
    found = texts(draft)
    assert found[:4] == [
        "Call your team at once for any of these signs:",
        "You have a fever.",
        "You have chills.",
        "You bleed and cannot stop it.",
    ]
    assert [s.list_item for s in draft.statements][:4] == [False, True, True, True]


def test_the_same_thing_is_not_said_twice(writer: ExtractiveWriter) -> None:
    found = texts(write(writer, "will I lose my hair", HAIR, HAIR.replace("Will", "Shall")))
    assert len(found) == len(set(found))


def test_no_hits_no_statements(writer: ExtractiveWriter) -> None:
    assert writer(Query(text="x"), []).statements == ()


def test_when_to_call_an_ambulance_is_said_however_full_the_answer_is(
    writer: ExtractiveWriter,
) -> None:
    said = texts(write(writer, "why is my memory so bad", MEMORY))
    assert said[0] == "Many people have trouble with memory after a transplant."
    assert said[-1] == "Sudden confusion is different: call your emergency number, then your team."
    assert len(said) == 5


def test_where_there_is_room_the_answer_says_whom_to_call(writer: ExtractiveWriter) -> None:
    said = texts(write(writer, "what does the word sepsis mean", SEPSIS))
    assert said == [
        "Sepsis is a reaction of the body to an infection.",
        "Call your team at once, day or night, for a fever or shivers.",
        "Call your emergency number for someone who is hard to wake.",
    ]


def test_numbers_of_people_are_no_number_to_call(writer: ExtractiveWriter) -> None:
    body = MEMORY.replace("go from 30 to 60 in 100", "come from 112 people in one study")
    body = body.replace("call your emergency number, then your team", "it has other causes")
    said = texts(write(writer, "why is my memory so bad", body))
    assert not any("other causes" in text for text in said)
