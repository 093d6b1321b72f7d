"""The connection to a Chroma server: credentials, time limits, and its failures in our words."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.errors import DamagedIndex, ServerUnreachable, StoreError

if TYPE_CHECKING:
    from chromadb.api import ClientAPI

_WRITING_SECONDS = 120.0
"""Adding a batch takes a second, on a busy server far more."""
_BATCH = 1_000
"""Records in one request: Chroma would take five times as many, and be silent as much longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where the server is and how it is spoken to. `name` begins the names of all collections, so
    that several indexes can share a server; `seconds` is how long a reader waits for it."""

    url: str
    name: str
    header: str = "Authorization"
    token: str | None = field(default=None, repr=False)
    ca: Path | None = None
    seconds: float = 5.0

    @property
    def headers(self) -> dict[str, str]:
        if self.token is None:
            return {}
        bearer = "Bearer " if self.header == "Authorization" else ""
        return {self.header: bearer + self.token}


class Connection:
    """One client of the server for the whole process, made at first need. Safe to use from several
    threads."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._lock = threading.Lock()
        self._client: ClientAPI | None = None
        self._seconds = address.seconds

    def client(self) -> ClientAPI:
        """Raises `ServerUnreachable`."""
        with self._lock:
            if self._client is None:
                with self.guarded():
                    self._client = self._connected()
                    self._set_time_limit(self._client)
            return self._client

    def _connected(self) -> ClientAPI:
        import chromadb
        import httpx
        from chromadb.config import Settings

        address = self.address
        # Chroma's client would wait for ever for a server that says nothing, and does not tell a
        # refused token from a server that is no Chroma.
        with httpx.Client(
            headers=address.headers,
            timeout=address.seconds,
            verify=ssl.create_default_context(cafile=address.ca) if address.ca else True,
        ) as client:
            client.get(f"{address.url}/api/v2/auth/identity").raise_for_status()
        settings = Settings(
            _env_file=None,  # type: ignore[call-arg]
            anonymized_telemetry=False,
            chroma_server_ssl_verify=str(address.ca) if address.ca else None,
        )
        return chromadb.HttpClient(
            host=address.url,
            ssl=address.url.startswith("https:"),
            headers=address.headers,
            settings=settings,
        )

    def _set_time_limit(self, client: ClientAPI) -> None:
        from httpx import Timeout

        session: Any = client._server._session  # type: ignore[attr-defined]
        session.timeout = Timeout(self._seconds)

    @contextlib.contextmanager
    def patient(self) -> Iterator[None]:
        """Wait longer for the server: it is written to."""
        self._seconds = max(_WRITING_SECONDS, self.address.seconds)
        self._set_time_limit(self.client())
        try:
            yield
        finally:
            self._seconds = self.address.seconds
            self._set_time_limit(self.client())

    def collection(self, kind: str, key: str) -> str:
        """The full name of a collection; `parts` takes it apart."""
        return f"{self.address.name}.{kind}.{key}"

    def parts(self, name: str) -> tuple[str, str] | None:
        """Kind and key of a collection of this index, None for all others."""
        start, _, rest = name.partition(".")
        kind, _, key = rest.partition(".")
        return (kind, key) if start == self.address.name and key else None

    @contextlib.contextmanager
    def guarded(self) -> Iterator[None]:
        """Whatever the client raises inside becomes a `StoreError`."""
        try:
            yield
        except StoreError:
            raise
        except Exception as error:
            raise self.failure(error) from error

    def failure(self, error: Exception) -> StoreError:
        """The client's error in our words; it never holds the token."""
        from chromadb.errors import NotFoundError
        from httpx import HTTPStatusError, TransportError

        url = self.address.url
        if isinstance(error, NotFoundError):
            return DamagedIndex(f"A part of the index is gone from the Chroma server {url}.")
        # Chroma turns a refused connection into a ValueError.
        if isinstance(error, TransportError) or "Could not connect" in str(error):
            reason = str(error) or type(error).__name__
            return ServerUnreachable(f"The Chroma server {url} does not answer: {reason}.")
        status = error.response.status_code if isinstance(error, HTTPStatusError) else None
        if status in (401, 403):
            return ServerUnreachable(
                f"The Chroma server {url} refuses us ({status}).",
                hint="Set BOT_STORE__CHROMA_TOKEN (and BOT_STORE__CHROMA_HEADER) to what it asks.",
            )
        if status is not None:
            return ServerUnreachable(
                f"At {url} there is no Chroma server that we can use ({status}).",
                hint="Correct BOT_STORE__CHROMA_URL. Chroma 1.0 or later is needed.",
            )
        return StoreError(
            f"The Chroma server {url} reports: {str(error)[:300]}",
            hint="Look at the server's log and its free disk space, then try again.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OnServer:
    """The vectors of one generation on a server. `number` is what it will be or was pointed to
    with."""

    connection: Connection
    generation: str
    number: int = 0

    def connect(self) -> ClientAPI:
        return self.connection.client()

    def collection(self, name: str) -> str:
        return self.connection.collection("gen", f"{self.generation}.{name}")

    def labels(self) -> dict[str, str | int]:
        return {"generation": self.generation, "number": self.number}

    def failure(self, error: Exception, *, writing: bool) -> StoreError:
        return self.connection.failure(error)

    def batch(self, client: ClientAPI) -> int:
        return min(client.get_max_batch_size(), _BATCH)

    def release(self, client: ClientAPI) -> None:
        """The client is the whole process's and stays open."""
