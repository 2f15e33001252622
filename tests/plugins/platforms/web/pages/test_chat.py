"""Around the talk: looks, languages, what is kept and who sees it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from playwright.sync_api import expect

from tests.plugins.platforms.web.pages.visitor import Visitor, Visitors
from tests.plugins.platforms.web.server import Server

PHONE = {"width": 360, "height": 740}
INJECTION = "<img src=x onerror=alert(1)> **굵게** `${alert(2)}` </script><script>alert(3)</script>"


def test_an_english_visitor_who_wants_no_log_sees_emotions_that_are_not_kept(visitors: Visitors) -> None:
    visitor = visitors.come(locale="en-GB")
    expect(visitor.page.get_by_role("button", name="Agree and start")).to_be_visible()
    visitor.agree(log=False)
    visitor.talk("발표")
    expect(visitor.chip).to_have_text("😰 anxiety 86%nervous")
    visitor.page.reload()
    expect(visitor.reply).to_be_visible()
    expect(visitor.chip).to_be_hidden()


def test_text_is_shown_as_text(visitor: Visitor) -> None:
    visitor.talk(INJECTION)
    for _ in range(2):
        expect(visitor.last.locator(".m-said")).to_have_text(INJECTION)
        expect(visitor.page.locator(".m-exchange img, .m-exchange script, .m-exchange strong")).to_have_count(0)
        visitor.page.reload()
    visitor.page.wait_for_timeout(200)
    assert visitor.errors == []


def test_another_browser_sees_nothing_and_the_cookie_is_out_of_reach(visitor: Visitor, visitors: Visitors) -> None:
    visitor.talk("비밀이야, 너무 외로워")
    two = visitors.come(agrees=True)
    expect(two.field).to_be_visible()
    expect(two.page.locator(".m-exchange")).to_have_count(0)
    (cookie,) = (cookie for cookie in visitor.context.cookies() if cookie["name"] == "maum")
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
    two.context.add_cookies([{"name": "maum", "value": cookie["value"][:-3] + "AAA", "url": two.url}])
    two.page.reload()
    expect(two.page.locator(".m-card")).to_be_visible()
    expect(two.page.locator(".m-exchange")).to_have_count(0)


def test_two_tabs_of_one_browser_follow_each_other(visitor: Visitor) -> None:
    other = visitor.open_tab()
    expect(other.locator("textarea")).to_be_visible()
    visitor.page.bring_to_front()
    answer = visitor.talk("발표 때문에 떨려")
    expect(other.locator(".m-said").last).to_have_text("발표 때문에 떨려")
    expect(other.locator(".m-reply").last).to_have_text(answer)
    visitor.button("좋아").click()
    expect(other.get_by_role("button", name="좋아").last).to_have_attribute("aria-pressed", "true")
    other.close()


def test_history_and_its_buttons_survive_a_restart_and_a_message_sent_meanwhile_arrives(
    visitors: Visitors, server: Server
) -> None:
    visitor = visitors.come(agrees=True)
    answer = visitor.talk("발표가 무서워")
    assert server.stop() == 0
    visitor.say("듣고 있어?")
    server.start()
    expect(visitor.page.locator(".m-said")).to_have_text(["발표가 무서워", "듣고 있어?"], timeout=15_000)
    visitor.rested()
    expect(visitor.page.locator(".m-reply").first).to_have_text(answer)
    visitor.page.get_by_role("button", name="다시", exact=True).first.click()
    expect(visitor.page.locator(".m-count").first).to_have_text("2/2")
    assert not list(server.folder.rglob("*.nicegui*"))


def test_a_phone_in_the_dark_has_everything_within_its_width(visitors: Visitors) -> None:
    visitor = visitors.come(viewport=PHONE, color_scheme="dark", has_touch=True, is_mobile=True)
    assert not visitor.too_wide()
    visitor.agree()
    visitor.talk("발표" + "ㅋ" * 120)
    visitor.button("다시").click()
    visitor.pages("2/2")
    visitor.rested()
    assert not visitor.too_wide()
    assert visitor.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(21, 25, 26)"


def test_light_or_dark_and_the_language_can_be_chosen_and_are_remembered(visitor: Visitor) -> None:
    visitor.page.get_by_role("button", name="설정").click()
    visitor.page.get_by_role("button", name="어둡게").click()
    expect(visitor.page.locator("body.body--dark")).to_have_count(1)
    visitor.page.get_by_role("button", name="English").click()
    expect(visitor.field).to_have_attribute("placeholder", "What happened?")
    expect(visitor.page.locator("body.body--dark")).to_have_count(1)
    assert visitor.page.locator("html").get_attribute("lang") == "en-US"


def test_when_something_breaks_the_person_hears_it_in_their_words_and_keeps_their_text(
    visitors: Visitors, tmp_path: Path
) -> None:
    with Server(tmp_path) as server:
        visitor = visitors.come(agrees=True, url=server.url)
        with closing(sqlite3.connect(tmp_path / "state" / "db" / "maum.db")) as database:
            database.execute("DROP TABLE people")
        visitor.say("듣고 있어?")
        expect(visitor.page.get_by_role("alert")).to_contain_text("무언가 잘못돼서 대답하지 못했어")
        expect(visitor.field).to_have_value("듣고 있어?")
        expect(visitor.page.locator(".m-exchange")).to_have_count(0)
        visitor.page.reload()
        expect(visitor.page.get_by_role("alert")).to_contain_text("무언가 잘못돼서 대답하지 못했어")
        expect(visitor.page.locator("body")).not_to_contain_text("sqlite")
        visitor.errors.clear()  # the browser tells of the status 500
