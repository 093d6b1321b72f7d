"""The reader: from quote to quote of an answer, what was withdrawn, a PDF beside its original."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from httpx import Response

from bot.indexing.loading import load
from bot.indexing.scanning import find_file
from bot.records import Span
from bot.settings import ContactSettings, Paths, Settings
from bot.web.cited import MOST, Place, places_of, read, trail, written
from bot.web.document_view import view
from bot.web.factory import create_app
from bot.web.originals import Originals
from bot.web.reader import original_link
from bot.web.render import reader_link
from bot.withdrawals import Withdrawals
from tests.making_pdfs import leaflet
from tests.scripted_bot import LEAFLET, ScriptedBot
from tests.test_web_pages import Page

CONTACT = ContactSettings(phone="+1 (555) 010-0199")
QUOTE = "This is the text of part 1."


@pytest.fixture
def knowledge(tmp_path: Path) -> Path:
    """A folder with the original of the scripted bot's PDF."""
    path = tmp_path / "knowledge" / LEAFLET
    path.parent.mkdir(parents=True)
    path.write_bytes(leaflet(4))
    return tmp_path / "knowledge"


@pytest.fixture
def settings(tmp_path: Path, knowledge: Path) -> Settings:
    return Settings(contact=CONTACT, paths=Paths(knowledge=knowledge, var=tmp_path / "var"))


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(settings, ScriptedBot()), raise_server_exceptions=False) as client:
        yield client


def place(source_id: str, start: int, end: int) -> Place:
    return Place(source_id=source_id, span=Span(start=start, end=end))


def get(client: TestClient, address: str) -> Response:
    return client.get(address.partition("#")[0])


# The places of an answer in an address.


def test_places_survive_the_way_through_an_address() -> None:
    places = (
        place("a b/ü,:?&=#.md", 1, 20),
        place("a b/ü,:?&=#.md", 30, 40),
        place("b.md", 0, 7),
    )
    value = written(places)
    assert re.fullmatch(r"[A-Za-z0-9%/:,.-]*", value), "nothing that ends a parameter"
    from urllib.parse import parse_qs

    assert read(parse_qs(f"cited={value}")["cited"][0]) == places


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "1-2",
        "a.md",
        "a.md:2-1",
        "a.md:1-1",
        "a.md:1-x",
        "a.md:1-2,",
        "a.md:1-2,b.md",
        "a.md:-1-2",
        "a.md:1-2222222222222",
        "a.md:٣-٤",
        ",".join(["a.md:1-2"] * (MOST + 1)),
    ],
)
def test_places_that_are_wrong_are_none_at_all(value: str | None) -> None:
    assert read(value) == ()


def test_long_answers_name_as_many_places_as_are_read() -> None:
    places = tuple(place("a.md", n, n + 1) for n in range(MOST + 9))
    assert read(written(places)) == places[:MOST]


def test_trail_knows_where_one_stands() -> None:
    places = (place("a.md", 1, 2), place("b.md", 3, 4), place("a.md", 5, 6))
    first = trail(places, places[0])
    assert first
    assert (first.number, first.count, first.before, first.after) == (1, 3, None, places[1])
    last = trail(places, places[2])
    assert last
    assert (last.before, last.after) == (places[1], None)
    assert trail(places[:1], places[0]) is None, "one quote leads nowhere"
    assert trail(places, place("a.md", 1, 3)) is None


# From quote to quote.


def links_of(client: TestClient, question: str) -> list[str]:
    page = Page(client.post("/plain", data={"question": question}).text)
    return [a["href"] or "" for a in page.named("a") if a.get("class") == "source-link"]


def steps(page: Page) -> dict[str, str]:
    found = {}
    for attrs in page.named("a"):
        for name in ("step-before", "step-after"):
            if name in (attrs.get("class") or ""):
                found[name] = attrs["href"] or ""
    return found


def test_every_quote_of_an_answer_is_reached_from_the_first_and_back(client: TestClient) -> None:
    links = links_of(client, "leaflet CANARY-9")
    assert len(links) == 4
    assert len({link.partition("?")[0] for link in links}) == 2, "of two documents"
    assert not [link for link in links if "CANARY" in link or "leaflet+CANARY" in link]
    seen = [links[0]]
    for number in range(1, 5):
        response = get(client, seen[-1])
        assert response.status_code == 200
        page = Page(response.text)
        assert f"Quote {number} of 4" in page.words
        assert [m.get("id") for m in page.named("mark")].count("quote") == 1
        if "step-after" in steps(page):
            seen.append(steps(page)["step-after"])
    assert seen == links
    for number in range(3, 0, -1):
        seen.append(steps(Page(get(client, seen[-1]).text))["step-before"])
        assert f"Quote {number} of 4" in get(client, seen[-1]).text
    assert seen[-1] == links[0]


def test_step_into_another_guide_names_it(client: TestClient) -> None:
    links = links_of(client, "leaflet")
    words = " ".join(Page(get(client, links[0]).text).words.split())
    assert "Next quote in Types of transplant" in words


def test_other_quotes_of_the_answer_are_marked_less(client: TestClient) -> None:
    links = links_of(client, "What are the two types?")
    page = Page(get(client, links[2]).text)
    kinds = [m.get("class") for m in page.named("mark")]
    assert kinds == ["also", "also", None, "also", "also"]
    assert page.marked[2] == "That person is the donor."
    words = " ".join(page.words.split())
    assert "Marked words start: That person is the donor. Marked words end." in words
    assert "Also quoted in your answer: The cells can come from a brother" in words


def test_place_without_an_answer_has_no_way_back_to_one(client: TestClient) -> None:
    document = ScriptedBot().documents["guides/types.md"]
    alone = get(client, reader_link("guides/types.md", document.sections[0].span)).text
    assert "The part you came for is marked below." in alone
    assert "back-to-answer" not in alone
    cited = get(client, links_of(client, "What are the two types?")[0]).text
    assert "Your answer quotes the sentence marked below." in cited
    assert "Your answer is still open in the tab you came from." in cited
    whole = client.get("/sources/guides/types.md").text
    assert "marked below" not in whole
    assert "back-to-answer" not in whole


def test_places_that_are_gone_are_left_out_of_the_way(client: TestClient) -> None:
    text = ScriptedBot().documents["guides/types.md"].text
    start = text.index("That person")
    here = place("guides/types.md", start, start + 25)
    gone = place("gone.md", 1, 5)
    beyond = place("guides/types.md", 5, 999_999)
    alone = get(client, reader_link(here.source_id, here.span, (gone, here, beyond))).text
    assert "Quote 1 of" not in alone
    assert "Your answer quotes the sentence marked below." in alone
    wrong = client.get(f"/sources/guides/types.md?start={start}&end={start + 25}&cited=<b>x")
    assert wrong.status_code == 200
    assert "<b>x" not in wrong.text


def test_addresses_hold_places_and_no_words(client: TestClient) -> None:
    answer = ScriptedBot()._from_leaflet(None)  # type: ignore[arg-type]
    address = reader_link(LEAFLET, answer.citations[0].span, places_of(answer.citations))
    query = address.partition("?")[2].partition("#")[0]
    names = {part.partition("=")[0] for part in query.split("&")}
    assert names == {"start", "end", "cited"}
    value = query.partition("cited=")[2]
    for document in ("leaflets/going-home.pdf:", "guides/types.md:"):
        value = value.replace(document, "")
    assert re.fullmatch(r"[0-9,-]+", value)


# What was withdrawn.


def test_withdrawn_lines_are_not_on_the_page(client: TestClient, settings: Settings) -> None:
    text = ScriptedBot().documents["guides/types.md"].text
    start = text.index("A haploidentical transplant uses")
    span = Span(start=start, end=len(text.rstrip()))
    Withdrawals(settings.paths.var).withdraw("guides/types.md", span, reason="x", by="y")
    page = client.get("/sources/guides/types.md").text
    assert "half match" not in page
    assert "This part was taken out of the library." in page
    assert "An autologous transplant uses the patient" in page
    assert get(client, reader_link("guides/types.md", span)).status_code == 400


def test_view_marks_overlapping_spans_and_loses_no_word() -> None:
    document = ScriptedBot().documents["guides/types.md"]
    text = document.text
    start = text.index("An allogeneic")
    quote = Span(start=start, end=start + 40)
    also = (Span(start=start - 20, end=start + 10), Span(start=start + 30, end=start + 60))
    parts = view(document, quote, also=also)
    runs = [run for part in parts for line in part.lines for run in line]
    assert "".join(r.text for r in runs if r.mark == "quote") == quote.of(text)
    assert sum(r.first for r in runs if r.mark == "quote") == 1
    assert sum(r.last for r in runs if r.mark == "quote") == 1
    shown = "".join("".join(part.words.split()) for part in parts)
    plain = "".join("".join(part.words.split()) for part in view(document))
    assert shown == plain


def test_span_of_the_title_alone_marks_nothing_and_says_so(client: TestClient) -> None:
    response = client.get("/sources/guides/types.md?start=0&end=5")
    assert response.status_code == 400
    heading = ScriptedBot().documents["guides/types.md"].text.index("What are the two main")
    marked = client.get(f"/sources/guides/types.md?start={heading}&end={heading + 8}")
    assert Page(marked.text).marked == ["What are"]


# PDFs.


def test_quote_of_a_pdf_stands_beside_its_page(client: TestClient) -> None:
    link = links_of(client, "leaflet")[0]
    response = get(client, link)
    page = Page(response.text)
    assert page.marked == [QUOTE]
    words = " ".join(page.words.split())
    assert "Page 2" in words
    assert "Original page 2" in words
    assert "This is the text of part 2" not in words, "the text of that page and no other"
    held = page.named("object")
    assert [(o["data"], o["type"]) for o in held] == [
        (original_link(LEAFLET, 2), "application/pdf")
    ]
    assert held[0]["aria-label"] == "Original PDF: Going home after a transplant, page 2"
    opening = [a for a in page.named("a") if a["href"] == original_link(LEAFLET, 2)]
    assert opening, "a plain link for browsers that show no PDF"
    policy = response.headers["content-security-policy"]
    assert "object-src 'self'; frame-src 'self'" in policy


def test_pages_of_a_pdf_lead_to_each_other(client: TestClient) -> None:
    whole = Page(client.get(f"/sources/{LEAFLET}").text)
    asked = [a["href"] or "" for a in whole.named("a") if "page=" in (a["href"] or "")]
    assert asked == [f"/sources/{LEAFLET}?page={n}" for n in (1, 2, 3, 4)]
    assert not whole.named("object")
    second = Page(client.get(asked[1]).text)
    links = [a["href"] for a in second.named("a")]
    assert asked[0] in links
    assert asked[2] in links
    assert f"/sources/{LEAFLET}" in links
    assert "Before you leave" not in second.words
    first = Page(client.get(asked[0]).text)
    assert "Before you leave" in first.words
    assert "Previous page" not in first.words


@pytest.mark.parametrize("page", ["0", "5", "99", "-1", "x", "", "1.5", "٢"])
def test_page_that_is_not_there_shows_the_whole_text(client: TestClient, page: str) -> None:
    response = client.get(f"/sources/{LEAFLET}", params={"page": page})
    assert response.status_code == 200
    assert "<object" not in response.text
    assert "This is the text of part 3" in response.text


def test_page_means_nothing_where_there_are_no_pages(client: TestClient) -> None:
    response = client.get("/sources/guides/types.md?page=1")
    assert response.status_code == 200
    assert "<object" not in response.text
    assert "object-src 'none'; frame-src 'none'" in response.headers["content-security-policy"]


def test_original_is_the_file_that_was_indexed(client: TestClient) -> None:
    response = client.get(f"/documents/{LEAFLET}")
    assert response.status_code == 200
    assert response.content == leaflet(4)
    headers = response.headers
    assert headers["content-type"] == "application/pdf"
    assert headers["content-disposition"] == "inline; filename*=UTF-8''going-home.pdf"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "SAMEORIGIN"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    policy = headers["content-security-policy"]
    assert "frame-ancestors 'self'" in policy
    assert "default-src 'none'" in policy
    assert "script" not in policy


def test_nobody_else_may_frame_an_original(settings: Settings) -> None:
    """Not even a portal that may frame the other pages."""
    portal = settings.model_copy(
        update={"web": settings.web.model_copy(update={"frame_ancestors": ("https://p.example",)})}
    )
    with TestClient(create_app(portal, ScriptedBot())) as client:
        headers = client.get(f"/documents/{LEAFLET}").headers
        assert "p.example" not in headers["content-security-policy"]
        assert headers["x-frame-options"] == "SAMEORIGIN"
        reader = client.get(f"/sources/{LEAFLET}?page=1").headers
        assert reader["content-security-policy"].endswith("frame-ancestors https://p.example")


@pytest.mark.parametrize(
    "path",
    [
        "guides/types.md",
        "glossary.md",
        "nothing.pdf",
        "other.pdf",
        "../secret.pdf",
        "..%2Fsecret.pdf",
        "%2e%2e/secret.pdf",
        "leaflets/../leaflets/going-home.pdf",
        "leaflets%5C..%5Csecret.pdf",
        "/etc/passwd",
        "%2Fetc%2Fpasswd",
        "",
        "leaflets/",
        "leaflets/going-home.pdf.meta.yaml",
    ],
)
def test_no_other_file_is_served(client: TestClient, knowledge: Path, path: str) -> None:
    (knowledge / "other.pdf").write_bytes(leaflet(1))
    (knowledge.parent / "secret.pdf").write_bytes(leaflet(1))
    (knowledge / f"{LEAFLET}.meta.yaml").write_text("title: x\n")
    (knowledge / "glossary.md").write_text("a file with the id of an indexed document")
    response = client.get(f"/documents/{path}")
    assert response.status_code == 404
    assert not response.content.startswith(b"%PDF")
    assert "tel:+15550100199" in response.text
    assert "frame-ancestors 'none'" in response.headers["content-security-policy"]


def shows_no_original(client: TestClient) -> None:
    assert client.get(f"/documents/{LEAFLET}").status_code == 404
    page = client.get(f"/sources/{LEAFLET}?page=2")
    assert page.status_code == 200
    assert "<object" not in page.text
    assert QUOTE in page.text
    assert "The original PDF cannot be shown." in page.text


def test_file_that_changed_is_not_shown(client: TestClient, knowledge: Path) -> None:
    (knowledge / LEAFLET).write_bytes(leaflet(5))
    shows_no_original(client)


def test_file_that_is_gone_is_not_shown(client: TestClient, knowledge: Path) -> None:
    shutil.rmtree(knowledge)
    shows_no_original(client)


def test_link_out_of_the_folder_is_not_followed(client: TestClient, knowledge: Path) -> None:
    outside = knowledge.parent / "outside.pdf"
    (knowledge / LEAFLET).rename(outside)
    (knowledge / LEAFLET).symlink_to(outside)
    shows_no_original(client)


def test_original_of_a_partly_withdrawn_pdf_is_not_shown(
    client: TestClient, settings: Settings
) -> None:
    section = ScriptedBot().documents[LEAFLET].sections[-1]
    Withdrawals(settings.paths.var).withdraw(LEAFLET, section.span, reason="x", by="y")
    shows_no_original(client)


def test_sidecar_is_part_of_what_was_indexed(knowledge: Path) -> None:
    sidecar = knowledge / f"{LEAFLET}.meta.yaml"
    sidecar.write_text("title: With a sidecar\n")
    document = load(LEAFLET, leaflet(4), sidecar=sidecar.read_bytes())
    originals = Originals(knowledge, max_bytes=1_000_000)
    assert originals.pdf(document) == leaflet(4)
    sidecar.write_text("title: Another\n")
    assert originals.pdf(document) is None
    assert Originals(knowledge, max_bytes=1_000).pdf(document) is None


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The originals that were read, one entry each time."""
    found: list[str] = []

    def find(folder: Path, source_id: str, max_bytes: int) -> object:
        found.append(source_id)
        return find_file(folder, source_id, max_bytes)

    monkeypatch.setattr("bot.web.originals.find_file", find)
    return found


def test_turning_pages_reads_the_original_once(client: TestClient, reads: list[str]) -> None:
    for number in (1, 2, 3, 2):
        assert "<object" in client.get(f"/sources/{LEAFLET}?page={number}").text
    assert reads == [LEAFLET]


@pytest.mark.parametrize("change", ["bytes", "sidecar", "gone", "link"])
def test_what_changed_after_it_was_seen_is_not_shown(
    client: TestClient, knowledge: Path, change: str
) -> None:
    assert "<object" in client.get(f"/sources/{LEAFLET}?page=2").text
    path = knowledge / LEAFLET
    if change == "bytes":  # as many as before, and with the time of before
        before = path.stat()
        path.write_bytes(leaflet(4).replace(b"%%EOF", b"%%EOG"))
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert path.stat().st_size == before.st_size
    elif change == "sidecar":
        path.with_name(f"{path.name}.meta.yaml").write_text("title: x\n")
    elif change == "gone":
        path.unlink()
    else:
        outside = knowledge.parent / "outside.pdf"
        path.rename(outside)
        path.symlink_to(outside)
    shows_no_original(client)


def test_what_is_remembered_of_originals_has_a_limit(knowledge: Path, reads: list[str]) -> None:
    document = load(LEAFLET, leaflet(4))
    originals = Originals(knowledge, max_bytes=1_000_000, most=2)
    names = [f"leaflets/{number}.pdf" for number in range(3)]
    for name in names:
        (knowledge / name).write_bytes(leaflet(4))
    for name in (*names, names[2], names[0]):
        info = dataclasses.replace(document.info, source_id=name)
        assert originals.shows(dataclasses.replace(document, info=info))
    assert reads == [*names, names[0]]
