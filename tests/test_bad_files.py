"""A folder with good and bad files: the good ones are indexed, the bad ones named everywhere."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from bot.doctor import _files
from bot.indexing.flow import generations, ingest
from bot.indexing.lexical import PassageStore
from bot.settings import Settings
from tests import making_docx, making_pdfs
from tests.conftest import without_root_rights, write_guide


def test_one_bad_file_never_stops_the_rest_and_doctor_lists_it(
    settings: Settings, knowledge: Path
) -> None:
    (knowledge / "leaflet.pdf").write_bytes(making_pdfs.leaflet())
    (knowledge / "leaflet.pdf.meta.yaml").write_text("title: Ours\npublisher: Ward 7\n", "utf-8")
    (knowledge / "word.docx").write_bytes(making_docx.leaflet())
    (knowledge / "scan.pdf").write_bytes(making_pdfs.pictures_only())
    (knowledge / "gone.pdf.meta.yaml").write_text("title: X\n", "utf-8")
    (knowledge / "copy.docx").write_bytes(making_docx.leaflet())
    first = {f.source_id: f for f in ingest(settings).files}
    assert {s: f.change for s, f in first.items()} == {
        "copy.docx": "added",
        "engraftment.md": "added",
        "gone.pdf.meta.yaml": "failed",
        "hair.md": "added",
        "leaflet.pdf": "added",
        "scan.pdf": "failed",
        "word.docx": "duplicate",
    }
    store = PassageStore.open(generations(settings).current().passages)
    assert {c.page for c in store.chunks_of("leaflet.pdf")} == {1, 2, 3}
    assert store.document("leaflet.pdf").info.publisher == "Ward 7"
    store.close()

    (knowledge / "leaflet.pdf").write_bytes(making_pdfs.leaflet()[:2000])
    write_guide(knowledge, "hair.md", "Hair", "## What of my hair?\n\nIt grows back slowly.\n")
    report = ingest(settings)
    again = {f.source_id: f for f in report.files}
    assert again["hair.md"].change == "changed"
    assert again["leaflet.pdf"].stale
    written = json.loads(json.dumps(asdict(report), default=str))
    assert {f["source_id"] for f in written["files"] if f["error"]} == {
        "gone.pdf.meta.yaml",
        "leaflet.pdf",
        "scan.pdf",
    }
    found = _files(settings)
    assert found.exit_code == 3
    for note in (
        "leaflet.pdf (the end of the PDF is missing, its earlier version is still served)",
        "scan.pdf (there is no text in the PDF, only pictures of pages)",
        "gone.pdf.meta.yaml (there is no document gone.pdf beside it)",
        "not indexed: word.docx (same as copy.docx)",
    ):
        assert note in found.detail
    assert "not as indexed" not in found.detail

    (knowledge / "leaflet.pdf").write_bytes(making_pdfs.leaflet())
    (knowledge / "leaflet.pdf.meta.yaml").write_text("title: New\n", "utf-8")
    assert {f.source_id: f.change for f in ingest(settings).files}["leaflet.pdf"] == "changed"


def test_thirty_kinds_of_bad_files_are_named_with_a_hint_and_nothing_is_lost() -> None:
    script = Path(__file__).resolve().parent.parent / "bench/bad_files.py"
    done = subprocess.run(
        [sys.executable, str(script), "--at-once"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stdout)
    assert done.stdout.count("\n    do: ") >= 25
    assert "WRONG" not in done.stdout
    assert done.stdout.rstrip().endswith("0 of the above wrong")


def test_documents_in_a_folder_that_cannot_be_opened_stay(
    settings: Settings, knowledge: Path
) -> None:
    """Also in a rebuild; and they are back when the folder can be opened again."""
    write_guide(knowledge, "ward/food.md", "Food", "## Can I eat salad?\n\nWash salad first.\n")
    ingest(settings)
    script = f"""
from pathlib import Path
from bot.indexing.flow import ingest
from bot.settings import Paths, Settings
settings = Settings(
    paths=Paths(knowledge=Path({str(knowledge)!r}), var=Path({str(settings.paths.var)!r}))
)
for rebuild in (False, True):
    files = ingest(settings, rebuild=rebuild).files
    print(*(f"{{f.source_id}}={{f.change}},{{f.stale}}" for f in files))
"""
    (knowledge / "ward").chmod(0)
    try:
        done = subprocess.run(
            [*without_root_rights(), sys.executable, "-c", script],
            cwd=Path(__file__).resolve().parent.parent,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        (knowledge / "ward").chmod(0o755)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    closed = "ward=failed,True ward/food.md=unchanged,True"
    assert first == f"engraftment.md=unchanged,False hair.md=unchanged,False {closed}"
    assert second == f"engraftment.md=changed,False hair.md=changed,False {closed}"
    store = PassageStore.open(generations(settings).current().passages)
    assert set(store.file_hashes()) == {"engraftment.md", "hair.md", "ward/food.md"}
    store.close()
    assert {f.change for f in ingest(settings).files} == {"unchanged"}
