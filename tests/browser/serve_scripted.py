"""Serves the web app with the scripted bot, for tests. Its argument is a JSON list of apps, each
with a `port`, its `settings`, and whether there is an `index`. All run in this one process, because
starting a process costs more than everything that most tests do."""

from __future__ import annotations

import json
import sys
import threading
from typing import Any

from fastapi import FastAPI

from bot.settings import Settings
from bot.web.factory import create_app
from bot.web.serving import serve
from tests.scripted_bot import CONTACT, ScriptedBot
from tests.scripted_trace import ScriptedShelf

NO_INDEX = "There is no index yet."


def made(port: int, settings: dict[str, Any], index: bool) -> tuple[Settings, FastAPI]:
    given = Settings(
        **{
            **settings,
            "web": {**settings.get("web", {}), "port": port},
            "contact": {
                "name": CONTACT.name,
                "phone": CONTACT.phone,
                "hours": CONTACT.hours,
                "after_hours_phone": CONTACT.after_hours_phone,
            },
        }
    )
    bot = ScriptedBot() if index else ScriptedBot(index=False, problems=(NO_INDEX,))
    return given, create_app(given, bot, ScriptedShelf(bot))


if __name__ == "__main__":
    # One by one: Gradio keeps the page that it builds in a global.
    (settings, app), *others = [made(**entry) for entry in json.loads(sys.argv[1])]
    for other, its_app in others:
        threading.Thread(target=serve, args=(other,), kwargs={"app": its_app}, daemon=True).start()
    serve(settings, app=app, stop_seconds=1)
