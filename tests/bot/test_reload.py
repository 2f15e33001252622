"""Reading the configuration again while the bot runs: what can change does, what cannot is said."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Self
from uuid import uuid4

import pytest

from bot import config
from bot.__main__ import build
from bot.app import App
from bot.contracts import Replier
from bot.errors import OperatorError
from bot.reload import FIXED, Reload, differences
from bot.types import Chat, Chunk, Incoming, Outgoing, Person, Prompt
from tests import blank
from tests.house import MemoryPlatform, WordClassifier

ROOT = Path(__file__).parents[2]
MAUM = Path(sys.executable).parent / "maum"
HERE = "tests.bot.test_reload"
CONFIG = f"""
[classifier]
use = "{HERE}:Reader"
[replier]
use = ["{HERE}:Echo"]
[replier."{HERE}:Echo"]
says = "하나"
[platforms]
use = ["{HERE}:Window"]
[consent]
default = "trusted"
[delivery]
burst_s = 0.0
drain_s = 5.0
"""


class Reader(WordClassifier):
    """A classifier that tells when it begins and ends."""

    lives: ClassVar[list[str]] = []

    def __init__(self, called: str = "first") -> None:
        super().__init__()
        self.called = called

    @property
    def model(self) -> str:
        return self.called

    async def __aenter__(self) -> Self:
        if self.called == "broken":
            raise RuntimeError("no such weights")
        Reader.lives.append(f"begin {self.called}")
        return self

    async def __aexit__(self, *_: object) -> None:
        Reader.lives.append(f"end {self.called}")


class Echo(Replier):
    """Says its word, and before the last one waits while `hold` is set; the persona it was told is kept."""

    lives: ClassVar[list[str]] = []
    personas: ClassVar[list[str]] = []
    go_on: ClassVar[asyncio.Event]

    def __init__(self, says: str = "없음") -> None:
        self.says = says

    async def __aenter__(self) -> Self:
        Echo.lives.append(f"begin {self.says}")
        return self

    async def __aexit__(self, *_: object) -> None:
        Echo.lives.append(f"end {self.says}")

    async def reply(self, prompt: Prompt) -> AsyncGenerator[Chunk, None]:
        Echo.personas.append(prompt.persona)
        yield Chunk(f"{self.says}. ")
        yield Chunk(f"{self.says}. ")
        await Echo.go_on.wait()
        yield Chunk("끝.", finish="stop")


class Window(MemoryPlatform):
    """The memory platform, by the name the configuration gives it."""


@pytest.fixture(autouse=True)
def _fresh() -> None:
    Reader.lives.clear()
    Echo.lives.clear()
    Echo.personas.clear()
    Echo.go_on = asyncio.Event()
    Echo.go_on.set()


@asynccontextmanager
async def _running(tmp: Path) -> AsyncIterator[tuple[App, Reload, Path]]:
    file = tmp / "config.toml"
    file.write_text(CONFIG, encoding="utf-8")
    await blank.lay(config.state_dir() / "db" / "maum.db")
    async with build(config.load(file)) as app:
        yield app, Reload(app, file), file
        await app.delivery.drain()


def _change(file: Path, *pairs: tuple[str, str], more: str = "") -> None:
    text = file.read_text(encoding="utf-8")
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    file.write_text(text + more, encoding="utf-8")


async def _send(app: App, words: str = "안녕", who: str = "minji") -> int:
    person, platform = Person(f"{HERE}:Window", who), f"{HERE}:Window"
    incoming = Incoming(Chat(platform, who), person, uuid4().hex, words, datetime.now(UTC), lone=True)
    receipt = await app.delivery.receive(incoming)
    assert receipt.message is not None
    return receipt.message


def _window(app: App) -> Window:
    window = app.desk.platforms[f"{HERE}:Window"]
    assert isinstance(window, Window)
    return window


async def _say(app: App, words: str = "안녕", who: str = "minji") -> Outgoing:
    return await _window(app).final(await _send(app, words, who))


async def test_persona_limits_and_budget_hold_at_once(tmp_path: Path) -> None:
    async with _running(tmp_path) as (app, reload, file):
        await _say(app)
        _change(file, ("[replier]\n", '[replier]\npersona = "너는 보보야."\n'), more="[limits]\nmax_chars = 3\n")
        assert await reload.now() == ["changed: limits.max_chars, replier.persona"]
        await _say(app)
        assert "보보" not in Echo.personas[0]
        assert "보보" in Echo.personas[1]
        with pytest.raises(Exception, match="too_long"):
            await _send(app, "네 글자야")
        assert Echo.lives == ["begin 하나"], "nobody was exchanged for that"


async def test_a_new_replier_answers_while_the_old_one_ends_what_it_began(tmp_path: Path) -> None:
    async with _running(tmp_path) as (app, reload, file):
        Echo.go_on.clear()
        old = await _send(app, "느린 답")
        while not Echo.personas:
            await asyncio.sleep(0.01)
        _change(file, ('says = "하나"', 'says = "둘"'))
        await reload.now()
        new = await _send(app, "새 답", "jun")
        while len(Echo.personas) < 2:
            await asyncio.sleep(0.01)
        assert Echo.lives == ["begin 하나", "begin 둘"], "the old one is still at work"
        Echo.go_on.set()
        assert (await _window(app).final(old)).text == "하나. 하나. 끝."
        assert (await _window(app).final(new)).text == "둘. 둘. 끝."
        await asyncio.sleep(0.05)
        assert Echo.lives == ["begin 하나", "begin 둘", "end 하나"]
    assert Echo.lives[-1] == "end 둘"
    assert Echo.lives.count("end 하나") == 1


async def test_a_new_classifier_reads_from_then_on_and_the_old_one_is_let_go(tmp_path: Path) -> None:
    async with _running(tmp_path) as (app, reload, file):
        first = await _say(app)
        _change(file, more=f'[classifier."{HERE}:Reader"]\ncalled = "second"\n')
        assert await reload.now() == [f"changed: classifier.{HERE}:Reader"]
        second = await _say(app)
        assert [one.reading.model for one in (first, second) if one.reading] == ["first", "second"]
        assert Reader.lives == ["begin first", "begin second", "end first"]
        assert [plugin.name for plugin in app.privacy.plugins].count(f"{HERE}:Reader") == 1


async def test_what_was_used_up_at_the_start_is_said_to_need_a_restart(tmp_path: Path) -> None:
    async with _running(tmp_path) as (app, reload, file):
        more = '[storage]\nurl = "sqlite+aiosqlite:///other.db"\n[platforms.web]\nport = 9\n'
        _change(file, ("drain_s = 5.0", "drain_s = 6.0\nworkers = 3"), more=more)
        said = await reload.now()
        assert said[0] == "changed: delivery.drain_s"
        assert [line.partition(" ")[0] for line in said[1:]] == ["delivery.workers", "platforms.web", "storage.url"]
        assert all("needs a restart" in line for line in said[1:])
        assert (app.settings.delivery.drain_s, app.settings.delivery.workers) == (6.0, 16)
        assert "other.db" not in app.settings.storage.url
        assert (await _say(app)).text == "하나. 하나. 끝."


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("[delivry]\n", "did you mean 'delivery'"),
        (f'[classifier."{HERE}:Reader"]\ncalled = "broken"\n', "could not be started (RuntimeError)"),
        (f'[classifier."{HERE}:Reader"]\ncoled = "x"\n', "did you mean 'called'"),
        ("[[[", "not valid TOML"),
    ],
)
async def test_a_mistake_is_refused_and_all_stays_as_it_was(tmp_path: Path, wrong: str, words: str) -> None:
    async with _running(tmp_path) as (app, reload, file):
        before = app.settings
        _change(file, ('says = "하나"', 'says = "둘"'), more=wrong)
        with pytest.raises(OperatorError) as error:
            await reload.now()
        assert words in str(error.value)
        assert app.settings is before
        assert (await _say(app)).text == "하나. 하나. 끝."
    assert Echo.lives.count("begin 둘") == Echo.lives.count("end 둘"), "what was begun in vain is ended"
    assert Echo.lives[-1] == "end 하나"


async def test_every_setting_either_changes_or_is_said_to_need_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with _running(tmp_path) as (app, reload, _):
        for key, value in _other_values(app.settings):
            name = f"MAUM_{key.replace('.', '__').upper()}"
            monkeypatch.setenv(name, str(value))
            said = await reload.now()
            holds = _at(app.settings, key) == value
            assert holds is not key.startswith(FIXED), key
            assert said[0] == (f"changed: {key}" if holds else "nothing that can change while running has changed")
            monkeypatch.delenv(name)
            await reload.now()


def _other_values(settings: config.Settings) -> Iterator[tuple[str, object]]:
    others = {"language": "en", "strategy": "mirror", "default": "ask", "format": "json", "level": "error"}
    for section, fields in settings.model_dump().items():
        for name, value in fields.items() if isinstance(fields, dict) else [("", fields)]:
            key = f"{section}.{name}" if name else section
            if name == "use" or isinstance(value, dict):
                continue  # plugins and their options
            if isinstance(value, bool):
                yield key, not value
            elif isinstance(value, int | float):
                yield key, value + 1
            else:
                yield key, others.get(name or section, "sqlite+aiosqlite:///other.db" if name == "url" else "다른")


def _at(settings: config.Settings, key: str) -> object:
    found: object = settings
    for part in key.split("."):
        found = getattr(found, part)
    return found


def test_differences_are_named_by_their_path() -> None:
    assert list(differences({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": 1, "c": 4}, "e": 5})) == ["a.c", "d", "e"]


@contextmanager
def _bot(tmp: Path) -> Iterator[Path]:
    """`maum run` as a process of its own; yields its configuration."""
    file = tmp / "config.toml"
    file.write_text(CONFIG, encoding="utf-8")
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [str(MAUM), "run", "--config", str(file)]
    log = (tmp / "log").open("w")
    with log, subprocess.Popen(command, env=environ, cwd=ROOT, stderr=log) as bot:
        try:
            while bot.poll() is None and "repliers" not in (tmp / "log").read_text():
                time.sleep(0.05)
            yield file
        finally:
            bot.terminate()


def _maum_reload() -> subprocess.CompletedProcess[str]:
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run([MAUM, "reload"], capture_output=True, text=True, timeout=100, cwd=ROOT, env=environ)


def test_maum_reload_says_what_the_running_bot_made_of_it(tmp_path: Path) -> None:
    nobody = _maum_reload()
    assert (nobody.returncode, "no bot runs" in nobody.stderr) == (2, True), nobody.stderr
    with _bot(tmp_path) as file:
        _change(file, more="[limits]\nper_minute = 5\n")
        done = _maum_reload()
        assert (done.returncode, done.stdout) == (0, "changed: limits.per_minute\n"), done.stderr
        _change(file, ("per_minute", "per_minit"))
        refused = _maum_reload()
        assert refused.returncode == 2
        assert refused.stderr.startswith("refused, nothing was changed: unknown key 'limits.per_minit'")
    log = (tmp_path / "log").read_text(encoding="utf-8")
    assert "Traceback" not in log
    assert 'configuration: changed: limits.per_minute"' in log
