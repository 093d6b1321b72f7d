"""Words of the glossary in an answer, explained in place with the glossary's own first sentence.

The glossary is a document of the index whose topic is `Glossary`, one section a word. What was
withdrawn or is overdue explains nothing.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from bot.errors import BotError
from bot.records import Answer, SourceDocument, Span
from bot.standing import touches, withheld_of
from bot.text import sentence_spans
from bot.web.service import Bot
from bot.withdrawals import Withdrawal, Withdrawals

TOPIC = "glossary"
MAX_TERMS = 8
"""Most words explained in one answer; more would bury the answer."""

_IN_BRACKETS = re.compile(r"^(.*?)\s*\(([^()]+)\)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A word of the glossary: how it is written, and the sentence that explains it, verbatim."""

    name: str
    forms: tuple[str, ...]
    text: str
    source_id: str
    span: Span
    language: str = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A stretch of a statement; `term` is the number (from 1) of the word it is."""

    text: str
    term: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """The statements of an answer in pieces, and the words explained, in order of appearance."""

    statements: tuple[tuple[Piece, ...], ...]
    terms: tuple[Term, ...] = ()


class Glossary:
    """Finds the words of some terms in texts."""

    def __init__(self, terms: Iterable[Term] = ()) -> None:
        self._by_form: dict[str, Term] = {}
        for term in terms:
            for form in term.forms:
                self._by_form.setdefault(_key(form), term)
        # The longest form wins: "chronic GVHD" is not "GVHD".
        forms = sorted(self._by_form, key=len, reverse=True)
        alternatives = "|".join(_pattern(form) for form in forms)
        self._pattern = re.compile(rf"(?<![\w-])(?:{alternatives})(?![\w-])") if forms else None

    def explain(self, answer: Answer) -> Explained:
        """The first use of each word in an answer, but not where the answer is that word's own
        entry."""
        told = {(c.source.source_id, c.heading[-1]) for c in answer.citations if c.heading}
        terms: list[Term] = []
        statements = []
        for statement in answer.statements:
            pieces: list[Piece] = []
            at = 0
            for match in self._pattern.finditer(statement.text) if self._pattern else ():
                term = self._term(match.group())
                full = len(terms) >= MAX_TERMS
                if term is None or full or term in terms or (term.source_id, term.name) in told:
                    continue
                terms.append(term)
                if at < match.start():
                    pieces.append(Piece(text=statement.text[at : match.start()]))
                pieces.append(Piece(text=match.group(), term=len(terms)))
                at = match.end()
            if at < len(statement.text):
                pieces.append(Piece(text=statement.text[at:]))
            statements.append(tuple(pieces))
        return Explained(statements=tuple(statements), terms=tuple(terms))

    def _term(self, written: str) -> Term | None:
        """The term of words in a text; None, so that they stay as they are, where a letter is
        written in a way that the pattern takes for ours and the forms do not hold."""
        for form in _without_plural(written):
            # As written first: "SEPSIS" is a word shouted, "ANC" is one of the short forms.
            found = self._by_form.get(form) or self._by_form.get(form.casefold())
            if found:
                return found
        return None


def _without_plural(written: str) -> Iterator[str]:
    yield written
    for ending in ("s", "es"):
        if written.lower().endswith(ending):
            yield written[: -len(ending)]


def _short_form(form: str) -> bool:
    """Whether the form is written in capitals (`ANC`, `CD34`) and so is no everyday word."""
    return sum(c.isupper() for c in form) >= 2 and " " not in form


def _key(form: str) -> str:
    return form if _short_form(form) else form.casefold()


def _pattern(form: str) -> str:
    if _short_form(form):
        return re.escape(form) + "s?"
    return f"(?i:{re.escape(form)}(?:e?s)?)"


def terms_of(document: SourceDocument) -> tuple[Term, ...]:
    """The terms of a glossary: one a section, named by its heading (`Long name (SHORT)`)."""
    found = []
    for section in document.sections:
        sentences = sentence_spans(section.span.of(document.text))
        if not section.heading or not sentences:
            continue
        start = section.span.start
        span = Span(start=start + sentences[0].start, end=start + sentences[0].end)
        name = section.heading[-1]
        parts = _IN_BRACKETS.match(name)
        forms = (parts[1], parts[2]) if parts else (name,)
        found.append(
            Term(
                name=name,
                forms=forms,
                text=span.of(document.text),
                source_id=document.info.source_id,
                span=span,
                language=document.info.language,
            )
        )
    return tuple(found)


class GlossaryKeeper:
    """Callable: the glossary of the serving index, read once an index. Without an index there is
    none: an answer must never fail for want of an explanation."""

    def __init__(
        self,
        bot: Bot,
        withdrawals: Withdrawals,
        *,
        show_overdue: bool,
        today: Callable[[], date] = date.today,
    ) -> None:
        self._bot = bot
        self._withdrawals = withdrawals
        self._show_overdue = show_overdue
        self._today = today
        self._lock = threading.Lock()
        self._kept: tuple[object, Glossary] = (None, Glossary())

    def __call__(self) -> Glossary:
        with self._lock:
            try:
                withdrawn = self._withdrawals.items()
                state = (self._bot.versions().index, self._today(), withdrawn)
                if state != self._kept[0]:
                    self._kept = (state, Glossary(self._terms(withdrawn)))
            except BotError:
                return Glossary()
            return self._kept[1]

    def _terms(self, withdrawn: Iterable[Withdrawal]) -> list[Term]:
        found: list[Term] = []
        for info in self._bot.sources():
            shown = self._show_overdue or not info.overdue(self._today())
            if shown and (info.topic or "").casefold() == TOPIC:
                document = self._bot.document(info.source_id)
                withheld = withheld_of(document, withdrawn)
                found += [t for t in terms_of(document) if not touches(withheld, t.span)]
        return found
