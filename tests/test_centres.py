"""Centres: how near a question is to what the model was trained to tell apart."""

from __future__ import annotations

import math

import pytest

from bot.answering.answerability import Judge, load_model
from bot.answering.centres import Centres
from bot.answering.flow import Bot
from bot.indexing.embedding import centre_key, gap_key
from bot.records import Query, Question, Retrieved
from tests.builders import a_document, a_hit, chunks_of

ASKED = "## What is it?\n<!-- asked\n- what is it\n- explain it\n-->\n\nIt is a thing."
CHUNK = chunks_of(a_document(ASKED))[0]
PLAIN = chunks_of(a_document("## What is it?\n\nIt is a thing."))[0]
CENTRES = {
    centre_key(("what is it", "explain it")): [1.0, 0.0],
    gap_key("cars"): [0.0, 1.0],
    gap_key("boats"): [-1.0, 0.0],
}


def nearness(chunk: object, gaps: tuple[str, ...], asked: list[float]) -> tuple[object, object]:
    found = Retrieved(hits=(a_hit(chunk),))  # type: ignore[arg-type]
    centres = Centres(CENTRES, map(gap_key, gaps), centre_key)
    made = centres(found, centres.shares(asked))
    return made.section_share, made.gap_share


def test_the_section_of_the_first_hit_and_all_gaps_of_this_index_have_shares() -> None:
    one = 1 / (1 + math.exp(-25 * 0.2))  # boats lie so far away that they have next to nothing
    section, gaps = nearness(CHUNK, ("cars", "boats"), [0.6, 0.8])
    assert (section, gaps) == (pytest.approx(1 - one, abs=1e-6), pytest.approx(one, abs=1e-6))
    section, gaps = nearness(CHUNK, ("boats", "not trained"), [0.6, 0.8])
    assert (section, gaps) == (pytest.approx(1 - one, abs=1e-6), pytest.approx(0, abs=1e-6))


def test_where_nothing_was_trained_there_is_no_centre() -> None:
    assert nearness(PLAIN, ("cars",), [0.6, 0.8])[0] is None
    assert nearness(CHUNK, (), [0.6, 0.8]) == (None, None)
    changed = chunks_of(a_document(ASKED.replace("explain it", "explain that")))[0]
    assert nearness(changed, ("cars",), [0.6, 0.8])[0] is None
    empty = Retrieved(hits=())
    centres = Centres(CENTRES, (gap_key("cars"),), centre_key)
    assert centres(empty, centres.shares([1.0, 0.0])) is empty


def test_each_hit_has_the_share_of_its_section() -> None:
    centres = Centres(CENTRES, (gap_key("cars"),), centre_key)
    hits = (a_hit(PLAIN), a_hit(CHUNK))
    first, second = centres.of(hits, centres.shares([1.0, 0.0]))
    assert first is None
    assert second == pytest.approx(1.0, abs=1e-3)
    assert centres.of(hits, Centres(CENTRES, (), centre_key).shares([1.0, 0.0])) == [None, None]


def test_the_judge_has_weights_of_their_own_for_what_was_trained_and_where_no_gaps_are_known() -> (
    None
):
    judge = Judge(load_model(), lambda stem: True)
    asked = Query(text="what is it")
    hit = a_hit(CHUNK, asked_mean=0.8)
    kinds = {
        "trained": Retrieved(hits=(hit,), gap_similarity=0.4, section_share=0.7, gap_share=0.1),
        "asked": Retrieved(hits=(hit,), gap_similarity=0.4),
        "plain": Retrieved(hits=(a_hit(PLAIN),), gap_similarity=0.4, gap_share=0.1),
        "asked_alone": Retrieved(hits=(hit,)),
        "plain_alone": Retrieved(hits=(a_hit(PLAIN),)),
    }
    thresholds = {kind: judge(asked, found).threshold for kind, found in kinds.items()}
    model = load_model()
    assert thresholds == {kind: getattr(model, kind).threshold for kind in kinds}
    far = Retrieved(hits=(hit,), gap_similarity=0.4, section_share=0.1, gap_share=0.7)
    assert judge(asked, far).score < judge(asked, kinds["trained"]).score


def test_the_guides_have_theirs(real_bot: Bot) -> None:
    found = real_bot.retrieve("What is chronic GVHD?")
    assert found.section_share is not None
    assert found.gap_share is not None
    assert found.section_share > found.gap_share
    away = real_bot.ask(Question(text="what is the capital of France")).trace.retrieved
    assert away is not None
    assert away.gap_share is not None
    assert away.section_share is None or away.section_share < away.gap_share
