"""Red flags in Spanish on the developers' own messages, their frames, temperatures and history."""

from __future__ import annotations

import dataclasses
import tomllib
from functools import cache
from pathlib import Path

import pytest

from bot.answering.triage import Triage
from bot.records import Contact, Question, Screening, Turn
from bot.rules import load_rules

FOLDER = Path(__file__).parent / "safety_cases_es"
FILES = {p.stem: tomllib.loads(p.read_text("utf-8")) for p in sorted(FOLDER.glob("*.toml"))}
QUIET = ("none", "advised", "silent")
ENGLISH = [
    text
    for path in sorted((FOLDER.parent / "safety_cases").glob("*.toml"))
    for texts in tomllib.loads(path.read_text("utf-8")).values()
    for text in texts
    if isinstance(text, str)
]


@cache
def triage(spanish: bool = True, fever: float = 38.0) -> Triage:
    rules = load_rules()
    if not spanish:
        rules = dataclasses.replace(rules, spoken={})
    contact = Contact(name="the unit")
    return Triage(
        rules,
        region="US",
        fever_celsius=fever,
        contact=contact,
        contacts={"es": Contact(name="su equipo de trasplante")},
    )


def screen(text: str, *history: str, locale: str | None = None) -> Screening:
    turns = tuple(Turn(role="user", text=turn) for turn in history)
    return triage()(Question(text=text, history=turns, locale=locale))


def test_there_are_enough_cases() -> None:
    flags = [t for f in FILES.values() for k, texts in f.items() if k not in QUIET for t in texts]
    harmless = [t for f in FILES.values() for k, texts in f.items() if k in QUIET for t in texts]
    assert len(set(flags)) >= 250
    assert len(set(harmless)) >= 150


@pytest.mark.parametrize(
    ("wanted", "text"),
    [(k, t) for f in FILES.values() for k, texts in f.items() if k not in QUIET for t in texts],
)
def test_flags_in_spanish_are_caught_at_their_level(wanted: str, text: str) -> None:
    alert = screen(text).alert
    assert alert and alert.level == wanted


@pytest.mark.parametrize(
    ("wanted", "text"),
    [(k, t) for f in FILES.values() for k, texts in f.items() if k in QUIET for t in texts],
)
def test_harmless_spanish_raises_no_alarm(wanted: str, text: str) -> None:
    screening = screen(text)
    assert screening.alert is None
    assert wanted != "silent" or not screening.notices


def test_english_is_screened_as_if_there_were_no_spanish() -> None:
    assert len(ENGLISH) > 6000
    for text in ENGLISH:
        question = Question(text=text)
        with_it, without = triage()(question), triage(spanish=False)(question)
        assert with_it == without, text


@pytest.mark.parametrize(
    ("text", "locale", "language"),
    [
        ("no puedo respirar", None, "es"),
        ("no puedo respirar", "en-US", "es"),
        ("I cannot breathe", None, "en"),
        ("I cannot breathe", "en", "en"),
        ("I cannot breathe", "es", "es"),
        ("I cannot breathe", "es-MX", "es"),
        ("I cannot breathe", "fr", "en"),
        ("tengo fiebre", "en", "es"),
        ("What counts as a fever?", "es", "es"),
    ],
)
def test_the_card_is_in_the_language_of_the_message_or_of_the_page(
    text: str, locale: str | None, language: str
) -> None:
    screening = screen(text, locale=locale)
    assert screening.language == language
    said = screening.alert.message if screening.alert else screening.notices[0]
    assert bool({"Llame", "llame", "Llame ahora"} & set(said.replace(",", "").split())) == (
        language == "es"
    )


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("no puedo respirar y tengo miedo", "breathing"),
        ("estoy pensando en suicidarme", "crisis-thoughts"),
        ("me tomé todas las pastillas para no despertar", "crisis-danger"),
        ("NO PUEDO RESPIRAR!!!", "breathing"),
        ("nо рuеdо rеsрirаr", "breathing"),  # Cyrillic letters
        ("me duele el pe\u200bcho", "chest-pain"),
        ("tengo fieeeebre", "fever"),
        ("TENGO FIEBRE", "fever"),
        ("tengo fievre", "fever"),
        ("q hago tngo fiebre", "fever"),
    ],
)
def test_writing_does_not_hide_a_flag(text: str, rule: str) -> None:
    alert = screen(text).alert
    assert alert and alert.rule_id == rule


@pytest.mark.parametrize(
    ("text", "alarm"),
    [
        ("mi temperatura es 37.9", False),
        ("mi temperatura es 38", True),
        ("mi temperatura es 38,4", True),
        ("tengo 100.3 de temperatura", False),
        ("el termómetro marca 100.3", False),
        ("el termómetro marca 100.5", True),
        ("treinta y ocho grados", True),
        ("treinta y siete grados", False),
        ("tiene treinta y nueve de fiebre", True),
        ("cuarenta de fiebre", True),
        ("mi temperatura es 34.5", True),
        ("mi temperatura es 36.6", False),
        ("mi temperatura es menos de 38", False),
        ("tengo 38 años", False),
        ("peso 38.5 kilos", False),
        ("mis plaquetas están en 38", False),
        ("estoy en el día 38", False),
    ],
)
def test_temperatures_in_spanish(text: str, alarm: bool) -> None:
    assert bool(screen(text).alert) is alarm


@pytest.mark.parametrize(("mark", "alarm"), [(37.5, True), (37.8, True), (38.0, False)])
def test_the_clinic_sets_the_mark_for_spanish_too(mark: float, alarm: bool) -> None:
    found = triage(fever=mark)(Question(text="mi temperatura es 37.8")).alert
    assert bool(found) is alarm


@pytest.mark.parametrize(
    ("text", "history", "alarm"),
    [
        ("es 39", ["me tomé la temperatura"], True),
        ("tengo 39", ["¿debo usar el termómetro?"], True),
        ("es 36", ["me tomé la temperatura"], False),
        ("es 39", ["¿cuántos años tiene?"], False),
        ("¿Qué puedo comer?", ["tengo fiebre"], False),
    ],
)
def test_talk_of_temperature_before(text: str, history: list[str], alarm: bool) -> None:
    assert bool(screen(text, *history).alert) is alarm


@pytest.mark.parametrize(
    ("text", "alarm"),
    [
        ("no tengo fiebre", False),
        ("no tengo fiebre, tos ni diarrea", False),
        ("no tengo fiebre pero me duele el pecho", True),
        ("no dormí, tengo fiebre", True),
        ("no sé si tengo fiebre", True),
        ("no se me quita la fiebre", True),
        ("sin fiebre hoy", False),
        ("ya no tengo fiebre", False),
        ("ya no está convulsionando", True),  # a seizure that has passed needs help now
        ("sí, tengo fiebre", True),
        ("hace dos años tuve convulsiones", False),
        ("hace tres semanas me trasplantaron y tengo fiebre", True),
        ("hace dos semanas tuve el trasplante y hoy tengo fiebre", True),
        ("I have fiebre", True),
        ("no quiero morir", False),
        ("no quiero vivir", True),
        ("¿El tacrolimus causa pensamientos de suicidio?", False),
    ],
)
def test_frames_of_spanish(text: str, alarm: bool) -> None:
    assert bool(screen(text).alert) is alarm


@pytest.mark.parametrize("filler", ["¿Qué puedo comer? ", "no tengo fiebre. ", "a" * 50])
def test_an_emergency_after_long_text_is_caught(filler: str) -> None:
    alert = screen(filler * (5_000 // len(filler)) + "\nno puedo respirar").alert
    assert alert and alert.level == "emergency"


@pytest.mark.parametrize(
    "text", ["", "¿?", "¡" * 3000, "no " * 5000, "si " * 4000 + "fiebre", "38 grados " * 2000]
)
def test_odd_input_is_screened_without_error(text: str) -> None:
    assert isinstance(screen(text), Screening)


@pytest.mark.parametrize(
    "text",
    [
        "convulsionó mi esposa, la trasplantaron hace dos semanas",
        "tengo dolor de pecho, trasplantado hace un año",
        "vomito sangre hace una semana",
        "fiebre 39, trasplante hace un mes",
        "no tengo tos y tengo fiebre",
        "no tiene fiebre sino convulsiones",
        "no es gripe tiene convulsiones",
        "estoy escribiendo de parte de mi esposo convulsionó",
        "leí que es urgente y tengo dolor de pecho",
        "antes de que saliera del baño convulsionó",
        "es como si le diera un infarto",
        "¿Cuándo es la cita? ¿Qué llevo? ¿Puedo comer antes? me salieron ronchas",
        "Hola, quería preguntar cuánto dura la recuperación después del trasplante, qué puedo "
        "comer, si puedo recibir visitas y cuándo vuelvo al trabajo. Por cierto tengo fiebre.",
    ],
)
def test_a_cue_about_something_else_takes_no_sign_away(text: str) -> None:
    """Found by a reader of the change who had not written it: the date of a transplant, a "no" or a
    question that is not about the sign."""
    assert screen(text, locale="es").alert


def test_words_of_fever_give_way_to_no_crisis_that_words_alone_tell_of() -> None:
    for text in (
        "tengo calentura y me quiero ir a mi casa",
        "I have fever y no tengo quien me lleve",
    ):
        alert = screen(text).alert
        assert alert and alert.rule_id == "fever"


def test_an_emergency_told_in_english_gives_way_to_no_points_of_spanish() -> None:
    alert = screen("I dey struggle to breathe since morning, now e don worse").alert
    assert alert and alert.level == "emergency"


@pytest.mark.parametrize("text", ["quiero tomar agua", "eu quero parar de tomar tacrolimus"])
def test_plain_short_talk_and_a_neighbour_language_raise_nothing(text: str) -> None:
    assert screen(text).alert is None


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("kiero dejar de bivir", "quiero dejar de vivir"),
        ("me acavo de cortar las benas", "me acabo de cortar las venas"),
        ("toi en la asotea", "toi en la azotea"),
        ("se desmallo mi ermano", "se desmayo mi hermano"),
        ("me boy a orcar", "me boy a ahorcar"),
        ("keria bomitar", "queria vomitar"),
    ],
)
def test_what_is_written_as_it_sounds_is_read(written: str, read: str) -> None:
    assert " ".join(load_rules().spoken["es"].flags.tagged(written)[0].words) == read


@pytest.mark.parametrize(
    "words",
    [
        "vaca baca casa caza coser cocer caso cazo ola hola tubo tuvo valla vaya vello bello",
        "asta hasta sierra cierra abra habra ciento siento cima sima risa riza pozo poso vano",
        "silva vega silba honda onda enzima encima sede cede bazo vaso cera sera hierro pero perro",
        "caro carro coro corro cero cerro cortez diaz bolo volo aria haria devil bias thesis",
    ],
)
def test_words_that_sound_like_others_are_left_as_they_are(words: str) -> None:
    flags = load_rules().spoken["es"].flags
    for word in words.split():
        assert flags.tagged(word)[0].words == (word,)
