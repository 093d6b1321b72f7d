"""The about page and every error page."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import HTMLResponse, RedirectResponse, Response

from bot.errors import BotError
from bot.web.render import Renderer, page_link
from bot.web.service import Service


def error_page(
    renderer: Renderer, status: int, title: str, message: str, *, source_link: str | None = None
) -> HTMLResponse:
    """A page that says what happened, what to do and whom to call."""
    html = renderer.html("error.html", title=title, message=message, source_link=source_link)
    return HTMLResponse(html, status_code=status)


def status_page(renderer: Renderer, status: int) -> HTMLResponse:
    """The error page for a bare HTTP status."""
    e = renderer.texts["error"]
    match status:
        case 404:
            return error_page(renderer, 404, e["not_found_title"], e["not_found"])
        case 405:
            return error_page(renderer, 405, e["title"], e["method"])
        case 413:
            return error_page(renderer, 413, e["question_title"], e["too_large"])
        case 429:
            return error_page(renderer, 429, e["limit_title"], e["limit"])
        case code if 400 <= code < 500:
            return error_page(renderer, code, e["title"], e["bad_request"])
        case code:
            return error_page(renderer, code, e["title"], e["unavailable"])


def pages_router(service: Service, renderer: Renderer) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    def home() -> Response:
        return RedirectResponse(page_link("/chat/"), status_code=307)

    @router.get("/about")
    def about() -> Response:
        try:
            sources = service.bot.sources()
        except BotError:
            sources = ()  # the statement of intended use must show without an index, too
        return HTMLResponse(renderer.html("about.html", sources=sources))

    return router
