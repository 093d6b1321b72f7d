"""The mean of several trainings of the second look, as one model.

    python -m evals.average_second_look OUT.npz ONE.npz TWO.npz ...

Each training (train_second_look.py) makes changes to the layers; the mean of the changed weights is
the mean of the changes, so they stand side by side, each with its part of the weight, and the heads
are averaged ("model soups", Wortsman and others 2022, arXiv 2203.05482: one forward pass, steadier
than a single training). All must have been trained from the same weights and for the same labels;
one that is in bot/rules already may be among them.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bot.tuned import DOWN, UP
from evals.fit_second_look import labels_of

HEADS = ("heads", "bias")


def mean(trained: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The arrays of the mean model. Raises `ValueError` where two do not have the same labels, or
    do not change the same layers."""
    labels = [labels_of(arrays) for arrays in trained]
    changed = [arrays.keys() - {"labels"} for arrays in trained]
    if any(each != labels[0] for each in labels) or any(each != changed[0] for each in changed):
        raise ValueError("The trainings differ in labels or layers: train them on the same rules.")
    found: dict[str, np.ndarray] = {"labels": np.array(labels[0])}
    for name in sorted(changed[0]):
        parts = [arrays[name] for arrays in trained]
        if name.endswith(DOWN):
            found[name] = np.concatenate(parts)
        elif name.endswith(UP):
            wide = [part.astype(np.float32) / len(parts) for part in parts]
            found[name] = np.concatenate(wide, axis=1).astype(np.float16)
        elif name in HEADS:
            found[name] = np.mean(parts, axis=0)
    return found


def _read(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def main(argv: Sequence[str]) -> None:
    target, *sources = map(Path, argv)
    np.savez_compressed(target, **mean([_read(source) for source in sources]))
    print(f"the mean of {len(sources)} trainings, written to {target}")


if __name__ == "__main__":
    main(sys.argv[1:])
