"""What a reader said of the transplant decides between near equals, and nothing else.

Only the leading hits whose scores lie within a small margin are put in another order. No hit comes
in, none goes out; triage, scope and answerability never see what was said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bot.messages import Preference, load_messages
from bot.records import About, Hit, TransplantKind, TransplantStage

MARGIN: Final = 0.03
"""How much lower than the first hit another may score to count as its near equal: one step of
front matter `priority`.
"""
SISTER_MARGIN: Final = 0.18
"""The same, where the first section is headed for the other kind of transplant and another one of
its document for the reader's.
"""

_KIND_WORDS: Final[Mapping[TransplantKind, re.Pattern[str]]] = {
    "own": re.compile(
        r"\b(?:autologous|autografts?|auto transplants?|your own (?:stem )?cells|own[- ]cells?)\b",
        re.IGNORECASE,
    ),
    "donor": re.compile(
        r"\b(?:allogeneic|allografts?|allo transplants?|donor'?s?|gvhd|graft-versus-host)\b",
        re.IGNORECASE,
    ),
}
_STAGE_WORDS: Final[Mapping[TransplantStage, re.Pattern[str]]] = {
    "before": re.compile(
        r"\b(?:before (?:the |your |a )?transplant|get(?:ting)? ready|evaluation|eligib\w+|"
        r"finding a donor|collect(?:ed|ing|ion))\b",
        re.IGNORECASE,
    ),
    "hospital": re.compile(
        r"\b(?:in (?:the )?hospital|hospital stay|conditioning|infusion|day zero|isolation|"
        r"engraftment|ward)\b",
        re.IGNORECASE,
    ),
    "first_100_days": re.compile(
        r"\b(?:first (?:30|100) days|first (?:days|weeks|months)|day 100|go(?:ing)? home|"
        r"at home|early)\b",
        re.IGNORECASE,
    ),
    "later": re.compile(
        r"\b(?:later|late effects|long[- ]term|first year|a year|years|chronic)\b", re.IGNORECASE
    ),
}
_STAGE_TOPICS: Final[Mapping[str, TransplantStage]] = {
    "before transplant": "before",
    "in hospital": "hospital",
    "going home": "first_100_days",
    "later life": "later",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferred:
    """The same hits, perhaps in another order; `notice` tells the reader where the order changed
    the passage that comes first."""

    hits: tuple[Hit, ...]
    notice: str | None = None


def prefer(hits: Sequence[Hit], about: About | None, words: Preference | None = None) -> Preferred:
    """Put the near equals of the first hit that fit `about` before those that do not. `words` are
    those of the notice, English ones unless given."""
    unchanged = Preferred(hits=tuple(hits))
    if about is None or not hits or not (about.kind or about.stage):
        return unchanged
    near = 0
    while near < len(hits) and abs(hits[near].score - hits[0].score) <= MARGIN:
        near += 1
    ordered = [*sorted(hits[:near], key=lambda hit: -_fit(hit, about)), *hits[near:]]
    if sister := _sister(hits, about):
        ordered.remove(sister)
        ordered.insert(0, sister)
    if ordered[0] is hits[0]:
        return unchanged
    return Preferred(
        hits=tuple(ordered), notice=_notice(about, words or load_messages().preference)
    )


def _sister(hits: Sequence[Hit], about: About) -> Hit | None:
    """The section for the reader's kind of transplant beside a first one for the other kind."""
    first, kind = hits[0], About(kind=about.kind)
    if _fit(first, kind) > -2:
        return None
    return next(
        (
            hit
            for hit in hits[1:]
            if hit.chunk.source.source_id == first.chunk.source.source_id
            and first.score - hit.score <= SISTER_MARGIN
            and _fit(hit, kind) == 2
        ),
        None,
    )


def _fit(hit: Hit, about: About) -> int:
    """2 where heading or title speak of it, 1 where the text does, -1 or -2 where they speak of
    the other kind alone; for the stage likewise, without a penalty."""
    chunk = hit.chunk
    place = " ".join((chunk.source.title, *chunk.heading))
    fit = 0
    if about.kind:
        other: TransplantKind = "donor" if about.kind == "own" else "own"
        for text, weight in ((place, 2), (chunk.text, 1)):
            wanted = bool(_KIND_WORDS[about.kind].search(text))
            unwanted = bool(_KIND_WORDS[other].search(text))
            if wanted != unwanted:
                fit += weight if wanted else -weight
                break
    if about.stage:
        topic = (chunk.source.topic or "").casefold()
        words = _STAGE_WORDS[about.stage]
        if _STAGE_TOPICS.get(topic) == about.stage or words.search(place):
            fit += 2
        elif words.search(chunk.text):
            fit += 1
    return fit


def _notice(about: About, words: Preference) -> str:
    said = [words.kind[about.kind]] if about.kind else []
    said += [words.stage[about.stage]] if about.stage else []
    return words.notice.format(said=words.joined.join(said))
