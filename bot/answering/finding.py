"""From a question to hits: rewriting, retrieval, closer reading, last order, for one index. Part of
the answering flow.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

from bot.answering.centres import Centres
from bot.answering.opened import OpenIndex
from bot.answering.ranking import Ranker, load_rank_weights
from bot.answering.reply import Reads
from bot.answering.rereading import Rereader, WordByWord, Words
from bot.answering.retrieval import (
    Retriever,
    Searches,
    Weights,
    anything,
    apart,
)
from bot.answering.rewriting import Rewriter
from bot.errors import BotError, DamagedIndex
from bot.indexing.chunking import passage_text
from bot.indexing.cross_encoder import CrossEncoder
from bot.indexing.embedding import Embedder, centre_key, gap_key
from bot.indexing.lexical import WordMatch
from bot.indexing.word_vectors import turned, unpacked
from bot.lexicon import Lexicon
from bot.reading import Reading
from bot.records import Chunk, Query, Question, Retrieved
from bot.settings import Retrieval

if TYPE_CHECKING:
    from bot.indexing.word_vectors import Matrix

Use = Callable[[], contextlib.AbstractContextManager[OpenIndex]]
WORDS = "words"
"""The closer reading of bot/answering/rereading.py, by its name in the settings."""
_BESIDE = 4
"""Searches that run beside others, of all questions together; more than that wait."""


class Reader:
    """Reads the texts of one question, each one once, and looks for its words meanwhile. `queries`
    says what will be searched for in an index, which `use` lends; `words` passages with them are
    wanted."""

    def __init__(
        self,
        embedder: Embedder,
        use: Use,
        queries: Callable[[OpenIndex], Sequence[Query]],
        beside: Executor,
        words: int,
    ) -> None:
        self._embedder = embedder
        self._use = use
        self._make_queries = queries
        self._beside = beside
        self._count = words
        self._read: dict[str, Reading] = {}
        self._queries: dict[str, Sequence[Query]] = {}
        self._words: dict[tuple[str, str, int], Future[list[WordMatch]]] = {}

    def __call__(self, text: str) -> Reading:
        if text not in self._read:
            self._read[text] = self._embedder.read_query(text)
        return self._read[text]

    def queries(self, index: OpenIndex) -> Sequence[Query]:
        """What to search for, the likeliest reading of the question first."""
        name = index.manifest.generation
        if name not in self._queries:
            self._queries[name] = self._make_queries(index)
        return self._queries[name]

    def beside(self, texts: Sequence[str]) -> Any:
        """`Embedder.tuned` of the texts, and in the same pass what the search will ask for. The
        word search, which needs no model, runs beside it."""
        with contextlib.ExitStack() as held:
            try:
                index = held.enter_context(self._use())
                queries = self.queries(index)
            except BotError:  # nothing to search, but something to look at
                return self._read_beside((), texts)
            name = index.manifest.generation
            self._words = {
                (name, query.full, self._count): self._beside.submit(
                    index.passages.search, query.full, self._count
                )
                for query in queries
            }
            held.callback(wait, self._words.values())  # the index is lent until then
            return self._read_beside(queries, texts)

    def _read_beside(self, queries: Sequence[Query], texts: Sequence[str]) -> Any:
        wanted = list(dict.fromkeys(text for q in queries for text in (q.full, q.text)))
        readings, vectors = self._embedder.read_beside(wanted, texts)
        self._read |= zip(wanted, readings, strict=True)
        return vectors

    def words(self, index: OpenIndex, text: str, k: int) -> Sequence[WordMatch]:
        """The passages that share words with the text."""
        found = self._words.get((index.manifest.generation, text, k))
        return found.result() if found else index.passages.search(text, k)


class Finder:
    """Finds passages. Safe to call from several threads.

    Raises `ModelError` where the settings name a cross-encoder that is not there.
    """

    def __init__(self, chosen: Retrieval, embedder: Embedder, lexicon: Lexicon) -> None:
        self._chosen = chosen
        self._embedder = embedder
        self._lexicon = lexicon
        self._ranker = Ranker(load_rank_weights())
        self._tools: tuple[str, Rewriter, Centres] | None = None
        # Its threads end with it.
        self._beside = ThreadPoolExecutor(_BESIDE, thread_name_prefix="search")
        named = chosen.reranker not in (WORDS, "none")
        self._cross_encoder = CrossEncoder(chosen.reranker) if named else None

    def queries(self, index: OpenIndex, question: Question) -> tuple[Query, ...]:
        """What to search for, with the vocabulary of this index; the likeliest reading first."""
        return self._tools_of(index)[1].readings(question)

    def __call__(
        self,
        index: OpenIndex,
        query: Query,
        withheld: Callable[[Chunk], bool],
        accept: Callable[[Chunk], bool] = anything,
        *,
        read: Reads | None = None,
        only: Sequence[str] | None = None,
    ) -> Retrieved:
        """The hits, best first: passages that `accept` wants, none that is `withheld`. `only` keeps
        the search to these documents; `read` is for callers that need what the model made of the
        question as well."""
        read = read or self.reader(Question(text=query.text), lambda: contextlib.nullcontext(index))
        for text in (query.full, query.text):  # a reader serves one thread at a time
            read(text)
        centres = self._tools_of(index)[2]
        shares = self._beside.submit(centres.shares, read(query.text).asked)
        found = self._retriever(index, read, only)(query, withheld, accept)
        found = self._rereader(index, read)(query, found)
        if self._chosen.reranker == WORDS:  # the weights are fitted to what it gives
            found = self._ranker(found, centres.of(found.hits, shares.result()))
        return centres(apart(found, withheld), shares.result())

    def _tools_of(self, index: OpenIndex) -> tuple[str, Rewriter, Centres]:
        """What is made once for a generation of the index, whose name comes first."""
        tools, name = self._tools, index.manifest.generation
        if tools is None or tools[0] != name:
            gaps = map(gap_key, index.manifest.gap_groups)
            centres = Centres(self._embedder.centres, gaps, centre_key)
            tools = (name, Rewriter(self._lexicon, index.vocabulary), centres)
            self._tools = tools
        return tools

    def reader(self, question: Question, use: Use) -> Reader:
        """For one question. Not to be kept beyond it. `use` lends the index."""
        return Reader(
            self._embedder,
            use,
            lambda index: self.queries(index, question),
            self._beside,
            self._chosen.candidates,
        )

    def _retriever(self, index: OpenIndex, read: Reads, only: Sequence[str] | None) -> Retriever:
        chosen, vectors = self._chosen, index.vectors
        searches = Searches(
            passages=lambda text, k: vectors.search("passages", read(text).vector, k, only),
            questions=lambda text, k: vectors.search("questions", read(text).asked, k, only),
            by_words=lambda text, k: read.words(index, text, k),
            outlines=index.passages.outlines,
            chunks=index.passages.chunks,
        )
        weights = Weights(
            passage=chosen.passage_weight,
            asked=chosen.asked_weight,
            asked_mean=chosen.asked_mean_weight,
            heading=chosen.heading_weight,
            lexical=chosen.lexical_weight,
        )
        return Retriever(
            searches,
            weights,
            candidates=chosen.candidates,
            keep=chosen.keep,
            beside=self._beside,
            records_each=index.manifest.questions / max(1, index.manifest.passages),
            gaps=bool(index.manifest.gap_groups),
        )

    def _rereader(self, index: OpenIndex, read: Reads) -> Rereader:
        chosen = self._chosen
        likeness: Callable[[Query, Sequence[Chunk]], Sequence[float]]
        if self._cross_encoder is not None:
            encoder = self._cross_encoder

            def likeness(query: Query, chunks: Sequence[Chunk]) -> Sequence[float]:
                return encoder.scores(query.full, [passage_text(chunk) for chunk in chunks])

        else:
            likeness = _word_by_word(index, read)
        weight = 0.0 if chosen.reranker == "none" else chosen.rerank_weight
        return Rereader(likeness, weight=weight, top=chosen.rerank_top)


def _word_by_word(index: OpenIndex, read: Reads) -> WordByWord:
    def question(text: str) -> Words:
        made = read(text)
        return Words(words=made.words, vectors=turned(made.vectors))

    def passages(chunks: Sequence[Chunk], width: int) -> list[Matrix]:
        stored = index.passages.word_vectors([chunk.chunk_id for chunk in chunks])
        try:
            return [unpacked(vectors, width) for vectors in stored]
        except ValueError as error:
            raise DamagedIndex(f"The words of a passage cannot be read: {error}") from error

    return WordByWord(question, passages, index.vocabulary, index.manifest.passages)
