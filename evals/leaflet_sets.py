"""Indexes of a part of the guides, as a clinic has that brings its own leaflets: with or without
their stored ways of asking, with or without the questions known not to be covered.

The judge is fitted on them, too (evals/fit_answerability.py).
"""

from __future__ import annotations

import random
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bot.answering.flow import Bot
from bot.gaps import FILE_NAME
from bot.indexing.embedding import Embedder
from bot.indexing.flow import ingest
from bot.settings import Paths, Settings
from evals.question_sets import Item

_WAYS = re.compile(r"<!--\s*asked\b.*?-->\n?", re.DOTALL)


@contextmanager
def leaflets(
    settings: Settings, guides: Sequence[str], *, ways: bool, gaps: bool, embedder: Embedder
) -> Iterator[Bot]:
    """The bot over these guides (file names) alone."""
    with tempfile.TemporaryDirectory(prefix="leaflets-") as made:
        folder = Path(made) / "knowledge"
        folder.mkdir()
        for name in guides:
            text = (settings.paths.knowledge / name).read_text("utf-8")
            (folder / name).write_text(text if ways else _WAYS.sub("", text), "utf-8")
        if gaps:
            shutil.copy(settings.paths.knowledge / FILE_NAME, folder)
        paths = Paths(knowledge=folder, var=Path(made) / "var")
        own = settings.model_copy(update={"paths": paths})
        ingest(own, embedder=embedder)
        bot = Bot.open(own)
        try:
            yield bot
        finally:
            bot.close()


def drawn(names: Sequence[str], sizes: Sequence[int], seed: int) -> list[list[str]]:
    """For each size so many guides, drawn anew each time."""
    chance = random.Random(seed)
    return [chance.sample(list(names), size) for size in sizes]


def answered_by(item: Item, guides: Collection[str]) -> bool:
    """Whether one of its sections stands in one of these guides."""
    return any(guide in guides for guide, _ in item.sections)


def within(items: Sequence[Item], guides: Sequence[str], others: int, seed: int) -> list[Item]:
    """The questions that these guides answer, and so many of the rest."""
    held = [item for item in items if answered_by(item, guides)]
    rest = [item for item in items if not answered_by(item, guides)]
    return held + random.Random(seed).sample(rest, min(others, len(rest)))
