"""The Spanish texts of rules, cards, declines and small talk: complete, with the same numbers and
places as the English ones, plain, and safe to show."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from bot.answering.scope import Scope
from bot.answering.triage import Triage
from bot.errors import RulesError
from bot.messages import load_messages
from bot.records import Contact, Question
from bot.rules import load_rules
from bot.rules.loading import FOLDER
from tests.spanish import fernandez_huerta

RULES = load_rules()
SPANISH = RULES.spoken["es"]
TEXTS = SPANISH.flags.texts
PLACES = re.compile(r"\{\w+\}")
DIGITS = re.compile(r"\d+(?:[.,]\d+)?")

BLOCKED = re.compile(
    r"paracetamol|acetaminof|tylenol|ibuprofeno|aspirina|\bespere\b|\besperar\b|\bnormal\b|"
    r"no se preocupe|no es nada|ma[ñn]ana|pr[óo]xima cita|\bmg\b|\btome (?:una?|dos)\b|"
    r"diagn[óo]stic|"
    r"\brecet|soy (?:un |una )?(?:m[ée]dic|doctor|enfermer)",
    re.IGNORECASE,
)


def shown() -> list[tuple[str, str]]:
    texts = [(f"{i} message", t.message) for i, t in TEXTS.items()]
    texts += [(f"{i} notice", t.notice) for i, t in TEXTS.items()]
    texts += [(f"scope {t.id}", f"{t.says} {SPANISH.scope.closing}") for t in SPANISH.scope.rule]
    texts += [(f"greeting {g.id}", g.message) for g in SPANISH.greetings.greeting]
    fallback = SPANISH.contacts.fallback
    texts += [("fallback team", fallback.team), ("fallback hospital", fallback.hospital)]
    messages = load_messages("es")
    texts += [("abstained", messages.abstained), ("overdue", messages.overdue)]
    texts += [("contact only", messages.contact_only)]
    texts += [("not looked up", messages.not_looked_up)]
    return texts


def test_every_rule_has_a_spanish_text_and_every_text_a_rule() -> None:
    assert {rule.id for rule in RULES.flags} == TEXTS.keys()
    assert {r.id for r in RULES.scope.rule} == {r.id for r in SPANISH.scope.rule}
    assert [g.id for g in RULES.greetings.greeting] == [g.id for g in SPANISH.greetings.greeting]


@pytest.mark.parametrize("rule", RULES.flags, ids=lambda rule: rule.id)
def test_places_and_numbers_are_those_of_the_english_text(rule) -> None:  # type: ignore[no-untyped-def]
    spanish = TEXTS[rule.id]
    for ours, theirs in ((rule.message, spanish.message), (rule.notice, spanish.notice)):
        assert sorted(PLACES.findall(ours)) == sorted(PLACES.findall(theirs))
        assert sorted(DIGITS.findall(ours)) == sorted(DIGITS.findall(theirs))


@pytest.mark.parametrize("rule", RULES.flags, ids=lambda rule: rule.id)
def test_the_spanish_card_asks_for_the_same(rule) -> None:  # type: ignore[no-untyped-def]
    """Whom to call, how soon, and what not to do."""
    english, spanish = rule.message.casefold(), TEXTS[rule.id].message.casefold()
    for ours, theirs in (
        ("call your transplant team now", "llame ahora a su equipo de trasplante"),
        ("call your transplant team today", "llame hoy a su equipo de trasplante"),
        ("day or night", "de día o de noche"),
        ("call {emergency}", "llame al {emergency}"),
        ("do not drive", "no maneje"),
        ("clamp", "pinza"),
        ("do not take any medicine for the fever before you call", "antes de llamar"),
        ("the same day", "el mismo día"),
        ("you can keep writing here", "puede seguir escribiendo aquí"),
    ):
        assert (ours in english) == (theirs in spanish), (ours, theirs)


@pytest.mark.parametrize(("name", "text"), shown(), ids=lambda value: str(value)[:24])
def test_spanish_texts_are_plain_and_safe(name: str, text: str) -> None:
    filled = text.replace("{emergency}", "911").replace("{fever}", "38.0 °C (100.4 °F)")
    assert not BLOCKED.search(filled), BLOCKED.search(filled)
    # 70 and more is sixth grade. A check of single texts, so with some room below.
    assert fernandez_huerta(filled) >= 65, f"{name}: {fernandez_huerta(filled):.0f}"


def test_spanish_texts_together_are_easy_to_read() -> None:
    everything = " ".join(text for _, text in shown())
    assert fernandez_huerta(everything.replace("{emergency}", "911")) >= 80  # fifth grade


def test_the_reader_is_addressed_as_usted() -> None:
    everything = " ".join(text for _, text in shown())
    assert not re.search(
        r"\b(?:tú|tu|tus|te|ti|contigo|llama|busca|tienes|puedes|eres)\b", everything
    )


@pytest.mark.parametrize("name", list(RULES.contacts.regions))
def test_each_number_has_its_words(name: str) -> None:
    region, texts = RULES.contacts.regions[name], SPANISH.contacts.regions[name]  # type: ignore[index]
    assert len(texts.crisis) == len(region.crisis)
    for line, said in zip(region.crisis, texts.crisis, strict=True):
        number = line.phone or line.sms
        assert re.sub(r"\D", "", said) == (number or ""), said
    if region.emergency and texts.emergency:
        assert DIGITS.findall(region.emergency.name) == DIGITS.findall(texts.emergency)
    assert bool(texts.note) == bool(region.emergency and region.emergency.note)
    assert bool(texts.urgent_advice) == bool(region.urgent_advice)


@pytest.mark.parametrize("region", list(RULES.contacts.regions))
def test_a_spanish_card_links_the_same_numbers(region: str) -> None:
    contact = Contact(name="the unit", phone="555-0100", after_hours_phone="555-0200")
    triage = Triage(
        RULES,
        region=region,
        fever_celsius=38.0,
        contact=contact,
        contacts={"es": Contact(name="la unidad", phone="555-0100", after_hours_phone="555-0200")},
    )
    for text in ("I cannot breathe", "I want to kill myself", "I have a fever"):
        english = triage(Question(text=text)).alert
        screening = triage(Question(text=text, locale="es"))
        assert english and screening.alert and screening.language == "es"
        assert [a.href for a in english.actions] == [a.href for a in screening.alert.actions]
        words = screening.alert.message + " ".join(a.text for a in screening.alert.actions)
        assert not re.search(r"\b(?:call|your|now|the|text)\b", words, re.IGNORECASE), words
        assert "{" not in words


def test_a_decline_is_said_in_the_language_of_the_reader() -> None:
    scope = Scope(RULES)
    question = Question(text="How much tacrolimus should I take?")
    english, spanish = scope(question), scope(question, "es")
    assert english and spanish and english.rule_id == spanish.rule_id == "dose"
    assert spanish.message.startswith("No puedo decirle cuánto tomar")
    assert spanish.message.endswith(SPANISH.scope.closing)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("¿Cuánto tacrolimus debo tomar?", "dose"),
        ("¿qué dosis de prednisona le doy a mi hijo?", "dose"),
        ("¿Puedo tomar ibuprofeno con tacrolimus?", "interaction"),
        ("¿puedo dejar de tomar la prednisona?", "medicine-change"),
        ("¿Debo tomar aspirina?", "medicine-change"),
        ("¿Mis plaquetas están bien en 50?", "results"),
        ("¿Me voy a morir?", "prognosis"),
        ("¿cuánto tiempo me queda?", "prognosis"),
        ("¿Esto será rechazo?", "diagnosis"),
        ("¿tengo EICH?", "diagnosis"),
        ("¿Cuál tratamiento es mejor para mí?", "treatment-choice"),
    ],
)
def test_spanish_requests_about_ones_own_case_are_declined(text: str, rule: str) -> None:
    decline = Scope(RULES)(Question(text=text), "es", "es")
    assert decline and decline.rule_id == rule


@pytest.mark.parametrize(
    "text",
    [
        "¿Qué es un trasplante de médula ósea?",
        "¿Cuánto tiempo dura la recuperación?",
        "¿Qué es el tacrolimus?",
        "¿Qué efectos tiene la quimioterapia?",
        "¿Cuándo puedo volver a casa?",
        "¿Qué puedo comer después del trasplante?",
        "¿Qué es el quimerismo?",
        "¿Quién puede ser donante?",
    ],
)
def test_general_questions_in_spanish_are_not_declined(text: str) -> None:
    assert Scope(RULES)(Question(text=text), "es", "es") is None


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        (
            "red_flags_es.toml",
            'id = "fever"',
            'id = "fevre"',
            "no rule of English has the id fevre",
        ),
        ("red_flags_es.toml", 'id = "fever"', 'id = "cough"', "these ids stand twice: cough"),
        ("red_flags_es.toml", "over = [", "ober = [", "lacks or does not know: ober, over"),
        ("red_flags_es.toml", '"petequias|petequia"', '"Petequias"', "not a word in small letters"),
        ("red_flags_es.toml", "2026-11-28", "2025-01-01", r"red_flags_es\.toml.*2025-01-01"),
        ("contacts_es.toml", "2026-11-28", "2025-01-01", r"contacts_es\.toml.*2025-01-01"),
        ("scope_es.toml", 'id = "dose"', 'id = "doses"', "no rule of English has the id doses"),
        ("greetings_es.toml", 'id = "bye"', 'id = "ciao"', "no rule of English has the id ciao"),
    ],
)
def test_a_wrong_spanish_file_is_named(
    tmp_path: Path, file: str, old: str, new: str, message: str
) -> None:
    for path in FOLDER.glob("*.toml"):
        shutil.copy(path, tmp_path)
    text = (tmp_path / file).read_text("utf-8")
    assert old in text
    (tmp_path / file).write_text(text.replace(old, new), "utf-8")
    with pytest.raises(RulesError, match=message):
        load_rules(tmp_path)


def test_a_rule_that_was_not_translated_keeps_its_english_text(tmp_path: Path) -> None:
    """A card in English is better than none."""
    for path in FOLDER.glob("*.toml"):
        shutil.copy(path, tmp_path)
    place = tmp_path / "red_flags_es.toml"
    text = place.read_text("utf-8")
    start = text.index('[[rule]]\nid = "urine-blood"')
    place.write_text(text[:start] + text[text.index("[[rule]]", start + 5) :], "utf-8")
    rules = load_rules(tmp_path)
    contact = Contact(name="the unit")
    triage = Triage(rules, region="US", fever_celsius=38.0, contact=contact)
    alert = triage(Question(text="There is blood in my urine", locale="es")).alert
    assert alert and alert.message.startswith("Blood in your urine")
