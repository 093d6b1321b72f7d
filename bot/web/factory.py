"""Assembles the web app. Building it loads the rules; model and index follow in the background."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from bot import __version__
from bot.errors import BotError
from bot.indexing.places import withdrawals_of
from bot.review.shelf import IndexShelf, Shelf
from bot.settings import Settings
from bot.web.api import DESCRIPTION, PREFIX, api_router, problem
from bot.web.chat import mount_chats
from bot.web.chat_page import ChatPage
from bot.web.feedback import FeedbackLog
from bot.web.glossary import GlossaryKeeper
from bot.web.health import health_router
from bot.web.languages import ChooseLanguage
from bot.web.library import LibraryKeeper
from bot.web.library_pages import library_router
from bot.web.limits import RateLimit
from bot.web.originals import Originals
from bot.web.pages import pages_router, status_page
from bot.web.plain import plain_router
from bot.web.reader import reader_router
from bot.web.render import HERE, Renderer
from bot.web.security import BodyLimit, GradioGate, LastResort, Refusal, SecurityHeaders
from bot.web.service import THREADS, Bot, Service, log_failure
from bot.web.staff import add_staff_pages
from bot.web.startup import check_startup


def create_app(settings: Settings, bot: Bot | None = None, shelf: Shelf | None = None) -> FastAPI:
    """The app: chat, plain page, source reader, library, staff pages, API v1, health.

    Without `bot` one is opened from the settings, and without `shelf` staff see the documents of
    their index. Raises `SettingsError` where serving would be
    unsafe, `RulesError` and `ModelError` where the bot cannot be opened.
    """
    check_startup(settings)
    if bot is None:
        from bot.answering.flow import Bot as RealBot

        bot = RealBot.open(settings)
    web = settings.web
    service = Service(
        bot,
        at_once=web.answers_at_once,
        waiting=web.answers_waiting,
        seconds=web.answer_seconds,
    )
    withdrawals = withdrawals_of(settings)
    keeper = GlossaryKeeper(
        bot,
        withdrawals,
        show_overdue=settings.answering.overdue_sources == "notice",
    )
    renderer = Renderer(settings, glossary=keeper, languages=service.languages)
    feedback_log = None
    if settings.privacy.feedback == "on":
        feedback_log = FeedbackLog(
            settings.paths.var / "feedback.jsonl", max_bytes=settings.privacy.feedback_max_bytes
        )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # A question that waits holds a thread: what else needs one must never wait for it.
        limiter = current_default_thread_limiter()
        limiter.total_tokens = max(limiter.total_tokens, service.most + THREADS)
        service.start()
        yield
        service.stop()

    app = FastAPI(
        title=renderer.texts["name"],
        version=__version__,
        description=DESCRIPTION,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,  # both viewers load scripts from another host
        redoc_url=None,
        lifespan=lifespan,
    )

    async def refuse(request: Request, status: int) -> Response:
        return _failure(request, status, renderer)

    _add_guards(app, settings, renderer, service, refuse)
    _add_error_handlers(app, renderer)
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    app.include_router(health_router(service))
    app.include_router(api_router(service, renderer, feedback_log))
    app.include_router(pages_router(service, renderer))
    originals = Originals(settings.paths.knowledge, max_bytes=settings.chunking.max_document_bytes)
    app.include_router(reader_router(service, renderer, originals, withdrawals))
    app.include_router(library_router(service, renderer, LibraryKeeper(bot, withdrawals)))
    app.include_router(plain_router(service, renderer, feedback_log))
    shelf = shelf or IndexShelf(settings)
    add_staff_pages(app, settings, service, renderer, withdrawals, shelf)
    mount_chats(app, service, renderer)
    return app


def _add_guards(
    app: FastAPI, settings: Settings, renderer: Renderer, service: Service, refuse: Refusal
) -> None:
    """The last one added is the outermost."""
    web = settings.web
    app.add_middleware(ChatPage, renderer=renderer, service=service)
    app.add_middleware(LastResort, refuse=refuse)
    app.add_middleware(GradioGate, refuse=refuse)
    app.add_middleware(BodyLimit, limit=web.max_body_bytes, refuse=refuse)
    app.add_middleware(RateLimit, per_minute=web.requests_per_minute, refuse=refuse)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(web.allowed_origins),
        allow_methods=["GET", "POST"],
        allow_headers=["content-type"],
        allow_credentials=False,
    )
    app.add_middleware(ChooseLanguage)
    app.add_middleware(SecurityHeaders, web=web)
    if web.trusted_proxies:
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=list(web.trusted_proxies))


def _failure(request: Request, status: int, renderer: Renderer) -> Response:
    """An error in the form its caller reads: problem+json below /api, a page elsewhere."""
    if not request.url.path.startswith("/api/"):
        return status_page(renderer, status)
    e = renderer.texts["error"]
    details = {
        404: e["not_found"],
        405: e["method"],
        413: e["too_large"],
        429: e["limit"],
    }
    fallback = e["bad_request"] if status < 500 else e["unavailable"]
    return problem(
        status,
        e["title"],
        details.get(status, fallback),
        contact=renderer.contact,
        about=renderer.texts["about_line"],
    )


def _add_error_handlers(app: FastAPI, renderer: Renderer) -> None:
    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> Response:
        return _failure(request, error.status_code, renderer)

    @app.exception_handler(BotError)
    async def bot_error(request: Request, error: BotError) -> Response:
        log_failure("page", error)
        return _failure(request, 503, renderer)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        # Places and reasons only: FastAPI's own body would give the question back.
        found = error.errors()
        status = 400 if any(e["type"] == "json_invalid" for e in found) else 422
        e = renderer.texts["error"]
        places = [f"{'.'.join(str(p) for p in x['loc'][1:]) or 'body'}: {x['msg']}" for x in found]
        return problem(
            status,
            e["question_title"],
            e["bad_request"],
            contact=renderer.contact,
            about=renderer.texts["about_line"],
            errors=places[:20],
        )
