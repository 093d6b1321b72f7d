"""The accounts of the staff pages, in one file with the key that signs their sessions.

The file can be read by its owner only (0600), is replaced in one step, and is read again when it
changes: what an operator does holds at once, also in other processes and on other machines that
mount it. It holds no password, only what `passwords` makes of one.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import threading
import time
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.errors import AccountsUnreadable, StaffError
from bot.review.passwords import Hashed, hashed
from bot.settings import Settings

Role = Literal["viewer", "reviewer", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
"""Each may do what the ones before it may."""

_NAME = re.compile(r"[^\W_](?:[\w .'@-]{0,62}[\w.])?")
_KEY_BYTES = 32


class Account(BaseModel):
    """`mark` changes with password and role; a session holds only for the mark it began with."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    role: Role
    mark: str
    password: Hashed

    def may(self, role: Role) -> bool:
        """Whether this account has the rights of `role`."""
        return ROLES.index(self.role) >= ROLES.index(role)


class _File(BaseModel):
    """`ended`: sessions that were signed out, each with the time after which it would have ended
    by itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str = Field(min_length=2 * _KEY_BYTES, pattern=r"^[0-9a-f]+$")
    accounts: tuple[Account, ...] = ()
    ended: dict[str, float] = {}


_Stamp = tuple[int, int, int]


class Accounts:
    """The accounts of the file at `path`. Safe to call from several threads. Everything raises
    `AccountsUnreadable` where the file cannot be used: nobody gets in by a damaged file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._seen: tuple[_Stamp, _File] | None = None

    @classmethod
    def of(cls, settings: Settings) -> Accounts:
        """Those of the settings."""
        return cls(settings.review.accounts_file or settings.paths.var / "staff.json")

    def all(self) -> tuple[Account, ...]:
        """Every account, by name."""
        file = self._file()
        return tuple(sorted(file.accounts, key=lambda a: folded(a.name))) if file else ()

    def find(self, name: str) -> Account | None:
        """The account of that name; capitals make no difference."""
        wanted = folded(name)
        return next((a for a in self.all() if folded(a.name) == wanted), None)

    def key(self) -> bytes:
        """What signs the sessions. Raises `StaffError` where there is no file yet."""
        file = self._file()
        if file is None:
            raise StaffError("There is no account yet.")
        return bytes.fromhex(file.key)

    def ended(self, session_id: str) -> bool:
        """Whether that session was signed out."""
        file = self._file()
        return file is not None and session_id in file.ended

    def add(self, name: str, role: Role, password: str) -> Account:
        """Make an account. Raises `StaffError` (name), `WeakPassword`."""
        name = unicodedata.normalize("NFC", " ".join(name.split()))
        if not _NAME.fullmatch(name):
            raise StaffError(
                f"{name!r} cannot be a name.",
                hint="Take 1 to 64 letters, digits, spaces and . ' @ -, beginning with a letter "
                "or digit.",
            )
        account = Account(name=name, role=role, mark=_mark(), password=hashed(password))

        def with_it(file: _File) -> _File:
            if any(folded(a.name) == folded(name) for a in file.accounts):
                raise StaffError(
                    f"There is an account {name!r} already.",
                    hint=f"Run: python -m bot staff password {name!r}, or remove it first.",
                )
            return file.model_copy(update={"accounts": (*file.accounts, account)})

        self._change(with_it)
        return account

    def remove(self, name: str) -> None:
        """Take an account away; its sessions end. Raises `StaffError` where there is none."""
        account = self._known(name)

        def without(file: _File) -> _File:
            left = tuple(a for a in file.accounts if a.name != account.name)
            return file.model_copy(update={"accounts": left})

        self._change(without)

    def set_password(self, name: str, password: str) -> None:
        """A new password; the account's sessions end. Raises `StaffError`, `WeakPassword`."""
        self._replace(name, {"password": hashed(password)})

    def set_role(self, name: str, role: Role) -> None:
        """Another role; the account's sessions end. Raises `StaffError`."""
        self._replace(name, {"role": role})

    def end(self, session_id: str, until: float) -> None:
        """Note that a session was signed out; the note is kept until `until`."""
        now = time.time()

        def with_it(file: _File) -> _File:
            kept = {s: t for s, t in file.ended.items() if t > now}
            return file.model_copy(update={"ended": {**kept, session_id: until}})

        self._change(with_it)

    def _replace(self, name: str, update: dict[str, object]) -> None:
        account = self._known(name)

        def changed(file: _File) -> _File:
            fresh = {**update, "mark": _mark()}
            accounts = tuple(
                a.model_copy(update=fresh) if a.name == account.name else a for a in file.accounts
            )
            return file.model_copy(update={"accounts": accounts})

        self._change(changed)

    def _known(self, name: str) -> Account:
        account = self.find(name)
        if account is None:
            known = ", ".join(a.name for a in self.all()) or "nobody"
            raise StaffError(f"There is no account {name!r}.", hint=f"There is: {known}.")
        return account

    def _file(self) -> _File | None:
        try:
            status = self.path.stat()
            stamp = (status.st_mtime_ns, status.st_ino, status.st_size)
            with self._lock:
                if self._seen is None or self._seen[0] != stamp:
                    self._seen = (stamp, _File.model_validate_json(self.path.read_bytes()))
                return self._seen[1]
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            raise self._unusable(error) from None

    def _change(self, change: Callable[[_File], _File]) -> None:
        with self._writing():
            file = self._file() or _File(key=secrets.token_hex(_KEY_BYTES))
            text = change(file).model_dump_json(indent=1) + "\n"
            scratch = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}")
            try:
                handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(handle, "w", encoding="utf-8") as out:
                    out.write(text)
                    out.flush()
                    os.fsync(out.fileno())
                scratch.replace(self.path)
            except OSError as error:
                scratch.unlink(missing_ok=True)
                raise self._unusable(error) from None

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """One writer at a time; the lock has a file of its own because the other is replaced."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT
            handle = os.open(self.path.with_name(f"{self.path.name}.lock"), flags, 0o600)
        except OSError as error:
            raise self._unusable(error) from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _unusable(self, error: Exception) -> AccountsUnreadable:
        # A message of pydantic would quote the file, and so the key.
        why = error.strerror if isinstance(error, OSError) else "it is not what this version writes"
        return AccountsUnreadable(f"The accounts in {self.path} cannot be used: {why}.")


def folded(name: str) -> str:
    """What is compared of a name, wherever one is looked for or counted."""
    return unicodedata.normalize("NFC", " ".join(name.split())).casefold()


def _mark() -> str:
    return secrets.token_hex(8)
