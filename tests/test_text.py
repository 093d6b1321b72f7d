"""Pure text: every rule as an invariant over arbitrary text, then the cases that went wrong."""

from __future__ import annotations

import itertools
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.records import Span
from bot.text import (
    canonical,
    content_words,
    flesch_kincaid,
    list_mark,
    numbers,
    sentence_spans,
    stem,
    syllables,
    words,
)

TEXT = st.text(
    alphabet=st.one_of(
        st.sampled_from("abc DEF.?!,-*•0123\n\t()[]'\"“”°%é\u00a0\u200b\u202e"), st.characters()
    ),
    max_size=300,
)


@given(TEXT)
def test_canonical_is_stable_and_clean(raw: str) -> None:
    text = canonical(raw)
    assert canonical(text) == text
    assert unicodedata.is_normalized("NFC", text)
    assert not set(text) & set("\r\x00\u200b\u202e\ufeff")


@example("\ud800")  # sentencex cannot take half of a surrogate pair
@given(TEXT)
def test_sentences_are_in_order_and_cover_everything_but_white_space_and_marks(raw: str) -> None:
    text = canonical(raw)
    spans = sentence_spans(text)
    for one, other in itertools.pairwise(spans):
        assert one.end <= other.start
    covered = {i for span in spans for i in range(span.start, span.end)}
    for line_start, line in _lines(text):
        mark = list_mark(line) if line.strip() else 0
        for offset, character in enumerate(line):
            if offset >= mark and not character.isspace():
                assert line_start + offset in covered


@given(TEXT)
def test_a_sentence_never_crosses_a_line_and_has_no_blank_ends(raw: str) -> None:
    text = canonical(raw)
    for span in sentence_spans(text):
        sentence = span.of(text)
        assert "\n" not in sentence
        assert sentence == sentence.strip()
        assert sentence


def _lines(text: str) -> list[tuple[int, str]]:
    found, start = [], 0
    for line in text.split("\n"):
        found.append((start, line))
        start += len(line) + 1
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Your temp. is 38.0 °C. Call now.", ["Your temp. is 38.0 °C.", "Call now."]),
        ("It was 0.5 x 10^9/L. G-CSF helps.", ["It was 0.5 x 10^9/L.", "G-CSF helps."]),
        ("Call, e.g. by phone. Now.", ["Call, e.g. by phone.", "Now."]),
        ("- One thing. Two.\n- Three", ["One thing.", "Two.", "Three"]),
        ("1. First step.\n2. Second step.", ["First step.", "Second step."]),
    ],
)
def test_sentences_of_medical_text(text: str, expected: list[str]) -> None:
    assert [span.of(text) for span in sentence_spans(text)] == expected


def test_span_refuses_nonsense() -> None:
    with pytest.raises(ValueError, match="not a span"):
        Span(start=5, end=4)
    with pytest.raises(ValueError, match="not a span"):
        Span(start=-1, end=4)


def test_words_and_stems() -> None:
    assert words("Graft-versus-host DISEASE, isn’t it?") == [
        "graft-versus-host",
        "disease",
        "isn't",
        "it",
    ]
    assert stem("cells") == stem("cell")
    assert stem("bodies") == stem("body")
    assert stem("stopped") == stem("stop")
    assert {"graft", "host", "graft-versus-host"} <= set(content_words("graft-versus-host"))
    assert content_words("what is it") == []


def test_numbers_are_read_as_written() -> None:
    assert numbers("1,500 cells, 38.0 °C and 20%") == ["1500", "38.0", "20"]


@pytest.mark.parametrize(
    ("word", "count"),
    [
        ("transplant", 2),
        ("radiation", 4),
        ("allogeneic", 5),
        ("blood", 1),
        ("people", 2),
        ("called", 1),
        ("medicine", 3),
    ],
)
def test_syllables(word: str, count: int) -> None:
    assert syllables(word) == count


def test_reading_grade_orders_texts() -> None:
    plain = "Call your team now. They want to hear from you. Do not wait."
    hard = (
        "Haematopoietic reconstitution following myeloablative conditioning necessitates "
        "comprehensive immunological surveillance and prophylactic antimicrobial administration."
    )
    assert flesch_kincaid(plain) < 4 < 16 < flesch_kincaid(hard)
    assert flesch_kincaid("") == 0.0
