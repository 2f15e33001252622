"""Configuration: every mistake is one line that names the key, where it stands, and the cure."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot import config
from bot.config import load
from bot.errors import OperatorError

ROOT = Path(__file__).parents[2]


def _load(tmp_path: Path, text: str = "", **environ: str) -> config.Settings:
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    return load(path, environ)


def test_the_shipped_file_says_what_the_defaults_are(tmp_path: Path) -> None:
    shipped = load(ROOT / "config.toml", {})
    default = _load(tmp_path)
    for name in type(default).model_fields:
        assert getattr(shipped, name) == getattr(default, name) or name in ("classifier", "replier", "platforms")
    assert shipped.replier.use == default.replier.use == ("openai", "offline")
    assert shipped.platforms.use == default.platforms.use


def test_the_shipped_file_explains_every_key() -> None:
    text = (ROOT / "config.toml").read_text(encoding="utf-8")
    for name, field in config.Settings.model_fields.items():
        for key in getattr(field.annotation, "model_fields", {name: None}):
            assert f"\n{key} = " in text, f"{name}.{key}"


def test_the_environment_beats_the_file(tmp_path: Path) -> None:
    settings = _load(
        tmp_path,
        '[replier]\nuse = ["offline"]\n[replier.openai]\nmodel = "a"\n',
        MAUM_REPLIER__USE="openai, offline",
        MAUM_REPLIER__OPENAI__MODEL="b",
        MAUM_DELIVERY__WORKERS="3",
        MAUM_REPLIER__CLOSED_LOOP="false",
    )
    assert settings.replier.use == ("openai", "offline")
    assert settings.replier.options("openai") == {"model": "b"}
    assert (settings.delivery.workers, settings.replier.closed_loop) == (3, False)


@pytest.mark.parametrize("value", ["openai,offline", '["openai", "offline"]', " openai , offline "])
def test_a_list_in_the_environment_is_json_or_commas(tmp_path: Path, value: str) -> None:
    assert _load(tmp_path, MAUM_REPLIER__USE=value).replier.use == ("openai", "offline")


def test_names_that_are_read_elsewhere_are_no_config_keys(tmp_path: Path) -> None:
    _load(tmp_path, MAUM_API_TOKEN="t", MAUM_STATE_DIR="s", MAUM_CORPORA="c", MAUM_MASTER_KEY="k")


@pytest.mark.parametrize(
    ("text", "environ", "words"),
    [
        ("[delivry]\n", {}, ["'delivry'", "config.toml", "did you mean 'delivery'?"]),
        ("[delivery]\nwokers = 3\n", {}, ["'delivery.wokers'", "did you mean 'workers'?"]),
        ("[replier]\nusee = 3\n", {}, ["'replier.usee'", "did you mean 'use'?"]),
        ('[replier]\nuse = "openai"\n', {}, ["replier.use", "must be a list"]),
        ('[delivery]\nworkers = "many"\n', {}, ["delivery.workers", "config.toml", "'many'"]),
        ("[delivery]\nworkers = 0\n", {}, ["delivery.workers", "greater than or equal to 1"]),
        ('language = "fr"\n', {}, ["language", "'ko' or 'en'"]),
        ("", {"MAUM_PLATFROMS__USE": "web"}, ["MAUM_PLATFROMS__USE", "did you mean 'platforms'?"]),
        ("", {"MAUM_DELIVERY__WOKERS": "3"}, ["delivery.wokers", "MAUM_DELIVERY__WOKERS", "did you mean 'workers'?"]),
        ("", {"MAUM_DELIVERY__WORKERS": "many"}, ["delivery.workers", "MAUM_DELIVERY__WORKERS"]),
        ("", {"MAUM_REPLIER__USE": "[1"}, ["replier.use", "MAUM_REPLIER__USE"]),
        ("", {"MAUM_DELIVERY": "3"}, ["delivery", "MAUM_DELIVERY"]),
        ("[[[", {}, ["config.toml", "not valid TOML"]),
        (
            '[replier.openai]\napi_key = "sk-1"\n',
            {},
            ["config.toml", "secret", "replier.openai.api_key", "environment"],
        ),
        ('[platforms.discord]\ntoken = "x"\n', {}, ["secret", "platforms.discord.token"]),
    ],
)
def test_a_mistake_is_named_with_its_place_and_cure(
    tmp_path: Path, text: str, environ: dict[str, str], words: list[str]
) -> None:
    with pytest.raises(OperatorError) as error:
        _load(tmp_path, text, **environ)
    assert "\n" not in str(error.value)
    for word in words:
        assert word in str(error.value)
    assert "sk-1" not in str(error.value)


def test_a_config_file_that_is_not_there_is_named() -> None:
    with pytest.raises(OperatorError, match=r"missing.toml does not exist.*maum init"):
        load(Path("missing.toml"), {})
