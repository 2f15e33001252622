"""A replier for the Telegram tests: it says back what it heard, so that every answer can be told from every other."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator

from bot.contracts import Replier
from bot.types import Chunk, Prompt

SLOW_S = 0.06


def long_text(size: int) -> str:
    """A text of `size` UTF-16 units with sentences, emoji of several code points and a code block."""
    piece = "가나다라 마바사. 👩‍👩‍👧‍👦 정말? 그래!\n```\nprint('안녕')\n```\n"
    units = len(piece.encode("utf-16-le")) // 2
    text = piece * (size // units)
    return text + "끝" * (size - units * (size // units))


class EchoReplier(Replier):
    """“<what was said> 들었어 (1).”, the next number for each that was turned down.

    느리게: word by word, with pauses. 길게 4097: `long_text` of so many units, at once.
    `gate`, while cleared, holds back every answer from the first word on.
    """

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()

    async def reply(self, prompt: Prompt) -> AsyncGenerator[Chunk, None]:
        said, number = prompt.turns[-1].text, len(prompt.rejected) + 1
        await self.gate.wait()
        if wanted := re.search(r"길게 (\d+)", said):
            yield Chunk(long_text(int(wanted[1])))
        else:
            words = f"‘{said}’ 들었어 ({number}).".split(" ")
            words += ["한 걸음.", "두 걸음."] * 15 if "느리게" in said else []
            for place, word in enumerate(words):
                await asyncio.sleep(SLOW_S if "느리게" in said else 0)
                yield Chunk(word if place == len(words) - 1 else f"{word} ")
        yield Chunk("", finish="stop", model="echo")
