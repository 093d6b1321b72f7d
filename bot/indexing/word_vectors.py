"""The word vectors of a passage in few bytes, for the closer reading at question time.

A passage of 150 words has 150 vectors of 384 numbers: 230 kB. Here each vector is turned by a fixed
rotation, which spreads what it says evenly over its numbers; of each number `BITS` bits are kept,
and a factor that makes the cosine to the vector itself exact (the idea of RaBitQ). A question's
words are turned too, and compared as they are (docs/decisions/0008).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]

BITS = 2
_LEVELS = (-1.510, -0.4528, 0.4528, 1.510)
"""Nearest values of a normally distributed number in two bits (Lloyd and Max)."""
_FACTOR = 2
"""Bytes of a vector's factor."""
_SEED = 384


def row_bytes(width: int) -> int:
    """Bytes of one vector of so many numbers."""
    return width * BITS // 8 + _FACTOR


@lru_cache(maxsize=2)
def _rotation(width: int) -> Matrix:
    import numpy as np

    q, r = np.linalg.qr(np.random.default_rng(_SEED).standard_normal((width, width)))
    # The signs of a QR decomposition are a matter of the library; like this there is one only.
    turned: Matrix = (q * np.sign(np.diag(r))).astype(np.float32)
    return turned


def turned(vectors: Matrix) -> Matrix:
    """Vectors as those that `unpacked` gives: dot products between them are cosines."""
    import numpy as np
    import torch

    # By torch, whose threads an ingest holds to one each; numpy's would fight for the processor.
    by = torch.from_numpy(_rotation(vectors.shape[1]))
    made: Matrix = torch.from_numpy(np.ascontiguousarray(vectors, np.float32)).mm(by).numpy()
    return made


def packed(vectors: Matrix) -> bytes:
    """Unit vectors in `row_bytes` each."""
    import numpy as np

    if not len(vectors):
        return b""
    rows, width = vectors.shape
    own = turned(vectors)
    levels = np.array(_LEVELS, np.float32)
    # Above how many of the borders: some times quicker than `searchsorted` for so few.
    codes = np.zeros(own.shape, np.uint8)
    for border in (levels[1:] + levels[:-1]) / 2 / width**0.5:
        codes += own > border
    factors = 1.0 / (levels[codes] * own).sum(axis=1, keepdims=True)
    quads = codes.reshape(rows, width // 4, 4)
    small = quads[:, :, 0] | quads[:, :, 1] << 2 | quads[:, :, 2] << 4 | quads[:, :, 3] << 6
    return np.hstack([small, factors.astype("<f2").view(np.uint8)]).tobytes()


def unpacked(data: bytes, width: int) -> Matrix:
    """The turned vectors. Raises `ValueError` where these are no vectors of this width."""
    import numpy as np

    size = row_bytes(width)
    if len(data) % size:
        raise ValueError(f"{len(data)} bytes are no whole number of vectors")
    rows = np.frombuffer(data, np.uint8).reshape(-1, size)
    factors = np.ascontiguousarray(rows[:, -_FACTOR:]).view("<f2").astype(np.float32)
    if not np.isfinite(factors).all():
        raise ValueError("a factor is no number")
    made: Matrix = _table()[rows[:, :-_FACTOR]].reshape(len(rows), width) * factors
    return made


@lru_cache(maxsize=1)
def _table() -> Matrix:
    """The four values of each byte."""
    import numpy as np

    codes = np.arange(256)[:, None] >> np.arange(0, 8, BITS) & 3
    values: Matrix = np.array(_LEVELS, np.float32)[codes]
    return values
