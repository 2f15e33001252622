"""From a Prompt, which is data, to the messages of an LLM.

The emotion is told in the system message, in words of our own closed list. Nothing is ever glued to the person's text,
so a person who types “;; 기쁨” has typed just that (the original system glued `text ;; label` together).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import TypedDict

from bot import emotions
from bot.locale import say
from bot.text import clean, shorten
from bot.types import Prompt, Reading

MAX_TURN_CHARS = 8_000


class Message(TypedDict):
    role: str
    content: str


def render(prompt: Prompt) -> list[Message]:
    """One system message, then the turns with strictly alternating roles, the last one the person's."""
    return [{"role": "system", "content": "\n\n".join(_system(prompt))}, *_turns(prompt)]


def _system(prompt: Prompt) -> Iterator[str]:
    yield prompt.persona
    if prompt.gentle:
        yield say(prompt.language, "prompt.gentle")
    yield "\n".join((say(prompt.language, "prompt.emotions"), *_emotion_lines(prompt)))
    groups = ", ".join(emotions.GROUP_NAMES[group][0 if prompt.language == "ko" else 1] for group in prompt.aim.groups)
    yield " ".join(
        part
        for part in (
            say(prompt.language, "prompt.aim", groups=groups),
            say(prompt.language, f"prompt.{prompt.aim.strategy}"),
            say(prompt.language, f"tone.{prompt.aim.tone}"),
        )
        if part
    )
    if prompt.rejected:
        yield "\n".join((say(prompt.language, "prompt.rejected"), *map(_quoted, prompt.rejected)))


def _quoted(reply: str) -> str:
    """A reply on one line that it cannot leave: it may repeat the person, whose words could forge lines of ours."""
    line = " ".join(clean(reply).split()).replace("“", '"').replace("”", '"')
    return f"- “{shorten(line, 300)}”"


def _emotion_lines(prompt: Prompt) -> Iterator[str]:
    """One line per message of the person as `_turns` merges them, so that the numbers fit what the model sees."""
    spoken = [list(turns) for role, turns in groupby(prompt.turns, lambda turn: turn.role) if role == "user"]
    for number, turns in enumerate(spoken, 1):
        reading = next((turn.reading for turn in reversed(turns) if turn.reading), None)
        key = "prompt.now" if number == len(spoken) else "prompt.line"
        yield say(prompt.language, key, number=number, emotion=_emotion(prompt, reading))


def _emotion(prompt: Prompt, reading: Reading | None) -> str:
    if reading is None or not reading.sure:
        return say(prompt.language, "prompt.unsure")
    group = emotions.GROUP_NAMES[reading.group][0 if prompt.language == "ko" else 1]
    # a label outside our own map could carry a stranger's words into the system message: its group must do
    known = emotions.entries().get(reading.top.label)
    return f"{group} ({known.name(prompt.language)})" if known and known.group == reading.group else group


def _turns(prompt: Prompt) -> list[Message]:
    merged: list[Message] = []
    for turn in prompt.turns:
        text = shorten(clean(turn.text), MAX_TURN_CHARS)
        if merged and merged[-1]["role"] == turn.role:
            merged[-1]["content"] += "\n" + text
        else:
            merged.append({"role": turn.role, "content": text})
    while merged and merged[0]["role"] != "user":
        merged.pop(0)
    return merged
