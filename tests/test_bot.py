"""The whole way of a question, with the real guides, model, Chroma and rules."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bot.answering.flow import Bot
from bot.answering.opened import IndexHolder
from bot.errors import NoIndex, QuestionError
from bot.indexing.flow import generations, ingest, make_embedder
from bot.raised import Look
from bot.records import Answer, Question, Turn
from bot.settings import Answering, ContactSettings, Paths, Settings
from bot.text import numbers
from bot.wire import answer_json
from evals.question_sets import load_items
from tests.conftest import write_guide


def ask(bot: Any, text: str, *history: str) -> Answer:
    turns = tuple(Turn(role="user" if n % 2 == 0 else "bot", text=t) for n, t in enumerate(history))
    answer = bot.ask(Question(text=text, history=turns))
    assert isinstance(answer, Answer)
    return answer


@pytest.mark.parametrize(
    ("question", "holds"),
    [
        ("whats the difference between autologous and allogeneic", "donor"),
        ("how long till the new cells take", "week"),
        ("What is GVHD?", "attack"),
        ("can i eat sushi after my transplant", "avoid"),
        ("when does my hair come back", "hair"),
    ],
)
def test_covered_questions_are_answered_with_a_citation_for_every_sentence(
    real_bot: Bot, question: str, holds: str
) -> None:
    answer = ask(real_bot, question)
    assert answer.outcome == "answered", answer.reason
    assert 1 <= len([s for s in answer.statements if not s.list_item]) <= 5
    assert holds in " ".join(s.text for s in answer.statements).lower()
    cited = {c.number: c for c in answer.citations}
    assert sorted(cited) == list(range(1, len(cited) + 1))
    for statement in answer.statements:
        assert statement.citations
        quotes = " ".join(cited[n].quote for n in statement.citations)
        assert set(numbers(statement.text)) <= set(numbers(quotes))
    for citation in answer.citations:
        document = real_bot.document(citation.source.source_id)
        assert citation.span.of(document.text) == citation.quote
        if citation.source.references:
            assert citation.based_on or "[^-]" not in citation.quote


@pytest.mark.parametrize(
    "question",
    [
        "who won the world cup",
        "how do I change the oil in my car",
        "what is the capital of Peru",
    ],
)
def test_what_the_documents_do_not_hold_is_not_answered(real_bot: Bot, question: str) -> None:
    answer = ask(real_bot, question)
    assert answer.outcome == "abstained"
    assert answer.statements == ()
    assert answer.citations == ()
    assert any("cannot answer" in n for n in answer.notices)


def test_an_emergency_stops_everything_and_needs_no_index(tmp_path: Path) -> None:
    settings = Settings(paths=Paths(knowledge=tmp_path, var=tmp_path / "var"))
    bot = Bot.open(settings)
    answer = ask(bot, "my husband cant breathe and his lips are blue")
    assert answer.outcome == "emergency"
    assert answer.alert is not None
    assert answer.alert.level == "emergency"
    assert answer.statements == ()
    assert ask(bot, "I want to end my life").outcome == "crisis"
    with pytest.raises(NoIndex):
        ask(bot, "what is engraftment")
    assert bot.readiness()


def test_a_lower_alarm_is_shown_whatever_fails_behind_it(tmp_path: Path) -> None:
    settings = Settings(paths=Paths(knowledge=tmp_path, var=tmp_path / "var"))
    bot = Bot.open(settings)
    fever = ask(bot, "i have a fever of 38.4")
    assert fever.alert is not None
    assert (fever.alert.level, fever.outcome, fever.statements) == ("urgent", "abstained", ())
    assert any("could not look this up" in notice for notice in fever.notices)
    long = ask(bot, "i have a fever of 38.4. " + "It is late and I am tired of it all. " * 80)
    assert long.alert is not None
    assert long.outcome == "abstained"
    with pytest.raises(QuestionError):
        ask(bot, "When may I fly again after my transplant? " * 80)


def test_a_search_of_the_library_keeps_a_lower_alarm_too(tmp_path: Path) -> None:
    bot = Bot.open(Settings(paths=Paths(knowledge=tmp_path, var=tmp_path / "var")))
    fever = bot.look_up(Question(text="i have a fever of 38.4")).instead
    assert fever is not None
    assert fever.alert is not None
    assert (fever.alert.level, fever.outcome, fever.statements) == ("urgent", "abstained", ())
    assert any("could not look this up" in notice for notice in fever.notices)
    with pytest.raises(NoIndex):
        bot.look_up(Question(text="what is engraftment"))


def test_an_alarm_is_kept_whatever_kind_of_error_is_behind_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bot = Bot.open(Settings(paths=Paths(knowledge=tmp_path, var=tmp_path / "var")))

    def fails(*_: Any, **__: Any) -> Any:
        raise RuntimeError("fever of 38.4 CANARY-7")

    monkeypatch.setattr(bot._screen, "again", fails)
    fever = ask(bot, "i have a fever of 38.4 CANARY-7")
    assert fever.alert is not None
    assert (fever.alert.level, fever.outcome) == ("urgent", "abstained")
    found = bot.look_up(Question(text="i have a fever of 38.4 CANARY-7")).instead
    assert found is not None
    assert found.alert == fever.alert
    assert "only the alarm is shown: RuntimeError at test_bot.py" in caplog.text
    assert "CANARY-7" not in caplog.text
    with pytest.raises(RuntimeError):
        ask(bot, "what is engraftment")


def test_the_rules_read_a_question_before_its_work_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = Bot.open(Settings(paths=Paths(knowledge=tmp_path, var=tmp_path / "var")))
    breath = bot.begin(Question(text="i cant breathe"))
    assert (breath.stops, breath.named) == (True, True)
    alone = breath.alarm()
    assert alone is not None
    assert alone.outcome == breath.ask().outcome == "emergency"
    assert alone.alert == bot.ask(Question(text="i cant breathe")).alert
    # Only examples say which of the gravest it is.
    towel = bot.begin(Question(text="towel number four soaked red already"))
    assert (towel.stops, towel.named) == (True, False)
    fever = bot.begin(Question(text="tengo fiebre de 38.4", locale="es"))
    assert fever.stops is False
    assert (said := fever.alarm()) is not None
    assert (said.outcome, said.language) == ("abstained", "es")
    assert "No pude buscar esto" in said.notices[0]
    # What the second look adds is known of from then on.
    plain = bot.begin(Question(text="what is engraftment"))
    assert (plain.stops, plain.alarm()) == (False, None)

    def finds(question: Question, screening: Any, **_: Any) -> Any:
        return bot._screen._triage.with_alarm(screening, "fever", question), Look()

    monkeypatch.setattr(bot._screen, "again", finds)
    assert (found := plain.ask().alert) is not None
    assert found.rule_id == "fever"
    assert (later := plain.alarm()) is not None
    assert later.alert == found


def test_urgent_comes_beside_an_answer(real_bot: Bot) -> None:
    answer = ask(real_bot, "I have a temperature of 38.6, what counts as a fever?")
    assert answer.alert is not None
    assert answer.alert.level == "urgent"
    assert answer.outcome in ("answered", "abstained", "declined")


def test_declined_greeting_and_other_languages_show_no_passages(real_bot: Bot) -> None:
    guide = "outcomes-and-clinical-trials.md"
    for text, outcome, general in (
        (
            "will I survive this?",
            "declined",
            # The names of the general sections that scope.toml gives, and no others.
            [
                (guide, "How do I read survival figures?"),
                (guide, "What changes the chances after a transplant?"),
            ],
        ),
        ("hello", "greeting", []),
        ("¿qué es la enfermedad de injerto contra huésped?", "unsupported_language", []),
    ):
        answer = ask(real_bot, text)
        assert answer.outcome == outcome
        assert answer.statements == ()
        assert answer.citations == ()
        assert [(r.source.source_id, r.heading[-1]) for r in answer.related] == general
        assert answer.notices


def test_a_stored_question_is_found_as_it_is_written_abbreviations_and_all(real_bot: Bot) -> None:
    for text in ("Why does GVHD happen?", "what is gvhd", "What is chronic GVHD?"):
        seen = real_bot.examine(Question(text=text))
        assert seen is not None
        _, features = seen
        assert features.asked is not None and features.asked > 0.99, text


def test_a_follow_up_is_understood_and_the_safety_rules_see_the_raw_words(real_bot: Bot) -> None:
    answer = ask(real_bot, "and how long does it last?", "what is acute gvhd", "...")
    assert answer.outcome == "answered"
    assert "acute gvhd often goes away" in " ".join(s.text for s in answer.statements).lower()
    assert answer.question.text == "and how long does it last?"


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "😀😀", "?!...", "\x00\x07"])
def test_a_message_without_words_is_refused_kindly(real_bot: Bot, text: str) -> None:
    with pytest.raises(QuestionError) as caught:
        ask(real_bot, text)
    assert caught.value.exit_code == 2
    assert caught.value.hint


def test_a_very_long_message_is_refused_but_an_emergency_in_it_is_not_missed(
    real_bot: Bot,
) -> None:
    with pytest.raises(QuestionError, match="characters"):
        ask(real_bot, "what is engraftment " * 600)
    tail = "I can't breathe and my chest hurts."
    assert ask(real_bot, "la la la " * 1200 + tail).outcome == "emergency"


def test_contact_card_only_still_catches_emergencies(real_settings: Settings) -> None:
    settings = real_settings.model_copy(
        update={
            "answering": Answering(contact_card_only=True),
            "contact": ContactSettings(name="Ward 7", phone="+1 555 0100"),
        }
    )
    bot = Bot.open(settings)
    answer = ask(bot, "what is engraftment")
    assert answer.outcome == "abstained"
    assert answer.statements == ()
    assert answer.contact.phone == "+1 555 0100"
    assert ask(bot, "I can't breathe").outcome == "emergency"
    bot.close()


def test_a_source_past_its_review_date_is_never_cited(tmp_path: Path) -> None:
    folder = tmp_path / "knowledge"
    write_guide(folder, "hair.md", "Hair", "## Will my hair fall out?\n\nHair often falls out.\n")
    settings = Settings(paths=Paths(knowledge=folder, var=tmp_path / "var"))
    ingest(settings)
    embedder = make_embedder(settings)

    def bot_on(day: date, **answering: Any) -> Bot:
        chosen = settings.model_copy(update={"answering": Answering(**answering)})
        holder = IndexHolder(chosen, embedder, generations(chosen))
        return Bot(chosen, embedder, holder, today=lambda: day)

    question = "Will my hair fall out?"
    assert ask(bot_on(date(2099, 1, 1)), question).outcome == "answered"
    assert ask(bot_on(date(2099, 1, 2)), question).outcome == "abstained"
    noticed = ask(bot_on(date(2099, 1, 2), overdue_sources="notice"), question)
    assert noticed.outcome == "answered"
    assert any("review date" in n for n in noticed.notices)


def test_a_leaflet_without_stored_questions_answers_from_its_words(tmp_path: Path) -> None:
    folder = tmp_path / "knowledge"
    write_guide(
        folder,
        "parking.md",
        "Parking at our clinic",
        "## Where can I park?\n\nPark in the green car park behind the transplant clinic. "
        "Show your appointment letter at the gate.\n",
    )
    settings = Settings(paths=Paths(knowledge=folder, var=tmp_path / "var"))
    ingest(settings)
    bot = Bot.open(settings)
    assert ask(bot, "where can I park at the clinic?").outcome == "answered"
    assert ask(bot, "who won the football match").outcome == "abstained"
    bot.close()


def test_the_clinics_own_leaflet_goes_first_where_it_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "knowledge"
    body = (
        "## Can I eat out?\n<!-- asked\n- can i eat out\n- are restaurants ok\n-->\n\n"
        "{} Ask the staff how food is kept.\n"
    )
    write_guide(folder, "ours.md", "Eating out", body.format("Eating out is best left for later."))
    write_guide(
        folder, "clinic.md", "Our clinic", body.format("At our clinic, eat out only cooked.")
    )
    settings = Settings(paths=Paths(knowledge=folder, var=tmp_path / "var"))
    first: list[str] = []
    for priority in (0, 2, -2):
        path = folder / "clinic.md"
        text = "\n".join(
            line for line in path.read_text("utf-8").split("\n") if "priority" not in line
        )
        path.write_text(
            text.replace("language: en", f"language: en\npriority: {priority}"), "utf-8"
        )
        ingest(settings)
        bot = Bot.open(settings)
        first.append(ask(bot, "are restaurants ok to eat out").citations[0].source.source_id)
        bot.close()
    assert first[1:] == ["clinic.md", "ours.md"]


def test_wire_form_has_the_contract_keys(real_bot: Bot) -> None:
    data = answer_json(ask(real_bot, "What is engraftment?"), request_id="7")
    assert list(data) == [
        "id",
        "question",
        "outcome",
        "reason",
        "alert",
        "statements",
        "citations",
        "related",
        "notices",
        "follow_ups",
        "contact",
        "timings_ms",
        "versions",
        "language",
        "asked_in",
    ]
    assert data["id"] == "7"
    assert {
        "number",
        "passage_id",
        "source_id",
        "title",
        "publisher",
        "heading",
        "page",
        "url",
        "reviewed",
        "quote",
        "start",
        "end",
    } <= set(data["citations"][0])
    assert data["versions"]["index"]


def test_what_is_offered_in_the_place_of_an_answer_is_answered_by_its_own_section(
    real_bot: Bot,
) -> None:
    questions = [item.question for item in load_items("dev") if item.answerable][:200]
    asked_back = [a for a in map(real_bot.ask, questions) if a.outcome == "abstained"][:20]
    offered = [section for answer in asked_back for section in answer.related if answer.follow_ups]
    assert len(offered) > 15
    for answer in asked_back:
        assert answer.statements == ()
        assert answer.follow_ups in ((), tuple(r.heading[-1] for r in answer.related))
    for section in offered:
        answer = real_bot.ask(Question(text=section.heading[-1]))
        assert answer.outcome == "answered", section.heading
        assert section.heading in [citation.heading for citation in answer.citations]


def test_beside_a_declined_request_general_questions_near_it_are_offered(real_bot: Bot) -> None:
    for text in ("why is my mouth so sore", "can i stop taking the steroids"):
        answer = real_bot.ask(Question(text=text))
        assert (answer.outcome, answer.statements) == ("declined", ())
        assert answer.follow_ups == tuple(r.heading[-1] for r in answer.related) != ()
        for heading in answer.follow_ups:
            assert real_bot.ask(Question(text=heading)).outcome == "answered", heading


def test_a_decline_stands_whatever_fails_behind_it(
    real_bot: Bot, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(Bot, "_find_and_judge", broken)
    answer = real_bot.ask(Question(text="can i stop taking the steroids"))
    assert (answer.outcome, answer.follow_ups) == ("declined", ())
    assert answer.notices
    assert "RuntimeError" in caplog.text
    assert "steroids" not in caplog.text


def test_beside_an_alarm_or_a_question_of_life_and_death_nothing_else_is_offered(
    real_bot: Bot,
) -> None:
    for text in ("will i die", "my mouth is so sore and I have 38.9, should I stop the steroids"):
        answer = real_bot.ask(Question(text=text))
        assert (answer.outcome, answer.follow_ups) == ("declined", ())
        assert answer.related, "the sections that scope.toml names"


def test_far_from_everything_nothing_is_offered(real_bot: Bot) -> None:
    answer = real_bot.ask(Question(text="who won the world cup in 1998"))
    assert (answer.outcome, answer.follow_ups) == ("abstained", ())


def test_follow_ups_are_questions_that_the_index_can_answer(real_bot: Bot) -> None:
    answer = ask(real_bot, "What is engraftment?")
    assert answer.follow_ups
    for text in answer.follow_ups:
        assert ask(real_bot, text).outcome == "answered", text
