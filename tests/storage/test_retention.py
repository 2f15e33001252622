"""What was kept long enough goes, by the clock handed in, and each space may have its own time."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import Refusal
from bot.types import Conversation
from storage.conversations import Conversations
from storage.database import Database
from storage.emotion_log import EmotionLog, Filter
from storage.jobs import Jobs
from storage.notices import Notices
from storage.people import People
from storage.retention import DAY_MS, Days, Retention
from storage.rows import now_ms
from storage.tables import audit, chats, emotion_hourly, messages, notices, space_settings, spend
from tests.storage.parts import CHAT, JUN, PERSON, SERVER, incoming, talk

HERE, THERE = Conversation(CHAT, PERSON), Conversation(SERVER, PERSON)


@pytest.fixture
def retention(database: Database) -> Retention:
    return Retention(database, Days())


def _in(days: float) -> int:
    return now_ms() + int(days * DAY_MS)


async def _rows(database: Database, table: object) -> int:
    async with database.reading() as connection:
        return len((await connection.execute(select(table))).all())  # type: ignore[call-overload]


async def test_texts_go_after_30_days_and_the_emotions_kept_stay_until_90(
    retention: Retention, jobs: Jobs, people: People, conversations: Conversations, database: Database
) -> None:
    tagged = await talk(jobs, "너무 슬퍼", "슬픔")
    await talk(jobs, "밥 먹자")
    log = EmotionLog(database, people)
    assert await retention.purge(_in(29)) == {}
    assert await retention.purge(_in(31)) == {"texts": 2}
    assert await _rows(database, messages) == 1, "without a tag nothing of a message is left"
    assert await conversations.transcript(HERE) == []
    for call in (conversations.exchange(tagged), conversations.history(tagged, 5), conversations.message_of(1)):
        with pytest.raises(Refusal, match="not_found"):
            await call
    (entry,) = (await log.query(Filter())).entries
    assert (entry.label, entry.hit) == ("슬픔", True)
    assert await retention.purge(_in(91)) == {"tags": 1}
    assert await _rows(database, messages) == 0
    assert (await log.query(Filter())).total == 0


async def test_tags_that_are_kept_for_a_shorter_time_go_before_the_texts(
    database: Database, jobs: Jobs, conversations: Conversations
) -> None:
    message = await talk(jobs, "너무 슬퍼", "슬픔")
    await conversations.correct(message, "외로운")
    assert await Retention(database, Days(tags_days=7)).purge(_in(8)) == {"tags": 1}
    exchange = await conversations.exchange(message)
    assert (exchange.text, exchange.reading) == ("너무 슬퍼", None)


async def test_a_space_keeps_things_for_a_time_of_its_own(
    retention: Retention, jobs: Jobs, conversations: Conversations
) -> None:
    await talk(jobs, "여기", "기쁨")
    await talk(jobs, "거기", "기쁨", chat=SERVER)
    for days in (1, 60):
        await retention.keep("test:server", "texts_days", days, "moderator")
    assert await retention.purge(_in(31)) == {"texts": 1}
    assert await conversations.transcript(HERE) == []
    assert [one.text for one in await conversations.transcript(THERE)] == ["거기"]
    assert await retention.purge(_in(61)) == {"texts": 1}


async def test_the_audit_is_kept_for_a_year_and_spending_loses_its_pseudonym(
    retention: Retention, database: Database
) -> None:
    async def fill(connection: AsyncConnection) -> None:
        for space in (None, "test:server"):
            await connection.execute(insert(audit).values(at=now_ms(), who="a", action="look", space=space))
        for days_ago in (0, 9):
            day = now_ms() // DAY_MS - days_ago
            await connection.execute(insert(spend).values(day=day, payer="alias", amount=5))

    await database.write(fill)
    assert await retention.purge(_in(0)) == {}
    async with database.reading() as connection:
        assert list(await connection.scalars(select(spend.c.payer).order_by(spend.c.day))) == ["", "alias"]
    await retention.keep("test:server", "audit_days", 30, "moderator")
    assert await retention.purge(_in(31)) == {"audit": 1}
    assert await retention.purge(_in(366)) == {"audit": 1}


async def test_leaving_a_space_deletes_what_was_kept_there_and_nothing_else(
    retention: Retention, jobs: Jobs, conversations: Conversations, database: Database
) -> None:
    await talk(jobs, "여기", "기쁨")
    await talk(jobs, "거기", "기쁨", chat=SERVER)
    await talk(jobs, "나도", "슬픔", JUN, SERVER)
    hour = {"space": "test:server", "hour": 1, "label": "기쁨", "grp": "joy", "n": 1}
    await database.write(lambda connection: connection.execute(insert(emotion_hourly).values(hour)))
    assert await retention.leave("test:server") == 2
    assert await conversations.transcript(THERE) == []
    assert [one.text for one in await conversations.transcript(HERE)] == ["여기"]
    for table in (emotion_hourly, space_settings):
        assert await _rows(database, table) == 0
    assert await _rows(database, chats) == 1
    await talk(jobs, "다시 왔네", chat=SERVER)
    assert await retention.purge(_in(0)) == {}, "coming back is a new beginning"
    assert len(await conversations.transcript(THERE)) == 1


async def test_a_leaving_that_was_cut_short_is_finished_by_the_next_purge(
    retention: Retention, jobs: Jobs, conversations: Conversations, database: Database
) -> None:
    await talk(jobs, "거기", "기쁨", chat=SERVER)
    mark = {"space": "test:server", "key": "left", "value": True, "who": "operator", "at": 1}
    await database.write(lambda connection: connection.execute(insert(space_settings).values(mark)))
    assert await retention.purge(_in(0)) == {"left": 1}
    assert await conversations.transcript(THERE) == []


async def test_a_purge_leaves_unanswered_new_messages_alone(retention: Retention, jobs: Jobs) -> None:
    await jobs.accept(incoming("기다려"))
    await retention.purge(_in(0))
    assert await jobs.waiting(["test"]) == [HERE]


async def test_when_the_ai_notice_was_said_is_kept_for_a_day(
    database: Database, jobs: Jobs, people: People, retention: Retention
) -> None:
    await talk(jobs, "안녕")
    assert await Notices(people).keep(HERE, now_ms(), 0) is not None
    await retention.purge(_in(0.9))
    assert await _rows(database, notices) == 1
    await retention.purge(_in(1.1))
    assert await _rows(database, notices) == 0
