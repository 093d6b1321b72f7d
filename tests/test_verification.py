"""Verification: nothing that is not word for word in a retrieved passage gets through."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.answering.verification import Verifier
from bot.records import Draft, Hit, Quote, SourceDocument, Span, Statement
from tests.builders import a_document, a_hit, chunks_of

BODY = (
    "## What is engraftment?\n\nEngraftment often takes 2 to 4 weeks. "
    "Tacrolimus helps to prevent GVHD.\n\n## Other\n\nPlatelets help blood clot."
)
DOCUMENT: SourceDocument = a_document(BODY)
CHUNKS = chunks_of(DOCUMENT)
HITS: list[Hit] = [a_hit(CHUNKS[0])]
VERIFY = Verifier({"a.md": DOCUMENT}.__getitem__, frozenset({"tacrolimus", "sirolimus"}))
SENTENCE = "Engraftment often takes 2 to 4 weeks."
SPAN = Span(start=DOCUMENT.text.index(SENTENCE), end=DOCUMENT.text.index(SENTENCE) + len(SENTENCE))


def why(text: str, quote: Quote | None) -> str | None:
    statement = Statement(text=text, quotes=(quote,) if quote else ())
    checked = VERIFY(Draft(statements=(statement,), writer="test"), HITS)
    assert len(checked.kept) + len(checked.dropped) == 1
    return checked.dropped[0].why if checked.dropped else None


def quote(text: str = SENTENCE, span: Span = SPAN, chunk_id: str = CHUNKS[0].chunk_id) -> Quote:
    return Quote(chunk_id=chunk_id, span=span, text=text)


def test_a_verbatim_statement_is_kept() -> None:
    assert why(SENTENCE, quote()) is None


def test_a_reworded_statement_with_the_same_words_is_kept() -> None:
    assert why("Engraftment takes 2 to 4 weeks.", quote()) is None


@given(st.integers(min_value=0, max_value=len(SENTENCE) - 1), st.characters(codec="ascii"))
def test_one_changed_character_in_a_quote_is_refused(at: int, character: str) -> None:
    changed = SENTENCE[:at] + character + SENTENCE[at + 1 :]
    reason = why(SENTENCE, quote(text=changed))
    assert (reason is None) == (changed == SENTENCE)


@given(st.integers(min_value=-3, max_value=3), st.integers(min_value=-3, max_value=3))
def test_a_shifted_span_is_refused(left: int, right: int) -> None:
    start, end = max(0, SPAN.start + left), SPAN.end + right
    reason = why(SENTENCE, quote(span=Span(start=start, end=end)))
    assert (reason is None) == ((start, end) == (SPAN.start, SPAN.end))


@pytest.mark.parametrize(
    ("text", "quoted", "says"),
    [
        ("", quote(), "empty"),
        (SENTENCE, None, "no quote"),
        (SENTENCE, quote(chunk_id="a.md:1-2"), "not retrieved"),
        (SENTENCE, quote(chunk_id=CHUNKS[1].chunk_id), "not retrieved"),
        ("Engraftment often takes 2 to 5 weeks.", quote(), "number 5"),
        ("Engraftment often takes 2 to 4 weeks, 38.0 °C.", quote(), "number 38.0"),
        ("Sirolimus: engraftment often takes 2 to 4 weeks.", quote(), "medicine sirolimus"),
        ("Doctors cure leukemia and save every child's life.", quote(), "not supported"),
    ],
)
def test_what_is_not_supported_is_dropped_whole(text: str, quoted: Quote | None, says: str) -> None:
    reason = why(text, quoted)
    assert reason is not None
    assert says in reason


def test_a_quote_of_another_passage_of_the_same_document_is_refused() -> None:
    text = "Platelets help blood clot."
    at = DOCUMENT.text.index(text)
    other = Quote(chunk_id=CHUNKS[0].chunk_id, span=Span(start=at, end=at + len(text)), text=text)
    assert why(text, other) == "its quote lies outside the passage"


def test_a_failing_look_up_is_not_swallowed() -> None:
    def broken(source_id: str) -> SourceDocument:
        raise RuntimeError("disk gone")

    verify = Verifier(broken, frozenset())
    statement = Statement(text=SENTENCE, quotes=(quote(),))
    with pytest.raises(RuntimeError):
        verify(Draft(statements=(statement,), writer="test"), HITS)
