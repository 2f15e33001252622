"""Log lines: one event a line, as key=value or JSON, to standard error, and no text of a person in any of them.

Four ways a text could get out are closed here. An exception is named by its type, for its message may quote what
somebody wrote (SQLAlchemy's holds the parameters, pydantic's the input); only errors of ours, whose messages hold no
text, keep theirs. A traceback keeps its places and loses its values. Of a foreign library's line the arguments but
numbers become “…”. Of what asyncio says about a callback the arguments are cut off. Secrets of the environment are
blackened wherever they stand.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from bot import metrics
from bot.errors import MaumError

Format = Literal["text", "json"]
Level = Literal["debug", "info", "warning", "error"]

OURS = ("maum", "bot", "storage", "plugins", "training")
SECRETS = ("OPENAI_API_KEY", "DISCORD_TOKEN", "TELEGRAM_TOKEN", "MAUM_API_TOKEN", "MAUM_MASTER_KEY")
HIDDEN = "…"
MAX_PLACES = 24  # of a traceback, the innermost
log = logging.getLogger("maum")
_about: ContextVar[Mapping[str, object]] = ContextVar("about", default={})  # noqa: B039  # replaced, never changed


def setup(form: Format = "text", level: Level = "info") -> None:
    """Send every log line of the process through here; may be called again to change form or level."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Line(form))
    root = logging.getLogger()
    for old in [one for one in root.handlers if isinstance(one.formatter, Line)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)  # a library's chatter may quote what it was sent
    for name in OURS:
        logging.getLogger(name).setLevel(level.upper())
    sys.excepthook = _uncaught
    threading.excepthook = lambda dead: _uncaught(dead.exc_type, dead.exc_value, dead.exc_traceback)
    sys.unraisablehook = lambda dead: _uncaught(dead.exc_type, dead.exc_value, dead.exc_traceback)


@contextmanager
def about(**facts: object) -> Iterator[None]:
    """Lines written inside say these, too: numbers and names of ours, never who or what."""
    token = _about.set({**_about.get(), **facts})
    try:
        yield
    finally:
        _about.reset(token)


def unhandled(_: object, context: Mapping[str, Any]) -> None:
    """For `loop.set_exception_handler`: an error that nobody was there to see."""
    metrics.unhandled.inc()
    log.error("%s", context["message"].partition("(")[0], exc_info=context.get("exception"))


class Line(logging.Formatter):
    """One record → one line."""

    def __init__(self, form: Format) -> None:
        super().__init__()
        self._form = form
        self._secrets = [value for name in SECRETS if len(value := os.environ.get(name, "")) >= 8]

    def format(self, record: logging.LogRecord) -> str:
        fields = _fields(record)
        if self._form == "json":
            line = json.dumps(fields, ensure_ascii=False, default=str)
        else:
            line = " ".join(f"{key}={_quoted(str(value))}" for key, value in fields.items())
        for secret in self._secrets:
            line = line.replace(secret, HIDDEN)
        return line


def _fields(record: logging.LogRecord) -> dict[str, object]:
    at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    fields: dict[str, object] = {"at": at, "level": record.levelname.lower(), "from": record.name}
    fields |= {"said": _said(record), **_about.get()}
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        fields |= {"error": name_of(error), "trace": places(error.__traceback__)}
        if cause := error.__cause__ or (None if error.__suppress_context__ else error.__context__):
            fields |= {"cause": name_of(cause), "cause_trace": places(cause.__traceback__)}
    return fields


def _said(record: logging.LogRecord) -> str:
    if not isinstance(record.msg, str):
        return type(record.msg).__name__
    if record.name.partition(".")[0] in OURS:
        return record.getMessage()
    try:
        return record.msg % _harmless(record.args) if record.args else record.msg
    except (TypeError, ValueError, KeyError):  # a template for another kind of argument
        return record.msg


def _harmless(args: Any) -> Any:
    if isinstance(args, Mapping):
        return {key: _harmless(value) for key, value in args.items()}
    if isinstance(args, tuple):
        return tuple(_harmless(value) for value in args)
    if isinstance(args, BaseException):
        return name_of(args)
    return args if isinstance(args, int | float | None) else HIDDEN


def name_of(error: BaseException) -> str:
    """An error's type, and the words of those errors whose words are ours."""
    kind = type(error).__name__
    return f"{kind}: {error}" if isinstance(error, MaumError) else kind


def places(trace: TracebackType | None) -> str:
    """Where it happened, outermost first: file:line function, without a value."""
    frames = traceback.extract_tb(trace)[-MAX_PLACES:]
    return " > ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)


def _quoted(value: str) -> str:
    plain = value and not any(one.isspace() or one in "\"='" or not one.isprintable() for one in value)
    return value if plain else json.dumps(value, ensure_ascii=False)


def _uncaught(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    log.critical("an error that nobody caught", exc_info=(kind, error or kind(), trace))
