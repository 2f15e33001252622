"""The offline voice: replies with no key and no network, the same for the same prompt.

It listens first: a clause of the person's own is said back (`_korean`, `_english`), then sentences of our own bank take
the feeling in, keep company or ask one thing (`_choosing`, offline_*.toml). It stores nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

from bot.contracts import Replier
from bot.errors import ReplyError
from bot.locale import say
from bot.types import Chunk, Group, Language, Prompt
from plugins.repliers import _english
from plugins.repliers._choosing import compose
from plugins.repliers._korean import Heard, Korean
from plugins.repliers._situation import spoken_language

WORDS_PER_CHUNK = 3


class OfflineReplier(Replier):
    """`preload`: load the Korean analyser at start (about a second) instead of at the first Korean message."""

    def __init__(self, preload: bool = False) -> None:
        self._preload = preload
        self._korean: Korean | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="offline")  # the analyser lives on this thread alone

    async def __aenter__(self) -> Self:
        if self._preload:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._load)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def reply(self, prompt: Prompt) -> AsyncGenerator[Chunk]:
        """Stream the reply in groups of words.

        Raises:
            ReplyError: `failed`, if the analyser or its model is not installed properly.
        """
        try:
            text = await asyncio.get_running_loop().run_in_executor(self._thread, self.answer, prompt)
        except Exception as error:
            raise ReplyError("failed", f"offline: {type(error).__name__}") from error
        for piece in _pieces(text):
            yield Chunk(piece)
            await asyncio.sleep(0)
        yield Chunk("", finish="stop", model="offline")

    def answer(self, prompt: Prompt) -> str:
        """The whole reply, with the note about the offline voice if the conversation does not hold it yet."""
        language = spoken_language(prompt)
        text = compose(prompt, language, self._hear(language))
        notes = (say("ko", "offline.voice"), say("en", "offline.voice"))
        told = any(note in turn.text for turn in prompt.turns if turn.role == "assistant" for note in notes)
        return text if told else f"{text}\n{say(language, 'offline.voice')}"

    def _hear(self, language: Language) -> _Hear:
        return _Hear(self._load() if language == "ko" else None)

    def _load(self) -> Korean:
        self._korean = self._korean or Korean()
        return self._korean


class _Hear:
    """Listens with the analyser, or with the English rules where there is none."""

    def __init__(self, korean: Korean | None) -> None:
        self._korean = korean

    def __call__(self, text: str, group: Group) -> Heard:
        return self._korean.hear(text, group) if self._korean else _english.hear(text, group)


def _pieces(text: str) -> Iterator[str]:
    """The text in groups of words that join up to it exactly."""
    words = text.split(" ")
    for start in range(0, len(words), WORDS_PER_CHUNK):
        group = " ".join(words[start : start + WORDS_PER_CHUNK])
        yield group if start + WORDS_PER_CHUNK >= len(words) else group + " "
