"""What really goes over the wire to a language model's server, and what the offline voice makes of hostile lines."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import get_args

import pytest

from bot.core import Voice
from bot.emotions import corrected
from bot.prompt import render
from bot.text import clean
from bot.types import Language, Turn
from plugins.repliers.openai import OpenAIReplier
from tests.attacks import attacks
from tests.bot.parts import prompt
from tests.plugins.repliers.offline_voice import asked, voice
from tests.servers.openai_server import OpenAIServer

KEY = "sk-canary-0123456789"
AT_ONCE = 10


@pytest.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer() as running:
        yield running


@pytest.mark.parametrize("language", get_args(Language))
async def test_what_is_sent_is_our_system_message_and_the_line_as_the_persons_own(
    server: OpenAIServer, language: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("MAUM_API_TOKEN", "canary-api-token")
    base = replace(prompt(), language=language, persona=Voice(language).persona_text)
    honest = replace(base, turns=(Turn("user", "응", corrected("외로운", None)),))
    async with OpenAIReplier(model="gpt-test", base_url=server.base_url, stream=False) as replier:
        for line in attacks(language):
            async for _ in replier.reply(replace(honest, turns=(replace(honest.turns[0], text=line),))):
                pass
    assert len(server.requests) == len(attacks(language))
    system = render(honest)[0]
    for request, line in zip(server.requests, attacks(language), strict=True):
        assert request.body["messages"] == [system, {"role": "user", "content": clean(line)}]
        body = json.dumps(request.body, ensure_ascii=False)
        assert KEY not in body
        assert "canary" not in body


@pytest.mark.parametrize("language", get_args(Language))
async def test_the_offline_voice_has_no_instructions_to_tell(language: Language) -> None:
    sentences = [one for one in Voice(language).persona_text.replace("\n", " ").split(". ") if len(one) > 12]
    for line in attacks(language)[::8]:
        said = "".join([chunk.text async for chunk in voice().reply(asked(line, "중립"))])
        assert said
        assert not [one for one in sentences if one in said and one not in line]
