"""Updates are confirmed when they are on disk, and one that fails holds up no other for good."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from bot.errors import OperatorError
from plugins.platforms.telegram import intake
from plugins.platforms.telegram.intake import Intake, Polling, Webhook
from plugins.platforms.telegram.line import Line
from plugins.platforms.telegram.platform import TelegramPlatform
from tests.servers.telegram_rules import ApiError
from tests.servers.telegram_server import TelegramServer


class Keeper:
    """Keeps texts. Fails for those that `fails` names, and for all while `broken`."""

    def __init__(self, fails: Callable[[str], bool] = lambda text: False) -> None:
        self.kept: list[str] = []
        self.tries: list[str] = []
        self.broken = False
        self.gate = asyncio.Event()
        self.gate.set()
        self._fails = fails

    async def __call__(self, update: Any) -> None:
        text = update["message"]["text"]
        self.tries.append(text)
        await self.gate.wait()
        if self.broken or self._fails(text):
            raise OSError("disk full")
        self.kept.append(text)


@contextlib.asynccontextmanager
async def polling(line: Line, keeper: Keeper) -> AsyncIterator[None]:
    running = asyncio.create_task(Polling(line, Intake(keeper), (0.05,)).run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.02)


async def test_what_is_taken_is_confirmed_also_at_the_end(server: TelegramServer, line: Line) -> None:
    keeper, minji = Keeper(), server.world.person()
    async with polling(line, keeper):
        server.says(minji, "하나")
        await until(lambda: keeper.kept == ["하나"])
    assert server.updates.pending == 0


async def test_an_update_in_hand_is_dealt_with_to_its_end_when_we_stop(server: TelegramServer, line: Line) -> None:
    keeper, minji = Keeper(), server.world.person()
    keeper.gate.clear()
    async with polling(line, keeper):
        server.says(minji, "하나")
        await until(lambda: keeper.tries == ["하나"])
        asyncio.get_running_loop().call_later(0.2, keeper.gate.set)
    assert keeper.kept == ["하나"]
    assert server.updates.pending == 0


async def test_one_that_always_fails_is_given_up_and_the_later_ones_are_taken(
    server: TelegramServer, line: Line
) -> None:
    keeper, minji = Keeper(lambda text: text == "독"), server.world.person()
    async with polling(line, keeper):
        for text in ("하나", "독", "둘"):
            server.says(minji, text)
        await until(lambda: keeper.kept == ["하나", "둘"])
        assert server.updates.confirmed < 100_002  # the failing one comes again
        server.says(minji, "셋")
        await until(lambda: server.updates.pending == 0)
    assert keeper.kept == ["하나", "둘", "셋"]
    assert keeper.tries.count("독") == intake.TRIES


async def test_while_nothing_can_be_kept_nothing_is_confirmed(server: TelegramServer, line: Line) -> None:
    keeper, minji = Keeper(), server.world.person()
    keeper.broken = True
    async with polling(line, keeper):
        for text in ("하나", "둘"):
            server.says(minji, text)
        await until(lambda: keeper.tries.count("둘") > intake.TRIES + 2)
        assert server.updates.pending == 2
        keeper.broken = False
        await until(lambda: server.updates.pending == 0)
    assert keeper.kept == ["하나", "둘"]


async def test_chats_are_taken_side_by_side_and_each_in_order(server: TelegramServer, line: Line) -> None:
    keeper, people = Keeper(), [server.world.person() for _ in range(20)]
    keeper.gate.clear()
    for number in range(3):
        for human in people:
            server.says(human, f"{human.id}.{number}")
    async with polling(line, keeper):
        await until(lambda: len(keeper.tries) == 20)  # the first of each, before any is kept
        keeper.gate.set()
        await until(lambda: len(keeper.kept) == 60)
    for human in people:
        mine = [text for text in keeper.kept if text.startswith(f"{human.id}.")]
        assert mine == [f"{human.id}.{number}" for number in range(3)]
    assert server.updates.pending == 0


async def test_an_update_that_comes_twice_is_taken_once(server: TelegramServer, line: Line) -> None:
    keeper, minji = Keeper(), server.world.person()
    taking = Intake(keeper)
    server.says(minji, "하나")
    (update,) = await line.updates(0, 0)
    assert [await taking.take(update), await taking.take(update)] == [True, True]
    assert keeper.kept == ["하나"]


async def test_broken_answers_conflicts_and_outages_are_waited_out(server: TelegramServer, line: Line) -> None:
    keeper, minji = Keeper(), server.world.person()
    server.faults["getupdates"].extend(
        [ApiError(409, "Conflict"), ApiError(502, "Bad Gateway"), ApiError(429, "", retry_after=1)]
    )
    server.says(minji, "하나")
    async with polling(line, keeper):
        await until(lambda: keeper.kept == ["하나"])


async def test_trouble_with_telegram_is_told_while_it_lasts(server: TelegramServer, line: Line) -> None:
    polling = Polling(line, Intake(Keeper()), (0.3,))
    server.faults["getupdates"].extend([ApiError(502, "Bad Gateway")] * 2)
    running = asyncio.create_task(polling.run())
    await until(lambda: polling.trouble != "")
    server.says(server.world.person(), "하나")
    await until(lambda: polling.trouble == "")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_refused_token_ends_with_one_clear_line(server: TelegramServer) -> None:
    line = Line("7000000001:wrong", server.base_url)
    with pytest.raises(OperatorError, match="@BotFather"):
        await Polling(line, Intake(Keeper())).run()
    await line.close()


async def test_a_webhook_hears_only_who_knows_the_secret(
    server: TelegramServer, line: Line, unused_tcp_port: int
) -> None:
    keeper, minji = Keeper(), server.world.person()
    url = f"http://127.0.0.1:{unused_tcp_port}/telegram"
    hook = Webhook(Intake(keeper), "s3cret", "127.0.0.1", unused_tcp_port)
    running = asyncio.create_task(hook.run(lambda: line.set_webhook(url, "s3cret")))
    server.says(minji, "하나")
    await until(lambda: keeper.kept == ["하나"])
    keeper.broken = True
    server.says(minji, "둘")
    await until(lambda: 503 in server.updates.hooked)
    keeper.broken = False
    await until(lambda: keeper.kept == ["하나", "둘"])
    async with httpx.AsyncClient() as stranger:
        for headers, body in (({}, {}), ({"X-Telegram-Bot-Api-Secret-Token": "guess"}, {"message": {"text": "셋"}})):
            assert (await stranger.post(url, json=body, headers=headers)).status_code == 403
        known = {"X-Telegram-Bot-Api-Secret-Token": "s3cret"}
        assert (await stranger.post(url, content=b"no json", headers=known)).status_code == 200
        assert (await stranger.get(url, headers=known)).status_code == 405
    assert keeper.kept == ["하나", "둘"]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def never() -> None:
    raise AssertionError("it listens")


async def test_a_taken_port_is_named_with_its_key(unused_tcp_port: int, server: TelegramServer) -> None:
    taken = await asyncio.start_server(lambda r, w: None, "127.0.0.1", unused_tcp_port)
    with pytest.raises(OperatorError, match="webhook_port"):
        await Webhook(Intake(Keeper()), "s", "127.0.0.1", unused_tcp_port).run(never)
    taken.close()


async def test_the_doctor_sees_token_name_privacy_mode_description_and_foreign_webhooks(
    server: TelegramServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert TelegramPlatform().off == "TELEGRAM_TOKEN is not set"
    monkeypatch.setenv("TELEGRAM_TOKEN", server.token)
    async with TelegramPlatform(base_url=server.base_url) as platform:
        assert platform.off == ""
        found = await platform.examine()
        assert [state for state, _ in found] == ["ok", "ok", "warning"]
        assert "@maum_test_bot" in found[0][1]
        assert "privacy mode is on" in found[1][1]
        assert "/setdescription" in found[2][1]
        server.methods.description = "사람이 아니라 AI예요."
        assert [state for state, _ in await platform.examine()] == ["ok", "ok"]
        server.updates.set_webhook({"url": "https://example.com/other"})
        state, text = (await platform.examine())[-1]
        assert state == "warning"
        assert "https://example.com/other" in text
    monkeypatch.setenv("TELEGRAM_TOKEN", "7000000001:wrong")
    async with TelegramPlatform(base_url=server.base_url) as platform:
        with pytest.raises(OperatorError, match="token"):
            await platform.examine()
    async with TelegramPlatform(base_url="http://127.0.0.1:1/bot") as platform:
        ((state, text),) = await platform.examine()
        assert (state, "cannot be reached" in text) == ("wrong", True)
