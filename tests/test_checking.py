"""The writing rules of guides: ours hold them all, and each broken rule is named with its line."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bot.indexing.checking import check_path
from bot.indexing.linking import link_folder
from bot.messages import load_messages
from bot.settings import ROOT
from bot.text import flesch_kincaid

TODAY = date(2026, 11, 22)
ASKED = "\n".join(
    f"- way number {n} of asking {{0}}" for n in "one two three four five six seven eight".split()
)
FRONT = """---
title: Counts
publisher: Us
published: 2026-11-01
review_by: 2027-11-01
licence: CC BY 4.0
topic: Recovery
sources:
  - key: nhs
    publisher: NHS
    title: Tests
    url: https://www.nhs.uk/tests
    seen: 2026-11-01
---
"""
GOOD = (
    f"## What is a count?\n<!-- asked\n{ASKED.format('a')}\n-->\n\n"
    "A count shows your cells.[^nhs] A nurse takes some blood.[^nhs] It is done each day.[^nhs] "
    "Ask your team.[^-]\n"
)


def problems(folder: Path, **files: str) -> list[str]:
    for name, body in files.items():
        (folder / f"{name}.md").write_text(body, "utf-8")
    return list(check_path(folder, today=TODAY).problems)


def test_our_guides_hold_every_rule() -> None:
    report = check_path(ROOT / "knowledge")
    assert report.problems == ()
    assert len(report.guides) >= 30
    assert sum(g.factual for g in report.guides) > 2000


def test_a_good_guide_has_no_problem(tmp_path: Path) -> None:
    assert problems(tmp_path, a=FRONT + GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("A nurse takes some blood.[^nhs]", "A nurse takes some blood.", "no reference"),
        ("takes some blood", "takes 50 mg of it", "dose"),
        ("It is done each day.", "A sore mouth is normal here.", "forbidden words"),
        ("It is done each day.", "You can wait and see at home.", "forbidden words"),
        ("Ask your team.", "Ask your team 3 times.", "[^-] on a sentence with a number"),
        ("- way number one of asking a\n", "", "7 ways of asking"),
        ("[^nhs]", "[^-]", "unused source nhs"),
        (
            "A nurse takes some blood.",
            "Haematopoietic reconstitution necessitates comprehensive immunological surveillance "
            "and prophylactic antimicrobial administration.",
            "reading grade",
        ),
        ("A nurse takes some blood.", "A nurse " + "very " * 25 + "kindly helps.", "words in a"),
    ],
)
def test_each_broken_rule_is_named_with_its_line(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    body = FRONT + GOOD.replace(old, new)
    assert body != FRONT + GOOD
    found = problems(tmp_path, a=body)
    assert any(says in p for p in found), found
    assert all(p.startswith("a.md:") and p.split(":")[1].isdigit() for p in found)


def test_a_heading_that_is_kept_back_must_be_there(tmp_path: Path) -> None:
    front = FRONT.replace("sources:", "only_when_asked: Nobody asks this?\nsources:")
    assert problems(tmp_path, a=front + GOOD) == [
        "a.md:8: only_when_asked names no heading of it: 'Nobody asks this?'"
    ]
    kept = front.replace("Nobody asks this?", "What is a count?")
    assert problems(tmp_path, a=kept + GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("published: 2026-11-01", "published: 2027-01-01", "in the future"),
        ("review_by: 2027-11-01", "review_by: 2026-11-20", "has passed"),
        ("review_by: 2027-11-01", "review_by: 2040-11-20", "three years"),
        ("seen: 2026-11-01", "seen: 2026-12-24", "seen in the future"),
        ("topic: Recovery\n", "", "needs published"),
    ],
)
def test_dates_must_be_sane(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert any(says in p for p in problems(tmp_path, a=FRONT.replace(old, new) + GOOD))


def test_a_sentence_of_another_document_is_not_ours(tmp_path: Path) -> None:
    theirs = "---\ntitle: Theirs\n---\nA nurse takes some of your blood each day for tests.\n"
    ours = GOOD.replace(
        "A nurse takes some blood.", "A nurse takes some of your blood each day for tests."
    )
    assert any("same sentence" in p for p in problems(tmp_path, a=FRONT + ours, b=theirs))


def test_two_guides_may_not_contradict_each_other_on_a_number(tmp_path: Path) -> None:
    fact = "New cells start to make blood in the bone marrow after {} days."
    one = FRONT + GOOD.replace("A nurse takes some blood.", fact.format(12))
    two = FRONT + GOOD.replace("A nurse takes some blood.", fact.format(30)).replace(
        "asking a", "asking b"
    )
    found = problems(tmp_path, a=one, b=two)
    assert any("12 days" in p and "against" in p for p in found), found
    said = two.replace("It is done each day.", "Sources differ on this.")
    assert problems(tmp_path, a=one, b=said) == []


def test_the_same_way_of_asking_may_not_stand_twice(tmp_path: Path) -> None:
    assert any("also asked" in p for p in problems(tmp_path, a=FRONT + GOOD, b=FRONT + GOOD))


def test_glossary_terms_are_linked_once_and_the_fix_does_it(tmp_path: Path) -> None:
    glossary = FRONT + (
        "## Neutrophil count (ANC)\n<!-- asked\n- what is anc\n-->\n\n"
        "A neutrophil count shows some white cells.[^nhs]\n"
    )
    guide = FRONT + GOOD.replace("A nurse takes some blood.", "Your ANC is one of them.")
    found = problems(tmp_path, a=guide, glossary=glossary)
    assert any("not linked" in p for p in found)
    assert link_folder(tmp_path) == ["a.md"]
    assert "Your [ANC](glossary.md#neutrophil-count-anc) is" in (tmp_path / "a.md").read_text()
    assert link_folder(tmp_path) == []
    assert problems(tmp_path) == []
    text = (tmp_path / "a.md").read_text().replace("#neutrophil-count-anc", "#nothing")
    assert any("has no nothing" in p for p in problems(tmp_path, a=text))


def test_the_bots_own_sentences_are_plain() -> None:
    def all_texts(said: dict[str, Any]) -> Iterator[tuple[str, str]]:
        for name, text in said.items():
            if isinstance(text, dict):
                yield from all_texts(text)
            else:
                yield name, text

    found = dict(all_texts(load_messages().model_dump()))
    assert len(found) > 10
    for name, text in found.items():
        assert flesch_kincaid(text) <= 6.0, name
