"""The lean forward pass against the library's own."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bot.encoder import Changes, Encoder, padded, tokens_of
from bot.errors import ModelError
from bot.indexing.embedding import Embedder
from bot.packed_encoder import PackedEncoder
from bot.tuned import DOWN, UP, layer_names, load_base, mean_vectors, merge
from bot.weights import model_folder

TEXTS = ("yes", "How long until I can taste food again?", "gvhd " * 120, "Ich habe Angst.")


def some_changes(layers: list[str], seed: int) -> dict[str, np.ndarray]:
    random, sizes = np.random.default_rng(seed), {"intermediate.dense": (384, 1536)}
    made = {}
    for layer in layers:
        inner, outer = (384, 384)
        if layer.endswith("intermediate.dense"):
            inner, outer = sizes["intermediate.dense"]
        elif layer.endswith("output.dense") and "attention" not in layer:
            outer, inner = sizes["intermediate.dense"]
        made[layer + DOWN] = 0.1 * random.standard_normal((4, inner)).astype(np.float32)
        made[layer + UP] = 0.1 * random.standard_normal((outer, 4)).astype(np.float32)
    return made


def library(tokenizer, model, texts):
    inputs = tokenizer(list(texts), padding=True, truncation=True, max_length=128)
    with torch.inference_mode():
        return model(**inputs.convert_to_tensors("pt")).last_hidden_state


def batch(tokenizer, texts):
    made = padded(tokenizer, tokens_of(tokenizer, texts, 128)["input_ids"])
    return made["input_ids"], made["attention_mask"]


@pytest.mark.parametrize("texts", [TEXTS, TEXTS[:1], (TEXTS[1], TEXTS[1])])
def test_it_calculates_what_the_library_does(base, weights, texts) -> None:
    tokenizer, model = base
    ids, mask = batch(tokenizer, texts)
    ours, theirs = Encoder(model)(ids, mask), library(tokenizer, model, texts)
    assert ours.shape == theirs.shape
    assert torch.allclose(ours[mask.bool()], theirs[mask.bool()], atol=1e-5)


@pytest.mark.parametrize(
    "layers",
    [layer_names(6), layer_names(6)[1:2], layer_names(6)[3:5]],
    ids=["all", "one of query, key and value", "two others"],
)
def test_each_row_is_read_with_its_own_changes(base, weights, layers) -> None:
    tokenizer, model = base
    first, second = some_changes(layers, 1), some_changes(layers, 2)
    ids, mask = batch(tokenizer, TEXTS)
    changed = [(1, Changes(model, first)), (2, Changes(model, second))]
    made = Encoder(model)(ids, mask, changed)
    weights = mask.unsqueeze(-1)
    means = (made * weights).sum(1) / weights.sum(1)
    with torch.inference_mode():
        plain = mean_vectors(tokenizer, model, TEXTS)
    assert torch.allclose(means[0], plain[0], atol=1e-5)
    for changes, rows in ((first, slice(1, 2)), (second, slice(2, None))):
        _, other = load_base(model_folder("default"))
        merge(other, changes)
        with torch.inference_mode():
            wanted = mean_vectors(tokenizer, other, TEXTS)
        assert torch.allclose(means[rows], wanted[rows], atol=1e-4)
        assert not torch.allclose(wanted[rows], plain[rows], atol=1e-2), "they change something"


def test_what_is_laid_out_with_more_changes_reads_rows_with_fewer(base) -> None:
    tokenizer, model = base
    first, second = (Changes(model, some_changes(layer_names(6), seed)) for seed in (1, 2))
    ids, mask = batch(tokenizer, TEXTS[1:3])
    wanted = Encoder(model)(ids, mask, [(1, second)])
    encoder = Encoder(model)
    encoder(ids, mask, [(1, first), (1, second)])
    assert torch.allclose(encoder(ids, mask, [(1, second)]), wanted, atol=1e-5)
    assert len(encoder._prepared) == 1
    alone = encoder(ids, mask)
    assert torch.allclose(alone[:1], wanted[:1], atol=1e-5)
    encoder(ids, mask, [(2, first)])
    assert len(encoder._prepared) == 2, "one with all changes, one without"


def test_changes_for_no_layer_of_a_block_and_other_models_are_refused(base) -> None:
    _, model = base
    extra = {"pooler.dense" + DOWN: np.zeros((1, 384)), "pooler.dense" + UP: np.zeros((384, 1))}
    with pytest.raises(ModelError, match=r"pooler\.dense"):
        Changes(model, extra)
    model.config.hidden_act = "relu"
    try:
        for kind in (Encoder, PackedEncoder):
            with pytest.raises(ModelError, match="Only a BERT model with GELU"):
                kind(model)
    finally:
        model.config.hidden_act = "gelu"


def test_in_half_precision_it_is_the_same_but_for_rounding_and_the_company_it_is_read_in(
    base,
) -> None:
    tokenizer, model = base
    half, changes = Encoder(model, half=True), Changes(model, some_changes(layer_names(6), 3))
    ids, mask = batch(tokenizer, TEXTS[1:2])
    alone, wanted = half(ids, mask).mean(1), library(tokenizer, model, TEXTS[1:2]).mean(1)
    assert torch.cosine_similarity(alone, wanted).item() > 0.9999
    with_others = half(ids.repeat(3, 1), mask.repeat(3, 1), [(2, changes)])[:1].mean(1)
    assert torch.cosine_similarity(alone, with_others).item() > 0.99999


def test_sentences_read_while_a_reader_waits_are_what_the_index_would_hold() -> None:
    embedder = Embedder(batch_size=2)
    texts = ["yes", "", *TEXTS, "The new cells take two to four weeks to grow."]
    quick, full = (
        np.array(made) for made in (embedder.embed_few(texts), embedder.embed_documents(texts))
    )
    assert quick.shape == full.shape
    assert (quick * full).sum(axis=1).min() > 0.9999
    assert embedder.embed_few([]) == []
