"""Fetching from a list, against a local server that behaves badly in every way it can."""

from __future__ import annotations

import gzip
import http.server
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bot.errors import LockHeld, SourceListError
from bot.front_matter import read_sidecar
from bot.indexing.fetching import FetchReport, Limits, Web, agent_of, fetch_sources, read_list
from bot.indexing.fetching import fetch as fetch_module
from bot.indexing.fetching.fetch import _write as write_file
from bot.indexing.fetching.web import _public
from bot.settings import ROOT

PAGE = (
    b"<!doctype html><html><head><title>Mouth care</title></head><body><main><h1>Mouth care</h1>"
    b"<p>Rinse your mouth four times a day.</p></main></body></html>"
)
Answer = Callable[["Handler"], None]


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers as the site says; `site.asked` keeps every request."""

    protocol_version = "HTTP/1.1"
    site: Site

    def do_GET(self) -> None:
        self.site.asked.append((self.path, dict(self.headers)))
        if self.path == "/robots.txt" and "/robots.txt" not in self.site.answers:
            self.reply(404, b"")
            return
        self.site.answers[self.path](self)

    def reply(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        given = {"Content_Type": "text/html; charset=utf-8", "Content_Length": str(len(body))}
        for name, value in (given | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class Site:
    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.answers: dict[str, Answer] = {}
        handler = type("SiteHandler", (Handler,), {"site": self})
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def page(self, path: str, body: bytes = PAGE, **headers: str) -> None:
        self.answers[path] = lambda h: h.reply(200, body, **headers)

    def paths(self) -> list[str]:
        return [path for path, _ in self.asked if path != "/robots.txt"]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


class Runner:
    """Writes a list and fetches it, without waiting."""

    def __init__(self, tmp_path: Path, site: Site) -> None:
        self.knowledge = tmp_path / "knowledge"
        self.folder = self.knowledge / "fetched"
        self.var = tmp_path / "var"
        self.list = tmp_path / "sources.toml"
        self.site = site
        self.pauses: list[float] = []
        self.limits: dict[str, Any] = {}
        self.today = date(2026, 11, 28)
        self.private = True

    def write(self, *sources: dict[str, Any], **top: Any) -> None:
        top = {"contact": "it@clinic.example", **top}
        lines = [f"{key} = {json.dumps(value)}" for key, value in top.items()]
        for source in sources:
            given = {
                "url": f"{self.site.url}/page",
                "name": "page.html",
                "title": "Mouth care",
                "publisher": "Some Hospital",
                "licence": "CC BY 4.0",
                **source,
            }
            lines.append("[[source]]")
            for key, value in given.items():
                shown = value.isoformat() if isinstance(value, date) else json.dumps(value)
                lines.append(f"{key} = {shown}")
        self.list.write_text("\n".join(lines), "utf-8")

    def run(self) -> FetchReport:
        listed = read_list(self.list)
        web = Web(
            agent_of(listed),
            Limits(**{"max_bytes": listed.max_bytes, **self.limits}),
            allow_private=self.private,
            pause=self.pauses.append,
        )
        try:
            return fetch_sources(
                listed,
                self.knowledge,
                self.var,
                web,
                today=lambda: self.today,
                pause=self.pauses.append,
            )
        finally:
            web.close()

    def fetch(self, *sources: dict[str, Any], **top: Any) -> FetchReport:
        self.write(*(sources or ({},)), **top)
        return self.run()

    def error(self, *sources: dict[str, Any], **top: Any) -> str:
        """The one error of a run that leaves nothing behind."""
        found = self.fetch(*sources, **top).sources[-1]
        assert found.outcome == "failed"
        assert found.hint
        assert not [p for p in self.folder.rglob("*") if p.is_file()]
        return found.error or ""

    def files(self) -> dict[str, tuple[bytes, int]]:
        return {
            p.relative_to(self.folder).as_posix(): (p.read_bytes(), p.stat().st_mtime_ns)
            for p in self.folder.rglob("*")
            if p.is_file()
        }


@pytest.fixture
def runner(tmp_path: Path, site: Site) -> Runner:
    return Runner(tmp_path, site)


def test_a_page_and_its_sidecar(runner: Runner, site: Site) -> None:
    site.page("/page")
    report = runner.fetch({"review_by": date(2027, 11, 28), "topic": "Care", "note": "Ask  first"})
    assert [s.outcome for s in report.sources] == ["new"]
    assert (runner.folder / "page.html").read_bytes() == PAGE
    sidecar = (runner.folder / "page.html.meta.yaml").read_bytes()
    values = read_sidecar(sidecar, "page.html").values
    assert values["title"] == "Mouth care"
    assert values["publisher"] == "Some Hospital"
    assert values["licence"] == "CC BY 4.0"
    assert values["url"] == f"{site.url}/page"
    assert values["review_by"] == date(2027, 11, 28)
    assert values["topic"] == "Care"
    assert values["references"][0].seen == date(2026, 11, 28)
    agent = site.asked[-1][1]["User-Agent"]
    assert agent.startswith("TransplantAnswers/")
    assert "it@clinic.example" in agent
    assert site.asked[-1][1]["Host"] == f"127.0.0.1:{site.port}"
    assert not list(runner.folder.glob(".*"))


def test_what_did_not_change_is_asked_for_with_conditions_and_not_rewritten(
    runner: Runner, site: Site
) -> None:
    def answer(h: Handler) -> None:
        given = {"ETag": '"v1"', "Last_Modified": "Sat, 28 Nov 2026 10:00:00 GMT"}
        if h.headers.get("If-None-Match") == '"v1"':
            h.reply(304, b"")
        else:
            h.reply(200, PAGE, **given)

    site.answers["/page"] = answer
    runner.fetch()
    before = runner.files()
    runner.today = date(2027, 1, 1)
    report = runner.run()
    assert [s.outcome for s in report.sources] == ["unchanged"]
    assert runner.files() == before
    headers = site.asked[-1][1]
    assert headers["If-None-Match"] == '"v1"'
    assert headers["If-Modified-Since"] == "Sat, 28 Nov 2026 10:00:00 GMT"
    # A file that is gone is fetched anew, whatever the server remembers.
    (runner.folder / "page.html").unlink()
    assert [s.outcome for s in runner.run().sources] == ["new"]
    assert "If-None-Match" not in site.asked[-1][1]
    # The same bytes without a 304 are no change either; nor are they after the memory was lost.
    site.page("/page")
    before = runner.files()
    assert [s.outcome for s in runner.run().sources] == ["unchanged"]
    assert runner.files() == before


def test_a_changed_page_and_a_changed_list(runner: Runner, site: Site) -> None:
    site.page("/page")
    runner.fetch()
    runner.today = date(2027, 1, 1)
    site.page("/page", PAGE.replace(b"four", b"six"))
    assert [s.outcome for s in runner.run().sources] == ["changed"]
    assert b"six times" in (runner.folder / "page.html").read_bytes()
    assert b"2027-01-01" in (runner.folder / "page.html.meta.yaml").read_bytes()
    assert [s.outcome for s in runner.fetch({"licence": "OGL 3.0"}).sources] == ["changed"]
    assert b"OGL 3.0" in (runner.folder / "page.html.meta.yaml").read_bytes()
    # The page moved: the same file from its new address.
    site.page("/moved", PAGE)
    moved = {"url": f"{site.url}/moved", "licence": "OGL 3.0"}
    assert [s.outcome for s in runner.fetch(moved).sources] == ["changed"]
    (runner.var / "fetched.json").unlink()
    runner.today = date(2026, 12, 1)
    assert [s.outcome for s in runner.run().sources] == ["changed"]
    site.page("/other")
    report = runner.fetch({"url": f"{site.url}/other", "name": "other.html"})
    assert report.unlisted == ("page.html",)


def test_what_a_person_changed_is_not_overwritten(runner: Runner, site: Site) -> None:
    site.page("/page")
    runner.fetch()
    page, sidecar = (runner.folder / n for n in ("page.html", "page.html.meta.yaml"))
    sidecar.write_bytes(sidecar.read_bytes() + b"audience: adults\n")
    assert "sidecar of page.html was changed" in (runner.run().sources[0].error or "")
    sidecar.unlink()
    page.write_bytes(PAGE + b"<!-- checked -->")
    assert "changed here" in (runner.run().sources[0].error or "")
    assert page.read_bytes().endswith(b"<!-- checked -->")
    (runner.var / "fetched.json").unlink()
    assert "was not fetched from" in (runner.run().sources[0].error or "")


def test_errors_that_pass_are_tried_again_with_growing_pauses(runner: Runner, site: Site) -> None:
    count = 0

    def answer(h: Handler) -> None:
        nonlocal count
        count += 1
        if count == 1:
            h.reply(500, b"oops")
        elif count == 2:
            h.reply(503, b"", Retry_After="7")
        elif count == 3:
            h.close_connection = True  # nothing at all
        else:
            h.reply(200, PAGE)

    site.answers["/page"] = answer
    assert [s.outcome for s in runner.fetch().sources] == ["new"]
    first, second, third = runner.pauses
    assert 0.8 <= first <= 1.2
    assert second == 7
    assert 3.2 <= third <= 4.8


def test_a_wait_that_is_no_number_is_none(runner: Runner, site: Site) -> None:
    site.answers["/page"] = lambda h: h.reply(503, b"", Retry_After="\u00b2")
    assert "answers 503" in runner.error()


def test_errors_that_stay_end_the_tries_and_keep_the_old_file(runner: Runner, site: Site) -> None:
    site.page("/page")
    site.page("/good")
    good = {"url": f"{site.url}/good", "name": "good.html"}
    runner.fetch()
    before = runner.files()
    for status, tries in ((500, 4), (404, 1), (403, 1), (410, 1)):
        site.answers["/page"] = lambda h, s=status: h.reply(s, b"")
        site.asked.clear()
        report = runner.fetch({}, good)
        assert report.sources[0].outcome == "failed"
        assert report.sources[1].outcome != "failed"
        assert str(status) in (report.sources[0].error or "")
        assert site.paths().count("/page") == tries
        assert runner.files()["page.html"] == before["page.html"]
    site.answers["/page"] = lambda h: h.reply(503, b"", Retry_After="86400")
    site.asked.clear()
    assert "503" in (runner.fetch().sources[0].error or "")
    assert site.paths() == ["/page"]


def test_an_endless_and_an_announced_large_body(runner: Runner, site: Site) -> None:
    sent = 0

    def endless(h: Handler) -> None:
        nonlocal sent
        h.send_response(200)
        h.send_header("Content-Type", "text/html")
        h.send_header("Transfer-Encoding", "chunked")
        h.end_headers()
        try:
            while sent < 500_000_000:
                h.wfile.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
                sent += 0x10000
        except OSError:
            pass

    site.answers["/page"] = endless
    assert "more than 100,000 bytes" in runner.error({}, max_bytes=100_000)
    assert sent < 50_000_000
    site.answers["/page"] = lambda h: h.reply(200, b"", Content_Length="100001")
    assert "more than 100,000 bytes" in runner.error({}, max_bytes=100_000)
    packed = gzip.compress(b"x" * 50_000_000)
    site.answers["/page"] = lambda h: h.reply(
        200, packed, Content_Encoding="gzip", Content_Length=str(len(packed))
    )
    assert "more than 100,000 bytes" in runner.error({}, max_bytes=100_000)


def test_a_body_that_drips_and_one_that_stops(runner: Runner, site: Site) -> None:
    def drip(h: Handler) -> None:
        h.send_response(200)
        h.send_header("Content-Type", "text/html")
        h.send_header("Content-Length", "10000")
        h.end_headers()
        try:
            for _ in range(200):
                h.wfile.write(b"x")
                h.wfile.flush()
                time.sleep(0.05)
        except OSError:
            pass

    site.answers["/page"] = drip
    runner.limits = {"seconds": 0.5}
    started = time.monotonic()
    assert "is not done after" in runner.error()
    assert time.monotonic() - started < 8

    def cut(h: Handler) -> None:
        h.send_response(200)
        h.send_header("Content-Type", "text/html")
        h.send_header("Content-Length", "10000")
        h.end_headers()
        h.wfile.write(b"half")
        h.close_connection = True

    site.answers["/page"] = cut
    assert "without sending complete message body" in runner.error()
    release = threading.Event()
    site.answers["/page"] = lambda h: (release.wait(30), None)[1]
    runner.limits = {"quiet_seconds": 0.3, "attempts": 2}
    assert "timed out" in runner.error()
    release.set()


def test_redirects(runner: Runner, site: Site) -> None:
    site.answers["/page"] = lambda h: h.reply(302, b"", Location="/b")
    site.answers["/b"] = lambda h: h.reply(301, b"", Location=f"{site.url}/c#part")
    site.page("/c")
    assert [s.outcome for s in runner.fetch().sources] == ["new"]
    assert site.paths() == ["/page", "/b", "/c"]


@pytest.mark.parametrize(
    ("location", "says"),
    [
        ("/page", "more than 5 redirects"),
        ("file:///etc/passwd", "is not fetched"),
        ("ftp://127.0.0.1/x", "is not fetched"),
        ("http://user:word@127.0.0.1/x", "is not fetched"),
        ("http://a.example:port/", "Invalid URL"),
        ("/" + "x" * 65_530, "URL too long"),
        ("", "more than 5 redirects"),
    ],
)
def test_redirects_that_are_not_followed(
    runner: Runner, site: Site, location: str, says: str
) -> None:
    site.answers["/page"] = lambda h: h.reply(302, b"", Location=location)
    assert says in runner.error()
    assert len(site.paths()) <= 6


@pytest.mark.parametrize(
    "url",
    [
        "https://exa mple.org/x",
        "http://a.example:port/",
        "https://a\u2028b.example/",
        "https://a.example/" + "x" * 70_000,
    ],
)
def test_what_is_no_address_is_said_and_the_rest_is_fetched(
    runner: Runner, site: Site, url: str
) -> None:
    site.page("/page")
    report = runner.fetch({"url": url, "name": "wrong.html"}, {})
    assert [s.outcome for s in report.sources] == ["failed", "new"]
    assert "is no address" in (report.sources[0].error or "")
    assert "correct it in the list" in (report.sources[0].hint or "")
    assert not runner.pauses, "asking again would not help"


class Killed(BaseException):
    """Ends a run as a kill does: nothing after it is done."""


def killed_at(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """The next run dies before it writes its file of that number."""
    writes = iter(range(number + 1))

    def until_then(path: Path, data: bytes) -> None:
        if next(writes) == number:
            raise Killed
        write_file(path, data)

    monkeypatch.setattr(fetch_module, "_write", until_then)


OLD, NEW = ('"v1"', PAGE), ('"v2"', PAGE.replace(b"four", b"six"))


def serve(site: Site, version: tuple[str, bytes]) -> None:
    """The page in that version, with its tag; 304 to whoever has it."""
    tag, body = version

    def answer(h: Handler) -> None:
        if h.headers.get("If-None-Match") == tag:
            h.reply(304, b"")
        else:
            h.reply(200, body, ETag=tag)

    site.answers["/page"] = answer


def dies(runner: Runner, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    with monkeypatch.context() as dying:
        killed_at(dying, number)
        with pytest.raises(Killed):
            runner.fetch()


@pytest.mark.parametrize(
    ("is_new", "number"),
    [*((True, number) for number in range(3)), *((False, number) for number in range(4))],
)
def test_after_a_kill_at_any_point_the_file_is_fetched_again(
    runner: Runner, site: Site, monkeypatch: pytest.MonkeyPatch, is_new: bool, number: int
) -> None:
    serve(site, OLD)
    if not is_new:
        runner.fetch()
    serve(site, NEW)
    runner.today = date(2027, 1, 1)
    dies(runner, monkeypatch, number)
    assert runner.run().sources[0].error is None
    assert (runner.folder / "page.html").read_bytes() == NEW[1]
    assert b"2027-01-01" in (runner.folder / "page.html.meta.yaml").read_bytes()
    assert [s.outcome for s in runner.run().sources] == ["unchanged"]
    assert site.asked[-1][1]["If-None-Match"] == NEW[0]
    # What a person changes is not overwritten, as before.
    (runner.folder / "page.html").write_bytes(PAGE + b"<!-- checked -->")
    assert "changed here" in (runner.run().sources[0].error or "")


@pytest.mark.parametrize("number", range(4))
def test_after_a_kill_the_old_tag_does_not_stand_for_the_new_file(
    runner: Runner, site: Site, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    serve(site, OLD)
    runner.fetch()
    serve(site, NEW)
    dies(runner, monkeypatch, number)
    serve(site, OLD)
    assert runner.run().sources[0].error is None
    assert (runner.folder / "page.html").read_bytes() == OLD[1]


@pytest.mark.parametrize("name", ["page.html", "page.html.meta.yaml"])
def test_what_a_person_changed_after_a_kill_is_not_overwritten(
    runner: Runner, site: Site, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    serve(site, OLD)
    runner.fetch()
    serve(site, NEW)
    runner.today = date(2027, 1, 1)
    dies(runner, monkeypatch, 3)
    with (runner.folder / name).open("ab") as file:
        file.write(b"audience: adults\n")
    assert "was changed" in (runner.run().sources[0].error or "")


def test_a_wrong_type_and_nothing_at_all(runner: Runner, site: Site) -> None:
    site.page("/page", b"%PDF-1.7", Content_Type="application/pdf")
    assert "sends application/pdf, not text/html" in runner.error()
    assert (
        "sends text/html, not application/pdf"
        in [
            site.page("/page"),
            runner.error({"name": "page.pdf"}),
        ][1]
    )
    site.page("/page", b"", Content_Type="text/html")
    assert "sends nothing" in runner.error()


def test_robots(runner: Runner, site: Site) -> None:
    site.page("/page")
    site.page("/private/page")
    site.page("/open")
    rules = b"User-agent: *\nDisallow: /private\nCrawl-delay: 3\n"
    site.page("/robots.txt", rules, Content_Type="text/plain")
    private = {"url": f"{site.url}/private/page", "name": "private.html"}
    report = runner.fetch({}, private, {"url": f"{site.url}/open", "name": "open.html"})
    assert [s.outcome for s in report.sources] == ["new", "failed", "new"]
    assert "robots.txt" in (report.sources[1].error or "")
    assert "/private/page" not in site.paths()
    assert runner.pauses == [3.0]
    assert sum(path == "/robots.txt" for path, _ in site.asked) == 1
    # Reached by a redirect it is no less private.
    site.answers["/page"] = lambda h: h.reply(302, b"", Location="/private/page")
    assert "robots.txt" in (runner.fetch().sources[0].error or "")
    assert "/private/page" not in site.paths()
    ours = b"User-agent: TransplantAnswers\nDisallow: /\n\nUser-agent: *\nAllow: /\n"
    site.page("/robots.txt", ours)
    assert "robots.txt" in (runner.fetch().sources[0].error or "")


def test_robots_that_cannot_be_understood_forbid_everything(runner: Runner, site: Site) -> None:
    site.page("/page")
    site.page("/robots.txt", "User-agent: *\nCrawl-delay: \u00b2\n".encode())
    assert "robots.txt cannot be understood" in runner.error()
    assert site.paths() == []


@pytest.mark.parametrize("status", [401, 403, 500, 503])
def test_robots_that_cannot_be_read_forbid_everything(
    runner: Runner, site: Site, status: int
) -> None:
    site.page("/page")
    site.answers["/robots.txt"] = lambda h: h.reply(status, b"")
    assert "robots.txt cannot be read" in runner.error()
    assert site.paths() == []


def test_our_own_network_is_refused_unless_allowed(
    runner: Runner, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.page("/page")
    runner.private = False
    for host in ("127.0.0.1", "localhost", "0.0.0.0", "2130706433", "[::1]", "[::ffff:127.0.0.1]"):
        found = runner.error({"url": f"http://{host}:{site.port}/page"})
        assert "private network" in found or "cannot be" in found, host
    assert site.asked == []
    # A public name that has a private address, alone or beside a public one.
    for addresses in (["10.0.0.7"], ["93.184.215.14", "169.254.169.254"]):
        monkeypatch.setattr(
            socket,
            "getaddrinfo",
            lambda *_, found=addresses, **__: [(2, 1, 6, "", (a, 80)) for a in found],
        )
        assert "private network" in runner.error({"url": "http://leaflets.example/page"})


def test_a_redirect_into_our_own_network_is_refused(
    runner: Runner, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The test's server stands for a public one; the second look-up of the name is never made.
    monkeypatch.setattr("bot.indexing.fetching.web._public", lambda a: a == "127.0.0.1")
    runner.private = False
    site.answers["/page"] = lambda h: h.reply(302, b"", Location="http://10.1.2.3/admin")
    assert "private network (10.1.2.3)" in runner.error()


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07::1", True),
        ("::ffff:93.184.215.14", True),
        ("64:ff9b::5db8:d70e", True),
        ("10.0.0.1", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:7f00:1::", False),
    ],
)
def test_public_addresses(address: str, public: bool) -> None:
    assert _public(address) == public


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"url": "ftp://a.example/x"}, "source 1 url: write the whole address"),
        ({"url": "https://me:word@a.example/"}, "user name or password"),
        ({"name": "../page.html"}, "source 1 name"),
        ({"name": "/etc/page.html"}, "source 1 name"),
        ({"name": ".hidden.html"}, "source 1 name"),
        ({"name": "a/../../page.html"}, "source 1 name"),
        ({"name": "page.exe"}, "must end with one of"),
        ({"licence": " "}, "source 1 licence"),
        ({"licens": "CC"}, "source 1 licens: Extra inputs are not permitted"),
        ({"priority": 99}, "source 1 priority"),
    ],
)
def test_a_wrong_list_says_what_is_wrong(runner: Runner, change: dict[str, Any], says: str) -> None:
    runner.write(change)
    with pytest.raises(SourceListError, match=says) as wrong:
        read_list(runner.list)
    assert wrong.value.exit_code == 2


def test_a_list_that_is_none(runner: Runner, tmp_path: Path) -> None:
    with pytest.raises(SourceListError, match="cannot be read"):
        read_list(tmp_path / "nothing.toml")
    runner.list.write_text("[[source", "utf-8")
    with pytest.raises(SourceListError, match=r"sources\.toml"):
        read_list(runner.list)
    runner.write({}, {"name": "PAGE.html", "url": "https://a.example/"})
    with pytest.raises(SourceListError, match="listed twice"):
        read_list(runner.list)
    runner.write({}, contact="")
    with pytest.raises(SourceListError, match="contact"):
        read_list(runner.list)


def test_links_out_of_the_folder_and_a_second_run(
    runner: Runner, site: Site, tmp_path: Path
) -> None:
    site.page("/page")
    (tmp_path / "elsewhere").mkdir()
    runner.folder.mkdir(parents=True)
    (runner.folder / "sub").symlink_to(tmp_path / "elsewhere")
    report = runner.fetch({"name": "sub/page.html"})
    assert "leads out" in (report.sources[0].error or "")
    assert not list((tmp_path / "elsewhere").iterdir())
    seen: list[Exception] = []

    def second(h: Handler) -> None:
        try:
            runner.run()
        except LockHeld as error:
            seen.append(error)
        h.reply(200, PAGE)

    site.answers["/page"] = second
    assert [s.outcome for s in runner.fetch().sources] == ["new"]
    assert len(seen) == 1


@pytest.mark.timeout(600)
def test_on_the_command_line_fetched_documents_are_indexed(runner: Runner, site: Site) -> None:
    site.page("/page")
    site.answers["/gone"] = lambda h: h.reply(404, b"")
    runner.write({}, {"url": f"{site.url}/gone", "name": "gone.html"})

    def ingest(*args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(ROOT / "ingest.py"), "--from-manifest", str(runner.list), *args],
            env=os.environ
            | {"BOT_PATHS__KNOWLEDGE": str(runner.knowledge), "BOT_PATHS__VAR": str(runner.var)},
            capture_output=True,
            text=True,
            check=False,
        )

    done = ingest("--allow-private")
    assert done.returncode == 3, done.stderr
    assert "1 new, 1 failed" in done.stdout
    assert "1 added" in done.stdout
    assert "gone answers 404" in done.stderr
    assert "What to do:" in done.stderr
    refused = ingest()
    assert refused.returncode == 3
    assert "private network" in refused.stderr
    assert ingest("--dry-run").returncode == 2
