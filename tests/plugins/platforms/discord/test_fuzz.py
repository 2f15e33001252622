"""Events as nobody should send them: with fields missing, of the wrong type, or far too long. Nothing breaks, and what
comes after is answered. `make prove` sends 10,000 of them."""

from __future__ import annotations

import copy
import random
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.platforms.discord.conftest import connect
from tests.proofs.size import size, write_down
from tests.servers.discord_events import command_event
from tests.servers.discord_server import DiscordServer
from tests.servers.discord_world import Channel, Message, User

EVENTS = size(400, 10_000)
ODD: tuple[Any, ...] = (
    None,
    "",
    0,
    -1,
    2**70,
    [],
    {},
    [None],
    {"id": None},
    True,
    "👨‍👩‍👧‍👦" * 50,
    "‮مرحبا بالعالم",
    "@everyone @here <@&1>",
    "가" * 64_000,
    "\x00",
    "<@!0> <#1> <a:b:1> <t:1:R>",
    "9" * 40,
)
NAMES = ("MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE", "MESSAGE_DELETE_BULK", "INTERACTION_CREATE")
RARE = ("GUILD_CREATE", "GUILD_DELETE", "CHANNEL_UPDATE", "THREAD_CREATE", "TYPING_START", "NO_SUCH_EVENT")


def _mutated(value: Any, dice: random.Random) -> Any:
    """A deep copy with something odd in it, or without something."""
    value = copy.deepcopy(value)
    for _ in range(dice.randint(1, 3)):
        place: Any = value
        while isinstance(place, dict | list) and place:
            key = dice.choice(list(place)) if isinstance(place, dict) else dice.randrange(len(place))
            if isinstance(place[key], dict | list) and place[key] and dice.random() < 0.6:
                place = place[key]
                continue
            if dice.random() < 0.4 and isinstance(place, dict):
                del place[key]
            else:
                place[key] = copy.deepcopy(dice.choice(ODD))
            break
    return value


def _whole(discord: DiscordServer, person: User, place: Channel) -> dict[str, Any]:
    """One right event of each kind."""
    message = Message(discord.clock.snowflake(), place, person, f"{discord.bot.mention} 안녕", discord.clock.now())
    message.mentions = [discord.bot]
    shape = message.event(discord.bot, intent=True)
    gone = {"id": shape["id"], "channel_id": shape["channel_id"]}
    click: dict[str, Any] = {
        "id": str(discord.clock.snowflake()),
        "application_id": str(discord.bot.id),
        "type": 2,
        "token": "unknown",
        "version": 1,
        "data": command_event(discord.state.commands, "chat", {"text": "안녕"}),
        "channel": place.shape(),
        "channel_id": str(place.id),
        "user": person.shape(),
        "locale": "ko",
        "entitlements": [],
        "attachment_size_limit": 1,
    }
    return {
        "MESSAGE_CREATE": shape,
        "MESSAGE_UPDATE": shape | {"edited_timestamp": shape["timestamp"]},
        "MESSAGE_DELETE": gone,
        "MESSAGE_DELETE_BULK": {"ids": [shape["id"]], "channel_id": shape["channel_id"]},
        "INTERACTION_CREATE": click,
        **{name: {"guild_id": "1", **place.shape()} for name in RARE},
    }


@pytest.mark.timeout(120 + EVENTS // 10)
async def test_nothing_that_comes_in_breaks_the_bot(
    tmp_path: Path, discord: DiscordServer, minji: User, direct: Channel
) -> None:
    dice = random.Random(2604)
    discord.limits.rules, discord.limits.per_s = {}, 10_000
    channel = discord.channel(discord.guild("서버", minji))
    limits = {"per_minute": 100_000, "burst": 100_000}
    async with connect(tmp_path, discord, limits=limits) as guest:
        for number in range(EVENTS):
            name = dice.choice(NAMES if number % 8 else RARE)
            event = _mutated(_whole(discord, minji, dice.choice((direct, channel)))[name], dice)
            await discord.gateway.broadcast(name, event)
            if number % 100 == 99:  # it goes on listening meanwhile
                await guest.answer(await discord.says(minji, discord.direct(minji), "아직 들려?"))
        await guest.answer(await discord.says(minji, discord.direct(minji), "끝까지 들려?"))
        assert len(discord.record.of("identify")) == 1, "the connection was never lost"
        assert discord.record.mass_mentions == 0
    write_down(
        "strange events, Discord", f"{EVENTS:,} in one connection", "0 crashes; each message between was answered"
    )
