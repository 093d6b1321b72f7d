"""Turns the page that Gradio serves for a chat into ours: words, landmarks and styles of our own
around Gradio's part, a script nonce, the right language, and nothing that names another host.

Everything a reader needs first (heading, notice, whom to call) is in the HTML itself, so it shows
at once and without JavaScript.
"""

from __future__ import annotations

import re

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.web.languages import is_chat
from bot.web.places import route_path
from bot.web.render import Renderer, asset
from bot.web.service import Service, State

_META = re.compile(r'<meta\s+(?:property|name)="(?:og|twitter):[^>]*?/>\s*', re.DOTALL)
_MANIFEST = re.compile(r'<link rel="manifest"[^>]*>\s*')
_HTML = re.compile(r'<html\s+lang="en"')
# Only the page's own tags: the config JSON escapes "<", so this never meets it.
_SCRIPT = re.compile(r"<script(?=[\s>])")


class ChatPage:
    """Wraps the app; rewrites the one HTML page of Gradio and passes the rest on."""

    def __init__(self, app: ASGIApp, renderer: Renderer, service: Service) -> None:
        self.app = app
        self.renderer = renderer
        self.service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = route_path(scope) if scope["type"] == "http" else ""
        page = path.endswith("/") and is_chat(path)
        if not page or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        # No compression inside, and no query: Gradio would look for `deep_link` in it.
        kept = [(k, v) for k, v in scope["headers"] if k != b"accept-encoding"]
        inner: Scope = {**scope, "headers": kept, "query_string": b""}
        start: Message | None = None
        body = b""

        async def collect(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
            elif message["type"] == "http.response.body":
                body += message.get("body", b"")
                if not message.get("more_body", False):
                    await finish()

        async def finish() -> None:
            nonlocal body
            assert start is not None
            if "text/html" in Headers(raw=start["headers"]).get("content-type", ""):
                state = await run_in_threadpool(self.service.state)
                nonce = scope["state"]["nonce"]
                # It asks which languages the guides have, and the index may still be opening.
                html = await run_in_threadpool(self.rewrite, body.decode("utf-8"), nonce, state)
                body = html.encode("utf-8")
                MutableHeaders(scope=start)["content-length"] = str(len(body))
            await send(start)
            await send({"type": "http.response.body", "body": body})

        await self.app(inner, receive, collect)

    def rewrite(self, html: str, nonce: str, state: State = "ready") -> str:
        """The page with our parts. Raises `ValueError` where Gradio's page is not as expected."""
        texts = self.renderer.texts
        html = _META.sub("", _MANIFEST.sub("", html))
        html = _replace(html, _HTML, f'<html lang="{texts["lang"]}"')
        html = _SCRIPT.sub(f'<script nonce="{nonce}"', html)
        head = self.renderer.html("chat_head.html", nonce=nonce, asset=asset)
        html = _replace(html, re.compile("</head>"), head + "</head>")
        top = self.renderer.html(
            "chat_top.html", nonce=nonce, state=state, script_words=dict(texts["script"])
        )
        html = _replace(html, re.compile("<gradio-app"), top + "<gradio-app")
        foot = self.renderer.html("chat_foot.html")
        return _replace(html, re.compile("</gradio-app>"), "</gradio-app>" + foot)


def _replace(html: str, pattern: re.Pattern[str], new: str) -> str:
    changed, count = pattern.subn(lambda _: new, html)
    if count != 1:
        raise ValueError(f"Gradio's page has {count} of {pattern.pattern}, not one")
    return changed
