"""API v1: the same answer as the chat, as JSON. Errors are problem+json with a contact."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from bot.batch import QuestionBody
from bot.errors import BotError
from bot.records import Contact
from bot.web.api_models import AnswerBody, Kept, Problem
from bot.web.failures import failure_of
from bot.web.feedback import FeedbackBody, FeedbackLog, feedback_of
from bot.web.languages import Spoken, ours, speaking
from bot.web.places import LANGUAGES
from bot.web.render import Renderer
from bot.web.service import Service, log_failure
from bot.wire import answer_json, contact_json

PREFIX = "/api/v1"
DESCRIPTION = """\
Automated information tool, not a person, not medical advice. It answers general questions \
about stem cell and bone marrow transplantation for patients, carers and donors, in sentences \
taken word for word from its documents, each with its source. It is not for emergencies, and not \
for questions whose answer depends on one patient (doses, results, outlook). Show `alert` first \
and at once, `notices`, `citations` and `contact` always, and never `related` as an answer. \
`follow_ups` are questions that the documents answer: with `answered` what could be asked next, \
with `abstained` what may have been meant, with `declined` general questions near the one that was \
declined; offer each as a button that asks it.
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


def api_router(service: Service, renderer: Renderer, feedback_log: FeedbackLog | None) -> APIRouter:
    """`feedback_log` is None where the operator turned feedback off."""
    router = APIRouter(prefix=PREFIX, tags=["questions"])
    errors: dict[int | str, dict[str, Any]] = {
        code: {"model": Problem, "content": {"application/problem+json": {}}}
        for code in (400, 413, 422, 429, 500, 503, 504)
    }

    @router.post("/ask", response_model=AnswerBody, responses=errors, summary="Ask a question")
    def ask(body: QuestionBody) -> Response:
        # The body says the language, not the browser: the caller's page may speak another.
        with speaking(Spoken(language=ours(body.locale) or LANGUAGES[0])):
            return answered(body)

    def answered(body: QuestionBody) -> Response:
        texts, contact = renderer.texts, renderer.contact
        about = texts["about_line"]
        try:
            answer = service.ask(body.record())
        except Exception as error:
            failure = failure_of(
                error,
                texts,
                place="ask",
                question=body.question,
                max_chars=renderer.max_chars,
            )
            detail = f"{failure.message} {failure.hint}".strip()
            response = problem(failure.status, failure.title, detail, contact=contact, about=about)
            if failure.retry_after:
                response.headers["Retry-After"] = str(failure.retry_after)
            return response
        return JSONResponse({**answer_json(answer, request_id=body.id), "about": about})

    if feedback_log is not None:

        @router.post(
            "/feedback", response_model=Kept, responses=errors, summary="Say how an answer was"
        )
        def feedback(body: FeedbackBody) -> Response:
            try:
                keep_feedback(body, service, feedback_log)
            except (BotError, OSError) as error:
                log_failure("feedback", error)
                e, about = renderer.texts["feedback"], renderer.texts["about_line"]
                return problem(
                    503, e["failed_title"], e["failed"], contact=renderer.contact, about=about
                )
            return JSONResponse({"kept": "words" if body.share else "verdict"})

    return router


def keep_feedback(body: FeedbackBody, service: Service, log: FeedbackLog) -> None:
    """Raises `FeedbackFull`, `OSError`, and `StoreError` where the index cannot be read."""
    known = frozenset(s.source_id for s in service.bot.sources()) if body.sources else frozenset()
    log.add(feedback_of(body, known))
