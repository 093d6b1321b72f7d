"""What an orchestrator asks: alive, ready, which version. No patient data, no dependencies."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from bot.web.service import Service


def health_router(service: Service) -> APIRouter:
    router = APIRouter(tags=["health"])

    @router.get("/healthz", summary="Is the process alive")
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @router.get("/readyz", summary="Can it answer (model and index loaded)")
    def readyz() -> Response:
        problems = service.problems()
        body = {"ready": not problems, "problems": list(problems)}
        return JSONResponse(body, status_code=503 if problems else 200)

    @router.get("/version", summary="Versions of the service, its index and its model")
    def version() -> dict[str, str | None]:
        versions = service.bot.versions()
        return {
            "app": versions.app,
            "index": versions.index,
            "model": versions.model,
            "writer": versions.writer,
        }

    return router
