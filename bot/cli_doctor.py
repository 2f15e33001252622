"""`maum doctor`: every part tried once, each with one line that says what is wrong and what to do."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from rich.console import Console

from bot import config, loader
from bot.__main__ import open_storage
from bot.care import Care
from bot.config import Settings
from bot.contracts import Classifier, Platform, Replier, State
from bot.errors import MaumError, OperatorError
from bot.types import Text
from storage import sqlite, upgrade
from storage.database import Database

MARKS = {"ok": "[green]✓[/]", "warning": "[yellow]![/]", "wrong": "[red]✗[/]"}
SHUTDOWN_SOON_DAYS = 60


@dataclass(frozen=True)
class Finding:
    part: str
    state: State
    text: str


async def doctor(file: Path | None, *, as_json: bool = False) -> int:
    """Print the findings; 1 when something is wrong, else 0."""
    findings = [finding async for finding in _examine(file)]
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False))
    else:
        console = Console(highlight=False)
        for finding in findings:
            console.print(f"{MARKS[finding.state]} [bold]{finding.part}[/] ", end="")
            console.print(finding.text, markup=False)
    return int(any(finding.state == "wrong" for finding in findings))


async def upgrade_database(settings: Settings) -> None:
    """Migrate to the newest schema and say so."""
    url = settings.storage.url.replace("{state}", str(config.state_dir()))
    async with Database(url) as database:
        await upgrade.upgrade(database)
    print(f"the database is at schema {upgrade.newest()}")


async def _examine(file: Path | None) -> AsyncIterator[Finding]:
    try:
        settings = config.load(file)
    except OperatorError as error:
        yield Finding("configuration", "wrong", str(error))
        return
    yield Finding("configuration", "ok", str(file or "config.toml or defaults"))
    yield await _storage(settings)
    if settings.storage.url.startswith("sqlite"):
        yield _sqlite()
    yield crisis_detector(Care())
    yield await _classifier(settings)
    for name in settings.replier.use:
        async for finding in _replier(settings, name):
            yield finding
    for name in settings.platforms.use:
        for finding in await _platform(settings, name):
            yield finding


async def _storage(settings: Settings) -> Finding:
    try:
        async with open_storage(settings) as (database, _, _):
            where = database.url.render_as_string(hide_password=True)
            return Finding("database", "ok", f"{where}, schema {upgrade.newest()}, the key opens it")
    except OperatorError as error:
        return Finding("database", "wrong", str(error))


def _sqlite() -> Finding:
    if not sqlite.has_wal_reset_bug():
        return Finding("sqlite", "ok", sqlite3.sqlite_version)
    text = "it does no harm, as Maum's processes write one after the other; let no other program write to the file"
    return Finding("sqlite", "ok", f"{sqlite3.sqlite_version} has the WAL-reset bug: {text}")


def crisis_detector(care: Care) -> Finding:
    """Does the second line of bot/care.py work, too?"""
    return Finding("crisis detector", "wrong" if care.trouble else "ok", care.trouble or "both lines work")


async def _classifier(settings: Settings) -> Finding:
    try:
        plugin = loader.build(Classifier, settings.classifier.use, settings.classifier)  # type: ignore[type-abstract]
        async with plugin as classifier:
            await classifier.classify([Text("안녕")])
            return Finding("classifier", "ok", f"{classifier.model}, {len(classifier.labels)} labels")
    except MaumError as error:
        return Finding("classifier", "wrong", str(error))


async def _replier(settings: Settings, name: str) -> AsyncIterator[Finding]:
    part = f"replier {name}"
    try:
        async with loader.build(Replier, name, settings.replier) as replier:  # type: ignore[type-abstract]
            offered = getattr(replier, "offered", None)
            if offered is None:
                yield Finding(part, "ok", "ready")
                return
            models = dict(await offered())
            yield _model(part, str(getattr(replier, "model", "")), models)
    except MaumError as error:
        yield Finding(part, "warning" if len(settings.replier.use) > 1 else "wrong", str(error))


def _model(part: str, model: str, offered: dict[str, str | None]) -> Finding:
    names = ", ".join(sorted(offered)[:12]) + (" …" if len(offered) > 12 else "")
    if not model:
        return Finding(part, "warning", f"no model is configured; the server offers: {names}")
    if model not in offered:
        return Finding(part, "wrong", f"the server does not offer {model!r}; it offers: {names}")
    if ends := _date(offered[model]):
        days = (ends - datetime.now(UTC).date()).days
        if days < 0:
            return Finding(part, "wrong", f"{model} was shut down on {ends}: choose another model")
        if days <= SHUTDOWN_SOON_DAYS:
            return Finding(part, "warning", f"{model} will be shut down on {ends}, in {days} days")
    return Finding(part, "ok", f"{model}; the server offers {len(offered)} models")


def _date(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text[:10]) if text else None
    except ValueError:
        return None


async def _platform(settings: Settings, name: str) -> list[Finding]:
    part = f"platform {name}"
    try:
        platform = loader.build(Platform, name, settings.platforms)  # type: ignore[type-abstract]
        if platform.off:
            return [Finding(part, "warning", f"off: {platform.off}")]
        async with platform:
            return [Finding(part, state, text) for state, text in await platform.examine()]
    except MaumError as error:
        return [Finding(part, "wrong", str(error))]
