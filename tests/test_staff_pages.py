"""What the pages for staff show and do: asking and seeing why, documents, withdrawing and
restoring, gaps, feedback, the audit trail."""

from __future__ import annotations

import html as html_module
import json
import logging
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.answering.flow import Bot
from bot.audit import AuditFile
from bot.explaining import explain, reading_grade
from bot.indexing.flow import ingest
from bot.indexing.generations import Generations
from bot.records import Question
from bot.review.comments import read_feedback
from bot.review.paging import leaf_of
from bot.review.shelf import IndexShelf
from bot.settings import Settings
from bot.web.catalogue import load_texts
from bot.withdrawals import audit_path
from tests.scripted_bot import NASTY, ScriptedBot
from tests.staff_site import Site, post, site_at

CANARY = "kanarienvogel-4813"
ENGRAFTMENT = "What is engraftment?"


@pytest.fixture(autouse=True)
def look_always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.withdrawals._LOOK_EVERY_SECONDS", 0.0)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return site_at(tmp_path_factory.mktemp("site"))


@pytest.fixture
def site(made: Site) -> Site:
    """One app for all, because Gradio takes seconds to mount; nothing has happened in it yet."""
    var = made.settings.paths.var
    for name in ("audit.jsonl", "feedback.jsonl"):
        (var / name).unlink(missing_ok=True)
    (var / "withdrawn.json").write_text('{"withdrawn": []}')  # one that is gone stops all answers
    return made


def words_of(html: str) -> str:
    """What a reader sees of it."""
    return html_module.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)))


# Asking.


def test_staff_see_the_answer_as_patients_do_and_then_why(site: Site) -> None:
    client = site.signed_in("viewer")
    html = post(client, "/staff", question="types & kinds").text
    plain = client.post("/plain", data={"question": "types & kinds"}).text
    answer = re.search(r'<div class="answer answer-answered".*?(?=\n</section>)', plain, re.DOTALL)
    assert answer
    assert answer[0] in html
    said = words_of(html)
    for step in explain(ScriptedBot().ask(Question(text="types & kinds"))):
        assert step.heading in said
        for line in step.lines:
            for part in (line.before, line.linked, line.after):
                assert re.sub(r"\s+", " ", part).strip() in said, part
    grade = reading_grade(ScriptedBot().ask(Question(text="types & kinds")))
    assert str(grade) in words_of(html[html.index('class="facts"') :])
    assert "reading grade" not in plain.casefold()


def test_each_sentence_and_passage_leads_to_its_place(site: Site) -> None:
    client = site.signed_in("viewer")
    html = post(client, "/staff", question="types").text
    why = html[html.index('class="why"') :]
    links = [html_module.unescape(a) for a in re.findall(r'href="(/sources/[^"]*)"', why)]
    answer = ScriptedBot().ask(Question(text="types"))
    assert answer.trace.retrieved
    places = {(h.chunk.span.start, h.chunk.span.end) for h in answer.trace.retrieved.hits}
    places |= {(c.quote.span.start, c.quote.span.end) for c in answer.trace.considered}
    assert {tuple(map(int, re.findall(r"(?:start|end)=(\d+)", a))) for a in links} == places
    assert client.get(links[0].partition("#")[0]).status_code == 200


@pytest.mark.parametrize(
    ("question", "status", "says"),
    [
        ("weather", 200, "Nearest question known not to be covered"),
        ("chest pain", 200, "level emergency"),
        ("end it", 200, "level crisis"),
        ("fever", 200, "level urgent"),
        ("dose", 200, "about the person's own case"),
        ("hello", 200, "It is a greeting"),
        ("", 422, "The question is empty"),
        ("crash", 500, "no answer came about"),
        ("no index", 503, "I cannot reach my guides"),
    ],
)
def test_every_outcome_is_explained(site: Site, question: str, status: int, says: str) -> None:
    response = post(site.signed_in("viewer"), "/staff", question=question)
    assert response.status_code == status
    assert says.casefold() in words_of(response.text).casefold()
    assert "secret" not in response.text


def test_hostile_texts_stay_texts(site: Site) -> None:
    html = post(site.signed_in("admin"), "/staff", question="nasty <script>x</script>").text
    assert "<script" not in html
    assert "<img" not in html
    assert "<iframe" not in html
    assert "javascript:" not in "".join(re.findall(r'href="[^"]*"', html))


def test_no_word_of_a_question_is_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """R29, for staff as for patients."""
    caplog.set_level(logging.DEBUG)
    site = site_at(tmp_path)
    client = site.signed_in("admin")
    for way in ("types", "weather", "chest", "crash", "no index", "nasty", "x" * 2500):
        response = post(client, "/staff", question=f"{way} {CANARY}")
        assert CANARY not in str(response.headers)
        for link in re.findall(r'(?:href|action)="([^"]*)"', response.text):
            assert CANARY not in link
    assert CANARY not in client.get("/staff").text
    printed = "".join(capfd.readouterr())
    assert CANARY not in caplog.text + printed
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert CANARY.encode() not in path.read_bytes(), path
    assert site.audit() == [], "asking is no line of the audit log"


def test_only_those_who_may_are_offered_to_withdraw(site: Site) -> None:
    for role, offered in (("viewer", False), ("reviewer", True)):
        client = site.signed_in(role)
        pages = [
            post(client, "/staff", question="types").text,
            client.get("/staff/documents/guides/types.md").text,
        ]
        for html in pages:
            assert ("/staff/withdraw?target=" in html) is offered


# Documents, and what the real bot makes of a withdrawal.


@pytest.fixture
def real(settings: Settings) -> Any:
    ingest(settings)
    bot = Bot.open(settings)
    yield site_at(settings.paths.var.parent, bot, paths=settings.paths)
    bot.close()


def cited(site: Site) -> set[str]:
    answer = site.bot.ask(Question(text=ENGRAFTMENT))
    return {c.passage_id for c in answer.citations} | {r.passage_id for r in answer.related}


def test_a_source_is_withdrawn_and_restored(real: Site) -> None:
    client = real.signed_in("reviewer")
    assert "engraftment.md" in {passage.partition(":")[0] for passage in cited(real)}
    ask = "/staff/withdraw?target=engraftment.md"
    confirm = client.get(ask)
    assert "Engraftment is when the new cells settle in the bone marrow." in confirm.text
    assert "Engraftment often takes 2 to 4 weeks." in confirm.text
    assert cited(real), "a link changes nothing"
    done = post(client, "/staff/withdraw", ask, target="engraftment.md", reason=" out of date ")
    assert done.status_code == 303
    page = client.get(done.headers["location"])
    assert "It is withdrawn now." in page.text
    assert "Withdrawn by reviewer" in page.text
    assert "engraftment.md" not in {passage.partition(":")[0] for passage in cited(real)}
    assert client.get("/sources/engraftment.md").status_code == 404
    listed = client.get("/staff/documents").text
    assert listed.count('<strong class="flag">Withdrawn</strong>') == 1
    again = client.get(ask)
    assert again.headers["location"] == "/staff/restore?target=engraftment.md"
    confirm = client.get("/staff/restore?target=engraftment.md")
    assert "out of date" in confirm.text
    assert "Engraftment is when the new cells" in confirm.text
    back = post(
        client,
        "/staff/restore",
        "/staff/restore?target=engraftment.md",
        target="engraftment.md",
        reason="checked",
    )
    assert back.headers["location"] == "/staff/documents/engraftment.md?done=restored"
    assert "engraftment.md" in {passage.partition(":")[0] for passage in cited(real)}
    lines = [(e["action"], e["target"], e["by"], e["reason"]) for e in real.audit()]
    assert lines == [
        ("withdraw", "engraftment.md", "reviewer", "out of date"),
        ("restore", "engraftment.md", "reviewer", "checked"),
    ]
    chain = AuditFile(audit_path(real.settings.paths.var)).check()
    assert (chain.chained, chain.fault) == (2, None)


def test_a_passage_is_withdrawn_from_the_trace_and_restored_from_its_document(real: Site) -> None:
    client = real.signed_in("reviewer")
    html = post(client, "/staff", question=ENGRAFTMENT).text
    link = html_module.unescape(re.findall(r'href="(/staff/withdraw[^"]*)"', html)[0])
    confirm = client.get(link)
    assert confirm.text.count('<blockquote class="passage-text"') == 1
    target = re.search(r'name="target" value="([^"]*)"', confirm.text)[1]  # type: ignore[index]
    assert target in cited(real)
    done = post(client, "/staff/withdraw", link, target=target, reason="wrong")
    assert target not in cited(real)
    page = client.get(done.headers["location"]).text
    restore = html_module.unescape(re.findall(r'href="(/staff/restore[^"]*)"', page)[0])
    assert "1 passage withdrawn" in client.get("/staff/documents").text
    post(client, "/staff/restore", restore, target=target, reason="right after all")
    assert target in cited(real)


@pytest.mark.parametrize(
    ("reason", "says"), [("", "Please write why"), ("   ", "Please write why"), ("x" * 501, "500")]
)
@pytest.mark.parametrize("what", ["withdraw", "restore"])
def test_nothing_changes_without_a_reason(site: Site, what: str, reason: str, says: str) -> None:
    client = site.signed_in("admin")
    if what == "restore":
        ask = "/staff/withdraw?target=guides/types.md"
        post(client, "/staff/withdraw", ask, target="guides/types.md", reason="x")
    page = f"/staff/{what}?target=guides/types.md"
    before = site.audit()
    response = post(client, f"/staff/{what}", page, target="guides/types.md", reason=reason)
    assert response.status_code == 422
    assert says in response.text
    assert 'aria-invalid="true"' in response.text
    assert site.audit() == before


@pytest.mark.parametrize(
    "target",
    [
        "",
        "none.md",
        "guides/types.md:0-0",
        "guides/types.md:5-99999",
        "guides/types.md:9-3",
        "../x",
        "<b>",
    ],
)
def test_what_is_not_there_cannot_be_withdrawn(site: Site, target: str) -> None:
    client = site.signed_in("admin")
    for page in ("withdraw", "restore"):
        response = client.get(f"/staff/{page}", params={"target": target})
        assert response.status_code == 404
        assert "<b>" not in response.text
    good = "/staff/withdraw?target=guides/types.md"
    assert post(client, "/staff/withdraw", good, target=target, reason="x").status_code == 404
    assert site.audit() == []


def test_who_comes_second_changes_nothing_more(site: Site) -> None:
    one, other = site.signed_in("reviewer"), site.signed_in("admin")
    page = "/staff/withdraw?target=guides/types.md"
    form = other.get(page)
    post(one, "/staff/withdraw", page, target="guides/types.md", reason="first")
    token = re.search(r'name="form" value="([^"]+)"', form.text)[1]  # type: ignore[index]
    data = {"form": token, "target": "guides/types.md", "reason": "second"}
    headers = {"sec-fetch-site": "same-origin"}
    assert other.post("/staff/withdraw", data=data, headers=headers).status_code == 303
    assert [e["reason"] for e in site.audit()] == ["first"]


def test_a_withdrawn_document_that_left_the_index_can_be_restored(real: Site) -> None:
    client = real.signed_in("reviewer")
    page = "/staff/withdraw?target=hair.md"
    post(client, "/staff/withdraw", page, target="hair.md", reason="old")
    (real.settings.paths.knowledge / "hair.md").unlink()
    ingest(real.settings)
    listed = client.get("/staff/documents").text
    assert "not in the index now" in listed
    page = "/staff/restore?target=hair.md"
    assert "does not hold this now" in client.get(page).text
    done = post(client, "/staff/restore", page, target="hair.md", reason="clean up")
    assert done.headers["location"] == "/staff/documents"
    assert "not in the index now" not in client.get("/staff/documents").text


@pytest.mark.parametrize(
    ("spoiled", "says", "holds"),
    [
        ("withdrawn.lock", "This could not be saved", False),
        ("audit.jsonl", "This is done and holds", True),
    ],
)
def test_a_withdrawal_that_cannot_be_written_says_what_holds(
    site: Site, spoiled: str, says: str, holds: bool
) -> None:
    client = site.signed_in("reviewer")
    (site.settings.paths.var / "withdrawn.lock").unlink(missing_ok=True)
    path = site.settings.paths.var / spoiled
    path.mkdir()
    try:
        page = "/staff/withdraw?target=guides/types.md"
        done = post(client, "/staff/withdraw", page, target="guides/types.md", reason="x")
        assert done.status_code == 503
        assert says in done.text
        listed = client.get("/staff/documents").text
        assert ('<strong class="flag">Withdrawn</strong>' in listed) is holds
        if holds:
            page = "/staff/restore?target=guides/types.md"
            done = post(client, "/staff/restore", page, target="guides/types.md", reason="x")
            assert done.status_code == 503
            assert says in done.text
            assert "Withdrawn</strong>" not in client.get("/staff/documents").text
    finally:
        path.rmdir()


def test_a_page_opens_the_index_once_so_it_never_shows_two(
    real: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = real.signed_in("reviewer")
    opened = []
    borrow = Generations.borrow_current

    def counted(self: Generations) -> Any:
        opened.append(1)
        return borrow(self)

    monkeypatch.setattr(Generations, "borrow_current", counted)
    page = "/staff/withdraw?target=hair.md"
    restore = "/staff/restore?target=hair.md"

    def times(work: Callable[[], Any]) -> int:
        opened.clear()
        assert work().status_code in (200, 303)
        return len(opened)

    for path in ("/staff/documents", "/staff/documents/hair.md", page):
        assert times(partial(client.get, path)) == 1
    # The form, and what is done with it.
    assert times(lambda: post(client, "/staff/withdraw", page, target="hair.md", reason="x")) == 2
    assert times(lambda: client.get(restore)) == 1
    assert times(lambda: post(client, "/staff/restore", restore, target="hair.md", reason="x")) == 2


def test_the_list_tells_of_every_document(site: Site) -> None:
    html = site.signed_in("viewer").get("/staff/documents").text
    said = words_of(html)
    for info in ScriptedBot().sources():
        assert re.sub(r"\s+", " ", info.title) in said
        assert (info.publisher or "Not known") in said
    assert '<strong class="flag">Overdue</strong>' not in html


def test_overdue_documents_are_marked(settings: Settings) -> None:
    path = settings.paths.knowledge / "hair.md"
    path.write_text(path.read_text("utf-8").replace("2099-01-01", "2026-01-02"), "utf-8")
    ingest(settings)
    site = site_at(settings.paths.var.parent, ScriptedBot(), paths=settings.paths)
    client = site.signed_in("viewer")
    listed = client.get("/staff/documents").text
    assert listed.count('<strong class="flag">Overdue</strong>') == 1
    assert "2 documents. Overdue: 1. Withdrawn: 0." in listed
    assert "Overdue" in client.get("/staff/documents/hair.md").text
    with IndexShelf(settings).open() as books:
        assert books.counts() == {"engraftment.md": 2, "hair.md": 1}


def test_without_an_index_the_pages_say_so(tmp_path: Path) -> None:
    site = site_at(tmp_path, ScriptedBot(index=False))
    client = site.signed_in("admin")
    for path in ("documents", "documents/x.md", "withdraw?target=x.md"):
        response = client.get(f"/staff/{path}")
        assert response.status_code == 503
        assert "can not be read right now" in response.text


# Gaps, feedback, audit.


def test_known_gaps_are_listed_with_what_the_reader_is_told(site: Site) -> None:
    client = site.signed_in("viewer")
    assert "holds no list of gaps" in client.get("/staff/gaps").text
    folder = site.settings.paths.knowledge
    folder.mkdir(parents=True)
    text = (
        '[[gap]]\ngroup = "car-t-therapy"\ninstead = "Ask <your> team."\nquestions = ["a", "b"]\n'
    )
    (folder / "not-covered.toml").write_text(text, "utf-8")
    said = words_of(client.get("/staff/gaps").text)
    for words in (
        "car t therapy",
        "Ask <your> team.",
        "Groups: 1. Questions in them: 2.",
        "(questions: 2)",
    ):
        assert words in said
    (folder / "not-covered.toml").write_text("broken", "utf-8")
    assert client.get("/staff/gaps").status_code == 503


def send_feedback(site: Site, verdict: str, comment: str = "", *, share: bool = False) -> None:
    form = {
        "verdict": verdict,
        "outcome": "answered",
        "source": "guides/types.md",
        "question": f"my question {comment}",
        "answer": "the answer",
        "comment": comment,
        **({"share": "yes"} if share else {}),
    }
    assert site.visitor().post("/feedback", data=form).status_code == 200


def test_feedback_is_counted_and_only_shared_words_are_shown(site: Site) -> None:
    client = site.signed_in("viewer")
    assert "no feedback yet" in client.get("/staff/feedback").text
    send_feedback(site, "helped", "kept to myself")
    send_feedback(site, "looks_wrong", f"for you {NASTY}", share=True)
    send_feedback(site, "looks_wrong")
    numbers = client.get("/staff/feedback").text
    assert "for you" not in numbers
    assert site.audit() == []
    row = re.search(r"<tr role=\"row\">\n<th.*?</tr>", numbers, re.DOTALL)
    assert row
    cells = re.findall(r'data-name="([^"]*)">(\d+)</td>', row[0])
    assert cells == [
        ("It helped", "1"),
        ("It did not help", "0"),
        ("Hard to understand", "0"),
        ("Looks wrong", "2"),
        ("All", "3"),
    ]
    assert "1 reader agreed" in numbers
    shared = client.get("/staff/feedback/shared").text
    assert f"for you {NASTY}" in html_module.unescape(shared)
    assert "<script" not in shared
    assert "<img" not in shared
    assert "kept to myself" not in shared
    lines = site.audit()
    assert [(e["action"], e["by"], e["target"]) for e in lines] == [
        ("read shared feedback", "viewer", "page 1")
    ]
    assert "for you" not in json.dumps(lines)


def test_what_cannot_be_noted_is_not_read(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    send_feedback(site, "looks_wrong", "for you", share=True)

    def full(self: AuditFile, line: dict[str, str]) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(AuditFile, "add", full)
    response = site.signed_in("viewer").get("/staff/feedback/shared")
    assert response.status_code == 503
    assert "for you" not in response.text


def test_broken_lines_of_feedback_are_counted_not_hidden(tmp_path: Path) -> None:
    path = tmp_path / "feedback.jsonl"
    assert read_feedback(path).total.all == 0
    good = {"at": "2026-11-28T10:00Z", "verdict": "helped", "outcome": "answered", "sources": []}
    path.write_text(json.dumps(good) + '\n{"at": 1}\nbroken\n', "utf-8")
    found = read_feedback(path)
    assert (found.total.all, found.unread) == (1, 2)


def test_the_audit_trail_is_newest_first_in_pages_and_says_if_it_holds(site: Site) -> None:
    client = site.signed_in("admin")
    assert "Nothing has been done yet." in client.get("/staff/audit").text
    log = AuditFile(audit_path(site.settings.paths.var))
    for number in range(120):
        line = {"at": "2026-11-28T10:00:00Z", "by": "Ann", "action": "withdraw", "target": "a.md"}
        log.add({**line, "reason": f"<b>reason {number}</b>"})
    first = client.get("/staff/audit").text
    assert re.findall(r"reason (\d+)", first) == [str(n) for n in range(119, 69, -1)]
    assert "<b>" not in first
    assert "120 lines." in first
    assert "2026-11-28 10:00 UTC" in first
    last = client.get("/staff/audit?page=3").text
    assert re.findall(r"reason (\d+)", last) == [str(n) for n in range(19, -1, -1)]
    assert client.get("/staff/audit?page=99").text.count("<tr") == last.count("<tr")
    log.path.write_bytes(log.path.read_bytes().replace(b"reason 7<", b"reason 8<"))
    assert "line 9 does not follow" in client.get("/staff/audit").text


@pytest.mark.parametrize("number", [None, "", "0", "-1", "x", "²", "9" * 30])
def test_any_page_number_gives_a_page(number: str | None) -> None:
    leaf = leaf_of(list(range(120)), number)
    assert leaf.pages == 3
    assert leaf.number in (1, 3)
    assert leaf.items


def test_pages_speak_spanish_and_keep_it(site: Site) -> None:
    client = site.signed_in("admin")
    html = client.get("/staff/documents?lang=es").text
    assert '<html lang="es"' in html
    texts = load_texts("es").staff
    assert texts.documents.title in html
    assert 'href="/staff/audit?lang=es"' in html
    assert 'href="/staff/documents/guides/types.md?lang=es"' in html
    asked = post(client, "/staff?lang=es", question="types")
    assert texts.ask.english in asked.text
    assert 'lang="en"' in asked.text
    other = re.search(r'<a class="language" href="([^"]*)"', asked.text)
    assert other
    assert other[1] == "/staff?lang=en"
    confirm = client.get("/staff/withdraw?target=guides/types.md&lang=es").text
    other = re.search(r'<a class="language" href="([^"]*)"', confirm)
    assert other
    assert "target=guides" in other[1]
