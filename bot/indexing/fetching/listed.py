"""The list of addresses that an operator writes: `sources.toml` (docs/fetching.md)."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from bot.errors import SourceListError

TYPES: dict[str, tuple[str, ...]] = {
    ".html": ("text/html", "application/xhtml+xml"),
    ".htm": ("text/html", "application/xhtml+xml"),
    ".xhtml": ("text/html", "application/xhtml+xml"),
    ".pdf": ("application/pdf",),
    ".docx": ("application/vnd.openxmlformats-officedocument.wordprocessingml.document",),
    ".md": ("text/markdown", "text/plain"),
    ".txt": ("text/plain",),
}
"""What a server must say that it sends, by the ending of the file's name."""

_PART = r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}"
_NAME = re.compile(rf"({_PART}/){{0,3}}{_PART}\Z")

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_Part):
    """One address. `name` is the file below the list's folder; the rest goes into its sidecar."""

    url: str
    name: str
    title: Words
    publisher: Words
    licence: Words
    note: Words | None = None
    language: Words | None = None
    audience: Words | None = None
    topic: Words | None = None
    priority: int | None = Field(default=None, ge=-9, le=9)
    published: date | None = None
    reviewed: date | None = None
    review_by: date | None = None

    @field_validator("url")
    @classmethod
    def _address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("write the whole address, with https://")
        if parts.username or parts.password:
            raise ValueError("an address with a user name or password is not fetched")
        return value.partition("#")[0]

    @field_validator("name")
    @classmethod
    def _file(cls, value: str) -> str:
        if not _NAME.match(value) or ".." in value:
            raise ValueError("use letters, digits, '.', '_' and '-', such as nhs/transplant.html")
        if Path(value).suffix not in TYPES:
            raise ValueError(f"the name must end with one of {', '.join(TYPES)}")
        return value

    @property
    def types(self) -> tuple[str, ...]:
        return TYPES[Path(self.name).suffix]


class Listed(_Part):
    """The whole list. `folder` lies below the knowledge folder; `contact` tells the fetched sites
    who asks."""

    folder: str = Field(default="fetched", pattern=rf"^{_PART}$")
    contact: Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{3,200}$")]
    max_bytes: int = Field(default=20_000_000, ge=1_000, le=200_000_000)
    source: tuple[Source, ...] = Field(min_length=1, max_length=10_000)

    @model_validator(mode="after")
    def _once(self) -> Listed:
        for what in ("url", "name"):
            seen: set[str] = set()
            for source in self.source:
                value = str(getattr(source, what)).casefold()
                if value in seen:
                    raise ValueError(f"the {what} {getattr(source, what)!r} is listed twice")
                seen.add(value)
        return self


def read_list(path: Path) -> Listed:
    """Raises `SourceListError`, which names each wrong entry."""
    try:
        data = tomllib.loads(path.read_text("utf-8"))
        return Listed(**data)
    except OSError as error:
        raise SourceListError(f"{path} cannot be read: {error.strerror}.") from None
    except ValidationError as error:
        raise SourceListError("\n".join(_problems(path, error))) from None
    except (ValueError, TypeError) as error:  # no UTF-8, no TOML
        raise SourceListError(f"{path}: {error}") from None


def _problems(path: Path, error: ValidationError) -> list[str]:
    found = []
    for problem in error.errors():
        place = [str(part + 1) if isinstance(part, int) else part for part in problem["loc"]]
        message = problem["msg"].removeprefix("Value error, ")
        found.append(f"{path}: {' '.join(place)}: {message}" if place else f"{path}: {message}")
    return found
