"""Passwords are kept as scrypt hashes, each with its own salt and the cost that it was made with.

The cost is one of those that OWASP's cheat sheet on password storage gives as equal in strength:
N = 2^15, r = 8, p = 3 takes 32 MB and about a quarter of a second. NIST SP 800-63B asks for length
and against rules of composition.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import unicodedata

from pydantic import BaseModel, ConfigDict

from bot.errors import WeakPassword

LEAST_CHARS = 12
MOST_CHARS = 256
_N, _R, _P = 2**15, 8, 3
_SALT_BYTES = 16
_KEY_BYTES = 32


class Hashed(BaseModel):
    """A password as it is kept. `salt` and `key` are hexadecimal."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    n: int = _N
    r: int = _R
    p: int = _P
    salt: str
    key: str


def hashed(password: str) -> Hashed:
    """The form to keep. Raises `WeakPassword`."""
    length = len(password)
    if length < LEAST_CHARS:
        raise WeakPassword(f"The password has {length} characters; at least {LEAST_CHARS} count.")
    if length > MOST_CHARS:
        raise WeakPassword(
            f"The password has {length} characters; at most {MOST_CHARS} are taken.",
            hint="Take a shorter one.",
        )
    salt = secrets.token_bytes(_SALT_BYTES)
    return Hashed(salt=salt.hex(), key=_derived(password, salt, _N, _R, _P).hex())


def matches(password: str, kept: Hashed | None) -> bool:
    """Whether it is that password. With None, as for an unknown name, False after the same work."""
    against = kept or _NOBODY
    salt = bytes.fromhex(against.salt)
    # More could not have been set; a long one must not cost more than a short one.
    derived = _derived(password[: MOST_CHARS + 1], salt, against.n, against.r, against.p)
    same = hmac.compare_digest(derived, bytes.fromhex(against.key))
    return same and kept is not None


def _derived(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    # The same letter may be typed as one sign or as two.
    typed = unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
    most = 130 * n * r + 1_000_000  # what it takes, and a little
    return hashlib.scrypt(typed, salt=salt, n=n, r=r, p=p, maxmem=most, dklen=_KEY_BYTES)


_NOBODY = Hashed(salt=bytes(_SALT_BYTES).hex(), key=bytes(_KEY_BYTES).hex())
