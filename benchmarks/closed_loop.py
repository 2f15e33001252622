"""What checking the reply's emotion costs: time to the first shown word with the closed loop and without.

Method: one run, the settings in turn (A B C A B C …) for the same questions, so that a noisy machine hits all alike; a
local OpenAI-compatible server that writes a token every 20 ms, the real client, the configured emotion model. In the
third row every opening is read as an anger nobody asked for, so that each answer is asked for twice: the price of a
miss. Without the loop the opening is still held back until it is whole: a failing server may be replaced until then.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from bot import config, emotions, loader
from bot.budget import Budget
from bot.care import Care
from bot.contracts import Classifier
from bot.core import Core, Voice
from bot.fallback import FallbackReplier
from bot.types import Scores, Text, Turn
from plugins.repliers.openai import OpenAIReplier
from storage import upgrade
from storage.database import Database
from storage.ledger import DatabaseLedger
from tests.servers.openai_server import OpenAIServer, Saying

ROUNDS = 5
TOKEN_S = 0.02
QUESTIONS = (
    "오늘 면접 망했어 진짜 집에 가고 싶다",
    "드디어 합격했어!! 아직도 안 믿겨",
    "팀장이 또 내 말만 무시하더라",
    "내일 결과 나오는데 잠이 안 와",
    "점심 뭐 먹을까",
)
SAYING = "그랬구나, 오늘 정말 애썼네. 네 마음이 어땠을지 알 것 같아. 조금 더 이야기해 줄래? 나 여기 있을게."


async def _measure() -> None:
    settings = config.load()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        database = await stack.enter_async_context(Database(f"sqlite+aiosqlite:///{folder}/bench.db"))
        await upgrade.upgrade(database)
        server = await stack.enter_async_context(OpenAIServer())
        server.always(Saying(SAYING, pace_s=TOKEN_S))
        plugin = loader.build(Classifier, settings.classifier.use, settings.classifier)  # type: ignore[type-abstract]
        classifier = await stack.enter_async_context(plugin)
        replier = await stack.enter_async_context(OpenAIReplier(model="gpt-test", base_url=server.base_url))
        fallback = FallbackReplier([replier], Budget(DatabaseLedger(database), 1, 1))
        care = Care()
        cores = {
            "off": Core(classifier, fallback, care, closed_loop=False),
            "on, a hit": Core(classifier, fallback, care),
            "on, a miss": Core(Contrary(classifier), fallback, care),
        }
        times: dict[str, list[float]] = {name: [] for name in cores}
        await _first_word_s(cores["off"], QUESTIONS[0])  # warm
        for _ in range(ROUNDS):
            for question in QUESTIONS:
                for name, core in cores.items():
                    times[name].append(await _first_word_s(core, question))
    _print(times)


class Contrary(Classifier):
    """Reads, as slowly as the real model, a sure anger in everything: an opening that always misses."""

    def __init__(self, real: Classifier) -> None:
        self._real = real

    @property
    def model(self) -> str:
        return "contrary"

    @property
    def labels(self) -> tuple[str, ...]:
        return self._real.labels

    async def classify(self, texts: Sequence[Text]) -> list[Scores]:
        await self._real.classify(texts)
        return [Scores(self.labels, tuple(float(label == "분노") for label in self.labels)) for _ in texts]


async def _first_word_s(core: Core, question: str) -> float:
    start = time.perf_counter()
    answer = core.answer([Turn("user", question, emotions.corrected("기쁨", None))], Voice())
    async for _ in answer:
        elapsed = time.perf_counter() - start
        break
    await answer.aclose()
    return elapsed


def _print(times: dict[str, list[float]]) -> None:
    print("| closed loop | first word, median ms | p95 ms | ratio to off | n |\n|---|---|---|---|---|")
    base = statistics.median(times["off"])
    for name, values in times.items():
        median, p95 = statistics.median(values), statistics.quantiles(values, n=20)[-1]
        print(f"| {name} | {median * 1000:.0f} | {p95 * 1000:.0f} | {median / base:.2f} | {len(values)} |")


def main() -> None:
    asyncio.run(_measure())
