"""Reading a question for the search: the words are looked for while the model reads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot.answering.finding import Reader
from bot.errors import DamagedIndex, NoIndex
from bot.records import Query

QUERY = Query(text="what is gvhd")
BESIDE = ThreadPoolExecutor(1)


class Embedder:
    """Counts what it was given."""

    def __init__(self) -> None:
        self.passes: list[tuple[list[str], list[str]]] = []

    def read_beside(self, wanted: list[str], texts: list[str]) -> tuple[list[str], str]:
        self.passes.append((wanted, texts))
        return [f"read {text}" for text in wanted], "vectors"


def an_index(search: Any) -> Any:
    return SimpleNamespace(
        passages=SimpleNamespace(search=search), manifest=SimpleNamespace(generation="one")
    )


def a_reader(embedder: Embedder, use: Any) -> Reader:
    return Reader(cast("Any", embedder), use, lambda index: (QUERY,), BESIDE, 40)


def test_words_are_looked_for_once_beside_the_model() -> None:
    asked: list[tuple[str, int]] = []

    def search(text: str, k: int) -> list[str]:
        asked.append((text, k))
        return ["found"]

    index, embedder = an_index(search), Embedder()
    read = a_reader(embedder, lambda: nullcontext(index))
    assert read.beside(["what is gvhd?"]) == "vectors"
    assert embedder.passes == [(["what is gvhd"], ["what is gvhd?"])]
    assert read("what is gvhd") == "read what is gvhd"
    assert read.words(index, "what is gvhd", 40) == ["found"]
    assert asked == [("what is gvhd", 40)]
    other = SimpleNamespace(**vars(index) | {"manifest": SimpleNamespace(generation="two")})
    read.words(cast("Any", other), "what is gvhd", 40)
    read.words(index, "what is gvhd", 10)
    assert len(asked) == 3, "another index or another number is another search"


def test_without_an_index_the_second_look_still_reads() -> None:
    def none() -> Any:
        raise NoIndex("There is no index yet.")

    embedder = Embedder()
    assert a_reader(embedder, none).beside(["i want to die"]) == "vectors"
    assert embedder.passes == [([], ["i want to die"])]


def test_words_that_cannot_be_read_are_told_by_the_search_not_by_the_second_look() -> None:
    def search(text: str, k: int) -> list[str]:
        raise DamagedIndex("The index cannot be read.")

    index = an_index(search)
    read = a_reader(Embedder(), lambda: nullcontext(index))
    assert read.beside(["what is gvhd?"]) == "vectors"
    with pytest.raises(DamagedIndex):
        read.words(index, "what is gvhd", 40)
