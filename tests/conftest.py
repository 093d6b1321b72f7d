"""Fixtures: no network, a small knowledge folder, and the real bot over the real guides."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from bot.indexing.flow import ingest, make_embedder
from bot.settings import Embedding, Paths, Settings

for name in [n for n in os.environ if n.upper().startswith("BOT_")]:
    del os.environ[name]  # a developer's own settings must not decide a test

GUIDE = """---
title: {title}
publisher: Test clinic
published: 2026-01-01
review_by: 2099-01-01
language: en
---
# {title}

{body}
"""


def write_guide(folder: Path, name: str, title: str, body: str) -> Path:
    """A small valid document."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(GUIDE.format(title=title, body=body), "utf-8")
    return path


def without_root_rights() -> tuple[str, ...]:
    """Begins a command that is held to the rights of files, which root is not."""
    if os.geteuid() != 0:
        return ()
    if not shutil.which("setpriv"):
        pytest.skip("root, and no setpriv to give up its rights")
    return ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--")


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """R31: whatever tries to reach another machine fails loudly."""
    real = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        local = self.family == socket.AF_UNIX or address[0] in ("127.0.0.1", "::1", "localhost")
        if not local:
            raise AssertionError(f"network access to {address!r}")
        real(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture
def knowledge(tmp_path: Path) -> Path:
    """A folder with two small documents."""
    folder = tmp_path / "knowledge"
    write_guide(
        folder,
        "engraftment.md",
        "Engraftment",
        "## What is engraftment?\n"
        "<!-- asked\n- when do the cells take\n- what is engrafment\n-->\n\n"
        "Engraftment is when the new cells settle in the bone marrow. "
        "They then make blood cells.\n\n"
        "## How long does it take?\n\nEngraftment often takes 2 to 4 weeks. Times differ.\n",
    )
    write_guide(
        folder,
        "hair.md",
        "Hair",
        "## Will my hair fall out?\n\nHair often falls out after strong chemotherapy. "
        "It usually grows back in the months after treatment.\n",
    )
    return folder


@pytest.fixture
def settings(tmp_path: Path, knowledge: Path) -> Settings:
    return Settings(paths=Paths(knowledge=knowledge, var=tmp_path / "var"))


@pytest.fixture(scope="session")
def embedder() -> Any:
    """The real model, loaded once."""
    return make_embedder(Settings(embedding=Embedding()))


@pytest.fixture
def full_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    """An embedder made now reads a question as on a processor without bfloat16: to the last digits
    what the library makes of it. With it: tests/test_encoder.py."""
    monkeypatch.setattr("bot.indexing.embedding.bfloat16_is_fast", lambda: False)


@pytest.fixture(scope="session")
def real_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings over the real guides with an index of their own: built once a test run, whichever
    process needs it first, and copied for the other."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    with FileLock(root / "real.lock"):
        if not (built := root / "real").exists():
            report = ingest(Settings(paths=Paths(var=root / "building")))
            assert not report.failed
            (root / "building").rename(built)
    own = tmp_path_factory.mktemp("real") / "var"
    shutil.copytree(built, own)
    return Settings(paths=Paths(var=own))


@pytest.fixture(scope="session")
def real_bot(real_settings: Settings) -> Iterator[Any]:
    from bot.answering.flow import Bot

    bot = Bot.open(real_settings)
    bot.warm()
    yield bot
    bot.close()


@pytest.fixture(scope="module")
def base() -> Any:
    """Tokenizer and bare model of the default model, as the library loads them."""
    from bot.tuned import load_base
    from bot.weights import model_folder

    return load_base(model_folder("default"))


@pytest.fixture(params=["laid out", "as they are"])
def weights(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the operators of oneDNN, and as where torch was built without them."""
    if request.param == "as they are":

        def missing(*_: object) -> None:
            raise RuntimeError("there is no such operator")

        import torch

        monkeypatch.setattr(torch.ops.mkldnn, "_reorder_linear_weight", missing)
