"""Small changes to the layers of an embedding model: a model tuned for another task, in one batch
with the model itself.

A change is a pair of thin matrices for one layer (LoRA, Hu et al. 2021, arXiv:2106.09685): the
layer's weights become W + up @ down. For one question they are not added to the weights but
calculated beside them, and only for the rows of a batch that want them (bot/encoder.py): reading a
question for the search and for the other task in one pass costs a tenth more than one of them, and
there is one model in memory (docs/decisions/0009).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bot.errors import ModelError
from bot.offline import stay_offline

DOWN, UP = ".down", ".up"
LAYERS = (
    "attention.self.query", "attention.self.key", "attention.self.value",
    "attention.output.dense", "intermediate.dense", "output.dense",
)  # fmt: skip
"""What is changed in each block of the model."""
MOST_TOKENS = 128


def layer_names(blocks: int) -> list[str]:
    """The names of all changed layers of a model with so many blocks."""
    return [f"encoder.layer.{block}.{layer}" for block in range(blocks) for layer in LAYERS]


def load_base(folder: Path) -> tuple[Any, Any]:
    """Tokenizer and bare model of an embedding model. Raises `ModelError`."""
    stay_offline()
    try:
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
        return tokenizer, AutoModel.from_pretrained(str(folder), local_files_only=True)
    except Exception as error:
        raise ModelError(f"The model in {folder} cannot be loaded: {error}") from error


def mean_vectors(tokenizer: Any, model: Any, texts: Sequence[str]) -> Any:
    """A tensor with the mean of the last layer over the tokens of each text (lower case)."""
    inputs = tokenizer(
        [text.lower() for text in texts],
        padding=True, truncation=True, max_length=MOST_TOKENS, return_tensors="pt",
    )  # fmt: skip
    states = model(**inputs).last_hidden_state
    mask = inputs["attention_mask"].unsqueeze(-1).to(states.dtype)
    return (states * mask).sum(1) / mask.sum(1)


def pairs(model: Any, changes: Mapping[str, Any]) -> list[tuple[str, Any, Any, Any]]:
    """Name and module of each changed layer of the model with its down (rank x in) and up (out x
    rank) as tensors. Raises `ModelError` where the changes do not fit the model."""
    import torch

    layers = dict(model.named_modules())
    found = []
    try:
        for name in sorted({name.rpartition(".")[0] for name in changes}):
            down, up = (
                torch.from_numpy(changes[name + end].astype("float32")) for end in (DOWN, UP)
            )
            if (up @ down).shape != layers[name].weight.shape:
                raise ValueError(name)
            found.append((name, layers[name], down, up))
    except (KeyError, RuntimeError, ValueError, AttributeError) as error:
        raise ModelError("The changes do not fit the embedding model.") from error
    return found


def merge(model: Any, changes: Mapping[str, Any]) -> None:
    """Add the changes to the weights of a model, for good. Raises `ModelError`."""
    import torch

    with torch.no_grad():
        for _, layer, down, up in pairs(model, changes):
            layer.weight += up @ down
