"""Which files count as documents, and which cannot be read at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bot.errors import (
    DocumentError,
    LinkOutside,
    OversizedDocument,
    SidecarWithoutDocument,
    StoreError,
    UnreadableDocument,
)
from bot.indexing.scanning import FoundFile, find_files


def found(folder: Path, max_bytes: int = 1_000) -> dict[str, FoundFile]:
    return {f.source_id: f for f in find_files(folder, max_bytes)}


def error_of(folder: Path, name: str) -> DocumentError:
    error = found(folder)[name].error
    assert error is not None
    assert error.hint
    assert error.exit_code == 3
    assert str(error).startswith(name)
    return error


def test_documents_and_their_sidecars(tmp_path: Path) -> None:
    for name in ("b.pdf", "sub/a.md", "b.pdf.meta.yaml", "README.md", "_draft.md", ".x", "_d/a.md"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name, "utf-8")
    files = found(tmp_path)
    assert list(files) == ["b.pdf", "sub/a.md"]
    assert files["b.pdf"].sidecar == b"b.pdf.meta.yaml"
    assert files["sub/a.md"].sidecar is None
    before = files["b.pdf"]
    (tmp_path / "b.pdf.meta.yaml").write_text("title: New", "utf-8")
    after = found(tmp_path)["b.pdf"]
    assert after.file_hash != before.file_hash
    assert after.content_hash == before.content_hash


def test_a_sidecar_without_its_document_is_reported(tmp_path: Path) -> None:
    (tmp_path / "gone.pdf.meta.yaml").write_text("title: X", "utf-8")
    error = error_of(tmp_path, "gone.pdf.meta.yaml")
    assert isinstance(error, SidecarWithoutDocument)
    assert "no document gone.pdf" in str(error)


@pytest.mark.parametrize("kind", ["file", "folder", "sidecar"])
def test_links_out_of_the_folder_are_reported(tmp_path: Path, kind: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.md").write_text("Secret.", "utf-8")
    folder = tmp_path / "knowledge"
    folder.mkdir()
    name = "link.md"
    if kind == "file":
        (folder / name).symlink_to(outside / "secret.md")
    elif kind == "folder":
        (folder / name).symlink_to(outside)
    else:
        (folder / name).write_text("Hi.", "utf-8")
        (folder / "link.md.meta.yaml").symlink_to(outside / "secret.md")
    assert isinstance(error_of(folder, name), LinkOutside)
    assert found(folder)[name].data == b""


def test_links_inside_the_folder_are_fine_and_broken_ones_are_reported(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("Hi.", "utf-8")
    (tmp_path / "b.md").symlink_to(tmp_path / "a.md")
    (tmp_path / "c.md").symlink_to(tmp_path / "nowhere")
    (tmp_path / "d.md").symlink_to(tmp_path / "d.md")
    assert found(tmp_path)["b.md"].data == b"Hi."
    assert "cannot be opened" in str(error_of(tmp_path, "c.md"))
    assert isinstance(error_of(tmp_path, "d.md"), UnreadableDocument)


def test_a_pipe_does_not_hang_the_ingest(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    assert "no ordinary file" in str(error_of(tmp_path, "pipe.md"))


def test_large_files_are_refused_unread(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(b"x" * 1_001)
    error = error_of(tmp_path, "a.md")
    assert isinstance(error, OversizedDocument)
    assert "1,001 bytes; at most 1,000" in str(error)


def test_a_name_that_is_no_text_is_reported(tmp_path: Path) -> None:
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.md"))).write_bytes(b"Hi.")
    (file,) = found(tmp_path).values()
    assert "not UTF-8" in str(file.error)
    file.source_id.encode("utf-8")


def test_a_missing_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no folder"):
        list(find_files(tmp_path / "nowhere", 10))
