"""Long lists in pages, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

PAGE = 50
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf(Generic[_T]):
    """One page of a list: its number from 1, and how many there are."""

    items: tuple[_T, ...]
    number: int
    pages: int


def leaf_of(items: Sequence[_T], number: str | None, *, size: int = PAGE) -> Leaf[_T]:
    """The page of that number; the nearest there is where there is none of it."""
    pages = max(1, -(-len(items) // size))
    wanted = int(number[:9]) if number and number.isascii() and number.isdigit() else 1
    at = min(max(wanted, 1), pages)
    return Leaf(items=tuple(items[(at - 1) * size : at * size]), number=at, pages=pages)
