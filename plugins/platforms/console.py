"""The terminal: `maum chat`. Same abilities as every surface, by /commands; emotions in colour."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import signal
import sys
import threading
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

from rich.console import Console
from rich.live import Live
from rich.panel import Panel
from rich.text import Text

from bot import emotions
from bot.app import App
from bot.contracts import Platform
from bot.errors import OperatorError, Refusal
from bot.locale import say
from bot.types import Action, Chat, Conversation, Group, Incoming, Language, Outgoing, Person, Reading
from plugins.platforms.console_rights import COMMANDS, ConsoleRights

COLOURS: dict[Group, str] = {
    "joy": "yellow",
    "sadness": "blue",
    "anger": "red",
    "anxiety": "magenta",
    "hurt": "bright_red",
    "embarrassment": "green",
    "neutral": "white",
}


class ConsolePlatform(Platform):
    """One person at one terminal, whose history is kept under their login name. Options: `language`."""

    def __init__(self, language: Language | None = None) -> None:
        self._language = language
        self._console = Console(highlight=False)
        self._snapshots: asyncio.Queue[Outgoing] = asyncio.Queue()
        self._shown: Outgoing | None = None

    async def run(self, app: App) -> None:
        """Talk until /quit or the end of the input."""
        person = Person("console", getpass.getuser(), locale=self._language or app.settings.language)
        self._app, self._person = app, person
        self._here = Conversation(Chat("console", "terminal"), person)
        self._rights = ConsoleRights(app.privacy, self._here, lambda text: self._print(text, "dim"), self._yes)
        if not await self._consented():
            self._say("console.declined")
            return
        self._say("console.welcome")
        await self._resume()
        async for line in _lines("› "):
            if line.strip() == "/quit":
                break
            try:
                await (self._command(line.strip()) if line.startswith("/") else self._talk(line))
            except Refusal as refusal:
                self._print(say(person.locale, f"refusal.{refusal.code}", **refusal.facts), "italic yellow")
            except OperatorError as error:
                self._print(str(error), "italic yellow")
        self._say("console.bye")

    async def show(self, outgoing: Outgoing, handle: str | None) -> str:
        self._snapshots.put_nowait(outgoing)
        return handle or str(outgoing.message)

    async def _consented(self) -> bool:
        if "talk" in await self._app.privacy.scopes(self._person):
            return True
        await self._say_that_this_is_an_ai()
        if not await self._yes("console.consent"):
            return False
        scopes = ["talk", "log"] if await self._yes("console.consent_log") else ["talk"]
        await self._app.privacy.consent(self._person, scopes)
        return True

    async def _yes(self, key: str) -> bool:
        self._say(key)
        async for line in _lines("[y/N] "):
            return line.strip().lower() in ("y", "yes", "ㅛ", "네", "응", "그래", "좋아")
        return False

    async def _resume(self) -> None:
        """What stood here before: the last exchange is the one that commands act on."""
        last = await self._app.desk.conversations.transcript(self._here, 1)
        if last:
            self._shown = await self._app.desk.stored(last[0].message, self._here)
            if self._shown.text:
                self._console.print(self._drawn(self._shown))

    async def _talk(self, line: str) -> None:
        self._snapshots = asyncio.Queue()
        now = datetime.now(UTC)
        incoming = Incoming(self._here.chat, self._person, uuid.uuid4().hex, line, now, lone=True)
        receipt = await self._app.delivery.receive(incoming, hold=True)
        if receipt.outcome == "held" and not await self._consented():
            await self._app.privacy.consent(self._person, [])  # what was held is dropped
            self._say("console.declined")
        elif receipt.message or receipt.outcome == "held":
            await self._follow(receipt.message)
        await self._say_that_this_is_an_ai()

    async def _say_that_this_is_an_ai(self) -> None:
        if await self._app.privacy.ai_notice_due(self._here):
            self._say("consent.ai_notice")

    async def _command(self, line: str) -> None:
        command, _, rest = line.partition(" ")
        match command:
            case "/help":
                self._say("console.help")
                self._say("privacy.console_help")
            case _ if command in COMMANDS:
                await self._rights.command(command, rest.strip())
                self._shown = self._shown if command != "/forget" else None
            case "/again":
                await self._act("again", rest.strip(), follow=True)
            case "/other":
                await self._act("other", rest.strip(), follow=True)
            case "/prev" | "/next":
                await self._page(-1 if command == "/prev" else 1)
            case "/good" | "/bad":
                await self._act("feedback", "1" if command == "/good" else "-1")
            case "/emotion":
                self._print_reading()
            case "/emotions":
                self._print_choice()
            case _:
                self._say("console.unknown", command=command)

    async def _act(self, kind: str, value: str = "", *, follow: bool = False) -> None:
        if self._shown is None:
            self._say("console.nothing")
            return
        self._snapshots = asyncio.Queue()  # what an earlier command showed is no news
        action = Action.decode(f"{kind}:{self._shown.message}:{value}")
        receipt = await self._app.delivery.act(action, self._person)
        if follow:
            await self._follow(action.message)
        elif receipt.outgoing:
            self._shown = receipt.outgoing
            self._console.print(self._drawn(receipt.outgoing))

    async def _page(self, step: int) -> None:
        reply = self._shown.reply if self._shown else None
        await self._act("select", str(max(0, reply.variant + step)) if reply else "1")

    async def _follow(self, message: int | None) -> None:
        """Show an answer (None: the next one that comes) while it is written; Ctrl+C stops it."""
        outgoing = await self._snapshots.get()
        message = message or outgoing.message
        with self._interruptible(message), Live(console=self._console, auto_refresh=False, transient=True) as live:
            while outgoing.message != message or not outgoing.final:
                if outgoing.message == message:
                    live.update(self._drawn(outgoing), refresh=True)
                outgoing = await self._snapshots.get()
        self._shown = outgoing
        self._console.print(self._drawn(outgoing))

    @contextlib.contextmanager
    def _interruptible(self, message: int) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        tasks: set[asyncio.Task[object]] = set()

        def stop() -> None:
            tasks.add(loop.create_task(self._app.delivery.act(Action("stop", message), self._person)))

        loop.add_signal_handler(signal.SIGINT, stop)
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGINT)

    def _drawn(self, outgoing: Outgoing) -> Panel:
        language = self._person.locale
        group: Group = outgoing.reading.group if outgoing.reading and outgoing.reading.sure else "neutral"
        body = Text(outgoing.text or ("" if outgoing.notice else say(language, "web.thinking")))
        if outgoing.notice:
            body.append(("\n" if outgoing.text else "") + say(language, f"notice.{outgoing.notice}"), "italic yellow")
        reply = outgoing.reply
        pages = f"{reply.variant}/{outgoing.variants}" if reply and outgoing.variants > 1 else None
        title = _title(outgoing.reading, language)
        return Panel(body, title=title, title_align="left", subtitle=pages, border_style=COLOURS[group])

    def _print_reading(self) -> None:
        if self._shown is None or self._shown.reading is None:
            self._say("console.nothing")
            return
        for emotion in self._shown.reading.emotions:
            entry = emotions.find(emotion.label)
            bar = "█" * round(emotion.score * 30)
            name = entry.name(self._person.locale)
            self._print(f"{entry.emoji} {name} {emotion.score:.0%} {bar}", COLOURS[emotion.group])

    def _print_choice(self) -> None:
        for group in emotions.GROUPS:
            ko, en, emoji = emotions.GROUP_NAMES[group]
            names = " · ".join(entry.name(self._person.locale) for entry in emotions.members(group))
            self._print(f"{emoji} {ko if self._person.locale == 'ko' else en}: {names}", COLOURS[group])

    def _say(self, key: str, **facts: object) -> None:
        self._print(say(self._person.locale, key, **facts), "dim")

    def _print(self, text: str, style: str) -> None:
        self._console.print(Text(text, style))


def _title(reading: Reading | None, language: Language) -> str | None:
    if reading is None:
        return None
    if not reading.sure:
        return f"💬 {say(language, 'web.unsure')}"
    entry = emotions.find(reading.top.label)
    group = emotions.GROUP_NAMES[reading.group][0 if language == "ko" else 1]
    return f"{entry.emoji} {group} · {entry.name(language)} {reading.top.score:.0%}"


async def _lines(prompt: str) -> AsyncIterator[str]:
    """Lines of the terminal. A daemon thread waits for them, so that neither the bot nor its end waits for a key."""
    loop = asyncio.get_running_loop()
    while True:
        if sys.stdin.isatty():
            print(prompt, end="", flush=True)
        answer: asyncio.Future[str] = loop.create_future()
        threading.Thread(target=_read_line, args=(loop, answer), daemon=True).start()
        line = await answer
        if not line:
            return
        if line.strip():
            yield line.rstrip("\n")


def _read_line(loop: asyncio.AbstractEventLoop, answer: asyncio.Future[str]) -> None:
    line = sys.stdin.readline()
    with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
        loop.call_soon_threadsafe(_set, answer, line)


def _set(answer: asyncio.Future[str], line: str) -> None:
    if not answer.done():
        answer.set_result(line)
