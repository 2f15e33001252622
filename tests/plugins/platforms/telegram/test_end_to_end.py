"""The bot as an operator starts it, in a process of its own. Killed again and again it is by tests/chaos."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.plugins.platforms.telegram.bot_process import BotProcess
from tests.plugins.platforms.telegram.house import is_form, labels, open_house
from tests.servers.telegram_server import TelegramServer

TRUSTED = {"MAUM_CONSENT__DEFAULT": "trusted"}
PACE = 4.0  # the platform's limits, so many times as fast
PACED = {"MAUM_PLATFORMS__TELEGRAM__PACE": str(PACE)}


async def test_from_the_first_word_over_a_kill_to_a_button_that_is_a_day_old(tmp_path: Path) -> None:
    async with TelegramServer(pace=PACE) as server:
        minji = server.world.person("민지")
        room = server.world.private(minji)
        async with BotProcess(tmp_path, server, **PACED) as bot:
            server.says(minji, "오늘은 느리게 걸었어")
            form = (await server.until(lambda: [p for p in server.world.shown(room) if is_form(p)]))[0]
            server.clicks(minji, form, "☐ 대화하기")
            await server.until(lambda: any("☑ 대화하기" in label for label in labels(form)))
            server.clicks(minji, form, "동의하고 시작")
            first = (await server.until(lambda: [p for p in server.world.shown(room) if "걸음" in p.text]))[0]
            assert labels(first) == ["⏹ 멈추기"]  # it is still being written
            await server.until(lambda: "🔁 다시" in labels(first))
            assert first.edits >= 3
            server.says(minji, "점심은 느리게 먹었어")
            second = (await server.until(lambda: [p for p in server.world.shown(room) if "점심은" in p.text]))[0]
            await bot.kill()
        assert labels(second) == ["⏹ 멈추기"]
        server.world.ahead_s += 24 * 3600
        async with BotProcess(tmp_path, server, **PACED) as bot:
            click = server.clicks(minji, first, "🔁")
            await server.until(lambda: "🔁 다시" in labels(second) and "2/2" in labels(first))
            assert "들었어 (2)." in first.text
            assert click.answer == "다시 생각해 볼게."
            assert await bot.stop() == 0
        assert [post for post in server.world.shown(room) if "점심은" in post.text] == [second]
        assert server.updates.pending == 0
        assert "느리게" not in bot.log  # no person's text in the log
        assert server.token not in bot.log
        assert "Traceback" not in bot.log
        assert server.flood.violations == 0
        assert [call.error for call in server.log if call.error and call.error.code == 429] == []


async def test_that_this_is_an_ai_is_said_once_also_over_a_kill(tmp_path: Path) -> None:
    async with TelegramServer(pace=PACE) as server:
        minji = server.world.person("민지")
        room = server.world.private(minji)
        for number in (1, 2):
            async with BotProcess(tmp_path, server, **PACED, **TRUSTED) as bot:
                server.says(minji, f"안녕 {number}")
                await server.answer(room, number)
                await bot.kill()
        assert len([post for post in server.world.shown(room) if "AI야" in post.text]) == 1


async def test_by_webhook_it_talks_as_well_and_a_wrong_token_is_one_line(tmp_path: Path, unused_tcp_port: int) -> None:
    hook = f"http://127.0.0.1:{unused_tcp_port}/telegram"
    environ = {
        "MAUM_PLATFORMS__TELEGRAM__WEBHOOK_URL": hook,
        "MAUM_PLATFORMS__TELEGRAM__WEBHOOK_PORT": str(unused_tcp_port),
    }
    async with TelegramServer() as server:
        async with BotProcess(tmp_path, server, **environ, **TRUSTED) as bot:
            minji = server.world.person()
            server.says(minji, "내일 발표라 떨려")
            answer = await server.answer(server.world.private(minji))
            server.clicks(minji, answer, "🔁")
            await server.until(lambda: "2/2" in labels(answer))
            assert set(server.updates.hooked) == {200}
            assert await bot.stop() == 0
        wrong = BotProcess(tmp_path, server, **environ, **TRUSTED, TELEGRAM_TOKEN="7000000001:wrong")
        await wrong.start()
        assert await wrong.ended() == 2
        assert wrong.log.splitlines()[-1].startswith("maum: Telegram refuses the bot's token")


async def test_without_a_token_it_stays_off_with_one_line(caplog: pytest.LogCaptureFixture) -> None:
    async with TelegramServer() as server:
        with caplog.at_level(logging.WARNING):
            async with open_house(server):
                pass
        assert [record.getMessage() for record in caplog.records] == ["telegram stays off: TELEGRAM_TOKEN is not set"]
        assert server.log == []
