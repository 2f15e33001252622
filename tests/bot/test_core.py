"""The closed loop: a draft whose opening misses the aim is dropped unseen, once. And how far a reading looks back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import aclosing

import pytest

from bot.care import Care
from bot.core import CONTEXT_MS, Core, Voice, thought_of
from bot.errors import ReplyError
from bot.fallback import FallbackReplier
from bot.types import CARE as CARE_MODEL
from bot.types import Chunk, Reply, Text, Turn, Usage
from tests.bot.parts import BROKEN, FREE, Doing, ScriptedClassifier, ScriptedReplier, reading

COLD = "하하 웃기다! 신난다! "
WARM = "많이 속상했겠다. 나도 슬퍼. "
SAD = (Turn("user", "강아지가 죽었어", reading("sadness")),)
ANGRY = (Turn("user", "진짜 화나", reading("anger")),)

CARE = Care()


def core(replier: ScriptedReplier, *more: ScriptedReplier, closed_loop: bool = True, deadline_s: float = 40) -> Core:
    classifier = ScriptedClassifier(하하="joy", 슬퍼="sadness", 열받네="anger")
    return Core(classifier, FallbackReplier([replier, *more], FREE, deadline_s), CARE, closed_loop)


async def seen(house: Core, turns: Sequence[Turn] = SAD, *, voice: Voice | None = None) -> list[Reply]:
    """Everything a person sees, snapshot by snapshot."""
    return [reply async for reply in house.answer(turns, voice or Voice())]


async def test_a_hit_is_shown_as_it_grows() -> None:
    pieces: Doing = [WARM, "안아 주고 ", "싶다.", Chunk("", "stop", "m", Usage(3, 4))]
    snapshots = await seen(core(replier := ScriptedReplier("a", pieces)))
    assert [reply.text for reply in snapshots] == [WARM, f"{WARM}안아 주고 ", *[f"{WARM}안아 주고 싶다."] * 2]
    assert {reply.hit for reply in snapshots} == {True}
    last = snapshots[-1]
    assert (last.finish, last.model, last.usage, last.reading and last.reading.group) == (
        *("stop", "m", Usage(3, 4)),
        "sadness",
    )
    assert len(replier.asked) == 1


async def test_a_miss_asks_once_more_and_the_dropped_draft_is_never_seen() -> None:
    snapshots = await seen(core(replier := ScriptedReplier("a", [COLD, "더 웃자!", 60.0], WARM)))
    assert [ask.rejected for ask in replier.asked] == [(), (COLD,)]
    assert not any("하하" in reply.text for reply in snapshots)
    assert (snapshots[-1].text, snapshots[-1].hit, snapshots[-1].finish) == (WARM, True, "stop")
    assert replier.closed == 2


async def test_who_asked_whether_a_life_is_in_danger_already_need_not_have_it_asked_again() -> None:
    danger = (Turn("user", "나 진짜 죽고 싶어. 오늘 밤에 죽을 거야"),)
    house = core(ScriptedReplier("a"))
    (asked,) = await seen(house, danger)
    assert "109" in asked.text
    told = [reply async for reply in house.answer(danger, Voice(), finding=house.concern(danger))]
    calm = [reply async for reply in house.answer(danger, Voice(), finding=None)]
    assert (told[-1].model, calm[-1].model == CARE_MODEL) == (CARE_MODEL, False)


async def test_what_the_person_turned_down_before_stays_turned_down() -> None:
    house = core(replier := ScriptedReplier("a", COLD, WARM))
    [_ async for _ in house.answer(SAD, Voice(), rejected=["옛날 답"], payer="p1")]
    assert [ask.rejected for ask in replier.asked] == [("옛날 답",), ("옛날 답", COLD)]
    assert {ask.payer for ask in replier.asked} == {"p1"}


async def test_a_second_miss_is_shown_as_one() -> None:
    snapshots = await seen(core(replier := ScriptedReplier("a", COLD, "하하 또 웃기다!")))
    assert (snapshots[-1].text, snapshots[-1].hit, len(replier.asked)) == ("하하 또 웃기다!", False, 2)


@pytest.mark.parametrize("error", [ReplyError("busy"), ReplyError("quota"), RuntimeError("a bug")])
async def test_when_the_second_try_fails_the_first_draft_is_shown(error: Exception) -> None:
    snapshots = await seen(core(ScriptedReplier("a", COLD, error)))
    assert [(reply.text, reply.hit, reply.finish) for reply in snapshots] == [(COLD, False, "stop")]


async def test_a_first_draft_that_was_stopped_midway_is_shown_as_cut() -> None:
    snapshots = await seen(core(ScriptedReplier("a", [COLD, "더", Chunk("", "stop")], ReplyError("busy"))))
    assert [(reply.text, reply.finish) for reply in snapshots] == [(COLD, "cut")]


async def test_without_the_loop_a_miss_is_shown_at_once() -> None:
    snapshots = await seen(core(replier := ScriptedReplier("a", COLD), closed_loop=False))
    assert (snapshots[-1].text, snapshots[-1].hit, len(replier.asked)) == (COLD, False, 1)


async def test_there_is_no_second_try_when_half_the_time_is_gone() -> None:
    house = core(replier := ScriptedReplier("a", [0.3, COLD, Chunk("", "stop")]), deadline_s=0.5)
    assert ((await seen(house))[-1].text, len(replier.asked)) == (COLD, 1)


async def test_both_tries_share_one_deadline() -> None:
    house = core(ScriptedReplier("a", [0.3, COLD, 60.0], [60.0]), deadline_s=0.8)
    start = time.monotonic()
    assert (await seen(house))[-1].text == COLD
    assert time.monotonic() - start < 1.2


@pytest.mark.parametrize("error", [BROKEN, RuntimeError("a bug of the plugin")])
async def test_a_broken_classifier_never_costs_an_answer(error: Exception) -> None:
    house = core(replier := ScriptedReplier("a", COLD))
    assert isinstance(house.classifier, ScriptedClassifier)
    house.classifier.broken = error
    assert await house.read([Text("안녕"), Text("잘 가")]) == [None, None]
    snapshots = await seen(house, [Turn("user", "강아지가 죽었어")])
    assert (snapshots[-1].text, snapshots[-1].hit, snapshots[-1].reading, len(replier.asked)) == (COLD, None, None, 1)
    assert set(replier.asked[0].aim.groups) == {"neutral", "joy"}


async def test_when_nobody_can_begin_the_code_comes_through() -> None:
    with pytest.raises(ReplyError, match="busy"):
        await seen(core(ScriptedReplier("a", ReplyError("busy"))))


async def test_a_cut_answer_keeps_what_was_said() -> None:
    snapshots = await seen(core(ScriptedReplier("a", [WARM, "그리고", ReplyError("unreachable")])))
    assert (snapshots[-1].text, snapshots[-1].finish, snapshots[-1].hit) == (f"{WARM}그리고", "cut", True)


async def test_empathise_keeps_an_angry_person_company_and_mirror_is_angry_with_them() -> None:
    angry = "아 열받네! 진짜 열받네! "
    for voice, second_asked in ((Voice(), False), (Voice(strategy="mirror"), True)):
        snapshots = await seen(core(replier := ScriptedReplier("a", WARM, angry)), ANGRY, voice=voice)
        assert (len(replier.asked) == 2) is second_asked
        assert snapshots[-1].text == (angry if second_asked else WARM)
        assert snapshots[-1].hit is True
    assert replier.asked[0].aim.groups == ("anger",)


async def test_an_unsure_reading_aims_at_neutral() -> None:
    house = core(replier := ScriptedReplier("a", "그렇구나."))
    await seen(house, [Turn("user", "음", reading("anger", sure=False))])
    assert set(replier.asked[0].aim.groups) == {"neutral", "joy"}


async def test_the_voice_reaches_the_prompt() -> None:
    replier = ScriptedReplier("a", WARM)
    await seen(core(replier), voice=Voice("en", "You are Bo.", tone="softer"))
    (asked,) = replier.asked
    assert (asked.language, asked.persona.splitlines()[0], asked.aim.tone) == ("en", "You are Bo.", "softer")
    assert "Never diagnose" in asked.persona, "the rules hold for every persona"


async def test_stopping_midway_closes_the_replier() -> None:
    replier = ScriptedReplier("a", [WARM, 60.0])
    async with aclosing(core(replier).answer(SAD, Voice())) as growing:
        assert (await anext(growing)).text == WARM
        waiting = asyncio.ensure_future(anext(growing))
        await asyncio.sleep(0.05)
        waiting.cancel()
        await asyncio.wait({waiting})
    assert replier.closed == 1


def test_a_reading_looks_back_half_an_hour_and_no_further() -> None:
    turns = [
        Turn("user", "헤어졌어", at=0),
        Turn("assistant", "많이 힘들지."),
        Turn("user", "잠이 안 와", at=40 * 60_000),
        Turn("assistant", "그랬구나."),
        Turn("user", "응", at=60 * 60_000),
    ]
    assert thought_of(turns) == Text("응", ("헤어졌어", "잠이 안 와"))
    assert thought_of(turns, CONTEXT_MS) == Text("응", ("잠이 안 와",))
