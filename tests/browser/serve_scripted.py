"""Serves the web app with the scripted bot, for tests: PORT [FRAME_ANCESTOR...]."""

from __future__ import annotations

import sys

from bot.settings import ContactSettings, Settings, Web
from bot.web.factory import create_app
from bot.web.serving import serve
from tests.scripted_bot import CONTACT, ScriptedBot

if __name__ == "__main__":
    port, *ancestors = sys.argv[1:]
    settings = Settings(
        web=Web(port=int(port), frame_ancestors=tuple(ancestors)),
        contact=ContactSettings(
            name=CONTACT.name,
            phone=CONTACT.phone,
            hours=CONTACT.hours,
            after_hours_phone=CONTACT.after_hours_phone,
        ),
    )
    serve(settings, app=create_app(settings, ScriptedBot()))
