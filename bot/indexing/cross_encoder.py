"""A cross-encoder that an operator names: it reads question and passage together.

Any sentence-transformers cross-encoder in a folder on this machine; nothing is ever fetched.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from bot.errors import ModelError
from bot.offline import stay_offline


class CrossEncoder:
    """Scores pairs. The model is loaded on first use. Safe to call from several threads.

    Raises `ModelError` where the folder holds no model that can be loaded.
    """

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)
        self._lock = threading.Lock()
        if not (self._folder / "config.json").is_file():
            raise ModelError(
                f"There is no cross-encoder in {folder}.",
                hint="Set BOT_RETRIEVAL__RERANKER to a folder with a sentence-transformers "
                "cross-encoder, or to 'words' or 'none'.",
            )

    @cached_property
    def _model(self) -> Any:
        stay_offline()
        try:
            from sentence_transformers import CrossEncoder as Model

            return Model(str(self._folder), device="cpu", local_files_only=True)
        except Exception as error:
            raise ModelError(
                f"The cross-encoder in {self._folder} cannot be loaded: {error}"
            ) from error

    def scores(self, question: str, passages: Sequence[str]) -> list[float]:
        """A score in [0, 1] for each passage; logits are brought there by the logistic function."""
        with self._lock:
            pairs = [(question, passage) for passage in passages]
            found = [float(x) for x in self._model.predict(pairs, show_progress_bar=False)]
        if all(0.0 <= x <= 1.0 for x in found):
            return found
        return [1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, x)))) for x in found]
