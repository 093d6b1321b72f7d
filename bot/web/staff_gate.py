"""Who may see which staff page: one table, and one check that every route of them goes through.

A route that is not in the table is for nobody. Without an account the pages do not exist (404);
without a session the answer is 401, without the rights or with a form from elsewhere 403.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import parse_qs, urlsplit

from fastapi import HTTPException, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from bot.review.accounts import Account, Role
from bot.review.sessions import Session, Sessions
from bot.web.places import STAFF
from bot.web.plain import Fields, field_of

SIGN_IN = f"{STAFF}/sign-in"
NEEDED: dict[str, Role | None] = {
    SIGN_IN: None,
    f"{STAFF}/sign-out": "viewer",
    STAFF: "viewer",
    f"{STAFF}/gaps": "viewer",
    f"{STAFF}/documents": "viewer",
    f"{STAFF}/documents/{{source_id:path}}": "viewer",
    f"{STAFF}/feedback": "viewer",
    f"{STAFF}/feedback/shared": "viewer",
    f"{STAFF}/withdraw": "reviewer",
    f"{STAFF}/restore": "reviewer",
    f"{STAFF}/audit": "admin",
}
"""The role that each page needs at least, whatever the method; None: whoever is not signed in."""

COOKIE = "staff"
FORM_COOKIE = "staff-form"
"""Holds the forms of those who have no session yet."""
TOKEN = "form"  # noqa: S105
"""The field that carries the token of a form."""

Refusal = Literal["session", "role", "form"]


class Refused(Exception):
    """The request goes no further. `visit` is who came, where that is known."""

    def __init__(self, why: Refusal, visit: Visit) -> None:
        super().__init__(why)
        self.why = why
        self.visit = visit

    @property
    def status(self) -> int:
        return 401 if self.why == "session" else 403


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Who came, and what the form held. `holder` is what the tokens of the page's forms belong to:
    the session, or a random text where there is none. `secure`: cookies go over https only."""

    session: Session | None
    holder: str
    fields: Fields
    secure: bool
    folder: str

    @property
    def account(self) -> Account:
        assert self.session, "the gate lets nobody in without one"
        return self.session.account

    def field(self, name: str) -> str:
        return field_of(self.fields, name).strip()


Check = Callable[[Request], Awaitable[None]]


def gate_of(sessions: Sessions, *, production: bool) -> Check:
    """The check, as a dependency of a router; what it found is `visit_of(request)`."""

    def visit(request: Request, fields: Fields) -> Visit:
        if not sessions.accounts.all():
            raise HTTPException(404)
        session = sessions.read(request.cookies.get(COOKIE))
        return Visit(
            session=session,
            holder=session.session_id if session else _holder(request),
            fields=fields,
            # As HSTS does: a live service is one behind https, whatever its proxy says.
            secure=production or request.url.scheme == "https",
            folder=request.scope.get("root_path", "") + STAFF,
        )

    def check(request: Request, fields: Fields) -> Visit:
        found = visit(request, fields)
        path = request.scope["route"].path
        needed = NEEDED.get(path, "admin")
        if needed is not None:
            if found.session is None:
                raise Refused("session", found)
            if path not in NEEDED or not found.account.may(needed):
                raise Refused("role", found)
        else:
            # Who signs in anew begins anew, also from a page that was open all the while.
            held = found.holder if found.session is None else _holder(request)
            found = replace(found, session=None, holder=held)
        if request.method == "POST":
            token = field_of(fields, TOKEN)
            if not (came_from_here(request) and sessions.is_form_token(token, found.holder)):
                raise Refused("form", found)
        return found

    async def gate(request: Request) -> None:
        body = await request.body() if request.method == "POST" else b""
        fields = parse_qs(body.decode("utf-8", "replace"))
        request.state.visit = await run_in_threadpool(check, request, fields)

    return gate


def visit_of(request: Request) -> Visit:
    """What the gate found. Fails on a route without the gate."""
    found: Visit = request.state.visit
    return found


def came_from_here(request: Request) -> bool:
    """Whether a form was sent from a page of ours, as the browser says. Browsers that say neither
    where from nor which origin are too old to be trusted with it."""
    fetched = request.headers.get("sec-fetch-site")
    if fetched is not None:
        return fetched == "same-origin"
    origin = urlsplit(request.headers.get("origin", "")).netloc
    return bool(origin) and origin == request.headers.get("host")


def new_holder() -> str:
    return f"visitor-{secrets.token_urlsafe(16)}"


def _holder(request: Request) -> str:
    kept = request.cookies.get(FORM_COOKIE, "")
    return kept if kept.startswith("visitor-") else new_holder()


def keep_session(response: Response, visit: Visit, text: str) -> None:
    """Give the browser its session, as it is from now on; it goes when the browser closes."""
    _keep(response, visit, COOKIE, text)


def keep_holder(response: Response, visit: Visit) -> None:
    _keep(response, visit, FORM_COOKIE, visit.holder)


def forget(response: Response, visit: Visit) -> None:
    """Take both cookies away."""
    for name in (COOKIE, FORM_COOKIE):
        response.delete_cookie(
            name, path=visit.folder, secure=visit.secure, httponly=True, samesite="strict"
        )


def _keep(response: Response, visit: Visit, name: str, text: str) -> None:
    response.set_cookie(
        name, text, path=visit.folder, secure=visit.secure, httponly=True, samesite="strict"
    )
