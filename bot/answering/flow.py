"""The way of a question, from the user's own words to an `Answer`. The only place where the
answering steps meet.

Fails closed: an exception in triage, scope or verification gives no answer, only the card where an
alarm was found before. Question text never goes to a log from here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Self

import bot
from bot.answering.answerability import WITHHELD, Features, Judge, load_model, withheld_leads
from bot.answering.begun import Begun
from bot.answering.checking import check_question
from bot.answering.citing import Found, cite, follow_ups, offers, related, worth_reading
from bot.answering.coverage import only_covered
from bot.answering.extractive import NAME as EXTRACTIVE
from bot.answering.extractive import ExtractiveWriter
from bot.answering.finding import Finder
from bot.answering.greeting import Greeting
from bot.answering.language import ENGLISH, Language, primary
from bot.answering.offering import offerable, to_spare
from bot.answering.opened import IndexHolder, OpenIndex
from bot.answering.preference import prefer
from bot.answering.remembered import Remembered
from bot.answering.reply import Reads, Reply
from bot.answering.retrieval import anything
from bot.answering.scope import Scope
from bot.answering.screening import Screener
from bot.answering.showing import Showing
from bot.answering.triage import Triage
from bot.answering.verification import Verifier
from bot.contacts import contact_of
from bot.errors import BotError, UnknownSource
from bot.indexing.embedding import Embedder
from bot.indexing.flow import make_embedder
from bot.indexing.places import generations, withdrawals_of
from bot.lexicon import load_lexicon
from bot.messages import load_messages
from bot.raised import Look
from bot.records import (
    Answer,
    Chunk,
    Outcome,
    Query,
    Question,
    Retrieved,
    SourceDocument,
    SourceInfo,
    Verdict,
    Versions,
)
from bot.rules import Hearing, load_rules
from bot.rules.models import LanguageRule
from bot.settings import Settings

_SENTENCES_KEPT = 4096  # of 384 numbers each


class Bot:
    """Answers questions. Safe to call from several threads. Build it with `Bot.open`."""

    def __init__(
        self,
        settings: Settings,
        embedder: Embedder,
        index: IndexHolder,
        *,
        today: Callable[[], date] = date.today,
    ) -> None:
        rules = self._rules = load_rules()
        self._contacts = {c: contact_of(settings.contact, c) for c in (ENGLISH, *rules.spoken)}
        self.contact = self._contacts[ENGLISH]
        self._settings = settings
        self._embedder = embedder
        self._index = index
        self._spoken = frozenset(rules.spoken)
        self._common = {rule.code: frozenset(rule.common) for rule in rules.languages.language}
        self._lexicon = load_lexicon()
        notice = settings.answering.overdue_sources == "notice"
        self._show = Showing(withdrawals_of(settings), today, shows_overdue=notice)
        triage = Triage(
            rules,
            region=settings.locale.region,
            fever_celsius=settings.locale.fever_celsius,
            contact=self.contact,
            contacts=self._contacts,
        )
        self._screen = Screener.open(rules, triage, embedder)
        self._scope = Scope(rules)
        self._passes = offerable(lambda q: not self._before_documents(self._reply(q), search=False))
        self._greeting = Greeting(rules)
        self._language = Language(rules)
        self._judge_model = load_model()
        self._sentence_vectors = Remembered(embedder.embed_few, most=_SENTENCES_KEPT)
        self._find = Finder(settings.retrieval, embedder, self._lexicon)

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Load the rules; model and index follow on first need.

        Raises `RulesError` and `ModelError` at once: without rules or with foreign weights there
        must be no bot.
        """
        embedder = make_embedder(settings)
        return cls(settings, embedder, IndexHolder(settings, embedder, generations(settings)))

    def ask(self, question: Question) -> Answer:
        """Answer one question.

        Raises `QuestionError` (empty, no words, too long), `StoreError` and `ModelError` where
        index or model cannot be used; but never where there is an alarm to show.
        """
        return self.begin(question).ask()

    def look_up(self, question: Question) -> Found:
        """Pages to read for a search of the library. What `ask` says before it opens a document
        (an emergency, a declined request ...) it says here, too, and raises what `ask` raises."""
        return self.begin(question).look_up()

    def begin(self, question: Question) -> Begun:
        """The question as the rules read it, at once, without index or model; and the work that
        follows, for whoever must not lose an alarm while that waits for its turn."""
        return Begun(self._reply(question), self._answer, self._pages)

    def _answer(self, reply: Reply) -> Answer:
        if said := self._before_documents(reply):
            return said
        with self._index.use() as index:
            reply.generation = index.manifest.generation
            return self._from_documents(reply, index)

    def _pages(self, reply: Reply) -> Found:
        if said := self._before_documents(reply):
            return Found(instead=said)
        pages = worth_reading(self.retrieve(reply.question.text, read=reply.read).hits)
        return Found(pages=pages, screening=reply.screening)

    def _before_documents(self, reply: Reply, *, search: bool = True) -> Answer | None:
        """What the rules say in place of an answer from documents; None where they say nothing.
        `search`: it will be searched for then, so that the model reads it for that, too."""
        question = reply.question
        with reply.timed("triage"):
            reply.screening, named = self._screen.first(
                question,
                reply.heard,
                english=lambda: not self._language(question),
                screening=reply.screening,
            )
        reply.trace_parts["look"] = named
        if stop := reply.stop():
            return stop
        self._check(question)
        if self._settings.answering.contact_card_only:
            said = load_messages(reply.language).contact_only
            return reply.build("abstained", "contact card only", (said,))
        # Only now: neither what phrases call an emergency nor a contact card may wait for a model.
        foreign = self._language(question)
        with reply.timed("second look"):
            reply.screening, look = self._screen.again(
                question,
                reply.screening,
                english=not foreign,
                beside=reply.read.beside if search else None,
                heard=reply.heard,
            )
        reply.trace_parts["look"] = look
        if stop := reply.stop():
            return stop
        with reply.timed("scope"):
            found = self._without_documents(reply, look, foreign)
        if found and found[0] == "declined":
            self._beside_decline(reply, found[1], search=search)
        return reply.build(*found) if found else None

    def _reply(self, question: Question) -> Reply:
        """The beginning of a reply: what the rules find in the question."""
        reply = Reply(
            question=question,
            contact=self._contacts.get(primary(question.locale), self.contact),
            versions=self.versions,
            read=self._find.reader(question, self._index.use),
            heard=Hearing(self._rules),
        )
        with reply.timed("triage"):
            reply.screening = self._screen.by_rules(question, reply.heard)
        reply.language = reply.screening.language
        return reply

    def _check(self, question: Question) -> None:
        check_question(question, most=self._settings.answering.max_question_chars)

    def _without_documents(
        self, reply: Reply, look: Look, foreign: LanguageRule | None
    ) -> tuple[Outcome, str, tuple[str, ...]] | None:
        question, heard = reply.question, reply.heard
        greeting = self._greeting(question, reply.language, heard)
        if foreign:
            reply.asked_in = foreign.code
            if not greeting and not self._has_guides_in(foreign.code):
                return "unsupported_language", "the question is not in English", (foreign.message,)
            if foreign.code not in self._spoken:
                reply.lead = foreign.when_ill
        declined = self._scope(question, reply.language, reply.asked_in, heard)
        if look.own_case and not declined and not greeting:
            declined = self._scope.of_look(look.own_case.rule_id, question, reply.language, heard)
        if declined:
            return "declined", declined.rule_id, (declined.message,)
        if greeting:
            said, reply.language = greeting
            return "greeting", "greeting", (said,)
        return None

    def _has_guides_in(self, language: str) -> bool:
        """May a document in this language be shown? None can where there is no index."""
        try:
            found = self.sources()
        except BotError:
            return False
        return any(primary(s.language) == language and self._show.document(s) for s in found)

    def _from_documents(self, reply: Reply, index: OpenIndex) -> Answer:
        question = reply.question
        messages = load_messages(reply.language)
        spoken = reply.asked_in or ENGLISH

        def in_language(chunk: Chunk) -> bool:
            return primary(chunk.source.language) == spoken

        # Guides in another language are few: searched alone, or English would crowd them out.
        all_sources = index.passages.sources() if reply.asked_in else ()
        only = [s.source_id for s in all_sources if primary(s.language) == spoken] or None
        with reply.timed("find"):
            query, retrieved, verdict = self._find_and_judge(
                index, reply.read, in_language, only=only
            )
            if reply.asked_in:
                common = self._common.get(reply.asked_in, frozenset())
                retrieved, verdict = only_covered(question.text, retrieved, verdict, common)
        reply.trace_parts |= {"query": query, "retrieved": retrieved, "verdict": verdict}
        if verdict.kind == "unanswerable":
            return self._abstain(reply, index, retrieved, verdict)
        # After the verdict: what a reader said of the transplant never decides what is answered.
        preferred = prefer(retrieved.hits, question.about, messages.preference)
        with reply.timed("write"):
            writer = ExtractiveWriter(
                lambda text: reply.read(text).vector,
                self._sentence_vectors,
                max_statements=self._settings.answering.max_statements,
                nearby=self._settings.answering.nearby,
            )
            draft = writer(query, preferred.hits)
        with reply.timed("verify"):
            verifier = Verifier(index.passages.document, self._lexicon.medicines)
            checked = verifier(draft, retrieved.hits)
        reply.trace_parts |= {"considered": draft.considered, "dropped": checked.dropped}
        if not checked.kept:
            return self._abstain(reply, index, retrieved, verdict)
        reply.statements, reply.citations = cite(checked.kept, retrieved.hits)
        reply.follow_ups = follow_ups(
            retrieved.hits,
            (c.passage_id for c in reply.citations),
            lambda s: [c for c in self._show.shown(index, s) if in_language(c)],
            self._passes,
        )
        overdue = any(self._show.overdue(c.source) for c in reply.citations)
        notices = (preferred.notice, messages.overdue if overdue else None)
        return reply.build("answered", None, tuple(n for n in notices if n))

    def _find_and_judge(
        self,
        index: OpenIndex,
        read: Reads,
        accept: Callable[[Chunk], bool] = anything,
        *,
        only: Sequence[str] | None = None,
    ) -> tuple[Query, Retrieved, Verdict]:
        """Of a message that can be read as a follow-up or by itself, the reading that the documents
        answer best; the likelier one where they are equal."""
        judge, withheld = Judge(self._judge_model, index.knows), self._show.withheld(index)
        readings = []
        for query in read.queries(index):
            retrieved = self._find(index, query, withheld, accept, read=read, only=only)
            readings.append((query, retrieved, judge(query, retrieved)))
        if withheld_leads(readings[0][1]):  # then the other reading is no answer to it
            return readings[0]
        return max(readings, key=lambda r: (r[2].kind == "answerable", r[2].score))

    def _beside_decline(self, reply: Reply, rule_id: str, *, search: bool) -> None:
        """General questions that are near a declined request, to be asked in its place; else the
        sections that scope.toml names. Whatever fails here, the decline stands."""
        only = reply.language != ENGLISH or reply.asked_in or reply.screening.alert
        with to_spare(), self._index.use() as index:
            if search and not only and not self._scope.only_general(rule_id):
                self._ask_back(reply, *self._find_and_judge(index, reply.read)[1:])
            general = self._show.sections(index, self._scope.general(rule_id))
            reply.related = reply.related or related(general)

    def _ask_back(self, reply: Reply, seen: Retrieved, verdict: Verdict) -> None:
        """Offers what may be asked in the place of the question, where something is near."""
        meant = offers(seen.hits, self._passes) if verdict.near else []
        reply.related, reply.follow_ups = related(meant), tuple(c.heading[-1] for c in meant)

    def _abstain(self, reply: Reply, index: OpenIndex, seen: Retrieved, verdict: Verdict) -> Answer:
        self._ask_back(reply, seen, verdict)
        reply.related = reply.related or related(hit.chunk for hit in seen.hits)
        messages = load_messages(reply.language)
        said = messages.withheld if verdict.reason == WITHHELD else messages.abstained
        notices = [messages.asked_back if reply.follow_ups else said]
        # What not-covered.toml says instead is in English.
        if verdict.reason == "known gap" and seen.gap_group and reply.language == ENGLISH:
            notices.append(index.manifest.gap_groups.get(seen.gap_group, ""))
        return reply.build("abstained", verdict.reason, tuple(n for n in notices if n))

    # What the edges need beside answers.
    def document(self, source_id: str) -> SourceDocument:
        """The stored document. Raises `UnknownSource` (also where it was withdrawn), `NoIndex`,
        `DamagedIndex`."""
        with self._index.use() as index:
            if self._show.gone(index, source_id):
                raise UnknownSource(f"The document {source_id!r} was withdrawn.")
            return index.passages.document(source_id)

    def sources(self) -> tuple[SourceInfo, ...]:
        """All documents of the serving generation that are not withdrawn, by title."""
        with self._index.use() as index:
            found = index.passages.sources()
            return tuple(s for s in found if not self._show.gone(index, s.source_id))

    def retrieve(self, text: str, *, read: Reads | None = None) -> Retrieved:
        """The hits for a query, as `search` prints them. `read`: where the model has read it."""
        question = Question(text=text)
        self._check(question)
        with self._index.use() as index:
            query, *_ = self._find.queries(index, question)
            return self._find(index, query, self._show.withheld(index), read=read)

    def examine(self, question: Question) -> tuple[Chunk, Features] | None:
        """The best passage and what the answerability model sees of it; for fitting that model.
        None where the question is stopped, declined or finds nothing."""
        reply = self._reply(question)
        if self._before_documents(reply):
            return None
        with self._index.use() as index:
            query, retrieved, _ = self._find_and_judge(index, reply.read)
            if not retrieved.hits:
                return None
            features = Judge(self._judge_model, index.knows).features(query, retrieved)
            return retrieved.hits[0].chunk, features

    def versions(self, index: str | None = None) -> Versions:
        """Versions without opening anything or waiting for anything: unless named, the index in use
        or the one the pointer names."""
        return Versions(
            app=bot.__version__,
            index=index or self._index.name(),
            model=self._embedder.name,
            writer=EXTRACTIVE,
        )

    def warm(self) -> None:
        """Load model and index, and pay the first inference now, all that a question takes."""
        self._embedder.read_beside(["warm up"], ["warm up"])
        with self._index.use():
            pass

    def readiness(self) -> tuple[str, ...]:
        """What keeps the bot from answering, in plain words; empty when it is ready."""
        try:
            with self._index.use():
                return ()
        except BotError as error:
            return (f"{error} {error.hint}".strip(),)

    def close(self) -> None:
        self._index.close()
