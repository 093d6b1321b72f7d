"""How much one client address may ask: a moving minute, over chat, plain page and API together.
A ward behind one address may reach it: so many questions again are still heard by the rules, and
one that tells of a red flag gets its card.

Counts are kept in memory only. The address is the one that `ProxyHeadersMiddleware` left in the
scope, so X-Forwarded-For counts only where it comes from a proxy of ours.
"""

from __future__ import annotations

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.addresses import counted_as
from bot.web.over import over_limit
from bot.web.places import CHATS, route_path
from bot.web.security import Refusal

COUNTED = frozenset(
    {
        "/plain",
        "/sheet",
        "/library",
        "/feedback",
        "/staff",
        "/staff/sign-in",
        "/api/v1/ask",
        "/api/v1/feedback",
        *(f"{chat}/gradio_api/queue/join" for chat in CHATS.values()),
    }
)
"""What makes the service work or write; reading pages is not counted."""


HEARD = frozenset({"/plain", "/library", "/api/v1/ask"})
"""Where a question above the limit still reaches the rules: the chat's own wait in a line first."""
_HEARD_TIMES = 3


class RateLimit:
    """Answers 429 with `Retry-After` above `per_minute` requests of one address; 0 counts none.
    Three times as many more questions are handed on, marked (bot/web/over.py)."""

    def __init__(self, app: ASGIApp, per_minute: int, refuse: Refusal) -> None:
        self.app = app
        self.refuse = refuse
        self._item = RateLimitItemPerMinute(per_minute) if per_minute else None
        self._heard = RateLimitItemPerMinute(per_minute * _HEARD_TIMES) if per_minute else None
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        counted = scope["type"] == "http" and scope["method"] == "POST"
        if self._item and counted and route_path(scope) in COUNTED:
            address = counted_as(scope["client"][0] if scope.get("client") else "unknown")
            if not self._limiter.hit(self._item, address):
                if self._still_heard(route_path(scope), address):
                    with over_limit():
                        await self.app(scope, receive, send)
                    return
                response = await self.refuse(Request(scope, receive), 429)
                response.headers["Retry-After"] = "60"
                await response(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _still_heard(self, path: str, address: str) -> bool:
        return (
            path in HEARD
            and self._heard is not None
            and self._limiter.hit(self._heard, "heard", address)
        )
