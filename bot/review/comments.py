"""What readers said of answers, read back from `var/feedback.jsonl`: numbers of all of it, and the
words of those who agreed that the care team may read them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

VERDICTS = ("helped", "did_not_help", "hard_to_understand", "looks_wrong")


class Words(BaseModel):
    """What a reader shared."""

    model_config = ConfigDict(frozen=True)

    question: str = ""
    answer: str = ""
    comment: str = ""


class Given(BaseModel):
    """One piece of feedback, as it was kept."""

    model_config = ConfigDict(frozen=True)

    at: str
    verdict: str
    outcome: str
    sources: tuple[str, ...] = ()
    index: str | None = None
    shared: Words | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How often each verdict of `VERDICTS` was given; `source_id` is None for all together."""

    source_id: str | None
    counts: tuple[int, ...]

    @property
    def all(self) -> int:
        return sum(self.counts)

    @property
    def bad(self) -> int:
        return self.all - self.counts[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """All feedback: in numbers, and what was shared, newest first. `unread` lines could not be
    read."""

    total: Tally
    by_source: tuple[Tally, ...]
    shared: tuple[Given, ...]
    unread: int


def read_feedback(path: Path) -> Feedback:
    """The feedback of a file; none where there is no file. Raises `OSError`."""
    given, unread = [], 0
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        lines = []
    for line in lines:
        try:
            given.append(Given.model_validate_json(line))
        except ValidationError:
            unread += 1
    sources = {source for g in given for source in g.sources}
    tallies = [_tally([g for g in given if s in g.sources], s) for s in sources]
    return Feedback(
        total=_tally(given, None),
        by_source=tuple(sorted(tallies, key=lambda t: (-t.bad, -t.all, t.source_id or ""))),
        shared=tuple(g for g in reversed(given) if g.shared),
        unread=unread,
    )


def _tally(given: Sequence[Given], source_id: str | None) -> Tally:
    counts = Counter(g.verdict for g in given)
    return Tally(source_id=source_id, counts=tuple(counts[v] for v in VERDICTS))
