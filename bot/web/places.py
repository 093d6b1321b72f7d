"""Where the pages are: one chat a language, because what Gradio drew cannot change its own; the
staff pages below one address."""

from __future__ import annotations

from starlette.types import Scope

LANGUAGES = ("en", "es")
"""The languages of the interface, each with a file under bot/web/texts/; first the default."""

CHAT = "/chat"
CHATS = {code: CHAT if code == LANGUAGES[0] else f"{CHAT}/{code}" for code in LANGUAGES}
"""The mount of each language's chat, without the slash of its page."""

STAFF = "/staff"


def is_staff(path: str) -> bool:
    """Whether the path is a page for staff."""
    return path == STAFF or path.startswith(STAFF + "/")


def route_path(scope: Scope) -> str:
    """The path inside the app, without the prefix a proxy may add."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", "")) or "/"


def chat_of(path: str) -> tuple[str, str] | None:
    """The language of the chat that a path belongs to, and the path below that chat; None outside
    of every chat."""
    for code, mount in sorted(CHATS.items(), key=lambda place: -len(place[1])):
        if path == mount or path.startswith(mount + "/"):
            return code, path.removeprefix(mount)
    return None
