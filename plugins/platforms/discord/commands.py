"""Slash commands and the menu of a message. What they do is bot/commands.py's; here they are declared and deferred."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands

from bot import emotions
from bot.answering import TONES
from bot.locale import pick
from bot.spaces import KEYS
from plugins.platforms.discord.translations import Translator, both, words

if TYPE_CHECKING:
    from plugins.platforms.discord.asked import Asked
    from plugins.platforms.discord.client import MaumClient

Interaction = discord.Interaction[Any]
SIMPLE = ("emotion", "reset", "privacy", "consent", "export", "forget", "pause", "resume", "help")
HERE: dict[str, Any] = {
    "allowed_contexts": app_commands.AppCommandContext(guild=True, dm_channel=True),
    "allowed_installs": app_commands.AppInstallationType(guild=True),
}
MAX_CHOICES = 25


async def declare(client: MaumClient, asked: Asked) -> app_commands.CommandTree[Any]:
    """All commands, with their names in Korean and English."""
    tree: app_commands.CommandTree[Any] = app_commands.CommandTree(client)
    await tree.set_translator(Translator())
    for command in (*_talk(asked), *_own(asked), *_moderators(asked), *_menus(asked)):
        tree.add_command(command)
    tree.error(asked.failed)
    return tree


def _talk(asked: Asked) -> list[Any]:
    async def chat(interaction: Interaction, text: app_commands.Range[str, 1, 6000]) -> None:
        await asked.chat(interaction, text)

    async def regenerate(interaction: Interaction, emotion: str | None = None, tone: str | None = None) -> None:
        await asked.command(interaction, "regenerate", f"{emotion or ''} {tone or ''}")

    app_commands.choices(tone=[_choice(f"tone_name.{tone}", tone) for tone in TONES])(regenerate)
    app_commands.autocomplete(emotion=_emotions_like)(regenerate)
    again = _command("regenerate", regenerate, emotion="option_emotion", tone="option_tone")
    return [_command("chat", chat, text="option_text"), again]


def _own(asked: Asked) -> list[Any]:
    async def mood(interaction: Interaction, since: str | None = None) -> None:
        await asked.command(interaction, "mood", since or "")

    async def persona(interaction: Interaction, persona: str | None = None) -> None:
        await asked.command(interaction, "persona", persona or "")

    named = [
        _command("mood", mood, since="option_since"),
        _command("persona", persona, persona="option_persona"),
    ]
    return [*named, *(_simple(asked, name) for name in SIMPLE)]


def _simple(asked: Asked, name: str) -> Any:
    async def simple(interaction: Interaction) -> None:
        await asked.command(interaction, name, "")

    return _command(name, simple)


def _moderators(asked: Asked) -> list[Any]:
    async def settings(interaction: Interaction, key: str | None = None, value: str | None = None) -> None:
        await asked.settings(interaction, key or "", value or "")

    async def emotions_log(
        interaction: Interaction,
        person: discord.User | None = None,
        group: str | None = None,
        since: str | None = None,
    ) -> None:
        mention = f"<@{person.id}>" if person else ""
        await asked.command(interaction, "emotions", " ".join(filter(None, (since, group, mention))))

    keys = [app_commands.Choice(name=key, value=key) for key in (*KEYS, "undo", "history")]
    app_commands.choices(key=keys)(settings)
    groups = [
        app_commands.Choice(name=both(ko, en), value=str(group)) for group, (ko, en, _) in emotions.GROUP_NAMES.items()
    ]
    app_commands.choices(group=groups)(emotions_log)
    change = _command("settings", settings, key="option_key", value="option_value")
    change.default_permissions = discord.Permissions(manage_guild=True)
    ask = _command("emotions", emotions_log, person="option_person", group="option_group", since="option_since")
    ask.default_permissions = discord.Permissions(manage_messages=True)
    ask.allowed_contexts = app_commands.AppCommandContext(guild=True)
    return [change, ask]


def _menus(asked: Asked) -> list[Any]:
    async def again(interaction: Interaction, message: discord.Message) -> None:
        await asked.again(interaction, message)

    async def reading(interaction: Interaction, message: discord.Message) -> None:
        await asked.reading(interaction, message)

    return [
        app_commands.ContextMenu(name=words(f"command.{key}", "ko"), callback=callback, **HERE)
        for key, callback in (("again_menu", again), ("reading_menu", reading))
    ]


def _command(name: str, callback: Any, **options: str) -> app_commands.Command[Any, ..., None]:
    """`options`: the parameter's name → the key of its name and description in the locale's [discord]."""
    callback = app_commands.rename(**{one: words(f"discord.{key}") for one, key in options.items()})(callback)
    callback = app_commands.describe(**{one: words(f"discord.{key}_about") for one, key in options.items()})(callback)
    return app_commands.Command(
        name=words(f"command.{name}_name"), description=words(f"command.{name}_about"), callback=callback, **HERE
    )


def _choice(key: str, value: str) -> app_commands.Choice[str]:
    return app_commands.Choice(name=words(key), value=value)


async def _emotions_like(interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
    """58 emotions do not fit into a list of 25: those that begin like what was typed come first."""
    language = pick(str(interaction.locale))
    wanted = typed.strip().lower()
    found = [
        entry
        for label in emotions.label_set("maum")
        if wanted in (entry := emotions.entries()[label]).name("ko") or wanted in entry.name("en").lower()
    ]
    found.sort(key=lambda entry: not entry.name(language).lower().startswith(wanted))
    return [app_commands.Choice(name=f"{e.emoji} {e.name(language)}", value=e.code) for e in found[:MAX_CHOICES]]
