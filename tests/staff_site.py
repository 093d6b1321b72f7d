"""The web app with accounts, and a way in that is as quick as a signed text: for tests of the pages
for staff."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient

from bot.indexing.places import withdrawals_of
from bot.review.accounts import ROLES, Accounts
from bot.review.sessions import Sessions
from bot.settings import ContactSettings, Paths, Settings, Web
from bot.web.factory import create_app
from bot.web.staff_gate import COOKIE
from tests.scripted_bot import ScriptedBot
from tests.scripted_trace import ScriptedShelf

PASSWORD = "four small green boats"
HERE = {"sec-fetch-site": "same-origin"}
"""What a browser says of a form of our own pages."""


def token_in(html: str) -> str:
    found = re.search(r'name="form" value="([^"]+)"', html)
    assert found, "the page has no form"
    return found[1]


@dataclass
class Site:
    """An app with an account a role, each named as the role."""

    app: FastAPI
    settings: Settings
    bot: Any

    @property
    def accounts(self) -> Accounts:
        return Accounts.of(self.settings)

    def visitor(self, **more: Any) -> TestClient:
        """A browser that is not signed in."""
        return TestClient(self.app, raise_server_exceptions=False, follow_redirects=False, **more)

    def session(self, role: str, *, used: float = 0.0) -> str:
        """The text of a session of the role's account, used `used` seconds ago."""
        account = self.accounts.find(role)
        assert account
        sessions = Sessions(self.accounts, now=lambda: time.time() - used)
        return sessions.text(sessions.begin(account))

    def signed_in(self, role: str) -> TestClient:
        return self.visitor(cookies={COOKIE: self.session(role)})

    def audit(self) -> list[dict[str, str]]:
        return withdrawals_of(self.settings).log()


def post(client: TestClient, path: str, page: str | None = None, **fields: Any) -> Any:
    """Send a form of ours, with the token of the page that holds it."""
    token = token_in(client.get(page or path).text)
    return client.post(path, data={"form": token, **fields}, headers=HERE)


def site_at(
    folder: Path, bot: Any = None, *, accounts: bool = True, web: Web | None = None, **more: Any
) -> Site:
    paths = more.pop("paths", Paths(var=folder / "var", knowledge=folder / "knowledge"))
    settings = Settings(
        paths=paths,
        web=web or Web(requests_per_minute=0),
        contact=ContactSettings(name="Ward 7", phone="555-0100"),
        **more,
    )
    shelf = None
    if bot is None:
        bot = ScriptedBot()
        shelf = ScriptedShelf(bot)
    site = Site(create_app(settings, bot, shelf), settings, bot)
    if accounts:
        for role in ROLES:
            site.accounts.add(role, role, PASSWORD)
    return site
