"""The bot as an operator starts it, killed and restarted; what was lost or doubled is counted in the server's log."""

from __future__ import annotations

import asyncio
import os
import random
import re
from pathlib import Path

import pytest

from plugins.platforms.telegram.text import NOTHING
from tests.plugins.platforms.telegram.bot_process import BotProcess
from tests.plugins.platforms.telegram.house import is_form, labels
from tests.servers.telegram_server import TelegramServer
from tests.servers.telegram_world import Human, Post, Room

KILLS = int(os.environ.get("TELEGRAM_KILLS", "2"))
TRUSTED = {"MAUM_CONSENT__DEFAULT": "trusted"}


async def test_from_the_first_word_to_a_button_that_is_a_day_old(tmp_path: Path) -> None:
    async with TelegramServer() as server:
        async with BotProcess(tmp_path, server) as bot:
            minji = server.world.person("민지")
            room = server.world.private(minji)
            server.says(minji, "오늘은 느리게 걸었어")
            form = (await server.until(lambda: [p for p in server.world.shown(room) if is_form(p)]))[0]
            server.clicks(minji, form, "☐ 대화하기")
            await server.until(lambda: any("☑ 대화하기" in label for label in labels(form)))
            server.clicks(minji, form, "동의하고 시작")
            growing = (await server.until(lambda: [p for p in server.world.shown(room) if "걸음" in p.text]))[0]
            assert labels(growing) == ["⏹ 멈추기"]  # it is still being written
            await server.until(lambda: "🔁 다시" in labels(growing))
            assert growing.edits >= 3
            assert await bot.stop() == 0
        assert server.updates.pending == 0
        server.world.ahead_s += 24 * 3600
        async with BotProcess(tmp_path, server) as bot:
            click = server.clicks(minji, growing, "🔁")
            await server.until(lambda: "2/2" in labels(growing))
            assert "들었어 (2)." in growing.text
            assert click.answer == "다시 생각해 볼게."
            assert await bot.stop() == 0
            assert "느리게" not in bot.log  # no person's text in the log
            assert server.token not in bot.log
        assert server.flood.violations == 0
        assert [call.error for call in server.log if call.error and call.error.code == 429] == []


@pytest.mark.timeout(120 + KILLS * 30)
async def test_killed_in_the_middle_nothing_is_lost_and_nothing_stands_there_twice(tmp_path: Path) -> None:
    """TELEGRAM_KILLS=100 makes it the long form."""
    async with TelegramServer(flood=False, random_429=0.02) as server:
        bot = BotProcess(tmp_path, server, MAUM_PLATFORMS__TELEGRAM__PACE="10", **TRUSTED)
        people = [server.world.person(f"사람 {number}") for number in range(4)]
        said: list[tuple[Human, str]] = []
        for kill in range(KILLS):
            async with bot:
                said += await _talk_for_a_while(server, people, kill)
                await bot.kill()
        async with bot:
            await _until_all_is_answered(server, said)
            assert await bot.stop() == 0
        doubled = [text for human, text in said if len(_answers(server, human, text)) > 1]
        stray = [post for post in _all(server, people) if post.text == NOTHING]
        assert doubled == []
        assert len(stray) <= KILLS * len(people)
        assert server.flood.violations == 0
        assert "Traceback" not in bot.log
        print(f"{KILLS} kills, {len(said)} messages: 0 lost, 0 doubled, {len(stray)} stray dots")


async def _talk_for_a_while(server: TelegramServer, people: list[Human], kill: int) -> list[tuple[Human, str]]:
    """Everybody says three things; how long this takes is left to the dice."""
    dice, said = random.Random(kill), []
    if kill % 5 != 4:  # now and then it is killed while it starts
        starts = len(server.calls("deleteWebhook"))
        await server.until(lambda: len(server.calls("deleteWebhook")) > starts)
    for number in range(3):
        for human in people:
            said.append((human, f"말{kill}.{number}.{human.id}" + (" 느리게" if number == 1 else "")))
            server.says(*said[-1])
        await asyncio.sleep(dice.uniform(0.2, 1.0))
    await asyncio.sleep(dice.uniform(0.0, 2.0))
    return said


async def _until_all_is_answered(server: TelegramServer, said: list[tuple[Human, str]]) -> None:
    def missing() -> list[str]:
        return [text for human, text in said if not _answers(server, human, text)]

    def unfinished() -> list[str]:
        people = [human for human, _ in said]
        return [post.text for post in _all(server, people) if "stop:" in str(post.markup) and post.text != NOTHING]

    try:
        await server.until(lambda: not missing() and not unfinished(), timeout_s=60 + KILLS * 2)
    except TimeoutError:
        raise AssertionError(f"without an answer: {missing()}; unfinished: {unfinished()}") from None


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


async def test_without_a_token_it_stays_off_with_one_line(tmp_path: Path) -> None:
    async with TelegramServer() as server:
        bot = BotProcess(tmp_path, server, TELEGRAM_TOKEN="")
        await bot.start()
        async with asyncio.timeout(60):
            while "repliers" not in bot.log:
                await asyncio.sleep(0.1)
        assert await bot.stop() == 0
        assert re.findall("telegram stays off: TELEGRAM_TOKEN is not set", bot.log) == [
            "telegram stays off: TELEGRAM_TOKEN is not set"
        ]
        assert server.log == []


def _answers(server: TelegramServer, human: Human, text: str) -> list[Post]:
    """The messages that answer a text: alone, or as the last line of its burst."""
    return [post for post in server.world.shown(_room(server, human)) if text in _heard(server, human, post)]


def _heard(server: TelegramServer, human: Human, post: Post) -> set[str]:
    """What a message of the bot's answers: the line it quotes, and those before it that no other message quotes."""
    quoted = re.search("‘(.*?)’ 들었어", post.text)
    if quoted is None:
        return set()
    lines = [one.text for one in server.world.shown(_room(server, human), by_bot=False)]
    at = lines.index(quoted[1])
    others = {
        found[1]
        for one in server.world.shown(_room(server, human))
        if one is not post and (found := re.search("‘(.*?)’ 들었어", one.text))
    }
    heard = {quoted[1]}
    while at > 0 and lines[at - 1] not in others:
        at -= 1
        heard.add(lines[at])
    return heard


def _room(server: TelegramServer, human: Human) -> Room:
    return server.world.private(human)


def _all(server: TelegramServer, people: list[Human]) -> list[Post]:
    return [post for human in people for post in server.world.shown(_room(server, human))]
