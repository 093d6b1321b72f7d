"""What people type to name a document or a place in it."""

from __future__ import annotations

import unicodedata

import pytest

from bot.errors import UnknownSource
from bot.records import Span
from bot.targets import parse_target

APART = unicodedata.normalize("NFD", "café.md")
TOGETHER = unicodedata.normalize("NFC", "café.md")


def test_a_document_and_a_place_in_it() -> None:
    assert parse_target("a.md", ["a.md"]) == ("a.md", None)
    assert parse_target("a b/c.md:3-9", ["a b/c.md"]) == ("a b/c.md", Span(start=3, end=9))


def test_an_accent_is_found_in_either_form_and_an_exact_name_goes_first() -> None:
    assert parse_target(TOGETHER, ["b.md", APART]) == (APART, None)
    assert parse_target(f"{APART}:1-2", [TOGETHER]) == (TOGETHER, Span(start=1, end=2))
    assert parse_target(TOGETHER, [APART, TOGETHER]) == (TOGETHER, None)


def test_an_unknown_name_is_refused_and_near_ones_are_named() -> None:
    with pytest.raises(UnknownSource) as refused:
        parse_target("hare.md", ["hair.md", "food.md"])
    assert "hair.md" in (refused.value.hint or "")
    with pytest.raises(UnknownSource, match="after the start"):
        parse_target("hair.md:9-3", ["hair.md"])
