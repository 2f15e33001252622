"""The Telegram platform: updates in, snapshots out. The library is imported only where a token makes use of it."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from itertools import chain, repeat
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from bot import config
from bot.contracts import Platform, State
from bot.errors import OperatorError
from bot.types import Outgoing, Person
from plugins.platforms._bans import Bans
from plugins.platforms._outage import Outage
from plugins.platforms.telegram.commands import Commands
from plugins.platforms.telegram.consent import Consent
from plugins.platforms.telegram.faults import LineError, Unreached
from plugins.platforms.telegram.intake import Intake, Polling, Webhook
from plugins.platforms.telegram.later import Errands
from plugins.platforms.telegram.presses import Presses
from plugins.platforms.telegram.saying import Saying
from plugins.platforms.telegram.showing import Showing
from plugins.platforms.telegram.talk import Talk
from plugins.platforms.telegram.updates import Me

if TYPE_CHECKING:
    from bot.app import App
    from plugins.platforms.telegram.line import Line

T = TypeVar("T")
log = logging.getLogger("maum.telegram")
TOKEN = "TELEGRAM_TOKEN"
BASE_URL = "https://api.telegram.org/bot"
PAUSES_S = (1.0, 2.0, 5.0, 10.0, 30.0)


class TelegramPlatform(Platform):
    """Options.

    Args:
        base_url: of the Bot API, up to `/bot`; a server of your own for example.
        webhook_url: the public https address that Telegram sends updates to; empty: we ask for them (long poll).
        webhook_host, webhook_port: where we listen for that.
        pace: how many times faster than Telegram's published limits we may speak, for a server of your own.
    """

    burst_s = 0.8

    def __init__(
        self,
        base_url: str = BASE_URL,
        webhook_url: str = "",
        webhook_host: str = "127.0.0.1",
        webhook_port: int = 8443,
        pace: float = 1.0,
    ) -> None:
        self._base_url = base_url
        self._webhook_url = webhook_url
        self._listen = webhook_host, webhook_port
        self._pace = pace
        self._token = os.environ.get(TOKEN, "")
        self.off = "" if self._token else f"{TOKEN} is not set"
        self._stack = AsyncExitStack()
        self._polling: Polling | None = None
        self._outage = Outage(_absence, self._take_up)
        self._errands = Errands()
        self._app: App | None = None
        self._unreached = ""

    async def __aenter__(self) -> Self:
        from plugins.platforms.telegram.line import Line

        folder = config.state_dir() / "telegram"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        bans = Bans(folder / "bans.json")
        self._line: Line = Line(self._token, self._base_url, self._pace, bans=bans)
        self._stack.push_async_callback(self._line.close)
        self._showing, self._patient = Showing(self._line.hasty()), Showing(self._line)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def trouble(self) -> str:
        return self._unreached or (self._polling.trouble if self._polling else "")

    async def run(self, app: App) -> None:
        """Serve until cancelled.

        Raises:
            OperatorError: the token is refused, or the webhook's address is taken.
        """
        me = await self._reached(self._line.me)
        self._app = app
        intake = Intake(self._talk(app, me).hear)
        log.info("telegram: @%s, %s", me.username, "webhook" if self._webhook_url else "long poll")
        try:
            await self._take_in(app, intake)
        finally:
            await self._errands.end()

    async def examine(self) -> Sequence[tuple[State, str]]:
        """The token, the bot's name, its privacy mode, its description, and whether somebody else gets its updates."""
        try:
            me, hook, described = await self._line.me(), await self._line.webhook(), await self._line.description()
        except LineError as error:
            return [("wrong", f"Telegram cannot be reached at {self._base_url} ({error}): check network and base_url")]
        hears = "off: in groups it hears everything" if me.hears_all else "on: in groups it hears what is said to it"
        findings: list[tuple[State, str]] = [
            ("ok", f"the token is @{me.username}'s"),
            ("ok", f"privacy mode is {hears} (/setprivacy at @BotFather changes it, then add the bot to groups anew)"),
        ]
        if not described:
            told = "nothing tells people before their first word that this is an AI: /setdescription at @BotFather"
            findings.append(("warning", told))
        if hook and hook != self._webhook_url:
            findings.append(("warning", f"its updates go to {hook} now: a start of this bot takes them over"))
        return findings

    async def show(self, outgoing: Outgoing, handle: str | None) -> str:
        """Raises Unreachable: Telegram is away, and nobody waits for it, who would keep others waiting."""
        if not outgoing.message:  # help lines of which nothing is kept: nobody would try again
            return await self._patient.show(outgoing, handle)
        return await self._outage.reach(lambda: self._showing.show(outgoing, handle))

    async def may_moderate(self, person: Person, space_id: str) -> bool:
        """Administrators and the creator of a group may, and are asked for each time (Bot API getChatMember)."""
        try:
            return await self._line.status(int(space_id), int(person.id)) in ("creator", "administrator")
        except (LineError, OperatorError, ValueError) as error:
            log.info("rights in a group are not known: %s", type(error).__name__)
            return False

    async def _reached(self, ask: Callable[[], Awaitable[T]]) -> T:
        """A Telegram that cannot be reached is asked again until it can."""
        for pause_s in chain(PAUSES_S, repeat(PAUSES_S[-1])):
            try:
                answer = await ask()
                self._unreached = ""
                return answer
            except LineError as error:
                self._unreached = f"Telegram cannot be reached ({error})"
                log.warning("Telegram cannot be reached (%s); trying again in %.0f s", error, pause_s)
                await asyncio.sleep(pause_s)
        raise AssertionError("the pauses never end")

    def _take_up(self) -> None:
        """What could not be shown can be now."""
        if self._app:
            self._errands.start(self._app.delivery.recover())

    def _talk(self, app: App, me: Me) -> Talk:
        later = self._errands.start
        saying = Saying(self._line, me)
        consent = Consent(app, saying)
        commands = Commands(app, self._line, saying, consent)
        presses = Presses(app, self._line, self._showing, saying, later)
        later(commands.set_menu())
        return Talk(app, me, saying, consent, presses, commands, later)

    async def _take_in(self, app: App, intake: Intake) -> None:
        secret = app.keys.derive("telegram webhook") if self._webhook_url else ""

        async def point() -> None:
            await self._reached(lambda: self._line.set_webhook(self._webhook_url, secret))

        if self._webhook_url:
            await Webhook(intake, secret, *self._listen).run(ready=point)
        else:
            await point()
            self._polling = Polling(self._line, intake, reached=self._outage.end)
            await self._polling.run()


def _absence(error: Exception) -> str:
    return str(error) if isinstance(error, Unreached) else ""
