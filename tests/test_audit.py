"""R32: the audit log is only added to, and a line that was changed or taken out shows."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot.audit import TORN, AuditFile
from bot.settings import ROOT
from bot.withdrawals import Withdrawals, audit_path

LINE = {"at": "2026-11-28T10:00:00Z", "by": "Ann", "action": "withdraw", "target": "a.md"}


def filled(path: Path, lines: int = 4) -> AuditFile:
    log = AuditFile(path / "audit.jsonl")
    for number in range(lines):
        log.add({**LINE, "reason": f"reason {number}\nwith a line break and an é"})
    return log


def test_every_line_follows_from_the_one_before(tmp_path: Path) -> None:
    log = filled(tmp_path)
    chain = log.check()
    assert (chain.lines, chain.chained, chain.fault) == (4, 4, None)
    assert [line["reason"][7] for line in log.lines()] == list("0123")
    log.add(LINE)
    assert log.lines()[-1]["before"] == chain.last


@pytest.mark.parametrize(
    ("spoil", "line"),
    [
        (lambda lines: [lines[0].replace(b"Ann", b"Bob"), *lines[1:]], 2),
        (lambda lines: lines[1:], 1),
        (lambda lines: [lines[0], *lines[2:]], 2),
        (lambda lines: [lines[0], lines[2], lines[1], lines[3]], 2),
        (lambda lines: [*lines[:2], json.dumps(LINE).encode(), *lines[2:]], 3),
        (lambda lines: [*lines[:2], b"{broken", *lines[2:]], 3),
    ],
    ids=["changed", "first gone", "one gone", "swapped", "put in", "broken"],
)
def test_a_log_that_was_meddled_with_shows_where(tmp_path: Path, spoil: object, line: int) -> None:
    log = filled(tmp_path)
    lines = log.path.read_bytes().splitlines()
    log.path.write_bytes(b"\n".join(spoil(lines)) + b"\n")  # type: ignore[operator]
    fault = log.check().fault
    assert fault
    assert fault.startswith(f"line {line} ")


def test_lines_from_before_the_chain_are_read_and_held_by_it(tmp_path: Path) -> None:
    path = audit_path(tmp_path)
    path.write_text("".join(json.dumps({**LINE, "n": str(n)}) + "\n" for n in range(2)), "utf-8")
    # Without a list the log would say that it is gone.
    (tmp_path / "withdrawn.json").write_text('{"withdrawn": []}', "utf-8")
    withdrawals = Withdrawals(tmp_path)
    assert AuditFile(path).check().fault is None
    withdrawals.withdraw("b.md", None, reason="x", by="y")
    withdrawals.note("sign-in", "Ann", by="Ann")
    chain = AuditFile(path).check()
    assert (chain.lines, chain.chained, chain.fault) == (4, 2, None)
    assert [line["action"] for line in withdrawals.log()] == ["withdraw"] * 3 + ["sign-in"]
    path.write_bytes(b"\n".join(path.read_bytes().splitlines()[2:]) + b"\n")
    assert AuditFile(path).check().fault


def test_a_line_that_a_crash_cut_off_spoils_no_other(tmp_path: Path) -> None:
    log = filled(tmp_path, 2)
    with log.path.open("ab") as file:
        file.write(b'{"at": "2026-')
    log.add(LINE)
    assert [line["action"] for line in log.lines()] == ["withdraw", "withdraw", TORN, "withdraw"]
    assert log.check().fault == "line 3 cannot be read"


def test_a_line_longer_than_a_block_is_the_last_line(tmp_path: Path) -> None:
    log = filled(tmp_path, 1)
    log.add({**LINE, "reason": "x" * 200_000})
    log.add(LINE)
    assert log.check().fault is None


def test_writers_at_the_same_time_make_one_chain(tmp_path: Path) -> None:
    log = AuditFile(tmp_path / "audit.jsonl")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: log.add({**LINE, "reason": str(n)}), range(80)))
    chain = log.check()
    assert (chain.lines, chain.chained, chain.fault) == (80, 80, None)


def test_the_command_checks_the_chain(tmp_path: Path) -> None:
    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "bot", "audit", "--check"],
            cwd=ROOT,
            env={"BOT_PATHS__VAR": str(tmp_path), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )

    assert run().stdout.startswith("0 lines")
    log = filled(tmp_path)
    good = run()
    assert good.returncode == 0
    assert str(log.check().last) in good.stdout
    log.path.write_bytes(log.path.read_bytes().replace(b"reason 1", b"reason 9"))
    bad = run()
    assert bad.returncode == 4
    assert "line 3 does not follow" in bad.stderr
    assert "What to do:" in bad.stderr
