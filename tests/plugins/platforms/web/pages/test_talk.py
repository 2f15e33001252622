"""The talk on the chat page, as a person in a real browser has it with the real bot."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.plugins.platforms.web.pages.visitor import Visitor
from tests.plugins.platforms.web.parts import ANSWERS, DEFAULT

WORRIED = "내일 발표인데 너무 떨려"
LONG = "천천히 길게 말해 줘"


def test_a_message_stands_there_at_once_and_its_answer_streams_in_until_it_is_stopped(visitor: Visitor) -> None:
    visitor.page.evaluate(
        "() => { window.seen = new Set(); setInterval(() => { const t = document.querySelector('.m-reply')?.innerText;"
        " if (document.querySelector('.m-said')) window.first ??= t || 'nothing yet';"
        " window.dots ||= document.querySelector('.m-dots')?.checkVisibility();"
        " if (t) seen.add(t) }, 10) }"
    )
    visitor.say(LONG)
    expect(visitor.last.locator(".m-said")).to_have_text(LONG)
    assert visitor.page.evaluate("first") == "nothing yet"  # at once: before any answer
    expect(visitor.reply).to_contain_text("그리고 그리고 그리고")
    assert visitor.page.evaluate("dots")
    expect(visitor.last.locator(".m-dots")).to_be_hidden()
    visitor.page.wait_for_function("seen.size > 3")  # it goes on growing until it is stopped
    expect(visitor.field).to_be_focused()
    visitor.button("멈추기").click()
    assert visitor.read().startswith(DEFAULT[0])
    expect(visitor.last.locator(".m-notice")).to_have_text("…(멈췄어)")
    visitor.page.reload()
    expect(visitor.reply).to_contain_text(DEFAULT[0])


def test_the_chip_shows_the_emotion_and_opens_to_the_five_best(visitor: Visitor) -> None:
    assert visitor.talk(WORRIED) == ANSWERS["발표"][0]
    expect(visitor.chip).to_have_text("😰 불안 86%초조한")
    assert "g-anxiety" in (visitor.chip.get_attribute("class") or "")
    visitor.chip.click()
    bars = visitor.page.locator(".m-top-five .m-bar")
    expect(bars).to_have_count(5)
    expect(bars.first).to_have_text("😬 초조한46%")
    visitor.page.keyboard.press("Escape")
    expect(bars).to_have_count(0)


def test_an_unclear_feeling_is_called_unclear(visitor: Visitor) -> None:
    visitor.talk("음 그래")
    expect(visitor.chip).to_have_text("💭 뚜렷하지 않아")


def test_again_adds_a_variant_and_every_variant_can_be_paged_to(visitor: Visitor) -> None:
    first = visitor.talk(WORRIED)
    expect(visitor.last.locator(".m-count")).to_be_hidden()
    visitor.button("다시").click()
    visitor.pages("2/2")
    assert visitor.read() == ANSWERS["발표"][1]
    visitor.button("이전 답").click()
    visitor.pages("1/2")
    expect(visitor.reply).to_have_text(first)
    expect(visitor.button("이전 답")).to_be_disabled()
    visitor.button("다음 답").click()
    expect(visitor.reply).to_have_text(ANSWERS["발표"][1])


def test_a_double_click_on_again_makes_one_variant(visitor: Visitor) -> None:
    visitor.talk(WORRIED)
    visitor.button("다시").dblclick()
    visitor.pages("2/2")
    visitor.rested()
    visitor.page.wait_for_timeout(600)
    visitor.pages("2/2")


def test_again_can_be_asked_in_another_tone(visitor: Visitor) -> None:
    visitor.talk(WORRIED)
    visitor.button("말투를 골라 다시").click()
    tones = visitor.page.locator(".m-menu .q-item")
    expect(tones).to_have_text(["평소처럼", "더 부드럽게", "더 짧게", "더 밝게"])
    tones.nth(2).click()
    visitor.pages("2/2")
    expect(tones).to_have_count(0)


def test_another_emotion_is_picked_from_the_five_or_from_the_groups(visitor: Visitor) -> None:
    visitor.talk(WORRIED)
    visitor.button("다른 감정").click()
    picker = visitor.page.locator(".m-picker")
    expect(picker.locator(".m-choices").first.locator("button")).to_have_count(5)
    expect(picker.locator(".m-tab")).to_have_count(7)
    picker.get_by_role("button", name="슬픔").click()
    picker.get_by_role("button", name="비통한").click()
    visitor.pages("2/2")
    expect(visitor.chip).to_have_text("😢 슬픔 직접 고름비통한")
    expect(picker).to_have_count(0)
    visitor.page.reload()
    expect(visitor.chip).to_have_text("😢 슬픔 직접 고름비통한")


def test_where_a_life_is_in_danger_nothing_is_asked_for_again_and_nothing_is_rated(visitor: Visitor) -> None:
    visitor.say("요즘 매일 죽고 싶다는 생각만 해")
    expect(visitor.reply).to_contain_text("109")
    expect(visitor.page.locator(".m-dots:visible, .m-writing:visible")).to_have_count(0)
    for name in ("다시", "다른 감정", "좋아", "별로야"):
        expect(visitor.button(name)).to_be_hidden()
    visitor.page.reload()
    expect(visitor.reply).to_contain_text("109")
    expect(visitor.button("다시")).to_be_hidden()


def test_a_thumb_stays_set_until_it_is_taken_back(visitor: Visitor) -> None:
    visitor.talk(WORRIED)
    visitor.button("좋아").click()
    expect(visitor.button("좋아")).to_have_attribute("aria-pressed", "true")
    visitor.button("별로야").click()
    expect(visitor.button("별로야")).to_have_attribute("aria-pressed", "true")
    visitor.page.reload()
    expect(visitor.button("좋아")).to_have_attribute("aria-pressed", "false")
    expect(visitor.button("별로야")).to_have_attribute("aria-pressed", "true")
    visitor.button("별로야").click()
    expect(visitor.button("별로야")).to_have_attribute("aria-pressed", "false")


def test_a_burst_is_one_thought_answered_under_its_last_line(visitor: Visitor) -> None:
    replies = visitor.page.locator(".m-reply:visible")
    before, exchanges = replies.count(), visitor.page.locator(".m-exchange")
    count = exchanges.count()
    visitor.say_at_once("있잖아", "나 오늘", WORRIED)
    expect(exchanges).to_have_count(count + 3)  # until then the last answer is an earlier one
    assert visitor.read() == ANSWERS["발표"][0]
    expect(replies).to_have_count(before + 1)
    assert visitor.page.locator(".m-said").all_inner_texts()[-3:] == ["있잖아", "나 오늘", WORRIED]
    visitor.page.reload()
    expect(replies).to_have_count(before + 1)
    expect(visitor.page.locator(".m-dots:visible")).to_have_count(0)


def test_a_refused_text_is_explained_and_not_lost(visitor: Visitor) -> None:
    count = visitor.page.locator(".m-exchange").count()
    visitor.say("가" * 2_001)
    alert = visitor.page.get_by_role("alert")
    expect(alert).to_contain_text("한 번에 2000자까지 읽을 수 있어. 지금은 2001자야.")
    expect(visitor.field).to_have_value("가" * 2_001)
    visitor.say("   ")
    expect(alert).to_contain_text("빈 메시지는 읽을 수 없어")
    expect(visitor.page.locator(".m-exchange")).to_have_count(count)
    visitor.talk(WORRIED)
    expect(alert).to_be_hidden()


def test_enter_that_ends_a_composition_does_not_send_and_shift_enter_is_a_new_line(visitor: Visitor) -> None:
    visitor.field.fill("안녕")
    for composing in ("{isComposing: true}", "{keyCode: 229}"):
        visitor.field.evaluate(
            "(field, more) => field.dispatchEvent(new KeyboardEvent('keydown',"
            " {key: 'Enter', bubbles: true, cancelable: true, ...eval('(' + more + ')')}))",
            composing,
        )
    visitor.field.press("Shift+Enter")
    visitor.field.press_sequentially("잘 지냈어?")
    expect(visitor.field).to_have_value("안녕\n잘 지냈어?")
    visitor.field.press("Enter")
    expect(visitor.last.locator(".m-said")).to_have_text("안녕\n잘 지냈어?")
