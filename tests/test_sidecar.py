"""The sidecar NAME.meta.yaml: metadata for files that cannot hold front matter."""

from __future__ import annotations

from datetime import date

import pytest

from bot.errors import FrontMatterError
from bot.front_matter import file_hash
from bot.indexing.loading import load
from tests import making_pdfs

PDF = making_pdfs.leaflet()
SIDECAR = b"""title: Our own title
publisher: Ward 7
published: 2026-01-01
review_by: 2027-01-01
priority: 3
"""


def test_a_sidecar_overrides_the_file_and_the_rest_stays() -> None:
    info = load("going-home.pdf", PDF, sidecar=SIDECAR).info
    assert (info.title, info.publisher, info.priority) == ("Our own title", "Ward 7", 3)
    assert (info.published, info.review_by) == (date(2026, 1, 1), date(2027, 1, 1))
    assert info.authors == ("Ward 7 nurses",)


def test_it_may_stand_between_lines_like_front_matter() -> None:
    assert load("a.pdf", PDF, sidecar=b"---\r\ntitle: X1\r\n---\r\n").info.title == "X1"


def test_it_overrides_front_matter_or_stands_in_its_place() -> None:
    text = b"---\ntitle: Old\npublisher: P\n---\nHi there."
    info = load("a.md", text, sidecar=b"title: New\n").info
    assert (info.title, info.publisher) == ("New", "P")
    assert load("a.txt", b"Hi there.", sidecar=b"title: New\n").info.title == "New"


@pytest.mark.parametrize(
    ("sidecar", "says"),
    [
        (b"titel: X\n", "a.pdf.meta.yaml:1: unknown field 'titel'"),
        (b"title: X\npublished: soon\n", "a.pdf.meta.yaml:2: published must be a date"),
        (b"title: [X\n", "a.pdf.meta.yaml:2: the front matter cannot be read"),
        (b"- a\n", "a.pdf.meta.yaml:1"),
        (b"title: \xff\n", "a.pdf.meta.yaml: the sidecar is not UTF-8"),
        (b"#" * 100_001, "a.pdf.meta.yaml: the front matter has 100,001 characters"),
        (
            b"published: 2026-05-01\nreview_by: 2026-01-01\n",
            "a.pdf.meta.yaml:2: review_by is before published",
        ),
    ],
)
def test_its_errors_name_the_sidecar_and_the_line(sidecar: bytes, says: str) -> None:
    with pytest.raises(FrontMatterError) as caught:
        load("a.pdf", PDF, sidecar=sidecar)
    assert str(caught.value).startswith(says)
    assert caught.value.exit_code == 3


def test_a_changed_sidecar_makes_the_document_count_as_changed() -> None:
    hashes = {
        load("a.pdf", PDF).file_hash,
        load("a.pdf", PDF, sidecar=SIDECAR).file_hash,
        load("a.pdf", PDF, sidecar=SIDECAR + b"note: more\n").file_hash,
    }
    assert len(hashes) == 3
    assert load("a.pdf", PDF, sidecar=SIDECAR).file_hash == file_hash(PDF, SIDECAR)


@pytest.mark.parametrize(
    ("name", "title"),
    [("going-home_v2.pdf", "Going home v2"), ("x/leaflet.12.pdf", "Leaflet 12")],
)
def test_without_any_title_the_file_name_gives_one(name: str, title: str) -> None:
    assert load(name, making_pdfs.rotated()).info.title == title
