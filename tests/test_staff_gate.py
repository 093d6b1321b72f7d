"""R40: every page for staff is behind the gate, for every role; sessions, forms and sign-in."""

from __future__ import annotations

import re
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from starlette.responses import PlainTextResponse

from bot.indexing.places import withdrawals_of
from bot.review.accounts import ROLES
from bot.review.sessions import IDLE_SECONDS, WHOLE_SECONDS, Sessions
from bot.review.tries import WRONG_TRIES
from bot.settings import Web
from bot.web.staff_gate import COOKIE, FORM_COOKIE, NEEDED, Refused, gate_of
from tests.staff_site import HERE, PASSWORD, Site, post, site_at, token_in

GUIDE = "guides/types.md"
# Written anew here: what each role may open is not taken from the code that decides it.
EXPECTED = {
    ("GET", "/staff"): "viewer",
    ("POST", "/staff"): "viewer",
    ("GET", "/staff/gaps"): "viewer",
    ("GET", "/staff/documents"): "viewer",
    ("GET", "/staff/documents/{source_id:path}"): "viewer",
    ("GET", "/staff/feedback"): "viewer",
    ("GET", "/staff/feedback/shared"): "viewer",
    ("POST", "/staff/sign-out"): "viewer",
    ("GET", "/staff/withdraw"): "reviewer",
    ("POST", "/staff/withdraw"): "reviewer",
    ("GET", "/staff/restore"): "reviewer",
    ("POST", "/staff/restore"): "reviewer",
    ("GET", "/staff/audit"): "admin",
}
OPEN = {("GET", "/staff/sign-in"), ("POST", "/staff/sign-in")}
FIELDS = {
    "/staff": {"question": "types"},
    "/staff/withdraw": {"target": GUIDE, "reason": "a test"},
    "/staff/restore": {"target": GUIDE, "reason": "a test"},
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return site_at(tmp_path_factory.mktemp("staff"))


def walk(routes: Any) -> Iterator[tuple[str, str]]:
    """Every method and path of the app, also of routers inside of routers."""
    for route in routes:
        inner = getattr(route, "routes", None) or getattr(
            getattr(route, "original_router", None), "routes", None
        )
        if inner and not isinstance(route, APIRoute):
            yield from walk(inner)
        for method in getattr(route, "methods", None) or ():
            yield method, route.path


def staff_routes() -> list[tuple[str, str]]:
    app = site_at(Path(tempfile.mkdtemp()), accounts=False).app
    return sorted({(m, p) for m, p in walk(app.routes) if p.startswith("/staff") and m != "HEAD"})


ROUTES = staff_routes()


def test_the_walk_finds_every_page() -> None:
    assert set(ROUTES) == EXPECTED.keys() | OPEN
    assert {path for _, path in ROUTES} == NEEDED.keys()


def visit(site: Site, client: TestClient, method: str, path: str, token: str = "") -> int:
    address = path.replace("{source_id:path}", GUIDE)
    if method == "GET":
        query = {"target": GUIDE} if path.endswith(("withdraw", "restore")) else None
        return client.get(address, params=query).status_code
    data = {"form": token, **FIELDS.get(path, {})}
    return client.post(address, data=data, headers=HERE).status_code


@pytest.fixture(autouse=True)
def look_always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.withdrawals._LOOK_EVERY_SECONDS", 0.0)


@pytest.mark.parametrize(("method", "path"), [r for r in ROUTES if r not in OPEN])
@pytest.mark.parametrize("who", ["nobody", *ROLES, "tampered", "idle", "too long"])
def test_every_route_for_everybody(site: Site, method: str, path: str, who: str) -> None:
    withdrawals = withdrawals_of(site.settings)
    if path == "/staff/restore":
        withdrawals.withdraw(GUIDE, None, reason="a test", by="test")
    else:
        withdrawals.restore(GUIDE, reason="a test", by="test")
    before = withdrawals.items()
    token = ""
    match who:
        case "nobody":
            text = ""
        case "tampered":
            text = site.session("admin").replace(".", "x.", 1)
        case "idle":
            text = site.session("admin", used=IDLE_SECONDS + 5)
        case "too long":
            text = too_long(site)
        case _:
            text = site.session(who)
            session = Sessions(site.accounts).read(text)
            assert session
            token = Sessions(site.accounts).form_token(session.session_id)
    client = site.visitor(cookies={COOKIE: text} if text else None)
    status = visit(site, client, method, path, token)
    if who not in ROLES:
        assert status == 401
    elif not may(who, EXPECTED[method, path]):
        assert status == 403
    else:
        changes = method == "POST" and path != "/staff"
        assert status == (303 if changes else 200)
    changed = status == 303 and path in ("/staff/restore", "/staff/withdraw")
    assert (withdrawals.items() != before) is changed


def may(role: str, needed: str) -> bool:
    order = ["viewer", "reviewer", "admin"]
    return order.index(role) >= order.index(needed)


def test_a_route_that_the_table_does_not_name_is_for_nobody(site: Site) -> None:
    gate = gate_of(Sessions(site.accounts), production=False)
    router = APIRouter(dependencies=[Depends(gate)])

    @router.get("/staff/new")
    def new() -> str:
        return "secret"

    app = FastAPI()
    app.include_router(router)
    app.add_exception_handler(Refused, lambda _, e: PlainTextResponse(str(e), e.status))  # type: ignore[attr-defined]
    for text, status in (("", 401), (site.session("admin"), 403)):
        client = TestClient(app, cookies={COOKIE: text} if text else None)
        assert client.get("/staff/new").status_code == status


def too_long(site: Site) -> str:
    """A session that was used just now, and began too long ago."""
    account = site.accounts.find("admin")
    assert account
    sessions = Sessions(site.accounts, now=lambda: time.time() - WHOLE_SECONDS - 5)
    begun = sessions.begin(account)
    return sessions.text(replace(begun, seen=time.time()))


def test_without_accounts_there_are_no_pages_until_one_is_made(tmp_path: Path) -> None:
    site = site_at(tmp_path, accounts=False)
    client = site.visitor()
    for method, path in ROUTES:
        assert visit(site, client, method, path) == 404, (method, path)
    for page in ("/chat/", "/plain", "/about", "/library"):
        assert "/staff" not in client.get(page).text
    site.accounts.add("Ann", "viewer", PASSWORD)
    assert client.get("/staff").status_code == 401
    assert client.get("/staff/sign-in").status_code == 200
    site.accounts.remove("Ann")
    assert client.get("/staff").status_code == 404


def test_a_damaged_file_of_accounts_shuts_everything(tmp_path: Path) -> None:
    site = site_at(tmp_path)
    client = site.signed_in("admin")
    site.accounts.path.write_text("{}", "utf-8")
    for path in ("/staff", "/staff/sign-in", "/staff/documents"):
        assert client.get(path).status_code == 503
    assert client.get("/plain").status_code == 200


# Signing in and out.


def test_sign_in_use_and_sign_out(tmp_path: Path) -> None:
    site = site_at(tmp_path)
    client = site.visitor()
    done = post(client, "/staff/sign-in", name="Reviewer", password=PASSWORD)
    assert (done.status_code, done.headers["location"]) == (303, "/staff")
    page = client.get("/staff")
    assert page.status_code == 200
    assert "reviewer, reviewer" in page.text
    kept = client.cookies[COOKIE]
    out = client.post("/staff/sign-out", data={"form": token_in(page.text)}, headers=HERE)
    assert (out.status_code, out.headers["location"]) == (303, "/staff/sign-in")
    assert COOKIE not in client.cookies
    assert client.get("/staff").status_code == 401
    again = site.visitor(cookies={COOKIE: kept})
    assert again.get("/staff").status_code == 401, "a copy of the cookie still works"
    assert [(e["action"], e["by"]) for e in site.audit()] == [
        ("sign-in", "reviewer"),
        ("sign-out", "reviewer"),
    ]


@pytest.mark.parametrize(
    ("address", "web", "secure"),
    [
        ("http://chat.example", Web(), False),
        ("https://chat.example", Web(), True),
        ("http://chat.example", Web(production=True), True),
    ],
)
def test_cookies_are_strict(tmp_path: Path, address: str, web: Web, secure: bool) -> None:
    site = site_at(tmp_path, web=web)
    client = site.visitor(base_url=address)
    first = client.get("/staff/sign-in")
    data = {"form": token_in(first.text), "name": "viewer", "password": PASSWORD}
    cookie = {FORM_COOKIE: first.cookies.get(FORM_COOKIE) or _value(first)}
    done = site.visitor(base_url=address, cookies=cookie).post(
        "/staff/sign-in", data=data, headers=HERE
    )
    assert done.status_code == 303
    for response in (first, done):
        said = response.headers["set-cookie"].lower()
        assert "httponly" in said
        assert "samesite=strict" in said
        assert "path=/staff" in said
        assert ("secure" in said) is secure
        assert "max-age" not in said
        assert "expires" not in said


def _value(response: Any) -> str:
    return re.match(r"[^=]+=([^;]+)", response.headers["set-cookie"])[1]  # type: ignore[index]


def test_behind_a_trusted_proxy_the_cookie_is_secure(tmp_path: Path) -> None:
    said = {"x-forwarded-proto": "https", "x-forwarded-for": "10.1.1.1"}
    for proxies, secure in ((("127.0.0.1",), True), ((), False)):
        site = site_at(tmp_path / str(secure), web=Web(trusted_proxies=proxies))
        client = site.visitor(client=("127.0.0.1", 1234))
        cookie = client.get("/staff/sign-in", headers=said).headers["set-cookie"]
        assert ("secure" in cookie.lower()) is secure


def test_wrong_name_and_wrong_password_get_the_same_answer(tmp_path: Path) -> None:
    site = site_at(tmp_path)
    pages = []
    for name in ("viewer", "nobody"):
        client = site.visitor()
        wrong = post(client, "/staff/sign-in", name=name, password="not the password")
        assert wrong.status_code == 401
        assert COOKIE not in client.cookies
        html = wrong.text.replace(f'value="{name}"', "")
        pages.append(re.sub(r'name="form" value="[^"]*"', "", html))
    assert pages[0] == pages[1]
    assert "not the password" not in pages[0]
    lines = [(e["action"], e["by"], e["target"]) for e in site.audit()]
    assert lines == [
        ("sign-in failed", "viewer", "viewer"),
        ("sign-in failed", "unknown name", "unknown name"),
    ]


def test_after_five_wrong_tries_the_right_password_has_to_wait(tmp_path: Path) -> None:
    site = site_at(tmp_path)
    here = site.visitor(client=("10.0.0.1", 1))
    for _ in range(WRONG_TRIES):
        wrong = post(here, "/staff/sign-in", name="viewer", password="wrong wrong wrong")
        assert wrong.status_code == 401
    for name, address, status in (
        ("viewer", "10.0.0.1", 429),
        ("viewer", "10.0.0.2", 429),
        ("admin", "10.0.0.1", 429),
        ("admin", "10.0.0.2", 303),
    ):
        client = site.visitor(client=(address, 1))
        done = post(client, "/staff/sign-in", name=name, password=PASSWORD)
        assert done.status_code == status, (name, address)
        assert ("retry-after" in done.headers) is (status == 429)
    assert [e["action"] for e in site.audit()] == ["sign-in failed"] * WRONG_TRIES + ["sign-in"]


def test_a_rush_of_sign_ins_leaves_the_threads_to_patients(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_go, begun = threading.Event(), threading.Event()

    def slow(password: str, kept: object) -> bool:
        begun.set()
        return let_go.wait(20)

    monkeypatch.setattr("bot.web.staff_signing.matches", slow)
    rush = 12

    def sign_in(_: int) -> int:
        return int(post(site.visitor(), "/staff/sign-in", name="viewer", password="x").status_code)

    with ThreadPoolExecutor(rush) as pool:
        waiting = [pool.submit(sign_in, n) for n in range(rush)]
        assert begun.wait(20)
        turned_away = 0
        for done in as_completed(waiting, timeout=30):
            assert done.result() == (503 if turned_away < rush - 4 else 303)
            turned_away += done.result() == 503
            if turned_away == rush - 4:
                let_go.set()
    assert turned_away == rush - 4


def test_a_used_session_is_prolonged_and_a_changed_account_is_out(tmp_path: Path) -> None:
    site = site_at(tmp_path)
    client = site.visitor(cookies={COOKIE: site.session("viewer", used=1000)})
    page = client.get("/staff/gaps")
    session = Sessions(site.accounts).read(_value(page))
    assert session
    assert time.time() - session.seen < 60
    assert time.time() - session.begun > 900
    site.accounts.set_role("viewer", "admin")
    assert client.get("/staff/gaps").status_code == 401


# Forms.


@pytest.mark.parametrize(
    ("headers", "good"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"origin": "http://testserver"}, True),
        ({"sec-fetch-site": "cross-site", "origin": "http://testserver"}, False),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"origin": "https://evil.example"}, False),
        ({"origin": "null"}, False),
        ({"origin": ""}, False),
        ({}, False),
    ],
)
def test_forms_come_from_our_own_pages(site: Site, headers: dict[str, str], good: bool) -> None:
    client = site.signed_in("reviewer")
    data = {"form": token_in(client.get("/staff").text), "question": "types"}
    assert client.post("/staff", data=data, headers=headers).status_code == (200 if good else 403)


def test_a_form_without_the_sessions_own_token_does_nothing(site: Site) -> None:
    client, other = site.signed_in("reviewer"), site.signed_in("reviewer")
    foreign = token_in(other.get("/staff").text)
    signing = token_in(site.visitor().get("/staff/sign-in").text)
    for token in ("", "x", foreign, signing):
        data = {"form": token, "question": "types"}
        refused = client.post("/staff", data=data, headers=HERE)
        assert refused.status_code == 403
        assert "two main types" not in refused.text


def test_nobody_can_be_signed_in_by_a_foreign_form(site: Site) -> None:
    """Without the token of their own browser, a person could be led into another's account."""
    token = token_in(site.visitor().get("/staff/sign-in").text)
    data = {"form": token, "name": "viewer", "password": PASSWORD}
    for cookies in (None, {FORM_COOKIE: "visitor-another"}):
        client = site.visitor(cookies=cookies)
        assert client.post("/staff/sign-in", data=data, headers=HERE).status_code == 403


# Headers.


@pytest.mark.parametrize("path", sorted(p for m, p in ROUTES if m == "GET"))
def test_no_page_is_stored_framed_or_told_to_others(tmp_path: Path, path: str) -> None:
    site = site_at(tmp_path, web=Web(frame_ancestors=("https://portal.example",)))
    for client in (site.signed_in("admin"), site.visitor()):
        headers = client.get(path.replace("{source_id:path}", GUIDE)).headers
        assert headers["cache-control"] == "no-store"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "same-origin"
    assert "portal.example" in client.get("/plain").headers["content-security-policy"]
