"""Trains the linear adapter of the embedding model on the knowledge base's own ways of asking.

    python -m evals.train_adapter            writes bot/rules/adapter.npy

The adapter is one 384 x 384 matrix laid over the frozen model. It is trained so that ways of asking
for the same section lie close together, and close to the section's passage, and away from those of
other sections and of the known gaps (each group of gaps is a class of its own). It sees the stored
ways of asking, the passages and the gaps; it never sees an evaluation question. A pull towards the
identity keeps what the model knew. Deterministic for a given index.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from bot.gaps import load_gaps
from bot.indexing.chunking import passage_text
from bot.indexing.embedding import ADAPTER_FILE, Embedder
from bot.indexing.flow import generations
from bot.indexing.lexical import PassageStore
from bot.settings import load_settings

PULL = 0.01
TEMPERATURE = 0.05
STEPS = 150
LEARNING_RATE = 1e-3
BATCH = 1024


def examples(embedder: Embedder) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Vectors of all ways of asking, the class of each, and the vectors of the passages. Class n
    is passage n; the classes after the passages are groups of gaps."""
    settings = load_settings()
    store = PassageStore.open(generations(settings).current().passages)
    passages, asked, classes = [], [], []
    for source_id in sorted(store.file_hashes()):
        for chunk in store.chunks_of(source_id):
            asked += chunk.asked
            classes += [len(passages)] * len(chunk.asked)
            passages.append(passage_text(chunk))
    for number, gap in enumerate(load_gaps(settings.paths.knowledge).gap):
        asked += gap.questions
        classes += [len(passages) + number] * len(gap.questions)
    vectors = torch.tensor(embedder.embed_documents(passages + asked), dtype=torch.float32)
    return vectors[len(passages) :], torch.tensor(classes), vectors[: len(passages)]


def train(asked: torch.Tensor, classes: torch.Tensor, passages: torch.Tensor) -> torch.Tensor:
    """The matrix, by supervised contrastive loss over ways of asking and passages."""
    torch.manual_seed(20261122)
    size = asked.shape[1]
    matrix = torch.eye(size, requires_grad=True)
    optimizer = torch.optim.Adam([matrix], lr=LEARNING_RATE)
    covered = classes < len(passages)
    for _ in range(STEPS):
        pick = torch.randperm(len(asked))[:BATCH]
        rows = torch.arange(len(pick))
        moved = functional.normalize(asked @ matrix, dim=1)
        query = moved[pick]
        scores = query @ moved.T / TEMPERATURE
        scores[rows, pick] = -1e9
        same = classes[pick][:, None] == classes[None]
        same[rows, pick] = False
        alike = scores.masked_fill(~same, -1e9)
        loss = (torch.logsumexp(scores, 1) - torch.logsumexp(alike, 1)).mean()
        known = covered[pick]
        targets = functional.normalize(passages @ matrix, dim=1)
        to_passages = query[known] @ targets.T / TEMPERATURE
        loss = loss + functional.cross_entropy(to_passages, classes[pick][known])
        loss = loss + PULL * ((matrix - torch.eye(size)) ** 2).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return matrix.detach()


def main(path: Path = ADAPTER_FILE) -> None:
    embedder = Embedder(use_adapter=False)
    asked, classes, passages = examples(embedder)
    matrix = train(asked, classes, passages)
    np.save(path, matrix.numpy().astype(np.float16))
    moved = float(((matrix - torch.eye(len(matrix))) ** 2).sum())
    print(f"{len(asked)} ways of asking, {len(passages)} passages, squared change {moved:.1f}")


if __name__ == "__main__":
    main()
