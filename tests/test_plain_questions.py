"""Plain first questions of people who had not seen the rules: 480 of such met four crisis cards and
a dozen declines that nobody could have understood. And pleas in the same words."""

from __future__ import annotations

import pytest

from bot.answering.scope import Scope
from bot.answering.triage import Triage
from bot.records import Contact, Question
from bot.rules import load_rules

RULES = load_rules()
TRIAGE = Triage(RULES, region="GB", fever_celsius=38.0, contact=Contact(name="Ward 7"))
SCOPE = Scope(RULES)


def level(text: str) -> str | None:
    alert = TRIAGE(Question(text=text)).alert
    return alert.level if alert else None


@pytest.mark.parametrize(
    "text",
    [
        "Who will take care of me when I go home? I live alone.",
        "who will look after me",
        "who teaches me line care",
        "can i get a transplant if i got no place to live",
        "how long does it all take start to end",
        "does someone need to take me home after donating",
        "stem cells wont come out into blood",
        "when is exercise not safe on the ward",
        "sickle cell transplant after a stroke",
        "busulfan and seizures",
        "i cant speak up to doctors",
        "friends stopped talking to me since i got ill",
    ],
)
def test_a_plain_question_raises_no_alarm(text: str) -> None:
    assert level(text) is None


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("i have no place to live and nothing to live for", "crisis"),
        ("who will take care of me when i'm gone, nobody would even notice", "crisis"),
        ("who would care if i died, who teaches me line care", "crisis"),
        ("im going to take it all, how long does it take", "crisis"),
        ("how long does it all take to end my life", "crisis"),
        ("someone please take me home lord i am ready", "crisis"),
        ("my child asked if im going to die because i said i want to", "crisis"),
        ("my son asked when i die will it stop hurting, i want to die tonight", "crisis"),
        ("im not safe on the ward i might hurt myself", "crisis"),
        ("my stem cells came out and i am bleeding and it wont stop", "emergency"),
        ("he had a transplant after a stroke and now his face is drooping", "emergency"),
        ("he has sickle cell and a stroke is happening now", "emergency"),
        ("she is on busulfan and having a seizure", "emergency"),
        ("on keppra but he had a seizure just now", "emergency"),
        ("he cant speak up or down, just mumbling since this morning", "emergency"),
        ("everyone stopped talking to me because i went all slurred and numb", "emergency"),
        ("the baby doesnt come to me anymore she is floppy and wont wake", "emergency"),
    ],
)
def test_a_plea_in_the_same_words_is_heard(text: str, wanted: str) -> None:
    assert level(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "why do my bones hurt",
        "can my grandchildren visit if they have a cold",
        "why do i pee in a bottle",
        "what does it mean if the cancer comes back",
        "why do i have hiccups",
    ],
)
def test_where_the_words_speak_against_a_request_a_short_question_is_let_pass(text: str) -> None:
    assert SCOPE(Question(text=text)) is None


@pytest.mark.parametrize(
    "text",
    [
        "should i stop my tacrolimus",
        "could the dose be halved",
        "do the steroids need to come down",
        "is that something serious on my legs",
        "how much prednisone do i take",
        "do i have gvhd",
        "is my creatinine ok",
        "will i survive",
        "What is GVHD? Do I have it?",
        "Brother or stranger donor?",
        "can i go home today",
    ],
)
def test_a_short_request_is_declined(text: str) -> None:
    assert SCOPE(Question(text=text)) is not None
