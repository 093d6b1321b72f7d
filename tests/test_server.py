"""The index on a real Chroma server: several machines, one writer, and a server that fails."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.answering.flow import Bot
from bot.answering.opened import IndexHolder
from bot.doctor import examine
from bot.errors import DamagedIndex, LockHeld, NoIndex, ServerUnreachable
from bot.indexing import flow
from bot.indexing.flow import ingest
from bot.indexing.places import board_of, generations, withdrawals_of
from bot.indexing.sharing import SharedIndex
from bot.records import Question
from bot.settings import ROOT, Paths, Settings, Store
from tests.chroma_server import ChromaServer, Doorkeeper, free_port
from tests.conftest import write_guide

Machine = Callable[..., Settings]


@pytest.fixture(scope="module")
def chroma(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChromaServer]:
    server = ChromaServer(tmp_path_factory.mktemp("chroma"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def machine(
    chroma: ChromaServer, knowledge: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> Machine:
    """Settings of a machine of its own; all of a test share one index."""
    name = f"test-{abs(hash(request.node.nodeid)) % 10**8}"

    def settings(var: str = "a", **store: Any) -> Settings:
        chosen = {"chroma_url": chroma.url, "chroma_name": name, "keep_generations": 1}
        chosen |= {"chroma_seconds": 20, **store}  # the machine may be busy
        return Settings(paths=Paths(knowledge=knowledge, var=tmp_path / var), store=Store(**chosen))

    return settings


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, embedder: Any) -> None:
    """No waiting, and the model loaded once."""
    for place in ("bot.indexing.flow", "bot.answering.flow"):
        monkeypatch.setattr(f"{place}.make_embedder", lambda settings: embedder)
    monkeypatch.setattr("bot.answering.opened._LOOK_EVERY_SECONDS", 0.0)
    monkeypatch.setattr("bot.withdrawals._LOOK_EVERY_SECONDS", 0.0)
    monkeypatch.setattr("bot.indexing.server.board._LOOK_EVERY_SECONDS", 0.1)


def until(check: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def names_on(settings: Settings) -> list[str]:
    board = board_of(settings)
    assert board is not None
    return sorted(f"{note.kind}.{note.key}" for note in board.look().notes)


def hold(settings: Settings) -> IndexHolder:
    return IndexHolder(settings, flow.make_embedder(settings), generations(settings))


def held(holder: IndexHolder) -> str:
    with holder.use() as index:
        return index.manifest.generation


def shared(settings: Settings) -> SharedIndex:
    index = generations(settings)
    assert isinstance(index, SharedIndex)
    return index


def test_another_machine_finds_what_one_has_ingested(machine: Machine, knowledge: Path) -> None:
    holder = hold(machine("b"))
    with pytest.raises(NoIndex), holder.use():
        pass
    first = ingest(machine("a"))
    assert first.passages == 3
    again = ingest(machine("c"))
    assert not again.swapped
    assert again.generation == first.generation
    vectors = flow.make_embedder(machine()).embed_query("when do the cells take")
    with holder.use() as index:
        assert index.manifest.generation == first.generation
        for source_id in index.passages.file_hashes():
            text = index.passages.document(source_id).text
            assert all(c.span.of(text) == c.text for c in index.passages.chunks_of(source_id))
        best = index.vectors.search("questions", vectors, 1)[0]
        assert best.kind == "asked"
        assert "settle" in index.passages.chunks([best.chunk_id])[best.chunk_id].text
        assert index.vectors.ids("passages") == index.passages.chunk_ids()
    write_guide(knowledge, "hair.md", "Hair", "## Will hair grow back?\n\nHair grows back later.\n")
    (knowledge / "engraftment.md").unlink()
    second = ingest(machine("c"))
    assert second.embedded == 2
    until(lambda: held(holder) == second.generation)
    with holder.use() as index:
        assert set(index.passages.file_hashes()) == {"hair.md"}
        assert index.vectors.ids("passages") == index.passages.chunk_ids()
        assert index.vectors.ids("questions") == {f"{i}#0" for i in index.passages.chunk_ids()}
    holder.close()


def test_one_writer_at_a_time_and_the_lock_of_a_dead_one_lapses(machine: Machine) -> None:
    with shared(machine("a")).writing(), pytest.raises(LockHeld) as refused:
        ingest(machine("b"))
    assert f"process {os.getpid()}" in str(refused.value)
    board = board_of(machine())
    assert board is not None
    for expires, free in ((board.now() + 60, False), (board.now() - 1, True)):
        note = board.post("writer", "lock", {"expires": expires, "host": "dead", "pid": 1})
        assert note is not None
        with contextlib.nullcontext() if free else pytest.raises(LockHeld):
            ingest(machine("b"))
        board.take_down(note)
    assert not [name for name in names_on(machine()) if name.startswith(("writer", "gone"))]


def test_a_writer_that_stalled_cannot_undo_the_next_ones_work(
    machine: Machine, knowledge: Path
) -> None:
    ingest(machine("a"))
    slow = shared(machine("slow"))
    with slow.writing():
        served = slow.current()
        building = slow.begin(served)
        store = slow.new_vectors(building, served)
        building.write_manifest(served.manifest())
        # Its lock lapses while it stalls; another one works and prunes.
        board = board_of(machine())
        assert board is not None
        for note in board.look().of("writer"):
            board.take_down(note)
        write_guide(knowledge, "food.md", "Food", "## Can I eat salad?\n\nWash salad well.\n")
        newer = ingest(machine("b"))
        assert newer.swapped
        with pytest.raises(DamagedIndex, match="gone"):
            store.count("passages")
        with pytest.raises(LockHeld, match="faster"):
            slow.finish(building)
        slow.discard(building)
    assert shared(machine("c")).current().name == newer.generation
    write_guide(knowledge, "hair.md", "Hair", "## Will hair grow back?\n\nHair grows back later.\n")
    last = ingest(machine("b")).generation
    assert {n.split(".")[1] for n in names_on(machine()) if n.startswith("gen.")} == {last}


def test_a_failed_ingest_tells_its_cause_and_takes_its_collections_along(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("bot.indexing.building.Builder.check", stopped)
        with pytest.raises(KeyboardInterrupt):
            ingest(machine())
    assert not [name for name in names_on(machine()) if name.startswith("gen.")]


def test_killed_while_writing_the_old_index_serves_and_the_next_run_repairs(
    machine: Machine, knowledge: Path
) -> None:
    settings = machine("a", lease_seconds=3)
    first = ingest(settings)
    for number in range(30):
        body = "## Why?\n\n" + "It is. " * 99
        write_guide(knowledge, f"more{number}.md", f"More {number}", body)
    store = settings.store
    code = (
        "from pathlib import Path; from bot.settings import *;"
        "from bot.indexing.flow import ingest;"
        f"ingest(Settings(paths=Paths(knowledge=Path({str(knowledge)!r}),"
        f"var=Path({str(settings.paths.var)!r})), store=Store(chroma_url={store.chroma_url!r},"
        f"chroma_name={store.chroma_name!r}, lease_seconds=3)),"
        "progress=lambda d, n, t: print(d, flush=True))"
    )
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    for line in child.stdout:
        if line.strip() == "3":
            break
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert len({n.split(".")[1] for n in names_on(settings) if n.startswith("gen.")}) == 2
    assert shared(machine("b")).current().name == first.generation
    started = time.monotonic()
    report = ingest(machine("b", lease_seconds=3), wait=True)
    assert time.monotonic() - started < 30
    assert report.count("added") == 30
    gens = {n.split(".")[1] for n in names_on(settings) if n.startswith("gen.")}
    assert gens == {report.generation}


def test_what_a_machine_reads_is_not_deleted_until_its_lease_ends(
    machine: Machine, knowledge: Path
) -> None:
    first = ingest(machine("a")).generation
    generation, lease = shared(machine("b")).borrow_current()
    for number in range(2):
        write_guide(knowledge, "hair.md", "Hair", f"## Hair?\n\nHair sentence number {number}.\n")
        ingest(machine("a"))
    names = shared(machine("a")).names()
    assert len(names) == 2
    assert names[0] == generation.name == first
    assert generation.manifest().passages == 3
    lease.close()
    write_guide(knowledge, "hair.md", "Hair", "## Hair?\n\nHair grows back.\n")
    last = ingest(machine("a")).generation
    assert shared(machine("a")).names() == [last]
    # A reader that died without a word: its lease lapses.
    board = board_of(machine())
    assert board is not None
    board.post("lease", "dead", {"generation": last, "expires": board.now() - 1})
    write_guide(knowledge, "hair.md", "Hair", "## Hair?\n\nHair falls out.\n")
    newest = ingest(machine("a")).generation
    assert shared(machine("a")).names() == [newest]
    assert not [name for name in names_on(machine()) if name.startswith("lease")]


def test_a_lease_is_renewed_as_long_as_its_process_lives(machine: Machine) -> None:
    settings = machine("a", lease_seconds=3)
    ingest(settings)
    board = board_of(settings)
    assert board is not None
    _, lease = shared(settings).borrow_current()
    ends = {float(note.values["expires"]) for note in board.look().of("lease")}
    until(lambda: not ends & {float(n.values["expires"]) for n in board.look().of("lease")})
    lease.close()
    assert not board.look().of("lease")


def test_damaged_files_are_noticed_and_copies_are_mended(machine: Machine, knowledge: Path) -> None:
    ingest(machine("a"))
    here = shared(machine("b")).current()
    with here.passages.open("r+b") as file:
        file.seek(5000)
        file.write(b"damage")
    holder = hold(machine("b"))
    good = held(holder)
    with holder.use() as index:
        assert len(index.passages.sources()) == 2
    write_guide(knowledge, "food.md", "Food", "## Can I eat salad?\n\nWash salad well.\n")
    settings = machine("a")
    newer = ingest(settings).generation
    board = board_of(settings)
    assert board is not None
    files = next(n for n in board.look().of("gen") if n.key == f"{newer}.files")
    pieces = files.collection.get(include=["metadatas"])
    files.collection.delete(ids=[pieces["ids"][-1]])
    with pytest.raises(DamagedIndex):
        shared(machine("c")).current()
    time.sleep(0.5)
    assert held(holder) == good
    holder.close()


def test_a_pointer_that_leads_elsewhere_is_refused(machine: Machine, tmp_path: Path) -> None:
    ingest(machine("a"))
    board = board_of(machine())
    assert board is not None
    last = board.look().last("pointer")
    assert last is not None
    values = {**last.values, "generation": "../../elsewhere"}
    assert board.post_next("pointer", last.number, values)
    with pytest.raises(DamagedIndex, match="elsewhere"):
        shared(machine("b")).current()
    assert not (tmp_path / "b" / "elsewhere").exists()
    assert ingest(machine("c")).swapped
    assert shared(machine("b")).current().manifest().passages == 3


def test_of_two_who_point_at_once_one_wins(machine: Machine) -> None:
    board = board_of(machine())
    assert board is not None
    for after in range(5):
        barrier, won = threading.Barrier(4), []

        def point(who: int, after: int = after, barrier: Any = barrier, won: Any = won) -> None:
            barrier.wait()
            if board.post_next("test", after, {"who": who}):
                won.append(who)

        threads = [threading.Thread(target=point, args=(who,)) for who in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        last = board.look().last("test")
        assert last is not None
        assert won == [last.values["who"]]
        assert last.number == after + 1
    # A number that was used and cleared away is not free.
    board.take_down(board.look().of("test")[2])
    assert board.post_next("test", 2, {"who": 9}) is None
    assert [note.number for note in board.look().of("test")] == [1, 2, 4, 5]


def test_withdrawing_holds_for_all_machines_and_is_logged(machine: Machine) -> None:
    ingest(machine("a"))
    bot = Bot.open(machine("b"))
    assert bot.document("hair.md")
    here = withdrawals_of(machine("a"))
    here.withdraw("hair.md", None, reason="old", by="Ann")
    until(lambda: [i.source_id for i in bot.sources()] == ["engraftment.md"], 3)
    assert here.restore("hair.md", reason="checked", by="Ben")
    until(lambda: len(bot.sources()) == 2, 3)
    assert [(x["action"], x["by"]) for x in withdrawals_of(machine("c")).log()] == [
        ("withdraw", "Ann"),
        ("restore", "Ben"),
    ]
    bot.close()


def test_a_server_that_is_not_there_is_a_clear_error(machine: Machine) -> None:
    settings = machine("a", chroma_url=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(ServerUnreachable, match="does not answer") as gone:
        ingest(settings)
    assert "BOT_STORE__CHROMA_URL" in gone.value.hint
    bot = Bot.open(settings)
    with pytest.raises(ServerUnreachable):
        bot.ask(Question(text="What is engraftment?"))
    assert bot.ask(Question(text="I can't breathe")).outcome == "emergency"
    assert "does not answer" in bot.readiness()[0]
    bot.close()


def test_a_server_that_says_nothing_holds_nobody_up(machine: Machine) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(50)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        bot = Bot.open(machine("a", chroma_url=url, chroma_seconds=1))
        started = time.monotonic()
        assert bot.ask(Question(text="I can't breathe")).outcome == "emergency"
        assert time.monotonic() - started < 1
        for _ in range(5):
            with pytest.raises(ServerUnreachable):
                bot.ask(Question(text="What is engraftment?"))
        assert time.monotonic() - started < 6
        bot.close()


def test_a_server_that_falls_silent_in_between_holds_nobody_up(
    machine: Machine, chroma: ChromaServer
) -> None:
    ingest(machine("a"))
    settings = machine("b", chroma_seconds=1)
    bot = Bot.open(settings)
    assert bot.ask(Question(text="What is engraftment?")).outcome == "answered"
    assert chroma._process is not None
    chroma._process.send_signal(signal.SIGSTOP)
    try:
        started = time.monotonic()
        with pytest.raises(ServerUnreachable):
            bot.ask(Question(text="Will my hair fall out?"))
        assert time.monotonic() - started < 5
    finally:
        chroma._process.send_signal(signal.SIGCONT)
    until(lambda: _answers(bot))  # one look may fail still, while the server catches up
    bot.close()


def _answers(bot: Bot) -> bool:
    with contextlib.suppress(ServerUnreachable):
        return bot.ask(Question(text="What is engraftment?")).outcome == "answered"
    return False


def test_something_else_at_the_address_is_told_apart(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "www").mkdir()
    port = free_port()
    web = subprocess.Popen(
        [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"],
        cwd=tmp_path / "www",
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
        with pytest.raises(ServerUnreachable, match=r"no Chroma server .* \(404"):
            ingest(machine("a", chroma_url=f"http://127.0.0.1:{port}"))
    finally:
        web.kill()
        web.wait()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder / "cert.pem", folder / "key.pem"


@pytest.mark.parametrize(
    ("header", "value"), [("Authorization", "Bearer s3cret"), ("X-Chroma-Token", "s3cret")]
)
def test_tls_and_a_token(
    machine: Machine, chroma: ChromaServer, certificate: tuple[Path, Path], header: str, value: str
) -> None:
    door = Doorkeeper(chroma.url, *certificate, header, value)
    try:
        with pytest.raises(ServerUnreachable, match="certificate"):
            ingest(machine("a", chroma_url=door.url, chroma_token="s3cret"))
        tls = {"chroma_url": door.url, "chroma_ca": certificate[0], "chroma_header": header}
        with pytest.raises(ServerUnreachable, match=r"refuses us \(401") as refused:
            ingest(machine("a", **tls, chroma_token="wrong"))
        assert "wrong" not in f"{refused.value} {refused.value.hint}"
        settings = machine("a", **tls, chroma_token="s3cret")
        assert "s3cret" not in repr(settings)
        assert ingest(settings).swapped
        assert shared(machine("b", **tls, chroma_token="s3cret")).current().manifest().passages == 3
    finally:
        door.close()


def test_doctor_examines_the_server(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, chroma: ChromaServer
) -> None:
    settings = machine("a")
    ingest(settings)
    for name, value in (
        ("BOT_STORE__CHROMA_URL", settings.store.chroma_url),
        ("BOT_STORE__CHROMA_NAME", settings.store.chroma_name),
        ("BOT_PATHS__VAR", str(tmp_path / "doctor")),
        ("BOT_PATHS__KNOWLEDGE", str(settings.paths.knowledge)),
    ):
        monkeypatch.setenv(name, str(value))
    found = {f.part: f for f in examine()}
    assert found["server"].state == "ok"
    assert "1 generation" in found["server"].detail
    assert found["index"].state == "ok"
    board = board_of(settings)
    assert board is not None
    questions = next(n for n in board.look().of("gen") if n.key.endswith(".questions"))
    questions.collection.delete(ids=questions.collection.get(limit=1)["ids"])
    found = {f.part: f for f in examine()}
    assert found["index"].state == "failed"
    assert "questions" in found["index"].detail
    monkeypatch.setenv("BOT_STORE__CHROMA_URL", f"http://127.0.0.1:{free_port()}")
    found = {f.part: f for f in examine()}
    assert found["server"].exit_code == found["index"].exit_code == 4
    assert "BOT_STORE__CHROMA_URL" in found["server"].hint


class App:
    """A real app process."""

    def __init__(self, settings: Settings, log: Path) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        store = settings.store
        with log.open("w") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bot", "serve", "--port", str(port)],
                cwd=ROOT,
                stdout=file,
                stderr=file,
                env={
                    **os.environ,
                    "BOT_PATHS__KNOWLEDGE": str(settings.paths.knowledge),
                    "BOT_PATHS__VAR": str(settings.paths.var),
                    "BOT_STORE__CHROMA_URL": str(store.chroma_url),
                    "BOT_STORE__CHROMA_NAME": store.chroma_name,
                    "BOT_CONTACT__PHONE": "555 0100",
                    "BOT_WEB__REQUESTS_PER_MINUTE": "0",
                },
            )

    def get(self, path: str) -> tuple[int, Any]:
        return self._call(urllib.request.Request(self.url + path))

    def ask(self, question: str) -> tuple[int, Any]:
        body = json.dumps({"question": question}).encode()
        headers = {"Content-Type": "application/json"}
        return self._call(urllib.request.Request(f"{self.url}/api/v1/ask", body, headers))

    def _call(self, request: urllib.request.Request) -> tuple[int, Any]:
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:
                return reply.status, json.loads(reply.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())
        except OSError:
            return 0, None

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(30)


def essence(reply: tuple[int, Any]) -> Any:
    status, body = reply
    assert status == 200, body
    return {k: v for k, v in body.items() if k != "timings_ms"}


@pytest.mark.timeout(900)
def test_two_app_processes_share_one_index_through_everything(
    machine: Machine, knowledge: Path, tmp_path: Path
) -> None:
    server = ChromaServer(tmp_path / "chroma")
    server.start()
    apps: list[App] = []
    here = machine("writer", chroma_url=server.url)
    try:
        first = ingest(here)
        for name in ("a", "b"):
            settings = machine(name, chroma_url=server.url)
            apps.append(App(settings, tmp_path / f"{name}.log"))
        until(lambda: all(app.get("/readyz")[0] == 200 for app in apps), 400)
        question = "Will my hair fall out?"
        a, b = (essence(app.ask(question)) for app in apps)
        assert a == b
        assert a["outcome"] == "answered"
        assert a["versions"]["index"] == first.generation
        assert "often falls out" in json.dumps(a["statements"])

        body = "## Will my hair fall out?\n\nMost people lose their hair for some months.\n"
        write_guide(knowledge, "hair.md", "Hair", body)
        second = ingest(here)
        swapped = time.monotonic()
        until(
            lambda: all(
                app.ask(question)[1]["versions"]["index"] == second.generation for app in apps
            )
        )
        assert time.monotonic() - swapped < 10
        a, b = (essence(app.ask(question)) for app in apps)
        assert a == b
        assert "lose their hair" in json.dumps(a["statements"])
        shared(here).prune(1)
        assert {n.split(".")[1] for n in names_on(here) if n.startswith("gen.")} == {
            second.generation
        }

        server.stop()
        until(lambda: all(app.get("/readyz")[0] == 503 for app in apps))
        for app in apps:
            status, problem = app.ask(question)
            assert status == 503
            assert "555 0100" in json.dumps(problem)
            assert essence(app.ask("I can't breathe"))["outcome"] == "emergency"
            assert "does not answer" in json.dumps(app.get("/readyz")[1])
        server.start()
        until(lambda: all(app.get("/readyz")[0] == 200 for app in apps), 30)
        for app in apps:
            after = essence(app.ask(question))
            assert after == a
    finally:
        for app in apps:
            app.stop()
        server.stop()
