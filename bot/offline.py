"""Says to the model libraries that nothing may be fetched or reported."""

from __future__ import annotations

import os


def stay_offline() -> None:
    """Call it before the first import of transformers or sentence-transformers."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
