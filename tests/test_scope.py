"""Scope and greeting on the developers' own examples: declined, not declined, small talk."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path

import pytest

from bot.answering.greeting import Greeting
from bot.answering.scope import Scope
from bot.records import Question
from bot.rules import load_rules

CASES = tomllib.loads((Path(__file__).parent / "safety_cases/scope.toml").read_text("utf-8"))
RULES = load_rules(today=date(2026, 11, 22))
scope = Scope(RULES)
greeting = Greeting(RULES)


@pytest.mark.parametrize(
    ("rule", "text"),
    [(rule, text) for rule in CASES if rule != "general" for text in CASES[rule]],
)
def test_requests_about_ones_own_case_are_declined(rule: str, text: str) -> None:
    decline = scope(Question(text=text))
    assert decline and decline.rule_id == rule


@pytest.mark.parametrize("text", CASES["general"])
def test_general_questions_are_not_declined(text: str) -> None:
    assert scope(Question(text=text)) is None


def test_a_decline_is_kind_offers_information_and_names_the_team() -> None:
    for rule in CASES:
        if rule == "general":
            continue
        decline = scope(Question(text=CASES[rule][0]))
        assert decline is not None
        assert "I cannot" in decline.message
        assert "general information" in decline.message
        assert "transplant team" in decline.message


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("hi", "Hello"),
        ("Hello there!", "Hello"),
        ("good morning", "Hello"),
        ("thanks so much", "welcome"),
        ("ok thanks bye", "Goodbye"),
        ("who are you?", "not a person"),
        ("hi, are you a real doctor?", "not a person"),
        ("Can I talk to a real person?", "call your transplant team"),
        ("what can you do?", "Ask me about"),
        ("help", "emergency number"),
    ],
)
def test_small_talk_is_answered(text: str, part: str) -> None:
    reply = greeting(Question(text=text))
    assert reply and part in reply


@pytest.mark.parametrize(
    "text",
    [
        "hi what is GVHD?",
        "hello I have a fever",
        "thanks, and how long is the hospital stay?",
        "who can be a donor?",
        "what is a good morning routine after transplant",
        "help me understand engraftment",
        "",
    ],
)
def test_a_question_is_never_taken_for_small_talk(text: str) -> None:
    assert greeting(Question(text=text)) is None
