"""Records to HTML, by Jinja templates that escape everything. The one maker of HTML in the house.

What goes into the chat is one line: Gradio reads messages as Markdown, and an HTML block that
holds no line break is passed through untouched (and then sanitised once more in the browser).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot.phones import tel_link
from bot.records import Answer, Citation, CitedStatement, Contact, Span
from bot.rules import load_rules
from bot.settings import Settings
from bot.web.catalogue import Texts, load_texts
from bot.web.differences import differences
from bot.web.glossary import Glossary, Piece

HERE = Path(__file__).parent
_MONTHS = "January February March April May June July August September October November December"
_LINK_SCHEMES = frozenset({"tel", "sms", "https", "http"})


def long_date(value: date | None) -> str:
    """`22 November 2026`: the same for readers on both sides of the Atlantic."""
    return f"{value.day} {_MONTHS.split()[value.month - 1]} {value.year}" if value else ""


def _dialled(phone: str) -> str:
    """The link of a phone; an empty one where an operator wrote no number."""
    return tel_link(phone) or "tel:"


def unbroken(text: str) -> str:
    """The text with hyphens between digits that do not break, so a phone number stays whole."""
    return re.sub(r"(?<=\d)-(?=\d)", "\u2011", text)


def safe_link(href: str | None) -> str | None:
    """The link if its scheme is one we follow, else None (`javascript:` in a front matter)."""
    if not href:
        return None
    try:
        return href if urlsplit(href.strip()).scheme.lower() in _LINK_SCHEMES else None
    except ValueError:
        return None


def reader_link(source_id: str, span: Span | None = None) -> str:
    """The address of a source, at the quoted place where a span is given."""
    path = "/sources/" + quote(source_id, safe="/")
    return f"{path}?start={span.start}&end={span.end}#quote" if span else path


@lru_cache
def asset(name: str) -> str:
    """The address of a static file with its hash, so that a new version is fetched at once."""
    digest = hashlib.sha256((HERE / "static" / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


def one_line(html: str) -> str:
    return re.sub(r"\s*\n\s*", " ", html).strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A statement and its words in pieces, some of them explained."""

    statement: CitedStatement
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A paragraph (`items` False) or a list of an answer."""

    lines: tuple[Line, ...]
    items: bool


def blocks_of(
    statements: Sequence[CitedStatement], pieces: Sequence[tuple[Piece, ...]]
) -> tuple[Block, ...]:
    """Statements as prose: neighbours share a paragraph, list items share a list."""
    found: list[list[Line]] = []
    for statement, parts in zip(statements, pieces, strict=True):
        line = Line(statement=statement, pieces=parts)
        if found and found[-1][0].statement.list_item == statement.list_item:
            found[-1].append(line)
        else:
            found.append([line])
    return tuple(Block(lines=tuple(g), items=g[0].statement.list_item) for g in found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Neighbouring citations of one place in one document."""

    citations: tuple[Citation, ...]

    @property
    def first(self) -> Citation:
        return self.citations[0]

    @property
    def same_basis(self) -> bool:
        """Whether all of them rest on the same public pages, so that these are named once."""
        basis = {c.based_on for c in self.citations}
        return len(basis) == 1 and bool(self.first.based_on)


def grouped(citations: tuple[Citation, ...]) -> tuple[Group, ...]:
    """Citations in their order, neighbours from the same section together: one title, then the
    sentences, instead of the same title again and again."""
    found: list[list[Citation]] = []
    for citation in citations:
        last = found[-1][-1] if found else None
        if last and _place(last) == _place(citation):
            found[-1].append(citation)
        else:
            found.append([citation])
    return tuple(Group(citations=tuple(group)) for group in found)


def said_by(answer: Answer) -> str:
    """The words of an answer without its sources: for the next turn, and for shared feedback."""
    return " ".join(s.text for s in answer.statements) or " ".join(answer.notices)


def _place(citation: Citation) -> tuple[object, ...]:
    return citation.source.source_id, citation.heading, citation.page


class Renderer:
    """All templates with the settings' contact and one language's texts. `glossary` gives the
    words to explain in an answer."""

    def __init__(
        self,
        settings: Settings,
        texts: Texts | None = None,
        *,
        glossary: Callable[[], Glossary] = Glossary,
    ) -> None:
        self.texts = texts or load_texts()
        self.max_chars = settings.answering.max_question_chars
        self._glossary = glossary
        c = settings.contact
        self.contact = Contact(
            name=c.name, phone=c.phone, hours=c.hours, after_hours_phone=c.after_hours_phone
        )
        region = load_rules().contacts.regions.get(settings.locale.region)
        self._env = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._env.filters |= {"long_date": long_date, "tel": _dialled, "safe_link": safe_link}
        self._env.filters |= {"unbroken": unbroken}
        self._env.globals |= {
            "t": self.texts,
            "asset": asset,
            "blocks_of": blocks_of,
            "differences": differences,
            "said_by": said_by,
            "feedback_on": settings.privacy.feedback == "on",
            "contact_only": settings.answering.contact_card_only,
            "grouped": grouped,
            # None where the clinic's country is not set: a number is never guessed.
            "emergency": region.emergency if region else None,
            "reader_link": reader_link,
            "site_contact": self.contact,
        }

    def html(self, template: str, **values: Any) -> str:
        return self._env.get_template(template).render(**values)

    def answer(self, answer: Answer, *, prefix: str) -> str:
        """The body of an answer. `prefix` keeps the ids of several answers on a page apart."""
        explained = self._glossary().explain(answer)
        html = self.html("answer.html", answer=answer, prefix=prefix, explained=explained)
        return one_line(html)

    def asked(self, text: str) -> str:
        return one_line(self.html("asked.html", text=text))

    def trouble(
        self, message: str, hint: str = "", *, title: str | None = None, prefix: str = ""
    ) -> str:
        """A failure inside a conversation: what happened, what to do, whom to call. `prefix` is
        its id, as of an answer."""
        values = {"message": message, "hint": hint, "prefix": prefix}
        heading = title or self.texts["error"]["title"]
        return one_line(self.html("trouble.html", title=heading, **values))
