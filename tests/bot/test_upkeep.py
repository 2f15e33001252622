"""What a bot that runs for months does beside answering."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from prometheus_client import REGISTRY

from bot import upkeep
from tests.house import House, open_house


async def _run(tmp: Path, statement: str) -> None:
    """Run a statement on the house's database from outside."""

    def run() -> None:
        with closing(sqlite3.connect(tmp / "db/maum.db", isolation_level=None)) as connection:
            connection.execute(statement)

    await asyncio.to_thread(run)


async def test_a_message_left_lying_while_the_database_failed_is_answered_when_it_is_well_again(
    house: House, tmp_path: Path
) -> None:
    house.replier.answers.append("첫 문장이야. 둘째 문장이야. 끝.")
    house.replier.gate.clear()
    receipt = await house.app.delivery.receive(house.incoming("거기 있어?", lone=True))
    while not house.replier.prompts:
        await asyncio.sleep(0.01)
    await _run(tmp_path, "ALTER TABLE jobs RENAME TO away")
    house.replier.gate.set()
    shown = await house.platform.final(receipt.message or 0)
    assert shown.notice == "failed", "the person hears something meanwhile"
    await asyncio.sleep(0.05)
    await _run(tmp_path, "ALTER TABLE away RENAME TO jobs")
    assert (await house.app.desk.jobs.backlog())[0] == 1
    sweeping = asyncio.create_task(upkeep.sweep(house.app, every_s=0.05, idle_s=0.0))
    assert (await house.platform.final(receipt.message or 0, 2)).text == "그랬구나."
    await asyncio.sleep(0.2)
    sweeping.cancel()
    await asyncio.gather(sweeping, return_exceptions=True)
    assert await house.app.desk.jobs.backlog() == (0, 0.0)
    assert len(house.platform._finals(receipt.message or 0)) == 2
    assert REGISTRY.get_sample_value("maum_open_jobs") == 0


async def test_a_message_that_has_just_come_is_left_to_its_own_lane(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        await house.app.delivery.drain()
        await house.app.delivery.receive(house.incoming("안녕"))
    async with open_house(tmp_path) as house:
        assert await house.app.delivery.recover(idle_s=60) == 0
        assert await house.app.delivery.recover() == 1


async def test_the_database_is_checked_again_and_again(house: House) -> None:
    checking = asyncio.create_task(upkeep.check_daily(house.app, first_s=0.0, every_s=0.05))
    before = REGISTRY.get_sample_value("maum_integrity_checked_seconds") or 0.0
    await asyncio.sleep(0.3)
    checking.cancel()
    await asyncio.gather(checking, return_exceptions=True)
    assert (REGISTRY.get_sample_value("maum_integrity_checked_seconds") or 0.0) > before
    assert (await house.app.checkup.report()).parts["integrity"].about.startswith("whole")


async def test_one_conversation_whose_history_is_damaged_stops_no_other(house: House, tmp_path: Path) -> None:
    from tests.bot.test_delivery import OTHER

    await house.say("안녕")
    await _run(tmp_path, "UPDATE messages SET text = randomblob(40)")
    broken = await house.app.delivery.receive(house.incoming("다시 안녕", lone=True))
    assert (await house.say("안녕", OTHER)).text == "그랬구나."
    assert (await house.platform.final(broken.message or 0)).notice == "failed"
    await house.app.delivery.drain()
    await house.app.desk.people.database.settled()  # nobody waits for the end of a job to be written
    assert (await house.app.desk.jobs.backlog())[0] == 0
