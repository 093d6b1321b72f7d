"""Signs of messages as the matrix that a regression reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from scipy.sparse import csr_matrix


def sign_matrix(found: Iterable[frozenset[str]], signs: Sequence[str]) -> csr_matrix:
    """One row for each message, one column for each of `signs`; others are left out."""
    place = {sign: column for column, sign in enumerate(signs)}
    places = [[place[sign] for sign in each if sign in place] for each in found]
    ends = np.cumsum([0, *map(len, places)])
    columns = [column for each in places for column in each]
    return csr_matrix((np.ones(len(columns)), columns, ends), shape=(len(places), len(signs)))
