"""Runs the web app until it is stopped. One process: the chat's queue lives in memory."""

from __future__ import annotations

import uvicorn
from fastapi import FastAPI

from bot.settings import Settings
from bot.web.factory import create_app

STOP_SECONDS = 8
"""Less than the ten after which Docker kills."""


def serve(
    settings: Settings,
    *,
    app: FastAPI | None = None,
    host: str | None = None,
    port: int | None = None,
    stop_seconds: int = STOP_SECONDS,
) -> None:
    """Serve `app`, or one made from the settings, on the settings' host and port or those given.

    Told to stop, it gives answers on their way `stop_seconds`, then cuts what is still open.
    The access log stays off: it would hold which sources a patient read. Raises what `create_app`
    raises.
    """
    uvicorn.run(
        app or create_app(settings),
        host=host if host is not None else settings.web.host,
        port=port if port is not None else settings.web.port,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # the app does it, for BOT_WEB__TRUSTED_PROXIES only
        timeout_keep_alive=30,
        # Each open chat page holds a stream that never ends: without a limit one page in a
        # forgotten tab would keep the process from ending.
        timeout_graceful_shutdown=stop_seconds,
    )
