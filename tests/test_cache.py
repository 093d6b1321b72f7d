"""The cache of embeddings: nothing is embedded twice, and nothing in the file is trusted."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from bot.errors import ModelError
from bot.indexing.batching import MOST_CHARACTERS, embed_by_length
from bot.indexing.cache import EmbeddingCache, PassageVectors
from bot.indexing.flow import ingest
from bot.settings import Settings
from tests.conftest import write_guide


class Model:
    """Unit vectors that tell texts apart; remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def __call__(self, texts: list[str]) -> list[list[float]]:
        self.asked.append(list(texts))
        return [[0.6, 0.8] if len(text) % 2 else [0.8, -0.6] for text in texts]

    def ask(self, texts: list[str]) -> list[list[float]]:
        return [[y, x] for x, y in self(texts)]

    def read(self, texts: list[str]) -> list[PassageVectors]:
        made = zip(texts, self(texts), strict=True)
        return [PassageVectors(vector=vector, words=text.encode()) for text, vector in made]


def cache(path: Path, model: Model, **fingerprint: str) -> EmbeddingCache:
    return EmbeddingCache(path, {"weights": "w", **fingerprint}, model, model.ask, model.read)


def test_a_text_is_embedded_once_over_runs(tmp_path: Path) -> None:
    model = Model()
    first = cache(tmp_path / "e.sqlite3", model)
    made = first.vectors(["a", "bb", "a"])
    first.close()
    second = cache(tmp_path / "e.sqlite3", model)
    found = second.vectors(["bb", "a", "ccc"])
    assert model.asked == [["a", "bb"], ["ccc"]]
    assert (second.embedded, second.reused) == (1, 2)
    for text in ("a", "bb"):
        assert found[text] == pytest.approx(made[text])


def test_the_vector_for_questions_is_another_one(tmp_path: Path) -> None:
    model = Model()
    first = cache(tmp_path / "e.sqlite3", model)
    assert first.vectors(["a"])["a"] == pytest.approx([0.6, 0.8])
    assert first.asked(["a"])["a"] == pytest.approx([0.8, 0.6])
    first.close()
    second = cache(tmp_path / "e.sqlite3", model)
    assert second.asked(["a"])["a"] == pytest.approx([0.8, 0.6])
    assert second.vectors(["a"])["a"] == pytest.approx([0.6, 0.8])
    assert model.asked == [["a"], ["a"]]


def test_a_passage_is_read_once_over_runs_and_a_vector_alone_is_not_enough(tmp_path: Path) -> None:
    model = Model()
    first = cache(tmp_path / "e.sqlite3", model)
    first.vectors(["a"])
    made = first.passages(["a", "bb"])
    first.close()
    second = cache(tmp_path / "e.sqlite3", model)
    found = second.passages(["bb", "a", "ccc"])
    assert model.asked == [["a"], ["a", "bb"], ["ccc"]]
    assert {t: found[t].words for t in found} == {"a": b"a", "bb": b"bb", "ccc": b"ccc"}
    assert found["bb"].vector == pytest.approx(made["bb"].vector)
    assert second.vectors(["ccc"]) and len(model.asked) == 3, "a passage's vector is a vector"
    assert (second.embedded, second.reused) == (1, 3)


def test_words_that_were_damaged_are_thrown_away_and_said_so(tmp_path: Path) -> None:
    path, model = tmp_path / "e.sqlite3", Model()
    cache(path, model).passages(["a", "bb"])
    with sqlite3.connect(path) as db:
        db.execute("UPDATE words SET vectors = (SELECT max(vectors) FROM words)")
    db.close()
    second = cache(path, model)
    assert second.passages(["a", "bb"])["a"].words == b"a"
    assert second.embedded == 2
    assert "thrown away" in second.notices[0]


def test_another_model_never_gets_these_vectors(tmp_path: Path) -> None:
    model = Model()
    cache(tmp_path / "e.sqlite3", model).vectors(["a"])
    cache(tmp_path / "e.sqlite3", model, query_prefix="query: ").vectors(["a"])
    assert model.asked == [["a"], ["a"]]


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE vectors SET vector = zeroblob(12)",
        "UPDATE vectors SET vector = substr(vector, 1, 8)",
        "UPDATE vectors SET vector = substr(vector, 1, 7) || x'00' || substr(vector, 9)",
        "UPDATE vectors SET vector = NULL",
        "UPDATE vectors SET vector = (SELECT max(vector) FROM vectors)",
        "DROP TABLE vectors; CREATE TABLE vectors (a, b)",
    ],
)
def test_damaged_vectors_are_thrown_away_and_said_so(tmp_path: Path, damage: str) -> None:
    path, model = tmp_path / "e.sqlite3", Model()
    first = cache(path, model)
    made = first.vectors(["a", "bb"])
    first.close()
    with sqlite3.connect(path) as db:
        db.executescript(damage)
    db.close()
    second = cache(path, model)
    found = second.vectors(["a", "bb"])
    assert found == made
    assert second.embedded == 2
    assert "thrown away" in second.notices[0]
    second.close()
    third = cache(path, model)
    third.vectors(["a", "bb"])
    assert (third.embedded, third.notices) == (0, [])


def test_a_file_that_is_no_database_is_thrown_away(tmp_path: Path) -> None:
    path, model = tmp_path / "e.sqlite3", Model()
    path.write_bytes(b"not a database" * 500)
    found = cache(path, model)
    assert found.vectors(["a"])["a"] == [0.6, 0.8]
    assert "thrown away" in found.notices[0]


def test_without_a_file_texts_are_embedded_all_the_same(tmp_path: Path) -> None:
    found = cache(tmp_path / "no folder" / "e.sqlite3", Model())
    assert found.vectors(["a"])["a"] == [0.6, 0.8]
    assert "no embedding is kept" in found.notices[0]


def test_pruning_keeps_what_the_serving_generation_uses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.indexing.cache._SLACK", 2)
    path, model = tmp_path / "e.sqlite3", Model()
    texts = [f"text {number}" for number in range(9)]
    full = cache(path, model)
    full.vectors(texts)
    full.prune(4, texts[:4])
    assert full.vectors(texts)
    assert full.embedded == len(texts), "nine are not more than twice four and two"
    full.passages(texts)
    full.prune(3, texts[:3])
    full.passages(texts)
    assert model.asked[-1] == texts[3:]


def test_a_rebuild_of_unchanged_texts_embeds_nothing(settings: Settings, knowledge: Path) -> None:
    first = ingest(settings)
    rebuilt = ingest(settings, rebuild=True)
    assert rebuilt.rebuilt
    assert rebuilt.embedded == 0
    assert rebuilt.reused == first.embedded
    write_guide(knowledge, "food.md", "Food", "## Can I eat salad?\n\nWash salad well first.\n")
    assert ingest(settings, rebuild=True).embedded == 2


def test_identical_texts_of_two_documents_are_embedded_once(
    settings: Settings, knowledge: Path
) -> None:
    for name in ("hair.md", "engraftment.md"):
        (knowledge / name).unlink()
    same = "## Whom do I call?\n\nCall the unit. Ask for a nurse.\n\n"
    write_guide(knowledge, "a.md", "A", same + "## Why?\n\nThe unit knows you well.\n")
    write_guide(knowledge, "b.md", "B", same + "## When?\n\nThe unit is open at night.\n")
    report = ingest(settings)
    assert report.passages == 4
    assert report.embedded == 6


def test_batches_hold_texts_of_like_length_and_keep_the_order() -> None:
    model = Model()
    texts = ["x" * length for length in (3000, 10, 900, 11, 950, 1, 9000)]
    vectors = embed_by_length(texts, model)
    assert vectors == Model()(texts)
    for batch in model.asked:
        assert len(batch) == 1 or len(batch) * max(map(len, batch)) <= MOST_CHARACTERS
        assert batch == sorted(batch, key=len)
    assert len(model.asked) < len(texts)
    assert embed_by_length([], model) == []
    assert embed_by_length([], model, threads=2) == []
    assert embed_by_length(texts, model, threads=3) == vectors


def test_what_goes_wrong_in_one_of_several_threads_is_told() -> None:
    def fail(texts: list[str]) -> list[int]:
        if max(map(len, texts)) > 2_000:
            raise ModelError("no")
        return [1] * len(texts)

    before = threads_of_a_new_thread()
    with pytest.raises(ModelError):
        embed_by_length(["x" * length for length in range(0, 9000, 90)], fail, threads=2)
    assert threads_of_a_new_thread() == before


def threads_of_a_new_thread() -> int:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(torch.get_num_threads).result()


def test_threads_that_begin_after_it_have_as_many_as_before() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert threads_of_a_new_thread() == 2
        seen = []
        embed_by_length(
            ["x" * 5_000] * 4, lambda t: seen.append(torch.get_num_threads()) or t, threads=2
        )
        assert seen == [1] * 4
        assert threads_of_a_new_thread() == 2
    finally:
        torch.set_num_threads(before)
