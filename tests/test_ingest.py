"""The way of a document with the real Chroma, SQLite and model."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bot.answering.opened import IndexHolder
from bot.errors import DamagedIndex, IndexMismatch, LockHeld, NoIndex, RulesError, StoreError
from bot.indexing.embedding import Embedder
from bot.indexing.flow import generations, ingest, make_embedder
from bot.indexing.generations import Generations
from bot.indexing.lexical import PassageStore
from bot.indexing.reports import IngestReport
from bot.indexing.store import InFolder, VectorStore
from bot.settings import Chunking, Paths, Settings, Store
from bot.weights import weights_sha256
from tests.conftest import write_guide


def changes(report: IngestReport) -> dict[str, str]:
    return {f.source_id: f.change for f in report.files}


def stored(settings: Settings) -> PassageStore:
    return PassageStore.open(generations(settings).current().passages)


def test_old_indexes_that_cannot_be_deleted_are_no_failure(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(self: Generations, name: str) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Generations, "remove", fails)
    few = settings.model_copy(update={"store": Store(keep_generations=1)})
    first = ingest(few)
    write_guide(few.paths.knowledge, "hair.md", "Hair", "## Hair?\n\nHair grows back.\n")
    report = ingest(few)
    assert report.swapped
    assert generations(few).current_name() == report.generation != first.generation
    assert "old generations were not deleted" in caplog.text


def test_first_ingest_stores_passages_questions_and_exact_spans(settings: Settings) -> None:
    report = ingest(settings)
    assert changes(report) == {"engraftment.md": "added", "hair.md": "added"}
    assert report.passages == 3
    assert report.questions == 3 + 2
    store = stored(settings)
    for source_id in store.file_hashes():
        document = store.document(source_id)
        for chunk in store.chunks_of(source_id):
            assert chunk.text == chunk.span.of(document.text)
    vectors = VectorStore.open(InFolder(generations(settings).current().vectors))
    assert vectors.ids("passages") == store.chunk_ids()
    vectors.close()


def test_second_run_embeds_nothing_and_keeps_the_generation(settings: Settings) -> None:
    first = ingest(settings)
    second = ingest(settings)
    assert second.embedded == 0
    assert second.generation == first.generation
    assert not second.swapped
    assert set(changes(second).values()) == {"unchanged"}


def test_only_what_changed_is_embedded_again(settings: Settings, knowledge: Path) -> None:
    first = ingest(settings)
    write_guide(knowledge, "hair.md", "Hair", "## Will hair grow back?\n\nHair grows back later.\n")
    write_guide(knowledge, "food.md", "Food", "## Can I eat salad?\n\nWash salad well first.\n")
    (knowledge / "engraftment.md").unlink()
    report = ingest(settings)
    assert changes(report) == {
        "engraftment.md": "removed",
        "food.md": "added",
        "hair.md": "changed",
    }
    assert report.embedded == 4
    assert report.generation != first.generation
    store = stored(settings)
    assert set(store.file_hashes()) == {"food.md", "hair.md"}
    assert "grows back later" in store.document("hair.md").text
    assert "fall" not in store.vocabulary()
    assert len(store.chunk_ids()) == 2


def test_same_name_edited_to_same_length_is_noticed(settings: Settings, knowledge: Path) -> None:
    ingest(settings)
    path = knowledge / "hair.md"
    before = path.stat()
    path.write_text(path.read_text("utf-8").replace("often falls", "never falls"), "utf-8")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert changes(ingest(settings))["hair.md"] == "changed"


def test_a_bad_file_never_stops_the_rest_and_its_old_version_stays(
    settings: Settings, knowledge: Path
) -> None:
    ingest(settings)
    (knowledge / "hair.md").write_text("no front matter any more", "utf-8")
    (knowledge / "scan.xyz").write_bytes(b"\x00\x01")
    write_guide(knowledge, "food.md", "Food", "## Can I eat salad?\n\nWash salad well first.\n")
    report = ingest(settings)
    assert changes(report)["food.md"] == "added"
    failed = {f.source_id: f for f in report.failed}
    assert set(failed) == {"hair.md", "scan.xyz"}
    assert failed["hair.md"].stale
    assert not failed["scan.xyz"].stale
    assert "hair.md:1" in (failed["hair.md"].error or "")
    assert "often falls out" in stored(settings).document("hair.md").text
    assert generations(settings).current().manifest().failed.keys() == {"hair.md", "scan.xyz"}
    rebuilt = ingest(settings, rebuild=True)
    assert rebuilt.rebuilt
    assert "often falls out" in stored(settings).document("hair.md").text


def test_dry_run_changes_nothing(settings: Settings, knowledge: Path) -> None:
    report = ingest(settings, dry_run=True)
    assert report.count("added") == 2
    assert generations(settings).current_name() is None
    ingest(settings)
    name = generations(settings).current_name()
    (knowledge / "hair.md").unlink()
    assert ingest(settings, dry_run=True).count("removed") == 1
    assert generations(settings).current_name() == name


def test_nothing_readable_leaves_the_index_as_it_was(settings: Settings, knowledge: Path) -> None:
    for path in knowledge.glob("*.md"):
        path.write_text("", "utf-8")
    with pytest.raises(StoreError, match="No document could be indexed"):
        ingest(settings)
    assert generations(settings).current_name() is None


def test_missing_folder_says_so(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no folder"):
        ingest(settings, folder=tmp_path / "nowhere")


def test_two_writers_at_once_the_second_is_refused(settings: Settings) -> None:
    with generations(settings).writing(), pytest.raises(LockHeld):
        ingest(settings)
    assert ingest(settings).swapped


def test_links_out_of_the_folder_and_huge_files_are_refused(
    settings: Settings, knowledge: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.md"
    secret.write_text("---\ntitle: S\n---\nSecret.", "utf-8")
    (knowledge / "link.md").symlink_to(secret)
    small = settings.model_copy(update={"chunking": Chunking(max_document_bytes=1_000)})
    write_guide(knowledge, "long.md", "Long", "Word. " * 500)
    failed = {f.source_id: f.error or "" for f in ingest(small).failed}
    assert "leads out" in failed["link.md"]
    assert "at most 1,000" in failed["long.md"]


def test_changed_rules_mean_a_new_index_and_the_old_one_is_refused(settings: Settings) -> None:
    ingest(settings)
    other = settings.model_copy(update={"chunking": Chunking(max_tokens=64)})
    holder = IndexHolder(other, make_embedder(other), generations(other))
    with pytest.raises(IndexMismatch), holder.use():
        pass
    assert ingest(other).rebuilt
    with holder.use() as index:
        assert index.manifest.passages == 3
    holder.close()


def test_serving_notices_a_new_generation_and_keeps_the_old_for_who_holds_it(
    settings: Settings, knowledge: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.answering.opened._LOOK_EVERY_SECONDS", 0.0)
    ingest(settings)
    holder = IndexHolder(settings, make_embedder(settings), generations(settings))
    with holder.use() as old:
        (knowledge / "hair.md").unlink()
        ingest(settings)
        with holder.use() as new:
            assert new.manifest.generation != old.manifest.generation
            assert set(new.passages.file_hashes()) == {"engraftment.md"}
        assert set(old.passages.file_hashes()) == {"engraftment.md", "hair.md"}
        assert old.vectors.count("passages") == 3
    holder.close()


def test_a_damaged_new_generation_leaves_the_old_one_serving(
    settings: Settings, knowledge: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.answering.opened._LOOK_EVERY_SECONDS", 0.0)
    ingest(settings)
    holder = IndexHolder(settings, make_embedder(settings), generations(settings))
    with holder.use() as index:
        name = index.manifest.generation
    (knowledge / "hair.md").unlink()
    ingest(settings)
    (generations(settings).current().folder / "manifest.json").write_text("{", "utf-8")
    with holder.use() as index:
        assert index.manifest.generation == name
    holder.close()


@pytest.mark.parametrize("pointer", [b"\xff", None])
def test_a_pointer_that_cannot_be_read_leaves_the_open_index_serving(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, pointer: bytes | None
) -> None:
    monkeypatch.setattr("bot.answering.opened._LOOK_EVERY_SECONDS", 0.0)
    ingest(settings)
    holder = IndexHolder(settings, make_embedder(settings), generations(settings))
    with holder.use() as index:
        name = index.manifest.generation
    path = settings.paths.var / "index" / "current"
    path.unlink()
    path.write_bytes(pointer) if pointer else path.mkdir()
    with holder.use() as index:
        assert index.manifest.generation == name
    fresh = IndexHolder(settings, make_embedder(settings), generations(settings))
    with pytest.raises(DamagedIndex, match="pointer cannot be read"), fresh.use():
        pass
    holder.close()


def test_two_sections_with_one_heading_keep_their_own_ways_of_asking(
    settings: Settings, knowledge: Path
) -> None:
    part = "## Side effects\n<!-- asked\n- {}\n-->\n\n{}\n\n"
    first = part.format("what of the first", "The first makes people tired.")
    second = part.format("what of the second", "The second makes the mouth sore.")
    write_guide(knowledge, "hair.md", "Hair", first + second)
    ingest(settings)
    store = stored(settings)
    assert [c.asked for c in store.chunks_of("hair.md")] == [
        ("what of the first",),
        ("what of the second",),
    ]
    store.close()


def test_gaps_that_cannot_be_opened_are_a_clear_error(settings: Settings, knowledge: Path) -> None:
    (knowledge / "not-covered.toml").mkdir()
    with pytest.raises(RulesError, match=r"not-covered\.toml cannot be read") as failed:
        ingest(settings)
    assert "bot/rules" not in failed.value.hint


def test_no_index_and_damaged_index_say_what_to_do(settings: Settings) -> None:
    holder = IndexHolder(settings, make_embedder(settings), generations(settings))
    with pytest.raises(NoIndex) as none, holder.use():
        pass
    assert "ingest" in none.value.hint
    ingest(settings)
    generations(settings).current().passages.write_bytes(b"not a database" * 100)
    with pytest.raises(DamagedIndex) as damaged, holder.use():
        pass
    assert "--rebuild" in damaged.value.hint
    assert ingest(settings, rebuild=True).swapped
    with holder.use() as index:
        assert index.manifest.passages == 3
    holder.close()


def test_killed_while_building_the_old_generation_serves_and_the_next_run_repairs(
    settings: Settings, knowledge: Path
) -> None:
    ingest(settings)
    name = generations(settings).current_name()
    for number in range(30):
        body = "## Why?\n\n" + "It is. " * 99
        write_guide(knowledge, f"more{number}.md", f"More {number}", body)
    code = (
        "from pathlib import Path; from bot.settings import *;"
        "from bot.indexing.flow import ingest;"
        f"ingest(Settings(paths=Paths(knowledge=Path({str(knowledge)!r}),"
        f"var=Path({str(settings.paths.var)!r}))), progress=lambda d, n, t: print(d, flush=True))"
    )
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    for line in child.stdout:
        if line.strip() == "3":
            break
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert generations(settings).current_name() == name
    assert stored(settings).chunk_ids()
    assert list((settings.paths.var / "index/generations").glob("building-*"))
    report = ingest(settings)
    assert report.count("added") == 30
    assert not list((settings.paths.var / "index/generations").glob("building-*"))


def test_old_generations_are_pruned_but_never_the_serving_one(
    settings: Settings, knowledge: Path
) -> None:
    for number in range(4):
        write_guide(knowledge, "hair.md", "Hair", f"## Hair?\n\nHair sentence number {number}.\n")
        ingest(settings)
        time.sleep(0.01)
    names = generations(settings).names()
    assert len(names) == settings.store.keep_generations
    assert generations(settings).current_name() in names


def test_known_gaps_are_indexed_as_a_class_of_their_own(
    settings: Settings, knowledge: Path
) -> None:
    ingest(settings)
    (knowledge / "not-covered.toml").write_text(
        '[[gap]]\ngroup = "cars"\ninstead = "Ask a garage about cars."\n'
        'questions = ["how do I fix my car", "why is my car slow"]\n',
        "utf-8",
    )
    report = ingest(settings)
    assert report.embedded == 2
    assert report.questions == 5 + 2
    manifest = generations(settings).current().manifest()
    assert manifest.gap_groups == {"cars": "Ask a garage about cars."}
    (knowledge / "not-covered.toml").unlink()
    assert ingest(settings).questions == 5


def test_weights_are_checked_before_they_are_loaded(tmp_path: Path) -> None:
    from bot.errors import ModelError

    folder = tmp_path / "model"
    folder.mkdir()
    with pytest.raises(ModelError, match="no embedding model"):
        Embedder(str(folder))
    (folder / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(ModelError, match="not the expected ones"):
        Embedder(str(folder), sha256="0" * 64)
    right = Embedder(str(folder), sha256=weights_sha256(folder).upper())
    with pytest.raises(ModelError, match="cannot be loaded"):
        right.load()


def test_report_is_plain_json(settings: Settings) -> None:
    from dataclasses import asdict

    assert json.loads(json.dumps(asdict(ingest(settings))))["passages"] == 3


def test_unwritable_state_folder_says_so(settings: Settings, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("x", "utf-8")
    bad = settings.model_copy(
        update={"paths": Paths(knowledge=settings.paths.knowledge, var=blocked)}
    )
    with pytest.raises(StoreError, match="cannot be written"):
        ingest(bad)


def test_outlines_say_how_many_ways_of_asking_and_whose_document_goes_first(
    settings: Settings, knowledge: Path
) -> None:
    first = knowledge / "hair.md"
    first.write_text(first.read_text("utf-8").replace("title:", "priority: 2\ntitle:", 1), "utf-8")
    ingest(settings)
    store = PassageStore.open(generations(settings).current().passages)
    chunks = [c for name in ("engraftment.md", "hair.md") for c in store.chunks_of(name)]
    found = store.outlines([*(c.chunk_id for c in chunks), "unknown"])
    assert {i: (o.ways, o.priority) for i, o in found.items()} == {
        c.chunk_id: (len(c.asked), c.source.priority) for c in chunks
    }
    assert {o.priority for o in found.values()} == {0, 2}
    assert {o.ways for o in found.values()} == {0, 2}
    store.close()
