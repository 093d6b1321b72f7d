"""The nouns: frozen records carrying everything between the steps, with no behaviour but identity.
Offsets are code points of `SourceDocument.text`, half-open. Dates are `datetime.date`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from bot.raised import Look

AlertLevel = Literal["emergency", "crisis", "urgent", "call_today"]
VerdictKind = Literal["answerable", "partial", "unanswerable"]
Outcome = Literal[
    "answered", "abstained", "declined", "emergency", "crisis", "greeting", "unsupported_language"
]
Role = Literal["user", "bot"]
TransplantKind = Literal["own", "donor"]
TransplantStage = Literal["before", "hospital", "first_100_days", "later"]


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Span:
    """A half-open range of code points: `text[start:end]`."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise ValueError(f"not a span: {self.start}-{self.end}")

    def of(self, text: str) -> str:
        return text[self.start : self.end]

    def contains(self, other: Span) -> bool:
        return self.start <= other.start and other.end <= self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A public page that a guide's sentences rest on, named in the guide's front matter."""

    key: str
    publisher: str
    title: str
    url: str
    seen: date


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceInfo:
    """What the front matter says of a document. `source_id` (POSIX path in the knowledge folder)
    is its identity, `reviewed` the last check of its text, `only_when_asked` headings kept back."""

    source_id: str
    title: str
    publisher: str | None = None
    authors: tuple[str, ...] = ()
    published: date | None = None
    reviewed: date | None = None
    review_by: date | None = None
    url: str | None = None
    licence: str | None = None
    language: str = "en"
    audience: str | None = None
    topic: str | None = None
    priority: int = 0
    clinically_reviewed: bool = False
    note: str | None = None
    only_when_asked: tuple[str, ...] = ()
    references: tuple[Reference, ...] = ()

    def overdue(self, today: date) -> bool:
        return self.review_by is not None and self.review_by < today


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A stretch of a document under one heading path. `span` covers its body, not the heading.
    `asked` are the ways patients ask for it; they are indexed beside it and never shown."""

    heading: tuple[str, ...]
    span: Span
    page: int | None = None
    asked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """The reference keys that the sentence at `span` rests on."""

    span: Span
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDocument:
    """A loaded document. `text` is canonical (NFC, `\\n`); `file_hash` is SHA-256 of the bytes."""

    info: SourceInfo
    text: str
    sections: tuple[Section, ...]
    file_hash: str
    support: tuple[Support, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A passage: whole sentences of one section. Invariant: `text == document.text[span]`."""

    source: SourceInfo
    heading: tuple[str, ...]
    span: Span
    text: str
    page: int | None = None
    asked: tuple[str, ...] = ()
    support: tuple[Support, ...] = ()

    @property
    def chunk_id(self) -> str:
        """Identity of the passage, `SOURCE:START-END`; `python -m bot show` takes it as it is."""
        return f"{self.source.source_id}:{self.span.start}-{self.span.end}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    role: Role
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a reader said of the transplant, if anything. Decides between near equals only."""

    kind: TransplantKind | None = None
    stage: TransplantStage | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The user's own words, never rewritten. `locale` is a BCP 47 tag such as `en-GB`, or None."""

    text: str
    history: tuple[Turn, ...] = ()
    locale: str | None = None
    about: About | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing to do now. `href` is a `tel:`, `sms:` or `https:` link, or None."""

    text: str
    href: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A red flag that a rule found. Emergency and crisis stop everything else."""

    level: AlertLevel
    rule_id: str
    message: str
    actions: tuple[Action, ...] = ()

    @property
    def stops(self) -> bool:
        return self.level in ("emergency", "crisis")


@dataclass(frozen=True, slots=True, kw_only=True)
class Screening:
    """What triage says: an alert or none, advice beside an answer; what its phrases `found`."""

    alert: Alert | None = None
    notices: tuple[str, ...] = ()
    language: str = "en"
    found: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decline:
    """A request that the bot must not serve (dose, diagnosis, prognosis ...)."""

    rule_id: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What retrieval searches for. `text` may differ from the question; `expansions` are added
    terms; `notes` say in plain words what was changed."""

    text: str
    expansions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def full(self) -> str:
        """Text and expansions: what is embedded and searched for."""
        return " ".join((self.text, *self.expansions))


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A retrieved passage. Ranks start at 1, None where that search did not return it. Cosines of
    the question: to the passage, to the nearest of its stored ways of asking (`matched`), the mean
    of the three nearest; `words` is the bm25, 0 without any."""

    chunk: Chunk
    score: float
    dense_rank: int | None = None
    lexical_rank: int | None = None
    asked_rank: int | None = None
    passage_similarity: float | None = None
    asked_similarity: float | None = None
    asked_mean: float | None = None
    words: float = 0.0
    matched: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieved:
    """Hits, best first; nearness to known gaps; shares of centres; lead of a withheld passage."""

    hits: tuple[Hit, ...]
    gap_similarity: float | None = None
    gap_question: str | None = None
    gap_group: str | None = None
    section_share: float | None = None
    gap_share: float | None = None
    withheld_lead: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether the hits answer the question: `score` in [0, 1], answered from `threshold` up. Where
    it is not, or is declined, and they are `near`, the reader is asked whether one was meant."""

    kind: VerdictKind
    reason: str
    score: float
    threshold: float = 0.0
    near: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """Words of a passage, verbatim: `text == document.text[span]` (absolute span)."""

    chunk_id: str
    span: Span
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One claim of an answer with the quotes it rests on. `list_item` keeps lists lists."""

    text: str
    quotes: tuple[Quote, ...]
    list_item: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Considered:
    """A sentence that the writer weighed: shown or not, and why, in words for staff."""

    quote: Quote
    shown: bool
    why: str
    relevance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    statements: tuple[Statement, ...]
    writer: str
    considered: tuple[Considered, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    statement: Statement
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    kept: tuple[Statement, ...]
    dropped: tuple[Dropped, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """How to reach a person. Phones are as the operator wrote them; `hours` is free text."""

    name: str
    phone: str | None = None
    hours: str | None = None
    after_hours_phone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """Where a statement comes from; `quote == document.text[start:end]` of `source_id`."""

    number: int
    passage_id: str
    source: SourceInfo
    heading: tuple[str, ...]
    page: int | None
    quote: str
    span: Span
    based_on: tuple[Reference, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CitedStatement:
    """A statement as shown: its text and the numbers of its citations."""

    text: str
    citations: tuple[int, ...]
    list_item: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    app: str
    index: str | None
    model: str | None
    writer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """How an answer came about, for staff. Holds the question's words: never log it."""

    look: Look | None = None
    query: Query | None = None
    retrieved: Retrieved | None = None
    verdict: Verdict | None = None
    considered: tuple[Considered, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    timings_ms: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """A passage that is near the question but is not shown as an answer to it."""

    passage_id: str
    source: SourceInfo
    heading: tuple[str, ...]
    span: Span
    page: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the chat, the API and the command line all show. Only `answered` carries statements;
    the `follow_ups` of `abstained` are what may have been meant. `language` is that of the bot's
    own words; `asked_in` that of a question not in English, and of the first of the `notices`."""

    question: Question
    outcome: Outcome
    contact: Contact
    versions: Versions
    reason: str | None = None
    alert: Alert | None = None
    statements: tuple[CitedStatement, ...] = ()
    citations: tuple[Citation, ...] = ()
    related: tuple[Related, ...] = ()
    notices: tuple[str, ...] = ()
    follow_ups: tuple[str, ...] = ()
    language: str = "en"
    asked_in: str | None = None
    trace: Trace = field(default_factory=Trace)
