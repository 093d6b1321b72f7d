"""The layers of a BERT model without the modules around them, on the same weights.

Query, key and value are one multiplication; GELU is done in the step before it. What is done with
them: bot/encoder.py for a handful of short texts, bot/packed_encoder.py for many long ones.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.errors import ModelError

IN_ONE = 3
"""Query, key and value are one multiplication."""
_GELU_AFTER = 2
"""The multiplication of a block that GELU follows, the first one counted as 0."""

Pair = tuple[Any, Any]


def check(model: Any) -> None:
    """Raise `ModelError` for a model (of transformers) that has other layers than these."""
    if model.config.model_type != "bert" or model.config.hidden_act != "gelu":
        raise ModelError("Only a BERT model with GELU can be read in this way.")


class Times:
    """x @ weight.T + bias, then GELU where `gelu`. The weights are laid out once in the order in
    which oneDNN fetches them for batches of so many `tokens`, as `torch.compile` does it; where
    torch was built without it, they stay as they are."""

    def __init__(self, weight: Any, bias: Any = None, *, tokens: int, gelu: bool = False) -> None:
        import torch

        self._weight, self._bias, self._gelu = weight, bias, gelu
        self._laid_out = False
        with contextlib.suppress(AttributeError, RuntimeError):
            laid_out = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous(), tokens)
            row = torch.zeros(1, weight.shape[1], dtype=weight.dtype)
            torch.ops.mkldnn._linear_pointwise(row, laid_out, bias, "none", [], "")
            self._weight, self._laid_out = laid_out, True

    def __call__(self, given: Any) -> Any:
        import torch
        from torch.nn import functional as f

        if self._laid_out:
            after, kind = ("gelu", "none") if self._gelu else ("none", "")
            return torch.ops.mkldnn._linear_pointwise(
                given, self._weight, self._bias, after, [], kind
            )
        made = f.linear(given, self._weight, self._bias)
        return f.gelu(made) if self._gelu else made


class Linear:
    """One multiplication of a block with the changes of the rows that own some."""

    def __init__(
        self, weight: Any, bias: Any, change: Pair | None, *, tokens: int, gelu: bool
    ) -> None:
        import torch

        self._down = None
        if change:
            down, up = (part.to(weight.dtype) for part in change)
            self._down = Times(down.T, tokens=tokens)
            weight = torch.cat([weight, up.T], dim=1)
        self._times = Times(weight, bias, tokens=tokens, gelu=gelu)

    def __call__(self, given: Any, owned: Any = None) -> Any:
        """`owned`, where there are changes: rows x 1 x rank, 1 for what a row owns, else 0."""
        import torch

        if self._down:
            given = torch.cat([given, self._down(given) * owned], dim=-1)
        return self._times(given)


@dataclass(frozen=True, slots=True, kw_only=True)
class Norm:
    weight: Any
    bias: Any
    epsilon: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """`linears`: query, key and value in one, what follows the attention, in, out."""

    precision: Any
    linears: tuple[Linear, ...]
    norms: tuple[Norm, ...]

    def attended(self, states: Any, owned: Any = None) -> Any:
        """Query, key and value of each token, side by side, in the precision of the weights."""
        return self.linears[0](states.to(self.precision), owned)

    def after_attention(self, mixed: Any, states: Any, owned: Any = None) -> Any:
        """The states that the block makes of its own input and of what the attention mixed."""
        _, output, inner, outer = self.linears
        states = _normed(self.norms[0], output(mixed.to(self.precision), owned) + states)
        wide = inner(states.to(self.precision), owned)
        return _normed(self.norms[1], outer(wide, owned) + states)


def bfloat16_is_fast() -> bool:
    """Without such units bfloat16 is emulated and takes several times as long."""
    import torch

    checks = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    return any(getattr(torch.cpu, name, bool)() for name in checks)


def block_of(layer: Any, changes: Sequence[Pair], precision: Any, tokens: int) -> Block:
    """`changes`: a pair for each of the four multiplications, or none at all. `tokens`: of a usual
    batch."""
    import torch

    own = layer.attention.self
    alone = (layer.attention.output.dense, layer.intermediate.dense, layer.output.dense)
    linears = []
    for number, parts in enumerate(((own.query, own.key, own.value), *((part,) for part in alone))):
        linears.append(
            Linear(
                torch.cat([part.weight.detach() for part in parts]).to(precision),
                torch.cat([part.bias.detach() for part in parts]).to(precision),
                changes[number] if changes else None,
                tokens=tokens,
                gelu=number == _GELU_AFTER,
            )
        )
    norms = (_norm(layer.attention.output), _norm(layer.output))
    return Block(precision=precision, linears=tuple(linears), norms=norms)


def _norm(holder: Any) -> Norm:
    norm = holder.LayerNorm
    return Norm(weight=norm.weight, bias=norm.bias, epsilon=norm.eps)


def _normed(norm: Norm, states: Any) -> Any:
    from torch.nn import functional as f

    return f.layer_norm(states, norm.weight.shape, norm.weight, norm.bias, norm.epsilon)
