"""Totals by day: the asker's own clock, only people who agree to be counted, and never fewer than K of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Engine, event, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.consent import SCOPES
from bot.errors import Refusal
from bot.moderation import K_PEOPLE, Moderation
from bot.privacy import Privacy
from bot.types import Person
from storage.database import Database
from storage.emotion_log import Count, EmotionLog, Filter
from storage.jobs import Jobs
from storage.people import People
from storage.tables import readings
from tests.house import MemoryPlatform
from tests.storage.parts import CHAT, JUN, PERSON, SERVER, talk

HERE = Filter(space="test:server")
SEOUL = 540
NOON = 1_795_348_800_000  # 2026-11-22 12:00 UTC
HOUR = 3_600_000
CROWD = [Person("test", f"person {number}") for number in range(K_PEOPLE)]


@pytest.fixture
def log(database: Database, people: People) -> EmotionLog:
    return EmotionLog(database, people)


@pytest.fixture
def moderation(log: EmotionLog) -> Moderation:
    return Moderation(log, {"test": _platform()})


def _platform() -> MemoryPlatform:
    platform = MemoryPlatform()
    platform.moderators.add(JUN.id)
    return platform


async def _read_at(database: Database, message: int, at: int) -> None:
    async def operation(connection: AsyncConnection) -> None:
        await connection.execute(update(readings).where(readings.c.message_id == message).values(at=at))

    await database.write(operation)


async def _agree(people: People, crowd: Iterable[Person], *scopes: str) -> None:
    for person in crowd:
        await people.set_scopes(person, scopes, "1")


async def _all_talk(jobs: Jobs, crowd: Iterable[Person] = CROWD) -> None:
    for person in crowd:
        await talk(jobs, "무서워", "두려운", person, SERVER)


async def test_a_day_begins_at_midnight_of_the_askers_clock(database: Database, log: EmotionLog, jobs: Jobs) -> None:
    for hours, label in ((0, "기쁨"), (2, "슬픔"), (4, "슬픔"), (16, "슬픔"), (-24, "두려운")):
        await _read_at(database, await talk(jobs, "말", label), NOON + hours * HOUR)
    sunday, monday, saturday = date(2026, 11, 22), date(2026, 11, 23), date(2026, 11, 21)
    assert await log.by_day(Filter(), SEOUL) == [
        Count(saturday, "anxiety", "두려운", True, 1),
        Count(sunday, "joy", "기쁨", True, 1),
        Count(sunday, "sadness", "슬픔", True, 1),
        Count(monday, "sadness", "슬픔", True, 2),
    ]
    assert [(one.day, one.n) for one in await log.by_day(Filter(group="sadness"), -720)] == [(sunday, 3)]


async def test_days_with_too_few_people_are_left_out_of_the_counts_and_of_the_people(
    database: Database, log: EmotionLog, jobs: Jobs
) -> None:
    for person, hours in ((PERSON, 0), (JUN, 1), (CROWD[0], -24), (CROWD[0], -25)):
        await _read_at(database, await talk(jobs, "말", "기쁨", person, SERVER), NOON + hours * HOUR)
    assert [one.day for one in await log.by_day(HERE, 0, at_least=2)] == [date(2026, 11, 22)]
    assert (await log.people(HERE, 0), await log.people(HERE, 0, at_least=2)) == (3, 2)


async def test_a_picture_of_a_space_counts_only_who_agreed_to_statistics(
    moderation: Moderation, people: People, jobs: Jobs
) -> None:
    await _all_talk(jobs, [*CROWD, PERSON])
    await _agree(people, CROWD, "talk", "log", "statistics")
    await _agree(people, [PERSON], "talk", "log", "entries")
    for asker in (JUN, None):
        totals = await moderation.totals(asker, HERE, 7, SEOUL)
        assert (len(totals.days), totals.people) == (7, K_PEOPLE)
        assert sum(sum(day.counts.values()) for day in totals.days) == K_PEOPLE


async def test_nobody_gets_a_picture_of_too_few_people(moderation: Moderation, people: People, jobs: Jobs) -> None:
    await _all_talk(jobs)
    await _agree(people, CROWD, "talk", "log", "statistics")
    await moderation.totals(JUN, HERE, 7, SEOUL)
    await _agree(people, CROWD[:1], "talk", "log")
    for asker in (JUN, None):
        with pytest.raises(Refusal, match="too_few"):
            await moderation.totals(asker, HERE, 7, SEOUL)


async def test_totals_are_for_the_moderators_of_the_space(moderation: Moderation) -> None:
    for asker, space in ((PERSON, "test:server"), (JUN, ""), (JUN, "web:server")):
        with pytest.raises(Refusal, match="not_moderator"):
            await moderation.totals(asker, Filter(space=space), 7, SEOUL)


async def test_a_moderator_sees_entries_only_of_who_agreed_to_that(
    moderation: Moderation, people: People, jobs: Jobs
) -> None:
    await _all_talk(jobs)
    await _agree(people, CROWD[:2], "talk", "log", "entries")
    await _agree(people, CROWD[2:], "talk", "log", "statistics")
    page = await moderation.query(JUN, HERE)
    assert (page.total, {entry.person for entry in page.entries}) == (2, {people.alias(one) for one in CROWD[:2]})
    await _agree(people, CROWD[:1], "talk", "log")
    assert (await moderation.query(JUN, HERE)).total == 1
    assert (await moderation.query(None, HERE)).total == K_PEOPLE


@pytest.mark.parametrize("default", ["ask", "trusted"])
async def test_who_counts_as_agreeing_is_what_the_person_is_told(
    default: str, database: Database, people: People, jobs: Jobs
) -> None:
    privacy = Privacy(people, default)  # type: ignore[arg-type]
    log = EmotionLog(database, people, trusted=default == "trusted")
    silent, agreed, declined, paused, resumed = CROWD
    await _all_talk(jobs)
    await privacy.consent(agreed, ["talk", "log", "statistics", "training"])
    await people.set_scopes(declined, ["pause"], "1")
    await privacy.pause(paused)
    await privacy.pause(resumed)
    await privacy.resume(resumed)
    for scope in SCOPES[2:]:
        told = {people.alias(one) for one in CROWD if scope in await privacy.scopes(one)}
        assert {entry.person for entry in (await log.query(Filter(consented=scope))).entries} == told, scope
    assert ("statistics" in await privacy.scopes(silent)) == (default == "trusted")


async def test_a_persons_own_days_hold_nobody_elses(moderation: Moderation, jobs: Jobs) -> None:
    await talk(jobs, "무서워", "두려운", PERSON, CHAT)
    await talk(jobs, "좋아", "기쁨", PERSON, SERVER)
    await talk(jobs, "화가 나", "분노", JUN, SERVER)
    days = await moderation.own_days(PERSON, 7, SEOUL)
    assert [dict(day.counts) for day in days] == [{}] * 6 + [{"anxiety": 1, "joy": 1}]


async def test_by_day_walks_an_index_and_never_the_whole_log(database: Database, log: EmotionLog, jobs: Jobs) -> None:
    if not database.is_sqlite:
        pytest.skip("PostgreSQL plans by the size of the tables, which are empty here")
    week = Filter(since=NOON, until=NOON + 7 * 24 * HOUR)
    for wanted, index in (
        (replace(week, space="test:server", consented="statistics"), "ix_readings_space_at"),
        (replace(week, person=log.alias(PERSON)), "ix_readings_person_id_at"),
    ):
        plan = await _plan(database, log, wanted)
        assert any(f"SEARCH readings USING INDEX {index}" in step for step in plan), plan
        assert not any("SCAN readings" in step for step in plan), plan


async def _plan(database: Database, log: EmotionLog, wanted: Filter) -> list[str]:
    """SQLite's plan of the statement that `by_day` runs."""
    ran: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        ran.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    await log.by_day(wanted, SEOUL)
    event.remove(Engine, "before_cursor_execute", note)
    ((statement, parameters),) = [one for one in ran if "crowded" in one[0]]
    async with database.reading() as connection:
        rows = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return [str(row.detail) for row in rows]
