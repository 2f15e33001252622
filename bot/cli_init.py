"""`maum init`: a few questions, then a config.toml with comments."""

from __future__ import annotations

from pathlib import Path
from string import Template

import typer

from bot.errors import OperatorError

TEXT = Template("""# Written by `maum init`. Every key: see the config.toml of the project, or docs/operators.md.
# Secrets come from the environment only: OPENAI_API_KEY, DISCORD_TOKEN, TELEGRAM_TOKEN, MAUM_API_TOKEN.

language = "$language"

[replier]
use = $repliers

[replier.openai]
model = "$model"
base_url = "$base_url"

[platforms]
use = ["web"]

[platforms.web]
port = $port
""")
OPENAI = "https://api.openai.com/v1"


def init(path: Path, *, ask: bool) -> None:
    """Write the configuration.

    Raises:
        OperatorError: there is one already, or the folder cannot be written.
    """
    if path.exists():
        raise OperatorError(f"{path} exists already: edit it, or give --config another name")
    answers = {"language": "ko", "base_url": OPENAI, "model": "", "port": "8080"}
    if ask:
        answers["language"] = _one_of("Language of the bot (ko, en)", "ko", ("ko", "en"))
        if typer.confirm("Use a language model (any OpenAI-compatible server)?", default=False):
            answers["base_url"] = typer.prompt("Its address", default=OPENAI)
            answers["model"] = typer.prompt("The model's name (`maum doctor` lists what the server offers)")
        answers["port"] = str(typer.prompt("Port of the web chat", default=8080, type=int))
    answers["repliers"] = '["openai", "offline"]' if answers["model"] else '["offline"]'
    try:
        path.write_text(
            TEXT.substitute({key: _quoted(value) if key != "repliers" else value for key, value in answers.items()}),
            encoding="utf-8",
        )
    except OSError as error:
        raise OperatorError(f"cannot write {path}: {error.strerror}") from None
    print(f"wrote {path}; now: maum doctor, then maum run")
    if answers["model"] and answers["base_url"] == OPENAI:
        print("put the key into the environment: export OPENAI_API_KEY=…")


def _one_of(question: str, default: str, allowed: tuple[str, ...]) -> str:
    while (answer := typer.prompt(question, default=default)) not in allowed:
        print(f"one of: {', '.join(allowed)}")
    return str(answer)


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
