"""The rules of English, read once for all tests of a process that ask them alone."""

from __future__ import annotations

from functools import cache

from bot.answering.triage import Triage
from bot.records import Contact, Question, Screening
from bot.rules import load_rules


@cache
def triage() -> Triage:
    return Triage(load_rules(), region="US", fever_celsius=38.0, contact=Contact(name="the team"))


def screened(text: str) -> Screening:
    return triage()(Question(text=text))


def alarm(text: str) -> str | None:
    """The level of the card, if there is one."""
    alert = screened(text).alert
    return alert.level if alert else None
