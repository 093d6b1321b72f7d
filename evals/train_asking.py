"""Trains the changes of the model that reads questions for questions (docs/decisions/0010).

    python -m evals.train_asking             writes bot/rules/asking.npz
    python -m evals.train_asking further     begins with the layers in it, one pass instead of three
    python -m evals.train_asking centres     keeps the layers and places the centres anew

The stored ways of asking and the heading of a section are a class, and so is each group of known
gaps: the changed model learns to tell the classes apart, from a start at their mean vectors. The
questions of the split `learn` are examples, too: of any of the sections that answer them, or of any
gap. It never sees another evaluation question, but prints after each pass how often the right class
of a development question comes first and among three. Needs an index. Each pass takes a quarter of
an hour on one core; the centres alone take ten minutes, most of it reading.

With new centres and the old layers the right section came first more often on nearly all splits,
but the judge fitted with them was no better for strangers: not in use (docs/decisions/0023).
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from bot.answering.centres import SHARPNESS
from bot.gaps import load_gaps
from bot.indexing.chunking import heading_text
from bot.indexing.embedding import ASKING_FILE, centre_key, gap_key
from bot.indexing.flow import generations
from bot.indexing.lexical import PassageStore
from bot.settings import load_settings
from bot.tuned import DOWN, UP, load_base, mean_vectors
from bot.weights import model_folder
from evals.question_sets import Item, load_items
from evals.train_second_look import LowRank, in_batches, with_changes

EPOCHS, FURTHER = 3, 1
BATCH = 64
CENTRES_EPOCHS, CENTRES_BATCH = 3, 256
RATE, RATE_OF_CENTRES = 1e-3, 2e-3
SCALE = 20.0
SMOOTHING = 0.1
OFTEN = 2
"""How often a question of the split `learn` is shown in a pass: nothing else is what people ask."""
SEED = 7

Section = tuple[str, str]


def examples() -> tuple[list[str], list[list[int]], list[Section], list[str]]:
    """Questions, the classes that fit each, what each class is (a section of the guides, or a group
    of gaps as ("", group)), and its key."""
    settings = load_settings()
    store = PassageStore.open(generations(settings).current().passages)
    texts: list[str] = []
    classes: list[list[int]] = []
    names: list[Section] = []
    keys: list[str] = []
    for source_id in sorted(store.file_hashes()):
        for chunk in store.chunks_of(source_id):
            if chunk.asked:
                texts += [heading_text(chunk), *chunk.asked]
                classes += [[len(names)]] * (1 + len(chunk.asked))
                names.append((source_id, chunk.heading[-1]))
                keys.append(centre_key(chunk.asked))
    for gap in load_gaps(settings.paths.knowledge).gap:
        texts += gap.questions
        classes += [[len(names)]] * len(gap.questions)
        names.append(("", gap.group))
        keys.append(gap_key(gap.group))
    gaps = [number for number, (source_id, _) in enumerate(names) if not source_id]
    for item in load_items("learn"):
        fitting = [names.index(section) for section in item.sections if section in names]
        texts += [item.question.text] * OFTEN
        classes += [fitting or gaps] * OFTEN
    return texts, classes, names, keys


def loss_of(logits: torch.Tensor, fitting: torch.Tensor) -> torch.Tensor:
    """Cross entropy, where any of the classes that fit (1, the others 0) will do."""
    chances = functional.log_softmax(logits, dim=1)
    right = chances.masked_fill(fitting == 0, -torch.inf).logsumexp(dim=1)
    return -((1 - SMOOTHING) * right + SMOOTHING * chances.mean(dim=1)).mean()


class Classes(nn.Module):
    """A vector for each class; how near a question is to it decides."""

    def __init__(self, centres: torch.Tensor) -> None:
        super().__init__()
        self.centres = nn.Parameter(centres)
        self.bias = nn.Parameter(torch.zeros(len(centres)))
        self.scale = nn.Parameter(torch.tensor(SCALE))

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        nearness = (
            functional.normalize(vectors, dim=1) @ functional.normalize(self.centres, dim=1).T
        )
        return self.scale * nearness + self.bias


def read(tokenizer: Any, model: Any, texts: list[str]) -> torch.Tensor:
    """Vectors of all texts, without learning from them."""
    model.eval()
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    made = torch.zeros(len(texts), model.config.hidden_size)
    with torch.no_grad():
        for at in range(0, len(order), BATCH):
            some = order[at : at + BATCH]
            made[some] = mean_vectors(tokenizer, model, [texts[i] for i in some])
    return made


def show(scores: torch.Tensor, items: list[Item], names: list[Section], what: str) -> None:
    """Print how often a right class comes first, and among the first three."""
    ranked = [[names[n] for n in row.argsort(descending=True)[:3].tolist()] for row in scores]
    right = [
        (top[0] in item.sections, not set(top).isdisjoint(item.sections))
        for top, item in zip(ranked, items, strict=True)
    ]
    first, three = (sum(column) / len(items) for column in zip(*right, strict=True))
    print(f"{what}: first {first:.3f}, among three {three:.3f} of {len(items)}", flush=True)


def begin(changed: Mapping[str, LowRank], earlier: Mapping[str, np.ndarray]) -> None:
    """Give the layers the changes of an earlier training."""
    with torch.no_grad():
        for name, layer in changed.items():
            layer.down.copy_(torch.from_numpy(earlier[name + DOWN].astype(np.float32)))
            layer.up.copy_(torch.from_numpy(earlier[name + UP].astype(np.float32)))


def train(
    texts: list[str],
    classes: list[list[int]],
    names: list[Section],
    earlier: Mapping[str, np.ndarray] | None = None,
) -> dict[str, np.ndarray]:
    """The changes as arrays by name, and `centres`: a vector of length one for each class.
    `earlier`: the changes to begin with."""
    torch.manual_seed(SEED)
    chance = random.Random(SEED)
    tokenizer, model = load_base(model_folder("default"))
    changed = with_changes(model)
    if earlier:
        begin(changed, earlier)
    vectors = functional.normalize(read(tokenizer, model, texts), dim=1)
    which = torch.zeros(len(texts), len(names))
    for number, fitting in enumerate(classes):
        which[number, fitting] = 1.0
    alone = torch.where(which.sum(1, keepdim=True) == 1, which, 0.0)
    head = Classes(alone.T @ vectors)
    parts = [p for layer in changed.values() for p in (layer.down, layer.up)]
    rates = [RATE, RATE_OF_CENTRES]
    optimizer = torch.optim.AdamW(
        [{"params": parts}, {"params": head.parameters()}], lr=RATE, weight_decay=0.0
    )
    items = [i for i in load_items("dev") if i.answerable and not i.question.history]
    epochs = FURTHER if earlier else EPOCHS
    steps, step, started = epochs * (len(texts) // BATCH + 1), 0, time.monotonic()
    for epoch in range(epochs):
        model.train()
        for some in in_batches(range(len(texts)), texts.__getitem__, chance, size=BATCH, parts=30):
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * min(1.0, step / 80) * max(0.02, 1 - step / steps)
            with torch.autocast("cpu", dtype=torch.bfloat16):
                made = mean_vectors(tokenizer, model, [texts[i] for i in some])
            loss = loss_of(head(made.float()), which[some])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(parts, 1.0)
            optimizer.step()
            step += 1
            if step % 50 == 0:
                seconds = time.monotonic() - started
                print(f"{epoch} {step}/{steps} {seconds:.0f} s {loss.item():.3f}", flush=True)
        with torch.no_grad():
            scores = head(read(tokenizer, model, [item.question.text for item in items]))
        show(scores, items, names, f"pass {epoch + 1}")
    arrays = {
        name + end: value.detach().numpy().astype(np.float16)
        for name, layer in changed.items()
        for end, value in ((DOWN, layer.down), (UP, layer.up))
    }
    centres = functional.normalize(head.centres.detach(), dim=1)
    return {**arrays, "centres": centres.numpy().astype(np.float16)}


def place_centres(
    texts: list[str],
    classes: list[list[int]],
    names: list[Section],
    keys: list[str],
    earlier: Mapping[str, np.ndarray],
) -> dict[str, np.ndarray]:
    """The layers of `earlier` with a centre for each class: trained from where it was, or from the
    mean of its questions where it is new, as sharply as the centres are used."""
    torch.manual_seed(SEED)
    tokenizer, model = load_base(model_folder("default"))
    begin(with_changes(model), earlier)
    vectors = functional.normalize(read(tokenizer, model, texts), dim=1)
    items = [i for i in load_items("dev") if i.answerable and not i.question.history]
    asked = functional.normalize(
        read(tokenizer, model, [item.question.text for item in items]), dim=1
    )
    which = torch.zeros(len(texts), len(names))
    for number, fitting in enumerate(classes):
        which[number, fitting] = 1.0
    alone = torch.where(which.sum(1, keepdim=True) == 1, which, 0.0)
    start = functional.normalize(alone.T @ vectors, dim=1)
    known = dict(zip(earlier["keys"].tolist(), earlier["centres"], strict=True))
    for place, key in enumerate(keys):
        if key in known:
            start[place] = torch.from_numpy(known[key].astype(np.float32))
    centres = nn.Parameter(start)
    optimizer = torch.optim.Adam([centres], lr=RATE_OF_CENTRES)
    steps, step = CENTRES_EPOCHS * (len(texts) // CENTRES_BATCH), 0
    for epoch in range(CENTRES_EPOCHS):
        for some in torch.randperm(len(texts)).split(CENTRES_BATCH):
            for group in optimizer.param_groups:
                group["lr"] = RATE_OF_CENTRES * max(0.02, 1 - step / steps)
            nearness = vectors[some] @ functional.normalize(centres, dim=1).T
            loss = loss_of(SHARPNESS * nearness, which[some])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
        placed = functional.normalize(centres.detach(), dim=1)
        show(asked @ placed.T, items, names, f"pass {epoch + 1}")
    layers = {name: value for name, value in earlier.items() if name.endswith((DOWN, UP))}
    return {**layers, "centres": placed.numpy().astype(np.float16)}


def main(chosen: Sequence[str] = (), path: Path = ASKING_FILE) -> None:
    if list(chosen) not in ([], ["further"], ["centres"]):
        raise SystemExit(f"Not known: {' '.join(chosen)}. Say nothing, or one of: further, centres")
    texts, classes, names, keys = examples()
    print(f"{len(texts)} questions, {len(names)} classes", flush=True)
    earlier = dict(np.load(path)) if chosen else None
    if earlier and "centres" in chosen:
        arrays = place_centres(texts, classes, names, keys, earlier)
    else:
        arrays = train(texts, classes, names, earlier)
    np.savez_compressed(path, **arrays, keys=np.array(keys))  # type: ignore[arg-type]
    print(f"written to {path}")


if __name__ == "__main__":
    main(sys.argv[1:])
