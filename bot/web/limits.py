"""How much one client address may ask: a moving minute, over chat, plain page and API together.

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


class RateLimit:
    """Answers 429 with `Retry-After` above `per_minute` requests of one address; 0 counts none."""

    def __init__(self, app: ASGIApp, per_minute: int, refuse: Refusal) -> None:
        self.app = app
        self.refuse = refuse
        self._item = RateLimitItemPerMinute(per_minute) if per_minute else None
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        counted = scope["type"] == "http" and scope["method"] == "POST"
        if self._item and counted and route_path(scope) in COUNTED:
            address = scope["client"][0] if scope.get("client") else "unknown"
            if not self._limiter.hit(self._item, counted_as(address)):
                response = await self.refuse(Request(scope, receive), 429)
                response.headers["Retry-After"] = "60"
                await response(scope, receive, send)
                return
        await self.app(scope, receive, send)
