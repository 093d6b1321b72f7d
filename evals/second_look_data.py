"""What the second look learns from: messages, the rule that each means, and whether it asks for a
decision about the person's own case."""

from __future__ import annotations

import tomllib
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bot.answering.second_look import HARMLESS
from bot.indexing.loading import load
from bot.rules import Rules
from evals.question_sets import load_items
from evals.safety_eval import cases

ROOT = Path(__file__).resolve().parent.parent
_ASKED_USED, _LEARNED_USED = 0.12, 0.5
"""Parts of the ways of asking and of the questions to learn from that are used: there are many, and
most are far from any sign."""
_FAMILY = {
    "breathing-told": "breathing", "line-open-breathless": "breathing",
    "bleeding-lasting": "bleeding-heavy", "head-injury": "brain", "rash-with": "rash-severe",
    "diarrhea-with": "diarrhea-severe",
}  # fmt: skip
_HINTS: dict[str, str | None] = {
    "sign_and_cause": None,  # batch 41 does not say which
    "plan": "crisis-danger", "overdose": "crisis-danger", "self_harm": "crisis-danger",
    "fever": "fever", "low_temp": "fever", "chills": "fever", "liver": "liver",
    "chest_pain": "chest-pain", "medicines": "medicines", "exposure": "exposure",
}  # fmt: skip
_BY_LEVEL = {
    "breathing": ("breathing", "cough", "cough"),
    "bleeding": ("bleeding-heavy", "bleeding", "bleeding"),
    "brain": ("brain-emergency", "brain", "brain"),
    "rash": ("rash-severe", "rash-severe", "rash"),
    "diarrhoea": ("diarrhea-severe", "diarrhea-severe", "diarrhea"),
    "urine": ("urine-blood", "urine-blood", "urine"),
    "line": ("breathing", "line", "line"),  # air in an open line ends in the lungs
}
"""The rule that a row of the red-flag table means: as emergency, urgent, call_today."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A message. `label`: a rule, `harmless`, or None where that is open.
    `own_case`: must it be declined; None where nobody has said. `kind` names the set."""

    text: str
    label: str | None
    own_case: bool | None
    origin: str
    kind: str
    levels: tuple[str, ...] = ()

    def emergency(self, levels: Mapping[str, str]) -> bool | None:
        """Does it tell of an emergency; None where that is open, or it is a crisis. Where nobody
        gave a level, that of the rule counts (`levels`, by rule)."""
        if self.label == HARMLESS:
            return False
        given = set(self.levels) or {levels.get(self.label or "", "crisis")}
        return None if "crisis" in given or len(given) > 1 else "emergency" in given


def examples(rules: Rules, from_batches: Sequence[str]) -> list[Example]:
    """All that is learned from, each message once (the first origin that holds it)."""
    by_text = {
        " ".join(rules.folded(text).words): rule
        for rule, texts in _toml("bot/rules/examples.toml")["examples"].items()
        for text in texts
    }
    requests = _requests()
    found: dict[str, Example] = {}
    for example in (*_safety(from_batches), *_cases(), *_listed(), *_answerable()):
        words = " ".join(rules.folded(example.text).words)
        label = example.label
        if label == "":
            label = by_text.get(words)
        if label is None:
            label = requests.get(example.text, HARMLESS if example.own_case else None)
        if words and words not in found:
            found[words] = replace(example, label=_FAMILY.get(label or "", label))
    return list(found.values())


def _requests() -> dict[str, str | None]:
    """What a request tells of beside what it asks for, of those that are not plainly harmless."""
    read = _toml("evals/safety/requests.toml")
    signs = {text: rule for rule, texts in read["signs"].items() for text in texts}
    return signs | dict.fromkeys(read["open"])


def _toml(path: str) -> dict:
    return tomllib.loads((ROOT / path).read_text("utf-8"))


def _safety(from_batches: Sequence[str]) -> Iterable[Example]:
    for split in ("dev", *from_batches):
        for kind in ("red_flags", "crisis", "harmless", "crisis_lookalike", "scope", "scope_ok"):
            for case in cases(kind, split):
                if case.question.history:
                    continue
                own = {"scope": True, "scope_ok": False}.get(kind)
                yield Example(
                    text=case.question.text,
                    label=_label(kind, case.rule, case.expect),
                    own_case=own,
                    origin=split,
                    kind=kind,
                    levels=case.expect,
                )


def _label(kind: str, hint: str, levels: tuple[str, ...]) -> str | None:
    if kind == "scope":
        return None
    if kind == "crisis":
        return _HINTS.get(hint, "crisis-thoughts")
    if kind != "red_flags":
        return HARMLESS
    place = 0 if "emergency" in levels else 2 if "call_today" in levels else 1
    return _BY_LEVEL[hint][place] if hint in _BY_LEVEL else _HINTS[hint]


def _cases() -> Iterable[Example]:
    for path in sorted((ROOT / "tests/safety_cases").glob("*.toml")):
        scope = path.stem.startswith("scope")
        for kind, texts in _toml(f"tests/safety_cases/{path.name}").items():
            if kind == "talk" or path.stem == "points_unseen":
                continue
            label: str | None = ""  # what rule it means stands in examples.toml
            if kind in ("none", "harmless", "general"):
                label = HARMLESS
            elif scope:
                label = None
            for text in texts:
                yield Example(
                    text=text,
                    label=label,
                    own_case=kind != "general" if scope else None,
                    origin="cases",
                    kind=path.stem,
                )


def _listed() -> Iterable[Example]:
    for rule, texts in _toml("bot/rules/examples.toml")["examples"].items():
        for text in texts:
            yield Example(text=text, label=rule, own_case=None, origin="cases", kind="examples")


def _answerable() -> Iterable[Example]:
    """Ways of asking, development questions and those of `learn`: nothing of them may be hidden
    behind a card. Those that tell of a sign, or may, say nothing here."""
    left_out = told_or_unclear()
    for path in sorted((ROOT / "knowledge").glob("*.md")):
        for section in load(path.name, path.read_bytes()).sections:
            for text in section.asked:
                if text not in left_out and _part(text) < _ASKED_USED:
                    yield Example(
                        text=text, label=HARMLESS, own_case=False, origin="asked", kind="asked"
                    )
    for item in (*load_items("dev"), *load_items("learn")):
        if item.question.text in left_out or item.question.history:
            continue
        if item.split == "learn" and _part(item.question.text) >= _LEARNED_USED:
            continue
        if item.answerable or item.split == "learn":
            yield Example(
                text=item.question.text,
                label=HARMLESS,
                # What nothing answers may ask for a decision, too. Of what strangers wrote a
                # reader took that out.
                own_case=False if item.answerable or item.by_stranger else None,
                origin="asked",
                kind="answerable",
            )


def told_or_unclear() -> set[str]:
    """Ways of asking and questions that tell of a sign or ask for a decision, or may."""
    labels = _toml("evals/safety/asked.toml")
    return {*labels["told"], *labels["unclear"]}


def _part(text: str) -> float:
    """A number from 0 to 1 that depends on the text alone."""
    return zlib.crc32(text.encode()) / 2**32
