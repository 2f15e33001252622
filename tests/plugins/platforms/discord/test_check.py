"""What `maum doctor` finds out about the bot at Discord."""

from __future__ import annotations

import pytest

from bot.__main__ import build
from bot.config import Settings
from plugins.platforms.discord import DiscordPlatform
from tests.servers.discord_server import DiscordServer


async def _found(discord: DiscordServer, **options: object) -> str:
    platform = DiscordPlatform(api_base=discord.api_base, gateway=discord.gateway_url, **options)  # type: ignore[arg-type]
    return "\n".join([f"{state}: {text}" for state, text in await platform.examine()])


async def test_token_intent_policy_invite_link_and_starts_are_tried(discord: DiscordServer) -> None:
    steps = await _found(discord)
    assert "ok: the token is 마음's" in steps
    assert "ok: message content intent not used" in steps
    assert "warning: no privacy policy" in steps
    assert f"client_id={discord.bot.id}&scope=bot+applications.commands&permissions=274878024704" in steps
    assert "ok: 1000 of 1000 connections left today" in steps
    assert discord.gateway.sessions == [], "it does not connect"


async def test_whether_the_invite_link_was_used_yet_is_tried(discord: DiscordServer) -> None:
    assert "warning: the bot is in no server yet: open the invite link" in await _found(discord)
    discord.guild("사랑방", discord.user("민지"))
    assert "ok: the bot is in 1 server(s)" in await _found(discord)


async def test_the_intent_must_be_on_in_the_portal_and_in_the_configuration(discord: DiscordServer) -> None:
    assert "wrong: platforms.discord.message_content = true" in await _found(discord, message_content=True)
    discord.switch_intents(message_content=True)
    assert "ok: message content intent on" in await _found(discord, message_content=True)


async def test_a_token_that_is_refused_and_a_discord_that_is_down_are_told_apart(
    discord: DiscordServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    discord.down = 503
    assert "cannot be reached" in await _found(discord)
    discord.down = None
    monkeypatch.setenv("DISCORD_TOKEN", "wrong")
    assert await _found(discord) == (
        "wrong: Discord refuses the token in DISCORD_TOKEN: copy it anew from the developer portal, page Bot"
    )


async def test_without_a_token_the_house_is_built_without_discord_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("DISCORD_TOKEN", raising=False)
    caplog.set_level("INFO")
    settings = Settings.model_validate(
        {"classifier": {"use": "tests.house:WordClassifier"}, "replier": {"use": ["offline"]}}
    )
    async with build(settings) as app:
        assert list(app.desk.platforms) == ["web"]
    assert "discord stays off: DISCORD_TOKEN is not set" in caplog.text
