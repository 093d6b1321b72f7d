"""Checks before serving. A live service that cannot point to a person must not start (R02)."""

from __future__ import annotations

from bot.errors import SettingsError
from bot.phones import tel_link
from bot.settings import Settings, tracing_names


def check_startup(settings: Settings) -> None:
    """Raise `SettingsError` where serving with these settings would be unsafe."""
    tracing = tracing_names()
    if tracing:
        raise SettingsError(
            f"{' and '.join(tracing)} is set: it would send questions to another company.",
            hint="Unset it, then start again. There is no setting that allows it.",
        )
    if settings.web.production and not (settings.contact.phone or "").strip():
        raise SettingsError(
            "BOT_CONTACT__PHONE is empty. A live service must show patients how to reach a person.",
            hint="Set BOT_CONTACT__PHONE (and BOT_CONTACT__HOURS), then start again.",
        )
    for name in ("phone", "after_hours_phone"):
        phone = getattr(settings.contact, name)
        if settings.web.production and phone and tel_link(phone) is None:
            raise SettingsError(
                f"BOT_CONTACT__{name.upper()} holds no number to call: {phone!r}.",
                hint="Write the number as it is dialled, such as +1 555 0100, then start again.",
            )
