"""A person at a browser: what they see and do on the chat page."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, expect

expect.set_options(timeout=20_000)


class Visitor:
    """`errors` and `hosts` gather what the browser complained about and whom it asked for anything."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.context = context
        self.url = url
        self.errors: list[str] = []
        self.hosts: set[str] = set()
        context.on("request", lambda request: self.hosts.add(urlsplit(request.url).hostname or ""))
        context.set_default_timeout(20_000)
        self.page = self.open_tab()

    def open_tab(self) -> Page:
        """It is in front; whoever acts in another turns to that one first, since one behind is drawn once a second."""
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._hear)
        page.on("dialog", lambda dialog: self.errors.append(f"dialog: {dialog.message}"))
        page.goto(self.url)
        expect(page.locator(".m-page")).to_be_visible()
        return page

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error" and "ERR_CONNECTION_REFUSED" not in message.text:  # which a restart may cause
            self.errors.append(message.text)

    @property
    def card(self) -> Locator:
        """The card that asks for consent, or says that there is a pause."""
        return self.page.locator(".m-card")

    @property
    def identity(self) -> str:
        """Who the browser says that this person is."""
        (cookie,) = (cookie for cookie in self.context.cookies() if cookie["name"] == "maum")
        return str(json.loads(b64decode(cookie["value"].split(".")[0]))["id"])

    def open_my_data(self) -> Locator:
        self.page.get_by_role("button", name=re.compile("^(내 정보|My data)$")).click()
        return self.page.get_by_role("dialog")

    def agree(self, *, log: bool = True) -> None:
        """Tick what is needed (talk, and the age at the end), and the log, which is the second; then go on."""
        boxes = self.page.locator(".m-card").get_by_role("checkbox")
        for number in (0, 1, 5) if log else (0, 5):
            boxes.nth(number).click()
        self.page.locator(".m-primary").click()
        expect(self.page.locator(".m-card")).to_have_count(0)
        expect(self.field).to_be_visible()

    @property
    def field(self) -> Locator:
        return self.page.locator("textarea")

    @property
    def last(self) -> Locator:
        """The last exchange: what was said, the chip, the answer."""
        return self.page.locator(".m-exchange").last

    @property
    def reply(self) -> Locator:
        return self.last.locator(".m-reply")

    @property
    def chip(self) -> Locator:
        return self.last.locator(".m-chip")

    def button(self, name: str) -> Locator:
        """A button of the last exchange."""
        return self.last.get_by_role("button", name=name, exact=True)

    def say(self, text: str) -> None:
        self.field.fill(text)
        self.field.press("Enter")

    def say_at_once(self, *lines: str) -> None:
        """As fast as nobody types, so that a busy machine does not make pauses of its own."""
        self.field.evaluate(
            "(field, lines) => { for (const line of lines) { field.value = line; field.dispatchEvent("
            "new KeyboardEvent('keydown', {key: 'Enter', bubbles: true, cancelable: true})) } }",
            list(lines),
        )

    def talk(self, text: str) -> str:
        """Say something and read the whole answer."""
        count = self.page.locator(".m-exchange").count()
        self.say(text)
        expect(self.page.locator(".m-exchange")).to_have_count(count + 1)
        return self.read()

    def read(self) -> str:
        """The last answer, once it is finished."""
        self.rested()
        return self.reply.inner_text()

    def rested(self) -> None:
        """Wait until nothing is being written any more."""
        expect(self.button("다시").or_(self.button("Again"))).to_be_visible()
        expect(self.page.locator(".m-dots:visible, .m-writing:visible")).to_have_count(0)

    def pages(self, count: str) -> None:
        """Wait until the pager says so."""
        expect(self.last.locator(".m-count")).to_have_text(re.compile(re.escape(count)))

    def too_wide(self) -> bool:
        """Does anything reach beyond the screen's right edge? (A button's ripple may, for a moment, unseen.)"""
        return bool(
            self.page.evaluate(
                "document.documentElement.scrollWidth > innerWidth ||"
                " [...document.querySelectorAll('.m-page *')].some(one =>"
                " !one.closest('.q-ripple') && one.getBoundingClientRect().right > innerWidth + 1)"
            )
        )


class Visitors:
    def __init__(self, browser: Browser, url: str) -> None:
        self._browser = browser
        self._url = url
        self._all: list[Visitor] = []

    def come(self, *, agrees: bool = False, locale: str = "ko-KR", url: str = "", **context: Any) -> Visitor:
        """A new person in a browser of their own; `url` leads them elsewhere."""
        still = self._browser.new_context(locale=locale, reduced_motion="reduce", **context)
        visitor = Visitor(still, url or self._url)
        self._all.append(visitor)
        if agrees:
            visitor.agree()
        return visitor

    def leave(self) -> None:
        """No page may have failed, and none may have asked another host for anything. The browser's end closes them.

        Not one by one: Chromium sometimes never answers to the end of a context whose page is still being reloaded.
        """
        errors = [error for visitor in self._all for error in visitor.errors]
        hosts = set().union(*(visitor.hosts for visitor in self._all)) if self._all else set()
        assert (errors, hosts - {"127.0.0.1"}) == ([], set())
