"""The platform passes the suite that every platform must pass, against the local Discord."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.contracts import Platform
from bot.types import Chat, Person
from plugins.conformance.platform import PlatformConformance
from plugins.platforms.discord import DiscordPlatform
from tests.plugins.platforms.discord.conftest import connect
from tests.servers.discord_server import DiscordServer
from tests.servers.discord_world import Permission


class TestDiscord(PlatformConformance):
    @pytest.fixture
    async def platform(self, tmp_path: Path, discord: DiscordServer) -> AsyncIterator[Platform]:
        discord.limits.rules, discord.limits.per_s = {}, 10_000
        minji = discord.user("민지")
        self.chat, self.person = Chat("discord", str(discord.direct(minji).id)), Person("discord", str(minji.id))
        async with connect(tmp_path, discord) as guest:
            yield guest.platform
            assert discord.record.mass_mentions == 0


async def test_the_owner_and_those_who_may_manage_a_server_or_its_messages_moderate_it(
    tmp_path: Path, discord: DiscordServer
) -> None:
    boss, helper, member, stranger = (discord.user(name) for name in ("방장", "도우미", "지우", "남"))
    guild = discord.guild("서버", boss, helper, member)
    async with connect(tmp_path, discord) as guest:

        async def may() -> list[bool]:
            people = [Person("discord", str(user.id)) for user in (boss, helper, member, stranger)]
            return [await guest.platform.may_moderate(person, str(guild.id)) for person in people]

        assert await may() == [True, False, False, False]
        for permission in (Permission.MANAGE_GUILD, Permission.MANAGE_MESSAGES, Permission.ADMINISTRATOR):
            guild.members[helper] = permission
            assert await may() == [True, True, False, False]
        guild.members[helper] = Permission(0)
        assert await may() == [True, False, False, False], "asked each time, never remembered"


def test_naming_the_platform_imports_no_discord() -> None:
    look = "import sys, plugins.platforms.discord; sys.exit('discord' in sys.modules)"
    subprocess.run([sys.executable, "-c", look], check=True, timeout=100)


def test_without_a_token_it_says_why_it_stays_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISCORD_TOKEN", raising=False)
    assert DiscordPlatform().off == "DISCORD_TOKEN is not set"
    monkeypatch.setenv("DISCORD_TOKEN", "a.b.c")
    assert DiscordPlatform().off == ""
