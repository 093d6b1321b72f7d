"""The documents as staff see them, and withdrawing and restoring them or a passage of them.

Nothing changes by a link: a page shows first what will vanish or come back, and asks why.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.responses import Response

from bot.errors import StoreError, UnknownSource
from bot.records import Chunk, SourceInfo, Span
from bot.review.shelf import Shelf
from bot.targets import parse_target
from bot.web.places import STAFF
from bot.web.service import log_failure
from bot.web.staff_gate import Visit, visit_of
from bot.web.staff_pages import StaffPages, address, document_address
from bot.withdrawals import Withdrawal, Withdrawals

LONGEST_REASON = 500
_DONE = ("withdrawn", "restored")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A document on the list. `parts` are its withdrawn passages."""

    info: SourceInfo
    passages: int
    overdue: bool
    whole: bool
    parts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A passage of a document, and the withdrawals that keep it out of answers."""

    chunk: Chunk
    withdrawn: tuple[Withdrawal, ...]


def rows_of(
    sources: Sequence[SourceInfo],
    counts: dict[str, int],
    withdrawn: Sequence[Withdrawal],
    today: date,
) -> list[Row]:
    """The list of documents, in the order of the sources."""
    whole = {w.source_id for w in withdrawn if w.start is None}
    parts = [w.source_id for w in withdrawn if w.start is not None]
    return [
        Row(
            info=info,
            passages=counts.get(info.source_id, 0),
            overdue=info.overdue(today),
            whole=info.source_id in whole,
            parts=parts.count(info.source_id),
        )
        for info in sources
    ]


def _touches(item: Withdrawal, source_id: str, span: Span) -> bool:
    if item.source_id != source_id or item.start is None or item.end is None:
        return item.source_id == source_id
    return item.start < span.end and span.start < item.end


class Documents:
    """Makes the pages of the routes."""

    def __init__(
        self,
        pages: StaffPages,
        shelf: Shelf,
        withdrawals: Withdrawals,
        *,
        today: Callable[[], date] = date.today,
    ) -> None:
        self._pages = pages
        self._shelf = shelf
        self._withdrawals = withdrawals
        self._today = today

    def all(self, visit: Visit) -> Response:
        withdrawn = self._withdrawals.items()
        sources = self._shelf.sources()
        rows = rows_of(sources, self._shelf.counts(), withdrawn, self._today())
        known = {info.source_id for info in sources}
        return self._pages.page(
            visit,
            "staff_documents.html",
            "documents",
            rows=rows,
            gone=[w for w in withdrawn if w.source_id not in known],
        )

    def one(self, visit: Visit, source_id: str, done: str | None) -> Response:
        info = self._shelf.document(source_id).info
        withdrawn = [w for w in self._withdrawals.items() if w.source_id == source_id]
        passages = [
            Passage(
                chunk=chunk,
                withdrawn=tuple(w for w in withdrawn if _touches(w, source_id, chunk.span)),
            )
            for chunk in self._shelf.passages(source_id)
        ]
        return self._pages.page(
            visit,
            "staff_document.html",
            "documents",
            info=info,
            overdue=info.overdue(self._today()),
            whole=next((w for w in withdrawn if w.start is None), None),
            passages=passages,
            done=done if done in _DONE else None,
        )

    def ask_to_withdraw(
        self, visit: Visit, target: str, *, status: int = 200, problem: str = "", reason: str = ""
    ) -> Response:
        source_id, span = self._target(target)
        if self._item(source_id, span):
            return self._pages.to(visit, address(f"{STAFF}/restore", target=target))
        return self._confirm(
            visit, "withdraw", target, source_id, span, None, status, problem, reason
        )

    def withdraw(self, visit: Visit) -> Response:
        target, reason = visit.field("target"), visit.field("reason")
        if problem := self._wrong(reason):
            return self.ask_to_withdraw(visit, target, status=422, problem=problem, reason=reason)
        source_id, span = self._target(target)
        if not self._item(source_id, span):
            self._withdrawals.withdraw(source_id, span, reason=reason, by=visit.account.name)
        return self._pages.to(visit, document_address(source_id, done="withdrawn"))

    def ask_to_restore(
        self, visit: Visit, target: str, *, status: int = 200, problem: str = "", reason: str = ""
    ) -> Response:
        item = next((w for w in self._withdrawals.items() if w.target == target), None)
        if item is None:
            return self._not_withdrawn(visit)
        span = None
        if item.start is not None and item.end is not None:
            span = Span(start=item.start, end=item.end)
        return self._confirm(
            visit, "restore", target, item.source_id, span, item, status, problem, reason
        )

    def restore(self, visit: Visit) -> Response:
        target, reason = visit.field("target"), visit.field("reason")
        if problem := self._wrong(reason):
            return self.ask_to_restore(visit, target, status=422, problem=problem, reason=reason)
        item = next((w for w in self._withdrawals.items() if w.target == target), None)
        if item is None or not self._withdrawals.restore(
            target, reason=reason, by=visit.account.name
        ):
            return self._not_withdrawn(visit)
        if item.source_id not in {info.source_id for info in self._shelf.sources()}:
            return self._pages.to(visit, address(f"{STAFF}/documents"))
        return self._pages.to(visit, document_address(item.source_id, done="restored"))

    def failed(self, visit: Visit, error: StoreError) -> Response:
        t = self._pages.texts
        if isinstance(error, UnknownSource):
            return self._pages.message(
                visit, t.documents.title, t.documents.unknown, status=404, here="documents"
            )
        log_failure("staff documents", error)
        return self._pages.message(
            visit, t.documents.title, t.documents.no_index, status=503, here="documents"
        )

    def _confirm(
        self,
        visit: Visit,
        what: str,
        target: str,
        source_id: str,
        span: Span | None,
        item: Withdrawal | None,
        status: int,
        problem: str,
        reason: str,
    ) -> Response:
        values: dict[str, Any] = {"info": None, "passages": ()}
        try:
            values["info"] = self._shelf.document(source_id).info
            values["passages"] = [
                chunk
                for chunk in self._shelf.passages(source_id)
                if span is None or (chunk.span.start < span.end and span.start < chunk.span.end)
            ]
        except UnknownSource:
            pass  # withdrawn, and out of the index since
        return self._pages.page(
            visit,
            "staff_confirm.html",
            "documents",
            status=status,
            what=what,
            target=target,
            source_id=source_id,
            part=span is not None,
            item=item,
            problem=problem,
            reason=reason,
            longest=LONGEST_REASON,
            **values,
        )

    def _target(self, target: str) -> tuple[str, Span | None]:
        """Raises `UnknownSource` where there is no such document or place in it."""
        source_id, span = parse_target(target, {info.source_id for info in self._shelf.sources()})
        if span and span.end > len(self._shelf.document(source_id).text):
            raise UnknownSource(f"{target} lies behind the end of the document.")
        return source_id, span

    def _item(self, source_id: str, span: Span | None) -> Withdrawal | None:
        wanted = f"{source_id}:{span.start}-{span.end}" if span else source_id
        return next((w for w in self._withdrawals.items() if w.target == wanted), None)

    def _wrong(self, reason: str) -> str:
        t = self._pages.texts.confirm
        if not reason:
            return str(t.reason_missing)
        return (
            str(t.reason_long.format(most=LONGEST_REASON)) if len(reason) > LONGEST_REASON else ""
        )

    def _not_withdrawn(self, visit: Visit) -> Response:
        t = self._pages.texts
        return self._pages.message(
            visit, t.documents.title, t.documents.not_withdrawn, status=404, here="documents"
        )


def documents_routes(router: APIRouter, documents: Documents) -> None:
    """Add the routes."""

    def shown(visit: Visit, work: Callable[[], Response]) -> Response:
        try:
            return work()
        except StoreError as error:
            return documents.failed(visit, error)

    @router.get(f"{STAFF}/documents")
    def all_documents(visit: Annotated[Visit, Depends(visit_of)]) -> Response:
        return shown(visit, lambda: documents.all(visit))

    @router.get(f"{STAFF}/documents/{{source_id:path}}")
    def document(
        visit: Annotated[Visit, Depends(visit_of)], source_id: str, done: str | None = None
    ) -> Response:
        return shown(visit, lambda: documents.one(visit, source_id, done))

    @router.get(f"{STAFF}/withdraw")
    def ask_to_withdraw(visit: Annotated[Visit, Depends(visit_of)], target: str = "") -> Response:
        return shown(visit, lambda: documents.ask_to_withdraw(visit, target))

    @router.post(f"{STAFF}/withdraw")
    def withdraw(visit: Annotated[Visit, Depends(visit_of)]) -> Response:
        return shown(visit, lambda: documents.withdraw(visit))

    @router.get(f"{STAFF}/restore")
    def ask_to_restore(visit: Annotated[Visit, Depends(visit_of)], target: str = "") -> Response:
        return shown(visit, lambda: documents.ask_to_restore(visit, target))

    @router.post(f"{STAFF}/restore")
    def restore(visit: Annotated[Visit, Depends(visit_of)]) -> Response:
        return shown(visit, lambda: documents.restore(visit))
