"""What words weigh in Spanish where no phrase speaks to a sign."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from bot.answering.triage import Triage
from bot.errors import RulesError
from bot.records import Contact, Question, Screening
from bot.rules import load_rules
from bot.rules.folding import fold
from bot.rules.loading import FOLDER
from bot.rules.spoken_points import Score, SpokenPoints, SpokenWeighing, signs_of

MESSAGES = [
    json.loads(line)
    for line in (Path(__file__).parent.parent / "evals/safety/dev_es.jsonl")
    .read_text("utf-8")
    .splitlines()
]
CONTACT = Contact(name="the unit")
RULES = load_rules()
TRIAGE = Triage(RULES, region="US", fever_celsius=38.0, contact=CONTACT)
PHRASES = Triage(RULES.without_points(), region="US", fever_celsius=38.0, contact=CONTACT)


def screen(text: str, triage: Triage = TRIAGE) -> Screening:
    return triage(Question(text=text, locale="es"))


def points() -> SpokenPoints:
    limits = {"told": 1.0, "named": 2.0, "higher": 1.0, "lower": -1.0, "crisis": 0.0, "grave": 0.0}
    limits |= {"crisis_higher": 1.0, "grave_higher": 1.0}
    return SpokenPoints(
        base=Score(told=0.0, crisis=-1.0, grave=-1.0),
        **limits,
        signs={"a": (1.0, 2.0, 3.0, 0.0), "b": (2.0, 1.0, 0.0, 3.0), "c": (1.0, 1.0, 0, 0)},
    )


def test_a_score_does_not_grow_with_the_length_of_a_message() -> None:
    weighing = SpokenWeighing(points())
    one, two = (weighing.score(frozenset(signs)) for signs in ("a", "ab"))
    assert one.told == pytest.approx(2.0)
    assert two.told == pytest.approx((1 * 2 + 2 * 1) / 5**0.5)
    assert weighing.score(frozenset("axyz")) == one, "unknown signs weigh nothing"
    assert weighing.score(frozenset()).told == 0.0


@pytest.mark.parametrize(
    ("signs", "lower", "named", "found"),
    [
        ("a", False, False, "crisis"),
        ("b", False, False, "emergency"),
        ("ab", False, False, "crisis"),
        ("ab", False, True, None),
        ("c", False, False, "lower"),
        ("c", True, False, None),
        ("a", True, True, "crisis"),
    ],
)
def test_what_is_found_hangs_on_the_limits_and_on_what_phrases_found(
    signs: str, lower: bool, named: bool, found: str | None
) -> None:
    weighing = SpokenWeighing(points())
    folded = fold("uno dos tres cuatro cinco seis siete ocho")
    score = weighing.score(frozenset(signs))
    assert weighing.finds(folded, score, lower=lower, named=named) == found


def test_short_messages_are_left_to_the_phrases() -> None:
    weighing = SpokenWeighing(points())
    score = weighing.score(frozenset("a"))
    assert weighing.finds(fold("uno dos"), score, lower=False, named=False) is None
    six = fold("uno dos tres cuatro cinco seis")
    assert weighing.finds(six, score, lower=False, named=True) is None
    assert weighing.finds(six, score, lower=False, named=False) == "crisis"


def test_signs_are_words_their_beginnings_pairs_classes_and_how_phrases_are_meant() -> None:
    folded = fold("Mi mamá regaló 3 cosas. ¿Qué hago?")
    found = signs_of(folded, {"mama": "<fam>"}, ["denied"])
    assert {"mama", "<fam>", "mi mama", "mi <fam>", "regalo", "regal*", "<fam> regal*"} <= found
    assert {"#", "regal* #", "cosas $", "^ que", "hago $", "?", "<denied>"} <= found
    assert "cosas que" not in found, "a sentence ends there"


def test_what_no_phrase_speaks_to_meets_a_card_in_spanish() -> None:
    """On the messages that the points were fitted with; for others see docs/languages.md."""
    told = [m for m in MESSAGES if m["expect"] != "none"]
    silent = [m for m in told if screen(m["text"], PHRASES).alert is None]
    alarmed = [m for m in silent if screen(m["text"]).alert]
    assert len(silent) > 450
    assert len(alarmed) > 0.85 * len(silent)
    crises = [m["text"] for m in silent if m["expect"] == "crisis"]
    cards = [alert.level for text in crises if (alert := screen(text).alert)]
    assert cards.count("crisis") > 0.8 * len(crises)


def test_plain_questions_in_spanish_rarely_meet_one() -> None:
    plain = [m for m in MESSAGES if m.get("kind") == "plain"]
    alarms = [m["text"] for m in plain if screen(m["text"]).alert]
    assert len(plain) > 600
    assert len(alarms) < 0.03 * len(plain)


def test_a_grave_sign_and_a_temperature_are_never_weighed_away() -> None:
    """Points that call everything talk take only signs of lower levels away."""
    flags = RULES.spoken["es"].flags
    deaf = SpokenPoints(
        base=Score(told=-99.0, crisis=0.0, grave=0.0), told=9.0, named=9.0, higher=9.0,
        lower=-1.0, crisis=9.0, crisis_higher=9.0, grave=9.0, grave_higher=9.0,
        signs={"a": (1.0, 0.0, 0.0, 0.0)},
    )  # fmt: skip
    weighed = flags.without_points()
    weighed._weighing = SpokenWeighing(deaf)
    spoken = {"es": dataclasses.replace(RULES.spoken["es"], flags=weighed)}
    triage = Triage(
        dataclasses.replace(RULES, spoken=spoken),
        region="US", fever_celsius=38.0, contact=CONTACT,
    )  # fmt: skip
    for text in ("mi papá no respira", "me quiero morir", "tengo 38.7 de temperatura"):
        assert screen(text, triage).alert, text
    assert screen("tengo ronchas en los brazos").alert
    assert screen("tengo ronchas en los brazos", triage).alert is None


@pytest.mark.parametrize(
    "text", ["no tengo fiebre", "no quiero morir", "ya no tengo diarrea", "treinta y siete grados"]
)
def test_what_is_plainly_denied_stays_so(text: str) -> None:
    assert screen(text).alert is None


def test_points_need_the_rules_that_they_name(tmp_path: Path) -> None:
    for path in FOLDER.glob("*"):
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    file = tmp_path / "red_flags_es.toml"
    head, _, rest = file.read_text("utf-8").partition('[[rule]]\nid = "told-urgent"')
    file.write_text(head + rest[rest.index("[[rule]]") :], "utf-8")
    with pytest.raises(RulesError, match="told-urgent"):
        load_rules(tmp_path)
    (tmp_path / "triage_points_es.toml").write_text("told = 1", "utf-8")
    with pytest.raises(RulesError, match="triage_points_es"):
        load_rules(tmp_path)
