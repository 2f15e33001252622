"""The background task keeps the promises: wishes of other processes within seconds, what is old every hour."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import select, text, update

from bot.config import load
from bot.retention import keep_promises
from bot.types import Chat, Person
from storage import process
from storage.retention import DAY_MS
from storage.rows import now_ms
from storage.tables import messages
from tests.bot.test_privacy import run_maum
from tests.house import PERSON, House, open_house

JUN = Person("test", "jun")


@asynccontextmanager
async def _keeping(house: House) -> AsyncIterator[None]:
    task = asyncio.create_task(keep_promises(house.app.privacy, look_s=0.02))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _count(house: House) -> int:
    async with house.app.desk.people.database.reading() as connection:
        return len((await connection.scalars(select(messages.c.id))).all())


async def _until_gone(house: House) -> None:
    async with asyncio.timeout(10):
        while await _count(house):
            await asyncio.sleep(0.02)


async def test_what_is_too_old_goes_without_anybody_asking(house: House) -> None:
    await house.say("오래된 말")
    old = update(messages).values(received_at=now_ms() - 100 * DAY_MS)
    await house.app.desk.people.database.write(lambda connection: connection.execute(old))
    async with _keeping(house):
        async with asyncio.timeout(10):
            while (await house.app.privacy.export(PERSON))["tables"]["messages"][0]["text"] != "[…]":
                await asyncio.sleep(0.02)


async def test_a_space_may_keep_its_texts_for_a_shorter_time(house: House) -> None:
    await house.app.privacy.consent(PERSON, ["talk"])
    await house.say("거기", PERSON, Chat("test", "channel", "server", "group"))
    await house.app.privacy.keep_for("test:server", "texts_days", 2, JUN)
    assert await house.app.privacy.purge(now_ms() + 3 * DAY_MS) == {"texts": 1}
    assert await _count(house) == 0


async def test_a_running_bot_forgets_whom_another_process_names(tmp_path: Path) -> None:
    state = Path(os.environ["MAUM_STATE_DIR"])
    async with open_house(state) as house:
        await house.say("내 비밀")
        with process.using(state):
            async with _keeping(house):
                done = await asyncio.to_thread(run_maum, tmp_path, "person", "forget", "test:minji", "--yes")
        assert done.stdout.strip() == "forgotten by the running bot", done.stderr
        assert await _count(house) == 0


async def test_a_failure_is_logged_and_tried_again(house: House, caplog: pytest.LogCaptureFixture) -> None:
    await house.say("내 비밀")
    await house.app.privacy.ask_to_forget(PERSON)
    database = house.app.desk.people.database
    await database.write(lambda connection: connection.execute(text("ALTER TABLE audit RENAME TO elsewhere")))
    async with _keeping(house):
        async with asyncio.timeout(10):
            while "trying again" not in caplog.text:
                await asyncio.sleep(0.02)
        await database.write(lambda connection: connection.execute(text("ALTER TABLE elsewhere RENAME TO audit")))
        await _until_gone(house)


def test_the_days_are_configured_and_a_day_is_the_least() -> None:
    assert load(Path("config.toml")).retention.model_dump() == {"texts_days": 30, "tags_days": 90, "audit_days": 365}
