"""Words explained in place, and the card for sources that differ."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bot.records import Answer, CitedStatement, Question
from bot.settings import ContactSettings, Settings
from bot.web.differences import differences
from bot.web.glossary import MAX_TERMS, Glossary, GlossaryKeeper, terms_of
from bot.web.render import Renderer
from bot.withdrawals import Withdrawals
from tests.builders import a_document
from tests.scripted_bot import ScriptedBot

ENTRIES = """
## Acute GVHD

Acute GVHD is the early kind. It can start later.

## Graft-versus-host disease (GVHD)

GVHD is when donor cells attack.

## Absolute neutrophil count (ANC)

ANC is a number on your lab sheet.

## Host

The host is the person who gets the cells.
"""


def an_answer(*texts: str) -> Answer:
    answer = ScriptedBot().ask(Question(text="types"))
    statements = tuple(CitedStatement(text=t, citations=()) for t in texts)
    return replace(answer, statements=statements, citations=())


def glossary() -> Glossary:
    return Glossary(terms_of(a_document(ENTRIES, name="g.md", front="topic: Glossary\n")))


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("Acute GVHD often shows on the skin.", ["Acute GVHD"]),
        ("GVHD can be mild. GVHD can be acute.", ["GVHD"]),
        ("Graft-versus-host disease has two kinds.", ["Graft-versus-host disease"]),
        ("Your ANC rises. A can ancient anc.", ["ANC"]),
        ("Many hosts do well.", ["hosts"]),
        ("A ghost is no word of ours.", []),
        ("The host's blood counts.", ["host"]),
        ("ASK THE HOST.", ["HOST"]),
        ("Many HOSTS do well.", ["HOSTS"]),
        ("ACUTE GVHD IS ITS NAME.", ["ACUTE GVHD"]),
        ("The ho\u017ft was here.", ["ho\u017ft"]),
        ("Graft-versus-host d\u0131sease has two kinds.", []),
    ],
)
def test_words_are_found_as_whole_words_longest_first_once(text: str, marked: list[str]) -> None:
    explained = glossary().explain(an_answer(text))
    pieces = explained.statements[0]
    assert [p.text for p in pieces if p.term] == marked
    assert "".join(p.text for p in pieces) == text, "no letter is added or lost"


def test_a_word_is_explained_once_in_an_answer_by_its_first_sentence() -> None:
    explained = glossary().explain(an_answer("GVHD is one thing.", "GVHD again, and the host."))
    assert [t.text for t in explained.terms] == [
        "GVHD is when donor cells attack.",
        "The host is the person who gets the cells.",
    ]
    assert [[p.term for p in s if p.term] for s in explained.statements] == [[1], [2]]


def test_not_more_words_than_a_reader_can_take() -> None:
    body = "\n".join(f"## Word{c}\n\nWord{c} is a word.\n" for c in "abcdefghijkl")
    many = Glossary(terms_of(a_document(body, name="g.md")))
    text = " ".join(f"Word{c}" for c in "abcdefghijkl") + "."
    assert len(many.explain(an_answer(text)).terms) == MAX_TERMS


def test_entry_does_not_explain_itself() -> None:
    bot = ScriptedBot()
    keeper = GlossaryKeeper(bot, Withdrawals(Path("/nonexistent")), show_overdue=False)
    answer = bot._answered(Question(text="x"), "glossary.md")
    assert "Stem cells" not in [t.name for t in keeper().explain(answer).terms]


def test_what_is_withdrawn_or_overdue_explains_nothing(tmp_path: Path) -> None:
    bot = ScriptedBot()
    withdrawals = Withdrawals(tmp_path)

    def names(today: date = date(2026, 11, 22), **more: Any) -> list[str]:
        keeper = GlossaryKeeper(
            bot, Withdrawals(tmp_path), show_overdue=False, today=lambda: today, **more
        )
        explained = keeper().explain(an_answer("Stem cells of an allogeneic transplant."))
        return [t.name for t in explained.terms]

    assert names() == ["Stem cells", "Allogeneic transplant"]
    assert names(date(2100, 1, 1)) == []
    section = bot.documents["glossary.md"].sections[0]
    withdrawals.withdraw("glossary.md", section.span, reason="wrong", by="me")
    assert names() == ["Allogeneic transplant"]
    withdrawals.withdraw("glossary.md", None, reason="wrong", by="me")
    assert names() == []


def test_without_an_index_answers_still_show() -> None:
    keeper = GlossaryKeeper(
        ScriptedBot(index=False), Withdrawals(Path("/nonexistent")), show_overdue=False
    )
    renderer = Renderer(Settings(contact=ContactSettings(phone="1")), glossary=keeper)
    html = renderer.answer(ScriptedBot().ask(Question(text="types")), prefix="a1")
    assert 'class="term"' not in html
    assert "An autologous transplant" in html


def test_plain_page_links_each_word_to_its_explanation() -> None:
    keeper = GlossaryKeeper(ScriptedBot(), Withdrawals(Path("/nonexistent")), show_overdue=False)
    renderer = Renderer(Settings(contact=ContactSettings(phone="1")), glossary=keeper)
    html = renderer.answer(ScriptedBot().ask(Question(text="types")), prefix="a1")
    assert '<a class="term" href="#a1-w1">stem cells</a>' in html
    assert '<dt id="a1-w1" tabindex="-1">Stem cells</dt>' in html
    assert "Stem cells are young cells that can grow into blood cells." in html
    assert 'href="/sources/glossary.md?start=' in html


def test_real_glossary_explains_real_answers(real_bot: Any, real_settings: Settings) -> None:
    keeper = GlossaryKeeper(real_bot, Withdrawals(real_settings.paths.var), show_overdue=False)
    answer = real_bot.ask(Question(text="What is an autologous transplant?"))
    explained = keeper().explain(answer)
    assert explained.terms
    for term in explained.terms:
        text = real_bot.document(term.source_id).text
        assert term.span.of(text) == term.text
        assert term.text.endswith(".")


# Where sources differ.


def test_sentence_that_says_so_comes_with_its_sides_and_dates() -> None:
    bot = ScriptedBot()
    answer = bot.ask(Question(text="how common"))
    [found] = differences(answer)
    assert found.kind == "said"
    assert [side.statement.text for side in found.sides] == [
        "It is common, but sources differ on how common.",
        "Institute A says 30 in 100 people.",
        "Hospital B says 50 in 100 people.",
    ]
    html = Renderer(Settings(contact=ContactSettings(phone="1"))).answer(answer, prefix="a1")
    assert "Sources differ here" in html
    assert "Institute A (read on 1 September 2026)" in html
    assert "Hospital B (read on 2 August 2026)" in html


def two_guides(one: str, other: str) -> Answer:
    bot = ScriptedBot()
    answer = bot.ask(Question(text="how common"))
    first = replace(answer.citations[0], number=1, quote=one, based_on=())
    source = replace(first.source, source_id="other.md", title="Other")
    second = replace(first, number=2, quote=other, source=source)
    return replace(
        answer,
        statements=(
            CitedStatement(text=one, citations=(1,)),
            CitedStatement(text=other, citations=(2,)),
        ),
        citations=(first, second),
    )


def test_two_guides_with_different_numbers_of_one_unit() -> None:
    answer = two_guides(
        "Engraftment of marrow neutrophils takes 14 days.",
        "Engraftment of marrow neutrophils takes 3 weeks, or 21 days.",
    )
    [found] = differences(answer)
    assert found.kind == "numbers"
    html = Renderer(Settings(contact=ContactSettings(phone="1"))).answer(answer, prefix="a1")
    assert "Two guides give different numbers" in html
    assert "They may speak of different cases." in html
    assert "Other (last checked 1 October 2026)" in html


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Engraftment of marrow neutrophils takes 14 days.", "Hair grows back in 90 days."),
        (
            "Engraftment of marrow neutrophils takes 14 days.",
            "Engraftment of marrow neutrophils takes 10 to 14 days.",
        ),
        (
            "Engraftment of marrow neutrophils takes 14 days.",
            "Engraftment of marrow neutrophils is seen in 9 of 10.",
        ),
    ],
)
def test_other_subject_same_number_or_other_unit_is_no_difference(one: str, other: str) -> None:
    assert differences(two_guides(one, other)) == ()


def test_one_source_that_says_it_differs_is_no_difference_of_sources() -> None:
    answer = ScriptedBot().ask(Question(text="how common"))
    alone = tuple(replace(c, based_on=c.based_on[:1]) for c in answer.citations[:1])
    assert differences(replace(answer, statements=answer.statements[:1], citations=alone)) == ()


def test_the_guides_own_differences_are_shown(real_bot: Any) -> None:
    answer = real_bot.ask(Question(text="Can I swim or use a hot tub?"))
    [found] = differences(answer)
    assert found.kind == "said"
    assert len({r.publisher for s in found.sides for c in s.citations for r in c.based_on}) >= 2
