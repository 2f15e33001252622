"""Plugins: found by name, built from options, and refused in one line."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from bot import loader
from bot.config import FromEnvironment, ReplierSection
from bot.contracts import Replier
from bot.errors import OperatorError
from bot.types import Chunk, Prompt


class Echo(Replier):
    def __init__(self, times: int = 1, loud: bool = False, words: tuple[str, ...] = ()) -> None:
        self.times, self.loud, self.words = times, loud, words

    async def reply(self, prompt: Prompt) -> AsyncGenerator[Chunk, None]:
        yield Chunk(prompt.turns[-1].text * self.times, finish="stop")


NAME = f"{__name__}:Echo"


def _build(name: str = NAME, **options: object) -> Replier:
    return loader.build(Replier, name, ReplierSection(**{name: options}))  # type: ignore[type-abstract]


def test_a_plugin_is_built_from_its_options() -> None:
    plugin = _build(times=3)
    assert isinstance(plugin, Echo)
    assert (plugin.times, plugin.name) == (3, NAME)


def test_text_from_the_environment_becomes_what_the_plugin_asks_for() -> None:
    plugin = _build(times=FromEnvironment("3"), loud=FromEnvironment("true"), words=FromEnvironment("a,b"))
    assert isinstance(plugin, Echo)
    assert (plugin.times, plugin.loud, plugin.words) == (3, True, ("a", "b"))


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("offlin", {}, ["'offlin' is not installed", "did you mean 'offline'?"]),
        ("nowhere:Class", {}, ["'nowhere:Class' cannot be imported"]),
        (f"{__name__}:Missing", {}, ["cannot be imported"]),
        ("pathlib:Path", {}, ["is no replier", "bot.contracts.Replier"]),
        (NAME, {"tims": 3}, ["no option 'tims'", "did you mean 'times'?"]),
        (NAME, {"zzz": 3}, ["no option 'zzz'", "it knows: times, loud, words"]),
        (NAME, {"times": "many"}, ["option 'times' is wrong", "'many'"]),
    ],
)
def test_a_mistake_is_named_with_its_cure(name: str, options: dict[str, object], words: list[str]) -> None:
    with pytest.raises(OperatorError) as error:
        _build(name, **options)
    for word in words:
        assert word in str(error.value)
    assert "\n" not in str(error.value)


def test_options_for_a_plugin_that_does_not_exist_are_refused() -> None:
    with pytest.raises(OperatorError, match=r"'opnai'.*did you mean 'openai'"):
        loader.check_sections(Replier, ReplierSection(opnai={"model": "x"}), ("openai",))


def test_looking_a_plugin_up_imports_no_other(tmp_path: Path) -> None:
    import subprocess

    code = (
        "import sys; from bot import loader; from bot.config import ReplierSection; from bot.contracts import Replier;"
        "loader.build(Replier, 'openai', ReplierSection());"
        "heavy = ('openai', 'kiwipiepy', 'torch', 'nicegui', 'plugins.repliers.offline');"
        "print([module for module in heavy if module in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
