"""No update does harm, and the ones after it are still heard. `make prove` does 10,000 of them."""

from __future__ import annotations

import asyncio
import logging

import pytest

from tests.plugins.platforms.telegram.fuzz import updates
from tests.plugins.platforms.telegram.house import open_house
from tests.proofs.size import size, write_down
from tests.servers.telegram_server import TelegramServer

COUNT = size(300, 10_000)


@pytest.mark.timeout(60 + COUNT)
async def test_after_any_updates_the_next_message_is_answered(
    server: TelegramServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TELEGRAM_TOKEN", server.token)
    for number in range(1, 41):  # the people and groups that fuzzed updates come from are there
        server.world.rooms[number] = server.world.private(server.world.person(f"사람 {number}"))
    async with open_house(server, telegram={"pace": 1000.0}) as house:
        for update in updates(COUNT):
            server.updates.push_raw(update)
        while server.updates.pending:
            await asyncio.sleep(0.1)
        minji = house.person()
        answer = await house.talks(minji, "아직 거기 있지?")
        assert answer.text == "‘아직 거기 있지?’ 들었어 (1)."
    failures = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [record.getMessage() for record in failures] == []
    write_down(
        "strange updates, Telegram", f"{COUNT:,} in one poll after another", "0 errors; the next message was answered"
    )
