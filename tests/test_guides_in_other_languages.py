"""A question in another language: told that only English is answered, unless a served guide is in
that language; then answered from guides in it alone. With the real model and rules."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.answering.flow import Bot
from bot.indexing.flow import ingest
from bot.records import Answer, Question
from bot.settings import Paths, Settings
from bot.withdrawals import Withdrawals

ENGLISH = """---
title: Going home
publisher: Test clinic
published: 2026-01-01
review_by: 2099-01-01
language: en
---
# Going home

## When can I go home?
<!-- asked
- when do I go home
- when will I be discharged
-->

You can go home when your blood counts are high enough. The team plans the day with you.

## What should I eat at home?

Eat small meals. Wash fruit and vegetables well.
"""

SPANISH = """---
title: Volver a casa
publisher: Clínica de prueba
published: 2026-01-01
review_by: {review_by}
language: es
---
# Volver a casa

## ¿Cuándo puedo volver a casa?
<!-- asked
- cuándo me dan el alta
- cuándo salgo del hospital
- cuándo puedo irme a mi casa
-->

Usted puede volver a casa cuando sus defensas suben lo suficiente. El equipo planea el día con \
usted. La mayoría de las personas sale entre la tercera y la cuarta semana.

## ¿Qué puedo comer en casa?
<!-- asked
- qué debo comer al salir del hospital
- qué comida es segura en casa
-->

Coma porciones pequeñas. Lave bien las frutas y las verduras. No coma carne cruda.
"""

FRENCH = """---
title: Le retour à la maison
publisher: Clinique de test
published: 2026-01-01
review_by: 2099-01-01
language: fr
---
# Le retour à la maison

## Quand puis-je rentrer à la maison ?
<!-- asked
- quand est-ce que je sors de l'hôpital
- combien de temps vais-je rester à l'hôpital
-->

Vous pouvez rentrer à la maison quand vos globules blancs sont assez nombreux.
"""


def written(folder: Path, **guides: str) -> Settings:
    knowledge = folder / "knowledge"
    knowledge.mkdir()
    for name, text in guides.items():
        (knowledge / f"{name}.md").write_text(text, "utf-8")
    settings = Settings(paths=Paths(knowledge=knowledge, var=folder / "var"))
    assert not ingest(settings).failed
    return settings


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Bot, Settings]]:
    """English, Spanish and French guides."""
    settings = written(
        tmp_path_factory.mktemp("three"),
        home=ENGLISH,
        casa=SPANISH.format(review_by="2099-01-01"),
        maison=FRENCH,
    )
    bot = Bot.open(settings)
    yield bot, settings
    bot.close()


@pytest.fixture(scope="module")
def english_only(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    """English guides, and a Spanish one that is past its review date."""
    overdue = SPANISH.format(review_by="2026-02-01")
    bot = Bot.open(written(tmp_path_factory.mktemp("one"), home=ENGLISH, vieja=overdue))
    yield bot
    bot.close()


def ask(bot: Bot, text: str, locale: str | None = None) -> Answer:
    return bot.ask(Question(text=text, locale=locale))


def languages(answer: Answer) -> set[str]:
    return {c.source.language for c in answer.citations} | {
        r.source.language for r in answer.related
    }


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("¿Cuándo puedo volver a casa?", "cuando sus defensas suben"),
        ("¿Cuándo me dan el alta del hospital?", "cuando sus defensas suben"),
        ("¿Qué puedo comer en casa después del hospital?", "porciones pequeñas"),
    ],
)
def test_a_spanish_question_is_answered_from_spanish_guides(
    served: tuple[Bot, Settings], text: str, holds: str
) -> None:
    answer = ask(served[0], text)
    assert answer.outcome == "answered", answer.reason
    assert holds in " ".join(statement.text for statement in answer.statements)
    assert languages(answer) == {"es"}
    assert (answer.asked_in, answer.language) == ("es", "es")


@pytest.mark.parametrize("locale", [None, "en", "es"])
def test_an_english_question_is_answered_from_english_guides(
    served: tuple[Bot, Settings], locale: str | None
) -> None:
    answer = ask(served[0], "When can I go home?", locale)
    assert answer.outcome == "answered"
    assert languages(answer) == {"en"}
    assert answer.asked_in is None
    assert answer.language == (locale or "en")


@pytest.mark.parametrize(
    "text",
    [
        "¿Cuánto cuesta el estacionamiento del hospital?",
        "¿Quién ganó el mundial de fútbol?",
        "¿Qué vacunas necesito después del trasplante?",
        "¿Puedo tener un perro en casa?",
        "¿Cuándo puedo volver a la escuela?",
        "¿Qué es la enfermedad de injerto contra huésped?",
    ],
)
def test_what_the_spanish_guides_do_not_hold_is_not_answered(
    served: tuple[Bot, Settings], text: str
) -> None:
    answer = ask(served[0], text)
    assert answer.outcome == "abstained", answer.statements
    told = (
        "No puedo responder a esto con los documentos",
        "No estoy seguro de tener una respuesta",
    )
    assert answer.notices[0].startswith(told)
    assert languages(answer) <= {"es"}


def test_a_language_without_rules_of_its_own_says_first_whom_to_call(
    served: tuple[Bot, Settings],
) -> None:
    """There are no red flags in French: what to do when ill comes before everything else."""
    answer = ask(served[0], "Quand puis-je rentrer à la maison ?")
    assert answer.outcome == "answered", answer.reason
    assert languages(answer) == {"fr"}
    assert answer.asked_in == "fr"
    assert answer.notices[0].startswith("Si vous vous sentez très mal")
    assert "je ne peux répondre qu'en anglais" not in " ".join(answer.notices)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("¿Cuánto tacrolimus debo tomar?", "No puedo decirle cuánto tomar"),
        ("¿Puedo dejar de tomar la prednisona?", "No puedo decirle si debe tomar"),
        ("¿Me voy a morir?", "No puedo decirle qué va a pasar"),
    ],
)
def test_requests_about_ones_own_case_are_declined_before_spanish_guides(
    served: tuple[Bot, Settings], text: str, said: str
) -> None:
    answer = ask(served[0], text)
    assert answer.outcome == "declined"
    assert answer.notices[0].startswith(said)
    assert answer.language == "es"


def test_a_red_flag_in_spanish_stops_or_comes_first(served: tuple[Bot, Settings]) -> None:
    stopped = ask(served[0], "no puedo respirar, ¿cuándo puedo volver a casa?")
    assert stopped.outcome == "emergency"
    assert not stopped.statements
    beside = ask(served[0], "tengo fiebre, ¿cuándo puedo volver a casa?")
    assert beside.alert and beside.alert.level == "urgent"
    assert beside.alert.message.startswith("Puede que tenga fiebre.")


def test_without_guides_in_it_the_reader_is_told_in_their_language(english_only: Bot) -> None:
    """A guide that may not be shown (here: overdue) answers nothing."""
    answer = ask(english_only, "¿Cuándo puedo volver a casa?")
    assert answer.outcome == "unsupported_language"
    assert answer.notices[0].startswith("Lo siento, solo puedo responder en inglés.")
    assert "llame ahora a su equipo de trasplante" in answer.notices[0]
    french = ask(english_only, "Quand puis-je rentrer à la maison ?")
    assert french.outcome == "unsupported_language"
    assert french.notices[0].startswith("Désolé, je ne peux répondre qu'en anglais.")
    assert "votre équipe de greffe" in french.notices[0]
    arabic = ask(english_only, "متى يمكنني العودة إلى المنزل؟")
    assert (arabic.outcome, arabic.asked_in) == ("unsupported_language", "ar")


def test_a_withdrawn_guide_no_longer_speaks_for_its_language(
    served: tuple[Bot, Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    bot, settings = served
    monkeypatch.setattr("bot.withdrawals._LOOK_EVERY_SECONDS", 0.0)
    withdrawn = Withdrawals(settings.paths.var)
    withdrawn.withdraw("maison.md", None, reason="test", by="test")
    try:
        answer = ask(bot, "Quand puis-je rentrer à la maison ?")
        assert answer.outcome == "unsupported_language"
    finally:
        withdrawn.restore("maison.md", reason="test", by="test")


VACCINES = """---
title: {title}
publisher: Clínica de prueba
published: 2026-01-01
review_by: 2099-01-01
language: es
---
# {title}

## {heading}

{text}
"""


def test_no_neighbour_in_its_language_answers_for_a_guide_that_was_withdrawn(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, title, heading, text in (
        (
            "vac.md",
            "Vacunas",
            "¿Cuándo puedo recibir las vacunas después del trasplante?",
            "Puede recibir las vacunas después del trasplante cuando su equipo lo diga. Las "
            "primeras vacunas suelen empezar a los seis meses.",
        ),
        (
            "fam.md",
            "La familia",
            "¿Qué vacunas debe recibir mi familia después del trasplante?",
            "Su familia puede recibir las vacunas cuando quiera, también después del trasplante.",
        ),
    ):
        page = VACCINES.format(title=title, heading=heading, text=text)
        (settings.paths.knowledge / name).write_text(page, "utf-8")
    ingest(settings)
    monkeypatch.setattr("bot.withdrawals._LOOK_EVERY_SECONDS", 0.0)
    bot = Bot.open(settings)
    asked = "¿Cuándo puedo recibir las vacunas después del trasplante?"
    assert {c.source.source_id for c in ask(bot, asked).citations} == {"vac.md"}
    Withdrawals(settings.paths.var).withdraw("vac.md", None, reason="test", by="test")
    answer = ask(bot, asked)
    assert answer.outcome == "abstained"
    assert answer.citations == ()
    bot.close()


@pytest.mark.parametrize(
    ("text", "locale", "said"),
    [
        ("hola", None, "Hola. Soy una herramienta automática"),
        ("Hola, buenos días", None, "Hola. Soy una herramienta automática"),
        ("muchas gracias", "en", "De nada."),
        ("hello", "es", "Hola. Soy una herramienta automática"),
        ("hello", None, "Hello. I am an automated"),
        ("¿Eres un robot?", None, "Soy una herramienta automática"),
    ],
)
def test_small_talk_in_both_languages(
    english_only: Bot, text: str, locale: str | None, said: str
) -> None:
    answer = ask(english_only, text, locale)
    assert answer.outcome == "greeting"
    assert answer.notices[0].startswith(said)


@pytest.mark.parametrize(
    "text",
    [
        "who won the world cup",
        "what is the capital of france",
        "Who discovered penicillin and when?",
    ],
)
def test_a_small_index_without_known_gaps_answers_nothing_off_its_topic(
    english_only: Bot, text: str
) -> None:
    assert ask(english_only, text).outcome == "abstained"


def test_a_reader_of_the_spanish_page_gets_our_words_in_spanish(english_only: Bot) -> None:
    abstained = ask(english_only, "who won the world cup", "es")
    assert abstained.outcome == "abstained"
    assert abstained.notices == (
        "No puedo responder a esto con los documentos que tengo. Prefiero decirlo antes que "
        "adivinar. Pregunte a su equipo de trasplante.",
    )
    declined = ask(english_only, "How much tacrolimus should I take?", "es")
    assert declined.notices[0].startswith("No puedo decirle cuánto tomar")
    assert declined.contact.name == "su equipo de trasplante"
