"""The source reader: a document as a page, the passage one came for marked, the way to the other
passages of the same answer, and for a PDF the original page beside its text.

An address holds places in documents only, never a word of a question (R29).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any
from urllib.parse import quote as quoted

from fastapi import APIRouter
from fastapi import Path as PathParam
from starlette.responses import HTMLResponse, Response

from bot.errors import UnknownSource
from bot.records import SourceDocument, SourceInfo, Span
from bot.standing import touches, withheld_of
from bot.web.cited import Place, read, trail
from bot.web.document_view import Part, view
from bot.web.originals import Originals, is_pdf
from bot.web.pages import error_page, status_page
from bot.web.render import Renderer, reader_link
from bot.web.service import Service
from bot.withdrawals import Withdrawals

_NUMBER = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of a PDF: its number, those before and after it that have text, and whether the
    original can be shown."""

    number: int
    before: int | None
    after: int | None
    original: bool


def original_link(source_id: str, page: int | None = None) -> str:
    """The address of an original PDF, opened at a page."""
    # What browsers' viewers understand: no list of pages at the side, the page as wide as its box.
    place = f"#page={page}&navpanes=0&view=FitH" if page else ""
    return "/documents/" + quoted(source_id, safe="/") + place


def beside_link(source_id: str, page: int) -> str:
    """The address of the text of a page beside the original."""
    address = reader_link(source_id)
    return f"{address}{'&' if '?' in address else '?'}page={page}"


def reader_router(
    service: Service, renderer: Renderer, originals: Originals, withdrawals: Withdrawals
) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    reader = _Reader(service, renderer, originals, withdrawals)

    @router.get("/sources/{source_id:path}")
    def source(
        source_id: Annotated[str, PathParam()],
        start: str | None = None,
        end: str | None = None,
        cited: str | None = None,
        page: str | None = None,
    ) -> Response:
        return reader.page(source_id, start, end, cited, page)

    @router.get("/documents/{source_id:path}")
    def original(source_id: Annotated[str, PathParam()]) -> Response:
        return reader.original(source_id)

    return router


class _Reader:
    """Makes the pages of the two routes."""

    def __init__(
        self,
        service: Service,
        renderer: Renderer,
        originals: Originals,
        withdrawals: Withdrawals,
    ) -> None:
        self._service = service
        self._renderer = renderer
        self._originals = originals
        self._withdrawals = withdrawals

    def page(
        self,
        source_id: str,
        start: str | None,
        end: str | None,
        cited: str | None,
        page: str | None,
    ) -> Response:
        e = self._renderer.texts["error"]
        try:
            # The id is looked up in the index; no file is opened by a name from outside.
            document = self._service.bot.document(source_id)
        except UnknownSource:
            return error_page(self._renderer, 404, e["source_title"], e["source_unknown"])
        withheld = withheld_of(document, self._withdrawals.items())
        quote = None
        if start is not None or end is not None:
            quote = _span(start, end, len(document.text))
        known, places = self._known(read(cited))
        also = [p.span for p in places if p.source_id == source_id and p.span != quote]
        parts = view(document, quote, also=also if quote else (), withheld=withheld)
        asked_for = start is not None or end is not None
        if asked_for and (quote is None or not _marks(parts)):
            link = reader_link(source_id)
            return error_page(
                self._renderer, 400, e["span_title"], e["span_wrong"], source_link=link
            )
        here = Place(source_id=source_id, span=quote) if quote else None
        values: dict[str, Any] = {
            "info": document.info,
            "parts": parts,
            "page": None,
            "quote": quote,
            "cited": bool(here and here in places),
            "trail": trail(places, here) if here else None,
            "guides": {info.source_id: info for info in known},
            "overdue": document.info.overdue(date.today()),
            "original_link": original_link,
            "beside_link": beside_link,
            "is_pdf": is_pdf(source_id),
        }
        if is_pdf(source_id):
            shown = self._page_of(document, parts, quote, page)
            if shown:
                values |= {"page": shown, "parts": _on_page(parts, shown.number)}
        return HTMLResponse(self._renderer.html("source.html", **values))

    def original(self, source_id: str) -> Response:
        """The bytes of a PDF as they were indexed."""
        try:
            document = self._service.bot.document(source_id)
        except UnknownSource:
            return status_page(self._renderer, 404)
        data = self._originals.pdf(document) if self._may_show(document) else None
        if data is None:
            return status_page(self._renderer, 404)
        name = quoted(source_id.rsplit("/", 1)[-1], safe="")
        return Response(
            data,
            media_type="application/pdf",
            headers={"Content-Disposition": f"inline; filename*=UTF-8''{name}"},
        )

    def _may_show(self, document: SourceDocument) -> bool:
        """A file cannot be shown without the part of it that was withdrawn."""
        return not withheld_of(document, self._withdrawals.items())

    def _page_of(
        self,
        document: SourceDocument,
        parts: Sequence[Part],
        quote: Span | None,
        asked_for: str | None,
    ) -> Page | None:
        """The page to show beside its original: the quote's, or the one asked for."""
        numbers = [part.page for part in parts if part.page is not None]
        number = None
        if quote:
            starts = [p.start for p in parts if p.page is not None and p.start <= quote.start]
            number = numbers[len(starts) - 1] if starts else None
        elif asked_for and _NUMBER.fullmatch(asked_for):
            number = int(asked_for)
        if number not in numbers:
            return None
        at = numbers.index(number)
        return Page(
            number=number,
            before=numbers[at - 1] if at else None,
            after=numbers[at + 1] if at + 1 < len(numbers) else None,
            original=self._may_show(document) and self._originals.shows(document),
        )

    def _known(self, places: Sequence[Place]) -> tuple[list[SourceInfo], list[Place]]:
        """The places that are there to be read, and the documents that they lie in."""
        documents: dict[str, SourceDocument | None] = {}
        for source_id in {place.source_id for place in places}:
            try:
                documents[source_id] = self._service.bot.document(source_id)
            except UnknownSource:
                documents[source_id] = None
        kept = []
        for place in places:
            document = documents[place.source_id]
            if document is None or place.span.end > len(document.text):
                continue
            if not touches(withheld_of(document, self._withdrawals.items()), place.span):
                kept.append(place)
        return [document.info for document in documents.values() if document], kept


def _marks(parts: Sequence[Part]) -> bool:
    """Whether anything of the quote is on the page."""
    return any(run.mark == "quote" for part in parts for line in part.lines for run in line)


def _on_page(parts: Sequence[Part], number: int) -> list[Part]:
    """The parts of one page, without the mark where it begins: the page says its number."""
    begin = next(n for n, part in enumerate(parts) if part.page == number)
    rest = parts[begin + 1 :]
    end = next((n for n, part in enumerate(rest) if part.page is not None), len(rest))
    return list(rest[:end])


def _span(start: str | None, end: str | None, length: int) -> Span | None:
    """The span if both numbers are given and lie inside the text, else None."""
    if not (start and end and _NUMBER.fullmatch(start) and _NUMBER.fullmatch(end)):
        return None
    first, last = int(start), int(end)
    return Span(start=first, end=last) if first < last <= length else None
