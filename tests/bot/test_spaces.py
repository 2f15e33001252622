"""Settings of a place: who may change them, what they accept, and their history."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.errors import Refusal
from bot.types import Chat, Person
from tests.house import CHAT, PERSON, House, open_house

SERVER = Chat("test", "channel", "server", "group")
MODERATOR = Person("test", "jun")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as opened:
        opened.platform.moderators.add("jun")
        yield opened


async def test_a_person_sets_their_direct_chat_and_hears_the_difference(house: House) -> None:
    await house.app.spaces.change(CHAT, "persona", "차분한", PERSON)
    await house.app.spaces.change(CHAT, "language", "en", PERSON)
    await house.say("안녕")
    (prompt,) = house.replier.prompts
    assert prompt.persona.startswith("You are 'Maum', a calm friend.")
    assert prompt.language == "en"


async def test_what_a_person_set_is_forgotten_with_them(house: House) -> None:
    await house.say("안녕")
    await house.app.spaces.change(CHAT, "persona", "calm", PERSON)
    await house.app.privacy.forget(PERSON)
    assert (await house.app.spaces.at(CHAT)).persona == ""


async def test_a_server_is_set_by_its_moderators_only(house: House) -> None:
    with pytest.raises(Refusal, match="not_moderator"):
        await house.app.spaces.change(SERVER, "language", "en", PERSON)
    await house.app.spaces.change(SERVER, "persona", "해적처럼 말해", MODERATOR)
    await house.say("안녕", chat=SERVER)
    (prompt,) = house.replier.prompts
    assert prompt.persona.startswith("해적처럼 말해\n")
    assert "진단" in prompt.persona, "the rules hold for a server's own words, too"


async def test_another_server_is_as_it_was(house: House) -> None:
    await house.app.spaces.change(SERVER, "language", "en", MODERATOR)
    assert (await house.app.spaces.at(Chat("test", "channel2", "server", "group"))).language == "en"
    assert (await house.app.spaces.at(Chat("test", "elsewhere", "server2", "group"))).language is None


@pytest.mark.parametrize(
    ("key", "value"),
    [("language", "fr"), ("strategy", "shout"), ("tags_days", "0"), ("channels", "general"), ("persona", "가" * 501)],
)
async def test_a_wrong_value_is_refused_with_what_is_possible(house: House, key: str, value: str) -> None:
    with pytest.raises(Refusal) as refusal:
        await house.app.spaces.change(SERVER, key, value, MODERATOR)
    assert refusal.value.code == "bad_setting"
    assert refusal.value.facts["allowed"]


async def test_own_words_as_persona_are_for_servers(house: House) -> None:
    with pytest.raises(Refusal, match="bad_setting"):
        await house.app.spaces.change(CHAT, "persona", "내 비밀은 이거야", PERSON)


async def test_channels_are_added_and_taken_out(house: House) -> None:
    await house.app.spaces.change(SERVER, "channels", "12, <#34>", MODERATOR)
    await house.app.spaces.change(SERVER, "channels", "-12,56", MODERATOR)
    assert (await house.app.spaces.at(SERVER)).channels == {"34", "56"}


async def test_the_last_change_is_taken_back(house: House) -> None:
    await house.app.spaces.change(SERVER, "language", "en", MODERATOR)
    await house.app.spaces.change(SERVER, "language", "ko", MODERATOR)
    assert (await house.app.spaces.undo(SERVER, MODERATOR)).value == "en"
    assert (await house.app.spaces.at(SERVER)).language == "en"
    kept = [change.value for change in await house.app.spaces.history(SERVER, MODERATOR)]
    assert kept == ["en", "ko", "en"]


async def test_days_of_a_place_are_what_retention_goes_by(house: House) -> None:
    await house.app.spaces.change(SERVER, "texts_days", "7", MODERATOR)
    message = (await house.say("안녕", chat=SERVER)).message
    later = (await house.app.desk.conversations.exchange(message)).at + 8 * 86_400_000
    assert (await house.app.privacy.purge(later))["texts"] == 1
