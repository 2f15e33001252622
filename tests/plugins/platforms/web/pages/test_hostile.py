"""Texts, answers and emotion labels that are markup, links or calls: on the page they are text, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from bot.text import clean
from tests.plugins.platforms.web.pages.visitor import Visitor
from tests.plugins.platforms.web.parts import HOSTILE
from tests.plugins.platforms.web.server import PASSWORD, Server

TEXTS = (
    "<img src=x onerror=alert(1)><svg/onload=alert(2)><iframe srcdoc='<script>alert(3)</script>'></iframe>",
    "</script><script>alert(4)</script><!-- ${alert(5)} `alert(6)` {{ alert(7) }} $& &#60;script&#62;",
    "[여기](javascript:alert(8)) <https://evil.example> https://evil.example @everyone **굵게** ![](//evil.example/x)",
    '\u202e거꾸로\u202c \u200b\ufeff 👩‍👩‍👧‍👦 \\u003cscript\\u003e " onfocus=alert(9) autofocus x=" \' ; --',
)
FOREIGN = ".m-exchange :is(img, script, svg, iframe, a, strong, b, style, link, form, object)"


@pytest.fixture
def visitor(browser: Browser, guarded: Server) -> Iterator[Visitor]:
    context = browser.new_context(locale="ko-KR", reduced_motion="reduce")
    context.request.post(f"{guarded.url}/login", form={"password": PASSWORD})
    visitor = Visitor(context, guarded.url)
    yield visitor
    visitor.page.wait_for_timeout(200)
    assert visitor.errors == [], "a dialog, a script that failed, or something the policy had to stop"
    assert visitor.hosts == {"127.0.0.1"}
    context.close()


def test_whatever_is_written_answered_or_read_stays_text(visitor: Visitor) -> None:
    visitor.agree()
    for text in TEXTS:
        assert visitor.talk(text) == HOSTILE
        assert visitor.last.locator(".m-said").evaluate("one => one.textContent") == clean(text)
    visitor.chip.click()
    expect(visitor.page.locator(".m-top-five")).to_contain_text("<img src=x onerror=alert(1)>")
    expect(visitor.page.locator(".m-top-five :is(img, script)")).to_have_count(0)
    visitor.page.keyboard.press("Escape")
    visitor.button("다른 감정").click()
    expect(visitor.page.locator(".m-picker")).to_be_visible()
    visitor.page.keyboard.press("Escape")
    for _ in range(2):
        expect(visitor.page.locator(FOREIGN)).to_have_count(0)
        visitor.page.reload()
        expect(visitor.page.locator(".m-said")).to_have_text(list(TEXTS))


def test_markup_that_got_in_all_the_same_could_not_run(visitor: Visitor) -> None:
    policy = visitor.page.request.get(visitor.url).headers["content-security-policy"]
    assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]
    nonces = {visitor.page.request.get(visitor.url).headers["content-security-policy"] for _ in range(2)}
    assert len(nonces) == 2, "each answer has a nonce of its own"
    visitor.page.evaluate(
        "() => { const box = document.createElement('div'); document.body.append(box);"
        " box.innerHTML = '<img src=data:, onerror=\"window.ran = 1\">';"
        " const script = document.createElement('script'); script.textContent = 'window.ran = 2'; box.append(script); }"
    )
    visitor.page.wait_for_timeout(300)
    assert visitor.page.evaluate("window.ran") is None
    stopped = [error for error in visitor.errors if "Content Security Policy" in error]
    assert len(stopped) == 2
    visitor.errors.clear()


def test_a_browser_writes_nothing_into_the_log(visitor: Visitor, guarded: Server) -> None:
    message = {"level": "error", "message": "비밀 일기\n2026-11-26 ERROR maum: forged"}
    visitor.page.evaluate("m => window.socket.emit('log', { client_id: window.clientId, ...m })", message)
    visitor.agree()  # what is sent later arrives later
    assert "forged" not in guarded.log
    assert "비밀" not in guarded.log


def test_a_text_that_waits_too_long_for_consent_is_gone_from_here_and_back_in_the_field(visitor: Visitor) -> None:
    visitor.say("아직 고민 중이야")
    expect(visitor.card).to_contain_text("아직 저장하지 않았어")
    expect(visitor.page.locator(".m-exchange")).to_have_count(0)
    expect(visitor.field).to_have_value("아직 고민 중이야")
    expect(visitor.card).not_to_contain_text("아직 저장하지 않았어")
    visitor.agree()
    expect(visitor.page.locator(".m-exchange")).to_have_count(0)
