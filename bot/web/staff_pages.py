"""What all staff pages share: the frame with who is signed in, the form tokens, the addresses, the
session that each page prolongs, and the page that says why a request went no further."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from starlette.responses import HTMLResponse, RedirectResponse, Response

from bot.review.sessions import IDLE_SECONDS, WHOLE_SECONDS, Sessions
from bot.web.places import STAFF
from bot.web.render import Renderer, page_link
from bot.web.staff_gate import (
    NEEDED,
    SIGN_IN,
    TOKEN,
    Refused,
    Visit,
    forget,
    keep_holder,
    keep_session,
)

PAGES = {
    "ask": STAFF,
    "documents": f"{STAFF}/documents",
    "gaps": f"{STAFF}/gaps",
    "feedback": f"{STAFF}/feedback",
    "audit": f"{STAFF}/audit",
}
"""The pages of the menu, in its order."""
_NO_STORE = {"Cache-Control": "no-store"}


def address(path: str, **values: str) -> str:
    """The address of a staff page in the language of this one. Values are names of places in
    documents and numbers of pages, never a reader's words."""
    link = page_link(path)
    query = urlencode(values, quote_via=quote)
    return f"{link}{'&' if '?' in link else '?'}{query}" if query else link


def document_address(source_id: str, **values: str) -> str:
    return address(f"{STAFF}/documents/{quote(source_id, safe='/')}", **values)


def plain_time(at: str) -> str:
    """`2026-11-28 10:05 UTC` of a time in the audit log or the feedback."""
    return f"{at[:16].replace('T', ' ')} UTC" if at else ""


class StaffPages:
    """Makes the pages of a visit."""

    def __init__(self, renderer: Renderer, sessions: Sessions) -> None:
        self.renderer = renderer
        self.sessions = sessions

    @property
    def texts(self) -> Any:
        return self.renderer.texts.staff

    def page(
        self, visit: Visit, template: str, here: str = "", *, status: int = 200, **values: Any
    ) -> Response:
        """The page; the session is used now, and holds as long again."""
        menu = [
            (name, address(path), name == here)
            for name, path in PAGES.items()
            if visit.session and visit.account.may(NEEDED[path] or "viewer")
        ]
        html = self.renderer.html(
            template,
            who=visit.session.account if visit.session else None,
            may_review=bool(visit.session and visit.account.may("reviewer")),
            menu=menu,
            token_name=TOKEN,
            token=self.sessions.form_token(visit.holder),
            staff_link=address,
            document_link=document_address,
            plain_time=plain_time,
            **values,
        )
        response = HTMLResponse(html, status_code=status, headers=_NO_STORE)
        self._keep(response, visit)
        return response

    def to(self, visit: Visit, where: str) -> Response:
        """On to another page after something was done."""
        response = RedirectResponse(where, status_code=303, headers=_NO_STORE)
        self._keep(response, visit)
        return response

    def sign_in(
        self, visit: Visit, *, status: int = 200, problem: str = "", name: str = ""
    ) -> Response:
        """The form to sign in with, and what was wrong with the try before."""
        return self.page(
            visit,
            "staff_sign_in.html",
            status=status,
            problem=problem,
            failed=problem != self.texts.no_session,
            name=name,
            ends=self.texts.ends.format(idle=IDLE_SECONDS // 60, whole=WHOLE_SECONDS // 3600),
        )

    def message(
        self, visit: Visit, title: str, message: str, *, status: int, here: str = ""
    ) -> Response:
        values = {"title": title, "message": message}
        return self.page(visit, "staff_message.html", here, status=status, **values)

    def signed_out(self, visit: Visit) -> Response:
        response = RedirectResponse(address(SIGN_IN), status_code=303, headers=_NO_STORE)
        forget(response, visit)
        return response

    def refused(self, refusal: Refused) -> Response:
        """Why it went no further, with the way on."""
        t = self.texts
        visit, status = refusal.visit, refusal.status
        if refusal.why == "session":
            return self.sign_in(visit, status=status, problem=t.no_session)
        if refusal.why == "role":
            return self.message(visit, t.role_title, t.role_message, status=status)
        return self.message(visit, t.form_title, t.form_message, status=status)

    def _keep(self, response: Response, visit: Visit) -> None:
        if visit.session:
            keep_session(response, visit, self.sessions.text(visit.session))
        else:
            keep_holder(response, visit)
