"""What the second look raises. A part of the records, in a file of its own for its size."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """What the second look raises: a rule of red_flags.toml or crisis.toml, or `own-case`, and how
    sure it is (0 to 1); from `threshold` up it is raised."""

    rule_id: str
    score: float
    threshold: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the second look raises, each None where nothing is. `named` is the rule that it takes a
    message to mean which the rules alarmed on by its words alone."""

    alarm: Raised | None = None
    named: str | None = None
    own_case: Raised | None = None
