"""Pages behind a password: what a stranger sees, getting in, and out again in every tab."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from plugins.platforms.web.guard.login import COOKIE
from tests.plugins.platforms.web.pages.visitor import Visitor
from tests.plugins.platforms.web.server import PASSWORD, Server

PAGE = {"Accept": "text/html"}


@pytest.fixture
def client(guarded: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=guarded.url, timeout=60) as client:
        yield client


def _enter(client: httpx.Client, password: str = PASSWORD, **headers: str) -> httpx.Response:
    return client.post("/login", data={"password": password}, headers=headers)


@pytest.mark.parametrize(
    "path", ["/", "/?next=https://evil.example", "/nothing", "//evil.example", "/_nicegui/x", "/docs"]
)
def test_a_stranger_is_led_to_the_login_and_nowhere_else(client: httpx.Client, path: str) -> None:
    response = client.get(client.base_url.join("/").copy_with(raw_path=path.encode()), headers=PAGE)
    assert (response.status_code, response.headers["location"]) == (303, "/login")
    assert "maum=" not in response.headers.get("set-cookie", "")


@pytest.mark.parametrize(
    "path", ["/_nicegui_ws/socket.io/?EIO=4&transport=polling", "/openapi.json", "/metrics", "/fresh", "/logout"]
)
def test_a_strangers_program_is_refused(client: httpx.Client, path: str) -> None:
    assert client.post(path).status_code == 401
    assert client.post(path, headers={"Authorization": "Bearer x"}).status_code == 401


def test_what_is_open_stays_open(client: httpx.Client) -> None:
    assert client.get("/health").status_code == 200
    assert client.get("/maum-static/plain.css").status_code == 200
    assert client.get("/api/consent").status_code == 200, "REST on this machine's own address needs no token"


def test_the_session_is_out_of_reach_and_leads_to_the_chat_only(client: httpx.Client) -> None:
    response = client.post("/login?next=https://evil.example", data={"password": PASSWORD, "next": "//evil.example"})
    assert (response.status_code, response.headers["location"]) == (303, "/")
    cookie = response.headers["set-cookie"].lower()
    assert all(word in cookie for word in ("httponly", "samesite=lax", "path=/"))
    assert "secure" not in cookie, "this is no https"
    assert client.get("/openapi.json").status_code == 200
    assert client.get("/login", headers=PAGE).headers["location"] == "/"


def test_logging_out_ends_the_session_itself_and_not_only_the_cookie(client: httpx.Client) -> None:
    _enter(client)
    session = client.cookies[COOKIE]
    assert client.post("/logout").headers["location"] == "/login"
    assert COOKIE not in client.cookies
    client.cookies.set(COOKIE, session)
    assert client.get("/openapi.json").status_code == 401


def test_guessing_is_slowed_down_and_said_so(guarded: Server) -> None:
    elsewhere = httpx.HTTPTransport(local_address="127.0.0.3")
    with httpx.Client(base_url=guarded.url, transport=elsewhere, timeout=60) as client:
        answers = [_enter(client, f"guess {number}") for number in range(11)]
        assert [answer.status_code for answer in answers] == [401] * 10 + [429]
        assert "비밀번호가 달라" in answers[0].text
        assert _enter(client).status_code == 429, "also the right one has to wait"
    with httpx.Client(base_url=guarded.url, timeout=60) as client:
        assert _enter(client, **{"Accept-Language": "en"}).status_code == 303, "nobody else is locked out"


def test_a_login_cannot_be_sent_by_another_site(client: httpx.Client) -> None:
    assert _enter(client, Origin="http://evil.example").status_code == 403


def test_a_person_gets_in_talks_and_out_again_in_every_tab(browser: Browser, guarded: Server) -> None:
    context = browser.new_context(locale="ko-KR", reduced_motion="reduce")
    page = context.new_page()
    page.goto(guarded.url)
    _log_in(page, "falsch")
    expect(page.get_by_role("alert")).to_contain_text("비밀번호가 달라")
    _log_in(page, PASSWORD)
    expect(page.locator(".m-card")).to_be_visible()
    visitor = Visitor(context, guarded.url)
    visitor.agree()
    visitor.talk("안녕")
    expect(page.locator("textarea")).to_be_visible()
    page.bring_to_front()
    page.get_by_role("button", name="설정").click()
    page.get_by_role("button", name="나가기").click()
    for tab in (page, visitor.page):
        expect(tab.locator("input[type=password]")).to_be_visible()
    page.goto(guarded.url)
    expect(page.locator("input[type=password]")).to_be_visible()
    assert visitor.errors == []
    context.close()


def _log_in(page: Page, password: str) -> None:
    page.get_by_label("비밀번호").fill(password)
    page.get_by_role("button", name="들어가기").click()


def test_the_password_stands_in_no_file_and_no_log(guarded: Server) -> None:
    files = [path for path in Path(guarded.folder).rglob("*") if path.is_file()]
    assert [path for path in files if PASSWORD.encode() in path.read_bytes()] == []
