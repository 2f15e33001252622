"""Where the answers to interactions go, from the click until they are shown first: kept on disk, because only the
interaction's token leads there, and a process may die in between. A token is good for 15 minutes and then deleted."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

from plugins.platforms.discord.place import Place


class Pending:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._opening: dict[str, asyncio.Event] = {}
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._purge()

    def keep(self, interaction: int, place: Place) -> None:
        """Keep the place of an interaction that is about to be deferred."""
        self._purge()
        self._opening[str(interaction)] = asyncio.Event()
        file = os.open(self._folder / str(interaction), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(file, "w", encoding="utf-8") as out:
            out.write(place.encode())

    def open(self, interaction: int) -> None:
        """It is deferred: from now on something can be shown there."""
        if opening := self._opening.pop(str(interaction), None):
            opening.set()

    async def find(self, answers: str) -> Place | None:
        """The place of an interaction by its id; None for any other message, and when its token is good no more."""
        if not answers.isdecimal():
            return None
        if opening := self._opening.get(answers):
            await opening.wait()
        try:
            return Place.decode((self._folder / answers).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):  # never there, or cut off by a crash
            return None

    def _purge(self) -> None:
        for file in self._folder.iterdir():
            if time.time() - file.stat().st_mtime > 15 * 60:
                file.unlink(missing_ok=True)
