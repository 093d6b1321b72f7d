"""A regression test for each trap of Gradio in REQUIREMENTS 1.0, and the headers of R33."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import ValidationError

from bot.errors import SettingsError
from bot.settings import ContactSettings, Settings, Web
from bot.web.factory import create_app
from bot.web.security import gradio_allows
from bot.web.startup import check_startup
from tests.scripted_bot import ScriptedBot

ROOT = Path(__file__).resolve().parent.parent


def client_for(**web: Any) -> TestClient:
    settings = Settings(web=Web(**web), contact=ContactSettings(phone="555-0100"))
    app = create_app(settings, ScriptedBot())
    return TestClient(app, base_url="http://chat.clinic.example", raise_server_exceptions=False)


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with client_for() as client:
        yield client


# What Gradio offers and the chat does not use. Each would be reachable without the gate.
SHUT = [
    ("POST", "/chat/gradio_api/upload"),
    ("GET", "/chat/gradio_api/upload_progress?upload_id=x"),
    ("GET", "/chat/gradio_api/runs"),
    ("GET", "/chat/gradio_api/run-history/records"),
    ("GET", "/chat/gradio_api/deep_link?session_hash=x"),
    ("GET", "/chat/gradio_api/proxy=https://example.org/"),
    ("GET", "/chat/gradio_api/file=/etc/passwd"),
    ("GET", "/chat/gradio_api/file/etc/passwd"),
    ("GET", "/chat/file=/etc/passwd"),
    ("GET", "/chat/monitoring"),
    ("GET", "/chat/monitoring/summary"),
    ("GET", "/chat/gradio_api/info"),
    ("GET", "/chat/gradio_api/openapi.json"),
    ("GET", "/chat/openapi.json"),
    ("GET", "/chat/docs"),
    ("POST", "/chat/gradio_api/call/ask"),
    ("POST", "/chat/gradio_api/run/ask"),
    ("POST", "/chat/gradio_api/api/ask"),
    ("POST", "/chat/gradio_api/component_server"),
    ("POST", "/chat/gradio_api/process_recording"),
    ("POST", "/chat/gradio_api/vibe-edit"),
    ("GET", "/chat/gradio_api/custom_component/x/client/component/index.js"),
    ("GET", "/chat/gradio_api/stream/a/b/c/playlist.m3u8"),
    ("POST", "/chat/login"),
    ("GET", "/chat/logout"),
    ("GET", "/chat/gradio_api/token"),
    ("GET", "/chat/config"),
    ("GET", "/chat/svelte/x"),
    ("GET", "/chat/assets/../../routes.py"),
    ("GET", "/chat/assets/%2e%2e/%2e%2e/routes.py"),
    ("PUT", "/chat/"),
]


@pytest.mark.parametrize(("method", "path"), SHUT)
def test_gradio_routes_that_the_chat_does_not_use_are_shut(
    client: TestClient, method: str, path: str
) -> None:
    response = client.request(method, path)
    assert response.status_code == 404
    assert "This page does not exist" in response.text, "the gate answers, not Gradio"


def test_gate_lets_the_chat_work() -> None:
    for method, path in [
        ("GET", "/"),
        ("GET", "/theme.css"),
        ("GET", "/assets/index-x.js"),
        ("GET", "/static/js/x.js"),
        ("GET", "/gradio_api/heartbeat/abc"),
        ("GET", "/gradio_api/queue/data"),
        ("POST", "/gradio_api/queue/join"),
    ]:
        assert gradio_allows(method, path)


def test_no_file_is_stored_by_an_upload(client: TestClient) -> None:
    response = client.post("/chat/gradio_api/upload", files={"files": ("a.txt", b"x")})
    assert response.status_code == 404


@pytest.mark.parametrize("path", ["/chat/", "/healthz", "/api/v1/openapi.json", "/chat/theme.css"])
def test_unknown_origin_gets_no_cors_header(client: TestClient, path: str) -> None:
    response = client.get(path, headers={"Origin": "https://evil.example"})
    assert response.status_code == 200
    assert "access-control-allow-origin" not in response.headers
    assert "access-control-allow-credentials" not in response.headers


def test_preflight_of_an_unknown_origin_is_refused(client: TestClient) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    response = client.options("/api/v1/ask", headers=asked)
    assert response.status_code == 400
    assert "access-control-allow-origin" not in response.headers


def test_allowed_origin_may_call_and_another_may_not() -> None:
    with client_for(allowed_origins=("https://portal.example",)) as client:
        good = client.get("/healthz", headers={"Origin": "https://portal.example"})
        assert good.headers["access-control-allow-origin"] == "https://portal.example"
        for bad in ("https://portal.example.evil.com", "http://portal.example", "null"):
            response = client.get("/chat/", headers={"Origin": bad})
            assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize("path", ["/chat/", "/plain", "/about", "/healthz", "/nowhere"])
def test_headers_are_on_every_response_and_no_cookie_is(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "camera=()" in headers["permissions-policy"]
    assert headers["cache-control"] == "no-store"
    assert "set-cookie" not in headers
    assert "strict-transport-security" not in headers


@pytest.mark.parametrize("path", ["/chat/", "/plain", "/sources/guides/types.md"])
def test_policy_names_no_host_and_forbids_evaluating_strings(client: TestClient, path: str) -> None:
    policy = client.get(path).headers["content-security-policy"]
    script = re.search(r"script-src ([^;]*)", policy)
    assert script
    assert "unsafe" not in script[1]
    assert "://" not in policy
    assert "*" not in policy
    assert "default-src 'none'" in policy


def test_default_is_that_nobody_may_frame_the_page(client: TestClient) -> None:
    headers = client.get("/chat/").headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-frame-options"] == "DENY"


def test_listed_origin_may_frame_the_page() -> None:
    with client_for(frame_ancestors=("https://portal.example",)) as client:
        headers = client.get("/chat/").headers
        policy = headers["content-security-policy"]
        assert policy.endswith("frame-ancestors https://portal.example")
        assert "x-frame-options" not in headers, "it cannot list origins and would contradict"


def test_live_service_sends_hsts() -> None:
    with client_for(production=True) as client:
        assert "max-age=" in client.get("/chat/").headers["strict-transport-security"]


@pytest.mark.parametrize("origin", ["https://a.example; script-src *", "https://a.example *", "*"])
def test_origin_that_would_change_the_policy_is_refused(origin: str) -> None:
    with pytest.raises(ValidationError):
        Web(frame_ancestors=(origin,))


def test_page_carries_nothing_of_gradio_and_no_other_host(client: TestClient) -> None:
    html = client.get("/chat/").text
    # The namespaces in the config and the file's own comments are no addresses that load.
    tags = re.findall(r"<(?:script|link|img|meta|iframe)\b[^>]*>", html)
    assert tags
    assert not [tag for tag in tags if "//" in tag or "og:" in tag or "twitter:" in tag]
    assert 'rel="manifest"' not in html


def test_every_script_has_the_nonce_of_this_response(client: TestClient) -> None:
    seen = set()
    for _ in range(2):
        response = client.get("/chat/")
        nonce = re.search(r"'nonce-([^']+)'", response.headers["content-security-policy"])
        assert nonce
        scripts = re.findall(r"<script\b[^>]*>", response.text)
        assert len(scripts) >= 4
        assert all(f'nonce="{nonce[1]}"' in tag for tag in scripts)
        seen.add(nonce[1])
    assert len(seen) == 2


def test_chat_is_configured_as_the_requirements_say(client: TestClient) -> None:
    from gradio import analytics

    assert analytics.analytics_enabled() is False
    mounted = next(r for r in client.app.routes if getattr(r, "path", "") == "/chat")  # type: ignore[attr-defined]
    blocks = mounted.app.get_blocks()
    assert blocks.run_history is False
    assert blocks.show_error is False
    assert blocks.ssr_mode is False
    assert blocks.footer_links == []
    assert blocks.enable_monitoring is False
    assert blocks.auth is None
    assert blocks.max_file_size == 1024
    assert blocks.allowed_paths == []
    config = blocks.config
    assert [d["api_visibility"] for d in config["dependencies"]] == ["private"] * len(
        config["dependencies"]
    )
    assert not [d for d in config["dependencies"] if d["js"]], "js= evaluates strings"
    assert not [c for c in config["components"] if c["type"] == "html"], "so does gr.HTML"
    chatbot = next(c["props"] for c in config["components"] if c["type"] == "chatbot")
    assert chatbot["sanitize_html"] is True
    assert chatbot["allow_tags"] is False
    assert chatbot["latex_delimiters"] == []


def test_importing_the_chat_turns_analytics_off_before_gradio_loads() -> None:
    code = (
        "import sys; import bot.web.chat, gradio; from gradio import analytics;"
        "print(analytics.analytics_enabled())"
    )
    env = {"PATH": "/usr/bin:/bin", "GRADIO_ANALYTICS_ENABLED": "True"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True
    )
    assert done.stdout.strip() == "False"


def test_page_says_its_language(client: TestClient) -> None:
    for path in ("/chat/", "/plain", "/about"):
        assert re.search(r'<html\s+lang="en"', client.get(path).text)


def test_page_shows_notice_and_contact_without_any_script(client: TestClient) -> None:
    html = client.get("/chat/").text
    before = html[: html.index("<gradio-app")]
    assert "Automated information tool, not a person, not medical advice." in before
    assert "Nobody watches this chat." in before
    assert 'href="tel:5550100"' in before
    assert re.search(r"<h1[^>]*>[^<]+</h1>", before)
    assert "/plain" in re.search(r"<noscript>.*?</noscript>", before, re.DOTALL)[0]  # type: ignore[index]


def test_chat_page_takes_no_query(client: TestClient) -> None:
    """A deep link in the address would load a stored conversation."""
    plain = client.get("/chat/").text
    linked = client.get("/chat/?deep_link=../../x&view=api").text
    assert '"deep_link_state":"none"' in plain.replace(" ", "")
    assert '"deep_link_state":"none"' in linked.replace(" ", "")


def test_body_above_the_limit_is_413_with_contact() -> None:
    with client_for(max_body_bytes=2048) as client:
        page = client.post("/plain", data={"question": "a" * 3000})
        assert page.status_code == 413
        assert "tel:5550100" in page.text
        api = client.post("/api/v1/ask", json={"question": "a" * 3000})
        assert api.status_code == 413
        assert api.json()["contact"]["phone"] == "555-0100"
        chat = client.post("/chat/gradio_api/queue/join", content=b"x" * 3000)
        assert chat.status_code == 413


def test_body_without_a_length_is_counted() -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(10):
            yield b"x" * 1000

    with client_for(max_body_bytes=2048) as client:
        assert client.post("/plain", content=chunks()).status_code == 413


def test_live_service_without_a_phone_does_not_start() -> None:
    with pytest.raises(SettingsError, match="BOT_CONTACT__PHONE"):
        create_app(Settings(web=Web(production=True)), ScriptedBot())
    with pytest.raises(SettingsError, match="BOT_CONTACT__PHONE"):
        check_startup(Settings(web=Web(production=True), contact=ContactSettings(phone="  ")))


def test_refusal_to_start_is_a_message_and_not_a_trace() -> None:
    env = {"PATH": "/usr/bin:/bin", "BOT_WEB__PRODUCTION": "1"}
    done = subprocess.run(
        [sys.executable, "app.py"], cwd=ROOT, capture_output=True, text=True, env=env, check=False
    )
    assert done.returncode == SettingsError.exit_code
    assert done.stderr.startswith("Error: BOT_CONTACT__PHONE is empty.")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("given", "used"), [({}, 1), ({"OMP_NUM_THREADS": "2"}, 2)])
def test_served_with_one_thread_of_the_model_unless_told_otherwise(
    given: dict[str, str], used: int, tmp_path: Path
) -> None:
    env = {"PATH": "/usr/bin:/bin", "BOT_PATHS__VAR": str(tmp_path), **given}
    code = "import app, torch; print(torch.get_num_threads())"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, env=env, check=True
    )
    assert int(done.stdout) == used


@pytest.mark.parametrize("name", ["LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2"])
def test_tracing_to_outside_stops_the_start(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "true")
    with pytest.raises(SettingsError, match=name):
        create_app(Settings(), ScriptedBot())
    monkeypatch.setenv(name, "false")
    check_startup(Settings())
