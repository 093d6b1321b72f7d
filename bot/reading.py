"""What a model makes of a text in one pass: the vector of the whole, and one for each word."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A text as the model reads it in one pass. `vector` is that of the whole, `asked` the one for
    questions among questions (empty where a passage was read); `words[n]` (lower
    case; a word of several pieces stands once a piece) has the unit vector `vectors[n]` of a float
    array. Words beyond the window are left out."""

    vector: list[float]
    asked: list[float]
    words: tuple[str, ...]
    vectors: Any


def readings(
    texts: Sequence[str],
    tokens: Any,
    states: Iterable[Any],
    vectors: Sequence[list[float]],
    *,
    asked: Sequence[list[float]] = (),
    prefix: int = 0,
) -> list[Reading]:
    """One for each text, of its `tokens` (of a fast tokenizer), the states of its tokens (a tensor,
    tokens x width, perhaps longer) and its vectors. The first `prefix` characters are no words of
    its own."""
    import torch

    found = []
    for number, (text, own) in enumerate(zip(texts, states, strict=True)):
        pieces = [(n, w) for n, w in enumerate(tokens.word_ids(number)) if w is not None]
        spans = [(n, tokens.word_to_chars(number, w)) for n, w in pieces]
        spans = [(n, span) for n, span in spans if span.start >= prefix]
        words = torch.nn.functional.normalize(own[[n for n, _ in spans]], dim=1)
        found.append(
            Reading(
                vector=vectors[number],
                asked=asked[number] if asked else [],
                words=tuple(text[span.start : span.end].lower() for _, span in spans),
                vectors=words.numpy(),
            )
        )
    return found


def by_library(model: Any, inputs: dict[str, Any]) -> tuple[Any, Any]:
    """States of all tokens and vectors of all texts as a model of sentence-transformers calculates
    them, in full precision."""
    import torch

    with torch.inference_mode():
        made: Any = model({**inputs})
    return made["token_embeddings"].float(), made["sentence_embedding"].float()


def of_length_one(vectors: Any) -> list[list[float]]:
    """Rows of a float array as vectors of length one."""
    made: list[list[float]] = (vectors / (vectors**2).sum(axis=1, keepdims=True) ** 0.5).tolist()
    return made
