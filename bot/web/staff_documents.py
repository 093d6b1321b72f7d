"""The documents as staff see them, and withdrawing and restoring them or a passage of them.

Nothing changes by a link: a page shows first what will vanish or come back, and asks why.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from bot.errors import NotLogged, StoreError, UnknownSource
from bot.records import Chunk, SourceDocument, SourceInfo, Span
from bot.review.shelf import Books, Shelf
from bot.standing import Held, Withheld, held, text_in, touches
from bot.targets import find_target
from bot.web.places import STAFF
from bot.web.service import log_failure
from bot.web.staff_gate import Visit, visit_of
from bot.web.staff_pages import StaffPages, address, document_address
from bot.withdrawals import Withdrawal, Withdrawals, Words, names_of

LONGEST_REASON = 500
_DONE = ("withdrawn", "restored")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A document on the list. `parts` are its withdrawn passages; where the words of one are not
    found any more (`lost`), all of the document is withheld."""

    info: SourceInfo
    passages: int
    overdue: bool
    whole: bool
    lost: bool
    parts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Out:
    """A withdrawal, what `restore` calls it, and for a passage where its words stand now."""

    item: Withdrawal
    name: str
    now: Held | None

    def covers(self, chunk: Chunk) -> bool:
        """Does this withdrawal by itself keep a passage of its document out?"""
        return self.now is None or touches(self.now.spans, chunk.span)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A passage of a document, and the withdrawals that keep it out of answers."""

    chunk: Chunk
    withdrawn: tuple[Out, ...]


def rows_of(
    sources: Sequence[SourceInfo],
    counts: dict[str, int],
    withdrawn: Sequence[Withdrawal],
    withheld: Withheld,
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
            lost=withheld.source(info.source_id) and info.source_id not in whole,
            parts=parts.count(info.source_id),
        )
        for info in sources
    ]


def outs_of(document: SourceDocument, withdrawn: Sequence[Withdrawal]) -> list[Out]:
    """The withdrawals of a document, as they stand in its text."""
    return [
        Out(item=item, name=name, now=held(item, document.text) if item.span else None)
        for name, item in names_of(withdrawn).items()
        if item.source_id == document.info.source_id
    ]


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
        with self._shelf.open() as books:
            sources = books.sources()
            withheld = Withheld(withdrawn, text_in(books.document))
            rows = rows_of(sources, books.counts(), withdrawn, withheld, self._today())
        known = {info.source_id for info in sources}
        return self._pages.page(
            visit,
            "staff_documents.html",
            "documents",
            rows=rows,
            gone=[
                Out(item=item, name=name, now=None)
                for name, item in names_of(withdrawn).items()
                if item.source_id not in known
            ],
        )

    def one(self, visit: Visit, source_id: str, done: str | None) -> Response:
        with self._shelf.open() as books:
            document, chunks = books.document(source_id), books.passages(source_id)
        info, outs = document.info, outs_of(document, self._withdrawals.items())
        passages = [
            Passage(chunk=chunk, withdrawn=tuple(out for out in outs if out.covers(chunk)))
            for chunk in chunks
        ]
        return self._pages.page(
            visit,
            "staff_document.html",
            "documents",
            info=info,
            overdue=info.overdue(self._today()),
            whole=next((out for out in outs if out.now is None), None),
            lost=[out for out in outs if out.now and out.now.state == "lost"],
            passages=passages,
            done=done if done in _DONE else None,
        )

    def ask_to_withdraw(self, visit: Visit, target: str) -> Response:
        with self._shelf.open() as books:
            return self._ask_to_withdraw(visit, books, target)

    def _ask_to_withdraw(
        self, visit: Visit, books: Books, target: str, *, problem: str = "", reason: str = ""
    ) -> Response:
        source_id, span, document = self._place(books, target)
        if name := self._known_as(source_id, span, document):
            return self._pages.to(visit, address(f"{STAFF}/restore", target=name))
        return self._confirm(
            visit,
            "withdraw",
            target,
            document,
            books.passages(source_id),
            spans=(span,) if span else None,
            part=span is not None,
            source_id=source_id,
            problem=problem,
            reason=reason,
        )

    def withdraw(self, visit: Visit) -> Response:
        target, reason = visit.field("target"), visit.field("reason")
        with self._shelf.open() as books:
            if problem := self._wrong(reason):
                return self._ask_to_withdraw(visit, books, target, problem=problem, reason=reason)
            source_id, span, document = self._place(books, target)
        if not self._known_as(source_id, span, document):
            words = Words.of(span.of(document.text)) if span else None
            by = visit.account.name
            try:
                self._withdrawals.withdraw(source_id, span, words=words, reason=reason, by=by)
            except StoreError as error:
                return self._not_saved(visit, error)
        return self._pages.to(visit, document_address(source_id, done="withdrawn"))

    def ask_to_restore(
        self, visit: Visit, name: str, *, problem: str = "", reason: str = ""
    ) -> Response:
        """`name` is what `bot.withdrawals.names_of` calls it."""
        item = names_of(self._withdrawals.items()).get(name)
        if item is None:
            return self._not_withdrawn(visit)
        document, chunks = None, []
        with contextlib.suppress(UnknownSource), self._shelf.open() as books:
            document = books.document(item.source_id)  # withdrawn, it may be out of the index since
            chunks = books.passages(item.source_id)
        now = held(item, document.text) if document and item.span else None
        return self._confirm(
            visit,
            "restore",
            name,
            document,
            chunks,
            # With words that are lost all of the document comes back.
            spans=now.spans if now and now.state != "lost" else None,
            part=item.span is not None,
            source_id=item.source_id,
            item=item,
            problem=problem,
            reason=reason,
        )

    def restore(self, visit: Visit) -> Response:
        name, reason = visit.field("target"), visit.field("reason")
        if problem := self._wrong(reason):
            return self.ask_to_restore(visit, name, problem=problem, reason=reason)
        item = names_of(self._withdrawals.items()).get(name)
        try:
            if item is None or not self._withdrawals.restore(
                name, reason=reason, by=visit.account.name
            ):
                return self._not_withdrawn(visit)
        except StoreError as error:
            return self._not_saved(visit, error)
        if not self._is_here(item.source_id):
            return self._pages.to(visit, address(f"{STAFF}/documents"))
        return self._pages.to(visit, document_address(item.source_id, done="restored"))

    def _is_here(self, source_id: str) -> bool:
        with contextlib.suppress(StoreError), self._shelf.open() as books:
            return source_id in {info.source_id for info in books.sources()}
        return False

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

    def _not_saved(self, visit: Visit, error: StoreError) -> Response:
        log_failure("staff documents", error)
        t = self._pages.texts
        said = t.documents.not_logged if isinstance(error, NotLogged) else t.documents.not_saved
        return self._pages.message(visit, t.documents.title, said, status=503, here="documents")

    def _confirm(
        self,
        visit: Visit,
        what: str,
        target: str,
        document: SourceDocument | None,
        chunks: Sequence[Chunk],
        *,
        spans: Sequence[Span] | None,
        part: bool,
        source_id: str,
        problem: str,
        reason: str,
        item: Withdrawal | None = None,
    ) -> Response:
        """What will vanish or come back: the passages at `spans`, or all of them; and why."""
        return self._pages.page(
            visit,
            "staff_confirm.html",
            "documents",
            status=422 if problem else 200,
            what=what,
            target=target,
            source_id=source_id,
            part=part,
            item=item,
            problem=problem,
            reason=reason,
            longest=LONGEST_REASON,
            info=document.info if document else None,
            passages=[c for c in chunks if spans is None or touches(spans, c.span)],
        )

    def _place(self, books: Books, target: str) -> tuple[str, Span | None, SourceDocument]:
        """Raises `UnknownSource` where there is no such document or place in it."""
        known = {info.source_id for info in books.sources()}
        return find_target(target, known, books.document)

    def _known_as(self, source_id: str, span: Span | None, document: SourceDocument) -> str | None:
        """The name of a withdrawal of this very place, where there is one."""
        for name, item in names_of(self._withdrawals.items()).items():
            same = item.source_id == source_id and item.span == span
            if same and (span is None or held(item, document.text).state == "there"):
                return name
        return None

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
