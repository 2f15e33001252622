"""What stands before every route, tried from outside over real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from plugins.platforms.web.guard.headers import HEADERS
from plugins.platforms.web.guard.size import MAX_BODY, MAX_HEADERS
from tests.house import House
from tests.plugins.platforms.web.served import served

TALK = {"person": "minji", "scopes": ["talk", "log"]}
HELLO = {"person": "minji", "text": "안녕"}
PATHS = ("/health", "/metrics", "/docs", "/openapi.json", "/api/consent", "/api/emotions", "/nothing", "/api/messages")


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with served(tmp_path) as (_, client):
        yield client


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "evil.example:8080", "[::1", "", "localhost@evil"]
)
async def test_a_name_that_somebody_pointed_at_this_machine_opens_nothing(client: httpx.AsyncClient, host: str) -> None:
    for method, path in (("GET", "/health"), ("POST", "/api/messages"), ("GET", "/api/person/minji/export")):
        response = await client.request(method, path, headers={"Host": host})
        assert (response.status_code, response.json()["error"]) == (421, "unknown_host")


@pytest.mark.parametrize("host", ["localhost:9999", "LOCALHOST", "127.0.0.1", "[::1]:80"])
async def test_this_machines_own_names_are_known_on_any_port(client: httpx.AsyncClient, host: str) -> None:
    assert (await client.get("/health", headers={"Host": host})).status_code == 200


async def test_names_of_the_operators_are_known_and_need_a_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAUM_API_TOKEN", "secret")
    async with served(tmp_path, options={"hosts": ("maum.example",)}) as (_, client):
        for host, status in (
            ("maum.example", 200),
            ("MAUM.example:443", 200),
            ("127.0.0.1", 200),
            ("other.example", 421),
        ):
            assert (await client.get("/health", headers={"Host": host})).status_code == status
        for path in ("/metrics", "/docs", "/openapi.json"):
            assert (await client.get(path)).status_code == 401
            assert (await client.get(path, headers={"Authorization": "Bearer secret"})).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://[::1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_another_sites_page_can_change_nothing(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    plain = {"Content-Type": "text/plain"}  # what a form can send without being asked first
    for path in ("/api/consent", "/predict", "/predict-again", "/api/person/minji/forget", "/api/person/minji/pause"):
        response = await client.post(path, content=b"{}", headers=headers | plain)
        assert (response.status_code, response.json()["error"]) == (403, "foreign_origin")
    asked_first = await client.options("/api/consent", headers=headers | {"Access-Control-Request-Method": "POST"})
    assert "access-control-allow-origin" not in asked_first.headers


async def test_our_own_page_and_programs_without_one_may_ask(client: httpx.AsyncClient) -> None:
    own = str(client.base_url).rstrip("/")
    for headers in ({}, {"Origin": own}, {"Sec-Fetch-Site": "same-origin"}):
        assert (await client.post("/api/consent", json=TALK, headers=headers)).status_code == 200


async def test_a_body_that_is_too_large_is_refused_before_it_is_read(client: httpx.AsyncClient) -> None:
    async def pieces() -> AsyncIterator[bytes]:  # it does not say how much it will be
        for _ in range(MAX_BODY // 65_536 + 2):
            yield b"x" * 65_536

    for path in ("/api/messages", "/predict", "/api/classify", "/nothing"):
        for body in (b"x" * (MAX_BODY + 1), pieces()):
            response = await client.post(path, content=body, headers={"Connection": "close"})
            assert (response.status_code, response.json()["error"]) == (413, "too_large")
    assert (await client.post("/api/consent", json=TALK)).status_code == 200


async def test_headers_that_are_too_large_are_refused(client: httpx.AsyncClient) -> None:
    assert (await client.get("/health", headers={"X-Much": "x" * (MAX_HEADERS // 2)})).status_code == 200
    assert (await client.get("/health", headers={"X-Much": "x" * MAX_HEADERS})).status_code == 431
    assert (await client.get("/health?" + "x" * MAX_HEADERS)).status_code == 431


async def test_one_address_may_ask_only_so_often_and_another_is_not_disturbed(tmp_path: Path) -> None:
    async with served(tmp_path, options={"per_minute": 12}) as (_, client):
        statuses = [(await client.get("/health")).status_code for _ in range(3)]
        assert statuses == [200, 200, 429]
        refused = await client.post("/api/messages", json=HELLO, headers={"Accept-Language": "en"})
        assert refused.json()["message"].startswith("One moment")
        assert 0 < int(refused.headers["Retry-After"]) < 60
        async with httpx.AsyncClient(
            base_url=client.base_url, transport=httpx.AsyncHTTPTransport(local_address="127.0.0.2")
        ) as other:
            assert (await other.get("/health")).status_code == 200


async def test_only_a_named_proxy_is_believed_about_whom_it_speaks_for(tmp_path: Path) -> None:
    forwarded = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"}
    for proxies, secure in (((), False), (("127.0.0.1",), True)):
        async with served(tmp_path, options={"proxies": proxies, "per_minute": 12}) as (_, client):
            first = await client.post("/predict", json={"text": "안녕"}, headers=forwarded)
            assert ("; Secure" in first.headers["set-cookie"]) == secure
            assert "HttpOnly" in first.headers["set-cookie"]
            await client.get("/health", headers=forwarded)
            assert (await client.get("/health")).status_code == (200 if secure else 429)


@pytest.mark.parametrize("path", PATHS)
async def test_every_answer_says_what_a_browser_may_do_with_it(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(path, headers={"X-Forwarded-Prefix": "//evil.example"})
    for name, value in HEADERS.items():
        assert response.headers[name] == value
    policy = response.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "base-uri 'none'" in policy
    assert ("script-src" in policy) == (path == "/docs")
    assert response.headers["cache-control"] == "no-store"
    assert "server" not in response.headers
    assert "evil" not in response.text


async def test_an_export_that_is_looked_at_can_neither_run_nor_load_anything(client: httpx.AsyncClient) -> None:
    await client.post("/api/consent", json=TALK)
    await client.post("/api/messages", json=HELLO | {"text": "<script>alert(1)</script>=1+1"})
    html = await client.get("/api/person/minji/export?form=html")
    assert "<script" not in html.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html.text
    policy = html.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy


async def test_what_is_not_there_is_said_in_the_callers_language(client: httpx.AsyncClient) -> None:
    for language, words in (("ko", "여기에는 아무것도 없어."), ("en", "There is nothing here.")):
        missing = await client.get("/nothing", headers={"Accept-Language": language})
        assert (missing.status_code, missing.json()["message"]) == (404, words)
    page = await client.get("/nothing", headers={"Accept": "text/html", "Accept-Language": "ko"})
    assert page.headers["content-type"].startswith("text/html")
    assert "여기에는 아무것도 없어." in page.text
    assert "<script" not in page.text
    assert (await client.put("/api/consent", json={})).json()["error"] == "bad_method"


async def test_a_failure_of_ours_says_nothing_of_its_cause(tmp_path: Path) -> None:
    async with served(tmp_path, consent={"default": "trusted"}) as (house, client):
        await _break(house)
        failed = await client.post("/api/messages", json=HELLO)
        assert (failed.status_code, set(failed.json())) == (500, {"error", "message"})
        assert failed.json()["error"] == "failed"
        assert "sql" not in failed.text.lower()
        assert failed.headers["x-content-type-options"] == "nosniff"


async def _break(house: House) -> None:
    """A table is gone from under the running bot."""
    import sqlalchemy as sa

    async def drop(connection: object) -> None:
        await connection.execute(sa.text("DROP TABLE people"))  # type: ignore[attr-defined]

    await house.app.desk.people.database.write(drop)
