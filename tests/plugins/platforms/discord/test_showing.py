"""Snapshots become messages: sent once whatever dies in between, edited after, no oftener than Discord likes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from bot.types import Action, Chat, Conversation, Outgoing, Person, Reply
from plugins.platforms.discord.place import Place
from tests.plugins.platforms.discord.conftest import Guest, connect, rejoined
from tests.servers.discord_events import component_ids
from tests.servers.discord_server import DiscordServer
from tests.servers.discord_world import Channel, Message, User

WAIT_S = 20
LONG = "아주아주아주아주아주아주아주아주아주긴이야기야. " * 160


def _begun(asked: Message) -> Outgoing:
    here = Conversation(Chat("discord", str(asked.channel.id)), Person("discord", str(asked.author.id)))
    return Outgoing(here, 7, str(asked.id), actions=(Action("stop", 7),))


def _ended(begun: Outgoing, text: str, variant: int = 1) -> Outgoing:
    actions = (Action("again", 7), Action("other", 7))
    reply = Reply(text, finish="stop", variant=variant)
    return replace(begun, text=text, reply=reply, variants=variant, actions=actions, final=True)


def _mine(discord: DiscordServer, place: Channel) -> list[Message]:
    return [one for one in place.messages.values() if one.author is discord.bot]


async def test_a_send_that_is_repeated_after_a_crash_shows_once(guest: Guest, minji: User, direct: Channel) -> None:
    begun = _begun(await guest.discord.says(minji, guest.discord.direct(minji), "안녕"))
    handles = [await guest.platform.show(begun, None) for _ in range(2)]
    assert handles[0] == handles[1]
    assert [len(guest.discord.record.of(kind)) for kind in ("sent", "again")] == [1, 1]


async def test_a_message_that_was_sent_long_ago_and_forgotten_is_found_again(
    guest: Guest, minji: User, direct: Channel
) -> None:
    guest.discord.clock.forward(-1_800)
    asked = await guest.discord.says(minji, direct, "안녕")
    guest.discord.clock.forward(1_800)
    await guest.answer(asked)
    sent = len(guest.discord.record.of("sent"))
    guest.discord.clock.forward(1_000)  # its nonce is forgotten
    again = await guest.platform.show(_ended(_begun(asked), "그랬구나!"), None)
    assert Place.decode(again).parts == (_mine(guest.discord, direct)[0].id,)
    assert len(guest.discord.record.of("sent")) == sent


async def test_parts_are_added_and_taken_away_as_the_answer_grows_and_shrinks(
    guest: Guest, minji: User, direct: Channel
) -> None:
    guest.discord.limits.rules = {}
    begun = _begun(await guest.discord.says(minji, guest.discord.direct(minji), "안녕"))
    place = next(iter(reversed(guest.discord.state.channels.values())))

    def stands(handle: str) -> list[str]:
        """What is left of the messages of a handle; the bot's own answer stands beside them."""
        return [place.messages[part].content for part in Place.decode(handle).parts if part in place.messages]

    handle = await guest.platform.show(begun, None)
    long = await guest.platform.show(_ended(begun, LONG), handle)
    assert rejoined(stands(long)) == LONG.strip()
    short = await guest.platform.show(_ended(begun, "짧게.", 2), long)
    assert stands(long) == ["짧게."]
    assert Place.decode(short).parts == Place.decode(handle).parts
    again = await guest.platform.show(_ended(begun, LONG), short)
    assert again != short
    assert rejoined(stands(again)) == LONG.strip()


async def test_long_and_short_variants_can_be_paged(
    tmp_path: Path, discord: DiscordServer, minji: User, direct: Channel
) -> None:
    discord.limits.rules = {}
    async with connect(tmp_path, discord, LONG.strip(), "짧게.") as guest:
        await discord.says(minji, direct, "길게")

        def mine() -> list[Message]:
            return _mine(discord, direct)

        await discord.until(lambda: mine() and "again:1:" in component_ids(mine()[-1]), WAIT_S)
        await discord.clicks(minji, mine()[-1], "again:1:")
        await discord.until(lambda: [one.content for one in mine()] == ["짧게."], WAIT_S)
        await discord.until(lambda: "select:1:1" in component_ids(mine()[-1]), WAIT_S)
        for _ in range(2):
            await discord.clicks(minji, mine()[-1], "select:1:1")
            await discord.until(lambda: rejoined([one.content for one in mine()]) == LONG.strip(), WAIT_S)
            await discord.clicks(minji, mine()[-1], "select:1:2")
            await discord.until(lambda: [one.content for one in mine()] == ["짧게."], WAIT_S)
        assert guest.discord.record.of("refused") == []


async def test_steps_of_a_stream_come_a_second_apart_and_the_end_at_once(
    guest: Guest, minji: User, direct: Channel
) -> None:
    begun = _begun(await guest.discord.says(minji, guest.discord.direct(minji), "안녕"))
    handle = await guest.platform.show(begun, None)
    for number in range(40):
        await guest.platform.show(replace(begun, text="가" * (number + 1)), handle)
        await asyncio.sleep(0.05)
    await guest.platform.show(_ended(begun, "끝."), handle)
    edits = [entry.at for entry in guest.discord.record.of("edited")]
    assert 1 <= len(edits) - 1 <= 3
    assert guest.discord.record.of("limited") == []
    await asyncio.sleep(1.2)
    assert len(guest.discord.record.of("edited")) == len(edits), "nothing older comes after the end"


async def test_the_same_snapshot_again_is_not_sent_again(guest: Guest, minji: User, direct: Channel) -> None:
    begun = _begun(await guest.discord.says(minji, guest.discord.direct(minji), "안녕"))
    handle = await guest.platform.show(_ended(begun, "끝."), None)
    for _ in range(3):
        await guest.platform.show(_ended(begun, "끝."), handle)
    assert guest.discord.record.of("edited") == []
