"""What `python -m bot eval` runs: the chosen measures, printed, and written as JSON and HTML."""

from __future__ import annotations

import json
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import bot as package
from bot.answering.flow import Bot
from bot.errors import SettingsError
from bot.indexing.embedding import Embedder
from bot.settings import Settings
from evals import ablation, answers_eval, medquad, safety_eval
from evals.html_report import html_report
from evals.plain_recipe import ask_plain, plain_store
from evals.question_sets import SPLITS

KINDS = ("answers", "safety", "all", "medquad", "ablation")
_ANSWERS = ("answers", "ablation")
_SAFETY = ("dev", "test", "test2", "test3", "dev_es", "test_es", "test2_es")
DATA = Path("../shared/data")


def run(
    settings: Settings,
    what: str,
    split: str,
    *,
    json_file: Path | None = None,
    html_file: Path | None = None,
    data: Path = DATA,
    passages: int = 4000,
    questions: int = 1000,
) -> dict[str, Any]:
    """Measure, print, write. `all` is answers and safety; `passages` and `questions` size the
    sample of MedQuAD (0: all).

    Raises `SettingsError` for a kind or split that does not exist.
    """
    if what not in KINDS or split not in (SPLITS if what in _ANSWERS else _SAFETY):
        raise SettingsError(
            f"There is no {what} {split} evaluation.",
            hint=f"Use: python -m bot eval [{'|'.join(KINDS)}] --split [dev|test]; with "
            f"{' or '.join(_ANSWERS)} also --split [{'|'.join(SPLITS)}]",
        )
    report: dict[str, Any] = {
        "split": split,
        "about": f"{split} split, {date.today()}, version {package.__version__}",
    }
    if what in ("answers", "all", "safety"):
        bot = Bot.open(settings)
        try:
            bot.warm()
            if what != "safety":
                report["answers"] = _answers(bot, split)
            if what != "answers":
                report["safety"] = safety_eval.run(split, bot.ask)
                safety_eval.print_report(report["safety"])
        finally:
            bot.close()
    if what == "medquad":
        report["medquad"] = medquad.run(settings, data, passages=passages, questions=questions)
        print(
            f"MedQuAD: {report['medquad']['passages']:,} answers, "
            f"{report['medquad']['questions']:,} questions"
        )
        answers_eval.print_table(report["medquad"]["systems"])
    if what == "ablation":
        report["ablation"] = ablation.run(settings, split)
        answers_eval.print_table(report["ablation"]["systems"])
    if json_file is not None:
        json_file.write_text(json.dumps(report, indent=1, ensure_ascii=False), "utf-8")
    if html_file is not None:
        html_file.write_text(html_report(report, "Evaluation of Transplant Answers"), "utf-8")
    return report


def _answers(bot: Bot, split: str) -> dict[str, Any]:
    """Ours beside the plain recipe on the same documents and questions."""
    ours = answers_eval.run(split, answers_eval.ask_bot(bot))
    documents = [bot.document(source.source_id) for source in bot.sources()]
    with tempfile.TemporaryDirectory() as folder:
        store = plain_store(Path(folder), documents, Embedder(use_adapter=False))
        plain = answers_eval.run(split, ask_plain(store, documents))
    sections = [section for document in documents for section in document.sections]
    stored = [text for section in sections for text in (*section.heading[-1:], *section.asked)]
    return answers_eval.report({"ours": ours, "plain recipe": plain}, stored)
