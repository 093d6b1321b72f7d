"""On paper: what the browser's own print to PDF holds, read back from the file."""

from __future__ import annotations

from io import BytesIO

import pytest
from playwright.sync_api import Page
from pypdf import PdfReader

from tests.browser.conftest import ask
from tests.browser.scenes import SCENES, Walk

BASIS = "Based on: NHS: Stem cell and bone marrow transplants"
ANSWER = (
    "An autologous transplant uses the patient's own stem cells.",
    "An allogeneic transplant uses stem cells from another person.",
    "Types of transplant: What are the two main types of transplant?",
    "Last checked 22 November 2026.",
    BASIS,
    "+1 (555) 010-0199",
    "555-010-0200",
    "Automated information tool, not a person, not medical advice.",
)


def paper(page: Page) -> tuple[str, int]:
    """The words on paper, with plain spaces and hyphens, and the number of sheets."""
    pages = PdfReader(BytesIO(page.pdf(format="A4", print_background=False))).pages
    text = " ".join(sheet.extract_text() for sheet in pages)
    for fancy, plain in (("\u2011", "-"), ("\u00a0", " "), ("\u2019", "'")):
        text = text.replace(fancy, plain)
    return " ".join(text.split()), len(pages)


@pytest.mark.parametrize("name", ["chat-answered", "chat-sheet", "plain-answered", "plain-sheet"])
def test_answer_on_paper_has_sources_and_contact(page: Page, scripted: str, name: str) -> None:
    (scene,) = [scene for scene in SCENES if scene.name == name]
    Walk(page, {"scripted": scripted}).to(scene)
    text, sheets = paper(page)
    missing = [words for words in ANSWER if words not in text]
    assert missing == []
    assert sheets <= 2
    for button in ("Send feedback", "Looks wrong", "Add to my questions", "Clear now", "Text size"):
        assert button not in text


def test_one_answer_of_a_long_talk(page: Page, scripted: str) -> None:
    page.goto(f"{scripted}/chat/")
    page.evaluate("window.print = () => {}")
    ask(page, "types")
    ask(page, "how common")
    page.get_by_role("button", name="Print or save as PDF").last.click()
    text, _ = paper(page)
    assert "Institute A says 30 in 100 people." in text
    assert "https://a.example/page" in text.replace(" ", ""), (
        "a public page can be typed in from paper"
    )
    assert "how common" in text
    assert "autologous" not in text


@pytest.mark.parametrize(("question", "said"), [("chest", "Call 911"), ("end it", "Call 988")])
def test_alarm_on_paper(page: Page, scripted: str, question: str, said: str) -> None:
    page.goto(f"{scripted}/chat/")
    ask(page, question)
    text, sheets = paper(page)
    assert said in text
    assert "+1 (555) 010-0199" in text
    assert sheets == 1


def test_guide_on_paper(page: Page, scripted: str) -> None:
    page.goto(f"{scripted}/sources/guides/types.md?start=125&end=186#quote")
    text, _ = paper(page)
    assert "An allogeneic transplant uses stem cells from another person." in text
    assert "Public pages this text is based on" in text
    assert "https://www.nhs.uk/conditions/stem-cell-transplant/" in text.replace(" ", "")
    assert "+1 (555) 010-0199" in text
