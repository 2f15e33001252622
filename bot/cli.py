"""The `maum` command. Exit codes: 0 ok, 1 failed, 2 wrong use or configuration."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any

import typer

import bot
from bot import cli_db, cli_person, config, log
from bot.cli_parts import AsJson, ConfigFile
from bot.cli_parts import run_work as _run
from bot.errors import OperatorError, Refusal
from bot.locale import say

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Maum (마음): an emotion-aware chat bot.",
)
app.add_typer(cli_db.app, name="db")
app.add_typer(cli_person.app, name="person")


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        print(f"maum {bot.__version__}")
        raise typer.Exit


@app.command()
def run(file: ConfigFile = None) -> None:
    """Start the bot on every configured platform."""
    from bot.__main__ import run

    raise typer.Exit(run(file))


@app.command()
def reload() -> None:
    """Let the running bot read its configuration again; what needs a restart is said."""
    from bot import cli_reload

    raise typer.Exit(cli_reload.reload(config.state_dir()))


@app.command()
def chat(
    file: ConfigFile = None,
    language: Annotated[str, typer.Option(help="ko or en; default as configured.")] = "",
) -> None:
    """Talk to Maum in this terminal."""
    from bot.__main__ import serve

    log.setup(level="error")
    settings = config.load(file)
    if language:
        settings = settings.model_copy(update={"language": _language(language)})
    _run(serve(settings, only_platforms=("console",)))


@app.command()
def classify(
    texts: Annotated[list[str] | None, typer.Argument(help="Texts; with --json, lines of standard input.")] = None,
    as_json: AsJson = False,
    every: Annotated[bool, typer.Option("--all", help="Every label, not only the five best.")] = False,
    file: ConfigFile = None,
) -> None:
    """Read the emotion of texts; nothing is kept."""
    from bot import cli_classify

    if not texts and not as_json:
        raise typer.BadParameter("give at least one text, or --json and lines on standard input")
    if not all(text.strip() for text in texts or ()):
        raise typer.BadParameter("a text is empty: there is nothing to read in it")
    _run(cli_classify.classify(config.load(file), texts or (), as_json=as_json, every=every))


@app.command()
def emotions(
    since: Annotated[str, typer.Option(help="From when on: 30m, 12h, 7d, 4w ago, or a date.")] = "7d",
    person: Annotated[str, typer.Option(help="A pseudonym, as the list shows it.")] = "",
    group: Annotated[str, typer.Option(help="joy, sadness, anger, anxiety, hurt, embarrassment or neutral.")] = "",
    label: Annotated[str, typer.Option(help="One emotion.")] = "",
    size: Annotated[int, typer.Option(min=1, max=200, help="How many entries.")] = 20,
    as_json: AsJson = False,
    file: ConfigFile = None,
) -> None:
    """Ask the emotion log: totals and the newest entries, by pseudonym, never a text."""
    from bot import cli_emotions

    wanted = cli_emotions.asked(since, person, group, label, size)
    _run(cli_emotions.show(config.load(file), wanted, as_json=as_json))


@app.command()
def doctor(file: ConfigFile = None, as_json: AsJson = False) -> None:
    """Check configuration, state folder, database, key, model, language model and platforms."""
    from bot import cli_doctor

    raise typer.Exit(_run(cli_doctor.doctor(file, as_json=as_json)))


@app.command()
def care(as_json: AsJson = False) -> None:
    """Judge each line of standard input (a text, or a JSON list of turns) as the crisis path does; nothing is kept."""
    from bot import cli_care

    cli_care.care(as_json=as_json)


@app.command()
def init(
    file: Annotated[Path, typer.Option("--config", help="Where to write.")] = Path("config.toml"),
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing, take the defaults.")] = False,
) -> None:
    """Ask a few questions and write the configuration."""
    from bot import cli_init

    cli_init.init(file, ask=not yes)


def main() -> None:
    """The entry point: errors of the operator end in one line, never a traceback."""
    log.setup(level="warning")
    for point in entry_points(group="maum.commands"):  # training adds its commands; bot/ never imports it
        _add(point.name, point.load())
    try:
        app()
    except OperatorError as error:
        _end(f"maum: {error}", 2)
    except Refusal as refusal:
        _end(f"maum: {say('en', f'refusal.{refusal.code}', **refusal.facts)}", 2)
    except KeyboardInterrupt:
        _end("", 130)
    except BrokenPipeError:
        sys.stderr.close()  # the reader has seen enough
        raise SystemExit(0) from None


def _add(name: str, command: Any) -> None:
    if isinstance(command, typer.Typer):
        app.add_typer(command, name=name)
    else:
        app.command(name)(command)


def _language(code: str) -> str:
    if code not in ("ko", "en"):
        raise typer.BadParameter("language is ko or en")
    return code


def _end(line: str, code: int) -> None:
    if line:
        print(line, file=sys.stderr)
    raise SystemExit(code)
