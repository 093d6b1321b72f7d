"""The pass for many texts against the library's own."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from bot.encoder import padded, tokens_of
from bot.packed_encoder import PackedEncoder

TEXTS = (
    "yes",
    "How long until I can taste food again?",
    "gvhd " * 300,
    "Ich habe Angst.",
    "no",
    "Your nurse explains the plan each morning. " * 12,
)


def library(tokenizer, model, rows):
    inputs = padded(tokenizer, rows)
    with torch.inference_mode():
        made = model(**inputs).last_hidden_state
    return [states[: len(row)] for states, row in zip(made, rows, strict=True)]


@pytest.mark.parametrize("texts", [TEXTS, TEXTS[:1], TEXTS[::-1] * 3, TEXTS[1:2] * 3])
def test_it_calculates_what_the_library_does(base, weights, texts) -> None:
    tokenizer, model = base
    rows = tokens_of(tokenizer, texts, 256)["input_ids"]
    ours = PackedEncoder(model)(rows)
    for states, wanted in zip(ours, library(tokenizer, model, rows), strict=True):
        assert states.shape == wanted.shape
        assert torch.allclose(states, wanted, atol=1e-5)


def test_in_bfloat16_the_direction_is_that_of_full_precision(base) -> None:
    tokenizer, model = base
    rows = tokens_of(tokenizer, TEXTS, 256)["input_ids"]
    for states, wanted in zip(
        PackedEncoder(model, half=True)(rows), library(tokenizer, model, rows), strict=True
    ):
        assert states.dtype == torch.float32
        assert torch.cosine_similarity(states.mean(0), wanted.mean(0), dim=0) > 0.9999


def test_a_text_is_read_in_the_same_way_whatever_it_is_read_with(base) -> None:
    tokenizer, model = base
    rows = tokens_of(tokenizer, TEXTS, 256)["input_ids"]
    encoder = PackedEncoder(model)
    together = encoder(rows)
    for row, states in zip(rows, together, strict=True):
        assert torch.allclose(encoder([row])[0], states, atol=1e-5)
    assert all(not torch.allclose(a[:3], b[:3], atol=1e-2) for a, b in pairwise(together))


def test_of_nothing_comes_nothing(base) -> None:
    assert PackedEncoder(base[1])([]) == []
