"""Puts the pages for staff together. They exist as long as there is an account (docs/staff.md)."""

from __future__ import annotations

from fastapi import APIRouter, Depends, FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from bot.review.accounts import Accounts
from bot.review.sessions import Sessions
from bot.review.shelf import Shelf
from bot.settings import Settings
from bot.web.render import Renderer
from bot.web.service import Service
from bot.web.staff_documents import Documents, documents_routes
from bot.web.staff_gate import Refused, gate_of
from bot.web.staff_pages import StaffPages
from bot.web.staff_reading import reading_routes
from bot.web.staff_signing import signing_routes
from bot.withdrawals import Withdrawals


def add_staff_pages(
    app: FastAPI,
    settings: Settings,
    service: Service,
    renderer: Renderer,
    withdrawals: Withdrawals,
    shelf: Shelf,
) -> None:
    """Add the routes, each behind the gate, and the page that says why somebody was refused."""
    sessions = Sessions(Accounts.of(settings))
    pages = StaffPages(renderer, sessions)
    gate = gate_of(sessions, production=settings.web.production)
    router = APIRouter(include_in_schema=False, dependencies=[Depends(gate)])
    signing_routes(router, pages, withdrawals)
    reading_routes(router, pages, service, settings, withdrawals)
    documents_routes(router, Documents(pages, shelf, withdrawals))
    app.include_router(router)

    @app.exception_handler(Refused)
    async def refused(_: Request, error: Refused) -> Response:
        return await run_in_threadpool(pages.refused, error)
