"""A person's rights on the page: consents, a pause, a copy, being forgotten."""

from __future__ import annotations

import json
from pathlib import Path

from playwright.sync_api import expect

from tests.plugins.platforms.web.pages.visitor import Visitor, Visitors

WORRIED = "내일 발표인데 너무 떨려"


def _close(visitor: Visitor) -> None:
    visitor.page.get_by_role("button", name="닫기").click()
    expect(visitor.page.get_by_role("dialog")).to_have_count(0)


def test_each_consent_is_taken_back_as_easily_as_it_was_given(visitor: Visitor) -> None:
    dialog = visitor.open_my_data()
    switches = dialog.get_by_role("switch")
    expect(switches).to_have_count(5)
    expect(dialog.get_by_role("switch", name="감정 기록하기")).to_be_checked()
    expect(dialog.get_by_role("switch", name="통계에 넣기")).not_to_be_checked()
    dialog.get_by_text("자세히").nth(2).click()
    expect(dialog).to_contain_text("합친 수로만 볼 수 있게")
    for name, kept in (("통계에 넣기", True), ("통계에 넣기", False)):
        dialog.get_by_role("switch", name=name).click()
        expect(dialog.get_by_role("switch", name=name)).to_be_checked(checked=kept)
    dialog.get_by_role("switch", name="대화하기").click()
    expect(switches).to_have_count(0)
    _close(visitor)
    expect(visitor.card).to_contain_text("이야기하기 전에")
    visitor.page.reload()
    expect(visitor.card).to_be_visible()
    visitor.agree()


def test_a_pause_is_seen_and_ended_on_the_page_and_keeps_what_was_agreed_to(visitor: Visitor) -> None:
    other = visitor.open_tab()
    visitor.page.bring_to_front()
    dialog = visitor.open_my_data()
    dialog.get_by_role("button", name="멈추기").click()
    expect(dialog).to_contain_text("지금은 멈춰 있어요")
    expect(dialog.get_by_role("switch", name="감정 기록하기")).to_be_checked()
    _close(visitor)
    for page in (visitor.page, other):
        expect(page.locator(".m-paused")).to_contain_text("지금은 멈춰 있어요")
        expect(page.locator("textarea")).to_be_hidden()
    other.bring_to_front()
    other.locator(".m-paused").get_by_role("button", name="다시 시작하기").click()
    for page in (visitor.page, other):
        expect(page.locator(".m-card")).to_have_count(0)
        expect(page.locator("textarea")).to_be_visible()
    other.close()
    visitor.talk(WORRIED)


def test_a_copy_of_everything_is_a_file_for_programs_or_a_page_to_read(visitor: Visitor, tmp_path: Path) -> None:
    visitor.talk("발표 <b>끝</b> =1+1")
    dialog = visitor.open_my_data()
    for name, end in (("JSON으로 받기", ".json"), ("읽기 쉬운 HTML로 받기", ".html")):
        with visitor.page.expect_download() as waiting:
            dialog.get_by_role("button", name=name).click()
        assert waiting.value.suggested_filename.endswith(end)
        waiting.value.save_as(tmp_path / f"copy{end}")
    exported = json.loads((tmp_path / "copy.json").read_text(encoding="utf-8"))
    assert exported["person"] == {"platform": "web", "id": visitor.identity}
    assert exported["tables"]["messages"][-1]["text"] == "발표 <b>끝</b> =1+1"
    assert "발표 &lt;b&gt;끝&lt;/b&gt; =1+1" in (tmp_path / "copy.html").read_text(encoding="utf-8")
    _close(visitor)


def test_forgetting_a_chat_is_asked_twice_and_leaves_the_consents(visitor: Visitor) -> None:
    visitor.talk(WORRIED)
    before = visitor.identity
    dialog = visitor.open_my_data()
    dialog.get_by_role("button", name="이 대화 지우기").click()
    expect(dialog.get_by_role("alert")).to_contain_text("모두 지울까요?")
    dialog.get_by_role("button", name="그만두기").click()
    dialog.get_by_role("button", name="이 대화 지우기").click()
    dialog.get_by_role("button", name="네, 지워 주세요").click()
    expect(visitor.page.locator(".m-greeting")).to_contain_text("오늘 어땠어?")
    expect(visitor.page.locator(".m-exchange, .m-card, [role=dialog]")).to_have_count(0)
    assert visitor.identity == before
    visitor.talk(WORRIED)


def test_after_forgetting_everything_every_tab_is_as_new(visitors: Visitors) -> None:
    visitor = visitors.come(agrees=True, viewport={"width": 360, "height": 740}, is_mobile=True, has_touch=True)
    visitor.talk(WORRIED)
    other = visitor.open_tab()
    other.locator("textarea").fill("쓰다 만 글")
    before = visitor.identity
    visitor.page.bring_to_front()
    dialog = visitor.open_my_data()
    assert not visitor.too_wide()
    dialog.get_by_role("button", name="모두 지우기").click()
    dialog.get_by_role("button", name="네, 지워 주세요").click()
    for page in (visitor.page, other):
        expect(page.locator(".m-card")).to_contain_text("이야기하기 전에")
        expect(page.locator(".m-exchange")).to_have_count(0)
        expect(page.locator("[role=checkbox][aria-checked=true]")).to_have_count(0)
    assert visitor.identity != before
    assert visitor.page.evaluate("sessionStorage.getItem('maum_draft')") is None
    visitor.agree()
    expect(visitor.page.locator(".m-exchange")).to_have_count(0)
