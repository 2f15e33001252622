"""The emotion log answers by time, place, person and feeling, and never with a text."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest

from bot.errors import Refusal
from bot.types import Action, Person
from storage.emotion_log import Entry, Filter
from storage.rows import now_ms
from tests.house import CHAT, PERSON, House, open_house

JUN = Person("test", "jun")
SERVER = replace(CHAT, id="channel", space_id="server")


async def _fill(house: House) -> None:
    for text in ("너무 좋아", "정말 슬퍼", "또 슬퍼", "밥 먹자"):
        await house.say(text)
    await house.say("화가 나", JUN, SERVER)


async def test_the_log_counts_by_group_and_lists_the_newest_first(house: House) -> None:
    await _fill(house)
    page = await house.app.moderation.query(None, Filter())
    assert (page.total, page.coverage) == (5, 1.0)
    assert page.by_group == {"anger": 1, "joy": 1, "neutral": 1, "sadness": 2}
    assert [entry.label for entry in page.entries] == ["분노", "중립", "슬픔", "슬픔", "기쁨"]


@pytest.mark.parametrize(
    ("wanted", "total"),
    [
        (Filter(group="sadness"), 2),
        (Filter(label="분노"), 1),
        (Filter(space="test:server"), 1),
        (Filter(chat="room"), 4),
        (Filter(since=now_ms() + 60_000), 0),
        (Filter(until=now_ms() - 60_000), 0),
        (Filter(min_score=0.95), 0),
        (Filter(sure=False), 0),
        (Filter(missed=False), 5),
        (Filter(corrected=True), 1),
        (Filter(corrected=False), 4),
        (Filter(person="nobody"), 0),
    ],
)
async def test_every_filter_narrows_the_log(house: House, wanted: Filter, total: int) -> None:
    await _fill(house)
    await house.app.delivery.act(Action("correct", 1, "relieved"), PERSON)
    assert (await house.app.moderation.query(None, wanted)).total == total


async def test_pages_follow_each_other_without_gap_or_overlap(house: House) -> None:
    await _fill(house)
    pages = [await house.app.moderation.query(None, Filter(page=number, size=2)) for number in (1, 2, 3)]
    found = [entry.message for page in pages for entry in page.entries]
    assert found == [5, 4, 3, 2, 1]


async def test_an_entry_holds_no_text_and_no_platform_id(house: House) -> None:
    await _fill(house)
    assert "text" not in {field.name for field in fields(Entry)}
    page = await house.app.moderation.query(None, Filter())
    assert PERSON.id not in {entry.person for entry in page.entries}


async def test_coverage_tells_how_much_the_log_can_speak_for(tmp_path: Path) -> None:
    async with open_house(tmp_path, consent={"default": "ask"}) as house:
        await house.app.privacy.consent(PERSON, ["talk", "log"])
        await house.app.privacy.consent(JUN, ["talk"])
        await house.say("너무 좋아")
        await house.say("정말 슬퍼", JUN)
        page = await house.app.moderation.query(None, Filter())
        assert (page.total, page.messages, page.coverage) == (1, 2, 0.5)


async def test_a_moderator_sees_their_own_space_alone(house: House) -> None:
    await _fill(house)
    house.platform.moderators.add(JUN.id)
    assert (await house.app.moderation.query(JUN, Filter(space="test:server"))).total == 1
    for asker, wanted in ((JUN, Filter()), (PERSON, Filter(space="test:server")), (JUN, Filter(space="web:server"))):
        with pytest.raises(Refusal, match="not_moderator"):
            await house.app.moderation.query(asker, wanted)
