"""Each part of retrieval and answerability switched off in turn, on the same questions.

    python -m bot eval ablation --split dev

Weights and thresholds are not fitted anew for a variant, but for the one without adapter: what it
loses is what the part brings in the product as it stands.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from bot.answering.flow import Bot
from bot.indexing.flow import ingest
from bot.settings import Settings
from evals import answers_eval
from evals.changed_settings import changed

MEASURES = (
    "section_recall@1",
    "section_recall@3",
    "section_recall@10",
    "mrr",
    "answered_of_answerable",
    "answered_with_all_facts",
    "unanswerable_not_answered",
    "wrong_answers_shown",
    "abstention_auc",
    "ms_p50",
)


VARIANTS: dict[str, dict[str, dict[str, Any]]] = {
    "whole": {},
    "no ways of asking": {"retrieval": {"asked_weight": 0.0, "asked_mean_weight": 0.0}},
    "no mean of three": {"retrieval": {"asked_mean_weight": 0.0}},
    "no passages": {"retrieval": {"passage_weight": 0.0}},
    "no headings": {"retrieval": {"heading_weight": 0.0}},
    "no words": {"retrieval": {"lexical_weight": 0.0}},
    "no closer reading": {"retrieval": {"reranker": "none"}},
    "one passage only": {"answering": {"nearby": 0.0}},
}
"""Values changed for each variant, by group of settings."""


def run(settings: Settings, split: str) -> dict[str, Any]:
    """The measures of every variant, without the centres of what was trained, and without the
    adapter and the model for questions on an index of its own."""
    systems = {
        name: _measure(changed(settings, **groups), split) for name, groups in VARIANTS.items()
    }
    systems["no centres"] = _measure(settings, split, centres=False)
    with tempfile.TemporaryDirectory() as scratch:
        bare = changed(settings, paths={"var": Path(scratch)}, embedding={"adapter": False})
        ingest(bare)
        systems["no adapter, no tuned"] = _measure(bare, split)
    return {"split": split, "systems": systems}


def _measure(settings: Settings, split: str, *, centres: bool = True) -> dict[str, Any]:
    bot = Bot.open(settings)
    if not centres:
        bot._embedder.__dict__["centres"] = {}
    try:
        bot.warm()
        outcomes = answers_eval.run(split, answers_eval.ask_bot(bot))
    finally:
        bot.close()
    found = answers_eval.figures(outcomes)
    return {name: found[name] for name in MEASURES}
