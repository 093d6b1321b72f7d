"""Metadata that people write: the YAML block at the top of a document, and its sidecar file.

Every error names the file and the line, because the person who reads it has forty leaflets open.
A field that is not known is an error, so that a misspelt one is never lost in silence.
"""

from __future__ import annotations

import hashlib
import re
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import yaml

from bot.errors import FrontMatterError
from bot.records import Reference, SourceInfo

SIDECAR_SUFFIX = ".meta.yaml"
"""`leaflet.pdf.meta.yaml` holds the metadata of `leaflet.pdf`."""

_BLOCK = re.compile(r"\A---[ \t]*\n(.*?)(?:^---[ \t]*(?:\n|\Z))", re.DOTALL | re.MULTILINE)
_FIELDS = frozenset(SourceInfo.__dataclass_fields__) - {"source_id", "references"} | {"sources"}
_DATES = ("published", "reviewed", "review_by")
_TEXTS = ("title", "publisher", "url", "licence", "language", "audience", "topic", "note")
_MAX_CHARACTERS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """Checked metadata: `values` are arguments of `SourceInfo`, only those that were given.
    `place` and `lines` say where each of them stands."""

    place: str
    values: dict[str, Any]
    lines: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontMatter:
    """The fields of the block and the text below it."""

    fields: Fields
    body: str


def file_hash(data: bytes, sidecar: bytes | None = None) -> str:
    """SHA-256 that changes when the document or its sidecar does."""
    if sidecar is None:
        return hashlib.sha256(data).hexdigest()
    both = hashlib.sha256(data).digest() + hashlib.sha256(sidecar).digest()
    return hashlib.sha256(both).hexdigest()


def read_front_matter(text: str, source_id: str, *, required: bool = True) -> FrontMatter:
    """Split canonical `text` into front matter and body.

    Raises `FrontMatterError` where the block is missing (unless not `required`), is not YAML, has
    an unknown field or a date that is not a date.
    """
    match = _BLOCK.match(text)
    if match:
        return FrontMatter(
            fields=_read(match.group(1), source_id, first_line=2), body=text[match.end() :]
        )
    if required:
        raise FrontMatterError(
            "there is no front matter",
            source_id=source_id,
            line=1,
            hint="Begin the file with a line ---, then 'title: ...', then a line ---; or put the "
            f"title into a file {source_id.rsplit('/', 1)[-1]}{SIDECAR_SUFFIX} beside it. "
            "See docs/knowledge.md.",
        )
    return FrontMatter(fields=Fields(place=source_id, values={}, lines={}), body=text)


def read_sidecar(data: bytes, source_id: str) -> Fields:
    """The fields of the sidecar of `source_id`. Raises `FrontMatterError`, which names it."""
    place = source_id + SIDECAR_SUFFIX
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FrontMatterError(
            "the sidecar is not UTF-8 text", source_id=place, hint="Save it again as UTF-8."
        ) from None
    # The lines --- of front matter may stand around it: people copy the block over.
    text = text.replace("\r\n", "\n")
    match = _BLOCK.match(text)
    return _read(match.group(1), place, 2) if match else _read(text, place, 1)


def sidecar_text(fields: Mapping[str, Any]) -> str:
    """Fields as a sidecar holds them; `read_sidecar` reads it back."""
    return yaml.safe_dump(dict(fields), allow_unicode=True, sort_keys=False, width=100)


def source_info(source_id: str, layers: tuple[Fields, ...], fallback: dict[str, Any]) -> SourceInfo:
    """The metadata of a document: a later layer wins, `fallback` fills what no layer gives.

    Raises `FrontMatterError` where there is no title or `review_by` is before `published`.
    """
    given: dict[str, Any] = {}
    where: dict[str, tuple[str, int]] = {}
    for layer in layers:
        given |= layer.values
        where |= {name: (layer.place, line) for name, line in layer.lines.items()}
    values = fallback | given
    if not values.get("title"):
        place, line = where.get("title", (source_id, 1))
        raise FrontMatterError("the front matter has no title", source_id=place, line=line)
    published, review_by = given.get("published"), given.get("review_by")
    if published and review_by and review_by < published:
        place, line = where["review_by"]
        raise FrontMatterError("review_by is before published", source_id=place, line=line)
    return SourceInfo(source_id=source_id, **values)


def _read(block: str, place: str, first_line: int) -> Fields:
    if len(block) > _MAX_CHARACTERS:
        raise FrontMatterError(
            f"the front matter has {len(block):,} characters; at most {_MAX_CHARACTERS:,} are read",
            source_id=place,
        )
    try:
        fields = yaml.safe_load(block)
    # ValueError: an impossible date; RecursionError: lists in lists without end.
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + first_line if mark else 1
        problem = getattr(error, "problem", None) or str(error) or "it is not YAML"
        raise FrontMatterError(
            f"the front matter cannot be read: {problem}", source_id=place, line=line
        ) from None
    if not isinstance(fields, dict):
        raise FrontMatterError(
            "the front matter is not a list of 'name: value'", source_id=place, line=1
        )
    return _Reader(block, place, first_line).read(fields)


def _shown(value: object) -> str:
    """A wrong value for a message, cut short: aliases can make a tiny file's value endless."""
    short = reprlib.Repr()
    short.maxlevel = 2
    return short.repr(value)


class _Reader:
    def __init__(self, block: str, place: str, first_line: int) -> None:
        self._lines = block.split("\n")
        self._place = place
        self._first_line = first_line

    def _line(self, field: str) -> int:
        for number, line in enumerate(self._lines, start=self._first_line):
            if line.lstrip(" -").startswith(f"{field}:"):
                return number
        return 1

    def _fail(self, field: str, message: str) -> FrontMatterError:
        return FrontMatterError(message, source_id=self._place, line=self._line(field))

    def read(self, fields: dict[Any, Any]) -> Fields:
        for name in fields:
            if name not in _FIELDS:
                known = ", ".join(sorted(_FIELDS))
                raise self._fail(str(name), f"unknown field {name!r} (known: {known})")
        values: dict[str, Any] = {n: self._text(fields, n) for n in _TEXTS}
        values |= {n: self._date(fields, n) for n in _DATES}
        values |= {
            "authors": self._list(fields, "authors", "a name or a list of names"),
            "only_when_asked": self._list(
                fields, "only_when_asked", "a heading or a list of headings"
            ),
            "priority": self._whole(fields, "priority"),
            "clinically_reviewed": self._flag(fields, "clinically_reviewed"),
            "references": self._references(fields),
        }
        sources = {"references": "sources"}
        given = {
            name: value
            for name, value in values.items()
            if value is not None and fields.get(sources.get(name, name)) is not None
        }
        return Fields(
            place=self._place, values=given, lines={n: self._line(str(n)) for n in fields}
        )

    def _text(self, fields: dict[Any, Any], name: str) -> str | None:
        value = fields.get(name)
        if value is None:
            return None
        if not isinstance(value, str) or not value.strip():
            raise self._fail(name, f"{name} must be words, not {_shown(value)}")
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
                name, f"{name} must be a date such as 2026-11-22, not {_shown(value)}"
            ) from None

    def _whole(self, fields: dict[Any, Any], name: str) -> int:
        value = fields.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, int) or not -9 <= value <= 9:
            raise self._fail(
                name, f"{name} must be a whole number from -9 to 9, not {_shown(value)}"
            )
        return value

    def _flag(self, fields: dict[Any, Any], name: str) -> bool:
        value = fields.get(name, False)
        if not isinstance(value, bool):
            raise self._fail(name, f"{name} must be true or false, not {_shown(value)}")
        return value

    def _list(self, fields: dict[Any, Any], name: str, what: str) -> tuple[str, ...]:
        value = fields.get(name) or []
        if isinstance(value, str):
            value = [value]
        if not isinstance(value, list) or not all(isinstance(a, str) and a for a in value):
            raise self._fail(name, f"{name} must be {what}")
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
                    raise self._fail(
                        "sources", f"source {_shown(entry.get('key', '?'))} has no {name}"
                    )
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
