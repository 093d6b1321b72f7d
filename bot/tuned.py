"""The default embedding model with small changes to its layers: a model tuned for another task.

A change is a pair of thin matrices for one layer (LoRA, Hu et al. 2021, arXiv:2106.09685): the
layer's weights become W + up @ down. The file with the changes is a hundredth of the model's size;
the weights that it starts from are those of the checked embedding model.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from functools import cached_property
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


class TunedModel:
    """`vectors` of the changed model. Loaded on first use. Safe to call from several threads.

    `changes` holds, for each layer that is changed, NAME.down (rank x in) and NAME.up (out x rank).
    Raises `ModelError` where they do not fit the model.
    """

    def __init__(self, folder: Path, changes: Mapping[str, Any]) -> None:
        self._folder = folder
        self._changes = changes
        self._lock = threading.Lock()

    @cached_property
    def _model(self) -> tuple[Any, Any]:
        import torch

        tokenizer, model = load_base(self._folder)
        layers = dict(model.named_modules())
        names = sorted({name.rpartition(".")[0] for name in self._changes})
        try:
            with torch.no_grad():
                for name in names:
                    down, up = (
                        torch.from_numpy(self._changes[name + end].astype("float32"))
                        for end in (DOWN, UP)
                    )
                    layers[name].weight += up @ down
        except (KeyError, RuntimeError) as error:
            raise ModelError(f"The changes do not fit the model in {self._folder}.") from error
        return tokenizer, model.eval()

    def load(self) -> None:
        """Load the model now (about a second, once)."""
        with self._lock:
            _ = self._model

    def vectors(self, texts: Sequence[str]) -> Any:
        """A float32 array, one row for each text."""
        import torch

        self.load()
        with self._lock, torch.inference_mode():
            return mean_vectors(*self._model, texts).float().numpy()
