"""The LangChain faces, held to LangChain's own standard tests."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.embeddings import Embeddings
from langchain_tests.integration_tests import RetrieversIntegrationTests

from bot.answering.flow import Bot
from bot.chains import LocalEmbeddings, TransplantRetriever, bot_runnable
from bot.indexing.embedding import Embedder


class TestRetriever(RetrieversIntegrationTests):
    @pytest.fixture(autouse=True)
    def _with_bot(self, real_bot: Bot) -> None:
        type(self).found = real_bot  # type: ignore[attr-defined]

    @property
    def retriever_constructor(self) -> type[TransplantRetriever]:
        return TransplantRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return {"bot": type(self).found}  # type: ignore[attr-defined]

    @property
    def retriever_query_example(self) -> str:
        return "how long does engraftment take"


def test_the_model_is_a_langchain_embedding(embedder: Embedder) -> None:
    local: Embeddings = LocalEmbeddings(embedder)
    assert local.embed_query("hair") == pytest.approx(local.embed_documents(["hair"])[0], abs=1e-5)


def test_passages_carry_their_place(real_bot: Bot) -> None:
    (first, *_) = TransplantRetriever(bot=real_bot, k=2).invoke("what is engraftment")
    text = real_bot.document(first.metadata["source_id"]).text
    assert text[first.metadata["start"] : first.metadata["end"]] == first.page_content


def test_the_whole_bot_in_a_chain_keeps_its_rules(real_bot: Bot) -> None:
    chain = bot_runnable(real_bot)
    assert chain.invoke("I can't breathe")["outcome"] == "emergency"
    assert chain.invoke("What is engraftment?")["outcome"] == "answered"
