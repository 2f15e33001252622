"""What every replier must do. Subclass `ReplierConformance` in a test file and give it a fixture `replier`:

class TestMine(ReplierConformance):
    @pytest.fixture
    async def replier(self):
        async with MyReplier() as replier:
            yield replier
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace

import pytest

from bot.contracts import Replier
from bot.empathy import aim_for
from bot.errors import ReplyError
from bot.types import Chunk, Language, Person, Prompt, Strategy, Tone, Turn

CANARY = "카나리아-7319"
SOMEBODY = Person("tests", "1")
AWKWARD = ("", " \n\t", "😭🤷‍♀️", "\x00", "a\x00b", "‮مرحبا", "ㅋㅋㅋㅠㅠ", "so 화나 ㅋㅋ :(", "가나 " * 20_000)


def prompt(*texts: str, language: Language = "ko", strategy: Strategy = "empathise", tone: Tone = "usual") -> Prompt:
    """A conversation that ends with the person's line; before it, lines of both sides by turns."""
    roles: Sequence[str] = ["user" if (len(texts) - n) % 2 else "assistant" for n in range(len(texts))]
    turns = tuple(
        Turn("user" if role == "user" else "assistant", text) for role, text in zip(roles, texts, strict=True)
    )
    return Prompt("다정한 친구야.", language, turns, aim_for(None, strategy, tone))


async def stream(replier: Replier, asked: Prompt) -> list[Chunk]:
    async with aclosing(replier.reply(asked)) as chunks:
        return [chunk async for chunk in chunks]


def text_of(chunks: Sequence[Chunk]) -> str:
    return "".join(chunk.text for chunk in chunks)


class ReplierConformance:
    """Tests over a fixture `replier`, entered."""

    async def test_only_the_last_chunk_has_a_finish(self, replier: Replier) -> None:
        *before, last = await stream(replier, prompt("오늘 시험 떨어졌어"))
        assert last.finish
        assert not any(chunk.finish for chunk in before)

    async def test_the_answer_has_words_and_names_its_model(self, replier: Replier) -> None:
        chunks = await stream(replier, prompt("오늘 시험 떨어졌어"))
        assert text_of(chunks).strip()
        assert chunks[-1].model

    @pytest.mark.parametrize("text", AWKWARD, ids=lambda text: repr(text[:8]))
    async def test_awkward_texts_are_answered_or_refused_with_a_reply_error(self, replier: Replier, text: str) -> None:
        try:
            chunks = await stream(replier, prompt(text))
        except ReplyError:
            return
        assert chunks[-1].finish
        text_of(chunks).encode()

    @pytest.mark.parametrize("tone", ["usual", "softer", "shorter", "brighter"])
    @pytest.mark.parametrize("strategy", ["empathise", "mirror"])
    async def test_every_tone_and_strategy_is_answered(self, replier: Replier, strategy: Strategy, tone: Tone) -> None:
        assert text_of(await stream(replier, prompt("너무 화나", strategy=strategy, tone=tone))).strip()

    async def test_an_answer_that_was_turned_down_is_no_obstacle(self, replier: Replier) -> None:
        asked = prompt("너무 화나")
        first = text_of(await stream(replier, asked))
        assert text_of(await stream(replier, replace(asked, rejected=(first,)))).strip()

    async def test_earlier_turns_are_accepted(self, replier: Replier) -> None:
        assert text_of(await stream(replier, prompt("나 헤어졌어", "마음이 아프겠다.", "응 많이 슬퍼"))).strip()

    async def test_many_prompts_at_once_are_all_answered(self, replier: Replier) -> None:
        asked = [prompt(f"{n}번째 사람이 하는 말이야") for n in range(20)]
        answers = await asyncio.gather(*(stream(replier, one) for one in asked))
        assert all(chunks[-1].finish for chunks in answers)

    async def test_a_stream_that_is_left_early_harms_nobody(self, replier: Replier) -> None:
        async with aclosing(replier.reply(prompt("너무 화나"))) as chunks:
            async for _ in chunks:
                break
        assert (await stream(replier, prompt("너무 화나")))[-1].finish

    async def test_nothing_of_a_person_is_left_after_forgetting(self, replier: Replier) -> None:
        await stream(replier, prompt(f"내 비밀은 {CANARY}"))
        assert await replier.forget_person(SOMEBODY) >= 0
        assert CANARY not in json.dumps(await replier.export_person(SOMEBODY), ensure_ascii=False)

    def test_prices_and_limits_are_no_nonsense(self, replier: Replier) -> None:
        assert min(replier.prices) >= 0
        assert replier.max_tokens >= 0
