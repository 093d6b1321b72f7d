"""Known gaps: questions near the topic that no document answers, grouped by what they ask for.

They are indexed as a class of their own: a question nearer to a gap than to any stored way of
asking is not answered. Staff read the file as the list of what the knowledge base lacks.
"""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.errors import RulesError

FILE_NAME = "not-covered.toml"


class Gap(BaseModel):
    """One group of questions that are not covered. `instead` is shown to the reader."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    group: str = Field(pattern=r"^[a-z0-9-]+$")
    instead: str = Field(min_length=10)
    questions: tuple[str, ...] = Field(min_length=1)


class Gaps(BaseModel):
    """All groups of one file, and a hash of its content."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    gap: tuple[Gap, ...] = ()
    hash: str = ""


def load_gaps(folder: Path) -> Gaps:
    """The gaps of a knowledge folder; none where it has no such file.

    Raises `RulesError` naming the file and the problem.
    """
    path = folder / FILE_NAME
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Gaps()
    except OSError as error:
        raise _unusable(path, f"cannot be read: {error.strerror or error}") from None
    try:
        gaps = Gaps(**tomllib.loads(data.decode("utf-8")))
    except (ValueError, ValidationError) as error:
        raise _unusable(path, f"cannot be used: {error}") from None
    names = [gap.group for gap in gaps.gap]
    if len(names) != len(set(names)):
        raise _unusable(path, "uses a group name twice")
    return gaps.model_copy(update={"hash": hashlib.sha256(data).hexdigest()})


def _unusable(path: Path, why: str) -> RulesError:
    return RulesError(f"{path} {why}", hint="Correct this file, then run: python ingest.py")
