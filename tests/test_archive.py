"""Export and import: the same index elsewhere, and nothing else through that door."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.answering.flow import Bot
from bot.cli_index import import_
from bot.errors import (
    BadArchive,
    BotError,
    IndexMismatch,
    LockHeld,
    NoIndex,
    SettingsError,
    StoreError,
)
from bot.indexing import flow
from bot.indexing.archive import export_index
from bot.indexing.importing import import_index
from bot.indexing.lexical import PassageStore
from bot.indexing.places import generations, withdrawals_of
from bot.indexing.store import COLLECTIONS, VectorStore
from bot.records import Question, Span
from bot.settings import ROOT, Chunking, Paths, Settings, Store
from bot.withdrawals import Words
from tests.chroma_server import ChromaServer
from tests.conftest import write_guide

Members = dict[str, bytes]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, embedder: Any) -> None:
    for place in ("bot.indexing.flow", "bot.indexing.importing", "bot.answering.flow"):
        monkeypatch.setattr(f"{place}.make_embedder", lambda settings: embedder)


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory, embedder: Any) -> Path:
    """A folder with documents, their index and its export, made once."""
    folder = tmp_path_factory.mktemp("origin")
    knowledge = folder / "knowledge"
    body = "Engraftment is when the new cells settle. It takes 2 to 4 weeks."
    asked = "<!-- asked\n- when do the cells take\n-->\n\n"
    more = "## How long?\n\nTimes differ. Ask your team.\n"
    write_guide(
        knowledge,
        "engraftment.md",
        "Engraftment",
        f"## What is engraftment?\n{asked}{body}\n\n{more}",
    )
    write_guide(
        knowledge, "hair.md", "Hair", "## Will my hair fall out?\n\nHair often falls out. It grows."
    )
    gaps = '[[gap]]\ngroup = "cars"\ninstead = "Ask a garage."\nquestions = ["how do cars work"]\n'
    (knowledge / "not-covered.toml").write_text(gaps, "utf-8")
    made = Settings(paths=Paths(knowledge=knowledge, var=folder / "var"))
    flow.ingest(made, embedder=embedder)
    export_index(made, folder / "index.tar.gz")
    return folder


@pytest.fixture
def settings(origin: Path, tmp_path: Path) -> Settings:
    shutil.copytree(origin, tmp_path, dirs_exist_ok=True)
    return Settings(paths=Paths(knowledge=tmp_path / "knowledge", var=tmp_path / "var"))


@pytest.fixture
def archive(settings: Settings) -> Path:
    return settings.paths.var.parent / "index.tar.gz"


@pytest.fixture
def other(settings: Settings, tmp_path: Path) -> Settings:
    """Another machine, without documents."""
    return settings.model_copy(
        update={"paths": Paths(knowledge=tmp_path / "none", var=tmp_path / "other")}
    )


def content(settings: Settings, *, expected: bool = True) -> Any:
    """All that an index holds; `expected` takes rounding into account."""
    index = generations(settings)
    generation = index.current()
    manifest = generation.manifest()
    store = PassageStore.open(generation.passages)
    vectors = VectorStore.open(index.vectors(generation))
    records, numbers = {}, {}
    for name in COLLECTIONS:
        for r in vectors.records(name):
            records[r.record_id] = (name, r.text, r.kind, r.source_id, r.chunk_id, r.group)
            numbers[r.record_id] = [float(x) for x in r.vector]
    documents = {
        s: (store.document(s), chunks, store.word_vectors([c.chunk_id for c in chunks]))
        for s in store.file_hashes()
        for chunks in [store.chunks_of(s)]
    }
    # Chroma scales vectors to length one when they are stored: that rounds.
    rounded = {i: pytest.approx(vector, abs=1e-6) for i, vector in numbers.items()}
    found = (documents, records, rounded if expected else numbers, store.vocabulary())
    rest = (manifest.documents, manifest.gap_groups)
    vectors.close()
    store.close()
    return *found, *rest


def read(path: Path) -> Members:
    with tarfile.open(path, "r:gz") as tar:
        return {m.name: tar.extractfile(m).read() for m in tar}  # type: ignore[union-attr]


def write(path: Path, members: Members) -> None:
    with tarfile.open(path, "w:gz") as tar:
        for name, data in members.items():
            add(tar, name, data)


def add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))


def signed(members: Members) -> Members:
    """With the list of files made right again, as a forger would."""
    header = json.loads(members["export.json"])
    for name, data in members.items():
        if name in header["files"]:
            digest = hashlib.sha256(data).hexdigest()
            header["files"][name] = {"size": len(data), "sha256": digest}
    return {**members, "export.json": json.dumps(header).encode()}


def test_the_same_index_elsewhere(archive: Path, settings: Settings, other: Settings) -> None:
    manifest = import_index(other, archive)
    assert content(other, expected=False) == content(settings)
    assert generations(other).current_name() == manifest.generation
    bot = Bot.open(other)
    answer = bot.ask(Question(text="Will my hair fall out?"))
    assert answer.outcome == "answered"
    bot.close()
    again = archive.with_name("again.tar.gz")
    export_index(settings, again)
    assert again.read_bytes() == archive.read_bytes()
    assert not list(archive.parent.glob(".export-*"))
    assert not list((archive.parent / "other").glob("import-*"))


def test_into_a_chroma_server_and_back(
    archive: Path, settings: Settings, other: Settings, tmp_path: Path
) -> None:
    server = ChromaServer(tmp_path / "chroma")
    server.start()
    try:
        shared = other.model_copy(update={"store": Store(chroma_url=server.url, chroma_seconds=20)})
        import_index(shared, archive)
        assert content(shared, expected=False) == content(settings)
        export_index(shared, tmp_path / "back.tar.gz")
    finally:
        server.stop()
    import_index(other, tmp_path / "back.tar.gz")
    assert content(other, expected=False) == content(settings)


def test_an_ingest_goes_on_from_an_import(
    archive: Path, other: Settings, settings: Settings
) -> None:
    knowledge = settings.paths.knowledge
    import_index(other, archive)
    here = other.model_copy(update={"paths": Paths(knowledge=knowledge, var=other.paths.var)})
    write_guide(knowledge, "food.md", "Food", "## Can I eat salad?\n\nWash salad well first.\n")
    report = flow.ingest(here)
    assert report.count("unchanged") == 2
    assert report.embedded == 2


def test_what_was_withdrawn_there_is_withdrawn_here(
    settings: Settings, archive: Path, other: Settings
) -> None:
    withdrawals_of(settings).withdraw("hair.md", None, reason="old", by="Ann")
    export_index(settings, archive.with_name("two.tar.gz"))
    import_index(other, archive.with_name("two.tar.gz"))
    item = withdrawals_of(other).items()[0]
    assert item.target == "hair.md"
    assert "old (withdrawn" in item.reason
    assert "Ann" in item.reason
    assert item.by == "import of two.tar.gz"


def test_nothing_to_export_and_a_file_in_the_way(other: Settings, archive: Path) -> None:
    with pytest.raises(NoIndex):
        export_index(other, archive.with_name("none.tar.gz"))
    with pytest.raises(SettingsError, match="exists"):
        export_index(other, archive)


def test_a_writer_at_work_and_another_model_are_refused(archive: Path, other: Settings) -> None:
    with generations(other).writing(), pytest.raises(LockHeld):
        import_index(other, archive)
    small = other.model_copy(update={"chunking": Chunking(max_tokens=99)})
    with pytest.raises(IndexMismatch, match="chunk_tokens differ"):
        import_index(small, archive)
    assert generations(other).current_name() is None


def damaged_bytes(members: Members) -> Members:
    text = members["passages.jsonl"]
    return {**members, "passages.jsonl": text.replace(b"often", b"never")}


def without(name: str) -> Callable[[Members], Members]:
    return lambda members: {n: d for n, d in members.items() if n != name}


def with_more(name: str) -> Callable[[Members], Members]:
    return lambda members: {**members, name: b"root:x:0:0"}


def other_list(**changes: Any) -> Callable[[Members], Members]:
    def change(members: Members) -> Members:
        header = {**json.loads(members["export.json"]), **changes}
        return {**members, "export.json": json.dumps(header).encode()}

    return change


def list_not_first(members: Members) -> Members:
    return {n: members[n] for n in reversed(members)}


def forged(name: str, change: Callable[[bytes], bytes]) -> Callable[[Members], Members]:
    return lambda members: signed({**members, name: change(members[name])})


def edited_sql(*statements: str) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        path = Path(os.environ["PYTEST_TMP"]) / "edited.sqlite3"
        path.write_bytes(data)
        db = sqlite3.connect(path)
        for statement in statements:
            db.execute(statement)
        db.commit()
        db.close()
        return path.read_bytes()

    return change


def each_line(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[bytes], bytes]:
    return lambda data: b"".join(
        json.dumps(change(json.loads(line))).encode() + b"\n" for line in data.splitlines()
    )


def other_manifest(**changes: Any) -> Callable[[bytes], bytes]:
    return lambda data: json.dumps({**json.loads(data), **changes}).encode()


ZERO = "AAAA" * 512
BAD = [
    ("flipped text", damaged_bytes, "passages.jsonl is damaged|another size"),
    ("a part missing", without("questions.jsonl"), "questions.jsonl is missing"),
    ("list missing", without("export.json"), "does not begin with its list"),
    ("list not first", list_not_first, "does not begin with its list"),
    ("path out", with_more("../../etc/passwd"), r"does not belong there: '../../etc/passwd'"),
    ("absolute path", with_more("/etc/passwd"), "does not belong there"),
    ("one too many", with_more("more.txt"), "does not belong there"),
    ("other format", other_list(format=2), "the format 2"),
    ("no sizes", other_list(files={}), "list of files cannot be read"),
    ("other fingerprint in the list", other_list(fingerprint={"a": 1}), "do not belong together"),
    ("no database", forged("passages.sqlite3", lambda _: b"x" * 5000), "no database"),
    (
        "a trigger",
        forged(
            "passages.sqlite3",
            edited_sql("CREATE TRIGGER t AFTER INSERT ON words BEGIN SELECT 1; END"),
        ),
        "no database of this version",
    ),
    (
        "a view instead of a table",
        forged(
            "passages.sqlite3",
            edited_sql("DROP TABLE words", "CREATE VIEW words AS SELECT 'a' word, 1 count"),
        ),
        "no database of this version",
    ),
    (
        "another text",
        forged("passages.sqlite3", edited_sql("UPDATE documents SET text = 'short'")),
        "does not hold together",
    ),
    (
        "words that are no numbers",
        forged("passages.sqlite3", edited_sql("UPDATE words SET count = 'many'")),
        "no numbers",
    ),
    (
        "broken record",
        forged("passages.sqlite3", edited_sql("UPDATE documents SET info = '{'")),
        "cannot be read",
    ),
    (
        "a heading that is a number",
        forged("passages.sqlite3", edited_sql("UPDATE chunks SET heading = '[1]'")),
        "cannot be used",
    ),
    (
        "no vectors of words",
        forged("passages.sqlite3", edited_sql("DELETE FROM word_vectors")),
        "does not hold together",
    ),
    (
        "half a vector of a word",
        forged(
            "passages.sqlite3", edited_sql("UPDATE word_vectors SET vectors = x'00' WHERE row = 2")
        ),
        "words of a passage",
    ),
    (
        "vectors of words that are text",
        forged("passages.sqlite3", edited_sql("UPDATE word_vectors SET vectors = 'a'")),
        "words of a passage|not those of its texts",
    ),
    (
        "words of another passage",
        forged(
            "passages.sqlite3",
            edited_sql("UPDATE word_vectors SET vectors = (SELECT max(vectors) FROM word_vectors)"),
        ),
        "not those of its texts",
    ),
    (
        "a document more in the list",
        forged("manifest.json", other_manifest(documents={"a.md": "0" * 64})),
        "not those of its list",
    ),
    ("wrong counts", forged("manifest.json", other_manifest(passages=9)), "another number"),
    ("manifest of other types", forged("manifest.json", other_manifest(gap_groups=[1])), "be read"),
    ("no list of withdrawn", forged("withdrawn.json", lambda _: b"[]"), "cannot be read"),
    (
        "vectors of length zero",
        forged("passages.jsonl", each_line(lambda r: {**r, "vector": ZERO})),
        "not length one",
    ),
    (
        "vectors of another text",
        forged("passages.jsonl", each_line(lambda r: {**r, "vector": unit(384)})),
        "not those of its texts",
    ),
    (
        "vectors of another size",
        forged("passages.jsonl", each_line(lambda r: {**r, "vector": unit(len(r["text"]))})),
        "differ in length",
    ),
    (
        "unknown kind",
        forged("questions.jsonl", each_line(lambda r: {**r, "kind": "order"})),
        "unknown kind",
    ),
    (
        "ids of others",
        forged("questions.jsonl", each_line(lambda r: {**r, "id": r["id"] + "x"})),
        "does not hold together",
    ),
    ("a line that is no record", forged("passages.jsonl", lambda d: b"[]\n" + d), "cannot be used"),
]


def unit(size: int) -> str:
    import base64
    from array import array

    return base64.b64encode(array("f", [1.0] + [0.0] * (size - 1)).tobytes()).decode()


@pytest.mark.parametrize(("change", "says"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_a_bad_archive_is_refused_and_nothing_changes(
    change: Callable[[Members], Members],
    says: str,
    archive: Path,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTEST_TMP", str(tmp_path))
    before = generations(settings).current_name()
    bad = tmp_path / "bad.tar.gz"
    write(bad, change(read(archive)))
    assert_refused(settings, bad, says)
    assert generations(settings).current_name() == before
    assert content(settings)[4].keys() == {"engraftment.md", "hair.md"}
    assert not (tmp_path / "etc").exists()


def assert_refused(settings: Settings, path: Path, says: str) -> None:
    with pytest.raises(BadArchive, match=says) as refused:
        import_index(settings, path)
    assert refused.value.hint
    assert not list((settings.paths.var / "index/generations").glob("building-*"))
    assert not list(settings.paths.var.glob("import-*"))


def test_links_and_devices_are_refused(archive: Path, settings: Settings, tmp_path: Path) -> None:
    members = read(archive)
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE):
        with tarfile.open(tmp_path / "bad.tar.gz", "w:gz") as tar:
            add(tar, "export.json", members["export.json"])
            link = tarfile.TarInfo("manifest.json")
            link.type, link.linkname = kind, "/etc/passwd"
            tar.addfile(link)
        assert_refused(settings, tmp_path / "bad.tar.gz", "a link or a device")


def test_the_same_part_twice(archive: Path, settings: Settings, tmp_path: Path) -> None:
    members = read(archive)
    with tarfile.open(tmp_path / "bad.tar.gz", "w:gz") as tar:
        for name in ("export.json", "manifest.json", "manifest.json"):
            add(tar, name, members[name])
    assert_refused(settings, tmp_path / "bad.tar.gz", "does not belong there")


def test_cut_off_damaged_and_other_files(archive: Path, settings: Settings, tmp_path: Path) -> None:
    data = archive.read_bytes()
    bad = tmp_path / "bad.tar.gz"
    for content in (data[:200], data[: len(data) // 2], b"", b"PK\x03\x04 no archive", data[40:]):
        bad.write_bytes(content)
        assert_refused(settings, bad, "no archive of an index|not complete")
    flipped = bytearray(data)
    flipped[len(data) // 2] ^= 0xFF
    bad.write_bytes(flipped)
    assert_refused(settings, bad, "damaged|SHA-256")
    assert_refused(settings, tmp_path / "nothing.tar.gz", "no file")


def test_more_than_it_says_and_more_than_is_taken(
    archive: Path, settings: Settings, tmp_path: Path
) -> None:
    few = settings.model_copy(update={"store": Store(import_max_bytes=10_000)})
    assert_refused(few, archive, "at most 10,000")
    # Headers that unpack to gigabytes before the first part.
    bad = tmp_path / "bad.tar.gz"
    with gzip.open(bad, "wb") as packed:
        name = tarfile.TarInfo("a")
        name.type, name.size = tarfile.XHDTYPE, 10**9
        packed.write(name.tobuf())
        for _ in range(50):
            packed.write(b"0" * 1_000_000)
    assert_refused(settings, bad, "unpacks to more than it says")


def test_on_the_command_line(
    archive: Path, settings: Settings, other: Settings, tmp_path: Path
) -> None:
    def run(var: Path, *args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "bot", *args],
            cwd=ROOT,
            env={**os.environ, "BOT_PATHS__VAR": str(var)},
            capture_output=True,
            text=True,
            check=False,
        )

    exported = run(settings.paths.var, "export", "--json", str(tmp_path / "x.tar.gz"))
    assert exported.returncode == 0, exported.stderr
    digest = json.loads(exported.stdout)["sha256"]
    assert digest == hashlib.sha256((tmp_path / "x.tar.gz").read_bytes()).hexdigest()
    wrong = run(other.paths.var, "import", "--sha256", "0" * 64, str(tmp_path / "x.tar.gz"))
    assert wrong.returncode == 4
    assert "SHA-256 is another" in wrong.stderr
    assert "What to do:" in wrong.stderr
    right = run(other.paths.var, "import", "--sha256", digest, str(tmp_path / "x.tar.gz"))
    assert right.returncode == 0, right.stderr
    assert "2 documents, 3 passages" in right.stdout


def test_a_full_disk_is_a_clear_error(
    archive: Path, other: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bot.indexing.importing._copy", full)
    with pytest.raises(StoreError, match=r"No space left on device\. Nothing was changed\."):
        import_index(other, archive)
    assert generations(other).current_name() is None
    assert withdrawals_of(other).items() == ()


@pytest.mark.parametrize(
    "failure", [OSError(28, "No space left on device"), LockHeld("Another one was faster.")]
)
def test_a_failure_in_the_last_step_says_that_what_was_withdrawn_stays_so(
    archive: Path,
    settings: Settings,
    other: Settings,
    monkeypatch: pytest.MonkeyPatch,
    failure: Exception,
) -> None:
    withdrawals_of(settings).withdraw("hair.md", None, reason="old", by="Ann")
    export_index(settings, archive.with_name("two.tar.gz"))

    def fails(*_: Any) -> None:
        raise failure

    monkeypatch.setattr("bot.indexing.generations.Generations.finish", fails)
    with pytest.raises(BotError) as failed:
        import_index(other, archive.with_name("two.tar.gz"))
    assert failed.value.exit_code == (7 if isinstance(failure, LockHeld) else 4)
    assert "Nothing was changed" not in str(failed.value)
    assert "may be withdrawn here now, and stays so" in str(failed.value)
    assert [w.target for w in withdrawals_of(other).items()] == ["hair.md"]
    assert generations(other).current_name() is None
    with pytest.raises(BotError) as failed:
        import_index(other, archive)
    assert "withdrawn" not in str(failed.value), "that archive holds nothing withdrawn"


def test_an_import_tells_of_withdrawn_words_that_it_does_not_find(
    archive: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    words = Words.of("words of another edition")
    span = Span(start=3, end=20)
    withdrawals_of(settings).withdraw("hair.md", span, words=words, reason="x", by="y")
    monkeypatch.setattr("bot.settings.load_settings", lambda: settings)
    import_(archive)
    assert "all of hair.md is withheld" in capsys.readouterr().out
