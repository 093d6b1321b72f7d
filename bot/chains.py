"""For other people's LangChain chains: our retriever as a `BaseRetriever`, the bot as a `Runnable`.

The retriever gives passages and does no triage: a chain that answers patients with it must put
red-flag rules before it. `bot_runnable` runs the whole bot, rules first.
"""

from __future__ import annotations

from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda
from pydantic import ConfigDict

from bot.answering.answerability import withheld_leads
from bot.answering.flow import Bot
from bot.indexing.embedding import Embedder
from bot.records import Question
from bot.wire import answer_json


class LocalEmbeddings(Embeddings):
    """Our embedding model for others' chains."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return self._embedder.embed_documents(texts)

    def embed_query(self, text: str) -> list[float]:
        return self._embedder.embed_query(text)


class TransplantRetriever(BaseRetriever):
    """The `k` best passages for a query, best first; none where one that was withdrawn or is
    overdue is clearly ahead of them, for its neighbours answer something else. Metadata holds
    `source_id`, `start`, `end`, `title`, `heading` and `score`; the document's id is the passage
    id."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    bot: Bot
    k: int = 4

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, **kwargs: Any
    ) -> list[Document]:
        most = int(kwargs.get("k", self.k))
        found = self.bot.retrieve(query)
        if withheld_leads(found):
            return []
        return [
            Document(
                id=hit.chunk.chunk_id,
                page_content=hit.chunk.text,
                metadata={
                    "source_id": hit.chunk.source.source_id,
                    "start": hit.chunk.span.start,
                    "end": hit.chunk.span.end,
                    "title": hit.chunk.source.title,
                    "heading": list(hit.chunk.heading),
                    "score": hit.score,
                },
            )
            for hit in found.hits[:most]
        ]


def bot_runnable(bot: Bot) -> RunnableLambda[str, dict[str, Any]]:
    """A `Runnable` from a question to the answer's JSON form."""
    return RunnableLambda(lambda question: answer_json(bot.ask(Question(text=question))))
