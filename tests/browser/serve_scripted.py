"""Serves the web app with the scripted bot, for tests: PORT SETTINGS-AS-JSON [no-index]."""

from __future__ import annotations

import json
import sys

from bot.settings import Settings
from bot.web.factory import create_app
from bot.web.serving import serve
from tests.scripted_bot import CONTACT, ScriptedBot

if __name__ == "__main__":
    port, given, *options = sys.argv[1:]
    wanted = json.loads(given)
    settings = Settings(
        **{
            **wanted,
            "web": {**wanted.get("web", {}), "port": int(port)},
            "contact": {
                "name": CONTACT.name,
                "phone": CONTACT.phone,
                "hours": CONTACT.hours,
                "after_hours_phone": CONTACT.after_hours_phone,
            },
        }
    )
    bot = (
        ScriptedBot(index=False, problems=("There is no index yet.",)) if options else ScriptedBot()
    )
    serve(settings, app=create_app(settings, bot))
