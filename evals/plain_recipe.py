"""The plain recipe, measured beside ours in the same run: what most tutorials build.

LangChain's recursive character splitter at 1,000/200, the same embedding model without our
adapter, Chroma similarity, the top four chunks shown whole as the answer. It always answers; its
score is the best similarity.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from itertools import chain
from pathlib import Path

from langchain_chroma import Chroma
from langchain_core.documents import Document
from langchain_text_splitters import RecursiveCharacterTextSplitter

from bot.chains import LocalEmbeddings
from bot.indexing.embedding import Embedder
from bot.records import SourceDocument
from evals.answers_eval import Outcome
from evals.question_sets import Item

CHUNK_CHARACTERS = 1000
OVERLAP_CHARACTERS = 200
SHOWN = 4
_RANKED = 10
_MIN_OVERLAP = 40
"""Characters of a section that a chunk must hold to count as having found it."""


def plain_store(folder: Path, documents: Iterable[SourceDocument], embedder: Embedder) -> Chroma:
    """A Chroma store of the documents' texts, made the plain way."""
    splitter = RecursiveCharacterTextSplitter(
        chunk_size=CHUNK_CHARACTERS, chunk_overlap=OVERLAP_CHARACTERS
    )
    pieces = [
        Document(page_content=text, metadata={"source_id": document.info.source_id})
        for document in documents
        for text in splitter.split_text(document.text)
    ]
    return Chroma.from_documents(
        pieces,
        LocalEmbeddings(embedder),
        persist_directory=str(folder),
        collection_metadata={"hnsw:space": "cosine"},
    )


def ask_plain(store: Chroma, documents: Iterable[SourceDocument]) -> Callable[[Item], Outcome]:
    """The plain recipe as a system to measure."""
    texts = {document.info.source_id: document for document in documents}

    def run(item: Item) -> Outcome:
        started = time.perf_counter()
        found = store.similarity_search_with_score(item.question.text, k=_RANKED)
        spent = (time.perf_counter() - started) * 1000
        places = [
            _sections_of(piece.page_content, texts[piece.metadata["source_id"]])
            for piece, _ in found
        ]
        return Outcome(
            item=item,
            outcome="answered",
            text=" ".join(piece.page_content for piece, _ in found[:SHOWN]),
            found=tuple(dict.fromkeys(chain.from_iterable(places))),
            cited=tuple(dict.fromkeys(chain.from_iterable(places[:SHOWN]))),
            score=1.0 - found[0][1],
            citations_exact=False,
            milliseconds=spent,
        )

    return run


def _sections_of(text: str, document: SourceDocument) -> list[tuple[str, str]]:
    """The sections that a chunk holds a piece of, the largest piece first: its best reading."""
    start = document.text.find(text)
    end = start + len(text)
    shares = [
        (min(end, section.span.end) - max(start, section.span.start), section)
        for section in document.sections
    ]
    return [
        (document.info.source_id, section.heading[-1])
        for share, section in sorted(shares, key=lambda pair: -pair[0])
        if share >= _MIN_OVERLAP
    ]
