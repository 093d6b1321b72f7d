"""From a question to hits: rewriting, retrieval and the closer reading, put together for one index.
Part of the answering flow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bot.answering.opened import OpenIndex
from bot.answering.remembered import Remembered
from bot.answering.rereading import Rereader, WordByWord, Words
from bot.answering.retrieval import PRIORITY_STEP, Retriever, Searches, Weights
from bot.answering.rewriting import Rewriter
from bot.indexing.chunking import passage_text
from bot.indexing.cross_encoder import CrossEncoder
from bot.indexing.embedding import Embedder
from bot.lexicon import Lexicon
from bot.records import Chunk, Query, Question, Retrieved
from bot.settings import Retrieval

_PASSAGES_KEPT = 600
"""Word by word, about 100 kB each."""


class Finder:
    """Finds passages. Safe to call from several threads.

    Raises `ModelError` where the settings name a cross-encoder that is not there.
    """

    def __init__(self, chosen: Retrieval, embedder: Embedder, lexicon: Lexicon) -> None:
        self._chosen = chosen
        self._embedder = embedder
        self._lexicon = lexicon
        self._rewriters: tuple[str, Rewriter | None] = ("", None)
        self._passage_words = Remembered(self._read, most=_PASSAGES_KEPT)
        named = chosen.reranker not in ("words", "none")
        self._cross_encoder = CrossEncoder(chosen.reranker) if named else None

    def queries(self, index: OpenIndex, question: Question) -> tuple[Query, ...]:
        """What to search for, with the vocabulary of this index; the likeliest reading first."""
        name, rewriter = self._rewriters
        if rewriter is None or name != index.manifest.generation:
            rewriter = Rewriter(self._lexicon, index.vocabulary)
            self._rewriters = (index.manifest.generation, rewriter)
        return rewriter.readings(question)

    def __call__(
        self,
        index: OpenIndex,
        query: Query,
        accept: Callable[[Chunk], bool],
        *,
        embed: Callable[[str], Sequence[float]] | None = None,
        only: Sequence[str] | None = None,
    ) -> Retrieved:
        """The hits, best first. `only` keeps the search to these documents; `embed` is for callers
        that need the question's vector as well."""
        retriever = self._retriever(index, embed or self._embedder.embed_query, only)
        return self._rereader(index)(query, retriever(query, accept))

    def _retriever(
        self, index: OpenIndex, embed: Callable[[str], Sequence[float]], only: Sequence[str] | None
    ) -> Retriever:
        chosen = self._chosen
        searches = Searches(
            embed=embed,
            passages=lambda vector, k: index.vectors.search("passages", vector, k, only),
            questions=lambda vector, k: index.vectors.search("questions", vector, k, only),
            by_words=index.passages.search,
            chunks=index.passages.chunks,
        )
        weights = Weights(
            passage=chosen.passage_weight,
            asked=chosen.asked_weight,
            asked_mean=chosen.asked_mean_weight,
            heading=chosen.heading_weight,
            lexical=chosen.lexical_weight,
        )
        return Retriever(searches, weights, candidates=chosen.candidates, keep=chosen.keep)

    def _rereader(self, index: OpenIndex) -> Rereader:
        chosen = self._chosen
        likeness: Callable[[Query, Sequence[Chunk]], Sequence[float]]
        if self._cross_encoder is not None:
            encoder = self._cross_encoder

            def likeness(query: Query, chunks: Sequence[Chunk]) -> Sequence[float]:
                return encoder.scores(query.full, [passage_text(chunk) for chunk in chunks])

        else:
            likeness = WordByWord(
                lambda text: self._read([text])[0],
                lambda chunks: self._passage_words([passage_text(chunk) for chunk in chunks]),
                index.vocabulary,
                index.manifest.passages,
            )
        weight = 0.0 if chosen.reranker == "none" else chosen.rerank_weight
        return Rereader(likeness, weight=weight, top=chosen.rerank_top, priority_step=PRIORITY_STEP)

    def _read(self, texts: Sequence[str]) -> list[Words]:
        return [Words(words=w, vectors=v) for w, v in self._embedder.read(texts)]
