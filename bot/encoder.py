"""The layers of a BERT model for a handful of short texts, each row of the batch with changes of
its own.

For one question the library's own forward pass spends much of its time between its operations and
on fetching the weights. Here are the same operations on the same weights, query, key and value in
one, without the modules in between; the results agree to within rounding (tests/test_encoder.py,
docs/decisions/0012). For long batches there is nothing to win: they stay with the library.

A change is a pair of thin matrices for one layer (bot/tuned.py). It is calculated beside the
weights and only for the rows that want it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.errors import ModelError
from bot.tuned import LAYERS, pairs

_IN_ONE = 3
"""Query, key and value, the first three of `LAYERS`, are one multiplication."""

Pair = tuple[Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Linear:
    weight: Any
    bias: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class _Norm:
    weight: Any
    bias: Any
    epsilon: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    """`linears`: query, key and value in one, what follows the attention, in, out."""

    linears: tuple[_Linear, ...]
    norms: tuple[_Norm, _Norm]


def bfloat16_is_fast() -> bool:
    """Without such units bfloat16 is emulated and takes several times as long."""
    import torch

    checks = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    return any(getattr(torch.cpu, name, bool)() for name in checks)


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
            self.blocks.append((_side_by_side(every[:_IN_ONE]), *every[_IN_ONE:]))
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
    """Several changes as one: each row of a batch takes its own part of the common rank."""

    def __init__(self, changed: Sequence[Changes]) -> None:
        import torch

        self.blocks = [
            tuple(
                (torch.cat([p[0] for p in same], dim=1), torch.cat([p[1] for p in same]))
                for same in zip(*block, strict=True)
            )
            for block in zip(*(changes.blocks for changes in changed), strict=True)
        ]
        self._ranks = [changes.rank for changes in changed]

    def owners(self, counts: Sequence[int]) -> tuple[Any, Any]:
        """For so many rows of each, rows x 1 x rank: 1 where the row owns the part. First for
        query, key and value, then for the others."""
        import torch

        def of(times: int) -> Any:
            own = (
                torch.ones(count, rank * times)
                for count, rank in zip(counts, self._ranks, strict=True)
            )
            return torch.block_diag(*own).unsqueeze(1)  # type: ignore[no-untyped-call]

        return of(_IN_ONE), of(1)


class Encoder:
    """A BERT model (of transformers) for few short texts. Not safe to call from several threads.

    `half`: the large multiplications in bfloat16, everything between them in full precision. For
    one question a processor with such units spends most of its time on fetching the weights, and
    there is half as much of them then.
    """

    def __init__(self, model: Any, *, half: bool = False) -> None:
        import torch

        config = model.config
        if config.model_type != "bert" or config.hidden_act != "gelu":
            raise ModelError("Only a BERT model with GELU can be read in this way.")
        precision = torch.bfloat16 if half else torch.float32
        self._heads = config.num_attention_heads
        self._embeddings = model.embeddings
        self._blocks = [_block(layer, precision) for layer in model.encoder.layer]
        self._beside: dict[tuple[Changes, ...], _Beside] = {}

    def __call__(self, ids: Any, mask: Any, changed: Sequence[tuple[int, Changes]] = ()) -> Any:
        """The last layer's states (texts x tokens x width) of token ids and a mask (1 for a token,
        0 for none), both texts x tokens. `changed`: the last rows of the batch, so many with these
        changes, so many with those."""
        import torch
        from torch.nn import functional as f

        seen = None if bool(mask.all()) else mask.bool()[:, None, None, :]
        beside = self._together(tuple(changes for _, changes in changed))
        counts = [count for count, _ in changed]
        first = len(ids) - sum(counts)
        with torch.inference_mode():
            states = self._embeddings(input_ids=ids)
            texts, tokens, width = states.shape
            heads = (texts, tokens, _IN_ONE, self._heads, width // self._heads)
            owners = beside.owners(counts)

            def times(number: int, which: int, given: Any) -> Any:
                linear = self._blocks[number].linears[which]
                made = f.linear(given.to(linear.weight.dtype), linear.weight, linear.bias)
                made = made.to(given.dtype)
                if counts:
                    down, up = beside.blocks[number][which]
                    part = (given[first:] @ down) * owners[min(which, 1)]
                    made[first:].flatten(0, 1).addmm_(part.flatten(0, 1), up)
                return made

            for number, block in enumerate(self._blocks):
                query, key, value = times(number, 0, states).view(heads).permute(2, 0, 3, 1, 4)
                mixed = f.scaled_dot_product_attention(query, key, value, attn_mask=seen)
                mixed = times(number, 1, mixed.transpose(1, 2).reshape(states.shape))
                states = _normed(block.norms[0], mixed + states)
                inner = f.gelu(times(number, 2, states))
                states = _normed(block.norms[1], times(number, 3, inner) + states)
        return states

    def _together(self, changed: tuple[Changes, ...]) -> _Beside:
        if changed not in self._beside:
            self._beside[changed] = _Beside(changed)
        return self._beside[changed]


def _block(layer: Any, precision: Any) -> _Block:
    import torch

    own = layer.attention.self
    alone = (layer.attention.output.dense, layer.intermediate.dense, layer.output.dense)
    return _Block(
        linears=tuple(
            _Linear(
                weight=torch.cat([part.weight.detach() for part in parts]).to(precision),
                bias=torch.cat([part.bias.detach() for part in parts]).to(precision),
            )
            for parts in ((own.query, own.key, own.value), *((part,) for part in alone))
        ),
        norms=(_norm(layer.attention.output), _norm(layer.output)),
    )


def _norm(holder: Any) -> _Norm:
    norm = holder.LayerNorm
    return _Norm(weight=norm.weight, bias=norm.bias, epsilon=norm.eps)


def _normed(norm: _Norm, states: Any) -> Any:
    from torch.nn import functional as f

    return f.layer_norm(states, norm.weight.shape, norm.weight, norm.bias, norm.epsilon)


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
