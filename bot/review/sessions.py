"""Sessions of staff: a signed text that the browser keeps, nothing on the server but those that
were signed out. It says who, since when and when last; what the account may do is looked up anew
at every request.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from bot.errors import AccountsUnreadable, StaffError
from bot.review.accounts import Account, Accounts

IDLE_SECONDS = 30 * 60
WHOLE_SECONDS = 10 * 3600
_ID_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session that holds now. Times are seconds since 1970."""

    account: Account
    session_id: str
    begun: float
    seen: float


class Sessions:
    """Makes and reads the texts. `now` is the clock."""

    def __init__(self, accounts: Accounts, *, now: Callable[[], float] = time.time) -> None:
        self.accounts = accounts
        self._now = now

    def begin(self, account: Account) -> Session:
        now = self._now()
        session_id = secrets.token_urlsafe(_ID_BYTES)
        return Session(account=account, session_id=session_id, begun=now, seen=now)

    def text(self, session: Session) -> str:
        """What the browser keeps, from now on for as long as a session may lie unused."""
        said = {
            "name": session.account.name,
            "mark": session.account.mark,
            "id": session.session_id,
            "begun": session.begun,
            "seen": session.seen,
        }
        body = _coded(json.dumps(said).encode())
        return f"{body}.{self._signature('session', body)}"

    def read(self, text: str | None) -> Session | None:
        """The session, used now; None where the text is not ours, it ran out or was signed out, or
        the account changed."""
        body, _, signature = (text or "").partition(".")
        try:
            if not _same(signature, self._signature("session", body)):
                return None
            said = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
            account = self.accounts.find(said["name"])
            if account is None or not _same(account.mark, said["mark"]):
                return None
            session = Session(
                account=account, session_id=said["id"], begun=said["begun"], seen=said["seen"]
            )
        except AccountsUnreadable:
            raise
        except (StaffError, ValueError, KeyError):  # no accounts; of another version
            return None
        now = self._now()
        if now - session.seen > IDLE_SECONDS or now - session.begun > WHOLE_SECONDS:
            return None
        if self.accounts.ended(session.session_id):
            return None
        return replace(session, seen=now)

    def end(self, session: Session) -> None:
        """Sign out: no copy of the session's text holds any longer, here or on other machines."""
        self.accounts.end(session.session_id, self._now() + IDLE_SECONDS)

    def form_token(self, session_id: str) -> str:
        """What the forms of a session carry, so that no other page can send them."""
        return self._signature("form", session_id)

    def is_form_token(self, token: str, session_id: str) -> bool:
        return _same(token, self.form_token(session_id))

    def _signature(self, purpose: str, text: str) -> str:
        said = f"{purpose}.{text}".encode("utf-8", "surrogatepass")
        return _coded(hmac.digest(self.accounts.key(), said, hashlib.sha256))


def _coded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")


def _same(one: str, other: str) -> bool:
    ways = ("utf-8", "surrogatepass")
    return hmac.compare_digest(one.encode(*ways), other.encode(*ways))
