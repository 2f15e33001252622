"""A person's rights in the terminal: /privacy, /export, /forget, /pause, /resume."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

from bot.errors import OperatorError
from bot.export import page
from bot.locale import say
from bot.privacy import Privacy
from bot.types import Conversation

COMMANDS = frozenset({"/privacy", "/export", "/forget", "/pause", "/resume"})


class ConsoleRights:
    """`tell` prints a line, `ask` a question that is answered with yes or no (True or False)."""

    def __init__(
        self, privacy: Privacy, here: Conversation, tell: Callable[[str], None], ask: Callable[[str], Awaitable[bool]]
    ) -> None:
        self._privacy = privacy
        self._here = here
        self._person = here.person
        self._tell = tell
        self._ask = ask

    async def command(self, command: str, rest: str) -> None:
        match command:
            case "/privacy":
                self._tell(self._privacy.summary(self._person.locale))
                self._say("agreed", scopes=self._named(await self._privacy.scopes(self._person)))
            case "/export":
                await self._export(Path(rest or "."))
            case "/forget":
                await self._forget(only_here=rest == "chat")
            case "/pause":
                await self._privacy.pause(self._person)
                self._say("paused")
            case "/resume":
                self._say("resumed", scopes=self._named(await self._privacy.resume(self._person)))

    async def _export(self, folder: Path) -> None:
        exported = await self._privacy.export(self._person)
        name = f"maum-{datetime.now():%Y%m%d-%H%M%S}"
        _write(folder / f"{name}.json", json.dumps(exported, ensure_ascii=False, indent=1))
        _write(folder / f"{name}.html", page(exported, self._person.locale))
        self._say("exported", file=folder / f"{name}.html")

    async def _forget(self, *, only_here: bool) -> None:
        if await self._ask("privacy.ask_forget_chat" if only_here else "privacy.ask_forget"):
            counts = await self._privacy.forget(self._person, self._here.chat if only_here else None)
            self._say("forgotten", count=sum(counts.values()))

    def _named(self, scopes: frozenset[str]) -> str:
        terms = self._privacy.terms(self._person.locale, self._person.platform)
        titles = [term.title for term in terms if term.scope in scopes]
        return ", ".join(titles) or say(self._person.locale, "privacy.nothing")

    def _say(self, key: str, **facts: object) -> None:
        self._tell(say(self._person.locale, f"privacy.{key}", **facts))


def _write(file: Path, text: str) -> None:
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise OperatorError(f"cannot write {file}: {error.strerror}") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)
