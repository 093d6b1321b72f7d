"""How to reach a person, in the reader's language: the clinic's own words, or ours for what it left
at its default."""

from __future__ import annotations

from bot.messages import load_messages
from bot.records import Contact
from bot.settings import ContactSettings

_DEFAULT_NAME = ContactSettings().name


def contact_of(settings: ContactSettings, language: str = "en") -> Contact:
    """The contact for a reader of `language`. Where the clinic wrote nothing in it, what it wrote
    in English stands: a phone number matters more than its label. Raises `RulesError` where our
    texts in this language cannot be used, needed here or not: cards take them from the same file,
    and its fault is to be found at the start, not by an emergency."""
    ours = load_messages(language)
    name, hours = settings.name, settings.hours
    if language == "es":
        name, hours = settings.name_es or name, settings.hours_es or hours
    if name == _DEFAULT_NAME:
        name = ours.team
    return Contact(
        name=name,
        phone=settings.phone,
        hours=hours,
        after_hours_phone=settings.after_hours_phone,
    )
