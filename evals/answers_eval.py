"""Measures answers: is the section found, are the facts in the answer, is an honest no said.

An answered question counts as wrong when nothing in the documents answers it, or when the answer
holds none of the facts and cites none of the sections that do.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bot.answering.citing import offered
from bot.answering.flow import Bot
from bot.errors import QuestionError
from bot.records import Answer, CitedStatement
from bot.text import flesch_kincaid, words
from evals.likeness import near_copies
from evals.metrics import (
    auc,
    mean_reciprocal_rank,
    ndcg_at,
    percentile,
    precision_recall_f1,
    recall_at,
    risk_coverage,
)
from evals.question_sets import Item, load_items

APART = (
    "questions",
    "answerable",
    "section_recall@1",
    "section_recall@3",
    "answered_of_answerable",
    "answered_with_all_facts",
    "unanswerable_not_answered",
    "wrong_answers_shown",
    "abstention_auc",
)
"""The figures that are also given apart for questions that the guides store, or nearly so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one system did with one question."""

    item: Item
    outcome: str
    text: str
    found: tuple[tuple[str, str], ...]
    cited: tuple[tuple[str, str], ...]
    score: float
    citations_exact: bool
    milliseconds: float
    offered: tuple[tuple[str, str], ...] = ()
    """Sections whose headings may be asked instead, where nothing was answered."""
    supported: tuple[bool, ...] = ()
    """For each statement: do its quotes hold it?"""
    needed: tuple[bool, ...] = ()
    """For each citation of a statement: does its quote bear on the statement?"""

    @property
    def answered(self) -> bool:
        return self.outcome == "answered"

    @property
    def facts(self) -> int:
        return sum(1 for f in self.item.facts if f.search(self.text))

    @property
    def complete(self) -> bool:
        return self.answered and self.facts == len(self.item.facts)

    @property
    def wrong(self) -> bool:
        if not self.answered:
            return False
        if not self.item.answerable:
            return True
        right_place = set(self.cited) & set(self.item.sections)
        return not right_place and not self.facts

    @property
    def at_hand(self) -> bool:
        """Does the answer cite, or are the questions offered instead of one about, a section that
        answers?"""
        shown = self.cited if self.answered else self.offered
        return bool(set(shown) & set(self.item.sections))

    @property
    def rank(self) -> int | None:
        wanted = set(self.item.sections)
        return next((n for n, s in enumerate(self.found, 1) if s in wanted), None)


def ask_bot(bot: Bot) -> Callable[[Item], Outcome]:
    """Our own system."""

    def run(item: Item) -> Outcome:
        started = time.perf_counter()
        try:
            answer = bot.ask(item.question)
        except QuestionError as error:
            return _refused(item, str(error))
        spent = (time.perf_counter() - started) * 1000
        found = _sections_found(answer)
        return Outcome(
            item=item,
            outcome=answer.outcome,
            text=" ".join(s.text for s in answer.statements),
            found=found,
            cited=tuple(
                dict.fromkeys((c.source.source_id, c.heading[-1]) for c in answer.citations)
            ),
            score=answer.trace.verdict.score if answer.trace.verdict else 0.0,
            citations_exact=all(
                c.span.of(bot.document(c.source.source_id).text) == c.quote
                for c in answer.citations
            )
            and all(s.citations for s in answer.statements),
            milliseconds=spent,
            offered=tuple((r.source.source_id, r.heading[-1]) for r in offered(answer)),
            supported=tuple(_supported(s.text, _quotes(answer, s)) for s in answer.statements),
            needed=tuple(
                _supported(quote, [s.text])
                for s in answer.statements
                for quote in _quotes(answer, s)
            ),
        )

    return run


def _quotes(answer: Answer, statement: CitedStatement) -> list[str]:
    quotes = {c.number: c.quote for c in answer.citations}
    return [quotes[n] for n in statement.citations if n in quotes]


def _supported(claim: str, evidence: Sequence[str]) -> bool:
    """Whether the evidence says the claim word for word, list marks and white space aside. ALCE
    asks a model for entailment; our writer quotes, so nothing less than the words will do."""
    plain = " ".join(words(claim))
    return any(plain in " ".join(words(text)) for text in evidence)


def _refused(item: Item, why: str) -> Outcome:
    return Outcome(
        item=item,
        outcome="refused",
        text=why,
        found=(),
        cited=(),
        score=0.0,
        citations_exact=True,
        milliseconds=0.0,
    )


def _sections_found(answer: Answer) -> tuple[tuple[str, str], ...]:
    if answer.trace.retrieved is None:
        return ()
    return tuple(
        dict.fromkeys(
            (h.chunk.source.source_id, h.chunk.heading[-1]) for h in answer.trace.retrieved.hits
        )
    )


def run(split: str, ask: Callable[[Item], Outcome]) -> list[Outcome]:
    return [ask(item) for item in load_items(split)]


def figures(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """All measures of one system on one split."""
    answerable = [o for o in outcomes if o.item.answerable]
    single = [o for o in answerable if not o.item.question.history]
    multi = [o for o in answerable if o.item.question.history]
    unanswerable = [o for o in outcomes if not o.item.answerable]
    answered = [o for o in outcomes if o.answered]
    ranks = [o.rank for o in answerable]
    silent = [not o.answered for o in outcomes]
    precision, recall, f1 = precision_recall_f1(silent, [not o.item.answerable for o in outcomes])
    lengths = [len(words(o.text)) for o in answered]
    return {
        "questions": len(outcomes),
        "answerable": len(answerable),
        "unanswerable": len(unanswerable),
        "section_recall@1": recall_at(ranks, 1),
        "section_recall@3": recall_at(ranks, 3),
        "section_recall@10": recall_at(ranks, 10),
        "mrr": mean_reciprocal_rank(ranks),
        "ndcg@10": ndcg_at(
            [[s in set(o.item.sections) for s in o.found] for o in answerable],
            [len(o.item.sections) for o in answerable],
            10,
        ),
        "answered_with_all_facts": _share(answerable, lambda o: o.complete),
        "answered_with_all_facts_single": _share(single, lambda o: o.complete),
        "answered_with_all_facts_follow_ups": _share(multi, lambda o: o.complete),
        "facts_covered": sum(o.facts for o in answerable if o.answered)
        / max(1, sum(len(o.item.facts) for o in answerable)),
        "answered_of_answerable": _share(answerable, lambda o: o.answered),
        "answered_right_or_right_section_offered": _share(answerable, lambda o: o.at_hand),
        "unanswerable_but_questions_offered": _share(unanswerable, lambda o: bool(o.offered)),
        "unanswerable_not_answered": _share(unanswerable, lambda o: not o.answered),
        "wrong_answers_shown": _share(outcomes, lambda o: o.wrong),
        "wrong_among_answered": _share(answered, lambda o: o.wrong),
        "abstention_precision": precision,
        "abstention_recall": recall,
        "abstention_f1": f1,
        "abstention_auc": auc([o.score for o in answerable], [o.score for o in unanswerable]),
        "citation_recall": _true([o.supported for o in answered]),
        "citation_precision": _true([o.needed for o in answered]),
        "citations_exact": _share(answered, lambda o: o.citations_exact),
        "cited_section_right": _share(
            [o for o in answered if o.item.answerable],
            lambda o: bool(set(o.cited) & set(o.item.sections)),
        ),
        "answer_words_median": statistics.median(lengths) if lengths else 0,
        "answer_grade_median": statistics.median([flesch_kincaid(o.text) for o in answered])
        if answered
        else 0.0,
        "ms_p50": percentile([o.milliseconds for o in outcomes], 0.5),
        "ms_p95": percentile([o.milliseconds for o in outcomes], 0.95),
    }


def _share(outcomes: Sequence[Outcome], test: Callable[[Outcome], bool]) -> float:
    return sum(1 for o in outcomes if test(o)) / len(outcomes) if outcomes else float("nan")


def _true(found: Sequence[Sequence[bool]]) -> float:
    """Share of True over all; 0 where there is nothing (an answer without citations)."""
    flat = [value for values in found for value in values]
    return sum(flat) / len(flat) if flat else 0.0


def curve(outcomes: Sequence[Outcome]) -> list[tuple[float, float]]:
    """Risk-coverage: an answer is good when the first section found is one that answers."""
    return risk_coverage([(o.score, o.item.answerable and o.rank == 1) for o in outcomes])


def worst(outcomes: Sequence[Outcome], most: int) -> list[str]:
    """The cases that went wrong, worst first: wrong answers, then silence, then missing facts."""
    bad = [o for o in outcomes if o.wrong]
    bad += [o for o in outcomes if o.item.answerable and not o.answered]
    bad += [o for o in outcomes if o.answered and not o.wrong and not o.complete and o.item.facts]
    return [
        f"{o.item.id} [{o.outcome}, score {o.score:.2f}, rank {o.rank}] {o.item.question.text}"
        f" -> {o.text[:160]!r}"
        for o in bad[:most]
    ]


def report(systems: dict[str, Sequence[Outcome]], stored: Sequence[str]) -> dict[str, Any]:
    """Print the systems side by side, apart for near copies of the `stored` questions, and the
    worst cases of the first; the same as data."""
    tables = {name: figures(outcomes) for name, outcomes in systems.items()}
    ours = next(iter(systems.values()))
    found: dict[str, Any] = {
        "systems": tables,
        "near_copies": apart(systems, stored),
        "risk_coverage": {name: curve(outcomes) for name, outcomes in systems.items()},
        "by_kind": _by_kind(ours),
        "scores": {
            "answerable": [o.score for o in ours if o.item.answerable],
            "unanswerable": [o.score for o in ours if not o.item.answerable],
        },
        "worst": worst(ours, 20),
    }
    print_table(tables)
    print("\nnear copies of questions that the guides store, and all others")
    print_table(found["near_copies"])
    print("\nby kind of question")
    print_table(found["by_kind"])
    print("\nworst cases")
    for line in found["worst"]:
        print(" ", line)
    return found


def apart(
    systems: dict[str, Sequence[Outcome]], stored: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """The main figures of each system where the question is a near copy of one that the guides
    store, and where it is not (evals/likeness.py)."""
    asked = [o.item.question.text for o in next(iter(systems.values()))]
    copied = near_copies(asked, stored)
    found = {}
    for name, outcomes in systems.items():
        for what, wanted in (("near copies", True), ("others", False)):
            some = [o for o, copy in zip(outcomes, copied, strict=True) if copy is wanted]
            if some:
                all_figures = figures(some)
                found[f"{name}, {what}"] = {key: all_figures[key] for key in APART}
    return found


def _by_kind(outcomes: Sequence[Outcome]) -> dict[str, dict[str, Any]]:
    kinds: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        kinds.setdefault(outcome.item.register or outcome.item.kind, []).append(outcome)
    return {
        kind: {
            "questions": len(found),
            "answered": _share(found, lambda o: o.answered),
            "all facts": _share(found, lambda o: o.complete),
            "wrong": _share(found, lambda o: o.wrong),
        }
        for kind, found in sorted(kinds.items())
    }


def print_table(columns: dict[str, dict[str, Any]]) -> None:
    """Print the systems side by side."""
    names = list(columns)
    width = max(map(len, names), default=10) + 2
    print(f"{'':36}" + "".join(f"{n:>{width}}" for n in names))
    for key in next(iter(columns.values())):
        cells = [columns[n].get(key) for n in names]
        shown = [f"{c:.3f}" if isinstance(c, float) else str(c) for c in cells]
        print(f"{key:36}" + "".join(f"{c:>{width}}" for c in shown))
