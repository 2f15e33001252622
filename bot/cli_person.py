"""`maum person`: a person's rights, by the operator's hand."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Annotated

import typer

from bot import config
from bot.cli_parts import ConfigFile, run_work
from bot.config import Settings
from bot.errors import OperatorError
from bot.types import Chat, Person

app = typer.Typer(no_args_is_help=True, help="A person's rights: export, forget, pause.")
Who = Annotated[str, typer.Argument(metavar="PLATFORM:ID", help="Such as telegram:123456789.")]
WAIT_S, LOOK_S = 60.0, 0.2


@app.command()
def export(
    who: Who,
    html: Annotated[bool, typer.Option("--html", help="A page to read instead of JSON.")] = False,
    out: Annotated[Path | None, typer.Option(help="A file that is not there yet; default standard output.")] = None,
    file: ConfigFile = None,
) -> None:
    """Everything that is kept about a person."""
    text = run_work(_export(config.load(file), _person(who), html=html))
    if out is None:
        print(text)
    else:
        _write(out, text)


@app.command()
def forget(
    who: Who,
    chat: Annotated[str, typer.Option(help="Only what was said in this chat (the platform's id).")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False,
    file: ConfigFile = None,
) -> None:
    """Delete everything that is kept about a person, for good: their key is destroyed, backups go dark with it."""
    settings, person = config.load(file), _person(who)
    if not yes:
        typer.confirm(f"Forget {who}{f' in chat {chat}' if chat else ''}? This cannot be undone.", abort=True)
    print(run_work(_forget(settings, person, Chat(person.platform, chat) if chat else None)))


@app.command()
def pause(
    who: Who,
    resume: Annotated[bool, typer.Option("--resume", help="End the pause.")] = False,
    file: ConfigFile = None,
) -> None:
    """Take nothing new of a person; what is kept stays until its time is over."""
    scopes = run_work(_pause(config.load(file), _person(who), resume=resume))
    print(f"{who} now agrees to: {', '.join(sorted(scopes)) or 'nothing'}")


async def _export(settings: Settings, person: Person, *, html: bool) -> str:
    from bot.__main__ import open_privacy
    from bot.export import page

    async with open_privacy(settings) as privacy:
        exported = await privacy.export(person)
    return page(exported, settings.language) if html else json.dumps(exported, ensure_ascii=False, indent=1)


async def _forget(settings: Settings, person: Person, chat: Chat | None) -> str:
    """A running bot does it, because it also has to stop what it is doing for the person."""
    from bot.__main__ import open_privacy
    from storage.process import in_use

    async with open_privacy(settings) as privacy:
        if not in_use(config.state_dir()):
            counts = await privacy.forget(person, chat)
            return f"forgotten: {', '.join(f'{count} {name}' for name, count in counts.items()) or 'nothing was kept'}"
        await privacy.ask_to_forget(person, chat)
        try:
            async with asyncio.timeout(WAIT_S):
                while any(wish.person == person for wish in await privacy.wishes()):  # noqa: ASYNC110
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            raise OperatorError(
                "the running bot has not done it yet; the wish is kept, and done at its next start"
            ) from None
    return "forgotten by the running bot"


async def _pause(settings: Settings, person: Person, *, resume: bool) -> frozenset[str]:
    from bot.__main__ import open_privacy

    async with open_privacy(settings) as privacy:
        return await (privacy.resume(person) if resume else privacy.pause(person))


def _person(who: str) -> Person:
    platform, colon, identity = who.partition(":")
    if not (platform and colon and identity):
        raise OperatorError(f"{who!r} names nobody: write PLATFORM:ID, such as telegram:123456789")
    return Person(platform, identity)


def _write(out: Path, text: str) -> None:
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise OperatorError(f"cannot write {out}: {error.strerror}") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    print(f"wrote {out}")
