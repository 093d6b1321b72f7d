"""The interface in English and Spanish: how it is chosen, that the choice stays, that every text is
there in both, and that words of another language are marked with theirs."""

from __future__ import annotations

import html as html_module
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from fastapi.testclient import TestClient

from bot.records import Answer, Question
from bot.settings import ContactSettings, Settings, Web
from bot.web.catalogue import Texts, load_texts
from bot.web.factory import create_app
from bot.web.languages import Spoken, by_browser, speaking
from bot.web.places import CHATS, LANGUAGES, chat_of
from bot.web.render import Renderer, lang_attribute, long_date, page_link, reader_link
from tests.scripted_bot import ScriptedBot
from tests.spanish import fernandez_huerta

SPANISH = {"accept-language": "es-MX,es;q=0.9,en;q=0.5"}
PAGES = ["/plain", "/about", "/library", "/sources/guides/types.md", "/nowhere"]


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    contact = ContactSettings(name="Ward 7", phone="555-0100", hours="8 to 6")
    app = create_app(Settings(contact=contact), ScriptedBot())
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def flat(texts: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Every text with its place in the file."""
    if isinstance(texts, Texts | Mapping):
        for key in texts:
            yield from flat(texts[key], f"{place}.{key}")
    elif isinstance(texts, list):
        for number, item in enumerate(texts):
            yield from flat(item, f"{place}[{number}]")
    else:
        yield place, texts


def test_every_language_has_the_same_texts_and_none_is_empty() -> None:
    english = dict(flat(load_texts("en")))
    assert len(english) > 250
    for language in LANGUAGES:
        texts = dict(flat(load_texts(language)))
        assert texts.keys() == english.keys()
        assert not [place for place, text in texts.items() if not str(text).strip()]
        assert texts[".lang"] == language


def test_places_to_fill_in_are_the_same() -> None:
    english, spanish = dict(flat(load_texts("en"))), dict(flat(load_texts("es")))
    for place, text in english.items():
        found = re.findall(r"\{\w*\}", text)
        assert sorted(found) == sorted(re.findall(r"\{\w*\}", spanish[place])), place


def test_values_that_the_page_sends_are_the_same() -> None:
    english, spanish = load_texts("en").chat, load_texts("es").chat
    for group in ("kinds", "stages"):
        assert [c["value"] for c in english[group]] == [c["value"] for c in spanish[group]]


def test_nothing_was_left_in_english() -> None:
    english, spanish = dict(flat(load_texts("en"))), dict(flat(load_texts("es")))
    same = {place for place, text in english.items() if spanish[place] == text}
    alike = {
        ".page.chat", ".reader.original", ".library.pdf",
    }  # fmt: skip
    assert {p for p in same if not p.endswith(".value")} <= alike


def test_spanish_texts_are_plain_and_claim_no_profession() -> None:
    texts = [text for _, text in flat(load_texts("es"))]
    banned = re.compile(
        r"diagn[óo]stic|\breceta|\bSoy (?:un|una|su)\b|doctor|m[ée]dico\b|enfermer|no se preocupe",
        re.IGNORECASE,
    )
    claims = [t for t in texts if banned.search(t.replace("consejo médico", ""))]
    assert not claims
    sentences = [text for text in texts if text.endswith((".", "?"))]
    assert fernandez_huerta(" ".join(sentences)) >= 80  # fifth grade
    assert not re.search(r"\b(?:tú|tu|tus|contigo|tienes|puedes)\b", " ".join(texts))


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("es", "es"),
        ("es-MX,es;q=0.9,en;q=0.8", "es"),
        ("en-US,en;q=0.9,es;q=0.8", "en"),
        ("en;q=0.5, es;q=0.7", "es"),
        ("fr-FR,fr;q=0.9,es;q=0.3", "es"),
        ("fr, de", "en"),
        ("*", "en"),
        ("es;q=0, en;q=0.1", "en"),
        ("es;q=0", "en"),
        ("ES", "es"),
        ("es_ES", "es"),
        ("es;q=x, en;q=0.2", "en"),
        ("es;q=2", "en"),
        ("es;level=1", "en"),
        (";;;,,,=", "en"),
        ("est", "en"),
        ("en, " * 400 + "es", "en"),
    ],
)
def test_the_browsers_languages_are_weighed(header: str, language: str) -> None:
    assert by_browser(header) == language


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(
    ("query", "headers", "language"),
    [
        ("", {}, "en"),
        ("", SPANISH, "es"),
        ("?lang=es", {}, "es"),
        ("?lang=en", SPANISH, "en"),
        ("?lang=xx", SPANISH, "es"),
        ("?lang=", {}, "en"),
        ("?lang=es-ES", {}, "es"),
    ],
)
def test_each_page_is_in_the_language_asked_for(
    client: TestClient, path: str, query: str, headers: dict[str, str], language: str
) -> None:
    response = client.get(path + query, headers=headers)
    assert f'<html lang="{language}">' in response.text
    name = load_texts(language)["name"]
    assert f'">{name}</a>' in response.text
    assert "accept-language" in response.headers["vary"].casefold()
    assert "set-cookie" not in response.headers


def links(html: str) -> list[tuple[str, dict[str, str]]]:
    """Path and query of every link and form of ours."""
    found = re.findall(r'(?:href|action)="(/[^"]*)"', html)
    parts = [urlsplit(html_module.unescape(address)) for address in found]
    return [
        (part.path, dict(parse_qsl(part.query)))
        for part in parts
        if not part.path.startswith("/static/")
    ]


@pytest.mark.parametrize("path", [*PAGES, "/chat/es/"])
def test_a_choice_against_the_browser_stays_in_every_link(client: TestClient, path: str) -> None:
    html = client.get(f"{path}?lang=es").text
    assert '<html lang="es"' in html
    followed = [(p, q) for p, q in links(html) if q.get("lang") != "en"]
    assert len(followed) >= 3
    for place, query in followed:
        assert query.get("lang") == "es" or chat_of(place) == ("es", "/"), place


def test_a_choice_stays_through_a_posted_question(client: TestClient) -> None:
    html = client.post("/plain?lang=es", data={"question": "types"}).text
    assert '<html lang="es">' in html
    for place, query in links(html):
        switch = query.get("lang") == "en" and place == "/plain"
        assert query.get("lang") == "es" or switch or chat_of(place), place


@pytest.mark.parametrize("headers", [{}, SPANISH])
def test_links_stay_short_where_the_browser_says_it(
    client: TestClient, headers: dict[str, str]
) -> None:
    html = client.get("/about", headers=headers).text
    named = [place for place, query in links(html) if "lang" in query]
    assert len(named) == 1, "the link to the other language alone"


@pytest.mark.parametrize(
    ("path", "headers", "leads_to"),
    [
        ("/", {}, "/chat/"),
        ("/", SPANISH, "/chat/es/"),
        ("/?lang=es", {}, "/chat/es/"),
        ("/?lang=en", SPANISH, "/chat/?lang=en"),
        ("/chat/", SPANISH, "/chat/es/"),
        ("/chat", SPANISH, "/chat/es/"),
        ("/chat/?lang=es", {}, "/chat/es/"),
        ("/chat/?lang=es&from=portal", {}, "/chat/es/?from=portal"),
        ("/chat/es/?lang=en", {}, "/chat/"),
        ("/chat/es/?lang=en&from=portal", SPANISH, "/chat/?lang=en&from=portal"),
    ],
)
def test_the_chat_of_the_language_is_opened(
    client: TestClient, path: str, headers: dict[str, str], leads_to: str
) -> None:
    response = client.get(path, headers=headers, follow_redirects=False)
    assert response.status_code == 307
    assert response.headers["location"] == leads_to
    assert response.headers["cache-control"] == "no-store"
    again = client.get(leads_to, headers=headers, follow_redirects=False)
    assert again.status_code == 200, "one step, no loop"


@pytest.mark.parametrize(
    ("path", "headers", "language"),
    [
        ("/chat/", {}, "en"),
        ("/chat/?lang=en", SPANISH, "en"),
        ("/chat/es/", {}, "es"),
        ("/chat/es/", SPANISH, "es"),
    ],
)
def test_the_chat_page_says_its_language(
    client: TestClient, path: str, headers: dict[str, str], language: str
) -> None:
    html = client.get(path, headers=headers).text
    assert f'<html lang="{language}"' in html
    texts = load_texts(language)
    head = html[: html.index("<gradio-app")]
    for said in (texts.about_line, texts.chat.watch, texts.contact.title):
        assert said in html_module.unescape(head)
    words = re.search(r'id="words">(.*?)</script>', head, re.DOTALL)
    assert words and json.loads(words[1]) == dict(texts.script)
    assert f'"label":"{texts.chat.question_label}"' in html.replace('": "', '":"')


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/about", [("/about", {"lang": "es"})]),
        ("/about?lang=es", [("/about", {"lang": "en"})]),
        ("/chat/", [("/chat/es/", {})]),
        ("/chat/es/", [("/chat/", {"lang": "en"})]),
        (
            "/sources/guides/types.md?start=25&end=40",
            [("/sources/guides/types.md", {"start": "25", "end": "40", "lang": "es"})],
        ),
    ],
)
def test_each_page_links_to_itself_in_the_other_language(
    client: TestClient, path: str, wanted: list[tuple[str, dict[str, str]]]
) -> None:
    html = client.get(path).text
    tags = re.findall(r'<a class="language"[^>]*>([^<]*)</a>', html)
    addresses = re.findall(r'<a class="language" href="([^"]*)"', html)
    parts = [urlsplit(html_module.unescape(address)) for address in addresses]
    assert [(part.path, dict(parse_qsl(part.query))) for part in parts] == wanted
    other = "en" if '<html lang="es"' in html else "es"
    assert tags == [load_texts(other)["own_name"]]
    assert f'lang="{other}" hreflang="{other}"' in html


def test_a_posted_page_links_to_the_form_in_the_other_language(client: TestClient) -> None:
    """What was posted has no address; the question must not get one."""
    html = client.post("/plain", data={"question": "CANARY-91 types"}).text
    address = re.search(r'<a class="language" href="([^"]*)"', html)
    assert address and address[1] == "/plain?lang=es"


def test_a_hostile_address_stays_text(client: TestClient) -> None:
    html = client.get('/nowhere"><script>x</script>?q="><img src=x>&lang=es').text
    assert "<script>x" not in html
    assert "<img" not in html


@pytest.mark.parametrize("mount", list(CHATS.values()))
def test_both_chats_are_guarded_alike(client: TestClient, mount: str) -> None:
    page = client.get(f"{mount}/")
    assert "'nonce-" in page.headers["content-security-policy"]
    assert (
        "unsafe"
        not in re.search(  # type: ignore[index]
            r"script-src ([^;]*)", page.headers["content-security-policy"]
        )[1]
    )
    assert page.headers["x-frame-options"] == "DENY"
    assert 'rel="manifest"' not in page.text
    assert not re.search(r"<script(?![^>]*nonce=)[\s>]", page.text)
    for method, path in (
        ("POST", "/gradio_api/upload"),
        ("GET", "/gradio_api/runs"),
        ("GET", "/gradio_api/info"),
        ("GET", "/config"),
        ("GET", "/gradio_api/file=/etc/passwd"),
        ("GET", "/monitoring"),
        ("PUT", "/"),
    ):
        response = client.request(method, mount + path)
        assert response.status_code == 404, path
        assert 'href="tel:5550100"' in response.text, "the gate answers, not Gradio"
    asset = client.get(f"{mount}/theme.css")
    assert asset.status_code == 200
    evil = client.get(f"{mount}/", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in evil.headers


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example/x",
        "///evil.example/x",
        "/%2Fevil.example/x",
        "/%2f%2fevil.example",
        "/%5Cevil.example/x",
        "/%5C%5Cevil.example/x",
        "/%09/evil.example/x",
        "//evil.example%2F..",
    ],
)
def test_no_page_links_to_a_foreign_host_because_its_address_names_one(
    client: TestClient, path: str
) -> None:
    page = client.get(f"http://testserver{path}")
    assert page.status_code == 404
    link = re.search(r'<a class="language" href="([^"]*)"', page.text)
    assert link and "evil.example" in link[1]
    assert re.match(r"/[^/\\]", html_module.unescape(link[1])), link[1]
    assert not re.search(r'(?:href|src|action)="//', page.text)


def test_both_chats_count_for_the_limit() -> None:
    settings = Settings(web=Web(requests_per_minute=1), contact=ContactSettings(phone="555-0100"))
    with TestClient(create_app(settings, ScriptedBot())) as limited:
        for mount in CHATS.values():
            last = limited.post(f"{mount}/gradio_api/queue/join", json={})
        assert last.status_code == 429
        assert '<html lang="es">' in last.text
        assert "Espere un minuto" in html_module.unescape(last.text)


def test_no_other_path_below_the_chat_is_a_chat(client: TestClient) -> None:
    for path in ("/chat/fr/", "/chat/en/", "/chat/es/es/", "/chat/espanol/"):
        assert client.get(path).status_code == 404


def test_errors_and_failures_are_in_spanish(client: TestClient) -> None:
    for path, status, said in (
        ("/nowhere?lang=es", 404, "Esta página no existe"),
        ("/sources/none.md?lang=es", 404, "Esta fuente no está aquí"),
        ("/sources/guides/types.md?start=9&end=4&lang=es", 400, "Ese lugar de la guía no existe"),
    ):
        response = client.get(path)
        assert response.status_code == status
        assert said in html_module.unescape(response.text)
    for question, status, said in (
        ("", 422, "La pregunta está vacía."),
        ("x" * 2001, 413, "La pregunta tiene 2,001 letras y signos"),
        ("no index", 503, "No puedo abrir mis guías"),
        ("crash", 500, "La falla es nuestra, no suya."),
    ):
        response = client.post("/plain?lang=es", data={"question": question})
        assert response.status_code == status
        body = html_module.unescape(response.text)
        assert said in body
        assert "¿Preguntas sobre su propia atención? Llame a Ward 7" in re.sub(r"\s+", " ", body)


def test_the_api_speaks_the_language_of_the_body(client: TestClient) -> None:
    def ask(**body: str) -> dict[str, Any]:
        answer: dict[str, Any] = client.post("/api/v1/ask", json=body, headers=SPANISH).json()
        return answer

    assert ask(question="types", locale="es-MX")["about"].startswith("Herramienta automática")
    assert ask(question="types")["about"].startswith("Automated information tool")
    assert ask(question="", locale="es")["detail"].startswith("La pregunta está vacía.")
    assert ask(question="")["detail"].startswith("The question is empty.")
    assert ask(question="types")["language"] == "en"


def test_the_bot_is_told_the_language_of_the_page() -> None:
    bot = ScriptedBot()
    with TestClient(create_app(Settings(contact=ContactSettings(phone="1")), bot)) as client:
        client.post("/plain?lang=es", data={"question": "types"})
        client.post("/plain", data={"question": "types"})
    assert [question.locale for question in bot.asked] == ["es", "en"]


def test_starters_are_shown_in_spanish_and_asked_in_english(client: TestClient) -> None:
    """The guides are in English: a Spanish starter would only be told so."""
    page = html_module.unescape(client.get("/plain?lang=es").text)
    buttons = re.findall(r'<button class="starter"[^>]* value="([^"]*)"[^>]*>([^<]*)<', page)
    english = [q for topic in load_texts("en").chat.topics for q in topic["questions"]]
    spanish = [q for topic in load_texts("es").chat.topics for q in topic["questions"]]
    assert buttons == list(zip(english, spanish, strict=True))
    assert load_texts("es").chat.guides_note in page
    assert load_texts("en").chat.guides_note not in client.get("/plain").text


def test_quotes_carry_their_language_and_ours_carries_ours(client: TestClient) -> None:
    html = client.post("/plain?lang=es", data={"question": "types"}).text
    assert html.count('<p class="statements" lang="en">') == 1
    assert html.count('<ul class="statements" lang="en">') == 1
    assert html.count('<blockquote class="source-quote" lang="en">') == 5
    assert '<span class="sr-only" lang="es">Fuente </span>' in html
    english = client.post("/plain", data={"question": "types"}).text
    assert 'class="statements">' in english


def answer_in(language: str, **more: Any) -> str:
    """The page of a question in that language, on an English page."""
    plain = ScriptedBot().ask(Question(text="weather"))
    answer = Answer(
        question=Question(text="?"),
        outcome="unsupported_language",
        contact=plain.contact,
        versions=plain.versions,
        asked_in=language,
        **more,
    )
    return Renderer(Settings(contact=ContactSettings(phone="1"))).answer(answer, prefix="a1")


@pytest.mark.parametrize("language", ["ar", "fa", "ur", "he"])
def test_right_to_left_messages_say_so(language: str) -> None:
    html = answer_in(language, notices=("…", "English advice."))
    assert f'<p class="answer-lead" lang="{language}" dir="rtl">…</p>' in html
    assert '<ul class="notices">' in html, "what is in English stays left to right"


@pytest.mark.parametrize("language", ["es", "zh", "hi", "ht", "so"])
def test_left_to_right_messages_carry_their_language(language: str) -> None:
    assert f'<p class="answer-lead" lang="{language}">' in answer_in(language, notices=("…",))


def test_what_to_do_when_ill_stands_above_an_answer_without_rules_in_its_language() -> None:
    plain = ScriptedBot().ask(Question(text="types"))
    answer = replace(plain, asked_in="fr", notices=("Si vous vous sentez mal", "Overdue."))
    html = Renderer(Settings(contact=ContactSettings(phone="1"))).answer(answer, prefix="a1")
    lead = html.index('<p class="answer-lead" lang="fr">Si vous vous sentez mal</p>')
    assert lead < html.index('class="statements"') < html.index("<li>Overdue.</li>")
    assert html.count("Si vous vous sentez mal") == 1
    spanish = replace(plain, asked_in="es", language="es", notices=("Aviso.",))
    assert "answer-lead" not in Renderer(Settings()).answer(spanish, prefix="a1")


def test_a_question_takes_the_direction_of_its_letters(client: TestClient) -> None:
    html = client.post("/plain", data={"question": "ما هو الزرع"}).text
    assert '<span dir="auto">ما هو الزرع</span>' in html
    assert re.search(r"<textarea[^>]* dir=\"auto\"", html)


def test_language_attributes_are_made_of_codes_alone() -> None:
    assert lang_attribute("en") == ""
    assert lang_attribute(None) == ""
    assert lang_attribute("es") == ' lang="es"'
    assert lang_attribute("ar-EG") == ' lang="ar-EG" dir="rtl"'
    assert lang_attribute('x" onload="y') == ""


def test_dates_links_and_contact_follow_the_language() -> None:
    from datetime import date

    renderer = Renderer(Settings())
    assert renderer.contact.name == "your transplant team"
    with speaking(Spoken(language="es", carried=True)):
        assert long_date(date(2026, 11, 2)) == "2 de noviembre de 2026"
        assert page_link("/about") == "/about?lang=es"
        assert page_link("/chat/") == "/chat/es/"
        assert reader_link("a.md") == "/sources/a.md?lang=es"
        assert renderer.contact.name == "su equipo de trasplante"
    with speaking(Spoken(language="en", carried=True)):
        assert page_link("/chat/") == "/chat/?lang=en"
    assert page_link("/about") == "/about"
    assert long_date(date(2026, 11, 2)) == "2 November 2026"


def test_a_clinic_may_write_its_contact_in_spanish() -> None:
    contact = ContactSettings(
        name="Ward 7", phone="1", hours="8 to 6", name_es="Sala 7", hours_es="de 8 a 18"
    )
    renderer = Renderer(Settings(contact=contact))
    with speaking(Spoken(language="es")):
        assert (renderer.contact.name, renderer.contact.hours) == ("Sala 7", "de 8 a 18")
    assert (renderer.contact.name, renderer.contact.hours) == ("Ward 7", "8 to 6")
    english_only = Renderer(Settings(contact=ContactSettings(name="Ward 7", hours="8 to 6")))
    with speaking(Spoken(language="es")):
        assert (english_only.contact.name, english_only.contact.hours) == ("Ward 7", "8 to 6")
