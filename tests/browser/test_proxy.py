"""The sample site of deploy/nginx.conf with a real nginx in front of the app. Where there is no
nginx on the machine these tests are skipped."""

from __future__ import annotations

import contextlib
import datetime
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from playwright.sync_api import Playwright, expect

from tests.browser.conftest import ROOT, free_port, launched, scripted_app, serving_scripted

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
NAME = "answers.clinic.example"
PER_MINUTE = 3

pytestmark = pytest.mark.skipif(
    not Path(NGINX).exists(), reason="there is no nginx on this machine"
)


def write_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    pem = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    (folder / "fullchain.pem").write_bytes(pem)
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


@contextlib.contextmanager
def nginx(folder: Path, app_port: int) -> Iterator[tuple[int, int]]:
    """The sample site on free ports in front of `app_port`; its ports for http and https."""
    plain, secure = free_port(), free_port()
    write_certificate(folder)
    site = (ROOT / "deploy" / "nginx.conf").read_text("utf-8")
    for old, new in (
        ("listen 80;", f"listen 127.0.0.1:{plain};"),
        ("listen 443 ", f"listen 127.0.0.1:{secure} "),
        ("127.0.0.1:7860", f"127.0.0.1:{app_port}"),
        ("/etc/ssl/answers.clinic.example/", f"{folder}/"),
        ("/var/log/nginx/transplant-answers.log", f"{folder}/site.log"),
    ):
        assert old in site
        site = site.replace(old, new)
    site = re.sub(r"^ *listen \[::\]:.*\n", "", site, flags=re.MULTILINE)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/log; events {{}}"
        f" http {{ {places}\n{site} }}",
        "utf-8",
    )
    process = subprocess.Popen([NGINX, "-p", folder, "-c", folder / "nginx.conf"])
    try:
        deadline = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", secure)).close()
                break
            assert process.poll() is None, "nginx did not start"
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield plain, secure
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, int]]:
    folder = tmp_path_factory.mktemp("proxy")
    web = {"trusted_proxies": ["127.0.0.1"], "requests_per_minute": PER_MINUTE}
    app = scripted_app(folder, web=web)
    with serving_scripted(folder, app), nginx(folder, app["port"]) as found:
        yield found


class Asking:
    """A client of the site at an address of its own."""

    def __init__(self, port: int, address: str) -> None:
        self.name = f"{NAME}:{port}"
        self.client = httpx.Client(
            base_url=f"https://127.0.0.1:{port}",
            headers={"host": self.name},
            transport=httpx.HTTPTransport(verify=False, local_address=address),
        )

    def get(self, path: str, name: str = NAME, **headers: str) -> httpx.Response:
        said = {"extensions": {"sni_hostname": name}}
        return self.client.get(path, headers=headers, **said)  # type: ignore[arg-type]

    def ask(self, **headers: str) -> int:
        said = {"extensions": {"sni_hostname": NAME}}
        body = {"question": "types"}
        found = self.client.post("/api/v1/ask", json=body, headers=headers, **said)  # type: ignore[arg-type]
        return found.status_code


def test_chat_works_over_https_and_asks_no_other_address(
    driver: Playwright, ports: tuple[int, int]
) -> None:
    browser = launched(
        driver,
        "--ignore-certificate-errors",
        f"--host-resolver-rules=MAP {NAME} 127.0.0.1",
    )
    page = browser.new_page()
    asked: list[str] = []
    problems: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    page.goto(f"https://{NAME}:{ports[1]}/chat/")
    page.get_by_label("Your question").fill("What are the two types?")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("ol.sources > li")).to_have_count(5)
    assert not problems
    assert {url for url in asked if not url.startswith(f"https://{NAME}:{ports[1]}/")} == set()
    browser.close()


def test_each_address_has_its_own_limit_and_cannot_write_another(ports: tuple[int, int]) -> None:
    one, other = (Asking(ports[1], address) for address in ("127.0.0.2", "127.0.0.3"))
    assert [one.ask() for _ in range(PER_MINUTE + 1)] == [200] * PER_MINUTE + [429]
    assert one.ask(**{"X-Forwarded-For": "203.0.113.9"}) == 429
    assert other.ask() == 200


def test_app_knows_that_it_is_reached_by_https_and_by_which_name(ports: tuple[int, int]) -> None:
    asking = Asking(ports[1], "127.0.0.4")
    for forged in ({}, {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"}):
        page = asking.get("/chat/", **forged)
        assert re.findall(r'"root": ?"([^"]*)"', page.text) == [f"https://{asking.name}/chat"]
        assert len(page.headers.get_list("content-security-policy")) == 1
    moved = httpx.get(f"http://127.0.0.1:{ports[0]}/library?lang=es", headers={"host": NAME})
    assert moved.headers["location"] == f"https://{NAME}/library?lang=es"


def test_other_name_gets_nothing(ports: tuple[int, int]) -> None:
    with pytest.raises(httpx.ConnectError):
        Asking(ports[1], "127.0.0.5").get("/chat/", name="other.example")


def test_while_the_app_is_down_the_proxy_says_whom_to_call(tmp_path: Path) -> None:
    with nginx(tmp_path, free_port()) as (_, secure):
        page = Asking(secure, "127.0.0.6").get("/chat/")
    assert page.status_code == 503
    assert page.headers["retry-after"] == "30"
    assert 'href="tel:+15550100"' in page.text
    assert "emergency number" in page.text
