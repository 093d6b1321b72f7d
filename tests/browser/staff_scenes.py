"""The pages for staff in every state, and the accounts and events that they need."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from bot.records import Span
from bot.review.accounts import Accounts
from bot.withdrawals import Withdrawals
from tests.scripted_bot import NASTY

Way = Callable[[Page], None]

NAME = "Ann Lee"
PASSWORD = "four small green boats"
GUIDE = "guides/types.md"
GAPS = """
[[gap]]
group = "car-t-therapy"
instead = "These documents say only a little about CAR T-cell treatment. Ask your team."
questions = ["what are the side effects of car t cells", "nhs centres that do car-t"]

[[gap]]
group = "weather"
instead = "These documents say nothing of the weather."
questions = ["will it rain"]
"""


def prepare(var: Path, knowledge: Path) -> None:
    """An account, feedback, a withdrawn document and passage, an audit trail of two pages, and a
    list of gaps."""
    Accounts(var / "staff.json").add(NAME, "admin", PASSWORD)
    (knowledge / "not-covered.toml").write_text(GAPS, "utf-8")
    withdrawals = Withdrawals(var)
    for number in range(55):
        withdrawals.note("sign-in", "viewer", by=f"Viewer {number % 3}")
    withdrawals.withdraw("differ.md", None, reason="The numbers are out of date.", by=NAME)
    withdrawals.withdraw(
        "glossary.md", Span(start=15, end=40), reason="x" * 200 + NASTY, by="B. " + "o" * 60
    )
    words = {"question": "How long is it?", "answer": NASTY, "comment": "Too long. " * 30}
    lines = [
        {"verdict": "helped", "sources": [GUIDE]},
        {"verdict": "looks_wrong", "sources": ["a-very-long-name-" + "x" * 120 + ".md", GUIDE]},
        {"verdict": "hard_to_understand", "sources": [GUIDE], "shared": words},
        {"verdict": "looks_wrong", "sources": [], "shared": {**words, "comment": ""}},
    ]
    kept = {"at": "2026-11-28T10:00Z", "outcome": "answered", "index": None}
    text = "\n".join(json.dumps({**kept, **line}) for line in lines)
    (var / "feedback.jsonl").write_text(f"{text}\nbroken\n", "utf-8")


def sign_in(page: Page) -> None:
    """From the form to the page that was asked for."""
    if page.locator("#password").count() == 0:
        return
    address = page.url
    page.get_by_label("Name").fill(NAME)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Sign out").wait_for()
    page.goto(address)


def signing_in(page: Page) -> None:
    """The empty form, whoever was signed in before."""
    page.context.clear_cookies()
    page.reload()
    expect(page.get_by_label("Password")).to_be_visible()


def wrong_password(page: Page) -> None:
    signing_in(page)
    page.get_by_label("Name").fill(NAME)
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("not right")


def asking(question: str) -> Way:
    def way(page: Page) -> None:
        sign_in(page)
        page.get_by_label("Your question").fill(question)
        page.get_by_role("button", name="Send", exact=True).click()
        page.get_by_role("heading", name="How this came about").wait_for()

    return way


def _open_gap(page: Page) -> None:
    sign_in(page)
    page.get_by_text("car t therapy").click()
    expect(page.get_by_text("Ask your team.")).to_be_visible()


def _open_rest(page: Page) -> None:
    sign_in(page)
    page.get_by_text(re.compile(r"^Show \d+ more")).first.click()


def _without_a_reason(page: Page) -> None:
    sign_in(page)
    page.get_by_label("Why?").evaluate("e => e.form.noValidate = true")
    page.get_by_role("button", name="Withdraw", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Please write why")


STATES: tuple[tuple[str, str, Way], ...] = (
    ("sign in", "/staff", signing_in),
    ("wrong password", "/staff/sign-in", wrong_password),
    ("ask empty", "/staff", sign_in),
    ("ask answered", "/staff", asking("types")),
    ("ask abstained", "/staff", asking("weather")),
    ("ask emergency", "/staff", asking("chest")),
    ("ask urgent", "/staff", asking("fever")),
    ("ask hard texts", "/staff", asking("nasty " + "x" * 300)),
    ("ask fault", "/staff", asking("crash")),
    ("gaps", "/staff/gaps", sign_in),
    ("gap open", "/staff/gaps", _open_gap),
    ("documents", "/staff/documents", sign_in),
    ("document", f"/staff/documents/{GUIDE}?done=restored", sign_in),
    ("document withdrawn", "/staff/documents/differ.md?done=withdrawn", sign_in),
    ("document partly withdrawn", "/staff/documents/glossary.md", sign_in),
    ("document hard texts", "/staff/documents/nasty.md", sign_in),
    ("document unknown", "/staff/documents/none.md", sign_in),
    ("withdraw document", "/staff/withdraw?target=when-to-call.md", _open_rest),
    ("withdraw passage", f"/staff/withdraw?target={GUIDE}:120-260", sign_in),
    ("withdraw without a reason", f"/staff/withdraw?target={GUIDE}", _without_a_reason),
    ("restore", "/staff/restore?target=glossary.md:15-40", sign_in),
    ("feedback", "/staff/feedback", sign_in),
    ("feedback shared", "/staff/feedback/shared", sign_in),
    ("audit", "/staff/audit", sign_in),
    ("audit second page", "/staff/audit?page=2", sign_in),
    ("spanish", "/staff/documents?lang=es", sign_in),
)
"""The name of each state, its address, and the way from there."""
