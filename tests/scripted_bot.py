"""A bot that answers by script, for the tests of pages and API: every outcome on demand, and texts
that try to break out of the page. It holds real documents, loaded by the real loader."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date
from pathlib import Path

from bot.answering.citing import Found
from bot.errors import NoIndex, QuestionError, UnknownSource
from bot.indexing.loading import load
from bot.records import (
    About,
    Action,
    Alert,
    Answer,
    Citation,
    CitedStatement,
    Contact,
    Question,
    Reference,
    Related,
    Screening,
    SourceDocument,
    SourceInfo,
    Span,
    Trace,
    Versions,
)
from bot.text import content_words, sentence_spans
from tests.making_pdfs import leaflet
from tests.scripted_trace import trace_of

XSS = (
    "<script>window.pwned=1</script>",
    '"><img src=x onerror=window.pwned=1>',
    "<svg/onload=window.pwned=1>",
    "[a](javascript:window.pwned=1)",
    "</div></li></ol><iframe srcdoc='<script>parent.pwned=1</script>'></iframe>",
    "{{ 7*7 }} ${7*7} $$7*7$$",
)
NASTY = " ".join(XSS)

GUIDE = """---
title: Types of transplant
publisher: Transplant Answers (this project)
published: 2026-11-22
reviewed: 2026-11-22
review_by: 2027-11-22
licence: CC BY 4.0
language: en
sources:
  - key: nhs
    publisher: NHS
    title: Stem cell and bone marrow transplants
    url: https://www.nhs.uk/conditions/stem-cell-transplant/
    seen: 2026-11-22
---
# Types of transplant

## What are the two main types of transplant?

An autologous transplant uses the patient's own stem cells.[^nhs] An allogeneic transplant uses \
stem cells from another person.[^nhs] That person is the donor.[^nhs]

- The cells can come from a brother or a sister.[^nhs]
- The cells can come from a donor on a register.[^nhs]

## What is a haploidentical transplant?

A haploidentical transplant uses cells from a donor who is a half match.[^nhs]
"""

GLOSSARY = """---
title: Glossary
publisher: Transplant Answers (this project)
published: 2026-11-22
reviewed: 2026-11-22
review_by: 2099-11-22
language: en
topic: Glossary
---
# Glossary

## Stem cells

Stem cells are young cells that can grow into blood cells. They live in the bone marrow.

## Allogeneic transplant

An allogeneic transplant uses the cells of another person.

## Human leukocyte antigen (HLA)

HLA is a set of markers on your cells.
"""

DIFFER = """---
title: How common it is
publisher: Transplant Answers (this project)
published: 2026-11-22
reviewed: 2026-10-01
review_by: 2099-11-22
language: en
sources:
  - key: a
    publisher: Institute A
    title: A page
    url: https://a.example/page
    seen: 2026-09-01
  - key: b
    publisher: Hospital B
    title: B page
    url: https://b.example/page
    seen: 2026-08-02
---
# How common it is

## How common is it?

It is common, but sources differ on how common.[^a][^b] Institute A says 30 in 100 people.[^a] \
Hospital B says 50 in 100 people.[^b]
"""

LEAFLET = "leaflets/going-home.pdf"
"""A PDF of four pages; its original can be shown where the knowledge folder holds it."""

VERSIONS = Versions(app="0.1.0", index="20261122T000000-1", model="none", writer="extractive")
CONTACT = Contact(
    name="Ward 7 transplant line",
    phone="+1 (555) 010-0199",
    hours="every day, 8 to 6",
    after_hours_phone="555-010-0200",
)


def nasty_document() -> SourceDocument:
    """A poisoned document: its title, words and links are all hostile."""
    document = load("nasty.md", GUIDE.encode())
    text = document.text.replace("That person is the donor.", NASTY)
    grown = len(text) - len(document.text)
    first, *rest = document.sections
    moved = [
        type(s)(
            heading=s.heading, span=type(s.span)(start=s.span.start + grown, end=s.span.end + grown)
        )
        for s in rest
    ]
    span = type(first.span)(start=first.span.start, end=first.span.end + grown)
    info = SourceInfo(
        source_id="nasty.md",
        title=NASTY,
        publisher=NASTY,
        url="javascript:window.pwned=1",
        licence=NASTY,
        note=NASTY,
        references=(
            Reference(
                key="x",
                publisher=NASTY,
                title=NASTY,
                url="javascript:window.pwned=1",
                seen=date(2026, 11, 22),
            ),
        ),
    )
    return SourceDocument(
        info=info,
        text=text,
        sections=(type(first)(heading=(NASTY,), span=span), *moved),
        file_hash=document.file_hash,
    )


class ScriptedBegun:
    """What the rules find by script: "chest" and "end it" stop, "fever" is urgent; where "likened"
    is said only examples name it."""

    def __init__(self, bot: ScriptedBot, question: Question) -> None:
        self.bot = bot
        self.question = question
        text = question.text.casefold()
        self.level = next((level for word, level in ALARMS.items() if word in text), None)
        self.stops = self.level in ("emergency", "crisis")
        self.named = "likened" not in text

    def alarm(self) -> Answer | None:
        if self.level is None:
            return None
        if self.stops:
            return self.bot._stop(self.question, self.level)
        notice = "I could not look this up in the documents just now."
        return replace(self.bot._quiet(self.question, "abstained", notice), alert=URGENT)

    def ask(self) -> Answer:
        return self.bot.ask(self.question)

    def look_up(self) -> Found:
        return self.bot.look_up(self.question)


ALARMS = {"chest": "emergency", "end it": "crisis", "fever": "urgent"}


class ScriptedBot:
    """Answers by the first word it knows in the question."""

    def __init__(self, *, problems: tuple[str, ...] = (), index: bool = True) -> None:
        self.asked: list[Question] = []
        self.problems = problems
        self.warmed = False
        self.closed = False
        self.index = index
        guide = load("guides/types.md", GUIDE.encode())
        documents = [guide, nasty_document()]
        documents.append(load("glossary.md", GLOSSARY.encode()))
        documents.append(load("differ.md", DIFFER.encode()))
        documents.append(load(LEAFLET, leaflet(4)))
        real = Path(__file__).parent.parent / "knowledge" / "when-to-call.md"
        if real.exists():
            documents.append(load("when-to-call.md", real.read_bytes()))
        self.documents = {d.info.source_id: d for d in documents}

    def document(self, source_id: str) -> SourceDocument:
        if not self.index:
            raise NoIndex("There is no index yet.")
        if source_id not in self.documents:
            raise UnknownSource(f"no source {source_id}")
        return self.documents[source_id]

    def sources(self) -> tuple[SourceInfo, ...]:
        if not self.index:
            raise NoIndex("There is no index yet.")
        return tuple(d.info for d in self.documents.values())

    def warm(self) -> None:
        self.warmed = True

    def readiness(self) -> tuple[str, ...]:
        return self.problems

    def versions(self) -> Versions:
        return VERSIONS

    def close(self) -> None:
        self.closed = True

    def begin(self, question: Question) -> ScriptedBegun:
        return ScriptedBegun(self, question)

    def ask(self, question: Question) -> Answer:
        self.asked.append(question)
        text = question.text.casefold()
        if not text.strip():
            raise QuestionError("The question is empty.")
        if len(text) > 2000:
            raise QuestionError("The question has too many characters.")
        if "stuck" in text:
            time.sleep(18)
        if "slow" in text:
            time.sleep(3)
        if "crash" in text:
            raise RuntimeError(f"secret detail: {question.text}")
        if "no index" in text:
            raise NoIndex("There is no index yet. /secret/path")
        if "chest" in text:
            return self._stop(question, "emergency")
        if "end it" in text:
            return self._stop(question, "crisis")
        if "weather" in text:
            return self._quiet(question, "abstained", "I cannot answer this from the documents.")
        if "did i mean" in text:
            answer = self._quiet(question, "abstained", "I am not sure that I have an answer.")
            return replace(answer, follow_ups=tuple(r.heading[-1] for r in answer.related))
        if "my own case" in text:
            near = self._quiet(question, "abstained", "").related
            answer = self._quiet(question, "declined", "I cannot say what is causing it.")
            meant = tuple(r.heading[-1] for r in near)
            return replace(answer, related=near, follow_ups=meant)
        if "dose" in text:
            return self._quiet(question, "declined", "I cannot say which dose is right for you.")
        if "hello" in text:
            return self._quiet(question, "greeting", "Hello. What would you like to know?")
        if "hola" in text:
            return self._quiet(question, "unsupported_language", "Solo puedo responder en inglés.")
        if "nasty" in text or "<" in text:
            return self._answered(question, "nasty.md", notices=(NASTY,), follow_ups=(NASTY,))
        if "about me" in text:
            said = question.about or About()
            notice = f"kind {said.kind}, stage {said.stage}"
            return self._answered(question, "guides/types.md", notices=(notice,))
        if "leaflet" in text:
            return self._from_leaflet(question)
        if "common" in text:
            return self._answered(question, "differ.md")
        if "fever" in text:
            return self._answered(question, "guides/types.md", alert=URGENT)
        return self._answered(
            question,
            "guides/types.md",
            notices=("Check with your own team before you rely on this.",),
            follow_ups=("What is a haploidentical transplant?", "Where do the cells come from?"),
        )

    def look_up(self, question: Question) -> Found:
        text = question.text.casefold()
        if any(word in text for word in ("chest", "end it", "dose", "hola", "no index", "crash")):
            return Found(instead=self.ask(question))
        if not self.index:
            raise NoIndex("There is no index yet.")
        if len(text) > 2000:
            raise QuestionError("The question has too many characters.")
        if "slow" in text:
            time.sleep(3)
        self.asked.append(question)
        wanted = set(content_words(text))
        pages = tuple(
            Related(
                passage_id=f"{document.info.source_id}:{s.span.start}-{s.span.end}",
                source=document.info,
                heading=s.heading,
                span=s.span,
                page=s.page,
            )
            for document in self.documents.values()
            for s in document.sections
            if wanted & set(content_words(" ".join(s.heading) + " " + s.span.of(document.text)))
        )
        return Found(
            pages=pages,
            screening=Screening(
                alert=URGENT if "fever" in text else None,
                notices=("Call if you feel unwell.",) if "cells" in text else (),
            ),
        )

    def _from_leaflet(self, question: Question) -> Answer:
        """Quotes from two pages of the PDF and from a guide between them."""
        places = [
            (LEAFLET, "This is the text of part 1."),
            ("guides/types.md", "That person is the donor."),
            (LEAFLET, "This is the text of part 3."),
            (LEAFLET, "Your new cells need time to grow."),
        ]
        citations = []
        for number, (source_id, quote) in enumerate(places, start=1):
            document = self.documents[source_id]
            start = document.text.rindex(quote)
            section = next(s for s in document.sections if s.span.start <= start < s.span.end)
            citations.append(
                Citation(
                    number=number,
                    passage_id=f"{source_id}:{section.span.start}-{section.span.end}",
                    source=document.info,
                    heading=section.heading,
                    page=section.page,
                    quote=quote,
                    span=Span(start=start, end=start + len(quote)),
                )
            )
        return Answer(
            question=question,
            outcome="answered",
            contact=CONTACT,
            versions=VERSIONS,
            statements=tuple(
                CitedStatement(text=c.quote, citations=(c.number,)) for c in citations
            ),
            citations=tuple(citations),
        )

    def _answered(self, question: Question, source_id: str, **more: object) -> Answer:
        document = self.documents[source_id]
        section = document.sections[0]
        spans = [
            s
            for s in sentence_spans(document.text)
            if section.span.start <= s.start and s.end <= section.span.end
        ]
        references = {r.key: r for r in document.info.references}
        citations = tuple(
            Citation(
                number=n,
                passage_id=f"{source_id}:{section.span.start}-{section.span.end}",
                source=document.info,
                heading=section.heading,
                page=None,
                quote=span.of(document.text),
                span=span,
                based_on=tuple(
                    references[key]
                    for support in document.support
                    if support.span.start < span.end and span.start < support.span.end
                    for key in support.keys
                    if key in references
                )
                or document.info.references,
            )
            for n, span in enumerate(spans, start=1)
        )
        statements = tuple(
            CitedStatement(
                text=c.quote,
                citations=(c.number,),
                list_item=document.text[c.span.start - 2 : c.span.start] == "- ",
            )
            for c in citations
        )
        return Answer(
            question=question,
            outcome="answered",
            contact=CONTACT,
            versions=VERSIONS,
            statements=statements,
            citations=citations,
            trace=trace_of(question, document),
            **more,  # type: ignore[arg-type]
        )

    def _stop(self, question: Question, level: str) -> Answer:
        emergency = level == "emergency"
        alert = Alert(
            level="emergency" if emergency else "crisis",
            rule_id="test",
            message="Chest pain can be an emergency. Call 911 now. Say that you had a transplant."
            if emergency
            else "You do not have to be alone with this. Please talk to someone now.",
            actions=(
                Action(text="Call 911" if emergency else "Call 988", href="tel:911"),
                Action(text="Then call your transplant team", href="tel:+15550100199"),
                Action(text="Go to the nearest emergency department."),
            ),
        )
        return Answer(
            question=question,
            outcome="emergency" if emergency else "crisis",
            contact=CONTACT,
            versions=VERSIONS,
            alert=alert,
        )

    def _quiet(self, question: Question, outcome: str, notice: str) -> Answer:
        guide = self.documents["guides/types.md"]
        related = tuple(
            Related(
                passage_id=f"{guide.info.source_id}:{s.span.start}-{s.span.end}",
                source=guide.info,
                heading=s.heading,
                span=s.span,
            )
            for s in guide.sections
        )
        return Answer(
            question=question,
            outcome=outcome,  # type: ignore[arg-type]
            contact=CONTACT,
            versions=VERSIONS,
            notices=(notice,),
            related=related if outcome == "abstained" else (),
            reason="known gap" if outcome == "abstained" else None,
            trace=trace_of(question, guide, answers=False) if outcome == "abstained" else Trace(),
        )


URGENT = Alert(
    level="urgent",
    rule_id="fever",
    message="Call your transplant team now, day or night. Do not wait.",
    actions=(Action(text="Call your transplant team", href="tel:+15550100199"),),
)
