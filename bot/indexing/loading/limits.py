"""How much one document may cost: every loader checks before it spends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from bot.settings import Chunking


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`max_pages` of a PDF; `max_unpacked_bytes` that the compressed parts of one file may take
    together. `max_operations` bounds the drawing steps of a PDF: real leaflets stay a hundred
    times below it."""

    max_pages: int = 500
    max_unpacked_bytes: int = 60_000_000
    max_operations: int = 4_000_000

    @classmethod
    def of(cls, settings: Chunking) -> Self:
        return cls(
            max_pages=settings.max_document_pages, max_unpacked_bytes=settings.max_unpacked_bytes
        )
