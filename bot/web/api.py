"""API v1: the same answer as the chat, as JSON. Errors are problem+json with a contact."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from bot.errors import BotError, QuestionError
from bot.records import Contact, Question, Turn
from bot.settings import Settings
from bot.web.api_models import AnswerBody, Problem
from bot.web.catalogue import Texts
from bot.web.service import Service, log_failure
from bot.wire import answer_json, contact_json

PREFIX = "/api/v1"
MAX_TURNS = 20
DESCRIPTION = """\
Automated information tool, not a person, not medical advice. It answers general questions \
about stem cell and bone marrow transplantation for patients, carers and donors, in sentences \
taken word for word from its documents, each with its source. It is not for emergencies, and not \
for questions whose answer depends on one patient (doses, results, outlook). Show `alert` first \
and at once, `notices`, `citations` and `contact` always, and never `related` as an answer.
"""


class TurnBody(BaseModel):
    """One earlier message of the conversation."""

    model_config = ConfigDict(extra="forbid")
    role: Literal["user", "bot"]
    text: str = Field(max_length=20_000)


class AskBody(BaseModel):
    """A question in the user's own words. `locale` is a BCP 47 tag; `id` is given back as it is."""

    model_config = ConfigDict(extra="forbid")
    question: str = Field(examples=["What is graft-versus-host disease?"])
    history: list[TurnBody] = Field(default=[], max_length=MAX_TURNS)
    locale: str | None = Field(default=None, max_length=35, pattern=r"^[A-Za-z0-9-]+$")
    id: str | None = Field(default=None, max_length=200)


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
    def ask(body: AskBody) -> Response:
        question = Question(
            text=body.question,
            history=tuple(Turn(role=t.role, text=t.text) for t in body.history),
            locale=body.locale,
        )
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
