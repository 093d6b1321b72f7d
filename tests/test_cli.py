"""The command line as a user meets it: a process, its output, its exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.cli import run_batch
from bot.settings import ROOT, Settings
from tests.conftest import write_guide
from tests.scripted_bot import ScriptedBot


def run(*args: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", *args],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        timeout=240,
        check=False,
    )


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    folder = tmp_path / "knowledge"
    write_guide(
        folder,
        "hair.md",
        "Hair",
        "## Will my hair fall out?\n\nHair often falls out. It is hard.\n",
    )
    return {"BOT_PATHS__KNOWLEDGE": str(folder), "BOT_PATHS__VAR": str(tmp_path / "var")}


@pytest.fixture
def real_env(real_settings: Settings) -> dict[str, str]:
    return {"BOT_PATHS__VAR": str(real_settings.paths.var)}


@pytest.mark.parametrize("args", [["--help"], ["ask", "--help"], ["doctor"]])
def test_help_and_doctor_import_no_heavy_library(args: list[str], real_env: dict[str, str]) -> None:
    code = (
        "import sys, atexit\n"
        "heavy = ('torch', 'gradio', 'chromadb', 'transformers', 'sentence_transformers')\n"
        "atexit.register(lambda: print('HEAVY', [m for m in heavy if m in sys.modules]))\n"
        f"sys.argv = ['bot', *{args!r}]\n"
        "from bot.cli import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **real_env},
        check=False,
    )
    assert "HEAVY []" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize(("given", "threads"), [({}, 1), ({"OMP_NUM_THREADS": "2"}, 2)])
def test_serving_gives_the_model_one_thread_unless_told_otherwise(
    given: dict[str, str], threads: int
) -> None:
    code = (
        "import sys, types\n"
        "def serve(*_, **__):\n"
        "    import torch\n"
        "    print('THREADS', torch.get_num_threads())\n"
        "sys.modules['bot.web.serving'] = types.SimpleNamespace(serve=serve)\n"
        "sys.argv = ['bot', 'serve']\n"
        "from bot.cli import main\n"
        "main()\n"
    )
    inherited = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**inherited, **given},
        check=False,
    )
    assert f"THREADS {threads}\n" in done.stdout, done.stdout + done.stderr


def test_ingest_ask_show_from_an_empty_machine(env: dict[str, str]) -> None:
    before = run("ask", "Will my hair fall out?", env=env)
    assert before.returncode == 4
    assert "no index" in before.stderr
    assert "python ingest.py" in before.stderr
    assert "Traceback" not in before.stderr

    first = run("ingest", env=env)
    assert first.returncode == 0, first.stderr
    assert "1 added" in first.stdout
    assert "[1/1] hair.md" in first.stderr
    second = run("ingest", "--json", env=env)
    assert json.loads(second.stdout)["embedded"] == 0

    asked = run("ask", "--json", "Will my hair fall out?", env=env)
    assert asked.returncode == 0, asked.stderr
    answer = json.loads(asked.stdout)
    assert answer["outcome"] == "answered"
    for citation in answer["citations"]:
        target = f"{citation['source_id']}:{citation['start']}-{citation['end']}"
        shown = run("show", target, env=env)
        assert shown.stdout == citation["quote"]


def test_batch_keeps_order_and_ids_and_answers_the_rest(
    tmp_path: Path, real_env: dict[str, str]
) -> None:
    lines = [
        {"id": "a", "question": "What is engraftment?"},
        {"id": "b", "question": "   "},
        {"id": "c", "question": "I can't breathe", "locale": "en-GB"},
        {
            "id": "d",
            "question": "and how long does it take?",
            "history": [{"role": "user", "text": "What is engraftment?"}],
        },
    ]
    path = tmp_path / "questions.jsonl"
    text = "\n".join(json.dumps(line) for line in lines)
    path.write_text(text + '\nnot json\n{"id": "e", "questoin": "x"}\n', "utf-8")
    done = run("ask", "--batch", str(path), env=real_env)
    out = [json.loads(line) for line in done.stdout.splitlines()]
    assert [o["id"] for o in out] == ["a", "b", "c", "d", None, "e"]
    assert out[0]["outcome"] == "answered"
    assert "empty" in out[1]["error"]["message"]
    assert out[2]["outcome"] == "emergency"
    assert "999" in json.dumps(out[2]["alert"])
    assert out[3]["outcome"] == "answered"
    assert "line 5" in out[4]["error"]["message"]
    assert "questoin" in out[5]["error"]["message"]
    assert done.returncode == 2


def test_a_batch_line_ends_with_a_line_feed_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [f"What{mark}are the types?" for mark in ("\u2028", "\u2029", "\u0085")]
    path = tmp_path / "questions.jsonl"
    # Not escaped, as JSON allows.
    lines = [json.dumps({"id": q, "question": q}, ensure_ascii=False) for q in asked]
    path.write_bytes("\r\n".join([*lines, "", '{"id": "last",\r "question": "types"}']).encode())
    bot = ScriptedBot()
    assert run_batch(bot, path)  # type: ignore[arg-type]
    out = [json.loads(line) for line in capsys.readouterr().out.split("\n") if line]
    assert [o["id"] for o in out] == [*asked, "last"]
    assert [q.text for q in bot.asked] == [*asked, "types"]


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (["ask", ""], 2, "empty"),
        (["ask", "😀"], 2, "no words"),
        (["ask", "la " * 5000], 2, "characters"),
        (["ask"], 2, "--batch"),
        (["ask", "--batch", "/nowhere.jsonl"], 2, "cannot be read"),
        (["show", "nothing.md"], 4, "no document"),
        (["show", "glossary.md:5-2"], 4, "end must lie after"),
        (["show", "glossary.md:5-99999999"], 4, "characters"),
        (["show", "glosary.md"], 4, "no document"),
    ],
)
def test_bad_input_says_what_to_do(
    args: list[str], code: int, says: str, real_env: dict[str, str]
) -> None:
    done = run(*args, env=real_env)
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert "What to do:" in done.stderr
    assert "Traceback" not in done.stderr


def test_unknown_setting_and_foreign_index_are_refused(
    env: dict[str, str], real_env: dict[str, str]
) -> None:
    done = run("doctor", env={**env, "BOT_WEB__PROT": "1"})
    assert done.returncode == 2
    assert "BOT_WEB__PORT" in done.stdout
    done = run("ask", "What is engraftment?", env={**real_env, "BOT_CHUNKING__MAX_TOKENS": "99"})
    assert done.returncode == 4
    assert "--rebuild" in done.stderr
    missing = run("ask", "What?", env={**real_env, "BOT_EMBEDDING__MODEL": "/nowhere"})
    assert missing.returncode == 5


def test_a_bad_document_sets_the_exit_status_and_the_rest_is_indexed(env: dict[str, str]) -> None:
    (Path(env["BOT_PATHS__KNOWLEDGE"]) / "bad.md").write_text("no front matter", "utf-8")
    done = run("ingest", env=env)
    assert done.returncode == 3
    assert "bad.md:1: there is no front matter" in done.stderr
    assert "1 added, 1 failed" in done.stdout
    doctor = run("doctor", "--json", env=env)
    assert doctor.returncode == 3
    files = next(f for f in json.loads(doctor.stdout)["findings"] if f["part"] == "files")
    assert "bad.md" in files["detail"]


def test_search_prints_ranks_and_scores(real_env: dict[str, str]) -> None:
    done = run("search", "--json", "engraftment", "-k", "3", env=real_env)
    hits = json.loads(done.stdout)["hits"]
    assert [h["rank"] for h in hits] == [1, 2, 3]
    # A mean of cosines, and half a cosine from the closer reading.
    assert all(0 <= h["score"] <= 1.5 for h in hits)


def test_explain_tells_the_whole_way(real_env: dict[str, str]) -> None:
    done = run("ask", "--explain", "what is engrafment", env=real_env)
    for words in (
        "What was searched for",
        "Searched also for “engraftment”",
        "stored question",
        "an answer is given from",
        "it fits what people ask of the best passage's section",
        "the passage's first sentence",
    ):
        assert words in done.stdout
