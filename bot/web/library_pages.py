"""The pages of the library: the shelves, and what a search finds.

A search is posted, so its words get into no address, log or history (R29). It is screened by the
same rules as a question before anything is looked up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, Response

from bot.errors import StoreError
from bot.records import Question, Related, Screening, SourceInfo
from bot.web.failures import failure_of
from bot.web.languages import spoken
from bot.web.library import Library
from bot.web.originals import is_pdf
from bot.web.reader import beside_link
from bot.web.render import Renderer, reader_link
from bot.web.service import Service, log_failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A part of a document that a search found: its heading, page and address."""

    heading: str
    page: int | None
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What a search found in one document."""

    info: SourceInfo
    places: tuple[Place, ...]


def library_router(
    service: Service, renderer: Renderer, library: Callable[[], Library]
) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    def shelves() -> Response:
        try:
            html = renderer.html("library.html", library=library())
            return HTMLResponse(html)
        except StoreError as error:
            # The box stays: what the rules say of an emergency needs no index.
            log_failure("library", error)
            return HTMLResponse(renderer.html("library.html", library=None), status_code=503)

    def search(typed: str) -> Response:
        if not typed.strip():
            html = renderer.html("found.html", state="empty", typed="", screening=None)
            return HTMLResponse(html, status_code=422)
        screening = Screening()
        try:
            found = service.look_up(Question(text=typed, locale=spoken().language))
            screening = found.screening
            if found.instead:
                body = renderer.asked(typed) + renderer.answer(found.instead, prefix="s1")
                return HTMLResponse(
                    renderer.html("found.html", state="instead", typed=typed, body=body)
                )
            groups = grouped(found.pages, library()) if found.pages else ()
            return HTMLResponse(
                renderer.html(
                    "found.html",
                    state="found" if groups else "none",
                    typed=typed,
                    groups=groups,
                    screening=screening,
                )
            )
        except Exception as error:
            failure = failure_of(
                error,
                renderer.texts,
                place="library",
                question=typed,
                max_chars=renderer.max_chars,
            )
            alert = screening.alert
            card = renderer.alarm(alert, screening.language) if alert else ""
            body = card + renderer.trouble(failure.message, failure.hint, title=failure.title)
            html = renderer.html("found.html", state="instead", typed=typed, body=body)
            response = HTMLResponse(html, status_code=failure.status)
            if failure.retry_after:
                response.headers["Retry-After"] = str(failure.retry_after)
            return response

    @router.get("/library")
    def library_page() -> Response:
        return shelves()

    @router.post("/library")
    async def library_search(request: Request) -> Response:
        fields = parse_qs((await request.body()).decode("utf-8", "replace"))
        return await run_in_threadpool(search, fields.get("words", [""])[0])

    return router


def grouped(pages: Sequence[Related], library: Library) -> tuple[Group, ...]:
    """What was found, by document, in the order of the best part of each."""
    by_source: dict[str, list[Related]] = {}
    for page in pages:
        by_source.setdefault(page.source.source_id, []).append(page)
    return tuple(
        Group(
            info=found[0].source,
            places=tuple(
                Place(
                    heading=" › ".join(page.heading) or page.source.title,
                    page=page.page,
                    href=_address(page, library.anchor(page.source.source_id, page.span)),
                )
                for page in found
            ),
        )
        for found in by_source.values()
    )


def _address(page: Related, anchor: str) -> str:
    source_id = page.source.source_id
    beside = page.page is not None and is_pdf(source_id)
    address = beside_link(source_id, page.page or 1) if beside else reader_link(source_id)
    return f"{address}#{anchor}" if anchor else address
