"""Signing in and out. A wrong name and a wrong password get the same answer after the same work."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from bot.review.passwords import matches
from bot.review.tries import Tries
from bot.web.places import STAFF
from bot.web.plain import field_of
from bot.web.staff_gate import SIGN_IN, Visit, visit_of
from bot.web.staff_pages import StaffPages, address
from bot.withdrawals import Withdrawals

_WAITING = 4
_UNKNOWN = "unknown name"
"""In the audit log for whoever has no account: what was typed may be a password."""


def signing_routes(router: APIRouter, pages: StaffPages, audit: Withdrawals) -> None:
    """Add the routes. `audit` is where the log of what staff do lies."""
    tries = Tries()
    # One password at a time: many at once would take the memory, and would all be looked at
    # before the first wrong one is counted. Few wait for it, because those who wait hold threads
    # that patients' questions need.
    one_at_a_time = threading.Lock()
    room = threading.Semaphore(_WAITING)

    def later(visit: Visit, name: str, status: int, said: str, seconds: int) -> Response:
        response = pages.sign_in(visit, status=status, problem=said, name=name)
        response.headers["Retry-After"] = str(seconds)
        return response

    @router.get(SIGN_IN)
    def form(visit: Annotated[Visit, Depends(visit_of)]) -> Response:
        return pages.sign_in(visit)

    @router.post(SIGN_IN)
    def sign_in(request: Request, visit: Annotated[Visit, Depends(visit_of)]) -> Response:
        name = visit.field("name")
        came_from = request.client.host if request.client else "unknown"
        account = pages.sessions.accounts.find(name)
        if not room.acquire(blocking=False):
            return later(visit, name, 503, pages.texts.busy, 5)
        try:
            with one_at_a_time:
                if seconds := tries.wait(name, came_from):
                    said = pages.texts.too_many.format(minutes=-(-seconds // 60))
                    return later(visit, name, 429, said, seconds)
                password = field_of(visit.fields, "password")
                right = matches(password, account.password if account else None)
                if not right:
                    tries.wrong(name, came_from)
        finally:
            room.release()
        known = account.name if account else _UNKNOWN
        if account is None or not right:
            audit.note("sign-in failed", known, by=known)
            return pages.sign_in(visit, status=401, problem=pages.texts.wrong, name=name)
        audit.note("sign-in", account.role, by=known)
        session = pages.sessions.begin(account)
        return pages.to(replace(visit, session=session), address(STAFF))

    @router.post(f"{STAFF}/sign-out")
    def sign_out(visit: Annotated[Visit, Depends(visit_of)]) -> Response:
        assert visit.session
        pages.sessions.end(visit.session)
        audit.note("sign-out", visit.account.role, by=visit.account.name)
        return pages.signed_out(visit)
