"""Ten leaflets as clinics have them, from the file to the quote that a patient sees."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.answering.flow import Bot
from bot.errors import WrongEncoding
from bot.indexing.flow import ingest
from bot.indexing.lexical import PassageStore
from bot.indexing.loading import load
from bot.indexing.places import generations
from bot.records import Question
from bot.settings import Paths, Settings
from tests import making_leaflets

ASKED: list[tuple[str, str, str, int | None]] = [
    (
        "How often should I rinse my mouth?",
        "mouth.pdf",
        "Rinse with salt water four times a day, also after each meal and before you sleep.",
        1,
    ),
    (
        "Whom do I call if my mouth bleeds?",
        "mouth.pdf",
        "Tell your nurse at once if you cannot drink, if your mouth bleeds, or if pain keeps you "
        "awake.",
        3,
    ),
    (
        "Which eggs are safe to eat?",
        "food.pdf",
        "Food: Eggs; Safe to eat: Eggs that are cooked until both yolk and white are firm; Better "
        "to leave out: Runny eggs, raw cake mix.",
        1,
    ),
    (
        "What clothes should I pack for hospital?",
        "packing.docx",
        "Loose tops that open at the front",
        None,
    ),
    (
        "What are the visiting hours at the weekend?",
        "packing.docx",
        "Day: Weekend; Hours: 10 am to 8 pm; Visitors at once: Three.",
        None,
    ),
    (
        "Can I have a shower with a central line?",
        "line.docx",
        "Yes, with a waterproof cover over the dressing.",
        None,
    ),
    ("What helps me to sleep at night?", "sleep.html", "Drink no coffee after noon.", None),
    (
        "How much should I walk in week 3?",
        "exercise.html",
        "Week: 3 and 4; Walk a day: 10 minutes, twice; Rest: After each walk.",
        None,
    ),
    (
        "When can I go back to work?",
        "work.html",
        "It’s fine to start with half days — ask your employer.",
        None,
    ),
    (
        "May I bring photos into isolation?",
        "isolation.txt",
        "It’s fine to bring photos and “clean” toys – nothing with soil.",
        None,
    ),
    ("When can I fly?", "travel.md", "Ask your team before you book a flight.", None),
    (
        "Can I keep my cat?",
        "pets.txt",
        "Someone else must clean the litter box for six months.",
        None,
    ),
]


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The leaflets, indexed; what the first run complains of is mended as its hints say."""
    folder = tmp_path_factory.mktemp("leaflets")
    for name, data in making_leaflets.leaflets():
        (folder / name).write_bytes(data)
    settings = Settings(paths=Paths(knowledge=folder, var=folder.parent / "var"))
    failed = {f.source_id: f"{f.error} {f.hint}" for f in ingest(settings).failed}
    assert set(failed) == {"isolation.txt", "travel.md"}
    assert "Windows-1252 (ANSI). Save it again with the encoding UTF-8" in failed["isolation.txt"]
    assert "travel.md.meta.yaml" in failed["travel.md"]
    text = (folder / "isolation.txt").read_text("cp1252")
    (folder / "isolation.txt").write_text(text, "utf-8")
    (folder / "travel.md.meta.yaml").write_text("title: Travel after a transplant\n", "utf-8")
    report = ingest(settings)
    assert not report.failed
    assert report.count("added") == 2
    return settings


@pytest.fixture(scope="module")
def bot(shelf: Settings) -> Iterator[Bot]:
    opened = Bot.open(shelf)
    yield opened
    opened.close()


@pytest.mark.parametrize(("question", "source", "words", "page"), ASKED)
def test_the_quote_is_whole_exact_and_on_its_page(
    bot: Bot, question: str, source: str, words: str, page: int | None
) -> None:
    answer = bot.ask(Question(text=question))
    assert answer.outcome == "answered"
    quoted = [c for c in answer.citations if c.quote == words]
    assert quoted, [c.quote for c in answer.citations]
    assert quoted[0].source.source_id == source
    assert quoted[0].page == page
    for citation in answer.citations:
        text = bot.document(citation.source.source_id).text
        assert citation.quote == citation.span.of(text)


def test_show_prints_the_span_byte_for_byte(shelf: Settings, bot: Bot) -> None:
    (citation, *_) = bot.ask(Question(text="When can I go back to work?")).citations
    target = f"{citation.source.source_id}:{citation.span.start}-{citation.span.end}"
    done = subprocess.run(
        [sys.executable, "-m", "bot", "show", target],
        env={"BOT_PATHS__VAR": str(shelf.paths.var), "PATH": ""},
        cwd=Path(__file__).resolve().parent.parent,
        capture_output=True,
        check=True,
    )
    assert done.stdout == citation.quote.encode("utf-8")


def test_nothing_around_the_text_is_left_in_it(shelf: Settings) -> None:
    store = PassageStore.open(generations(shelf).current().passages)
    texts = {name: store.document(name).text for name in store.file_hashes()}
    store.close()
    for words in ("Example Hospital", "Patient information", "PI-2291", "Page ", "-\n", "\u00ad"):
        assert words not in texts["mouth.pdf"]
    for words in ("cookies", "Home", "Skip", "Share", "newsletter", "Copyright", "evil", "Related"):
        assert words not in texts["sleep.html"]
    assert "&" in texts["work.html"]
    assert "soft\u00adware" not in texts["work.html"]


def test_every_sentence_of_a_long_leaflet_in_columns_is_there_once_and_whole() -> None:
    text = load("mouth.pdf", making_leaflets.mouth_care(90)).text
    flat = " ".join(text.split())
    for n in range(90):
        assert flat.count(f"Food {n} is soft ") == 1
        assert flat.count(f" on day {n}.") == 1
        between = flat[flat.index(f"Food {n} is soft") : flat.index(f" on day {n}.")]
        assert between.count(".") == 1, between


def test_small_print_of_a_single_page_never_parts_a_sentence() -> None:
    """One page gives no proof that a line is a running one, so it is kept, but out of the way."""
    text = load("mouth.pdf", making_leaflets.mouth_care(30)).text
    flat = " ".join(text.split())
    for n in range(30):
        between = flat[flat.index(f"Food {n} is soft") : flat.index(f" on day {n}.")]
        assert between.count(".") == 1, between
    assert text.startswith("St Example Hospital Trust\n\nPatient information\n\nWhy mouth care")
    assert "Page 1" not in text
    assert "PI-2291" not in text, "it stands on the line of the page number"


def test_an_encoding_is_never_guessed() -> None:
    (ansi,) = [data for name, data in making_leaflets.leaflets() if name == "isolation.txt"]
    with pytest.raises(WrongEncoding):
        load("isolation.txt", ansi)
