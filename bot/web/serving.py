"""Runs the web app until it is stopped. One process: the chat's queue lives in memory."""

from __future__ import annotations

import uvicorn
from fastapi import FastAPI

from bot.settings import Settings
from bot.web.factory import create_app


def serve(
    settings: Settings,
    *,
    app: FastAPI | None = None,
    host: str | None = None,
    port: int | None = None,
) -> None:
    """Serve `app`, or one made from the settings, on the settings' host and port or those given.

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
    )
