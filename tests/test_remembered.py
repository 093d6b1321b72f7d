"""What is remembered: made once, the least used go first, safe from several threads."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from bot.answering.remembered import Remembered


class Counting:
    def __init__(self) -> None:
        self.texts: list[str] = []

    def __call__(self, texts: list[str]) -> Sequence[Sequence[float]]:
        self.texts += texts
        return [[float(len(text)), 0.5] for text in texts]


def test_each_text_is_made_once_and_comes_back_in_order() -> None:
    embed = Counting()
    vectors = Remembered(embed, most=99)
    first = vectors(["bb", "a", "bb"])
    assert [float(v[0]) for v in first] == [2.0, 1.0, 2.0]
    assert [float(v[0]) for v in vectors(["a", "ccc"])] == [1.0, 3.0]
    assert embed.texts == ["bb", "a", "ccc"]


def test_the_least_used_go_first() -> None:
    embed = Counting()
    vectors = Remembered(embed, most=2)
    vectors(["a", "bb"])
    vectors(["a"])
    vectors(["ccc"])
    vectors(["a"])
    assert embed.texts == ["a", "bb", "ccc"]
    vectors(["bb"])
    assert embed.texts[-1] == "bb"


def test_threads_that_push_each_other_out_still_get_their_vectors() -> None:
    vectors = Remembered(Counting(), most=3)
    asked = [["x" * (1 + (n * k) % 9) for k in range(1, 8)] for n in range(1, 200)]
    with ThreadPoolExecutor(8) as pool:
        for texts, found in zip(asked, pool.map(vectors, asked), strict=True):
            assert [float(v[0]) for v in found] == [len(t) for t in texts]
