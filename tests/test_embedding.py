"""Vectors made in bulk are those of the model, whatever the processor calculates in."""

from __future__ import annotations

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from bot.errors import ModelError
from bot.gaps import load_gaps
from bot.indexing.batching import embed_by_length
from bot.indexing.embedding import Embedder, gap_key
from bot.settings import Settings
from bot.weights import model_folder

TEXTS = [
    "Engraftment: the new cells settle in the bone marrow.",
    "When do I call the team?: Call at once, day or night, when your temperature is 38.0 or more.",
    "When do I call the team?: Call at once, day or night, when your temperature is 39.0 or more.",
    "hair",
    "Wash your hands before each meal and after each visit to the bathroom. " * 12,
]


def test_vectors_made_in_bulk_have_length_one_and_the_direction_of_the_full_ones() -> None:
    embedder = Embedder()
    full = np.array(embedder.embed_documents(TEXTS))
    bulk = np.array(embedder.embed_in_bulk(TEXTS))
    assert np.allclose(np.linalg.norm(bulk, axis=1), 1.0, atol=1e-5)
    assert ((full * bulk).sum(axis=1) > 0.9998).all()
    alone = np.array([embedder.embed_in_bulk([text])[0] for text in TEXTS])
    assert ((alone * bulk).sum(axis=1) > 0.9998).all(), "whatever it is embedded together with"
    # Two texts that differ in one number stay further apart than that.
    assert (bulk[1] * full[2]).sum() < 0.9998


def test_a_processor_without_bfloat16_uses_the_model_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("_is_amx_tile_supported", "_is_avx512_bf16_supported"):
        assert callable(getattr(torch.cpu, name)), "torch renamed what is asked"
        monkeypatch.setattr(torch.cpu, name, lambda: False)
    embedder = Embedder()
    for text, vector in zip(TEXTS, embedder.embed_in_bulk(TEXTS), strict=True):
        assert vector == pytest.approx(embedder.embed_documents([text])[0], abs=1e-5)


def test_a_model_of_the_operators_own_reads_as_the_library_does(tmp_path: Path) -> None:
    """A copy of the default one, in batches smaller than what is asked for."""
    folder = tmp_path / "own"
    shutil.copytree(model_folder("default"), folder)
    own, texts = Embedder(str(folder), batch_size=2), [*TEXTS, ""]
    assert not own.is_default and own.threads == 1
    full = np.array(own.embed_documents(texts))
    for made in (own.embed_in_bulk(texts), [r.vector for r in own.read_in_bulk(texts)]):
        assert ((full * np.array(made)).sum(axis=1) > 0.9998).all()
    assert [r.words for r in own.read_in_bulk(texts)] == [
        r.words for r in Embedder(use_adapter=False).read_in_bulk(texts)
    ]


def test_several_threads_get_what_one_gets() -> None:
    embedder = Embedder()
    texts = [f"{'Wash your hands before each meal. ' * (n % 7)}Part {n}." for n in range(40)]
    one = embedder.embed_in_bulk(texts)
    for embed in (embedder.embed_in_bulk, embedder.embed_asked_in_bulk):
        alone = np.array([embed([text])[0] for text in texts])
        at_once = np.array(embed_by_length(texts * 5, embed, threads=4))
        assert ((alone[None] * at_once.reshape(5, 40, -1)).sum(axis=2) > 0.9998).all()
    read = embed_by_length(texts * 5, embedder.read_in_bulk, threads=4)
    assert [r.words for r in read[:40]] == [r.words for r in embedder.read_in_bulk(texts)]
    assert np.allclose([r.vector for r in read[:40]], one, atol=0.01)


def test_a_question_is_read_while_an_index_is_built(embedder: Embedder) -> None:
    """The passes that build an index hold no lock."""
    inside, answered = threading.Event(), threading.Event()
    real = embedder._packed

    def slow(rows):
        inside.set()
        assert answered.wait(60), "the question waited"
        return real(rows)

    embedder._packed = slow
    try:
        with ThreadPoolExecutor() as pool:
            building = pool.submit(embedder.embed_in_bulk, TEXTS)
            assert inside.wait(60)
            assert embedder.read_query("what is gvhd").words
            answered.set()
            assert len(building.result(60)) == len(TEXTS)
    finally:
        embedder._packed = real


def test_tokens_are_counted_as_one_by_one(embedder: Embedder) -> None:
    assert embedder.count_tokens([]) == []
    assert embedder.count_tokens(["hair", "Engraftment", "", "hair " * 400]) == [
        *(1, len(embedder._model.tokenizer.tokenize("Engraftment")), 0, 400)
    ]


@pytest.mark.usefixtures("full_precision")
def test_a_question_is_read_as_it_is_embedded() -> None:
    embedder, text = Embedder(), "When does my Hair come back?"
    read = embedder.read_query(text).vector
    assert read == pytest.approx(embedder.embed_query(text), abs=1e-5)


def test_reading_gives_the_same_vectors_as_embedding_and_the_words(embedder: Embedder) -> None:
    text = "When does my Hair come back?"
    read = embedder.read_query(text)
    assert np.dot(read.vector, embedder.embed_query(text)) > 0.9999, "rounded to bfloat16, if fast"
    assert read.words == ("when", "does", "my", "hair", "come", "back", "?")
    bulk = embedder.read_in_bulk(TEXTS)
    for made, vector in zip(bulk, embedder.embed_in_bulk(TEXTS), strict=True):
        assert sum(a * b for a, b in zip(made.vector, vector, strict=True)) > 0.999


def test_questions_have_vectors_of_their_own_that_fit_those_made_in_bulk(
    embedder: Embedder,
) -> None:
    texts = ["when does my hair come back", "what is gvhd", "how long is the hospital stay"]
    bulk = np.array(embedder.embed_asked_in_bulk(texts))
    assert np.allclose(np.linalg.norm(bulk, axis=1), 1.0, atol=1e-4)
    for text, vector in zip(texts, bulk, strict=True):
        read = embedder.read_query(text)
        assert np.dot(read.asked, vector) > 0.999
        assert np.dot(read.vector, vector) < 0.99, "not the vector for passages"
    near = embedder.read_query("wen will my hair grow agen").asked
    assert int((bulk @ np.array(near)).argmax()) == 0
    assert embedder.read_in_bulk(["a passage"])[0].asked == []


def test_without_the_changes_for_questions_their_vector_is_the_common_one() -> None:
    plain = Embedder(use_adapter=False)
    read = plain.read_query("what is gvhd")
    assert read.asked == read.vector
    assert plain.embed_asked_in_bulk(["what is gvhd"]) == plain.embed_in_bulk(["what is gvhd"])
    assert plain.embed_asked_in_bulk([]) == []
    assert (plain.fingerprint["asking"], plain.centres) == ("", {})


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 cut off", b"no archive at all"])
def test_a_damaged_file_of_changes_is_told(
    damage: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.indexing.embedding.ASKING_FILE", tmp_path / "asking.npz")
    (tmp_path / "asking.npz").write_bytes(damage)
    with pytest.raises(ModelError, match=r"asking\.npz cannot be read") as told:
        Embedder().read_query("what is gvhd")
    assert "install" in told.value.hint


def test_each_guide_section_and_each_known_gap_has_a_centre(embedder: Embedder) -> None:
    """Else evals/train_asking.py was not run after a change of the guides' ways of asking. Sections
    that are cut in two share their ways and may have none."""
    store = load_gaps(Settings().paths.knowledge)
    groups = [gap_key(gap.group) for gap in store.gap]
    assert sum(group in embedder.centres for group in groups) > 0.9 * len(groups)
    assert np.allclose([np.linalg.norm(v) for v in embedder.centres.values()], 1.0, atol=1e-4)


@pytest.mark.usefixtures("full_precision")
def test_a_prefix_is_read_but_is_no_word_of_the_question() -> None:
    with_prefix = Embedder(query_prefix="query: ")
    read = with_prefix.read_query("is hair lost")
    assert read.words == ("is", "hair", "lost")
    assert read.vector == pytest.approx(with_prefix.embed_query("is hair lost"), abs=1e-5)
