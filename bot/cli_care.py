"""`maum care`: judge lines of standard input, for testing the crisis path; nothing is kept."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable

from bot.care import Care
from bot.errors import OperatorError


def care(lines: Iterable[str] | None = None, *, as_json: bool) -> None:
    """A line is a text, or a JSON list of turns, oldest first. The JSON's `text` is the turn that was judged.

    Raises:
        OperatorError: a line that starts like a JSON list of texts and is none.
    """
    judge = Care()
    for number, line in enumerate(sys.stdin if lines is None else lines, 1):
        turns = turns_of(line.rstrip("\r\n"), number)
        found = judge.find(turns)
        text = turns[-1] if turns else ""
        about = None if found.level == "none" else found.about
        if as_json:
            print(json.dumps({"text": text, "level": found.level, "about": about}, ensure_ascii=False), flush=True)
        else:
            print(f"{found.level:8}  {about or '-':5}  {text}", flush=True)


def turns_of(line: str, number: int = 1) -> list[str]:
    """The turns that a line of input stands for."""
    if not line.lstrip().startswith('["'):
        return [line]
    try:
        turns = json.loads(line)
    except json.JSONDecodeError:
        return [line]  # a text may start like that, too
    if not all(isinstance(turn, str) for turn in turns):
        raise OperatorError(f"line {number}: a list of turns holds texts only")
    return list(turns)
