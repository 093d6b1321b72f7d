"""The server-rendered pages to read: source reader, about, and every error page."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated

from fastapi import APIRouter
from fastapi import Path as PathParam
from starlette.responses import HTMLResponse, RedirectResponse, Response

from bot.errors import BotError, UnknownSource
from bot.records import Span
from bot.web.document_view import view
from bot.web.render import Renderer, reader_link
from bot.web.service import Service

_NUMBER = re.compile(r"[0-9]{1,12}")


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
    texts = renderer.texts

    @router.get("/")
    def home() -> Response:
        return RedirectResponse("/chat/", status_code=307)

    @router.get("/about")
    def about() -> Response:
        try:
            sources = service.bot.sources()
        except BotError:
            sources = ()  # the statement of intended use must show without an index, too
        return HTMLResponse(renderer.html("about.html", sources=sources))

    @router.get("/sources/{source_id:path}")
    def source(
        source_id: Annotated[str, PathParam()],
        start: str | None = None,
        end: str | None = None,
    ) -> Response:
        e = texts["error"]
        try:
            # The id is looked up in the index; no file is opened by a name from outside.
            document = service.bot.document(source_id)
        except UnknownSource:
            return error_page(renderer, 404, e["source_title"], e["source_unknown"])
        quote = None
        if start is not None or end is not None:
            quote = _span(start, end, len(document.text))
            if quote is None or not quote.of(document.text).strip():
                link = reader_link(source_id)
                return error_page(renderer, 400, e["span_title"], e["span_wrong"], source_link=link)
        html = renderer.html(
            "source.html",
            info=document.info,
            parts=view(document, quote),
            quote=quote,
            overdue=document.info.overdue(date.today()),
        )
        return HTMLResponse(html)

    return router


def _span(start: str | None, end: str | None, length: int) -> Span | None:
    """The span if both numbers are given and lie inside the text, else None."""
    if not (start and end and _NUMBER.fullmatch(start) and _NUMBER.fullmatch(end)):
        return None
    first, last = int(start), int(end)
    return Span(start=first, end=last) if first < last <= length else None
