"""The layers of a BERT model for a handful of short texts, each row of the batch with changes of
its own.

For one question the library's own forward pass spends much of its time between its operations and
on fetching the weights. Here are the same operations on the same weights (bot/layers.py); the
results agree to within rounding (tests/test_encoder.py, docs/decisions/0012). Many long texts are
read by bot/packed_encoder.py.

A change is a pair of thin matrices for one layer (bot/tuned.py). What its first matrix makes of a
row stands beside the row, the second beside the weights, so that one multiplication does both; for
the rows that do not want the change there are zeros (docs/decisions/0012).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.errors import ModelError
from bot.layers import IN_ONE, Pair, block_of, check
from bot.tuned import LAYERS, pairs

_TOKENS = 48
"""Tokens of a usual batch, all rows together: the weights are laid out for so many."""


class Changes:
    """Changes to the layers of a model, as `Encoder` takes them: for each block, a pair (in x rank,
    rank x out) for each of its four multiplications, zeros where a layer is not changed.

    `changes` holds, for each layer that is changed, NAME.down (rank x in) and NAME.up (out x rank).
    Raises `ModelError` where they do not fit the model (a torch module).
    """

    def __init__(self, model: Any, changes: Mapping[str, Any]) -> None:
        given = {name: (down, up) for name, _, down, up in pairs(model, changes)}
        self.rank = max((len(down) for down, _ in given.values()), default=0)
        layers = dict(model.named_modules())
        self.blocks = []
        for block in range(model.config.num_hidden_layers):
            names = [f"encoder.layer.{block}.{layer}" for layer in LAYERS]
            every = [
                self._of_rank(given.pop(name, None), layers[name].weight.shape) for name in names
            ]
            self.blocks.append((_side_by_side(every[:IN_ONE]), *every[IN_ONE:]))
        if given:
            raise ModelError(f"Changes to {next(iter(given))} cannot be used.")

    def _of_rank(self, pair: Pair | None, shape: Sequence[int]) -> Pair:
        """The pair turned, with zeros up to the rank of all."""
        import torch

        outer, inner = shape
        down, up = torch.zeros(inner, self.rank), torch.zeros(self.rank, outer)
        if pair:
            down[:, : len(pair[0])], up[: len(pair[0])] = pair[0].T, pair[1].T
        return down, up


def _side_by_side(every: Sequence[Pair]) -> Pair:
    """One pair for layers with the same input, whose outputs stand side by side."""
    import torch

    downs, ups = zip(*every, strict=True)
    return torch.cat(downs, dim=1), torch.block_diag(*ups)  # type: ignore[no-untyped-call]


class _Beside:
    """The blocks of a model (of transformers) with several changes as one: each row of a batch
    takes its own part of the common rank."""

    def __init__(self, layers: Sequence[Any], changed: Sequence[Changes], precision: Any) -> None:
        import torch

        self.changed = changed
        self._precision = precision
        self.blocks = []
        for number, layer in enumerate(layers):
            pairs_of = [
                (torch.cat([down for down, _ in same], dim=1), torch.cat([up for _, up in same]))
                for same in zip(*(changes.blocks[number] for changes in changed), strict=True)
            ]
            self.blocks.append(block_of(layer, pairs_of, precision, _TOKENS))

    def owned(self, rows: int, changed: Sequence[tuple[int, Changes]]) -> tuple[Any, Any]:
        """For a batch of so many rows, the last of them changed as `Encoder` says, rows x 1 x rank:
        1 where the row owns the part. First for query, key and value, then for the others."""
        import torch

        def of(times: int) -> Any:
            starts, rank = {}, 0
            for changes in self.changed:
                starts[changes], rank = rank, rank + changes.rank * times
            own = torch.zeros(rows, 1, rank, dtype=self._precision)
            row = rows - sum(count for count, _ in changed)
            for count, changes in changed:
                start = starts[changes]
                own[row : row + count, :, start : start + changes.rank * times] = 1
                row += count
            return own

        return of(IN_ONE), of(1)


class Encoder:
    """A BERT model (of transformers) for few short texts. Not safe to call from several threads.

    `half`: multiplications and GELU in bfloat16, norms, attention and sums in full precision. For
    one question a processor with such units spends most of its time on fetching the weights, and
    there is half as much of them then.
    """

    def __init__(self, model: Any, *, half: bool = False) -> None:
        import torch

        check(model)
        self._precision = torch.bfloat16 if half else torch.float32
        self._heads = model.config.num_attention_heads
        self._embeddings = model.embeddings
        self._layers = model.encoder.layer
        self._prepared: list[_Beside] = []

    def __call__(self, ids: Any, mask: Any, changed: Sequence[tuple[int, Changes]] = ()) -> Any:
        """The last layer's states (texts x tokens x width) of token ids and a mask (1 for a token,
        0 for none), both texts x tokens. `changed`: the last rows of the batch, so many with these
        changes, so many with those."""
        import torch
        from torch.nn import functional as f

        seen = None if bool(mask.all()) else mask.bool()[:, None, None, :]
        with torch.inference_mode():
            beside = self._together([changes for _, changes in changed])
            three, one = beside.owned(len(ids), changed)
            states = self._embeddings(input_ids=ids)
            texts, tokens, width = states.shape
            heads = (texts, tokens, IN_ONE, self._heads, width // self._heads)
            for block in beside.blocks:
                mixed = block.attended(states, three).to(states.dtype)
                query, key, value = mixed.view(heads).permute(2, 0, 3, 1, 4)
                mixed = f.scaled_dot_product_attention(query, key, value, attn_mask=seen)
                mixed = mixed.transpose(1, 2).reshape(states.shape)
                states = block.after_attention(mixed, states, one)
        return states

    def _together(self, changed: Sequence[Changes]) -> _Beside:
        """Blocks with these changes and perhaps more: they are laid out once, and what is read with
        fewer of them is not worth 25 MB of its own (50 in full precision). Without any there is no
        rank to calculate."""
        for known in self._prepared:
            if bool(changed) == bool(known.changed) and set(changed) <= set(known.changed):
                return known
        self._prepared = [
            known
            for known in self._prepared
            if not known.changed or not set(known.changed) <= set(changed)
        ]
        self._prepared.append(_Beside(self._layers, changed, self._precision))
        return self._prepared[-1]


def tokens_of(tokenizer: Any, texts: Sequence[str], most: int) -> Any:
    """Tokens of each text, none where there is none."""
    if not texts:
        return {"input_ids": []}
    return tokenizer(list(texts), truncation=True, max_length=most)


def padded(tokenizer: Any, rows: Sequence[Sequence[int]]) -> dict[str, Any]:
    """The tokens of a batch as a model takes them."""
    import torch

    width = max(map(len, rows), default=0)
    ids = torch.full((len(rows), width), tokenizer.pad_token_id)
    mask = torch.zeros((len(rows), width), dtype=torch.long)
    for number, row in enumerate(rows):
        ids[number, : len(row)] = torch.tensor(row)
        mask[number, : len(row)] = 1
    return {"input_ids": ids, "attention_mask": mask}


def means_of(states: Any, mask: Any) -> Any:
    """The mean state of the tokens of each row."""
    weights = mask.unsqueeze(-1).to(states.dtype)
    return (states * weights).sum(1) / weights.sum(1)
