"""The last order of the hits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bot.answering.flow import Bot
from bot.answering.ranking import SIGNS, Ranker, RankWeights, load_rank_weights, signs
from bot.errors import RulesError
from bot.order import best_first, hit_worth
from bot.records import Hit, Retrieved
from tests.builders import a_document, chunks_of

A, B, C = (
    Hit(chunk=chunk, score=score, asked_similarity=0.5, asked_mean=0.4, words=5.0)
    for name, score in (("a.md", 0.8), ("b.md", 0.7), ("c.md", 0.6))
    for chunk in chunks_of(a_document("Same words here.", name=name))
)
WEIGHTS = RankWeights(intercept=0.1, score=1.0, asked=0.2, asked_mean=0.3, words=0.1, share=0.05)


def order(hits: tuple[Hit, ...], shares: list[float | None]) -> list[Hit]:
    return list(Ranker(WEIGHTS)(Retrieved(hits=hits), shares).hits)


def test_the_share_of_its_section_lifts_a_hit() -> None:
    assert [h.chunk for h in order((A, B), [0.01, 0.9])] == [B.chunk, A.chunk]
    assert [h.chunk for h in order((A, B), [0.3, 0.3])] == [A.chunk, B.chunk]


def test_what_was_not_trained_on_keeps_its_score() -> None:
    first, second = order((A, B), [None, 0.5])
    assert {first.chunk: first.score, second.chunk: second.score}[A.chunk] == A.score
    assert order((A, B, C), [None, None, None]) == [A, B, C]


def test_a_score_is_the_sum_of_what_its_signs_weigh() -> None:
    (hit,) = order((A,), [0.5])
    weights = np.array([getattr(WEIGHTS, name) for name in SIGNS])
    assert hit.score == pytest.approx(WEIGHTS.intercept + weights @ np.array(signs(A, 0.5)))
    assert signs(replace(A, asked_similarity=None), 0.5)[SIGNS.index("asked")] == 0.4
    assert signs(A, 0.0) == signs(A, 0.001), "a share has a floor"


def test_priority_decides_between_near_equals() -> None:
    wanted = replace(
        B, chunk=replace(B.chunk, source=replace(B.chunk.source, priority=2)), score=0.77
    )
    assert order((A, wanted), [0.5, 0.5])[0].chunk == wanted.chunk


def test_the_bot_puts_its_hits_in_this_order(
    real_bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = "when will my hair grow back"
    usual = [hit.chunk.chunk_id for hit in real_bot.retrieve(asked).hits]

    def turned(retrieved: Retrieved, shares: list[float | None]) -> Retrieved:
        assert any(share is not None for share in shares)
        return replace(retrieved, hits=retrieved.hits[::-1])

    monkeypatch.setattr(real_bot._find, "_ranker", turned)
    turned_round = [hit.chunk.chunk_id for hit in real_bot.retrieve(asked).hits]
    assert turned_round[0] != usual[0]


def test_broken_weights_are_named(tmp_path: Path) -> None:
    assert load_rank_weights().asked_mean > 0
    broken = tmp_path / "ranking.toml"
    broken.write_text("score = 1.0", "utf-8")
    with pytest.raises(RulesError, match=r"ranking\.toml"):
        load_rank_weights(broken)


def test_a_question_stored_word_for_word_is_not_held_back_by_a_low_priority() -> None:
    guide, entry = (
        Hit(chunk=chunk, score=score, asked_similarity=asked)
        for name, front, score, asked in (
            ("guide.md", "", 0.97, 0.89),
            ("glossary.md", "priority: -3\n", 1.05, 0.9),
        )
        for chunk in chunks_of(a_document("Same words here.", name=name, front=front))
    )
    assert best_first((guide, entry)) == (guide, entry)
    the_very_words = replace(entry, asked_similarity=1.0)
    assert best_first((guide, the_very_words)) == (the_very_words, guide)
    assert hit_worth(the_very_words) == the_very_words.score
