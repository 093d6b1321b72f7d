"""The writing rules of a guide (docs/guide-format.md), checked. A flow: it loads and reads, and
never writes.

A guide is a document whose front matter lists `sources`. Other documents (a clinic's leaflet, the
owner's article) only have their front matter and dates checked: their words are their own.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path

from bot.errors import DocumentError, StoreError
from bot.indexing.linking import GLOSSARY, dead_links, glossary_terms, unlinked
from bot.indexing.loading import NO_FACT, load
from bot.indexing.scanning import FoundFile, find_files
from bot.records import Section, SourceDocument, Span
from bot.settings import ROOT
from bot.text import content_words, flesch_kincaid, numbers, sentence_spans, words

MAX_SECTION_GRADE = 8.0
MAX_GUIDE_GRADE = 7.0
ASKED = (8, 160)
MAX_SENTENCE_WORDS = 25
MAX_UNSOURCED_SHARE = 0.25
_FOREIGN_SENTENCES = ROOT / "evals" / "fact_sheet_sentences.txt"

_DOSE = re.compile(
    r"\d\s?(?:mg|mcg|µg|micrograms?|milligrams?|grams?|ml of|iu|units? of|gy|cgy|gray)\b"
    r"|\b(?:once|twice|three times) (?:a day|daily) (?:of|for) ",
    re.IGNORECASE,
)
_FORBIDDEN = re.compile(
    r"\b(?:(?:is|are|be|quite|perfectly|completely) normal\b"
    r"(?! (?:cells?|level|range|blood|count))"
    r"|nothing to worry|do not worry|don't worry|no need to worry|wait and see|wait a few"
    r"|wait until (?:it|the)|wait to see"
    r"|reviewed by (?:a |our )?(?:doctor|clinician|nurse|expert))",
    re.IGNORECASE,
)
_DIFFERS = re.compile(
    r"\b(?:differ\w*|var(?:y|ies|ied)|others?|older|some|depend\w*|another|range\w*|study|studies"
    r"|trial|one (?:center|centre|hospital|source|page)|each (?:center|centre))\b",
    re.IGNORECASE,
)
_UNIT = re.compile(
    r"(\d+(?:[.,]\d+)?)\s?(?:(?:to|-|–|or|and)\s?\d+(?:[.,]\d+)?\s?)?"
    r"(%|percent|°c|°f|hours?|days?|weeks?|months?|years?)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GuideFigures:
    """Counts of one guide; `grade` is Flesch-Kincaid of the whole."""

    source_id: str
    sections: int
    sentences: int
    factual: int
    words: int
    sources: int
    asked: int
    grade: float
    highest_section_grade: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """`problems` are lines `file:line: reason`, in order; empty when every rule holds."""

    guides: tuple[GuideFigures, ...]
    problems: tuple[str, ...]
    distinct_sources: int

    @property
    def summary(self) -> str:
        g = self.guides
        return (
            f"{len(g)} guides, {sum(x.sections for x in g)} sections, "
            f"{sum(x.words for x in g)} words, {sum(x.factual for x in g)} factual sentences, "
            f"{sum(x.asked for x in g)} ways of asking, {self.distinct_sources} distinct sources, "
            f"{len(self.problems)} problems."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loaded:
    document: SourceDocument
    lines: tuple[str, ...]
    shown: tuple[str, ...]
    """The lines as the loader shows them."""

    def line_of(self, words_: str) -> int:
        """The line of the file where these words begin, 1 where they cannot be found."""
        start = words_[:28]
        for number, line in enumerate(self.shown, start=1):
            if start in line:
                return number
        return 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Numeric:
    source_id: str
    line: int
    text: str
    unit: str
    numbers: frozenset[str]
    stems: frozenset[str]


def check_path(path: Path, *, today: date | None = None) -> CheckReport:
    """Check one guide or a whole folder (then also across guides)."""
    now = today or date.today()
    folder = path if path.is_dir() else path.parent
    if not path.exists():
        raise StoreError(f"There is no {path}.", hint="Name a guide or a folder of guides.")
    loaded: list[_Loaded] = []
    problems: list[str] = []
    for file in find_files(folder, 20_000_000):
        if path != folder and file.source_id != path.name:
            continue
        try:
            loaded.append(_load(file))
        except DocumentError as error:
            problems.append(str(error))
    guides = [x for x in loaded if x.document.info.references]
    foreign = _foreign_sentences(loaded)
    terms = glossary_terms(folder)
    figures = []
    for item in loaded:
        problems += _dates(item, now)
    for guide in guides:
        problems += sorted(set(_check_guide(guide, foreign, terms)), key=_by_line)
        figures.append(_figures(guide))
    problems += _asked_twice(guides)
    problems += _contradictions(guides)
    urls = {r.url for guide in guides for r in guide.document.info.references}
    return CheckReport(guides=tuple(figures), problems=tuple(problems), distinct_sources=len(urls))


def _load(file: FoundFile) -> _Loaded:
    if file.error:
        raise file.error
    document = load(file.source_id, file.data, sidecar=file.sidecar)
    text = file.data.decode("utf-8-sig", "replace")
    lines = tuple(text.splitlines())
    return _Loaded(document=document, lines=lines, shown=tuple(map(_plain, lines)))


def _by_line(problem: str) -> tuple[str, int, str]:
    name, line, rest = problem.split(":", 2)
    return name, int(line), rest


def _plain(line: str) -> str:
    """A line of the file as the loader shows it: no reference keys, links or list marks."""
    line = re.sub(r"\[\^[^\]]+\]", "", line)
    return re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", line)


def _sentences(document: SourceDocument, section: Section) -> Iterator[tuple[Span, str]]:
    for span in sentence_spans(section.span.of(document.text)):
        absolute = Span(start=section.span.start + span.start, end=section.span.start + span.end)
        yield absolute, absolute.of(document.text)


def _check_guide(
    guide: _Loaded, foreign: frozenset[str], terms: dict[str, tuple[str, ...]]
) -> Iterator[str]:
    document = guide.document
    name = document.info.source_id
    support = {s.span: s.keys for s in document.support}
    used: set[str] = set()
    counted = unsourced = 0
    for section in document.sections:
        heading_line = guide.line_of(section.heading[-1])
        title = section.heading[-1]
        is_term = name == GLOSSARY
        low, high = (1, ASKED[1]) if is_term else ASKED
        if not low <= len(section.asked) <= high:
            yield f"{name}:{heading_line}: '{title}' has {len(section.asked)} ways of asking"
        grade = flesch_kincaid(section.span.of(document.text))
        if grade > MAX_SECTION_GRADE and not is_term:
            yield f"{name}:{heading_line}: '{title}' has reading grade {grade:.1f}"
        for span, text in _sentences(document, section):
            where = f"{name}:{guide.line_of(text)}"
            keys = support.get(span, ())
            used |= set(keys)
            if not keys:
                yield f"{where}: no reference: {text[:70]}"
            if not text.endswith("?"):
                counted += 1
                unsourced += NO_FACT in keys
            if NO_FACT in keys and (re.search(r"\d", text) or len(keys) > 1):
                yield f"{where}: [^-] on a sentence with a number or a source: {text[:70]}"
            if len(words(text)) > MAX_SENTENCE_WORDS:
                yield f"{where}: {len(words(text))} words in a sentence: {text[:70]}"
            if _DOSE.search(text):
                yield f"{where}: this reads like a dose: {text[:70]}"
            if _FORBIDDEN.search(text):
                yield f"{where}: forbidden words: {text[:70]}"
            if _digest(text) in foreign:
                yield f"{where}: the same sentence stands in a source: {text[:70]}"
    headings = {section.heading[-1] for section in document.sections}
    for title in document.info.only_when_asked:
        if title not in headings:
            line = guide.line_of("only_when_asked:")
            yield f"{name}:{line}: only_when_asked names no heading of it: '{title}'"
    for reference in document.info.references:
        if reference.key not in used:
            line = guide.line_of(f"  - key: {reference.key}")
            yield f"{name}:{line}: unused source {reference.key}"
    if counted and unsourced / counted > MAX_UNSOURCED_SHARE:
        yield f"{name}:1: {unsourced} of {counted} sentences have no source ([^-])"
    whole = "\n".join(s.span.of(document.text) for s in document.sections)
    if (grade := flesch_kincaid(whole)) > MAX_GUIDE_GRADE:
        yield f"{name}:1: the whole guide has reading grade {grade:.1f}"
    if name != GLOSSARY:
        yield from _links(guide, terms)


def _dates(item: _Loaded, today: date) -> Iterator[str]:
    info = item.document.info
    for label, value in (("published", info.published), ("reviewed", info.reviewed)):
        if value and value > today:
            yield f"{info.source_id}:{item.line_of(label)}: {label} lies in the future"
    if info.overdue(today):
        yield f"{info.source_id}:{item.line_of('review_by')}: review_by has passed"
    if info.review_by and info.review_by > today + timedelta(days=3 * 366):
        yield f"{info.source_id}:{item.line_of('review_by')}: review_by is over three years away"
    if info.references and not (info.published and info.review_by and info.licence and info.topic):
        yield f"{info.source_id}:1: a guide needs published, review_by, licence and topic"
    for reference in info.references:
        if reference.seen > today:
            yield f"{info.source_id}:1: source {reference.key} was seen in the future"


def _figures(guide: _Loaded) -> GuideFigures:
    document = guide.document
    texts = [s.span.of(document.text) for s in document.sections]
    return GuideFigures(
        source_id=document.info.source_id,
        sections=len(texts),
        sentences=sum(len(sentence_spans(t)) for t in texts),
        factual=sum(1 for s in document.support if NO_FACT not in s.keys),
        words=sum(len(words(t)) for t in texts),
        sources=len(document.info.references),
        asked=sum(len(s.asked) for s in document.sections),
        grade=flesch_kincaid("\n".join(texts)),
        highest_section_grade=max(map(flesch_kincaid, texts)),
    )


def _digest(sentence: str) -> str:
    """A sentence's identity for comparing: its words, hashed. Short ones have none."""
    found = words(sentence)
    if len(found) < 6:
        return ""
    return hashlib.sha256(" ".join(found).encode()).hexdigest()[:20]


def digests_of(text: str) -> set[str]:
    """The identities of the sentences of a text (used to make the list of foreign sentences)."""
    return {d for span in sentence_spans(text) if (d := _digest(span.of(text)))}


@cache
def _fact_sheet() -> frozenset[str]:
    if not _FOREIGN_SENTENCES.is_file():
        raise StoreError(
            f"{_FOREIGN_SENTENCES} is missing.", hint="It is part of the repository; restore it."
        )
    return frozenset(_FOREIGN_SENTENCES.read_text("utf-8").split())


def _foreign_sentences(loaded: list[_Loaded]) -> frozenset[str]:
    """Sentences that no guide may hold: of the fact sheet, and of documents that are not guides."""
    others = {
        digest
        for item in loaded
        if not item.document.info.references
        for digest in digests_of(item.document.text)
    }
    return _fact_sheet() | others


def _asked_twice(guides: list[_Loaded]) -> Iterator[str]:
    seen: dict[str, tuple[_Loaded, str]] = {}
    for guide in guides:
        for section in guide.document.sections:
            for way in section.asked:
                key = " ".join(words(way))
                if key in seen:
                    place = _place_of_way(*seen[key])
                    yield f"{_place_of_way(guide, way)}: '{way}' is also asked at {place}"
                seen.setdefault(key, (guide, way))


def _place_of_way(guide: _Loaded, way: str) -> str:
    return f"{guide.document.info.source_id}:{guide.line_of('- ' + way)}"


def _links(guide: _Loaded, terms: dict[str, tuple[str, ...]]) -> Iterator[str]:
    raw = "\n".join(guide.lines)
    name = guide.document.info.source_id
    for target in dead_links(raw, terms):
        yield f"{name}:{guide.line_of(target)}: the glossary has no {target}"
    for term, line in unlinked(raw, terms):
        yield f"{name}:{line}: '{term}' is not linked to the glossary (run: ingest --check --fix)"


def _contradictions(guides: list[_Loaded]) -> Iterator[str]:
    """Sentences of two guides on the same matter with the same unit and no number in common,
    unless one of them says that sources, centers or people differ. A net with a mesh: it finds
    sentences that share at least three in five content words."""
    facts = [fact for guide in guides for fact in _numeric(guide)]
    for position, one in enumerate(facts):
        for other in facts[position + 1 :]:
            if one.unit != other.unit or one.source_id == other.source_id:
                continue
            if one.numbers & other.numbers:
                continue
            shared = len(one.stems & other.stems) / max(1, min(len(one.stems), len(other.stems)))
            if shared >= 0.6 and len(one.stems & other.stems) >= 4:
                yield (
                    f"{one.source_id}:{one.line}: '{one.text}' against "
                    f"{other.source_id}:{other.line}: '{other.text}'"
                )


def _numeric(guide: _Loaded) -> Iterator[_Numeric]:
    document = guide.document
    for section in document.sections:
        sentences = list(_sentences(document, section))
        for n, (_, text) in enumerate(sentences):
            around = " ".join(t for _, t in sentences[max(0, n - 1) : n + 2])
            unit = _UNIT.search(text)
            if not unit or _DIFFERS.search(around):
                continue
            yield _Numeric(
                source_id=document.info.source_id,
                line=guide.line_of(text),
                text=text,
                unit=unit.group(2).casefold().rstrip("s"),
                numbers=frozenset(numbers(text)),
                stems=frozenset(w for w in content_words(text) if not w[0].isdigit()),
            )
