"""Each part of retrieval and answerability switched off in turn, on the same questions.

    python -m bot eval ablation --split dev

Weights and thresholds are not fitted anew for a variant, but for the one without adapter: what it
loses is what the part brings in the product as it stands.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bot.answering.flow import Bot
from bot.indexing.flow import ingest
from bot.settings import Settings
from evals import answers_eval

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


def _retrieval(**values: float) -> Callable[[Settings], Settings]:
    def change(settings: Settings) -> Settings:
        return settings.model_copy(
            update={"retrieval": settings.retrieval.model_copy(update=values)}
        )

    return change


VARIANTS: dict[str, Callable[[Settings], Settings]] = {
    "whole": lambda settings: settings,
    "no ways of asking": _retrieval(asked_weight=0.0, asked_mean_weight=0.0),
    "no mean of three": _retrieval(asked_mean_weight=0.0),
    "no passages": _retrieval(passage_weight=0.0),
    "no headings": _retrieval(heading_weight=0.0),
    "no words": _retrieval(lexical_weight=0.0),
    "one passage only": lambda settings: settings.model_copy(
        update={"answering": settings.answering.model_copy(update={"nearby": 0.0})}
    ),
}


def run(settings: Settings, split: str) -> dict[str, Any]:
    """The measures of every variant, and without the model's adapter on an index of its own."""
    systems = {name: _measure(change(settings), split) for name, change in VARIANTS.items()}
    with tempfile.TemporaryDirectory() as scratch:
        bare = settings.model_copy(
            update={
                "paths": settings.paths.model_copy(update={"var": Path(scratch)}),
                "embedding": settings.embedding.model_copy(update={"adapter": False}),
            }
        )
        ingest(bare)
        systems["no adapter"] = _measure(bare, split)
    return {"split": split, "systems": systems}


def _measure(settings: Settings, split: str) -> dict[str, Any]:
    bot = Bot.open(settings)
    try:
        bot.warm()
        outcomes = answers_eval.run(split, answers_eval.ask_bot(bot))
    finally:
        bot.close()
    found = answers_eval.figures(outcomes)
    return {name: found[name] for name in MEASURES}
