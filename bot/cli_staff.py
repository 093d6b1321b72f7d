"""The commands that make and change the accounts of the staff pages (docs/staff.md)."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from bot.errors import StaffError

if TYPE_CHECKING:
    from bot.review.accounts import Accounts
    from bot.review.accounts import Role as KnownRole

staff = typer.Typer(
    help="Accounts of the staff pages. Without any, the pages do not exist.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

Name = Annotated[str, typer.Argument(help="As it shall stand in the audit log.")]
Role = Annotated[str, typer.Option("--role", help="viewer, reviewer or admin.")]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.")
]


def _accounts() -> Accounts:
    from bot.review.accounts import Accounts
    from bot.settings import load_settings

    return Accounts.of(load_settings())


@staff.command()
def add(name: Name, role: Role, password_stdin: FromStdin = False) -> None:
    """Make an account. The password is asked for, or read from standard input."""
    known = _role(role)
    account = _accounts().add(name, known, _password(from_stdin=password_stdin))
    done = f"Made: {account.name}, {account.role}"
    _note("account made", account.name, known, done=done)
    print(f"{done}. The staff pages are at /staff.")


@staff.command()
def remove(name: Name) -> None:
    """Take an account away. Whoever is signed in with it is signed out at once."""
    accounts = _accounts()
    name = _as_kept(accounts, name)
    accounts.remove(name)
    done = f"Removed: {name}"
    _note("account removed", name, done=done)
    print(f"{done}.")


@staff.command()
def password(name: Name, password_stdin: FromStdin = False) -> None:
    """Set a new password. Whoever is signed in with the account is signed out at once."""
    accounts = _accounts()
    name = _as_kept(accounts, name)
    accounts.set_password(name, _password(from_stdin=password_stdin))
    done = f"The password of {name} is new"
    _note("password changed", name, done=done)
    print(f"{done}.")


@staff.command()
def role(name: Name, role: Role) -> None:
    """Give an account another role. Whoever is signed in with it is signed out at once."""
    accounts = _accounts()
    name = _as_kept(accounts, name)
    accounts.set_role(name, _role(role))
    done = f"{name} is now: {role}"
    _note("role changed", name, role, done=done)
    print(f"{done}.")


@staff.command(name="list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Print who has an account, with which role."""
    accounts = _accounts()
    found = accounts.all()
    if as_json:
        print(json.dumps([{"name": a.name, "role": a.role} for a in found], ensure_ascii=False))
        return
    for account in found:
        print(f"{account.role:<10}{account.name}")
    if not found:
        print(f"There is no account in {accounts.path}; the staff pages do not exist.")


def _as_kept(accounts: Accounts, name: str) -> str:
    """The account's name as the audit log knows it, however it was typed."""
    account = accounts.find(name)
    return account.name if account else name


def _note(action: str, name: str, role: str = "", *, done: str) -> None:
    """A line in the audit log. Where it fails, the error says that it is `done` all the same."""
    from bot.indexing.places import withdrawals_of
    from bot.settings import load_settings
    from bot.withdrawals import holds

    with holds(done):
        withdrawals_of(load_settings()).note(action, name, by="command line", reason=role)


def _role(name: str) -> KnownRole:
    from bot.review.accounts import ROLES

    for known in ROLES:
        if known == name:
            return known
    raise StaffError(f"{name!r} is no role.", hint=f"Take one of: {', '.join(ROLES)}.")


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise StaffError(
            "There is no terminal to ask for the password.",
            hint="Give it on standard input, with --password-stdin.",
        )
    typed: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return typed
