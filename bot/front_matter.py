"""Front matter: the YAML block at the top of a document, turned into a `SourceInfo`.

Every error names the file and the line, because the person who reads it has forty leaflets open.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import yaml

from bot.errors import FrontMatterError
from bot.records import Reference, SourceInfo

_BLOCK = re.compile(r"\A---[ \t]*\n(.*?)(?:^---[ \t]*(?:\n|\Z))", re.DOTALL | re.MULTILINE)
_FIELDS = frozenset(SourceInfo.__dataclass_fields__) - {"source_id", "references"} | {"sources"}
_DATES = ("published", "reviewed", "review_by")
_TEXTS = ("title", "publisher", "url", "licence", "language", "audience", "topic", "note")


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontMatter:
    """`info`, the text below the block, and the number of lines the block takes."""

    info: SourceInfo
    body: str
    body_line: int


def read_front_matter(text: str, source_id: str) -> FrontMatter:
    """Split canonical `text` into front matter and body.

    Raises `FrontMatterError` where the block is missing, is not YAML, lacks a title, has an
    unknown field or a date that is not a date.
    """
    match = _BLOCK.match(text)
    if not match:
        raise FrontMatterError(
            "there is no front matter",
            source_id=source_id,
            line=1,
            hint="Begin the file with a line ---, then 'title: ...', then a line ---. "
            "See docs/knowledge.md.",
        )
    block = match.group(1)
    try:
        fields = yaml.safe_load(block)
    except (yaml.YAMLError, ValueError) as error:  # ValueError: an impossible date
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 2 if mark else 1
        problem = getattr(error, "problem", None) or str(error) or "it is not YAML"
        raise FrontMatterError(
            f"the front matter cannot be read: {problem}", source_id=source_id, line=line
        ) from None
    if not isinstance(fields, dict):
        raise FrontMatterError(
            "the front matter is not a list of 'name: value'", source_id=source_id, line=1
        )
    reader = _Reader(block, source_id)
    return FrontMatter(
        info=reader.info(fields), body=text[match.end() :], body_line=block.count("\n") + 3
    )


class _Reader:
    def __init__(self, block: str, source_id: str) -> None:
        self._block = block
        self._source_id = source_id

    def _fail(self, field: str, message: str) -> FrontMatterError:
        for number, line in enumerate(self._block.split("\n"), start=2):
            if line.lstrip(" -").startswith(f"{field}:"):
                return FrontMatterError(message, source_id=self._source_id, line=number)
        return FrontMatterError(message, source_id=self._source_id, line=1)

    def info(self, fields: dict[Any, Any]) -> SourceInfo:
        for name in fields:
            if name not in _FIELDS:
                known = ", ".join(sorted(_FIELDS))
                raise self._fail(str(name), f"unknown field {name!r} (known: {known})")
        values: dict[str, Any] = {n: self._text(fields, n) for n in _TEXTS}
        if not values["title"]:
            raise self._fail("title", "the front matter has no title")
        values |= {n: self._date(fields, n) for n in _DATES}
        if (
            values["published"]
            and values["review_by"]
            and values["review_by"] < values["published"]
        ):
            raise self._fail("review_by", "review_by is before published")
        values["language"] = values["language"] or "en"
        return SourceInfo(
            source_id=self._source_id,
            **values,
            authors=self._authors(fields),
            priority=self._whole(fields, "priority"),
            clinically_reviewed=self._flag(fields, "clinically_reviewed"),
            references=self._references(fields),
        )

    def _text(self, fields: dict[Any, Any], name: str) -> str | None:
        value = fields.get(name)
        if value is None:
            return None
        if not isinstance(value, str) or not value.strip():
            raise self._fail(name, f"{name} must be words, not {value!r}")
        return " ".join(value.split())

    def _date(self, fields: dict[Any, Any], name: str) -> date | None:
        value = fields.get(name)
        if value is None:
            return None
        if isinstance(value, datetime):
            return value.date()
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            raise self._fail(
                name, f"{name} must be a date such as 2026-11-22, not {value!r}"
            ) from None

    def _whole(self, fields: dict[Any, Any], name: str) -> int:
        value = fields.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, int) or not -9 <= value <= 9:
            raise self._fail(name, f"{name} must be a whole number from -9 to 9, not {value!r}")
        return value

    def _flag(self, fields: dict[Any, Any], name: str) -> bool:
        value = fields.get(name, False)
        if not isinstance(value, bool):
            raise self._fail(name, f"{name} must be true or false, not {value!r}")
        return value

    def _authors(self, fields: dict[Any, Any]) -> tuple[str, ...]:
        value = fields.get("authors") or []
        if isinstance(value, str):
            value = [value]
        if not isinstance(value, list) or not all(isinstance(a, str) and a for a in value):
            raise self._fail("authors", "authors must be a name or a list of names")
        return tuple(value)

    def _references(self, fields: dict[Any, Any]) -> tuple[Reference, ...]:
        entries = fields.get("sources") or []
        if not isinstance(entries, list):
            raise self._fail("sources", "sources must be a list")
        found: dict[str, Reference] = {}
        for entry in entries:
            if not isinstance(entry, dict):
                raise self._fail(
                    "sources", "each source must have key, publisher, title, url, seen"
                )
            for name in ("key", "publisher", "title", "url", "seen"):
                if not entry.get(name):
                    raise self._fail("sources", f"source {entry.get('key', '?')!r} has no {name}")
            key = str(entry["key"])
            if key in found:
                raise self._fail("key", f"source key {key!r} is used twice")
            url = str(entry["url"])
            if not re.match(r"https?://[^\s]+$", url):
                raise self._fail("url", f"source {key!r}: {url!r} is not a web address")
            seen = self._date(entry, "seen")
            assert seen is not None
            found[key] = Reference(
                key=key,
                publisher=" ".join(str(entry["publisher"]).split()),
                title=" ".join(str(entry["title"]).split()),
                url=url,
                seen=seen,
            )
        return tuple(found.values())
