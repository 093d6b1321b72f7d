"""API v1: the same answer as the chat, as JSON. Errors are problem+json with a contact."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from bot.batch import QuestionBody
from bot.errors import BotError, QuestionError
from bot.records import Contact
from bot.settings import Settings
from bot.web.api_models import AnswerBody, Problem
from bot.web.catalogue import Texts
from bot.web.service import Service, log_failure
from bot.wire import answer_json, contact_json

PREFIX = "/api/v1"
DESCRIPTION = """\
Automated information tool, not a person, not medical advice. It answers general questions \
about stem cell and bone marrow transplantation for patients, carers and donors, in sentences \
taken word for word from its documents, each with its source. It is not for emergencies, and not \
for questions whose answer depends on one patient (doses, results, outlook). Show `alert` first \
and at once, `notices`, `citations` and `contact` always, and never `related` as an answer.
"""


def problem(
    status: int, title: str, detail: str, *, contact: Contact, about: str, **more: Any
) -> JSONResponse:
    """An RFC 9457 body. `detail` is fit to show to a patient; a stack trace never gets here."""
    body = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "contact": contact_json(contact),
        "about": about,
        **more,
    }
    return JSONResponse(body, status_code=status, media_type="application/problem+json")


def api_router(service: Service, settings: Settings, contact: Contact, texts: Texts) -> APIRouter:
    router = APIRouter(prefix=PREFIX, tags=["questions"])
    errors: dict[int | str, dict[str, Any]] = {
        code: {"model": Problem, "content": {"application/problem+json": {}}}
        for code in (400, 413, 422, 500, 503)
    }

    @router.post("/ask", response_model=AnswerBody, responses=errors, summary="Ask a question")
    def ask(body: QuestionBody) -> Response:
        question = body.record()
        e = texts["error"]
        about = texts["about_line"]
        try:
            answer = service.bot.ask(question)
        except QuestionError as error:
            detail = f"{error} {error.hint}".strip()
            return problem(422, e["question_title"], detail, contact=contact, about=about)
        except BotError as error:
            log_failure("ask", error)
            response = problem(503, e["title"], e["unavailable"], contact=contact, about=about)
            response.headers["Retry-After"] = "30"
            return response
        except Exception as error:
            log_failure("ask", error)
            return problem(500, e["title"], e["unavailable"], contact=contact, about=about)
        return JSONResponse({**answer_json(answer, request_id=body.id), "about": about})

    return router
