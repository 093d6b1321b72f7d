"""Titles, dates and languages that files give of themselves: taken only where they are believable.

A file's own metadata is often left over from a template, so what is not believable is dropped
rather than shown to a patient.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime

from bot.indexing.loading.blocks import Block, tidy

_JUNK_TITLE = re.compile(
    r"^(?:microsoft word\b.*|\(?untitled.*|\(?anonymous\)?|\(?unspecified\)?"
    r"|document ?\d*|dokument ?\d*|word document|powerpoint .*"
    r"|title|slide \d+|page \d+|new page|home|.*\.(?:docx?|pdf|indd|qxd|pptx?|odt|rtf|html?|pub))$",
    re.IGNORECASE,
)
_JUNK_AUTHOR = re.compile(
    r"^(?:python-docx|admin\w*|user\w*|windows user|owner|author|unknown|microsoft.*|un-named"
    r"|anonymous|\(anonymous\)|[\w.]*\d[\w.]*)$",
    re.IGNORECASE,
)
_LANGUAGE = re.compile(r"^([a-z]{2,3})(?:[-_]|$)", re.IGNORECASE)
_EARLIEST = date(1990, 1, 1)
_MAX_TITLE = 200


def believable_title(raw: object) -> str | None:
    """A title that a person gave, or None."""
    text = tidy(str(raw)) if raw else ""
    if not 3 <= len(text) <= _MAX_TITLE or _JUNK_TITLE.match(text) or "�" in text:
        return None
    return text if re.search(r"[^\W\d_]{2}", text) else None


def believable_authors(raw: Iterable[object]) -> tuple[str, ...]:
    """Names of people or bodies. A log-in name or a program is no author."""
    names = [tidy(part) for value in raw if value for part in re.split(r"[;\n]", str(value))]
    return tuple(dict.fromkeys(n for n in names if 2 < len(n) <= 120 and not _JUNK_AUTHOR.match(n)))


def believable_date(raw: object) -> date | None:
    """The day of a date in ISO 8601 or as a `datetime`, if a file can be of that day."""
    day: date | None = None
    if isinstance(raw, datetime):
        day = raw.date()
    elif isinstance(raw, date):
        day = raw
    elif isinstance(raw, str) and (match := re.match(r"\s*(\d{4})-(\d\d)-(\d\d)", raw)):
        try:
            day = date(*(int(part) for part in match.groups()))
        except ValueError:
            return None
    return day if day and day >= _EARLIEST else None


def language_of(raw: object) -> str | None:
    """The language code of a tag such as `en-GB`."""
    match = _LANGUAGE.match(str(raw).strip()) if raw else None
    return match.group(1).lower() if match else None


def first_heading(blocks: Iterable[Block]) -> str | None:
    """The highest heading of a document, the first of them if there are several."""
    headings = [block for block in blocks if block.kind == "heading"]
    best = min(headings, key=lambda block: block.level, default=None)
    return believable_title(best.text) if best else None


def title_from_name(source_id: str) -> str:
    """`leaflets/going-home_v2.pdf` gives `Going home v2`."""
    stem = source_id.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    words = " ".join(re.sub(r"[_\-.+]+", " ", stem).split())
    return (words[:1].upper() + words[1:])[:_MAX_TITLE] or source_id
