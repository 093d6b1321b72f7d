"""The closer reading: order of the first hits by words; nothing comes in, nothing goes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.answering.rereading import Rereader, WordByWord, Words
from bot.errors import ModelError
from bot.indexing.chunking import passage_text
from bot.indexing.cross_encoder import CrossEncoder
from bot.indexing.word_vectors import packed, row_bytes, turned, unpacked
from bot.records import Chunk, Hit, Query, Retrieved
from tests.builders import a_document, a_hit, chunks_of

WHAT = "## What is VOD?\n\nVOD is a disease of the small veins of the liver."
OFTEN = "## How common is VOD?\n\nAbout 10 in every 100 people get VOD, mostly within three weeks."
DIET = "## What may I eat?\n\nCooked food is safest in the first months."


def hits(*bodies: str) -> tuple[Hit, ...]:
    made = [a_hit(chunks_of(a_document(b, name=f"{n}.md"))[0]) for n, b in enumerate(bodies)]
    return tuple(replace(hit, score=0.7) for hit in made)


@pytest.fixture(scope="module")
def reader(embedder: Any) -> WordByWord:
    def read(text: str) -> Words:
        made = embedder.read_query(text)
        return Words(words=made.words, vectors=turned(made.vectors))

    def passages(chunks: Sequence[Chunk], width: int) -> list[Any]:
        """As they are stored and read again."""
        made = embedder.read_in_bulk([passage_text(c) for c in chunks])
        return [unpacked(packed(m.vectors), width) for m in made]

    return WordByWord(read, passages, {"vod": 40, "is": 90, "the": 95}, 100)


def test_the_passage_that_speaks_of_the_asked_for_word_comes_first(reader: WordByWord) -> None:
    found = Retrieved(hits=hits(DIET, WHAT, OFTEN))
    again = Rereader(reader, weight=0.5, top=5)
    ordered = again(Query(text="how frequent is vod"), found)
    assert ordered.hits[0].chunk.heading[-1] == "How common is VOD?"
    assert ordered.hits[-1].chunk.heading[-1] == "What may I eat?"


def test_no_hit_comes_in_or_goes_out_and_weight_zero_changes_nothing(reader: WordByWord) -> None:
    found = Retrieved(hits=hits(DIET, WHAT, OFTEN), gap_similarity=0.4)
    query = Query(text="how frequent is vod")
    ordered = Rereader(reader, weight=0.5, top=2)(query, found)
    assert {h.chunk.chunk_id for h in ordered.hits} == {h.chunk.chunk_id for h in found.hits}
    assert ordered.gap_similarity == 0.4
    assert Rereader(reader, weight=0.0, top=5)(query, found) == found
    assert Rereader(reader, weight=0.5, top=5)(query, Retrieved(hits=())) == (Retrieved(hits=()))


def test_likeness_is_a_weighted_mean_of_cosines(reader: WordByWord) -> None:
    chunk = hits(WHAT)[0].chunk
    (same,) = reader(Query(text=passage_text(chunk)), [chunk])
    (other,) = reader(Query(text="train tickets to Leeds"), [chunk])
    assert same == pytest.approx(1.0, abs=0.02)
    assert other < 0.5


def test_words_beyond_the_window_are_left_out_and_no_words_are_no_likeness(embedder: Any) -> None:
    long = embedder.read_query("fever " * 2000)
    assert len(long.words) == len(long.vectors) <= embedder.window
    empty = embedder.read_query("")
    assert empty.words == ()
    assert unpacked(packed(empty.vectors), 384).shape == (0, 384)
    assert WordByWord(lambda _: Words(words=(), vectors=empty.vectors), lambda *_: [], {}, 1)(
        Query(text="?"), [hits(WHAT)[0].chunk]
    ) == [0.0]


def test_packed_words_have_the_cosines_of_the_words_in_a_sixteenth_of_the_room(
    embedder: Any,
) -> None:
    asked = embedder.read_query("how soon does my hair come back").vectors
    passage = embedder.read_in_bulk([f"{WHAT} {OFTEN} {DIET} Hair grows again in 3 months."])[0]
    data = packed(passage.vectors)
    assert len(data) == len(passage.words) * row_bytes(384) == len(passage.words) * 98
    own = unpacked(data, 384)
    assert (own * turned(passage.vectors)).sum(axis=1) == pytest.approx(1.0, abs=0.002)
    exact, kept = asked @ passage.vectors.T, turned(asked) @ own.T
    assert abs(kept - exact).max() < 0.1
    assert abs(kept.max(axis=1) - exact.max(axis=1)).mean() < 0.03


@pytest.mark.parametrize("data", [b"x" * 97, b"x" * 96 + b"\xff\xff"])
def test_what_is_no_packed_vector_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        unpacked(data, 384)


def test_a_folder_without_a_cross_encoder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no cross-encoder"):
        CrossEncoder(str(tmp_path))


def test_a_named_cross_encoder_scores_pairs(tmp_path: Path) -> None:
    """A real, tiny, untrained cross-encoder from the default model's weights."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    from bot.weights import DEFAULT_MODEL, model_folder

    folder = str(model_folder(DEFAULT_MODEL))
    model = AutoModelForSequenceClassification.from_pretrained(
        folder, num_labels=1, num_hidden_layers=1, local_files_only=True
    )
    model.save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(folder, local_files_only=True).save_pretrained(tmp_path)
    scores = CrossEncoder(str(tmp_path)).scores("what is vod", [WHAT, DIET])
    assert len(scores) == 2
    assert all(0.0 <= score <= 1.0 for score in scores)
