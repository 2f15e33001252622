"""Small real classifiers and repliers for tests: a queue of what to say and a memory of what they were asked."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence

from bot import emotions
from bot.budget import Budget, Ledger
from bot.contracts import Classifier, Replier
from bot.errors import ClassifierError
from bot.types import Aim, Chunk, Group, Prompt, Reading, Scores, Text, Turn, Usage

#: what a replier does for one call: a whole answer, an error, or pieces, errors and pauses (seconds) in order
Doing = str | Exception | Sequence[str | Chunk | Exception | float]


class ScriptedReplier(Replier):
    def __init__(
        self, name: str, *doings: Doing, otherwise: Doing = "응, 그랬구나.", usage: Usage | None = None
    ) -> None:
        self.name = name
        self.asked: list[Prompt] = []
        self.closed = 0
        self._doings, self._otherwise, self._usage = deque(doings), otherwise, usage

    def will(self, *doings: Doing) -> None:
        self._doings.extend(doings)

    async def reply(self, prompt: Prompt) -> AsyncGenerator[Chunk, None]:
        self.asked.append(prompt)
        doing = self._doings.popleft() if self._doings else self._otherwise
        if isinstance(doing, Exception):
            raise doing
        pieces = [Chunk(doing, "stop", f"{self.name}-model", self._usage)] if isinstance(doing, str) else doing
        try:
            for piece in pieces:
                if isinstance(piece, Exception):
                    raise piece
                if isinstance(piece, float):
                    await asyncio.sleep(piece)
                else:
                    yield piece if isinstance(piece, Chunk) else Chunk(piece)
        finally:
            self.closed += 1


class ScriptedClassifier(Classifier):
    """Reads a text as the group it was told for the first word found in it; neutral where none is."""

    def __init__(self, **groups: Group) -> None:
        self.asked: list[Text] = []
        self.broken: Exception | None = None
        self._groups = groups

    @property
    def model(self) -> str:
        return "scripted@0/groups"

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(emotions.members(group)[0].label for group in emotions.GROUPS)

    async def classify(self, texts: Sequence[Text]) -> list[Scores]:
        self.asked.extend(texts)
        if self.broken:
            raise self.broken
        return [self._scores(text.text) for text in texts]

    def _scores(self, text: str) -> Scores:
        group = next((group for word, group in self._groups.items() if word in text), "neutral")
        return Scores(self.labels, tuple(0.94 if group == one else 0.01 for one in emotions.GROUPS))


class NoLedger(Ledger):
    """For free repliers, which must never come here."""

    async def reserve(self, payer: str, amount: int, person_cap: int, total_cap: int) -> int | None:
        raise AssertionError("a free replier needs no reservation")

    async def settle(self, reservation: int, amount: int) -> None:
        raise AssertionError("nothing was reserved")


FREE = Budget(NoLedger(), 0, 0)
BROKEN = ClassifierError("out of memory")


def reading(group: Group, sure: bool = True) -> Reading:
    one = emotions.corrected(emotions.members(group)[0].label, None)
    return one if sure else Reading(one.emotions, one.group, one.groups, False, one.model)


def prompt(text: str = "오늘 힘들었어", *, payer: str = "", aim: Aim | None = None) -> Prompt:
    turns = (Turn("user", text, reading("sadness")),)
    return Prompt("너는 친구야.", "ko", turns, aim or Aim(("sadness", "neutral")), payer=payer)


async def told(replier: Replier, question: Prompt | None = None) -> list[Chunk]:
    """All chunks of an answer."""
    return [chunk async for chunk in replier.reply(question or prompt())]


def text_of(chunks: Sequence[Chunk]) -> str:
    return "".join(chunk.text for chunk in chunks)
