"""The library: shelves, search by form, the rules before it, and the real bot behind it."""

from __future__ import annotations

import html as html_module
import re
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from bot.indexing.flow import ingest
from bot.indexing.loading import load
from bot.records import Span
from bot.settings import ContactSettings, LocaleSettings, Paths, Settings
from bot.web.factory import create_app
from bot.web.library import LibraryKeeper, entry_of, shelved
from bot.withdrawals import Withdrawals
from tests.making_pdfs import leaflet
from tests.scripted_bot import LEAFLET, ScriptedBot
from tests.test_web_pages import CONTACT, Page, client_with

TODAY = date(2026, 11, 28)


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with client_with(ScriptedBot()) as client:
        yield client


def search(client: TestClient, words: str) -> Page:
    response = client.post("/library", data={"words": words})
    assert response.status_code == 200, response.text
    return Page(response.text)


def words_of(page: Page) -> str:
    return " ".join(page.words.split())


def a_guide(name: str, topic: str | None, title: str = "T", more: str = "") -> bytes:
    front = f"title: {title}\n" + (f"topic: {topic}\n" if topic else "") + more
    return f"---\n{front}---\n# {title}\n\n## Why is it so?\n\nIt is so. {name}.\n".encode()


# The shelves.


def test_every_guide_stands_on_the_shelf_of_its_topic(client: TestClient) -> None:
    page = Page(client.get("/library").text)
    links = [a["href"] or "" for a in page.named("a")]
    for source_id in ScriptedBot().documents:
        assert f"/sources/{source_id}" in links
    words = words_of(page)
    assert words.index("When to call 1 guide") < words.index("Glossary 1 guide")
    assert words.index("Glossary 1 guide") < words.index("Other guides 4 guides")


def test_shelf_says_what_a_guide_is_and_where_its_parts_are(client: TestClient) -> None:
    html = client.get("/library").text
    start = html.index('href="/sources/guides/types.md"')
    entry = Page(html[start : html.index("</section>", start)])
    words = words_of(entry)
    for said in (
        "What are the two main types of transplant?",
        "Transplant Answers (this project) · Last checked 22 November 2026",
        "Not yet checked by a health professional",
    ):
        assert said in words
    parts = [a["href"] or "" for a in entry.named("a") if "#part-" in (a["href"] or "")]
    assert parts == [f"/sources/guides/types.md#part-{n}" for n in (1, 2)]
    reader = Page(client.get("/sources/guides/types.md").text)
    ids = [attrs.get("id") for _, attrs in reader.tags]
    assert all(part.partition("#")[2] in ids for part in parts)


def test_every_heading_of_every_guide_is_linked_once(client: TestClient) -> None:
    links = [a["href"] or "" for a in Page(client.get("/library").text).named("a")]
    for source_id in ScriptedBot().documents:
        reader = Page(client.get(f"/sources/{source_id}").text)
        ids = [attrs.get("id") or "" for _, attrs in reader.tags]
        wanted = sorted(f"/sources/{source_id}#{i}" for i in ids if i.startswith("part-"))
        assert sorted(a for a in links if a.startswith(f"/sources/{source_id}#")) == wanted


def test_marks_of_a_guide() -> None:
    bot = ScriptedBot()
    more = "clinically_reviewed: true\nreview_by: 2020-01-01\npublished: 2019-05-01\n"
    bot.documents = {"old.md": load("old.md", a_guide("x", "Own topic", "Old", more))}
    bot.documents[LEAFLET] = load(LEAFLET, leaflet(2))
    with client_with(bot) as client:
        words = words_of(Page(client.get("/library").text))
    assert "Published 1 May 2019" in words
    assert "Checked by a health professional · Past the date" in words
    assert "· PDF Not yet checked by a health professional" in words
    assert "Own topic 1 guide" in words


def test_order_of_the_shelves_and_on_them() -> None:
    documents = [
        load(f"{n}.md", a_guide(str(n), topic, title))
        for n, (topic, title) in enumerate(
            [
                (None, "None"),
                ("Zebra", "Z"),
                ("glossary", "Words"),
                ("apples", "b"),
                ("Apples", "A"),
                ("When to call", "Call"),
            ]
        )
    ]
    shelves = shelved(entry_of(d, (), TODAY) for d in documents)
    named = [(s.topic, [e.info.title for e in s.entries]) for s in shelves]
    assert named == [
        ("When to call", ["Call"]),
        ("glossary", ["Words"]),
        ("Apples", ["A", "b"]),
        ("Zebra", ["Z"]),
        (None, ["None"]),
    ]


def test_guide_without_headings_is_described_by_its_first_sentence() -> None:
    body = b"---\ntitle: Plain\n---\n# Plain\n\nA first sentence. A second one.\n"
    entry = entry_of(load("p.md", body), (), TODAY)
    assert (entry.headings, entry.first_sentence) == ((), "A first sentence.")
    withheld = entry_of(load("p.md", body), (Span(start=0, end=60),), TODAY)
    assert "first" not in withheld.first_sentence


def test_hostile_texts_stay_texts(client: TestClient) -> None:
    from tests.scripted_bot import NASTY

    for html in (
        client.get("/library").text,
        client.post("/library", data={"words": NASTY}).text,
        client.post("/library", data={"words": f"chest {NASTY}"}).text,
    ):
        page = Page(html)
        assert NASTY in page.words or NASTY in [i.get("value") for i in page.named("input")]
        assert not [tag for tag in ("img", "iframe", "svg") if page.named(tag)]
        assert all((s.get("src") or "").startswith("/static/") for s in page.named("script"))
        for _, attrs in page.tags:
            assert not [name for name in attrs if name.startswith("on")]
            assert not (attrs.get("href") or "").lower().startswith("javascript")


@pytest.mark.parametrize("path", ["/plain", "/about", "/library", "/sources/guides/types.md"])
def test_library_is_linked_from_every_page(client: TestClient, path: str) -> None:
    assert "/library" in [a["href"] for a in Page(client.get(path).text).named("a")]


def test_library_is_linked_from_the_chat(client: TestClient) -> None:
    top = client.get("/chat/").text
    assert 'href="/library"' in top[: top.index("<gradio-app")]


# Search.


def test_search_is_a_form_that_is_posted(client: TestClient) -> None:
    page = Page(client.get("/library").text)
    forms = page.named("form")
    assert [(f["method"], f["action"]) for f in forms] == [("post", "/library")]
    assert forms[0]["role"] == "search"
    box = next(i for i in page.named("input") if i.get("name") == "words")
    assert box["id"] in [label.get("for") for label in page.named("label")]
    assert box["autocomplete"] == "off"


def test_search_gives_pages_to_read_and_no_answer(client: TestClient) -> None:
    page = search(client, "haploidentical CANARY-12")
    words = words_of(page)
    assert "They are pages to read, not an answer." in words
    assert "What is a haploidentical transplant?" in words
    assert "uses cells from a donor who is a half match" not in words, "where, not what"
    links = [a for a in page.named("a") if "#part-" in (a["href"] or "")]
    assert "/sources/guides/types.md#part-2" in [a["href"] for a in links]
    assert "/sources/guides/types.md#part-1" not in [a["href"] for a in links]
    assert all(a["target"] == "_blank" and "noopener" in (a["rel"] or "") for a in links)
    assert [i["value"] for i in page.named("input") if i.get("name") == "words"] == [
        "haploidentical CANARY-12"
    ]
    assert not [a for _, a in page.tags if "CANARY" in (a.get("href") or a.get("action") or "")]


def test_what_was_found_in_a_pdf_opens_beside_its_page(client: TestClient) -> None:
    page = search(client, "part")
    assert [a["href"] for a in page.named("a") if "page=3" in (a["href"] or "")] == [
        f"/sources/{LEAFLET}?page=3#part-4"
    ]
    reader = Page(client.get(f"/sources/{LEAFLET}?page=3").text)
    assert "part-4" in [attrs.get("id") for _, attrs in reader.tags]
    assert "Part 2 , page 3" in words_of(page) or "Part 2, page 3" in words_of(page)


@pytest.mark.parametrize(("words", "level"), [("chest pain", "emergency"), ("end it", "crisis")])
def test_search_that_the_rules_stop_shows_the_card_and_nothing_else(
    client: TestClient, words: str, level: str
) -> None:
    html = client.post("/library", data={"words": f"haploidentical {words}"}).text
    body = html[html.index("<main") :]
    card = rf'<div class="answer [^>]*>\s*<div class="alert alert-{level}" role="alert"'
    assert re.search(card, body)
    assert body.count('role="alert"') == 1
    assert body.index('role="alert"') < body.index("<form")
    assert "/sources/" not in body
    assert "What is a haploidentical transplant?" not in body
    assert 'href="tel:911"' in body


def test_declined_search_says_so(client: TestClient) -> None:
    words = words_of(search(client, "which dose"))
    assert "I cannot say which dose is right for you." in words
    assert "Pages to read" not in words


def test_urgent_alert_stands_above_what_was_found(client: TestClient) -> None:
    html = client.post("/library", data={"words": "fever donor"}).text
    assert html.index('class="alert alert-urgent" role="alert"') < html.index("found-title")
    assert "/sources/guides/types.md#part-" in html


def test_standing_advice_stands_with_what_was_found(client: TestClient) -> None:
    assert "Call if you feel unwell." in words_of(search(client, "cells"))


def test_nothing_found_says_so_and_whom_to_ask(client: TestClient) -> None:
    page = search(client, "bitcoin")
    words = words_of(page)
    assert "Nothing close to your words" in words
    assert "tel:+15550100199" in [a["href"] for a in page.named("a")]


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ("", 422, "Type a word or two"),
        ("   ", 422, "Type a word or two"),
        ("x" * 2001, 413, "I could not use that question"),
        ("no index", 503, "I cannot reach my guides right now"),
        ("crash CANARY-13", 500, "I cannot answer right now"),
    ],
)
def test_failed_search_says_what_happened(
    client: TestClient, words: str, status: int, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    response = client.post("/library", data={"words": words})
    assert response.status_code == status
    assert said in html_module.unescape(response.text)
    assert "tel:+15550100199" in response.text
    for secret in ("Traceback", "secret", "NoIndex", "RuntimeError"):
        assert secret not in response.text
    assert "CANARY-13" not in caplog.text


def test_library_in_spanish(client: TestClient) -> None:
    page = client.post("/library?lang=es", data={"words": "haploidentical"})
    words = words_of(Page(page.text))
    assert "Son páginas para leer, no una respuesta." in words
    assert '<h3 class="entry-title" lang="en">Types of transplant</h3>' in page.text
    links = [a["href"] or "" for a in Page(page.text).named("a")]
    assert "/sources/guides/types.md?lang=es#part-2" in links
    assert "/library?lang=en" in links, "the form in the other language"
    reader = client.get("/sources/guides/types.md?lang=es").text
    assert "Partes de esta guía" in reader or "Sobre esta fuente" in reader
    assert '<div class="document-text" lang="en">' in reader


def test_form_without_the_field_or_in_no_encoding(client: TestClient) -> None:
    assert client.post("/library", content=b"\xff\xfe=%zz&words").status_code == 422


def test_search_is_within_the_limits_of_the_service() -> None:
    settings = Settings(contact=CONTACT).model_copy(
        update={"web": Settings().web.model_copy(update={"answer_seconds": 0.2})}
    )
    app = create_app(settings, ScriptedBot())
    with TestClient(app, raise_server_exceptions=False) as client:
        started = time.monotonic()
        response = client.post("/library", data={"words": "slow donor"})
        assert response.status_code == 504
        assert time.monotonic() - started < 2.5
        assert response.headers["retry-after"] == "30"


def test_search_counts_for_the_limit_of_an_address() -> None:
    web = Settings().web.model_copy(update={"requests_per_minute": 2})
    settings = Settings(contact=CONTACT).model_copy(update={"web": web})
    with TestClient(create_app(settings, ScriptedBot())) as client:
        codes = [client.post("/library", data={"words": "donor"}).status_code for _ in range(3)]
        assert codes == [200, 200, 429]
        assert client.get("/library").status_code == 200, "reading is not counted"


def test_library_without_an_index_keeps_the_box() -> None:
    with client_with(ScriptedBot(index=False)) as client:
        response = client.get("/library")
        assert response.status_code == 503
        assert "there is nothing to show" in response.text
        assert "tel:+15550100199" in response.text
        assert Page(response.text).named("form")
        assert 'role="alert"' in client.post("/library", data={"words": "chest pain"}).text
        assert client.post("/library", data={"words": "donor"}).status_code == 503


def test_empty_library_says_so() -> None:
    bot = ScriptedBot()
    bot.documents = {}
    with client_with(bot) as client:
        assert "There are no guides in the library yet." in client.get("/library").text


def test_contact_card_only_shows_no_guides() -> None:
    settings = Settings(contact=CONTACT, answering={"contact_card_only": True})  # type: ignore[arg-type]
    with TestClient(create_app(settings, ScriptedBot())) as client:
        page = Page(client.get("/library").text)
        assert "not answering questions right now" in page.words
        assert not [a for a in page.named("a") if "/sources/" in (a["href"] or "")]


# Kept as long as nothing changes.


class Counting(ScriptedBot):
    """Counts how often documents are read."""

    reads = 0

    def document(self, source_id: str) -> object:  # type: ignore[override]
        self.reads += 1
        return super().document(source_id)


def test_library_is_read_once_an_index_and_day_and_withdrawal(tmp_path: Path) -> None:
    bot = Counting()
    day = [TODAY]
    withdrawals = Withdrawals(tmp_path)
    keeper = LibraryKeeper(bot, withdrawals, today=lambda: day[0])
    first = keeper()
    assert keeper() is first
    assert bot.reads == len(bot.documents)
    text = bot.documents["guides/types.md"].text
    span = Span(start=text.index("An autologous"), end=len(text) - 1)
    withdrawals.withdraw("guides/types.md", span, reason="x", by="y")
    assert keeper() is not first
    day[0] = date(2100, 1, 1)
    assert all(e.overdue for s in keeper().shelves for e in s.entries if e.info.review_by)


def test_guide_that_goes_between_list_and_reading_is_left_out(tmp_path: Path) -> None:
    bot = ScriptedBot()
    infos = bot.sources()
    bot.sources = lambda: infos  # type: ignore[method-assign]
    del bot.documents["differ.md"]
    library = LibraryKeeper(bot, Withdrawals(tmp_path))()
    assert library.size == len(infos) - 1


# With the real bot over a small folder.


@pytest.fixture(scope="module")
def real_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("library")
    knowledge = folder / "knowledge"
    (knowledge / "leaflets").mkdir(parents=True)
    root = Path(__file__).parent.parent / "knowledge"
    (knowledge / "vaccination.md").write_bytes((root / "vaccination.md").read_bytes())
    (knowledge / LEAFLET).write_bytes(leaflet(4))
    settings = Settings(
        paths=Paths(knowledge=knowledge, var=folder / "var"),
        contact=ContactSettings(phone="+1 (555) 010-0199"),
        locale=LocaleSettings(region="US"),
    )
    assert not ingest(settings).failed
    with TestClient(create_app(settings)) as client:
        yield client


def test_real_search_finds_by_meaning(real_client: TestClient) -> None:
    page = search(real_client, "flu jab")
    assert "Can I have the flu shot" in words_of(page)
    for link in (a["href"] or "" for a in page.named("a") if "#part-" in (a["href"] or "")):
        path, _, anchor = link.partition("#")
        response = real_client.get(path)
        assert response.status_code == 200
        assert f'id="{anchor}"' in response.text


@pytest.mark.parametrize("words", ["bitcoin", "football results", "windows update"])
def test_real_search_for_what_no_guide_holds(real_client: TestClient, words: str) -> None:
    assert "Nothing close to your words" in words_of(search(real_client, words))


@pytest.mark.parametrize(
    ("words", "form"),
    [
        ("chest pain", "answer-emergency"),
        ("i want to kill myself", "answer-crisis"),
        ("should I stop my tacrolimus", "answer-declined"),
    ],
)
def test_real_rules_come_before_the_search(real_client: TestClient, words: str, form: str) -> None:
    html = real_client.post("/library", data={"words": words}).text
    assert form in html
    assert "found-title" not in html


def test_real_fever_search_shows_alert_and_pages(real_client: TestClient) -> None:
    html = real_client.post("/library", data={"words": "I have a fever of 39, which vaccines"}).text
    assert 'class="alert alert-' in html


def test_real_search_leaves_out_what_is_withdrawn(
    real_client: TestClient, tmp_path_factory: pytest.TempPathFactory
) -> None:
    before = search(real_client, "flu shot")
    assert "vaccination.md" in str(before.tags)
    var = next(tmp_path_factory.getbasetemp().glob("library*/var"))
    withdrawals = Withdrawals(var)
    withdrawals.withdraw("vaccination.md", None, reason="x", by="y")
    try:
        time.sleep(1.2)
        assert "vaccination.md" not in str(search(real_client, "flu shot").tags)
        assert "vaccination.md" not in real_client.get("/library").text
    finally:
        withdrawals.restore("vaccination.md", reason="x", by="y")
        time.sleep(1.2)


def test_real_pdf_is_found_shown_and_served(real_client: TestClient) -> None:
    page = search(real_client, "things to pack before you leave")
    links = [a["href"] or "" for a in page.named("a") if "going-home.pdf" in (a["href"] or "")]
    assert links
    assert links[0].startswith(f"/sources/{LEAFLET}?page=1#part-")
    reader = real_client.get(links[0].partition("#")[0])
    assert f'data="/documents/{LEAFLET}#page=1' in reader.text
    assert real_client.get(f"/documents/{LEAFLET}").content == leaflet(4)
