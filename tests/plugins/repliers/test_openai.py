"""The real client against a real local server: every fault ends in the next replier's answer, a cut, or a code."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import replace

import pytest

from bot.errors import OperatorError, ReplyCode, ReplyError
from bot.fallback import FallbackReplier
from bot.types import Chunk, Turn, Usage
from plugins.repliers.openai import OpenAIReplier
from tests.bot.parts import FREE, ScriptedReplier, prompt, text_of, told
from tests.servers.openai_server import FRIENDLY, MIDWAY, Fault, OpenAIServer, Saying

DEADLINE_S = 2.0
SLACK_S = 1.5  # thirty answers at once on two shared cores
SECOND = "나는 두 번째 목소리야. 네 얘기 듣고 있어."
SECRET = "아무도 모르는 내 비밀 일기장"

CODES: dict[Fault, ReplyCode] = {
    Fault.SERVER_ERROR: "busy",
    Fault.BAD_GATEWAY: "unreachable",
    Fault.OVERLOADED: "busy",
    Fault.SLOW_DOWN: "busy",
    Fault.SLOW_DOWN_LONG: "busy",
    Fault.REQUEST_TIMEOUT: "timeout",
    Fault.QUOTA: "quota",
    Fault.BAD_KEY: "key",
    Fault.MODEL_GONE: "model_gone",
    Fault.TOO_LONG: "too_long",
    Fault.TOO_LONG_IN_WORDS: "too_long",
    Fault.REFUSED_400: "filtered",
    Fault.RESET: "unreachable",
    Fault.STALL: "timeout",
    Fault.HTML: "bad_reply",
    Fault.NO_BODY: "bad_reply",
    Fault.BROKEN_JSON: "bad_reply",
    Fault.BROKEN_UTF8: "bad_reply",
    Fault.ERROR_200: "busy",
    Fault.NO_CHOICES: "bad_reply",
    Fault.WRONG_TYPES: "bad_reply",
    Fault.NULL_CONTENT: "bad_reply",
    Fault.EMPTY_LENGTH: "bad_reply",
    Fault.FILTERED: "filtered",
    Fault.REFUSAL: "filtered",
    Fault.DRIP: "timeout",
    Fault.CUT: "unreachable",
    Fault.UNFINISHED: "bad_reply",
    Fault.ERROR_EVENT: "busy",
    Fault.STALL_MIDWAY: "timeout",
}
both_ways = pytest.mark.parametrize("stream", [True, False], ids=["streaming", "whole"])


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer() as running:
        yield running


@asynccontextmanager
async def asking(server: OpenAIServer, *, stream: bool = True, max_tokens: int = 400) -> AsyncIterator[OpenAIReplier]:
    replier = OpenAIReplier(model="gpt-test", base_url=server.base_url, stream=stream, max_tokens=max_tokens)
    replier.name = "openai"
    async with replier:
        yield replier


async def _outcome(chain: FallbackReplier) -> tuple[str, str]:
    """How an answer ended (`stop`, `cut`, or a code; `late` beyond the deadline) and its text."""
    start, chunks = time.monotonic(), list[Chunk]()
    try:
        async for chunk in chain.reply(prompt()):
            chunks.append(chunk)
        ended: str = chunks[-1].finish
    except ReplyError as error:
        ended = error.code
    return ("late" if time.monotonic() - start > DEADLINE_S + SLACK_S else ended), text_of(chunks)


async def _outcomes(sayings: Sequence[Saying], *, stream: bool, second: bool) -> dict[str, tuple[str, str]]:
    """All of them at once, each with a server, a client and circuit breakers of its own."""
    async with AsyncExitStack() as stack:
        chains = []
        for saying in sayings:
            server = await stack.enter_async_context(OpenAIServer())
            server.always(saying)
            repliers = [await stack.enter_async_context(asking(server, stream=stream))]
            chains.append(FallbackReplier([*repliers, *second * [ScriptedReplier("b", SECOND)]], FREE, DEADLINE_S))
        ended = await asyncio.gather(*(_outcome(chain) for chain in chains))
    return {str(saying.fault): one for saying, one in zip(sayings, ended, strict=True)}


def test_every_fault_of_the_server_has_an_expected_end() -> None:
    assert set(CODES) == set(Fault)
    assert len(CODES) >= 22


@both_ways
async def test_every_fault_ends_in_the_next_repliers_answer_within_the_deadline(stream: bool) -> None:
    sayings = [Saying("그랬" if fault in MIDWAY else FRIENDLY, fault) for fault in Fault]
    assert await _outcomes(sayings, stream=stream, second=True) == {str(fault): ("stop", SECOND) for fault in Fault}


@both_ways
async def test_every_fault_alone_ends_in_its_code_within_the_deadline(stream: bool) -> None:
    sayings = [Saying("그랬" if fault in MIDWAY else FRIENDLY, fault) for fault in Fault]
    assert await _outcomes(sayings, stream=stream, second=False) == {str(f): (code, "") for f, code in CODES.items()}


async def test_a_stream_that_dies_after_its_opening_is_cut_and_not_answered_twice() -> None:
    ended = await _outcomes([Saying(FRIENDLY, fault) for fault in MIDWAY], stream=True, second=True)
    assert {fault: end for fault, (end, _) in ended.items()} == {str(fault): "cut" for fault in MIDWAY}
    assert all(text.startswith(FRIENDLY) and SECOND not in text for _, text in ended.values())


async def test_a_server_that_is_not_there_is_unreachable() -> None:
    async with OpenAIServer() as gone:
        pass
    async with asking(gone) as replier:
        with pytest.raises(ReplyError) as caught:
            await told(replier)
    assert caught.value.code == "unreachable"


@both_ways
async def test_an_answer_arrives_whole_with_model_and_usage(server: OpenAIServer, stream: bool) -> None:
    async with asking(server, stream=stream) as replier:
        chunks = await told(replier)
    assert text_of(chunks) == FRIENDLY
    assert (chunks[-1].finish, chunks[-1].model) == ("stop", "gpt-test-2026-11-01")
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion == len(FRIENDLY)
    assert (len(chunks) > 10) is stream


async def test_the_emotion_is_told_in_the_one_system_message_and_the_key_only_where_there_is_one(
    server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with asking(server, max_tokens=77) as replier:
        await told(replier, prompt("힘들었어 ;; 기쁨"))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-local")
    async with asking(server, stream=False) as replier:
        await told(replier)
    first, second = server.requests
    system, user = first.body["messages"]
    assert "슬픔" in system["content"]
    assert user == {"role": "user", "content": "힘들었어 ;; 기쁨"}
    assert (first.body["model"], first.body["max_tokens"]) == ("gpt-test", 77)
    assert first.body["stream_options"] == {"include_usage": True}
    assert {"temperature", "store", "max_completion_tokens"}.isdisjoint(first.body)
    assert first.headers["Authorization"] == "Bearer none"
    assert second.headers["Authorization"] == "Bearer sk-local"
    assert "stream_options" not in second.body


async def test_a_length_limit_is_told_as_such(server: OpenAIServer) -> None:
    server.will(Saying(finish="length"))
    async with asking(server) as replier:
        assert (await told(replier))[-1].finish == "length"


@both_ways
async def test_a_server_that_never_reports_usage_is_no_fault(stream: bool) -> None:
    async with OpenAIServer(usage=False) as server, asking(server, stream=stream) as replier:
        chunks = await told(replier)
    assert (text_of(chunks), chunks[-1].usage) == (FRIENDLY, None)


async def test_fields_that_a_server_refuses_are_left_out_from_then_on() -> None:
    async with OpenAIServer(refuses=("stream_options", "max_tokens")) as server, asking(server) as replier:
        assert text_of(await told(replier)) == FRIENDLY
        assert text_of(await told(replier)) == FRIENDLY
        assert server.requests[1].body["max_completion_tokens"] == 400


async def test_a_server_that_knows_no_limit_at_all_is_asked_a_few_times_only() -> None:
    async with OpenAIServer(refuses=("max_tokens", "max_completion_tokens")) as server, asking(server) as replier:
        with pytest.raises(ReplyError) as caught:
            await told(replier)
    assert caught.value.code == "failed"


async def test_a_server_that_does_not_stream_is_understood() -> None:
    async with OpenAIServer(streams=False) as server, asking(server) as replier:
        server.will(FRIENDLY, Fault.QUOTA, Fault.ERROR_200)
        assert text_of(await told(replier)) == FRIENDLY
        for code in ("quota", "busy"):
            with pytest.raises(ReplyError) as caught:
                await told(replier)
            assert caught.value.code == code


@both_ways
async def test_thinking_in_front_of_the_answer_is_left_out(server: OpenAIServer, stream: bool) -> None:
    server.will("<think>\n이 사람은 지금 < 슬프다.\n</think>\n\n많이 힘들었지?", "<3 좋아!")
    async with asking(server, stream=stream) as replier:
        assert text_of(await told(replier)) == "많이 힘들었지?"
        assert text_of(await told(replier)) == "<3 좋아!"


async def test_a_server_that_is_busy_for_a_moment_is_asked_once_more(server: OpenAIServer) -> None:
    server.will(Fault.OVERLOADED, FRIENDLY, Fault.OVERLOADED, Fault.OVERLOADED, Fault.SLOW_DOWN_LONG)
    async with asking(server) as replier:
        assert text_of(await told(replier)) == FRIENDLY
        for requests in (4, 5):  # twice busy; then busy for 500 seconds, which nobody waits for
            with pytest.raises(ReplyError, match="busy"):
                await told(replier)
            assert len(server.requests) == requests


@pytest.mark.parametrize("saying", [Saying(pace_s=0.2), Saying(fault=Fault.STALL)], ids=["mid-answer", "before it"])
async def test_stopping_closes_the_connection(server: OpenAIServer, saying: Saying) -> None:
    server.always(saying)
    async with asking(server) as replier:
        task = asyncio.create_task(told(replier))
        await asyncio.sleep(0.5)
        task.cancel()
        await asyncio.wait({task})
        await asyncio.wait_for(server.hung_up.wait(), 2)


async def test_dropping_a_draft_closes_the_connection(server: OpenAIServer) -> None:
    server.always(Saying(pace_s=0.05))
    async with asking(server) as replier:
        async with aclosing(replier.reply(prompt())) as chunks:
            await anext(chunks)
        await asyncio.wait_for(server.hung_up.wait(), 2)


async def test_fifty_people_are_answered_at_once(server: OpenAIServer) -> None:
    async with asking(server) as replier:
        answers = await asyncio.gather(*(told(replier, prompt(f"{number}번 사람")) for number in range(50)))
    assert {text_of(chunks) for chunks in answers} == {FRIENDLY}
    assert len({request.body["messages"][1]["content"] for request in server.requests}) == 50


async def test_text_that_is_no_unicode_is_still_sent(server: OpenAIServer) -> None:
    async with asking(server) as replier:
        assert text_of(await told(replier, prompt("반쪽 \ud83d 이모지 \x00"))) == FRIENDLY


async def test_without_a_key_the_next_replier_answers_at_once_and_the_log_says_so_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    async with OpenAIReplier(model="gpt-test") as replier:
        chain = FallbackReplier([replier, ScriptedReplier("offline")], FREE)
        start = time.monotonic()
        for _ in range(20):
            assert text_of(await told(chain)) == "응, 그랬구나."
        assert time.monotonic() - start < 1
    assert caplog.messages == ["no OPENAI_API_KEY: using the offline voice"]


async def test_without_a_model_the_log_names_the_setting(
    server: OpenAIServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with OpenAIReplier(base_url=server.base_url) as replier:
        with pytest.raises(ReplyError) as caught:
            await told(replier)
        assert [name for name, _ in await replier.offered()] == ["gpt-test", "gpt-old"]
    assert caught.value.code == "model_gone"
    assert "replier.openai.model" in caplog.text
    assert not server.requests


async def test_the_doctor_hears_which_models_there_are_and_when_they_end(server: OpenAIServer) -> None:
    async with asking(server) as replier:
        assert await replier.offered() == [("gpt-test", None), ("gpt-old", "2026-12-31")]


async def test_the_doctor_hears_a_code_where_there_is_no_list() -> None:
    async with OpenAIServer() as gone:
        pass
    async with asking(gone) as replier:
        with pytest.raises(ReplyError, match="unreachable"):
            await replier.offered()
    async with OpenAIReplier() as replier:
        with pytest.raises(ReplyError, match="key"):
            await replier.offered()


async def test_no_log_ever_holds_what_a_person_wrote(server: OpenAIServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server.will(*(Saying(SECRET, fault) for fault in Fault if CODES[fault] != "timeout" and fault != Fault.SLOW_DOWN))
    question = replace(prompt(SECRET), turns=(Turn("user", SECRET), Turn("assistant", SECRET), Turn("user", SECRET)))
    async with asking(server) as replier:
        for _ in Fault:
            chain = FallbackReplier([replier, ScriptedReplier("b", usage=Usage(1, 1))], FREE, DEADLINE_S)
            await told(chain, question)
    assert caplog.messages
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    "options", [{"base_url": "localhost:8000/v1"}, {"max_tokens": 0}, {"timeout_s": 0}, {"price_in": -1}]
)
def test_a_wrong_option_is_named(options: dict[str, str | int]) -> None:
    with pytest.raises(OperatorError, match=next(iter(options)).split("_")[0]):
        OpenAIReplier(**options)  # type: ignore[arg-type]
