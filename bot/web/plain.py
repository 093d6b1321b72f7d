"""The chat's whole job without JavaScript: ask, read, take home, give feedback, by form posts.

A question never gets into an address, so it gets into no log and no browser history.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, Response

from bot.errors import BotError
from bot.records import About, Answer, Question, TransplantKind, TransplantStage
from bot.web.api import keep_feedback
from bot.web.failures import failure_of
from bot.web.feedback import MOST_IN_COMMENT, FeedbackBody, FeedbackLog
from bot.web.languages import spoken
from bot.web.render import Renderer
from bot.web.service import Service, log_failure

Fields = dict[str, list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What came of a posted question: an answer, or what to show instead of one."""

    text: str
    about: About
    body: str
    answer: Answer | None = None
    status: int = 200
    retry_after: int | None = None
    typed: str = ""


def plain_router(
    service: Service, renderer: Renderer, feedback_log: FeedbackLog | None
) -> APIRouter:
    """`feedback_log` is None where the operator turned feedback off."""
    router = APIRouter(include_in_schema=False)

    @router.get("/plain")
    def plain() -> Response:
        return _page(renderer, "plain.html", None, state=service.state())

    @router.post("/plain")
    async def plain_answer(request: Request) -> Response:
        fields = await _fields(request)
        asked = await run_in_threadpool(posted_question, service, renderer, fields)
        return _page(renderer, "plain.html", asked, state="ready")

    @router.post("/sheet")
    async def sheet(request: Request) -> Response:
        fields = await _fields(request)
        asked = await run_in_threadpool(posted_question, service, renderer, fields)
        return _page(renderer, "sheet.html", asked, state="ready")

    if feedback_log is not None:

        @router.post("/feedback")
        async def feedback(request: Request) -> Response:
            fields = await _fields(request)
            return await run_in_threadpool(_feedback, service, renderer, feedback_log, fields)

    return router


async def _fields(request: Request) -> Fields:
    return parse_qs((await request.body()).decode("utf-8", "replace"))


def field_of(fields: Fields, name: str) -> str:
    """The first value of that name; empty where there is none. A line break is one character, as
    the browser counted it before it sent two."""
    return fields.get(name, [""])[0].replace("\r\n", "\n")


def about_of(kind: str | None, stage: str | None) -> About:
    """What a form says of the transplant; other values than ours count as not said."""
    kinds: dict[str, TransplantKind] = {k: k for k in get_args(TransplantKind)}
    stages: dict[str, TransplantStage] = {s: s for s in get_args(TransplantStage)}
    return About(kind=kinds.get(kind or ""), stage=stages.get(stage or ""))


def posted_question(service: Service, renderer: Renderer, fields: Fields) -> Asked:
    """The answer to the question in a form, or what is shown instead of one."""
    text = field_of(fields, "question")
    about = about_of(field_of(fields, "kind"), field_of(fields, "stage"))
    try:
        answer = service.ask(Question(text=text, locale=spoken().language, about=about))
        body = renderer.answer(answer, prefix="a1")
        return Asked(text=text, about=about, body=body, answer=answer)
    except Exception as error:
        failure = failure_of(
            error,
            renderer.texts,
            place="plain page",
            question=text,
            max_chars=renderer.max_chars,
        )
        return Asked(
            text=text,
            about=about,
            body=renderer.trouble(failure.message, failure.hint, title=failure.title, prefix="a1"),
            status=failure.status,
            retry_after=failure.retry_after,
            typed=text if failure.give_back else "",
        )


def _page(renderer: Renderer, template: str, asked: Asked | None, **values: Any) -> Response:
    if asked is None:
        html = renderer.html(
            template, result=None, answer=None, typed="", asked="", about_you=About(), **values
        )
        return HTMLResponse(html)
    shown = asked.body
    if template == "plain.html" and asked.text.strip():
        shown = renderer.asked(asked.text) + shown
    html = renderer.html(
        template,
        result=shown,
        answer=asked.answer,
        typed=asked.typed,
        asked=asked.text,
        about_you=asked.about,
        **values,
    )
    response = HTMLResponse(html, status_code=asked.status)
    if asked.retry_after:
        response.headers["Retry-After"] = str(asked.retry_after)
    return response


def _feedback(service: Service, renderer: Renderer, log: FeedbackLog, fields: Fields) -> Response:
    t = renderer.texts

    given = {
        "verdict": field_of(fields, "verdict"),
        "outcome": field_of(fields, "outcome"),
        "sources": fields.get("source", []),
        "index": field_of(fields, "index") or None,
        "share": bool(field_of(fields, "share")),
        "question": field_of(fields, "question"),
        "answer": field_of(fields, "answer"),
        "comment": field_of(fields, "comment"),
    }

    def refused(message: str, status: int) -> Response:
        title = t["feedback"]["failed_title"]
        html = renderer.html("feedback_again.html", title=title, message=message, given=given)
        return HTMLResponse(html, status_code=status)

    try:
        body = FeedbackBody.model_validate(given)
        keep_feedback(body, service, log)
    except ValidationError as error:
        return refused(_wrong_with(error, given, t["feedback"]), 422)
    except (BotError, OSError) as error:
        log_failure("feedback", error)
        return refused(t["feedback"]["failed"], 503)
    thanks = t["script"]["thanks_shared" if body.share else "thanks"]
    html = renderer.html("message.html", title=t["feedback"]["thanks_title"], message=thanks)
    return HTMLResponse(html)


def _wrong_with(error: ValidationError, given: Mapping[str, Any], texts: Mapping[str, str]) -> str:
    """What a reader can do about a feedback form that was refused."""
    wrong = {str(each["loc"][0]) for each in error.errors(include_input=False)}
    said = [texts["choose"]] if "verdict" in wrong else []
    if "comment" in wrong:
        length, most = f"{len(given['comment']):,}", f"{MOST_IN_COMMENT:,}"
        said.append(texts["comment_long"].format(length=length, most=most))
    return " ".join(said) or texts["failed"]
