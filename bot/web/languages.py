"""Which language a page speaks: `?lang=` where it names one of ours, else the chat's own path, else
the browser's `Accept-Language`, else English. Nothing is stored for it.

The choice stands in a context variable for the time of a request, so that no page has to hand it
on. A link names the language only where the browser alone would choose another.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.web.places import CHAT, CHATS, LANGUAGES, chat_of, is_staff, route_path

_PARAMETER = "lang"
_MOST_READ = 500
_SAME_FOR_ALL = ("text/css", "text/javascript", "image/", "font/", "text/event-stream")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """The language of a page. `carried`: its links must name it. `path` and `query` are the page's
    own, for the link to it in another language."""

    language: str = LANGUAGES[0]
    carried: bool = False
    path: str = CHAT + "/"
    query: str = ""

    def link(self, path: str) -> str:
        """The address of another page of ours, in this language."""
        if path == CHAT + "/":
            path = CHATS[self.language] + "/"
            if self.language != LANGUAGES[0]:
                return path  # it says the language itself
        return f"{path}?{_PARAMETER}={self.language}" if self.carried else path

    def address_in(self, language: str) -> str:
        """This page in another language, at the same place in it."""
        kept = [(name, value) for name, value in parse_qsl(self.query) if name != _PARAMETER]
        named = [(_PARAMETER, language)]
        # Two slashes at the front would name a host: "//evil.example/x" leads there.
        path = "/" + self.path.lstrip("/")
        if is_chat(path):
            path = CHATS[language] + "/"
            named = named if language == LANGUAGES[0] else []  # else the path says it
        query = urlencode([*kept, *named])
        place = "#quote" if path.startswith("/sources/") and "start" in dict(kept) else ""
        return f"{quote(path)}{'?' if query else ''}{query}{place}"


_ENGLISH = Spoken()
_SPOKEN: ContextVar[Spoken] = ContextVar("spoken", default=_ENGLISH)


def spoken() -> Spoken:
    """The language of the request that is being answered; English outside of one."""
    return _SPOKEN.get()


@contextmanager
def speaking(chosen: Spoken) -> Iterator[None]:
    token = _SPOKEN.set(chosen)
    try:
        yield
    finally:
        _SPOKEN.reset(token)


def ours(tag: str | None) -> str | None:
    """The interface language of a tag such as `es-MX`, or None."""
    primary = (tag or "").strip().lower().replace("_", "-").partition("-")[0]
    return primary if primary in LANGUAGES else None


def by_browser(accept_language: str) -> str:
    """The language that an `Accept-Language` header likes best of ours (RFC 9110, 12.5.4)."""
    best, liked = LANGUAGES[0], 0.0
    for part in accept_language[:_MOST_READ].split(","):
        tag, _, weight = part.partition(";")
        language = ours(tag)
        quality = _quality(weight)
        if language and quality > liked:  # of equals the first one
            best, liked = language, quality
    return best


def _quality(weight: str) -> float:
    name, _, value = weight.strip().partition("=")
    if not weight.strip():
        return 1.0
    try:
        number = float(value) if name.strip().lower() == "q" else 0.0
    except ValueError:
        return 0.0
    return number if 0.0 <= number <= 1.0 else 0.0


def is_chat(path: str) -> bool:
    """Whether the path is the page of a chat (not what Gradio loads below it)."""
    return path.removesuffix("/") in CHATS.values()


def chosen_for(scope: Scope) -> Spoken:
    """The language for an HTTP request."""
    path = route_path(scope)
    query = scope["query_string"].decode("latin-1")
    browser = by_browser(", ".join(Headers(scope=scope).getlist("accept-language")))
    named = ours(dict(parse_qsl(query)).get(_PARAMETER))
    chat = chat_of(path)
    of_chat = chat[0] if chat and chat[0] != LANGUAGES[0] else None
    language = named or of_chat or browser
    posted = scope["method"] not in ("GET", "HEAD")
    return Spoken(
        language=language,
        carried=language != browser,
        # What was posted has no address: the link leads to the form.
        path="/plain" if posted and path != "/library" and not is_staff(path) else path,
        query="" if posted else query,
    )


class ChooseLanguage:
    """Sets the language for all that is inside, and leads to the chat of that language."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        chosen = chosen_for(scope)

        async def sender(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if not headers.get("content-type", "").startswith(_SAME_FOR_ALL):
                    headers.add_vary_header("Accept-Language")
            await send(message)

        with speaking(chosen):
            path = route_path(scope)
            wanted = CHATS[chosen.language]
            if is_chat(path) and path.removesuffix("/") != wanted and scope["method"] == "GET":
                response = RedirectResponse(_chat_address(chosen), status_code=307)
                await response(scope, receive, sender)
                return
            await self.app(scope, receive, sender)


def _chat_address(chosen: Spoken) -> str:
    """The chat of the chosen language with the rest of the query; no loop, because the address
    says the language where the browser would choose another."""
    address = chosen.link(CHAT + "/")
    kept = urlencode([(n, v) for n, v in parse_qsl(chosen.query) if n != _PARAMETER])
    if not kept:
        return address
    return f"{address}{'&' if '?' in address else '?'}{kept}"
