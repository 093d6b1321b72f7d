"""Staff ask and see why; they read what the guides lack, what readers said, and who did what."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from bot.audit import AuditFile, Chain
from bot.errors import RulesError
from bot.explaining import explain, reading_grade, word_count
from bot.gaps import load_gaps
from bot.records import About
from bot.review.comments import VERDICTS, read_feedback
from bot.review.paging import leaf_of
from bot.settings import Settings
from bot.web.places import STAFF
from bot.web.plain import posted_question
from bot.web.service import Service, log_failure
from bot.web.staff_gate import Visit, visit_of
from bot.web.staff_pages import StaffPages
from bot.withdrawals import Withdrawals, audit_path

SHARED_PAGE = 20


def reading_routes(
    router: APIRouter,
    pages: StaffPages,
    service: Service,
    settings: Settings,
    audit: Withdrawals,
) -> None:
    """Add the routes."""
    feedback_file: Path = settings.paths.var / "feedback.jsonl"

    @router.get(STAFF)
    def ask(visit: Annotated[Visit, Depends(visit_of)]) -> Response:
        return pages.page(
            visit, "staff_ask.html", "ask", asked=None, typed="", about_you=About(), steps=()
        )

    @router.post(STAFF)
    def asked(visit: Annotated[Visit, Depends(visit_of)]) -> Response:
        found = posted_question(service, pages.renderer, visit.fields)
        answer = found.answer
        response = pages.page(
            visit,
            "staff_ask.html",
            "ask",
            status=found.status,
            asked=pages.renderer.asked(found.text) if found.text.strip() else "",
            body=found.body,
            typed=found.typed,
            about_you=found.about,
            grade=reading_grade(answer) if answer else None,
            word_count=word_count(answer) if answer else 0,
            steps=explain(answer) if answer else (),
        )
        if found.retry_after:
            response.headers["Retry-After"] = str(found.retry_after)
        return response

    @router.get(f"{STAFF}/gaps")
    def gaps(visit: Annotated[Visit, Depends(visit_of)]) -> Response:
        try:
            found = load_gaps(settings.paths.knowledge).gap
        except RulesError as error:
            log_failure("gaps", error)
            t = pages.texts
            return pages.message(visit, t.gaps.title, t.gaps.unreadable, status=503, here="gaps")
        by_name = sorted(found, key=lambda gap: gap.group)
        return pages.page(visit, "staff_gaps.html", "gaps", gaps=by_name)

    @router.get(f"{STAFF}/feedback")
    def feedback(visit: Annotated[Visit, Depends(visit_of)]) -> Response:
        found = read_feedback(feedback_file)
        return pages.page(
            visit, "staff_feedback.html", "feedback", feedback=found, verdicts=VERDICTS
        )

    @router.get(f"{STAFF}/feedback/shared")
    def shared(visit: Annotated[Visit, Depends(visit_of)], page: str | None = None) -> Response:
        leaf = leaf_of(read_feedback(feedback_file).shared, page, size=SHARED_PAGE)
        if leaf.items:
            # Before it is shown: what cannot be noted is not read.
            audit.note("read shared feedback", f"page {leaf.number}", by=visit.account.name)
        return pages.page(visit, "staff_shared.html", "feedback", leaf=leaf)

    @router.get(f"{STAFF}/audit")
    def audit_trail(
        visit: Annotated[Visit, Depends(visit_of)], page: str | None = None
    ) -> Response:
        leaf = leaf_of(audit.log()[::-1], page)
        return pages.page(visit, "staff_audit.html", "audit", leaf=leaf, chain=_chain(settings))


def _chain(settings: Settings) -> Chain | None:
    """Whether the log holds together; None on a Chroma server, where its lines are not chained."""
    if settings.store.chroma_url:
        return None
    return AuditFile(audit_path(settings.paths.var)).check()
