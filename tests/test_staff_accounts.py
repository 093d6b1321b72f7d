"""Accounts and sessions of staff: the file, passwords, commands, and when a session ends."""

from __future__ import annotations

import base64
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot.audit import AuditFile
from bot.errors import AccountsUnreadable, StaffError, WeakPassword
from bot.review import passwords
from bot.review.accounts import Account, Accounts
from bot.review.sessions import IDLE_SECONDS, WHOLE_SECONDS, Sessions
from bot.review.tries import MINUTES, WRONG_TRIES, Tries
from bot.settings import ROOT, Paths, Review, Settings
from bot.withdrawals import audit_path

PASSWORD = "four small green boats"


@pytest.fixture
def accounts(tmp_path: Path) -> Accounts:
    found = Accounts(tmp_path / "staff" / "accounts.json")
    found.add("Ann Lee", "reviewer", PASSWORD)
    return found


def test_the_file_is_the_owners_alone_and_holds_no_password(accounts: Accounts) -> None:
    assert stat.S_IMODE(accounts.path.stat().st_mode) == 0o600
    accounts.set_role("ann lee", "admin")
    assert stat.S_IMODE(accounts.path.stat().st_mode) == 0o600
    assert PASSWORD not in accounts.path.read_text("utf-8")
    leftovers = {path.name for path in accounts.path.parent.iterdir()}
    assert leftovers == {"accounts.json", "accounts.json.lock"}


def test_the_file_lies_where_the_settings_say(tmp_path: Path) -> None:
    own = Settings(paths=Paths(var=tmp_path))
    assert Accounts.of(own).path == tmp_path / "staff.json"
    shared = Settings(review=Review(accounts_file=tmp_path / "x.json"))
    assert Accounts.of(shared).path == tmp_path / "x.json"


def test_each_password_has_its_own_salt_and_owasps_cost() -> None:
    one, other = passwords.hashed(PASSWORD), passwords.hashed(PASSWORD)
    assert one.salt != other.salt
    assert one.key != other.key
    assert (one.n, one.r, one.p) == (2**15, 8, 3)
    assert passwords.matches(PASSWORD, one)
    assert not passwords.matches(PASSWORD + ".", one)


def test_the_same_letters_typed_in_two_ways_are_one_password() -> None:
    kept = passwords.hashed("un café très noir")
    assert passwords.matches("un cafe\u0301 tre\u0300s noir", kept)


@pytest.mark.parametrize("name", ["Ann Lee", "nobody at all"])
def test_an_unknown_name_takes_the_same_work(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    done: list[tuple[int, int, int]] = []
    real = passwords._derived

    def counting(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
        done.append((n, r, p))
        return real(password, salt, n, r, p)

    monkeypatch.setattr(passwords, "_derived", counting)
    account = accounts.find(name)
    assert not passwords.matches("wrong password", account.password if account else None)
    assert done == [(2**15, 8, 3)]


@pytest.mark.parametrize("password", ["", "eleven char", "x" * 257])
def test_a_password_has_12_to_256_characters_and_no_other_rule(
    accounts: Accounts, password: str
) -> None:
    with pytest.raises(WeakPassword, match="characters"):
        accounts.add("Bo", "viewer", password)
    accounts.add("Bo", "viewer", "aaaaaaaaaaaa")


@pytest.mark.parametrize("name", ["", " ", "-x", "a\nb", "a<b>", "x" * 65, "../x", "a/b"])
def test_a_name_is_fit_for_the_audit_log(accounts: Accounts, name: str) -> None:
    if name == "a\nb":
        assert accounts.add(name, "viewer", PASSWORD).name == "a b"
        return
    with pytest.raises(StaffError, match="cannot be a name"):
        accounts.add(name, "viewer", PASSWORD)


def test_names_are_found_in_any_capitals_and_taken_once(accounts: Accounts) -> None:
    assert accounts.find("ANN  lee") == accounts.find("Ann Lee")
    with pytest.raises(StaffError, match="already"):
        accounts.add("ann LEE", "viewer", PASSWORD)
    with pytest.raises(StaffError, match="no account") as caught:
        accounts.remove("Bo")
    assert "Ann Lee" in caught.value.hint


def test_what_another_process_writes_is_seen_at_once(accounts: Accounts) -> None:
    other = Accounts(accounts.path)
    assert len(other.all()) == 1
    accounts.add("Bo", "viewer", PASSWORD)
    assert [a.name for a in other.all()] == ["Ann Lee", "Bo"]
    accounts.remove("Ann Lee")
    assert [a.name for a in other.all()] == ["Bo"]


def test_writers_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "staff.json"
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: Accounts(path).add(f"n{n}", "viewer", PASSWORD), range(6)))
    assert len(Accounts(path).all()) == 6


@pytest.mark.parametrize("content", ["", "{}", '{"key": "00"}', "null", '{"key": "' + "a" * 64])
def test_a_damaged_file_lets_nobody_in_and_says_nothing_of_its_content(
    accounts: Accounts, content: str
) -> None:
    accounts.path.write_text(content, "utf-8")
    with pytest.raises(AccountsUnreadable) as caught:
        accounts.all()
    assert "aaaa" not in str(caught.value)
    with pytest.raises(AccountsUnreadable):
        accounts.add("Bo", "viewer", PASSWORD)
    assert accounts.path.read_text("utf-8") == content


# Sessions.


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def begun(accounts: Accounts, clock: Clock) -> tuple[Sessions, str]:
    account = accounts.find("Ann Lee")
    assert account
    sessions = Sessions(accounts, now=clock)
    return sessions, sessions.text(sessions.begin(account))


def test_a_session_ends_when_it_is_not_used(accounts: Accounts) -> None:
    clock = Clock()
    sessions, text = begun(accounts, clock)
    clock.now += IDLE_SECONDS
    session = sessions.read(text)
    assert session
    assert session.account.name == "Ann Lee"
    fresh = sessions.text(session)
    clock.now += 1
    assert sessions.read(text) is None
    assert sessions.read(fresh)


def test_a_session_ends_after_ten_hours_however_it_is_used(accounts: Accounts) -> None:
    clock = Clock()
    sessions, text = begun(accounts, clock)
    for _ in range(WHOLE_SECONDS // 600):
        clock.now += 600
        session = sessions.read(text)
        assert session
        text = sessions.text(session)
    clock.now += 1
    assert sessions.read(text) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda accounts: accounts.set_password("Ann Lee", "another long one"),
        lambda accounts: accounts.set_role("Ann Lee", "viewer"),
        lambda accounts: accounts.remove("Ann Lee"),
        lambda accounts: (
            accounts.remove("Ann Lee"),
            accounts.add("Ann Lee", "reviewer", PASSWORD),
        ),
        lambda accounts: accounts.path.unlink(),
    ],
    ids=["password", "role", "removed", "made anew", "file gone"],
)
def test_a_change_of_the_account_ends_its_sessions(
    accounts: Accounts, change: Callable[[Accounts], object]
) -> None:
    sessions, text = begun(accounts, Clock())
    assert sessions.read(text)
    change(Accounts(accounts.path))
    assert sessions.read(text) is None


def test_a_session_that_was_signed_out_cannot_be_played_again(accounts: Accounts) -> None:
    clock = Clock()
    sessions, text = begun(accounts, clock)
    session = sessions.read(text)
    assert session
    sessions.end(session)
    assert sessions.read(text) is None
    assert Sessions(Accounts(accounts.path), now=clock).read(text) is None, "on another machine"


def test_a_text_that_is_not_ours_is_no_session(accounts: Accounts) -> None:
    sessions, text = begun(accounts, Clock())
    body, signature = text.split(".")
    said = json.loads(base64.urlsafe_b64decode(body + "=="))
    said["seen"] += 10**6
    later = base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")
    elsewhere = Accounts(accounts.path.with_name("other.json"))
    elsewhere.add("Ann Lee", "admin", PASSWORD)
    foreign = begun(elsewhere, Clock())[1]
    token = sessions.form_token(body)
    wrong = [f"{later}.{signature}", f"{body}.", body, "", ".", "é.é", None, foreign]
    for bad in [
        *wrong,
        f"{body}.{token}",
        text + "x",
        text[:-2],
        f"{body}.{signature}.{signature}",
    ]:
        assert sessions.read(bad) is None, bad


def test_a_form_token_is_that_of_one_session(accounts: Accounts) -> None:
    sessions, text = begun(accounts, Clock())
    session = sessions.read(text)
    assert session
    token = sessions.form_token(session.session_id)
    assert sessions.is_form_token(token, session.session_id)
    assert not sessions.is_form_token(token, "another")
    assert not sessions.is_form_token("", session.session_id)


def test_roles_hold_the_rights_of_those_below() -> None:
    kept = passwords.Hashed(salt="", key="")

    def may(role: str) -> list[bool]:
        account = Account(name="x", role=role, mark="", password=kept)  # type: ignore[arg-type]
        return [account.may("viewer"), account.may("reviewer"), account.may("admin")]

    assert may("viewer") == [True, False, False]
    assert may("reviewer") == [True, True, False]
    assert may("admin") == [True, True, True]


def test_wrong_tries_slow_down_their_name_and_their_address() -> None:
    tries = Tries()
    for _ in range(WRONG_TRIES):
        assert tries.wait("Ann", "10.0.0.1") == 0
        tries.wrong("Ann", "10.0.0.1")
    assert 0 < tries.wait(" ANN", "10.0.0.2") <= MINUTES * 60 + 1
    assert tries.wait("Bo", "10.0.0.1") > 0
    assert tries.wait("Bo", "10.0.0.2") == 0


@pytest.mark.parametrize("typed", ["Zoé  Roe", "Zoe\u0301 Roe", " zoé\u00a0roe", "ZOÉ\tROE"])
def test_every_way_to_type_a_name_that_finds_an_account_counts_as_that_name(
    tmp_path: Path, typed: str
) -> None:
    accounts = Accounts(tmp_path / "staff.json")
    accounts.add("Zoé Roe", "viewer", PASSWORD)
    assert accounts.find(typed)
    tries = Tries()
    for number in range(WRONG_TRIES):
        tries.wrong("Zoé Roe", f"10.0.0.{number}")
    assert tries.wait(typed, "10.0.1.1") > 0


def test_wrong_tries_from_one_network_of_ipv6_count_together() -> None:
    tries = Tries()
    for number in range(WRONG_TRIES):
        tries.wrong(f"guess {number}", f"2001:db8:0:1::{number:x}")
    assert tries.wait("Bo", "2001:db8:0:1:ffff::9") > 0
    assert tries.wait("Bo", "2001:db8:0:2::1") == 0


# The commands.


def run(*args: str, var: Path, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", "staff", *args],
        cwd=ROOT,
        env={"BOT_PATHS__VAR": str(var), "PATH": os.environ["PATH"]},
        input=stdin or "",
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_commands_make_change_and_remove(tmp_path: Path) -> None:
    assert "do not exist" in run("list", var=tmp_path).stdout
    assert not (tmp_path / "staff.json").exists()
    made = run(
        "add", "Ann", "--role", "viewer", "--password-stdin", var=tmp_path, stdin=PASSWORD + "\n"
    )
    assert made.returncode == 0, made.stderr
    assert PASSWORD not in made.stdout + made.stderr
    accounts = Accounts(tmp_path / "staff.json")
    account = accounts.find("ann")
    assert account
    assert passwords.matches(PASSWORD, account.password)
    run("password", "Ann", "--password-stdin", var=tmp_path, stdin="something else\n")
    changed = accounts.find("Ann")
    assert changed
    assert passwords.matches("something else", changed.password)
    assert run("role", "Ann", "--role", "admin", var=tmp_path).returncode == 0
    listed = run("list", "--json", var=tmp_path).stdout
    assert json.loads(listed) == [{"name": "Ann", "role": "admin"}]
    assert run("remove", "Ann", var=tmp_path).returncode == 0
    assert accounts.all() == ()
    log = AuditFile(audit_path(tmp_path)).lines()
    assert [(e["action"], e["target"], e["reason"]) for e in log] == [
        ("account made", "Ann", "viewer"),
        ("password changed", "Ann", ""),
        ("role changed", "Ann", "admin"),
        ("account removed", "Ann", ""),
    ]


def test_a_change_that_holds_is_told_where_the_audit_log_fails(tmp_path: Path) -> None:
    stdin = PASSWORD + "\n"
    run("add", "Ann Lee", "--role", "viewer", "--password-stdin", var=tmp_path, stdin=stdin)
    assert run("role", "ann lee", "--role", "admin", var=tmp_path).returncode == 0
    assert AuditFile(audit_path(tmp_path)).lines()[-1]["target"] == "Ann Lee"
    audit_path(tmp_path).unlink()
    audit_path(tmp_path).mkdir()
    removed = run("remove", "ANN LEE", var=tmp_path)
    assert removed.returncode == 4
    assert "Removed: Ann Lee. But nobody can see who did it" in removed.stderr
    assert Accounts(tmp_path / "staff.json").all() == ()


@pytest.mark.parametrize(
    ("args", "stdin", "says"),
    [
        (["add", "Bo", "--role", "boss", "--password-stdin"], PASSWORD, "no role"),
        (["add", "Bo", "--role", "viewer", "--password-stdin"], "short", "at least 12"),
        (["add", "Bo", "--role", "viewer"], "", "no terminal"),
        (["add", "", "--role", "viewer", "--password-stdin"], PASSWORD, "cannot be a name"),
        (["remove", "Bo"], "", "no account"),
        (["password", "Bo", "--password-stdin"], PASSWORD, "no account"),
        (["role", "Bo", "--role", "admin"], "", "no account"),
    ],
)
def test_wrong_input_says_what_to_do(
    tmp_path: Path, args: list[str], stdin: str, says: str
) -> None:
    done = run(*args, var=tmp_path, stdin=stdin)
    assert done.returncode == 2
    assert says in done.stderr
    assert "What to do:" in done.stderr
    assert "Traceback" not in done.stderr
