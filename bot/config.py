"""config.toml and the environment → one frozen Settings object. Environment beats file beats default.

Every key can be set by `MAUM_` + section + `__` + key in upper case. Tables inside a plugin section carry that plugin's
own options (`[replier.openai]`, `MAUM_REPLIER__OPENAI__BASE_URL`) and are checked by the plugin's constructor.
"""

from __future__ import annotations

import difflib
import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from bot.errors import OperatorError
from bot.types import Language, Strategy

PREFIX = "MAUM_"
#: names with the prefix that are read elsewhere and are no config keys
RESERVED = frozenset(
    {"API_TOKEN", "CORPORA", "MASTER_KEY", "MASTER_KEY_FILE", "NEW_MASTER_KEY", "PAGE_PASSWORD", "STATE_DIR"}
)
SECRETS = frozenset({"token", "key", "secret", "password", "api_key", "master_key", "api_token"})


class FromEnvironment(str):
    """A value that came from the environment, where a list can only be written as text."""


def _list(value: object) -> object:
    if isinstance(value, FromEnvironment):
        text = value.strip()
        return json.loads(text) if text.startswith("[") else [part.strip() for part in text.split(",") if part.strip()]
    return value


Names = Annotated[tuple[str, ...], BeforeValidator(_list)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PluginSection(BaseModel):
    """A section that also holds tables of options, one per plugin name."""

    model_config = ConfigDict(extra="allow", frozen=True)

    @model_validator(mode="after")
    def _only_tables_are_extra(self) -> Self:
        for key, value in (self.model_extra or {}).items():
            if not isinstance(value, dict):
                raise ValueError(f"unknown key {key!r}")
        return self

    def options(self, plugin: str) -> dict[str, Any]:
        return dict((self.model_extra or {}).get(plugin, {}))


class Storage(Section):
    url: str = "sqlite+aiosqlite:///{state}/db/maum.db"


class ClassifierSection(PluginSection):
    use: str = "transformers"


class ReplierSection(PluginSection):
    use: Names = ("openai", "offline")
    deadline_s: float = Field(default=40.0, gt=0)
    closed_loop: bool = True
    strategy: Strategy = "empathise"
    persona: str = ""


class PlatformsSection(PluginSection):
    use: Names = ("web", "discord", "telegram")


class Consent(Section):
    default: Literal["ask", "trusted"] = "ask"
    hold_s: float = Field(default=600.0, ge=0)


class Retention(Section):
    texts_days: int = Field(default=30, ge=1)
    tags_days: int = Field(default=90, ge=1)
    audit_days: int = Field(default=365, ge=1)


class Delivery(Section):
    workers: int = Field(default=16, ge=1)
    queue: int = Field(default=2_000, ge=1)
    burst_s: float = Field(default=0.8, ge=0)
    burst_max_s: float = Field(default=4.0, ge=0)
    drain_s: float = Field(default=20.0, ge=0)
    lease_s: float = Field(default=120.0, gt=0)


class Limits(Section):
    per_minute: int = Field(default=20, ge=1)
    burst: int = Field(default=8, ge=1)
    max_chars: int = Field(default=20_000, ge=1)
    history_turns: int = Field(default=20, ge=0)


class Budget(Section):
    per_person_day: float = Field(default=0.5, ge=0)
    total_day: float = Field(default=5.0, ge=0)


class Log(Section):
    format: Literal["text", "json"] = "text"
    level: Literal["debug", "info", "warning", "error"] = "info"


class Settings(Section):
    """Everything config.toml can say."""

    language: Language = "ko"
    storage: Storage = Storage()
    classifier: ClassifierSection = ClassifierSection()
    replier: ReplierSection = ReplierSection()
    platforms: PlatformsSection = PlatformsSection()
    consent: Consent = Consent()
    retention: Retention = Retention()
    delivery: Delivery = Delivery()
    limits: Limits = Limits()
    budget: Budget = Budget()
    log: Log = Log()


def load(file: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the configuration.

    Args:
        file: config.toml; None reads `config.toml` in the working directory if there is one.

    Raises:
        OperatorError: one line that names the key, the file or variable it stands in, and the cure.
    """
    path = file or Path("config.toml")
    if file and not file.is_file():
        raise OperatorError(f"config file {file} does not exist: give --config an existing file, or run `maum init`")
    from_file = _read_toml(path) if path.is_file() else {}
    _refuse_secrets(from_file, path)
    merged = _merge(from_file, _environment(environ))
    try:
        return Settings.model_validate(merged)
    except ValidationError as error:
        raise OperatorError(_explain(error, from_file, path)) from None


def state_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Where state lives: `MAUM_STATE_DIR`, else `var/`."""
    return Path(environ.get("MAUM_STATE_DIR") or "var")


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OperatorError(f"{path} is not valid TOML: {error}") from None
    except OSError as error:
        raise OperatorError(f"cannot read {path}: {error.strerror}") from None


def _environment(environ: Mapping[str, str]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name, value in sorted(environ.items()):
        key = name.removeprefix(PREFIX)
        if key == name or key in RESERVED:
            continue
        parts = key.lower().split("__")
        if parts[0] not in Settings.model_fields:
            raise OperatorError(f"unknown variable {name}: {_nearest(parts[0], Settings.model_fields)}")
        node = tree
        for part in parts[:-1]:
            node = node.setdefault(part, {})
            if not isinstance(node, dict):
                raise OperatorError(f"variable {name} contradicts a shorter variable of the same section")
        node[parts[-1]] = FromEnvironment(value)
    return tree


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merge(merged[key], value) if both else value
    return merged


def _refuse_secrets(tree: Mapping[str, Any], path: Path, above: str = "") -> None:
    for key, value in tree.items():
        if isinstance(value, dict):
            _refuse_secrets(value, path, f"{above}{key}.")
        elif key.lower() in SECRETS and value:
            raise OperatorError(
                f"{path} holds a secret ({above}{key}): remove it and set it in the environment instead"
            )


def _explain(error: ValidationError, from_file: Mapping[str, Any], path: Path) -> str:
    first = error.errors()[0]
    keys = [str(part) for part in first["loc"]]
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "value_error" and message.startswith("unknown key "):
        keys, first["type"] = [*keys, message.split("'")[1]], "extra_forbidden"
    origin = str(path) if _holds(from_file, keys) else f"variable {PREFIX}{'__'.join(keys).upper()}"
    name = ".".join(keys)
    if first["type"] == "extra_forbidden":
        return f"unknown key {name!r} in {origin}: {_nearest(keys[-1], _known(keys[:-1]))}"
    if first["type"] in ("tuple_type", "list_type"):
        return f'{name} in {origin} must be a list, such as {name.split(".")[-1]} = ["openai", "offline"]'
    return f"{name} in {origin} is wrong: {message} (it is {first['input']!r})"


def _holds(tree: Mapping[str, Any], keys: list[str]) -> bool:
    node: Any = tree
    for key in keys:
        if isinstance(node, (list, str)):
            return True
        if not isinstance(node, dict) or key not in node:
            return False
        node = node[key]
    return True


def _known(keys: list[str]) -> Iterator[str]:
    fields: Any = Settings.model_fields
    for key in keys:
        fields = fields[key].annotation.model_fields if key in fields else {}
    return iter(fields)


def _nearest(word: str, known: Any) -> str:
    names = list(known)
    close = difflib.get_close_matches(word, names, 1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known here: {', '.join(names)}" if names else "there is no such section"
