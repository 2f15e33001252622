"""Plugins of the bot under fire: each says by a datagram where the bot is, so that it can be killed right there."""

from __future__ import annotations

import asyncio
import os
import re
import socket
from collections.abc import AsyncGenerator, Sequence

from bot import emotions
from bot.contracts import Classifier, Replier
from bot.types import Chunk, Prompt, Scores, Text

PORT = "CHAOS_PORT"
TOKEN = re.compile(r"\bt[a-j]{5}\b")
END = "다 들었어."
CLASSIFY_S, STEP_S, STEPS = 0.03, 0.03, 5


def signal(phase: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.sendto(phase.encode(), ("127.0.0.1", int(os.environ[PORT])))


class SlowClassifier(Classifier):
    """Takes its time, and is never sure."""

    @property
    def model(self) -> str:
        return "slow"

    @property
    def labels(self) -> tuple[str, ...]:
        return emotions.label_set("maum")

    async def classify(self, texts: Sequence[Text]) -> list[Scores]:
        signal("classify")
        await asyncio.sleep(CLASSIFY_S)
        return [Scores(self.labels, (1 / len(self.labels),) * len(self.labels)) for _ in texts]


class EchoReplier(Replier):
    """Says the marks of the messages it answers, in steps, and a last sentence by which a whole answer is known."""

    async def reply(self, prompt: Prompt) -> AsyncGenerator[Chunk, None]:
        signal("reply")
        asked: list[str] = []
        for turn in reversed(prompt.turns):
            if turn.role != "user":
                break
            asked = TOKEN.findall(turn.text) + asked
        for number in range(STEPS):
            yield Chunk(f"잠깐만, 생각 중이야({number}). ")
            await asyncio.sleep(STEP_S)
        yield Chunk(f"{' '.join(asked)} {END}", finish="stop", model="echo")
