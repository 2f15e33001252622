"""Before the talk: what is asked, that nothing is kept before the answer, and that a no is as easy as a yes."""

from __future__ import annotations

from playwright.sync_api import expect

from bot.consent import SCOPES, VERSION
from bot.locale import say
from bot.types import Language
from tests.plugins.platforms.web.pages.visitor import Visitor, Visitors
from tests.plugins.platforms.web.parts import ANSWERS
from tests.plugins.platforms.web.server import Server

WORRIED = "내일 발표인데 너무 떨려"
SIZE = "one => parseFloat(getComputedStyle(one).fontSize)"
WEIGHT = "one => Number(getComputedStyle(one).fontWeight)"


def _kept(server: Server, identity: str) -> list[str]:
    """Files of the state in which a person's id stands."""
    files = [path for path in (server.folder / "state").rglob("*") if path.is_file()]
    return [path.name for path in files if identity.encode() in path.read_bytes()]


def test_a_first_visit_asks_for_each_scope_by_itself_and_nothing_is_ticked(visitors: Visitors, server: Server) -> None:
    visitor = visitors.come()
    _asks_for_everything(visitor, "ko")
    boxes = visitor.card.get_by_role("checkbox")
    expect(boxes).to_have_count(len(SCOPES) + 1)
    for box in boxes.all():
        expect(box).not_to_be_checked()
    agree = visitor.page.get_by_role("button", name="동의하고 시작하기")
    for number in (1, 2, 3, 4, 5):
        expect(agree).to_be_disabled()
        boxes.nth(number).click()
    expect(agree).to_be_disabled()
    assert _kept(server, visitor.identity) == []
    boxes.nth(0).click()
    agree.click()
    expect(visitor.field).to_be_focused()
    assert _kept(server, visitor.identity) != []


def test_an_english_visitor_on_a_phone_reads_the_same(visitors: Visitors) -> None:
    visitor = visitors.come(locale="en-GB", viewport={"width": 360, "height": 740}, is_mobile=True, has_touch=True)
    _asks_for_everything(visitor, "en")
    assert not visitor.too_wide()


def _asks_for_everything(visitor: Visitor, language: Language) -> None:
    for words in (say(language, "consent.ai_notice"), say(language, "consent.age"), say(language, "consent.change")):
        expect(visitor.card).to_contain_text(words)
    expect(visitor.card).to_contain_text(VERSION)
    for scope in SCOPES:
        for part in ("title", "purpose", "items", "refuse"):
            expect(visitor.card).to_contain_text(say(language, f"consent.{scope}_{part}", texts_days=30).split("{")[0])
    for days in ("30", "90", "365"):
        expect(visitor.card).to_contain_text(days)
    usual = visitor.card.locator("dd > :not(.m-strong)").first
    for strong in visitor.card.locator("dd > .m-strong").all():
        assert strong.evaluate(SIZE) >= 1.2 * usual.evaluate(SIZE)
        assert strong.evaluate(WEIGHT) >= 700
    expect(visitor.card.locator(".m-tag-sensitive")).to_have_count(3)


def test_who_writes_first_is_answered_once_they_agree_and_nothing_is_kept_before(
    visitors: Visitors, server: Server
) -> None:
    visitor = visitors.come()
    visitor.say(WORRIED)
    expect(visitor.card).to_contain_text("아직 저장하지 않았어")
    expect(visitor.last.locator(".m-said")).to_have_text(WORRIED)
    expect(visitor.page.locator(".m-reply:visible, .m-dots:visible, .m-chip:visible")).to_have_count(0)
    visitor.page.reload()  # the tab still has it, and says it again
    expect(visitor.card).to_contain_text("아직 저장하지 않았어")
    assert _kept(server, visitor.identity) == []
    visitor.agree()
    assert visitor.read() == ANSWERS["발표"][0]
    expect(visitor.page.locator(".m-said")).to_have_text([WORRIED])
    visitor.page.reload()
    expect(visitor.page.locator(".m-said")).to_have_text([WORRIED])


def test_who_is_in_danger_reads_where_help_is_before_any_consent_and_nothing_is_kept(
    visitors: Visitors, server: Server
) -> None:
    visitor = visitors.come()
    visitor.say("죽고 싶어")
    help_lines = visitor.page.locator("[data-maum=help]")
    expect(help_lines).to_contain_text("109")
    expect(help_lines).to_be_in_viewport()
    expect(visitor.card).to_contain_text("아직 저장하지 않았어")
    assert _kept(server, visitor.identity) == []


def test_a_no_leaves_nothing_but_what_stands_in_the_persons_own_browser(visitors: Visitors, server: Server) -> None:
    visitor = visitors.come()
    visitor.say("이건 비밀이야")
    expect(visitor.card).to_contain_text("아직 저장하지 않았어")
    visitor.page.evaluate("maum.connected()")  # it is sent again, as after a lost connection
    visitor.page.get_by_role("button", name="동의하지 않을래요").click()
    expect(visitor.card).to_contain_text("아무것도 저장하지 않았어요")
    expect(visitor.page.locator(".m-exchange")).to_have_count(0)
    expect(visitor.field).to_have_value("이건 비밀이야")
    assert _kept(server, visitor.identity) == []
    visitor.agree()
    expect(visitor.page.locator(".m-exchange")).to_have_count(0)


def test_that_this_is_an_ai_is_said_at_the_start_of_a_talk_and_not_with_every_message(visitors: Visitors) -> None:
    visitor = visitors.come(agrees=True)
    notes = visitor.page.locator(".m-note")
    expect(notes).to_have_text([say("ko", "consent.ai_notice")])
    visitor.talk(WORRIED)
    visitor.page.reload()
    expect(visitor.reply).to_be_visible()
    expect(notes).to_have_count(0)
    expect(visitor.page.locator(".m-ai-notice")).to_have_text(say("ko", "consent.ai_notice"))
