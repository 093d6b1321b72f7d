"""R18: what was withdrawn stays withdrawn when its document is edited, and nothing else does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.answering.flow import Bot
from bot.errors import StoreError, UnknownSource
from bot.indexing.archive import export_index
from bot.indexing.flow import ingest
from bot.indexing.importing import import_index
from bot.indexing.lexical import PassageStore
from bot.indexing.places import generations, withdrawals_of
from bot.indexing.reports import IngestReport
from bot.records import Question, Span
from bot.settings import ROOT, Paths, Settings, Store
from bot.standing import Withheld, held, told, withheld_of
from bot.withdrawals import Withdrawal, Withdrawals, Words, dump_list, load_list
from tests.builders import a_document
from tests.chroma_server import ChromaServer
from tests.staff_site import Site, post, site_at

QUESTION = Question(text="What is engraftment?")
WORDS = "Engraftment is when the new cells settle in the bone marrow."
GUIDE = "engraftment.md"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, embedder: Any) -> None:
    """No waiting, and the model loaded once."""
    for place in ("bot.indexing.flow", "bot.indexing.importing", "bot.answering.flow"):
        monkeypatch.setattr(f"{place}.make_embedder", lambda settings: embedder)
    for place, seconds in (
        ("withdrawals", 0),
        ("answering.opened", 0),
        ("indexing.server.board", 0.1),
    ):
        monkeypatch.setattr(f"bot.{place}._LOOK_EVERY_SECONDS", seconds)


def text_of(settings: Settings, source_id: str = GUIDE) -> str:
    store = PassageStore.open(generations(settings).current().passages)
    try:
        return store.document(source_id).text
    finally:
        store.close()


def place_of(text: str, words: str = WORDS) -> Span:
    start = text.index(words)
    return Span(start=start, end=start + len(words))


def withdraw(settings: Settings, words: str = WORDS, *, kept: bool = True) -> Withdrawal:
    """As the command and the staff pages do; without the words as it was before."""
    span = place_of(text_of(settings), words)
    return withdrawals_of(settings).withdraw(
        GUIDE, span, reason="wrong", by="Ann", words=Words.of(words) if kept else None
    )


def edited(settings: Settings, old: str, new: str) -> None:
    path = settings.paths.knowledge / GUIDE
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def add_above(settings: Settings) -> None:
    edited(settings, "## What is", "## Why does it matter?\n\nBlood is made anew.\n\n## What is")


def quoted(bot: Bot) -> str:
    answer = bot.ask(QUESTION)
    return " ".join((*(s.text for s in answer.statements), *(c.quote for c in answer.citations)))


def listed(bot: Bot) -> set[str]:
    return {info.source_id for info in bot.sources()}


# In one text.


def an_item(text: str, words: str, *, kept: bool = True) -> Withdrawal:
    span = place_of(text, words)
    return Withdrawal(
        source_id="a.md",
        start=span.start,
        end=span.end,
        words=Words.of(words) if kept else None,
        reason="r",
        by="b",
        at="t",
    )


TEXT = "One. Two is wrong. Three. Four."


@pytest.mark.parametrize(
    ("text", "state", "left"),
    [
        (TEXT, "there", "Two is wrong."),
        ("Zero. " + TEXT, "moved", "Two is wrong."),
        ("Two is wrong. Ünd 😀 so. Two is wrong.", "moved", "Two is wrong.Two is wrong."),
        ("One. Two is right. Three. Four.", "lost", ""),
        ("One.", "lost", ""),
        ("", "lost", ""),
    ],
)
def test_the_very_words_are_found_wherever_they_stand(text: str, state: str, left: str) -> None:
    now = held(an_item(TEXT, "Two is wrong."), text)
    assert now.state == state
    assert "".join(span.of(text) for span in now.spans) == left
    withheld = Withheld([an_item(TEXT, "Two is wrong.")], {"a.md": text}.get)
    assert withheld.source("a.md") == (state == "lost")


def test_a_record_without_words_stays_at_its_place() -> None:
    item = an_item(TEXT, "Two is wrong.", kept=False)
    for text in (TEXT, "Zero. " + TEXT, ""):
        assert held(item, text).spans == (item.span,)
    assert not Withheld([item], {"a.md": ""}.get).source("a.md")


def test_a_long_text_takes_no_time_worth_speaking_of() -> None:
    words = "This sentence of forty letters is wrong. " * 40
    text = "Another sentence that is much the same. " * 50_000
    item = an_item(words, words)
    started = time.monotonic()
    now = held(item, text + words)
    assert time.monotonic() - started < 5
    assert [span.start for span in now.spans] == [len(text)]


def test_what_is_withheld_of_one_document() -> None:
    document = a_document("## A\n\nOne. Two is wrong. Three.")
    item = an_item(document.text, "Two is wrong.")
    assert withheld_of(document, [item]) == (item.span,)
    assert withheld_of(document, [item.model_copy(update={"source_id": "b.md"})]) == ()
    lost = replace(document, text=document.text.replace("wrong", "right"))
    assert withheld_of(lost, [item]) == (Span(start=0, end=len(lost.text)),)


@pytest.mark.parametrize(
    "change",
    [
        {"words": {"sha256": "x" * 64, "code_sum": 1}},
        {"words": {"sha256": "a" * 64}},
        {"words": {"sha256": "a" * 64, "code_sum": -1}},
        {"words": {"sha256": "a" * 64, "code_sum": 1, "text": "no"}},
        {"start": None},
        {"start": None, "end": None, "words": {"sha256": "a" * 64, "code_sum": 1}},
        {"start": 9, "end": 3},
        {"start": "5"},
        {"more": 1},
    ],
)
def test_the_list_is_read_strictly(change: dict[str, Any]) -> None:
    old = {"source_id": "a.md", "start": 5, "end": 9, "reason": "r", "by": "b", "at": "t"}
    assert load_list(json.dumps({"withdrawn": [old]}), "here")[0].words is None
    with pytest.raises(StoreError, match="here cannot be read"):
        load_list(json.dumps({"withdrawn": [old | change]}), "here")


def test_no_words_lie_in_the_list_and_whole_documents_are_kept_as_before() -> None:
    text = dump_list([an_item(TEXT, "Two is wrong.")])
    assert "wrong" not in text
    assert load_list(text, "here") == (an_item(TEXT, "Two is wrong."),)
    whole = Withdrawal(source_id="a.md", reason="r", by="b", at="t")
    assert json.loads(dump_list([whole])) == {
        "withdrawn": [{"source_id": "a.md", "reason": "r", "by": "b", "at": "t"}]
    }, "a version that knows no words reads it"


def test_the_same_place_of_two_texts_is_withdrawn_twice_and_put_back_by_name(
    tmp_path: Path,
) -> None:
    withdrawals = Withdrawals(tmp_path)
    span = Span(start=5, end=9)
    for words in ("Two.", "Six.", "Two."):
        withdrawals.withdraw("a.md", span, reason="x", by="y", words=Words.of(words))
    assert len(withdrawals.items()) == 2
    with pytest.raises(UnknownSource, match="2 versions") as refused:
        withdrawals.restore("a.md:5-9", reason="x", by="y")
    name = f"a.md:5-9#{Words.of('Six.').sha256[:12]}"
    assert name in refused.value.hint
    assert withdrawals.restore(name, reason="x", by="y")
    assert [w.words for w in withdrawals.items()] == [Words.of("Two.")]
    assert withdrawals.restore("a.md:5-9", reason="x", by="y")
    assert withdrawals.items() == ()


def test_withdrawing_again_gives_an_old_record_its_words(tmp_path: Path) -> None:
    withdrawals = Withdrawals(tmp_path)
    span = Span(start=5, end=9)
    withdrawals.withdraw("a.md", span, reason="x", by="y")
    withdrawals.withdraw("a.md", span, reason="x", by="y", words=Words.of("Two."))
    assert [w.words for w in withdrawals.items()] == [Words.of("Two.")]


# Through an ingest, in what serves.


@pytest.fixture(params=["folder", "server"])
def anywhere(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path) -> Any:
    """Settings with the index in a folder, and on a Chroma server."""
    if request.param == "folder":
        yield settings
        return
    server = ChromaServer(tmp_path / "chroma")
    server.start()
    try:
        yield settings.model_copy(update={"store": Store(chroma_url=server.url, chroma_seconds=20)})
    finally:
        server.stop()


def until(check: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not check():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def serves(bot: Bot, report: IngestReport) -> bool:
    return bot.ask(QUESTION).versions.index == report.generation


def test_withdrawn_words_stay_away_when_their_document_is_edited(anywhere: Settings) -> None:
    settings = anywhere
    ingest(settings)
    bot = Bot.open(settings)
    assert WORDS in quoted(bot)
    withdraw(settings)
    until(lambda: WORDS not in quoted(bot))

    add_above(settings)
    moved = ingest(settings)
    until(lambda: serves(bot, moved))
    assert WORDS not in quoted(bot), "they were moved down"
    assert GUIDE in listed(bot)
    found = {hit.chunk.text for hit in bot.retrieve("Why does engraftment matter?").hits}
    assert "Blood is made anew." in found, "an innocent stretch"
    assert not [text for text in found if WORDS in text]

    edited(settings, "settle in the bone marrow", "settle in bone marrow")
    lost = ingest(settings)
    until(lambda: serves(bot, lost))
    assert GUIDE not in listed(bot), "nobody knows what became of them"
    assert "settle" not in quoted(bot)
    with pytest.raises(UnknownSource, match="withdrawn"):
        bot.document(GUIDE)
    assert "hair.md" in listed(bot)
    name = withdrawals_of(settings).items()[0].target
    assert withdrawals_of(settings).restore(name, reason="read again", by="Ann")
    until(lambda: GUIDE in listed(bot))
    bot.close()


def test_an_old_record_works_as_it_did(settings: Settings) -> None:
    ingest(settings)
    withdraw(settings, kept=False)
    bot = Bot.open(settings)
    assert WORDS not in quoted(bot)
    add_above(settings)
    report = ingest(settings)
    (warning,) = warnings(report)
    assert "by its place alone" in warning
    assert GUIDE in listed(bot)
    bot.close()


def test_an_index_is_asked_for_its_texts_once_a_list(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest(settings)
    withdraw(settings)
    bot = Bot.open(settings)
    made = []
    real = Withheld.__init__

    def counted(self: Withheld, *args: Any) -> None:
        made.append(1)
        real(self, *args)

    monkeypatch.setattr(Withheld, "__init__", counted)
    for _ in range(3):
        bot.ask(QUESTION)
    assert len(made) == 1
    withdrawals_of(settings).withdraw("hair.md", None, reason="x", by="y")
    bot.ask(QUESTION)
    assert len(made) == 2
    bot.close()


def warnings(report: IngestReport) -> tuple[str, ...]:
    return next(f.warnings for f in report.files if f.source_id == GUIDE)


def test_ingest_and_doctor_say_what_became_of_withdrawn_words(settings: Settings) -> None:
    from bot.doctor import _files

    ingest(settings)
    item = withdraw(settings)
    assert f"withdrawn: {item.target}" in _files(settings).detail.split("; ")
    add_above(settings)
    assert "are withheld there" in warnings(ingest(settings, dry_run=True))[0]
    (warning,) = warnings(ingest(settings))
    now = place_of(text_of(settings))
    assert f"its words stand at {now.start}-{now.end} now" in warning
    assert f"{now.start}-{now.end} now" in _files(settings).detail
    edited(settings, "settle in the", "rest in the")
    (warning,) = warnings(ingest(settings))
    assert f"all of {GUIDE} is withheld" in warning
    assert f'python -m bot restore "{item.target}"' in warning
    assert f"all of {GUIDE} is withheld" in _files(settings).detail
    (line,) = told(withdrawals_of(settings).items(), lambda _: None)
    assert line == item.target


def test_the_commands_keep_the_words_and_say_what_became_of_them(settings: Settings) -> None:
    ingest(settings)
    span = place_of(text_of(settings))
    target = f"{GUIDE}:{span.start}-{span.end}"

    def run(*args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "bot", *args],
            cwd=ROOT,
            env={
                **os.environ,
                "BOT_PATHS__VAR": str(settings.paths.var),
                "BOT_PATHS__KNOWLEDGE": str(settings.paths.knowledge),
                "COLUMNS": "400",
            },
            capture_output=True,
            text=True,
            check=False,
        )

    done = run("withdraw", target, "--reason", "wrong", "--by", "Ann")
    assert done.returncode == 0, done.stderr
    assert withdrawals_of(settings).items()[0].words == Words.of(WORDS)
    edited(settings, "settle in the", "rest in the")
    done = run("ingest")
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.replace("│", " ").split())
    assert "is withheld" in said
    assert "bot restore" in said


def test_the_words_go_with_an_export(settings: Settings, tmp_path: Path) -> None:
    ingest(settings)
    item = withdraw(settings)
    export_index(settings, tmp_path / "one.tar.gz")
    # The other machine has an index of its own, with another passage withdrawn at the same place.
    other = settings.model_copy(
        update={"paths": Paths(knowledge=tmp_path / "none", var=tmp_path / "other")}
    )
    assert item.span
    there = withdrawals_of(other)
    there.withdraw(GUIDE, item.span, reason="x", by="y", words=Words.of("Other words."))
    import_index(other, tmp_path / "one.tar.gz")
    assert {w.words for w in withdrawals_of(other).items()} == {
        Words.of(WORDS),
        Words.of("Other words."),
    }
    bot = Bot.open(other)
    assert GUIDE not in listed(bot), "the other words are nowhere"
    bot.close()
    import_index(other, tmp_path / "one.tar.gz")
    assert len(withdrawals_of(other).items()) == 2


def test_a_page_of_the_reader_leaves_moved_words_out(settings: Settings) -> None:
    ingest(settings)
    bot = Bot.open(settings)
    site = site_at(settings.paths.var.parent, bot, paths=settings.paths)
    client = site.visitor()
    withdraw(settings)
    add_above(settings)
    ingest(settings)
    page = client.get(f"/sources/{GUIDE}").text
    assert "new cells settle" not in page
    assert "Blood is made anew." in page
    assert "new cells settle" not in client.get("/library").text
    bot.close()


# On the staff pages.


@pytest.fixture
def real(settings: Settings) -> Any:
    ingest(settings)
    bot = Bot.open(settings)
    yield site_at(settings.paths.var.parent, bot, paths=settings.paths)
    bot.close()


def test_staff_see_where_withdrawn_words_stand_now_and_what_is_withheld(real: Site) -> None:
    client = real.signed_in("reviewer")
    span = place_of(text_of(real.settings))
    target = f"{GUIDE}:{span.start}-{span.end}"
    ask = f"/staff/withdraw?target={target}"
    assert post(client, "/staff/withdraw", ask, target=target, reason="x").status_code == 303
    assert withdrawals_of(real.settings).items()[0].words == Words.of(WORDS)

    add_above(real.settings)
    ingest(real.settings)
    page = client.get(f"/staff/documents/{GUIDE}").text
    section = page[page.index("What is engraftment?") :]
    assert "the words stand here now" in section
    assert "the words stand here now" not in page[: page.index("What is engraftment?")]
    restore = f"/staff/restore?target={target}"
    assert WORDS in client.get(restore).text
    assert "Blood is made anew" not in client.get(restore).text

    edited(real.settings, "settle in the", "rest in the")
    ingest(real.settings)
    page = client.get(f"/staff/documents/{GUIDE}").text
    assert "all of it is left out" in page
    assert "Withheld: withdrawn words have changed" in client.get("/staff/documents").text
    assert client.get(f"/sources/{GUIDE}").status_code == 404
    assert "Times differ." in client.get(restore).text, "all of it comes back"
    assert post(client, "/staff/restore", restore, target=target, reason="ok").status_code == 303
    assert client.get(f"/sources/{GUIDE}").status_code == 200


def test_the_place_of_a_moved_passage_can_be_withdrawn_too(real: Site) -> None:
    client = real.signed_in("reviewer")
    span = place_of(text_of(real.settings))
    target = f"{GUIDE}:{span.start}-{span.end}"
    ask = f"/staff/withdraw?target={target}"
    post(client, "/staff/withdraw", ask, target=target, reason="one")
    add_above(real.settings)
    ingest(real.settings)
    assert client.get(ask).status_code == 200, "other words stand there now"
    post(client, "/staff/withdraw", ask, target=target, reason="two")
    assert len(withdrawals_of(real.settings).items()) == 2
    assert WORDS not in quoted(real.bot)
    page = client.get(f"/staff/documents/{GUIDE}").text
    for item in withdrawals_of(real.settings).items():
        assert item.words
        name = f"{target}#{item.words.sha256[:12]}"
        link = f"/staff/restore?target={name.replace(':', '%3A').replace('#', '%23')}"
        assert link in page
        assert client.get(link).status_code == 200
