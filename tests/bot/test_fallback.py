"""The order of repliers, the absolute deadline and the circuit breakers."""

from __future__ import annotations

import asyncio
import logging
import time

import pytest

from bot.errors import ReplyCode, ReplyError
from bot.fallback import FAILURES_TO_OPEN, OWNER_PAUSE_S, PAUSE_S, FallbackReplier, opening_complete
from bot.types import Chunk
from tests.bot.parts import FREE, Doing, ScriptedReplier, prompt, text_of, told

OPENING = "그랬구나. 많이 힘들었지? "


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


async def test_the_second_replier_is_not_asked_while_the_first_can_answer() -> None:
    first, second = ScriptedReplier("a", "나야."), ScriptedReplier("b")
    chunks = await told(FallbackReplier([first, second], FREE))
    assert (text_of(chunks), chunks[-1].model, second.asked) == ("나야.", "a-model", [])


async def test_the_opening_is_released_as_one_piece_and_the_rest_as_it_comes() -> None:
    pieces: Doing = ["그랬", "구나. 많이 ", "힘들었지", "? ", "쉬어. ", "응.", Chunk("", "stop")]
    chunks = await told(FallbackReplier([ScriptedReplier("a", pieces)], FREE))
    assert [chunk.text for chunk in chunks] == [OPENING, "쉬어. ", "응.", ""]


@pytest.mark.parametrize(
    ("text", "complete"),
    [
        ("그랬구나.", False),
        ("그랬구나. 힘들었겠다", False),
        ("그랬구나. 힘들었겠다!", True),
        ("3.14는 원주율이야", False),
        ("진짜? ㅋㅋㅋ 웃기다", True),
        ("가" * 240, True),
    ],
)
def test_an_opening_is_two_sentences_or_a_lot_of_text(text: str, complete: bool) -> None:
    assert opening_complete(text) is complete


async def test_a_replier_that_dies_within_its_opening_costs_the_person_nothing() -> None:
    first = ScriptedReplier("a", ["그랬", ReplyError("unreachable")])
    chunks = await told(FallbackReplier([first, ScriptedReplier("b", "두 번째.")], FREE))
    assert (text_of(chunks), chunks[-1].finish) == ("두 번째.", "stop")


@pytest.mark.parametrize("fault", [ReplyError("unreachable"), RuntimeError("a bug"), ValueError("another")])
async def test_nothing_switches_after_text_was_released(fault: Exception) -> None:
    first, second = ScriptedReplier("a", [OPENING, "그리고", fault]), ScriptedReplier("b")
    chunks = await told(FallbackReplier([first, second], FREE))
    assert (text_of(chunks), chunks[-1].finish, chunks[-1].model) == (f"{OPENING}그리고", "cut", "a")
    assert second.asked == []


async def test_a_stream_that_merely_stops_is_no_answer() -> None:
    chain = FallbackReplier([ScriptedReplier("a", ["그랬구나"]), ScriptedReplier("b", [OPENING, "더"])], FREE)
    chunks = await told(chain)
    assert (text_of(chunks), chunks[-1].finish) == (f"{OPENING}더", "cut")


async def test_an_empty_answer_is_none() -> None:
    chain = FallbackReplier([ScriptedReplier("a", [" \n", Chunk(" ", "stop")]), ScriptedReplier("b", "나야.")], FREE)
    assert text_of(await told(chain)) == "나야."


async def test_when_nobody_can_answer_the_first_ones_code_is_told() -> None:
    chain = FallbackReplier([ScriptedReplier("a", ReplyError("quota")), ScriptedReplier("b", ReplyError("busy"))], FREE)
    with pytest.raises(ReplyError) as caught:
        await told(chain)
    assert caught.value.code == "quota"


async def test_without_any_replier_there_is_a_code_too() -> None:
    with pytest.raises(ReplyError, match="failed"):
        await told(FallbackReplier([], FREE))


async def test_a_repliers_own_mistake_is_logged_without_its_words(caplog: pytest.LogCaptureFixture) -> None:
    chain = FallbackReplier([ScriptedReplier("a", ValueError("비밀 이야기")), ScriptedReplier("b", "나야.")], FREE)
    assert text_of(await told(chain)) == "나야."
    assert "a broke its contract: ValueError" in caplog.text
    assert "비밀" not in caplog.text


async def test_the_deadline_is_absolute_against_a_slow_drip() -> None:
    drip: list[str | float] = [piece for _ in range(100) for piece in (0.05, "음")]
    start = time.monotonic()
    chain = FallbackReplier([ScriptedReplier("a", drip), ScriptedReplier("b", "나야.")], FREE, deadline_s=0.8)
    assert text_of(await told(chain)) == "나야."
    assert time.monotonic() - start < 0.8
    start = time.monotonic()
    chunks = await told(FallbackReplier([ScriptedReplier("a", [OPENING, *drip])], FREE, deadline_s=0.8))
    assert chunks[-1].finish == "cut"
    assert 0.7 < time.monotonic() - start < 1.4


async def test_the_deadline_holds_against_a_replier_that_never_pauses() -> None:
    flood = ["음"] * 3_000_000
    start = time.monotonic()
    chunks = await told(FallbackReplier([ScriptedReplier("a", [OPENING, *flood])], FREE, deadline_s=0.3))
    assert chunks[-1].finish == "cut"
    assert time.monotonic() - start < 1.5


async def test_a_replier_that_hangs_until_the_end_leaves_time_for_the_next_one() -> None:
    hung = ScriptedReplier("a", [60.0])
    chain = FallbackReplier([hung, ScriptedReplier("b", [0.1, "나야.", Chunk("", "stop")])], FREE, deadline_s=0.8)
    assert text_of(await told(chain)) == "나야."
    assert hung.closed == 1


async def test_an_earlier_deadline_of_the_caller_counts() -> None:
    chain = FallbackReplier([ScriptedReplier("a", [60.0])], FREE, deadline_s=60)
    start = time.monotonic()
    with pytest.raises(ReplyError, match="timeout"):
        [chunk async for chunk in chain.reply(prompt(), until=time.monotonic() + 0.2)]
    assert time.monotonic() - start < 1


@pytest.mark.parametrize("code", ["quota", "key", "model_gone"])
async def test_the_owners_failures_open_the_circuit_at_once_and_are_told(
    code: ReplyCode, caplog: pytest.LogCaptureFixture
) -> None:
    clock, first = Clock(), ScriptedReplier("a", ReplyError(code, "HTTP 4xx"))
    chain = FallbackReplier([first, ScriptedReplier("b")], FREE, clock=clock)
    for _ in range(10):
        await told(chain)
    assert (len(first.asked), chain.health()) == (1, {"a": code, "b": "ok"})
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    clock.now += OWNER_PAUSE_S
    assert chain.health()["a"] == "ok"
    await told(chain)
    assert len(first.asked) == 2


@pytest.mark.parametrize("code", ["busy", "unreachable", "timeout", "bad_reply", "failed"])
async def test_other_failures_open_it_after_three(code: ReplyCode) -> None:
    first = ScriptedReplier("a", otherwise=ReplyError(code))
    chain = FallbackReplier([first, ScriptedReplier("b")], FREE, clock=Clock())
    for _ in range(10):
        await told(chain)
    assert len(first.asked) == FAILURES_TO_OPEN == 3
    assert chain.health()["a"] == code


@pytest.mark.parametrize("code", ["filtered", "too_long"])
async def test_a_failure_of_one_prompt_says_nothing_about_the_server(code: ReplyCode) -> None:
    first = ScriptedReplier("a", *[ReplyError(code)] * 10)
    chain = FallbackReplier([first, ScriptedReplier("b")], FREE, clock=Clock())
    for _ in range(11):
        chunks = await told(chain)
    assert chunks[-1].model == "a-model"


async def test_a_success_in_between_starts_the_count_anew() -> None:
    thrice: list[Doing] = [ReplyError("busy"), ReplyError("busy"), "나야."]
    first = ScriptedReplier("a", *thrice * 5)
    chain = FallbackReplier([first, ScriptedReplier("b")], FREE, clock=Clock())
    for _ in range(15):
        await told(chain)
    assert len(first.asked) == 15


async def test_after_the_pause_one_call_tries_and_the_others_wait_for_what_becomes_of_it() -> None:
    clock, first = Clock(), ScriptedReplier("a", *[ReplyError("busy")] * 3)
    chain = FallbackReplier([first, ScriptedReplier("b")], FREE, clock=clock)
    for _ in range(3):
        await told(chain)
    clock.now += PAUSE_S
    first.will([0.1, ReplyError("busy")])
    await asyncio.gather(*(told(chain) for _ in range(20)))
    assert len(first.asked) == 4
    clock.now += PAUSE_S - 1
    await told(chain)
    assert len(first.asked) == 4
    clock.now += 1
    first.will([0.1, "돌아왔어.", Chunk("", "stop")])
    await asyncio.gather(*(told(chain) for _ in range(20)))
    assert len(first.asked) == 5
    await asyncio.gather(*(told(chain) for _ in range(20)))
    assert (len(first.asked), chain.health()["a"]) == (25, "ok")


async def test_a_filtered_trial_does_not_keep_the_circuit_open() -> None:
    clock, first = Clock(), ScriptedReplier("a", *[ReplyError("busy")] * 3, ReplyError("filtered"))
    chain = FallbackReplier([first, ScriptedReplier("b")], FREE, clock=clock)
    for _ in range(3):
        await told(chain)
    clock.now += PAUSE_S
    await told(chain)
    assert (await told(chain))[-1].model == "a-model"


async def test_a_late_failure_never_shortens_the_owners_pause() -> None:
    clock = Clock()
    first = ScriptedReplier("a", [0.1, ReplyError("busy")], ReplyError("quota"))
    chain = FallbackReplier([first, ScriptedReplier("b")], FREE, clock=clock)
    await asyncio.gather(told(chain), told(chain))
    clock.now += PAUSE_S + 1
    assert chain.health()["a"] == "quota"


async def test_a_stopped_answer_counts_as_a_sign_of_life_once_it_has_spoken() -> None:
    clock, first = Clock(), ScriptedReplier("a", *[ReplyError("busy")] * 3, [OPENING, 60.0])
    chain = FallbackReplier([first, ScriptedReplier("b")], FREE, clock=clock)
    for _ in range(3):
        await told(chain)
    clock.now += PAUSE_S
    task = asyncio.create_task(told(chain))
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()
    assert first.closed == 1
    assert chain.health()["a"] == "ok"
    assert (await told(chain))[-1].model == "a-model"
