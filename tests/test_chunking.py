"""Passages: exact spans, whole sentences, full coverage, bounded length."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from bot.indexing.chunking import chunk_document
from bot.indexing.loading import load
from bot.records import SourceDocument
from bot.text import sentence_spans

SENTENCE = st.text(alphabet="abcde ,", min_size=1, max_size=60).map(lambda s: f"A{s.strip()}.")
SECTION = st.lists(SENTENCE, min_size=1, max_size=12)


def count(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def document(sections: list[list[str]]) -> SourceDocument:
    body = "\n\n".join(f"## Heading {n}\n\n" + " ".join(s) for n, s in enumerate(sections))
    return load("a.md", f"---\ntitle: T\n---\n{body}\n".encode())


@given(st.lists(SECTION, min_size=1, max_size=5), st.integers(min_value=20, max_value=80))
def test_invariants(sections: list[list[str]], limit: int) -> None:
    doc = document(sections)
    chunks = chunk_document(doc, count_tokens=count, max_tokens=limit)
    spans = [c.span for c in chunks]
    assert spans == sorted(spans)
    for chunk in chunks:
        assert chunk.text == doc.text[chunk.span.start : chunk.span.end]
        assert count([chunk.text])[0] <= max(16, limit)
        assert any(s.span.contains(chunk.span) for s in doc.sections)
    for section in doc.sections:
        for sentence in sentence_spans(section.span.of(doc.text)):
            begin = section.span.start + sentence.start
            end = section.span.start + sentence.end
            holders = [c for c in chunks if c.span.start <= begin and end <= c.span.end]
            assert len(holders) == 1
    assert len({c.chunk_id for c in chunks}) == len(chunks)


def test_a_sentence_longer_than_the_window_is_cut_between_words_and_lost_nowhere() -> None:
    long = " ".join(f"word{n}" for n in range(100)) + "."
    doc = document([[long, "Short end."]])
    chunks = chunk_document(doc, count_tokens=count, max_tokens=30)
    assert all(n <= 30 for n in count([c.text for c in chunks]))
    assert " ".join(c.text for c in chunks).split() == doc.sections[0].span.of(doc.text).split()


def test_a_list_stays_with_its_lead_in_where_it_fits() -> None:
    items = "\n".join(f"- Item number {n} is here." for n in range(4))
    raw = (
        f"---\ntitle: T\n---\n## H\n\n{'One two three four five. ' * 4}\n\nThese help:\n\n{items}\n"
    )
    doc = load("a.md", raw.encode())
    chunks = chunk_document(doc, count_tokens=count, max_tokens=46)
    holder = next(c for c in chunks if "Item number 0" in c.text)
    assert "Item number 3" in holder.text


def test_same_sentence_in_two_documents_is_two_passages() -> None:
    one = load("a.md", b"---\ntitle: T\n---\nSame words here.\n")
    two = load("b.md", b"---\ntitle: T\n---\nSame words here.\n")
    a = chunk_document(one, count_tokens=count, max_tokens=50)[0]
    b = chunk_document(two, count_tokens=count, max_tokens=50)[0]
    assert a.text == b.text
    assert a.chunk_id != b.chunk_id
