"""What a site asks of programs: its robots.txt, read once a run and obeyed."""

from __future__ import annotations

from urllib.parse import urlsplit
from urllib.robotparser import RobotFileParser

from bot.errors import FetchError, RobotsRefuse
from bot.indexing.fetching.web import Web

_MAX_BYTES = 500_000
_LONGEST_DELAY = 30.0


class Robots:
    """The rules of all sites that are asked in a run. `token` is our name in robots.txt."""

    def __init__(self, web: Web, token: str) -> None:
        self._web = web
        self._token = token
        self._sites: dict[str, RobotFileParser | FetchError] = {}

    def check(self, url: str) -> None:
        """Raises `RobotsRefuse` where the site does not want the address fetched, or does not let
        its rules be read (RFC 9309: then nothing is allowed)."""
        rules = self._rules(url)
        if isinstance(rules, FetchError):
            raise RobotsRefuse(f"{url}: the site's robots.txt cannot be read ({rules})")
        if not rules.can_fetch(self._token, url):
            raise RobotsRefuse(f"{url}: the site's robots.txt asks programs to stay away.")

    def delay(self, url: str) -> float:
        """Seconds between two requests to the site: one at least, more where it asks for more."""
        rules = self._rules(url)
        asked = None if isinstance(rules, FetchError) else rules.crawl_delay(self._token)
        return min(max(1.0, float(asked or 0)), _LONGEST_DELAY)

    def _rules(self, url: str) -> RobotFileParser | FetchError:
        parts = urlsplit(url)
        site = f"{parts.scheme}://{parts.netloc}"
        if site not in self._sites:
            self._sites[site] = self._read(f"{site}/robots.txt")
        return self._sites[site]

    def _read(self, url: str) -> RobotFileParser | FetchError:
        rules = RobotFileParser()
        try:
            answer = self._web.get(url, max_bytes=_MAX_BYTES)
        except FetchError as error:
            return error
        if answer.status in (401, 403):
            return FetchError(f"{url} answers {answer.status}.")
        text = answer.data.decode("utf-8", "replace") if answer.status == 200 else ""
        try:
            rules.parse(text.splitlines())
        except ValueError as error:
            return FetchError(f"{url} cannot be understood: {error}.")
        return rules
