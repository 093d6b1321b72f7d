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
from markupsafe import Markup

from bot.answering.citing import offered
from bot.contacts import contact_of
from bot.phones import tel_link
from bot.records import Alert, Answer, Citation, CitedStatement, Contact, Span
from bot.rules import load_contacts
from bot.settings import Settings
from bot.web.cards import around_the_buttons
from bot.web.catalogue import Texts, load_texts
from bot.web.cited import Place, places_of, written
from bot.web.differences import differences
from bot.web.feedback import MOST_IN_COMMENT
from bot.web.glossary import Explained, Glossary, Piece
from bot.web.languages import spoken
from bot.web.places import LANGUAGES
from bot.web.service import log_failure

HERE = Path(__file__).parent
_LINK_SCHEMES = frozenset({"tel", "sms", "https", "http"})


_FROM_RIGHT = frozenset("ar fa he ur ps ckb sd ug yi dv".split())
"""Languages that are written from right to left."""


def long_date(value: date | None) -> str:
    """`22 November 2026`: the same for readers on both sides of the Atlantic."""
    if value is None:
        return ""
    dates = load_texts(spoken().language)["dates"]
    month: str = dates["months"][value.month - 1]
    return str(dates["date"]).format(day=value.day, month=month, year=value.year)


def lang_attribute(language: str | None) -> Markup:
    """` lang="ar" dir="rtl"` for words in another language than the page's, else nothing."""
    if not language or language == spoken().language or not language.replace("-", "").isalnum():
        return Markup("")
    primary = language.lower().partition("-")[0]
    # What stands between words of the other direction would take that direction without this.
    direction = Markup(' dir="rtl"') if primary in _FROM_RIGHT else Markup("")
    return Markup(' lang="{}"').format(language) + direction


def lang_back(language: str | None) -> Markup:
    """The page's own language again, inside words that `lang_attribute` marked."""
    foreign = bool(lang_attribute(language))
    return Markup(' lang="{}"').format(spoken().language) if foreign else Markup("")


def _dialled(phone: str) -> str:
    """The link of a phone; an empty one where an operator wrote no number."""
    return tel_link(phone) or "tel:"


def unbroken(text: str) -> str:
    """The text with hyphens and spaces between digits that do not break, so a phone number stays
    whole."""
    return re.sub(r"(?<=[\d)]) (?=\(?\d)", "\u00a0", re.sub(r"(?<=\d)-(?=\d)", "\u2011", text))


def safe_link(href: str | None) -> str | None:
    """The link if its scheme is one we follow, else None (`javascript:` in a front matter)."""
    if not href:
        return None
    try:
        return href if urlsplit(href.strip()).scheme.lower() in _LINK_SCHEMES else None
    except ValueError:
        return None


def page_link(path: str) -> str:
    """The address of a page of ours in the language of this one."""
    return spoken().link(path)


def reader_link(source_id: str, span: Span | None = None, cited: Sequence[Place] = ()) -> str:
    """The address of a source, at the quoted place where a span is given; with the places that
    the answer cites beside it, so that the reader leads from one to the next."""
    address = spoken().link("/sources/" + quote(source_id, safe="/"))
    if span is None:
        return address
    others = f"&cited={written(cited)}" if cited else ""
    place = f"start={span.start}&end={span.end}{others}#quote"
    return f"{address}{'&' if '?' in address else '?'}{place}"


@lru_cache
def asset(name: str) -> str:
    """The address of a static file with its hash, so that a new version is fetched at once."""
    digest = hashlib.sha256((HERE / "static" / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


def one_line(html: str) -> str:
    return re.sub(r"\s*\n\s*", " ", html).strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """This page in another language: its code, its own name for itself, the address."""

    language: str
    name: str
    href: str


def _other_languages() -> tuple[Elsewhere, ...]:
    here = spoken()
    return tuple(
        Elsewhere(language=code, name=load_texts(code)["own_name"], href=here.address_in(code))
        for code in LANGUAGES
        if code != here.language
    )


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
    """All templates with the settings' contact, in the language of the request (`spoken()`).
    `glossary` gives the words to explain in an answer; `languages` are those of the guides."""

    def __init__(
        self,
        settings: Settings,
        *,
        glossary: Callable[[], Glossary] = Glossary,
        languages: Callable[[], frozenset[str]] = lambda: frozenset(LANGUAGES[:1]),
    ) -> None:
        self.max_chars = settings.answering.max_question_chars
        self._glossary = glossary
        self._languages = languages
        self._contacts = {code: contact_of(settings.contact, code) for code in LANGUAGES}
        region = load_contacts().regions.get(settings.locale.region)
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
            "around_the_buttons": around_the_buttons,
            "asset": asset,
            "blocks_of": blocks_of,
            "differences": differences,
            "said_by": said_by,
            "offered": offered,
            "feedback_on": settings.privacy.feedback == "on",
            "most_in_comment": MOST_IN_COMMENT,
            "contact_only": settings.answering.contact_card_only,
            "grouped": grouped,
            # None where the clinic's country is not set: a number is never guessed.
            "emergency": region.emergency if region else None,
            "reader_link": reader_link,
            "places_of": places_of,
            "link": page_link,
            "lang_of": lang_attribute,
            "lang_back": lang_back,
            "texts_in": load_texts,
            "in_english": load_texts()["chat"]["topics"],
        }

    @property
    def texts(self) -> Texts:
        return load_texts(spoken().language)

    @property
    def contact(self) -> Contact:
        return self._contacts[spoken().language]

    def html(self, template: str, **values: Any) -> str:
        page = {
            "t": self.texts,
            "site_contact": self.contact,
            "other_languages": _other_languages,
            "guides_differ": self._guides_differ,
        }
        return self._env.get_template(template).render(**page, **values)

    def _guides_differ(self) -> bool:
        """Whether no guide is in the language of the page, so that it must say so."""
        held = self._languages()
        return bool(held) and spoken().language not in held

    def answer(self, answer: Answer, *, prefix: str) -> str:
        """The body of an answer. `prefix` keeps the ids of several answers on a page apart. Raises
        what a template raises, but never where there is an alert: then that is shown alone."""
        try:
            explained = self._explained(answer)
            html = self.html("answer.html", answer=answer, prefix=prefix, explained=explained)
            return one_line(html)
        except Exception as error:
            if answer.alert is None:
                raise
            log_failure("answer", error)
            card = self.alarm(answer.alert, answer.language)
            return card + self.trouble(self.texts["error"]["unavailable"], prefix=prefix)

    def _explained(self, answer: Answer) -> Explained:
        """The answer with the words of the glossary marked; as it is where that fails."""
        try:
            return self._glossary().explain(answer)
        except Exception as error:
            log_failure("glossary", error)
            return Glossary().explain(answer)

    def alarm(self, alert: Alert, language: str) -> str:
        """The card by itself, in the language of its words."""
        return one_line(self.html("alarm.html", alert=alert, language=language))

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
