"""Loaders and front matter: what comes out, and what every kind of bad file says."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import (
    BotError,
    DocumentError,
    EmptyDocument,
    FrontMatterError,
    UnknownFormat,
    UnreadableDocument,
)
from bot.indexing.loading import load
from bot.records import Span
from bot.text import sentence_spans

FRONT = """---
title: Blood counts
publisher: Test clinic
published: 2026-01-01
review_by: 2027-01-01
sources:
  - key: nhs
    publisher: NHS
    title: Blood tests
    url: https://www.nhs.uk/tests
    seen: 2026-01-01
  - key: nci
    publisher: NCI
    title: Counts
    url: https://www.cancer.gov/counts
    seen: 2026-01-01
---
"""

BODY = """# Blood counts

## What is a count?
<!-- asked
- what do my counts mean
- whats a blood count
-->

A blood count shows your cells.[^nhs] It is done
often.[^nhs][^nci] Ask your team.[^-]

- Red cells carry oxygen.[^nci]
- Platelets help blood clot.[^nci]

## A table

| Cell | Job |
|---|---|
| White | fights germs |

### Deeper

More here.
"""


def doc(text: str, name: str = "a.md") -> object:
    return load(name, text.encode())


def test_markdown_gives_text_sections_ways_of_asking_and_support() -> None:
    document = load("counts.md", (FRONT + BODY).encode())
    assert document.info.title == "Blood counts"
    assert [r.key for r in document.info.references] == ["nhs", "nci"]
    assert "[^" not in document.text
    assert "asked" not in document.text
    assert "what do my counts mean" not in document.text
    first = document.sections[0]
    assert first.heading == ("What is a count?",)
    assert first.asked == ("what do my counts mean", "whats a blood count")
    assert first.span.of(document.text) == (
        "A blood count shows your cells. It is done often. Ask your team.\n\n"
        "- Red cells carry oxygen.\n- Platelets help blood clot."
    )
    keys = {s.span.of(document.text): s.keys for s in document.support}
    assert keys == {
        "A blood count shows your cells.": ("nhs",),
        "It is done often.": ("nhs", "nci"),
        "Ask your team.": ("-",),
        "Red cells carry oxygen.": ("nci",),
        "Platelets help blood clot.": ("nci",),
    }
    assert document.sections[1].span.of(document.text) == "Cell: White; Job: fights germs."
    assert document.sections[2].heading == ("A table", "Deeper")
    assert document.file_hash == hashlib.sha256((FRONT + BODY).encode()).hexdigest()


@given(st.lists(st.text(alphabet="ab .!?\n-*#[]^_`<>&é", max_size=60), max_size=6))
def test_sections_lie_in_the_text_in_order(parts: list[str]) -> None:
    raw = "---\ntitle: T\n---\n" + "\n\n## H\n\n".join(["Start here.", *parts])
    try:
        document = load("a.md", raw.encode())
    except DocumentError:
        return
    end = 0
    for section in document.sections:
        assert section.span.start >= end
        end = section.span.end
        assert end <= len(document.text)
        assert section.span.of(document.text).strip()
    for support in document.support:
        assert any(s.span.contains(support.span) for s in document.sections)


def test_plain_text_keeps_every_word() -> None:
    document = load("a.txt", b"---\ntitle: My leaflet\n---\nMy leaflet\nOne line.\n\nTwo lines.\n")
    assert document.text == "My leaflet\nOne line.\n\nTwo lines."
    assert document.sections[0].heading == ("My leaflet",)
    assert "Two lines." in document.sections[0].span.of(document.text)


def test_owner_article_is_word_for_word() -> None:
    path = Path(__file__).parent.parent / "knowledge" / "owner-article.md"
    document = load("owner-article.md", path.read_bytes())
    joined = " ".join(document.text.split())
    # SHA-256 of the owner's file with white space folded.
    assert (
        hashlib.sha256(joined.encode()).hexdigest()
        == "b81319484475ff89fb76099c76e674d3a1d925c5c7b1d6d2ead3b2a283b5a6be"
    )
    assert document.info.clinically_reviewed is False
    assert document.info.authors == ()
    assert document.info.published is None


@pytest.mark.parametrize(
    ("name", "data", "error", "says"),
    [
        ("a.md", b"", EmptyDocument, "empty"),
        ("a.md", b"  \n ", EmptyDocument, "empty"),
        ("a.md", b"---\ntitle: T\n---\n", EmptyDocument, "no text"),
        ("a.md", b"---\ntitle: T\n---\n# T\n\n## Only headings\n", EmptyDocument, "no text"),
        ("a.md", b"Hello.", FrontMatterError, "no front matter"),
        ("a.md", b"---\ntitle: T\nHello.", FrontMatterError, "no front matter"),
        ("a.md", b"---\ntitle: [T\n---\nHello.", FrontMatterError, "a.md:3"),
        ("a.md", b"---\npublisher: X\n---\nHello.", FrontMatterError, "no title"),
        ("a.md", b"---\ntitle: T\npublished: soon\n---\nHi.", FrontMatterError, "a.md:3"),
        ("a.md", b"---\ntitle: T\npublished: 2026-11-99\n---\nHi.", FrontMatterError, "cannot"),
        ("a.md", b"---\ntitle: T\nreviewd: 2026-01-01\n---\nHi.", FrontMatterError, "reviewd"),
        ("a.md", b"---\ntitle: T\npriority: high\n---\nHi.", FrontMatterError, "priority"),
        ("a.md", b"---\ntitle: T\nsources: x\n---\nHi.", FrontMatterError, "sources"),
        ("a.md", b"---\n- a\n---\nHi.", FrontMatterError, "not a list"),
        (
            "a.md",
            b"---\ntitle: T\npublished: 2026-05-01\nreview_by: 2026-01-01\n---\nHi.",
            FrontMatterError,
            "before published",
        ),
        ("a.md", b"---\ntitle: T\n---\nHi.[^nhs]", FrontMatterError, "[^nhs]"),
        ("a.md", b"---\ntitle: T\n---\nHi \xff there.", UnreadableDocument, "a.md:4"),
        ("a.md", b"---\ntitle: T\n---\nHi \x00 there.", UnreadableDocument, "binary"),
        ("a.exe", b"MZ", UnknownFormat, "no loader"),
        ("noend", b"Hi", UnknownFormat, "no loader"),
    ],
)
def test_bad_files_say_what_is_wrong_and_where(
    name: str, data: bytes, error: type[BotError], says: str
) -> None:
    with pytest.raises(error) as caught:
        load(name, data)
    assert says in str(caught.value)
    assert str(caught.value).startswith(name)
    assert caught.value.hint
    assert caught.value.exit_code == 3


def test_invisible_marks_do_not_reach_the_text() -> None:
    raw = "---\ntitle: T\n---\nDo\u200b not \u202ewait\u202c. Call.\r\nNow."
    document = load("a.md", raw.encode())
    assert document.text == "Do not wait. Call. Now."
    assert next(s.of(document.text) for s in sentence_spans(document.text)) == "Do not wait."


def test_span_of_support_is_the_sentence() -> None:
    document = load("a.md", (FRONT + "One fact.[^nhs] Another fact here.[^nci]\n").encode())
    assert [s.span for s in document.support] == [Span(start=0, end=9), Span(start=10, end=28)]
