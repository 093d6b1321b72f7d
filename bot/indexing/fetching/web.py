"""One address fetched with care: limits of size, time and redirects, retries that wait, and no way
into our own network.

Each name is looked up once and the connection goes to an address that was checked: a name that
leads elsewhere on its second look-up gains nothing.
"""

from __future__ import annotations

import email.utils
import ipaddress
import random
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from bot.errors import (
    AddressRefused,
    FetchError,
    RemoteTooLarge,
    RemoteUnreachable,
    RemoteWrongType,
    TooManyRedirects,
)

_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PORTS = {"http": 80, "https": 443}
_LONGEST_SHOWN = 200
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`seconds` bounds a whole answer, however slowly it drips; `quiet_seconds` one silence."""

    max_bytes: int = 20_000_000
    seconds: float = 120.0
    quiet_seconds: float = 20.0
    redirects: int = 5
    attempts: int = 4
    longest_wait: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """An answer of the status 200, 304 or one of the 400s that is final."""

    status: int
    data: bytes
    etag: str | None
    last_modified: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    types: tuple[str, ...] | None
    headers: Mapping[str, str]
    max_bytes: int


class Web:
    """Fetches addresses. `pause` waits (tests do not)."""

    def __init__(
        self,
        agent: str,
        limits: Limits,
        *,
        allow_private: bool = False,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._limits = limits
        self._allow_private = allow_private
        self._pause = pause
        self._client = httpx.Client(
            headers={"User-Agent": agent, "Accept-Encoding": "identity"},
            timeout=httpx.Timeout(limits.quiet_seconds),
            follow_redirects=False,
            trust_env=False,  # through a proxy the address that is checked is not the one reached
        )

    def get(
        self,
        url: str,
        *,
        types: tuple[str, ...] | None = None,
        headers: Mapping[str, str] | None = None,
        allowed: Callable[[str], None] = lambda url: None,
        max_bytes: int | None = None,
    ) -> Fetched:
        """Fetch an address, following redirects. `types` are the content types that are taken,
        `allowed` is asked before each request and raises to refuse. Raises `FetchError`."""
        wanted = _Wanted(
            types=types, headers=headers or {}, max_bytes=max_bytes or self._limits.max_bytes
        )
        for _ in range(self._limits.redirects + 1):
            _check_address(url)
            allowed(url)
            answer = self._patiently(url, wanted)
            if isinstance(answer, Fetched):
                return answer
            url = answer
        raise TooManyRedirects(f"{url}: more than {self._limits.redirects} redirects.")

    def _patiently(self, url: str, wanted: _Wanted) -> Fetched | str:
        """The answer, or where it is redirected to; asked again where that may help."""
        wait = 1.0
        for attempt in range(1, self._limits.attempts + 1):
            last = attempt == self._limits.attempts
            asked: float | None = None
            try:
                with self._answer(url, wanted.headers) as response:
                    if response.status_code not in _AGAIN:
                        return self._taken(url, response, wanted)
                    problem = f"{url} answers {response.status_code}."
                    asked = _retry_after(response)
            except (httpx.TransportError, httpx.DecodingError, httpx.InvalidURL) as error:
                problem = (
                    f"{url} cannot be fetched: {str(error).rstrip('.') or type(error).__name__}."
                )
            if last or (asked or 0) > self._limits.longest_wait:
                break
            self._pause(max(asked or 0, wait * random.uniform(0.8, 1.2)))  # noqa: S311
            wait *= 2
        raise RemoteUnreachable(problem + f" Tried {attempt} times.")

    @contextmanager
    def _answer(self, url: str, headers: Mapping[str, str]) -> Iterator[httpx.Response]:
        """Connect to the first checked address that takes the connection."""
        target = httpx.URL(url)
        host = target.raw_host.decode("ascii")
        netloc = target.netloc.decode("ascii")
        error: httpx.TransportError = httpx.ConnectError("no address")
        for address in self._addresses(target.host, target.port or _PORTS[target.scheme]):
            request = self._client.build_request(
                "GET",
                target.copy_with(host=address),
                headers={**headers, "Host": netloc},
                extensions={"sni_hostname": host},
            )
            try:
                response = self._client.send(request, stream=True)
            except (httpx.ConnectError, httpx.ConnectTimeout) as problem:
                error = problem
                continue
            try:
                yield response
            finally:
                response.close()
            return
        raise error

    def _addresses(self, host: str, port: int) -> list[str]:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpx.ConnectError(f"the name {host} cannot be looked up ({error})") from None
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if not self._allow_private:
            for address in addresses:
                if not _public(address):
                    raise AddressRefused(f"{host} leads into a private network ({address}).")
        return addresses

    def _taken(self, url: str, response: httpx.Response, wanted: _Wanted) -> Fetched | str:
        if response.status_code in _REDIRECTS:
            return self._next(url, response)
        data = b""
        if response.status_code == 200:
            _check_type(url, response, wanted.types)
            data = self._body(url, response, wanted.max_bytes)
        return Fetched(
            status=response.status_code,
            data=data,
            etag=response.headers.get("ETag"),
            last_modified=response.headers.get("Last-Modified"),
        )

    def _next(self, url: str, response: httpx.Response) -> str:
        location = response.headers.get("Location", "")
        target = httpx.URL(url).join(location).copy_with(fragment=None)
        if target.scheme not in _PORTS or not target.host or target.userinfo:
            raise AddressRefused(f"{url} redirects to {str(target)!r}, which is not fetched.")
        if url.startswith("https:") and target.scheme == "http":
            raise AddressRefused(f"{url} redirects to {target}, which is not protected by TLS.")
        return str(target)

    def _body(self, url: str, response: httpx.Response, limit: int) -> bytes:
        """Counted as it is unpacked, and never more than a piece beyond the limit."""
        end = time.monotonic() + self._limits.seconds
        too_large = RemoteTooLarge(f"{url} sends more than {limit:,} bytes.")
        said = response.headers.get("Content-Length", "")
        if said.isdigit() and int(said) > limit:
            raise too_large
        data = bytearray()
        for piece in response.iter_bytes():
            data += piece
            if len(data) > limit:
                raise too_large
            if time.monotonic() > end:
                raise RemoteUnreachable(
                    f"{url} is not done after {self._limits.seconds:.0f} seconds."
                )
        return bytes(data)

    def close(self) -> None:
        self._client.close()


def _check_address(url: str) -> None:
    """Raise `FetchError` for what no connection can be made to, before the site is asked."""
    shown = url if len(url) <= _LONGEST_SHOWN else url[:_LONGEST_SHOWN] + "..."
    try:
        target = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise FetchError(f"{shown!r} is no address: {str(error).rstrip('.')}.") from None
    if b"%" in target.raw_host:  # so httpx writes a space
        raise FetchError(f"{shown!r} is no address: no name of a site is written so.")


def _check_type(url: str, response: httpx.Response, types: tuple[str, ...] | None) -> None:
    said = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if types is not None and said not in types:
        raise RemoteWrongType(f"{url} sends {said or 'no content type'}, not {types[0]}.")


def _public(address: str) -> bool:
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        # An address that carries one of the old kind leads where that one leads.
        inside = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in _NAT64:
            inside = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inside is not None:
            return _public(str(inside))
    return ip.is_global and not ip.is_multicast


def _retry_after(response: httpx.Response) -> float | None:
    said = response.headers.get("Retry-After", "").strip()
    if said.isascii() and said.isdigit():  # "²" is a digit, and no number
        return float(said)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(said).timestamp() - time.time())
    except ValueError:
        return None
