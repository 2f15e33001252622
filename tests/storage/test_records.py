"""What is kept about a person is exported whole and erased whole, whatever tables there are."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import OperatorError
from bot.types import Conversation, Person
from storage.conversations import Conversations
from storage.database import Database
from storage.jobs import Jobs
from storage.keys import KeyStore
from storage.notices import Notices
from storage.people import People
from storage.records import ANONYMOUS, PSEUDONYMOUS, Forgetting, Records
from storage.tables import audit, metadata, space_settings, spend
from storage.tables import people as people_table
from tests.storage.parts import CHAT, JUN, PERSON, SERVER, incoming, talk

#: a column of one of these names says something about a person
TELLING = {"person_id", "message_id", "reply_id", "chat_id", "who", "whom", "payer", "alias", "external_id"}


@pytest.fixture
def records(people: People) -> Records:
    return Records(people)


async def _fill(jobs: Jobs, people: People, conversations: Conversations) -> None:
    """Something about PERSON in every table, and about JUN."""
    await people.set_scopes(PERSON, ["talk", "log"], "1")
    message = await talk(jobs, "내 비밀", "슬픔")
    await talk(jobs, "서버에서", "기쁨", PERSON, SERVER)
    await talk(jobs, "남의 비밀", "기쁨", JUN, SERVER)
    await conversations.correct(message, "외로운")
    exchange = await conversations.exchange(message)
    assert exchange.reply is not None
    await conversations.give_feedback(exchange.reply.id, 1)
    await Notices(people).keep(Conversation(CHAT, PERSON), at=1, since=0)
    await Notices(people).keep(Conversation(SERVER, JUN), at=1, since=0)
    alias = people.alias(PERSON)

    async def more(connection: AsyncConnection) -> None:
        await connection.execute(
            insert(audit).values(at=1, who="moderator", action="look", whom=alias, reason="왜냐면")
        )
        await connection.execute(insert(spend).values(day=1, payer=alias, amount=5))
        setting = {"space": "test:server", "key": "k", "value": 1, "at": 1, "who": alias}
        await connection.execute(insert(space_settings).values(setting))

    await people.database.write(more)


async def test_every_table_and_column_about_a_person_is_covered(records: Records) -> None:
    exported = await records.export(PERSON)
    assert set(exported) | ANONYMOUS == set(metadata.tables), "say in storage/records.py what a new table is about"
    for name in ANONYMOUS:
        assert not {column.name for column in metadata.tables[name].columns} & TELLING, name


async def test_an_export_holds_every_column_opened_and_readable(
    records: Records, jobs: Jobs, people: People, conversations: Conversations
) -> None:
    await _fill(jobs, people, conversations)
    exported = await records.export(PERSON)
    for name, rows in exported.items():
        assert rows, f"nothing of {name}"
        assert set(rows[0]) == {column.name for column in metadata.tables[name].columns}
    assert [row["text"] for row in exported["messages"]] == ["내 비밀", "서버에서"]
    assert exported["people"][0]["name"] == "민지"
    assert datetime.fromisoformat(exported["messages"][0]["sent_at"]).date() == datetime.now(UTC).date()
    assert "남의 비밀" not in json.dumps(exported, ensure_ascii=False)


async def test_ten_thousand_messages_are_exported_and_erased_in_seconds(
    records: Records, jobs: Jobs, people: People, database: Database
) -> None:
    from storage.tables import messages

    await talk(jobs, "하나")

    async def many(connection: AsyncConnection) -> None:
        chat_id, person_id = await people.ids(connection, Conversation(CHAT, PERSON))
        row = {"chat_id": chat_id, "person_id": person_id, "sent_at": 1, "received_at": 1}
        rows = [row | {"external_id": f"x{n}", "text": people.seal(PERSON, f"글 {n}")} for n in range(10_000)]
        await connection.execute(insert(messages), rows)

    await database.write(many)
    start = datetime.now(UTC)
    assert len((await records.export(PERSON))["messages"]) == 10_001
    assert (await records.erase(Forgetting(PERSON)))["messages"] == 10_001
    assert (datetime.now(UTC) - start).total_seconds() < 10


async def test_after_erasing_only_pseudonyms_are_left(
    records: Records, jobs: Jobs, people: People, conversations: Conversations, database: Database
) -> None:
    await _fill(jobs, people, conversations)
    await records.ask(Forgetting(PERSON))
    assert await records.asked() == [Forgetting(PERSON)]
    counts = await records.erase(Forgetting(PERSON))
    assert counts == {
        "people": 1,
        "consents": 2,
        "notices": 1,
        "chats": 1,
        "messages": 2,
        "readings": 2,
        "replies": 2,
        "corrections": 1,
        "feedback": 1,
        "jobs": 3,
    }
    assert await records.asked() == []
    exported = await records.export(PERSON)
    assert {name for name, rows in exported.items() if rows} == {table.name for table in PSEUDONYMOUS}
    assert PERSON.id not in json.dumps(exported)
    assert [row["action"] for row in exported["audit"]] == ["look", "forget"]
    assert await records.erase(Forgetting(PERSON)) == {}, "there is nothing left for a second time"
    async with database.reading() as connection:
        assert list(await connection.scalars(select(people_table.c.external_id))) == [JUN.id]
    assert (await conversations.transcript(Conversation(SERVER, JUN)))[0].text == "남의 비밀"


async def test_one_chat_is_forgotten_and_the_others_stay(
    records: Records, jobs: Jobs, people: People, conversations: Conversations
) -> None:
    await _fill(jobs, people, conversations)
    wish = Forgetting(PERSON, SERVER)
    await records.ask(wish)
    assert await jobs.waiting(["test"]) == [], "a wish is no work for a conversation"
    assert await records.asked() == [wish]
    assert (await records.erase(wish))["messages"] == 1
    assert await records.asked() == []
    assert await records.erase(wish) == {}
    assert [one.text for one in await conversations.transcript(Conversation(CHAT, PERSON))] == ["내 비밀"]
    assert await conversations.transcript(Conversation(SERVER, PERSON)) == []
    assert await people.scopes(PERSON) == {"talk", "log"}


async def test_erased_tags_leave_the_talk(records: Records, jobs: Jobs, conversations: Conversations) -> None:
    message = await talk(jobs, "너무 슬퍼", "슬픔")
    await conversations.correct(message, "외로운")
    assert await records.erase_tags(PERSON) == 1
    exchange = await conversations.exchange(message)
    assert (exchange.text, exchange.reading) == ("너무 슬퍼", None)
    assert exchange.reply is not None
    assert (exchange.reply.reading, exchange.reply.hit) == (None, None)


async def test_a_message_after_forgetting_starts_a_new_life_also_in_another_process(
    records: Records, jobs: Jobs, url: str, people: People, keys: KeyStore
) -> None:
    await talk(jobs, "하나")
    await talk(jobs, "둘")
    async with Database(url) as database:  # another process, which knows the row ids no better
        elsewhere = People(database, keys)
        elsewhere.destroy_key(PERSON)
        await Records(elsewhere).erase(Forgetting(PERSON))
    assert await jobs.accept(incoming("셋")) is not None
    assert [row["text"] for row in (await records.export(PERSON))["messages"]] == ["셋"]


async def test_who_has_no_key_was_forgotten_but_never_by_a_foreign_key_store(
    records: Records, jobs: Jobs, people: People, database: Database, tmp_path: Path
) -> None:
    await people.set_scopes(PERSON, ["talk"], "1")
    await talk(jobs, "하나", person=JUN)
    assert await records.keyless() == []
    people.destroy_key(JUN)
    assert await records.keyless() == [Person("test", JUN.id)]
    foreign = KeyStore(tmp_path / "other" / "people.db", bytes(32))
    with pytest.raises(OperatorError, match="belongs to another database"):
        await Records(People(database, foreign)).keyless()
    foreign.close()
