"""Trains the model of the second look: low-rank changes to the embedding model and its heads.

    python -m evals.train_second_look FILE.npz [batch_4 ...]    leaving out these batches

Two passes over the messages of evals/second_look_data.py, some of them in a frame of everyday words
or next to a harmless sentence. Three heads over the mean vector: which rule a message means (or
harmless), whether it asks for a decision, and whether it tells of an emergency. The same seed gives
the same order, not the same weights to the last bit. fit_second_look.py sets the limits. About ten
minutes on one core.
"""

from __future__ import annotations

import random
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import nn

from bot.answering.second_look import HARMLESS
from bot.rules import load_rules
from bot.tuned import DOWN, UP, layer_names, load_base, mean_vectors
from bot.weights import model_folder
from evals.safety_eval import batches
from evals.second_look_data import ROOT, Example, examples

RANK = 16
EPOCHS = 2
BATCH = 32
RATE = 1e-3
LEAST = 20
"""A rule with fewer examples is no label of its own."""
FRAMED, JOINED = 0.25, 0.15
"""Part of the messages that is put into a frame, and next to a harmless one."""
SEED = 7

T = TypeVar("T")


class LowRank(nn.Module):
    """A layer whose weights stay, with a thin change beside them."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.layer = layer
        self.down = nn.Parameter(torch.randn(RANK, layer.in_features) / layer.in_features**0.5)
        self.up = nn.Parameter(torch.zeros(layer.out_features, RANK))

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return self.layer(states) + states @ self.down.T @ self.up.T


def with_changes(model: Any) -> dict[str, LowRank]:
    """Put a change beside each layer of `tuned.LAYERS`; nothing else of the model can move."""
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    changed = {}
    for name in layer_names(model.config.num_hidden_layers):
        parent = model.get_submodule(name.rpartition(".")[0])
        changed[name] = LowRank(model.get_submodule(name))
        setattr(parent, name.rpartition(".")[2], changed[name])
    return changed


class Texts:
    """The messages as they are shown in one pass."""

    def __init__(self, found: Sequence[Example], chance: random.Random) -> None:
        self._frames = tomllib.loads((ROOT / "evals/safety/frames.toml").read_text("utf-8"))
        self._harmless = [e.text for e in found if e.label == HARMLESS and e.own_case is not True]
        self._chance = chance

    def shown(self, example: Example) -> str:
        draw, text = self._chance, example.text
        if draw.random() < FRAMED:
            if draw.random() < 0.5:
                text = f"{draw.choice(self._frames['before'])} {text}"
            else:
                text = f"{text}. {draw.choice(self._frames['after'])}"
        if draw.random() < JOINED:
            pair = [text, draw.choice(self._harmless)]
            draw.shuffle(pair)
            text = ". ".join(pair)
        return text


def in_batches(
    items: Sequence[T], text: Callable[[T], str], chance: random.Random, *, size: int, parts: int
) -> list[list[T]]:
    """All items in a new order; of `parts` batches those of like length together, so that little is
    padded."""
    order = list(items)
    chance.shuffle(order)
    made = []
    for start in range(0, len(order), size * parts):
        part = sorted(order[start : start + size * parts], key=lambda item: len(text(item)))
        made += [part[at : at + size] for at in range(0, len(part), size)]
    chance.shuffle(made)
    return made


def batches_of(
    found: Sequence[Example], texts: Texts, chance: random.Random
) -> list[list[tuple[str, Example]]]:
    """All messages as this pass shows them."""
    shown = [(texts.shown(example), example) for example in found]
    return in_batches(shown, lambda pair: pair[0], chance, size=BATCH, parts=40)


def train(
    found: list[Example], levels: Mapping[str, str]
) -> tuple[dict[str, np.ndarray], list[str]]:
    """The changes and the heads as arrays by name, and the labels of the first head. `levels`:
    those of the rules."""
    torch.manual_seed(SEED)
    chance = random.Random(SEED)
    counts = Counter(e.label for e in found if e.label)
    labels = sorted(label for label, count in counts.items() if count >= LEAST)
    tokenizer, model = load_base(model_folder("default"))
    changed = with_changes(model)
    heads = nn.Linear(model.config.hidden_size, len(labels) + 2)
    parts = [p for layer in changed.values() for p in (layer.down, layer.up)]
    optimizer = torch.optim.AdamW(
        [{"params": parts}, {"params": heads.parameters()}], lr=RATE, weight_decay=0.01
    )
    texts = Texts(found, chance)
    steps, step, started = EPOCHS * (len(found) // BATCH + 1), 0, time.monotonic()
    model.train()
    for epoch in range(EPOCHS):
        for pairs in batches_of(found, texts, chance):
            for group in optimizer.param_groups:
                group["lr"] = RATE * min(1.0, step / 80) * max(0.02, 1 - step / steps)
            with torch.autocast("cpu", dtype=torch.bfloat16):
                vectors = mean_vectors(tokenizer, model, [text for text, _ in pairs])
            shown = [example for _, example in pairs]
            loss = _loss(heads(vectors.float()), shown, labels, levels)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(parts, 1.0)
            optimizer.step()
            step += 1
            if step % 50 == 0:
                seconds = time.monotonic() - started
                print(f"{epoch} {step}/{steps} {seconds:.0f} s {loss.item():.3f}", flush=True)
    arrays = {
        name + end: value.detach().numpy().astype(np.float16)
        for name, layer in changed.items()
        for end, value in ((DOWN, layer.down), (UP, layer.up))
    }
    arrays["heads"] = heads.weight.detach().numpy()
    arrays["bias"] = heads.bias.detach().numpy()
    return arrays, labels


def _loss(
    scores: torch.Tensor,
    batch: Sequence[Example],
    labels: Sequence[str],
    levels: Mapping[str, str],
) -> torch.Tensor:
    which = [labels.index(e.label) if e.label in labels else -1 for e in batch]
    loss = nn.functional.cross_entropy(
        scores[:, :-2], torch.tensor(which), ignore_index=-1, label_smoothing=0.05, reduction="sum"
    )
    loss = loss + _of_two(scores[:, -2], [example.own_case for example in batch])
    loss = loss + _of_two(scores[:, -1], [example.emergency(levels) for example in batch])
    return loss / len(batch)


def _of_two(scores: torch.Tensor, answers: Sequence[bool | None]) -> torch.Tensor:
    """The loss of a yes or no, over those of whom it is known."""
    known = [at for at, answer in enumerate(answers) if answer is not None]
    wanted = torch.tensor([float(bool(answers[at])) for at in known])
    return nn.functional.binary_cross_entropy_with_logits(scores[known], wanted, reduction="sum")


def main(argv: Sequence[str]) -> None:
    target, left_out = Path(argv[0]), set(argv[1:])
    rules = load_rules()
    found = examples(rules, [name for name in batches() if name not in left_out])
    print(f"{len(found)} messages without {', '.join(sorted(left_out)) or 'nothing left out'}")
    arrays, labels = train(found, {rule.id: rule.level for rule in rules.flags})
    np.savez_compressed(target, labels=np.array(labels), **arrays)
    print(f"written to {target}")


if __name__ == "__main__":
    main(sys.argv[1:])
