"""The Gradio chat: question box, starters, conversation. Every message it shows is HTML that our
templates made and escaped, and that Gradio sanitises once more in the browser.

Nothing here uses `gr.HTML` or `js=`: both evaluate strings, which the page's policy forbids.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read at import; Gradio would phone home

import gradio as gr
from fastapi import FastAPI

from bot.answering.citing import offered
from bot.records import About, Answer, Question, Turn
from bot.web.catalogue import Texts, load_texts
from bot.web.failures import failure_of
from bot.web.languages import Spoken, by_browser, speaking, spoken
from bot.web.places import CHATS
from bot.web.plain import about_of
from bot.web.render import Renderer, said_by
from bot.web.service import THREADS, Service

KEEP_TURNS = 6
KEEP_EXCHANGES = 30
MAX_FOLLOW_UPS = 3
_STATE_SECONDS = 3600
_UNSURE, _UNSAID = "unsure", "unsaid"
# So much more than the bot reads: a long text is refused with words and not cut in silence.
_BOX_MORE = 10_000
_EVENT: dict[str, Any] = {
    "show_progress": "hidden",
    "api_visibility": "private",
    # With "once", a question sent right after an answer would be dropped until the browser has
    # heard that the answer is complete.
    "trigger_mode": "always_last",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """What one browser page has on screen. In memory only, an hour at most."""

    exchanges: tuple[tuple[str, str], ...] = ()
    turns: tuple[Turn, ...] = ()
    count: int = 0

    def messages(self, *more: tuple[str, str]) -> list[dict[str, str]]:
        shown = []
        for asked, answered in (*self.exchanges, *more):
            shown.append({"role": "user", "content": asked})
            shown.append({"role": "assistant", "content": answered})
        return shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the page shows next. `give_back` goes into the question box again."""

    conversation: Conversation
    follow_ups: tuple[str, ...] = ()
    give_back: str = ""


class Chat:
    """Answers one message of a conversation. Never raises: a patient never sees a trace."""

    def __init__(self, service: Service, renderer: Renderer) -> None:
        self.service = service
        self.renderer = renderer

    def reply(self, text: str, held: Conversation, about: About | None = None) -> Reply:
        """The conversation with the answer to `text`, and what to offer next."""
        number = held.count + 1
        answer: Answer | None = None
        give_back = ""
        try:
            answer = self.service.ask(
                Question(text=text, history=held.turns, locale=spoken().language, about=about)
            )
            body = self.renderer.answer(answer, prefix=f"a{number}")
        except Exception as error:
            failure = failure_of(
                error,
                self.renderer.texts,
                place="chat",
                question=text,
                max_chars=self.renderer.max_chars,
            )
            body = self.renderer.trouble(
                failure.message, failure.hint, title=failure.title, prefix=f"a{number}"
            )
            # To shorten it or to try again, not to type it again.
            give_back = text if failure.give_back else ""
        turns = held.turns
        if answer is not None:
            said = said_by(answer)
            turns = (*turns, Turn(role="user", text=text), Turn(role="bot", text=said))
        shown = text.strip()[: self.renderer.max_chars]
        exchange = (self.renderer.asked(shown or "…"), body)
        return Reply(
            conversation=Conversation(
                exchanges=(*held.exchanges, exchange)[-KEEP_EXCHANGES:],
                turns=turns[-KEEP_TURNS:],
                count=number,
            ),
            follow_ups=_next(answer) if answer else (),
            give_back=give_back,
        )


def _next(answer: Answer) -> tuple[str, ...]:
    """What to offer below the log. What is offered in the place of an answer stands in it."""
    return () if offered(answer) else answer.follow_ups[:MAX_FOLLOW_UPS]


def build_chat(service: Service, renderer: Renderer) -> gr.Blocks:
    """The Blocks of one chat in the language that is `spoken()`, with Gradio's safety settings of
    REQUIREMENTS 1.1."""
    t = renderer.texts["chat"]
    language = spoken().language
    chat = Chat(service, renderer)
    # The guides are in English: a starter is shown in the page's language and asked in theirs.
    in_english = dict(zip(_starters(t), _starters(load_texts()["chat"]), strict=True))
    follow_ups: list[gr.Button] = []
    with gr.Blocks(title=t["title"], analytics_enabled=False, fill_width=True) as page:
        held = gr.State(Conversation(), time_to_live=_STATE_SECONDS)
        log = gr.Chatbot(
            [],
            label=t["conversation"],
            show_label=False,
            elem_id="log",
            visible=False,
            height=None,
            container=False,
            layout="panel",
            autoscroll=False,
            buttons=[],
            feedback_options=None,
            sanitize_html=True,
            allow_tags=False,
            latex_delimiters=[],
            reasoning_tags=None,
            editable=None,
            allow_file_downloads=False,
            group_consecutive_messages=False,
        )
        with gr.Column(visible=False, elem_id="follow-ups") as more:
            gr.Markdown(f"## {t['follow_ups_title']}", elem_classes="group-title")
            for _ in range(MAX_FOLLOW_UPS):
                follow_ups.append(gr.Button("", visible=False, elem_classes="starter"))
        with gr.Column(elem_id="composer"):
            with gr.Row(elem_id="ask-row"):
                box = gr.Textbox(
                    label=t["question_label"],
                    placeholder=t["placeholder"],
                    lines=1,
                    max_lines=6,
                    max_length=renderer.max_chars + _BOX_MORE,
                    elem_id="question",
                    buttons=[],
                    autofocus=False,
                    scale=1,
                    html_attributes=gr.InputHTMLAttributes(autocomplete="off"),
                )
                send = gr.Button(t["send"], variant="primary", elem_id="send", scale=0)
            gr.Markdown(renderer.texts["about_line"], elem_id="composer-line")
        gr.Markdown(renderer.html("composer_note.html"), elem_id="composer-note")
        clear = gr.Button(t["clear"], visible=False, elem_id="clear", size="sm")
        kind, stage = _about_you(t)
        with gr.Column(elem_id="starters") as start:
            gr.Markdown(f"## {t['starters_title']}", elem_classes="group-title")
            for topic in t["topics"]:
                with gr.Column(elem_classes="topic"):
                    gr.Markdown(f"### {topic['name']}", elem_classes="group-title")
                    for question in topic["questions"]:
                        gr.Button(question, elem_classes="starter")

        outputs: list[Any] = [log, held, box, start, clear, more, *follow_ups]

        def ask(
            text: str,
            conversation: Conversation,
            kind: str | None,
            stage: str | None,
            request: gr.Request,
        ) -> Iterator[list[Any]]:
            browser = by_browser(request.headers.get("accept-language", ""))
            page_is = Spoken(language=language, carried=language != browser)
            text = in_english.get(text, text or "")
            with speaking(page_is):
                shown = text.strip()[: renderer.max_chars]
                pending = (renderer.asked(shown or "…"), _pending(renderer))
            hidden = [gr.update(visible=False)] * (1 + MAX_FOLLOW_UPS)
            waiting = gr.update(value=conversation.messages(pending), visible=True)
            shut = gr.update(visible=False)
            yield [waiting, conversation, "", shut, gr.update(visible=True), *hidden]
            with speaking(page_is):
                reply = chat.reply(text, conversation, about_of(kind, stage))
            yield [
                reply.conversation.messages(),
                reply.conversation,
                gr.update(value=reply.give_back) if reply.give_back else gr.update(),
                shut,
                gr.update(visible=True),
                gr.update(visible=bool(reply.follow_ups)),
                *_buttons(reply.follow_ups),
            ]

        # One event for all questions, of which Gradio keeps the last: between two events it loses
        # what comes while the first one ends. So the page sends a button's question by the box.
        asking = gr.on([send.click, box.submit], ask, [box, held, kind, stage], outputs, **_EVENT)
        # An answer that is still on its way must not appear after the chat was cleared.
        clear.click(_wiped, None, [*outputs, kind, stage], cancels=[asking], **_EVENT)
    # The service says which question waits: in a queue before it, an emergency would wait unread.
    page.max_threads = service.most + THREADS
    page.queue(max_size=service.most, default_concurrency_limit=None, api_open=False)
    return page  # type: ignore[no-any-return]


def _wiped() -> list[Any]:
    """The outputs of the chat as they are before the first question."""
    return [
        gr.update(value=[], visible=False),
        Conversation(),
        "",
        gr.update(visible=True),
        gr.update(visible=False),
        gr.update(visible=False),
        *_buttons(()),
        gr.update(value=_UNSURE),
        gr.update(value=_UNSAID),
    ]


def _about_you(t: Texts) -> tuple[gr.Radio, gr.Radio]:
    """'About your transplant': kept in the page, sent with each question, cleared with the chat."""
    with gr.Accordion(t["you_said"], open=False, elem_id="about-you"):
        gr.Markdown(t["you_said_note"], elem_id="about-you-note")
        kind = gr.Radio(
            [(choice["name"], choice["value"]) for choice in t["kinds"]],
            value=_UNSURE,
            label=t["kind"],
            interactive=True,
            buttons=[],
        )
        stage = gr.Radio(
            [(choice["name"], choice["value"]) for choice in t["stages"]],
            value=_UNSAID,
            label=t["stage"],
            interactive=True,
            buttons=[],
        )
    return kind, stage


def _starters(t: Texts) -> list[str]:
    return [question for topic in t["topics"] for question in topic["questions"]]


def _pending(renderer: Renderer) -> str:
    return renderer.html("pending.html").strip()


def _buttons(offered: tuple[str, ...]) -> list[Any]:
    shown = [gr.update(value=text, visible=True) for text in offered]
    return shown + [gr.update(visible=False)] * (MAX_FOLLOW_UPS - len(shown))


def mount_chats(app: FastAPI, service: Service, renderer: Renderer) -> None:
    """Mount the chat of each language. The app must have its CORS middleware already: with one on
    the parent Gradio adds none of its own, which would echo any origin (REQUIREMENTS 1.0.2)."""
    # The longer path first: the first mount that fits gets the request.
    for language, path in sorted(CHATS.items(), key=lambda place: -len(place[1])):
        with speaking(Spoken(language=language)):
            blocks = build_chat(service, renderer)
        gr.mount_gradio_app(
            app,
            blocks,
            path=path,
            run_history=False,
            footer_links=[],
            show_error=False,
            ssr_mode=False,
            max_file_size="1kb",
            enable_monitoring=False,
            mcp_server=False,
            pwa=False,
            allowed_paths=[],
            # System fonts: the default theme would load font files.
            theme=gr.themes.Base(font=["system-ui", "sans-serif"], font_mono=["monospace"]),
        )
