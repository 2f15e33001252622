"""Takes the pictures of the documentation: `python -m tests.plugins.platforms.web.pages.screenshots [FOLDER]`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

from tests.plugins.platforms.web.pages.browser import CHROMIUM
from tests.plugins.platforms.web.pages.visitor import Visitor
from tests.plugins.platforms.web.server import ROOT, Server

TALK = ("내일 발표인데 너무 떨려. 잠도 안 와", "발표 끝났어! 다들 웃어 줬어", "근데 막상 집에 오니까 좀 텅 빈 것 같아")


def desktop(browser: Browser, url: str, folder: Path) -> None:
    """A talk with a second variant, a thumb, and the five best emotions open."""
    visitor = Visitor(browser.new_context(locale="ko-KR", viewport={"width": 1120, "height": 860}), url)
    visitor.agree()
    visitor.talk(TALK[0])
    visitor.button("다시").click()
    visitor.pages("2/2")
    visitor.rested()
    visitor.button("좋아").click()
    visitor.talk(TALK[1])
    visitor.talk(TALK[2])
    visitor.chip.click()
    expect(visitor.page.locator(".m-top-five")).to_be_visible()
    _shoot(visitor, folder / "chat.png")


def phone(browser: Browser, url: str, folder: Path) -> None:
    """The same at night in a pocket, while an answer is being written."""
    context = browser.new_context(
        locale="ko-KR",
        viewport={"width": 390, "height": 780},
        device_scale_factor=2,
        color_scheme="dark",
        is_mobile=True,
        has_touch=True,
    )
    visitor = Visitor(context, url)
    visitor.agree()
    visitor.talk(TALK[0])
    visitor.talk(TALK[1])
    visitor.talk(TALK[2])
    _shoot(visitor, folder / "chat-phone-dark.png")
    visitor.button("다른 감정").tap()
    expect(visitor.page.locator(".m-picker")).to_be_visible()
    _shoot(visitor, folder / "picker-phone-dark.png")


def _shoot(visitor: Visitor, path: Path) -> None:
    visitor.page.wait_for_timeout(500)  # what rises and fades has done so
    visitor.page.screenshot(path=path)


def main(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as state, Server(Path(state)) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM))
        desktop(browser, server.url, folder)
        phone(browser, server.url, folder)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images")
