"""The chat's own logic, without a browser: turns, limits, failures, escaping."""

from __future__ import annotations

import logging

import pytest

from bot.records import Question
from bot.settings import ContactSettings, Settings
from bot.web.chat import KEEP_EXCHANGES, KEEP_TURNS, MAX_FOLLOW_UPS, Chat, Conversation
from bot.web.chat_page import ChatPage
from bot.web.render import Renderer
from bot.web.service import Service
from tests.scripted_bot import NASTY, ScriptedBot


@pytest.fixture
def bot() -> ScriptedBot:
    return ScriptedBot()


@pytest.fixture
def renderer() -> Renderer:
    return Renderer(Settings(contact=ContactSettings(name="Ward 7", phone="555-0100")))


@pytest.fixture
def chat(bot: ScriptedBot, renderer: Renderer) -> Chat:
    return Chat(Service(bot), renderer)


def test_earlier_turns_go_to_the_bot_and_no_more_than_the_last_six(
    chat: Chat, bot: ScriptedBot
) -> None:
    held = Conversation()
    for number in range(5):
        held = chat.reply(f"types number {number}", held).conversation
    history = bot.asked[-1].history
    assert len(history) == KEEP_TURNS == 6
    assert [t.role for t in history] == ["user", "bot"] * 3
    assert history[0].text == "types number 1"
    assert history[1].text.startswith("An autologous transplant uses")


def test_failed_questions_leave_no_turn(chat: Chat) -> None:
    held = chat.reply("types", Conversation()).conversation
    reply = chat.reply("please crash", held)
    assert reply.conversation.turns == held.turns
    assert reply.follow_ups == ()
    assert len(reply.conversation.exchanges) == 2


def test_conversation_has_an_end(chat: Chat) -> None:
    held = Conversation()
    for _ in range(KEEP_EXCHANGES + 3):
        held = chat.reply("hello", held).conversation
    assert len(held.exchanges) == KEEP_EXCHANGES
    assert len(held.messages()) == 2 * KEEP_EXCHANGES
    assert held.count == KEEP_EXCHANGES + 3


def test_ids_of_two_answers_differ(chat: Chat) -> None:
    held = chat.reply("types", Conversation()).conversation
    held = chat.reply("types", held).conversation
    first, second = (body for _, body in held.exchanges)
    assert 'id="a1-s1"' in first
    assert 'href="#a1-s1"' in first
    assert 'id="a2-s1"' in second
    assert "a1-" not in second


def test_a_long_question_is_given_back_to_be_shortened(chat: Chat) -> None:
    assert chat.reply("x" * 2001, Conversation()).give_back == "x" * 2001
    assert chat.reply("types", Conversation()).give_back == ""


def test_follow_ups_are_few(chat: Chat) -> None:
    offered = chat.reply("types", Conversation()).follow_ups
    assert 0 < len(offered) <= MAX_FOLLOW_UPS


@pytest.mark.parametrize("text", ["", "  ", "x" * 2001, "please crash", "no index"])
def test_no_failure_leaves_the_chat(
    chat: Chat, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    held = chat.reply(f"{text} CANARY-74" if text.strip() else text, Conversation()).conversation
    body = held.exchanges[0][1]
    assert 'role="alert"' in body
    assert "tel:5550100" in body
    assert "secret" not in body
    assert "CANARY-74" not in caplog.text


@pytest.mark.parametrize("question", [f"nasty {NASTY}", "weather\n\n# x", "*types* `x` | y\n\n<b>"])
def test_messages_are_one_html_block_that_markdown_leaves_alone(chat: Chat, question: str) -> None:
    held = chat.reply(question, Conversation()).conversation
    for message in held.messages():
        content = message["content"]
        assert "\n" not in content
        assert content.startswith(("<div ", "<h3 "))
        for raw in ("<script", "<img", "<svg", "<iframe", "<b>"):
            assert raw not in content


def test_every_answer_shows_how_to_reach_a_person(chat: Chat, renderer: Renderer) -> None:
    for question in ("types", "weather", "dose", "hello", "hola", "chest", "end it", "crash"):
        held = chat.reply(question, Conversation()).conversation
        assert 'href="tel:' in held.exchanges[0][1]
    nobody = Renderer(Settings())
    answer = ScriptedBot().ask(Question(text="types"))
    bare = type(answer)(
        question=answer.question,
        outcome="abstained",
        contact=nobody.contact,
        versions=answer.versions,
    )
    assert "Use the number they gave you." in nobody.answer(bare, prefix="a1")


def test_a_page_of_gradio_that_changed_is_noticed(renderer: Renderer) -> None:
    page = ChatPage(lambda *_: None, renderer, Service(ScriptedBot()))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="gradio-app"):
        page.rewrite('<html lang="en"><head></head><body></body></html>', "n")
