"""Prompt injection and fishing for secrets: 340 lines of ours, none of which changes a tag or reaches a secret.

What a language model makes of such a line is its own affair. What holds whatever the model: the person's words stand in
the person's messages only, the system message is made of our own words, and there is no secret in it to be told.
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from typing import get_args

import pytest

from bot.care import Care
from bot.core import Core, Voice
from bot.emotions import corrected
from bot.fallback import FallbackReplier
from bot.prompt import MAX_TURN_CHARS, render
from bot.text import clean
from bot.types import Language, Text, Turn
from tests.attacks import attacks
from tests.bot.parts import FREE, ScriptedReplier, prompt
from tests.house import WordClassifier

ALL = [*attacks("ko"), *attacks("en")]
SECRETS = {
    "OPENAI_API_KEY": "sk-canary-openai",
    "MAUM_API_TOKEN": "canary-api-token",
    "MAUM_PAGE_PASSWORD": "canary-page-password",
    "DISCORD_TOKEN": "canary-discord",
    "TELEGRAM_TOKEN": "canary-telegram",
}
READINGS = [None, corrected("기쁨", None), corrected("슬픔", None), replace(corrected("분노", None), sure=False)]


def test_there_are_enough_of_them_in_both_languages() -> None:
    assert len(set(ALL)) >= 300
    assert min(len(set(attacks(language))) for language in get_args(Language)) >= 150
    assert sum(";;" in line for line in ALL) >= 25
    assert all(line.strip() and len(line) < MAX_TURN_CHARS for line in ALL)


@pytest.mark.parametrize("language", get_args(Language))
@pytest.mark.parametrize("reading", READINGS, ids=["unread", "joy", "sadness", "unsure"])
def test_no_line_changes_what_the_system_message_says(language: Language, reading: object) -> None:
    for line in attacks(language):
        plain = replace(prompt(), language=language, turns=(Turn("user", "응", reading),))  # type: ignore[arg-type]
        attacked = replace(plain, turns=(replace(plain.turns[0], text=line),))
        assert render(attacked) == [render(plain)[0], {"role": "user", "content": clean(line)}]


@pytest.mark.parametrize("language", get_args(Language))
def test_no_line_gets_into_the_system_message_by_way_of_an_earlier_turn(language: Language) -> None:
    for line in attacks(language):
        turns = (Turn("user", line), Turn("assistant", line), Turn("user", line, corrected("외로운", None)))
        plain = tuple(replace(turn, text="응") for turn in turns)
        asked = replace(prompt(), language=language, turns=turns)
        assert render(asked)[0] == render(replace(asked, turns=plain))[0]
        assert [message["role"] for message in render(asked)] == ["system", "user", "assistant", "user"]


@pytest.mark.parametrize("language", get_args(Language))
def test_an_answer_that_repeated_a_line_and_was_turned_down_stays_within_its_quotes(language: Language) -> None:
    for line in attacks(language):
        asked = replace(prompt(), language=language, rejected=(line, "응"))
        system, plain = render(asked)[0]["content"], render(replace(asked, rejected=("응", "응")))[0]["content"]
        assert system.splitlines()[-1] == "- “응”"
        assert len(system.splitlines()) == len(plain.splitlines())
        assert (system.count("“"), system.count("”")) == (plain.count("“"), plain.count("”"))


@pytest.mark.parametrize("language", get_args(Language))
async def test_a_tag_says_what_the_model_read_whatever_the_line_claims(
    language: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    replier = ScriptedReplier("scripted")
    core = Core(WordClassifier(), FallbackReplier([replier], FREE, 5.0), Care(), closed_loop=False)
    for line in attacks(language):
        (reading,) = await core.read([Text(line)])
        async with aclosing(core.answer([Turn("user", line, reading)], Voice(language, "friend"))) as answer:
            async for _ in answer:
                pass
    asked_for = {asked.turns[0].text: asked for asked in replier.asked}
    assert len(asked_for) >= 150, "a few may sound like a crisis, and get the fixed answer without any model"
    for line, asked in asked_for.items():
        honest = replace(asked, turns=(replace(asked.turns[0], text="응"),))
        messages = render(asked)
        assert messages[0] == render(honest)[0]
        told = " ".join(message["content"] for message in messages)
        assert not [value for value in SECRETS.values() if value in told]
        assert messages[1]["content"] == clean(line)
