"""Conversations: history, variants, corrections and thumbs, as each database gives them back."""

from __future__ import annotations

import pytest

from bot.errors import Refusal
from bot.types import Conversation, Reply
from storage.conversations import Conversations
from storage.jobs import Jobs
from tests.storage.parts import CHAT, JUN, PERSON, incoming, talk

HERE = Conversation(CHAT, PERSON)


async def test_history_holds_what_was_said_and_read_in_order(jobs: Jobs, conversations: Conversations) -> None:
    await talk(jobs, "남의 말", "기쁨", JUN)
    await talk(jobs, "하나", "슬픔", answer="응.")
    second = await talk(jobs, "둘")
    turns = await conversations.history(second, 10)
    assert [(turn.role, turn.text) for turn in turns] == [("user", "하나"), ("assistant", "응."), ("user", "둘")]
    assert turns[0].reading is not None
    assert (turns[0].reading.top.label, turns[0].reading.group, turns[0].reading.sure) == ("슬픔", "sadness", True)
    assert turns[2].reading is None


async def test_a_further_variant_is_shown_and_the_first_one_stays(jobs: Jobs, conversations: Conversations) -> None:
    message = await talk(jobs, "하나", answer="첫째")
    assert await jobs.accept_regenerate(message, "lonely")
    job = await jobs.take(HERE)
    assert job is not None
    await jobs.place(job, "handle")
    second = await jobs.finish(job, None, Reply("둘째", finish="stop"))
    await jobs.close(job, "done")
    assert [(one.variant, one.text) for one in await conversations.variants(message)] == [(1, "첫째"), (2, "둘째")]
    (exchange,) = await conversations.transcript(HERE)
    assert (exchange.reply, exchange.variants) == (second, 2)
    await conversations.select(message, 1)
    assert (await conversations.exchange(message)).reply != second
    assert await conversations.message_of(second.id) == message
    assert await jobs.handle(message) == "handle"
    with pytest.raises(Refusal, match="no_variant"):
        await conversations.select(message, 9)


async def test_the_last_correction_and_the_last_thumb_count(jobs: Jobs, conversations: Conversations) -> None:
    message = await talk(jobs, "하나", "기쁨")
    for label in ("슬픔", "외로운"):
        await conversations.correct(message, label)
    exchange = await conversations.exchange(message)
    assert exchange.reading is not None
    assert (exchange.reading.top.label, exchange.reading.model) == ("외로운", "person")
    assert exchange.reply is not None
    for value in (1, -1):
        await conversations.give_feedback(exchange.reply.id, value)
    assert (await conversations.exchange(message)).feedback == -1
    await conversations.give_feedback(exchange.reply.id, 0)
    assert (await conversations.exchange(message)).feedback == 0


async def test_a_message_that_comes_twice_is_kept_once(jobs: Jobs, conversations: Conversations) -> None:
    message = incoming("안녕")
    assert await jobs.accept(message) is not None
    assert await jobs.accept(message) is None
    assert len(await conversations.transcript(HERE)) == 1


async def test_odd_characters_come_back_as_they_went_in(jobs: Jobs, conversations: Conversations) -> None:
    text = "👨‍👩‍👧‍👦 \u202e مرحبا 'DROP TABLE' \\ \n" + "가" * 20_000
    message = await talk(jobs, text)
    assert (await conversations.exchange(message)).text == text


async def test_what_was_never_there_is_refused(conversations: Conversations) -> None:
    for call in (conversations.exchange, conversations.conversation, conversations.message_of):
        with pytest.raises(Refusal, match="not_found"):
            await call(99)
