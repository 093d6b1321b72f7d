"""The layers of a BERT model for many texts: their tokens lie one after the other, so that nothing
is padded and no mask is needed, and texts of the same length are looked at together.

The results agree with the library's to within rounding (tests/test_packed_encoder.py); what it
gains: docs/decisions/0007.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from bot.layers import IN_ONE, block_of, check

_TOKENS = 2_000
"""Tokens of a usual batch, all texts together: the weights are laid out for so many."""
_FULL = 64
"""A batch is filled up to a multiple of so many tokens: oneDNN keeps some two megabytes of code for
each shape that it multiplied."""


class PackedEncoder:
    """A BERT model (of transformers) for batches of texts. Safe to call from several threads.

    `half`: multiplications and attention in bfloat16, norms and sums in full precision.
    """

    def __init__(self, model: Any, *, half: bool = False) -> None:
        import torch

        check(model)
        precision = torch.bfloat16 if half else torch.float32
        self._heads = model.config.num_attention_heads
        self._embeddings = model.embeddings
        self._blocks = [block_of(layer, (), precision, _TOKENS) for layer in model.encoder.layer]

    def __call__(self, rows: Sequence[Sequence[int]]) -> list[Any]:
        """The last layer's states (tokens x width, in full precision) of each row of token ids.
        No row may be empty."""
        import torch

        if not rows:
            return []
        order = sorted(range(len(rows)), key=lambda n: len(rows[n]))
        lengths = [len(rows[n]) for n in order]
        with torch.inference_mode():
            fill = [0] * (-sum(lengths) % _FULL)
            tokens = [token for n in order for token in rows[n]] + fill
            places = [place for length in lengths for place in range(length)] + fill
            states = self._embeddings(
                input_ids=torch.tensor([tokens]), position_ids=torch.tensor([places])
            )[0]
            for block in self._blocks:
                mixed = self._attention(block.attended(states), lengths)
                states = block.after_attention(mixed, states)
            states = states[: len(states) - len(fill)]
        made = dict(zip(order, states.split(lengths), strict=True))
        return [made[n] for n in range(len(rows))]

    def _attention(self, mixed: Any, lengths: Sequence[int]) -> Any:
        """What the tokens of each text see of each other. `mixed`: query, key and value of all."""
        import torch
        from torch.nn import functional as f

        width = mixed.shape[1] // IN_ONE
        size = width // self._heads
        seen = torch.zeros(len(mixed), width, dtype=mixed.dtype)
        for start, texts, tokens in _runs(lengths):
            some = slice(start, start + texts * tokens)
            parts = mixed[some].view(texts, tokens, IN_ONE, self._heads, size)
            parts = parts.permute(2, 0, 3, 1, 4).reshape(IN_ONE, -1, tokens, size)
            query, key, value = parts
            if mixed.dtype == torch.float32:
                made = f.scaled_dot_product_attention(query, key, value)
            else:
                # On short texts in bfloat16 a third quicker than the one above.
                near = torch.bmm(query * size**-0.5, key.transpose(1, 2))
                made = torch.bmm(torch.softmax(near, dim=-1), value)
            made = made.view(texts, self._heads, tokens, size).transpose(1, 2)
            seen[some].view(made.shape).copy_(made)
        return seen


def _runs(lengths: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Neighbours of the same length: where their first token lies, how many texts, how long."""
    start = 0
    for tokens, same in groupby(lengths):
        texts = len(list(same))
        yield start, texts, tokens
        start += texts * tokens
