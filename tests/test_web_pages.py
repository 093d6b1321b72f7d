"""Source reader, plain page, about and error pages, without JavaScript."""

from __future__ import annotations

import html as html_module
import re
from collections.abc import Iterator
from datetime import date
from html.parser import HTMLParser
from typing import Any

import pytest
from fastapi.testclient import TestClient

from bot.phones import tel_link
from bot.records import Span
from bot.settings import ContactSettings, Settings
from bot.text import flesch_kincaid
from bot.web.catalogue import Texts, load_texts
from bot.web.document_view import view
from bot.web.factory import create_app
from bot.web.render import (
    blocks_of,
    long_date,
    one_line,
    reader_link,
    safe_link,
    unbroken,
)
from tests.scripted_bot import NASTY, ScriptedBot

CONTACT = ContactSettings(name="Ward 7", phone="+1 (555) 010-0199", hours="8 to 6")


def client_with(bot: ScriptedBot) -> TestClient:
    app = create_app(Settings(contact=CONTACT), bot)
    return TestClient(app, raise_server_exceptions=False)


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with client_with(ScriptedBot()) as client:
        yield client


class Page(HTMLParser):
    """Elements and texts of a page, as a browser would find them."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.marked: list[str] = []
        self.words = ""
        self._in_mark = False
        self._mute = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "mark":
            self._in_mark = True
            self.marked.append("")
        self._mute = tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._in_mark = self._in_mark and tag != "mark"
        self._mute = False

    def handle_data(self, data: str) -> None:
        if self._in_mark:
            self.marked[-1] += data
        if not self._mute:
            self.words += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


def open_at(client: TestClient, quote: str, source: str = "guides/types.md") -> Page:
    text = ScriptedBot().documents[source].text
    start = text.index(quote)
    address = reader_link(source, Span(start=start, end=start + len(quote)))
    response = client.get(address.partition("#")[0])
    assert response.status_code == 200
    return Page(response.text)


def test_home_leads_to_the_chat(client: TestClient) -> None:
    response = client.get("/", follow_redirects=False)
    assert response.headers["location"] == "/chat/"


@pytest.mark.parametrize(
    "quote",
    [
        "That person is the donor.",
        "The cells can come from a brother or a sister.",
        "A haploidentical transplant uses cells from a donor who is a half match.",
    ],
)
def test_reader_marks_the_quote_and_nothing_else(client: TestClient, quote: str) -> None:
    page = open_at(client, quote)
    assert page.marked == [quote]
    mark = page.named("mark")[0]
    assert mark["id"] == "quote"
    assert mark["tabindex"] == "-1"


def test_reader_marks_a_quote_over_two_lines_with_one_id(client: TestClient) -> None:
    quote = "The cells can come from a brother or a sister.\n- The cells can come from a donor"
    page = open_at(client, quote)
    assert page.marked == ["The cells can come from a brother or a sister.", quote[49:]]
    assert [m.get("id") for m in page.named("mark")] == ["quote", None]


def test_reader_shows_every_word_of_the_document_in_order() -> None:
    """Whatever the span, the words on the page are the words of the document."""
    for document in ScriptedBot().documents.values():
        spans = [None, *(s.span for s in document.sections)]
        for span in spans:
            parts = view(document, span)
            shown = " ".join(run.text for p in parts for line in p.lines for run in line)
            expected = re.sub(r"(?m)^- ", "", document.text)
            title = document.info.title
            expected = expected.removeprefix(title) if expected.startswith(title) else expected
            assert "".join(shown.split()) == "".join(expected.split())


def test_reader_headings_have_levels(client: TestClient) -> None:
    page = Page(client.get("/sources/guides/types.md").text)
    levels = [tag for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[:3] == ["h1", "h2", "h2"]
    assert levels.count("h1") == 1
    assert not page.marked


def test_reader_says_what_the_source_is(client: TestClient) -> None:
    page = Page(client.get("/sources/guides/types.md").text)
    words = " ".join(page.words.split())
    for said in (
        "About this source",
        "Transplant Answers (this project)",
        "No health professional has checked this text",
        "CC BY 4.0",
        "22 November 2027",
        "Public pages this text is based on",
        "NHS: Stem cell and bone marrow transplants",
    ):
        assert said in words
    links = [a["href"] for a in page.named("a")]
    assert "https://www.nhs.uk/conditions/stem-cell-transplant/" in links


def test_reader_says_when_a_source_is_overdue() -> None:
    bot = ScriptedBot()
    old = bot.documents["guides/types.md"]
    info = type(old.info)(source_id="old.md", title="Old", review_by=date(2020, 1, 1))
    bot.documents["old.md"] = type(old)(
        info=info, text=old.text, sections=old.sections, file_hash=""
    )
    with client_with(bot) as client:
        assert "past the date" in client.get("/sources/old.md").text
        assert "past the date" not in client.get("/sources/guides/types.md").text


@pytest.mark.parametrize(
    "source_id",
    ["nothing.md", "../app.py", "..%2f..%2fapp.py", "%2fetc%2fpasswd", "guides", "types.md", ""],
)
def test_unknown_source_is_404_with_contact(client: TestClient, source_id: str) -> None:
    response = client.get(f"/sources/{source_id}")
    assert response.status_code == 404
    assert "tel:+15550100199" in response.text
    assert "root:" not in response.text


@pytest.mark.parametrize(
    "query",
    [
        "start=5",
        "end=5",
        "start=9&end=9",
        "start=9&end=4",
        "start=-1&end=4",
        "start=a&end=b",
        "start=0&end=999999",
        "start=0&end=99999999999999999999999",
        "start=&end=",
        "start=1e1&end=20",
        "start=%D9%A1&end=%D9%A9x",
    ],
)
def test_wrong_span_is_400_and_offers_the_whole_guide(client: TestClient, query: str) -> None:
    response = client.get(f"/sources/guides/types.md?{query}")
    assert response.status_code == 400
    assert 'href="/sources/guides/types.md"' in response.text
    assert "tel:+15550100199" in response.text


def test_reader_without_an_index_is_503_with_contact() -> None:
    with client_with(ScriptedBot(index=False)) as client:
        response = client.get("/sources/guides/types.md")
        assert response.status_code == 503
        assert "tel:+15550100199" in response.text
        about = client.get("/about")
        assert about.status_code == 200, "the intended use shows without an index"


def test_about_states_the_intended_use_and_lists_the_guides(client: TestClient) -> None:
    page = Page(client.get("/about").text)
    words = " ".join(page.words.split())
    assert "not a person, not medical advice" in words
    assert "Do not use it in an emergency." in words
    assert "/sources/guides/types.md" in [a["href"] for a in page.named("a")]


@pytest.mark.parametrize("path", ["/nowhere", "/static/none.css", "/chat/nothing"])
def test_unknown_page_is_404_with_contact(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert "tel:+15550100199" in response.text


@pytest.mark.parametrize("path", ["/", "/plain", "/about", "/sources/guides/types.md", "/nowhere"])
def test_every_page_states_what_it_is(client: TestClient, path: str) -> None:
    html = client.get(path).text
    notice = html.index("Automated information tool, not a person, not medical advice.")
    assert notice < html.index("<main" if "<main" in html else "<gradio-app")
    assert 'href="tel:+15550100199"' in html
    assert "Nobody watches this chat." in html


def ask_plain(client: TestClient, question: str) -> tuple[int, Page]:
    response = client.post("/plain", data={"question": question})
    return response.status_code, Page(response.text)


def test_plain_page_does_the_whole_job(client: TestClient) -> None:
    form = Page(client.get("/plain").text)
    assert {f["method"] for f in form.named("form")} == {"post"}, "no question in an address"
    assert form.named("textarea")[0]["id"] in [label.get("for") for label in form.named("label")]
    assert not form.named("script")
    status, page = ask_plain(client, "What are the two types?")
    assert status == 200
    marks = [a for a in page.named("a") if a.get("class") == "cite"]
    entries = {li["id"] for li in page.named("li") if li.get("class") == "source"}
    assert len(marks) == len(entries) == 5
    assert {m["href"] for m in marks} == {f"#{entry}" for entry in entries}
    for link in (a for a in page.named("a") if a.get("class") == "source-link"):
        assert link["href"]
        target = client.get(link["href"].partition("#")[0])
        assert target.status_code == 200
        quotes = [m for m in Page(target.text).named("mark") if m.get("id") == "quote"]
        assert len(quotes) == 1


def test_each_source_entry_says_where_it_comes_from(client: TestClient) -> None:
    _, page = ask_plain(client, "What are the two types?")
    words = " ".join(page.words.split())
    assert words.count("An autologous transplant uses the patient's own stem cells.") == 2
    assert "Types of transplant: What are the two main types of transplant?" in words
    assert "Transplant Answers (this project). Last checked 22 November 2026." in words
    assert "Based on: NHS: Stem cell and bone marrow transplants" in words


def test_lists_stay_lists(client: TestClient) -> None:
    html = client.post("/plain", data={"question": "What are the two types?"}).text
    assert html.count('<ul class="statements">') == 1
    assert html.count('<p class="statements">') == 1


@pytest.mark.parametrize("question", ["I have chest pain", "I want to end it"])
def test_alert_is_first_in_the_answer_and_announced_once(client: TestClient, question: str) -> None:
    html = client.post("/plain", data={"question": question}).text
    body = html[html.index('<div class="answer') :]
    assert re.match(r'<div class="answer [^>]*>\s*<div class="alert [^>]*role="alert"', body)
    body = body[: body.index("<form")]
    assert body.count('role="alert"') == 1
    assert 'href="tel:911"' in body
    assert "<details" not in body
    assert 'class="statements"' not in body
    assert 'class="source"' not in body


def test_urgent_alert_stands_before_the_answer(client: TestClient) -> None:
    html = client.post("/plain", data={"question": "fever"}).text
    assert html.index('role="alert"') < html.index('class="statements"')


@pytest.mark.parametrize(
    ("question", "said", "class_name"),
    [
        ("weather", "They are not an answer to it.", "answer-abstained"),
        ("which dose", "I cannot say which dose is right for you.", "answer-declined"),
        ("hello", "What would you like to know?", "answer-greeting"),
        ("hola", "Solo puedo responder", "answer-unsupported_language"),
    ],
)
def test_outcomes_without_an_answer_have_their_own_form(
    client: TestClient, question: str, said: str, class_name: str
) -> None:
    html = client.post("/plain", data={"question": question}).text
    assert class_name in html
    assert said in html_module.unescape(html)
    body = html[html.index('<div class="answer') :]
    assert 'class="cite"' not in body
    assert "tel:+15550100199" in body


def test_empty_and_long_questions_get_a_kind_word(client: TestClient) -> None:
    for question, expected in (("", 422), ("   ", 422), ("x" * 2001, 413)):
        status, page = ask_plain(client, question)
        assert status == expected
        assert "I could not use that question" in page.words
        assert "tel:+15550100199" in [a["href"] for a in page.named("a")]


@pytest.mark.parametrize(("question", "status"), [("no index", 503), ("please crash", 500)])
def test_failures_show_the_contact_and_no_detail(
    client: TestClient, question: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    response = client.post("/plain", data={"question": f"{question} CANARY-71"})
    assert response.status_code == status
    for secret in ("Traceback", "secret", "NoIndex", "RuntimeError"):
        assert secret not in response.text
    assert "tel:+15550100199" in response.text
    assert "CANARY-71" not in caplog.text, "a log must never hold a patient's words"
    assert "plain page failed" in caplog.text


def test_hostile_texts_stay_texts(client: TestClient) -> None:
    """XSS corpus in question, title, publisher, passage, notice, licence and links."""
    pages = [client.post("/plain", data={"question": f"nasty {NASTY}"}).text]
    pages.append(client.get("/sources/nasty.md").text)
    pages.append(client.get("/about").text)
    for html in pages:
        page = Page(html)
        assert NASTY in page.words or NASTY.split(maxsplit=1)[0] in page.words
        sources = [s.get("src") or "" for s in page.named("script")]
        assert all(s.startswith("/static/") for s in sources)
        for tag in ("img", "iframe", "svg"):
            assert not page.named(tag)
        for _, attrs in page.tags:
            assert not [name for name in attrs if name.startswith("on")]
            assert not (attrs.get("href") or "").lower().startswith("javascript")


def test_links_with_other_schemes_are_not_links() -> None:
    assert safe_link("https://nhs.uk/") == "https://nhs.uk/"
    assert safe_link("tel:911") == "tel:911"
    for bad in ("javascript:x", " JavaScript:x", "data:text/html,x", "//evil", "https://[x", None):
        assert safe_link(bad) is None


def test_sentences_of_one_place_stand_under_one_title(client: TestClient) -> None:
    html = client.post("/plain", data={"question": "What are the two types?"}).text
    assert html.count('class="source-title"') == 1
    assert re.findall(r'<li class="source"[^>]* value="(\d+)"', html) == list("12345")


def test_emergency_number_is_the_clinics_or_none() -> None:
    def card(region: str) -> str:
        settings = Settings(locale={"region": region}, contact=CONTACT)  # type: ignore[arg-type]
        with TestClient(create_app(settings, ScriptedBot())) as client:
            return client.get("/about").text

    assert 'href="tel:999"' in card("GB")
    assert 'href="tel:911"' in card("US")
    unknown = card("unknown")
    assert "call your local emergency number" in unknown
    assert re.findall(r'href="tel:[^"]*"', unknown) == ['href="tel:+15550100199"']


def test_small_helpers() -> None:
    assert tel_link("+44 (0)20 7946 0018 ext 12") == "tel:+442079460018"
    assert tel_link("555-0100 x7") == "tel:5550100"
    assert unbroken("Call 555-0100 - now") == "Call 555\u20110100 - now"
    assert tel_link("+1 (555) 010-0199") == "tel:+15550100199"
    assert long_date(date(2026, 11, 2)) == "2 November 2026"
    assert reader_link("a b/ü?.md", Span(start=1, end=2)) == (
        "/sources/a%20b/%C3%BC%3F.md?start=1&end=2#quote"
    )
    assert one_line("<p>\n  a\n\n b</p>\n") == "<p> a b</p>"
    assert blocks_of((), ()) == ()


def _texts_in(values: list[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        else:
            yield from (text for key, text in value.items() if isinstance(text, str))
            yield from (text for part in value.values() if isinstance(part, list) for text in part)


def _all_texts(texts: Texts) -> Iterator[str]:
    for value in texts.values():
        if isinstance(value, Texts):
            yield from _all_texts(value)
        elif isinstance(value, list):
            yield from _texts_in(value)
        else:
            yield value


def test_texts_of_the_interface_are_plain_and_claim_no_profession() -> None:
    texts = list(_all_texts(load_texts()))
    assert len(texts) > 80
    banned = re.compile(
        r"diagnos|prescri|\bI am (?:a|your)\b|doctor|nurse|clinician|\bnormal\b|nothing to worry",
        re.IGNORECASE,
    )
    assert not [text for text in texts if banned.search(text)]
    sentences = " ".join(text for text in texts if text.endswith((".", "?")))
    assert flesch_kincaid(sentences) <= 6


def test_missing_text_is_an_error_not_a_blank() -> None:
    from bot.errors import RulesError

    with pytest.raises(RulesError, match=r"en\.chat\.nothing"):
        load_texts().chat.nothing  # noqa: B018
    with pytest.raises(RulesError):
        load_texts("xx")
