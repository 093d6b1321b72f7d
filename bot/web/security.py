"""Pure ASGI guards around everything, Gradio included: headers, body size, and an allow-list of
the few Gradio routes that the chat needs. What is not listed does not exist.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.settings import Web
from bot.web.places import chat_of, is_staff, route_path
from bot.web.service import log_failure

Refusal = Callable[[Request, int], Awaitable[Response]]
"""Makes the page or problem body for a status code."""

# Measured by watching Chromium use the page; everything else of Gradio (upload, file, proxy=,
# deep_link, monitoring, runs, info, call, api, stream, component_server, login ...) stays shut.
_GET = frozenset({"", "/", "/theme.css", "/gradio_api/queue/data"})
_GET_BELOW = ("/assets/", "/static/", "/gradio_api/heartbeat/")
_POST = frozenset({"/gradio_api/queue/join", "/gradio_api/cancel", "/gradio_api/reset"})

NOBODY = "'none'"
READER = "/sources/"
ORIGINALS = "/documents/"
# For the viewers that browsers show a PDF with; a PDF itself loads nothing.
_ORIGINAL = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; object-src 'self'; "
    "frame-ancestors 'self'"
)


def gradio_allows(method: str, path: str) -> bool:
    """Whether a path below a chat (given without it) may reach Gradio."""
    if ".." in path or "\\" in path or "//" in path:
        return False
    if method in ("GET", "HEAD"):
        return path in _GET or path.startswith(_GET_BELOW)
    return method == "POST" and path in _POST


class GradioGate:
    """Answers 404 to every Gradio route that the chat page does not use."""

    def __init__(self, app: ASGIApp, refuse: Refusal) -> None:
        self.app = app
        self.refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            chat = chat_of(route_path(scope))
            # CORS answers OPTIONS before this; one that comes through gets 404 like the rest.
            if chat and not gradio_allows(scope["method"], chat[1]):
                response = await self.refuse(Request(scope, receive), 404)
                await response(scope, receive, send)
                return
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        await self.app(scope, receive, send)


class BodyLimit:
    """Reads a request body before anything else does and answers 413 above `limit` bytes."""

    def __init__(self, app: ASGIApp, limit: int, refuse: Refusal) -> None:
        self.app = app
        self.limit = limit
        self.refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self.app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        body = b""
        too_large = declared.isdigit() and int(declared) > self.limit
        while not too_large:
            message = await receive()
            if message["type"] != "http.request":
                return  # the client has gone
            body += message.get("body", b"")
            too_large = len(body) > self.limit
            if not message.get("more_body", False):
                break
        if too_large:
            response = await self.refuse(Request(scope), 413)
            response.headers["Connection"] = "close"
            await response(scope, receive, send)
            return
        given = False

        async def replay() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, replay, send)


class LastResort:
    """Turns an exception that nothing else caught into a 500 without a trace."""

    def __init__(self, app: ASGIApp, refuse: Refusal) -> None:
        self.app = app
        self.refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def sender(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, sender)
        except Exception as error:
            log_failure("request", error)
            if not started:
                response = await self.refuse(Request(scope, receive), 500)
                await response(scope, receive, send)


class SecurityHeaders:
    """Adds the headers of R33 to every response. The chat page alone gets a script nonce, which
    its maker leaves in `scope["state"]["nonce"]`. An original PDF may stand in a page of ours,
    wherever the others may stand, and the reader of a PDF may hold one. Nobody may frame a page
    for staff."""

    def __init__(self, app: ASGIApp, web: Web) -> None:
        self.app = app
        self.web = web

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        nonce = secrets.token_urlsafe(18)
        scope.setdefault("state", {})["nonce"] = nonce
        path = route_path(scope)

        async def sender(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                self._add(headers, path, nonce)
            await send(message)

        await self.app(scope, receive, sender)

    def _add(self, headers: MutableHeaders, path: str, nonce: str) -> None:
        original = path.startswith(ORIGINALS) and headers.get("content-type") == "application/pdf"
        headers["Content-Security-Policy"] = _ORIGINAL if original else self.policy(path, nonce)
        headers["X-Content-Type-Options"] = "nosniff"
        # Without a referrer browsers send no origin with a form, and staff's forms are checked.
        headers["Referrer-Policy"] = "same-origin" if is_staff(path) else "no-referrer"
        headers["Permissions-Policy"] = (
            "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()"
        )
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        if original:
            headers["X-Frame-Options"] = "SAMEORIGIN"
            headers["Cross-Origin-Resource-Policy"] = "same-origin"
        elif is_staff(path) or not self.web.frame_ancestors:
            # This header cannot list origins, so it only goes out where nobody is allowed.
            headers["X-Frame-Options"] = "DENY"
        if self.web.production:
            headers["Strict-Transport-Security"] = "max-age=31536000"
        if "cache-control" not in headers:
            chat = chat_of(path)
            below = chat[1] if chat else path
            fixed = below.startswith(("/static/", "/assets/"))
            headers["Cache-Control"] = "public, max-age=86400" if fixed else "no-store"

    def policy(self, path: str, nonce: str) -> str:
        ancestors = "" if is_staff(path) else " ".join(self.web.frame_ancestors)
        chat = chat_of(path) is not None
        # Gradio's components carry style attributes; its scripts run from files and one nonce.
        # Neither page may evaluate strings, and no other host is ever named.
        script = f"'self' 'nonce-{nonce}'" if chat else "'self'"
        style = "'self' 'unsafe-inline'" if chat else "'self'"
        base = "'self'" if chat else "'none'"
        # Chromium holds a PDF to be both an object and a frame.
        embedded = (
            "'self'" if path.startswith(READER) and path.lower().endswith(".pdf") else "'none'"
        )
        return (
            f"default-src 'none'; script-src {script}; style-src {style}; "
            "img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; "
            f"base-uri {base}; object-src {embedded}; frame-src {embedded}; "
            f"frame-ancestors {ancestors or NOBODY}"
        )
