"""The emotion log answers by time, place, person and feeling, and never with a text."""

from __future__ import annotations

from dataclasses import fields

import pytest

from bot.errors import Refusal
from bot.moderation import Moderation
from storage.conversations import Conversations
from storage.database import Database
from storage.emotion_log import EmotionLog, Entry, Filter
from storage.jobs import Jobs
from storage.people import People
from tests.house import MemoryPlatform
from tests.storage.parts import JUN, PERSON, SERVER, talk

YEAR_2100 = 4_102_444_800_000


@pytest.fixture
def log(database: Database, people: People) -> EmotionLog:
    return EmotionLog(database, people)


async def _fill(jobs: Jobs) -> list[int]:
    told = (("너무 좋아", "기쁨"), ("정말 슬퍼", "슬픔"), ("또 슬퍼", "슬픔"), ("밥 먹자", "중립"))
    found = [await talk(jobs, text, label) for text, label in told]
    return [*found, await talk(jobs, "화가 나", "분노", JUN, SERVER)]


async def test_the_log_counts_by_group_and_lists_the_newest_first(log: EmotionLog, jobs: Jobs) -> None:
    await _fill(jobs)
    page = await log.query(Filter())
    assert (page.total, page.coverage) == (5, 1.0)
    assert page.by_group == {"anger": 1, "joy": 1, "neutral": 1, "sadness": 2}
    assert [entry.label for entry in page.entries] == ["분노", "중립", "슬픔", "슬픔", "기쁨"]


async def test_every_filter_narrows_the_log(log: EmotionLog, jobs: Jobs, conversations: Conversations) -> None:
    first, *_ = await _fill(jobs)
    await conversations.correct(first, "안도")
    for wanted, total in (
        (Filter(group="sadness"), 2),
        (Filter(label="분노"), 1),
        (Filter(space="test:server"), 1),
        (Filter(chat="room"), 4),
        (Filter(since=YEAR_2100), 0),
        (Filter(until=0), 0),
        (Filter(min_score=1.1), 0),
        (Filter(sure=False), 0),
        (Filter(missed=False), 5),
        (Filter(corrected=True), 1),
        (Filter(corrected=False), 4),
        (Filter(person="nobody"), 0),
        (Filter(sort="score", size=2), 5),
    ):
        assert (await log.query(wanted)).total == total, wanted


async def test_pages_follow_each_other_without_gap_or_overlap(log: EmotionLog, jobs: Jobs) -> None:
    told = await _fill(jobs)
    pages = [await log.query(Filter(page=number, size=2)) for number in (1, 2, 3)]
    assert [entry.message for page in pages for entry in page.entries] == told[::-1]


async def test_an_entry_holds_no_text_and_no_platform_id(log: EmotionLog, jobs: Jobs) -> None:
    await _fill(jobs)
    assert "text" not in {field.name for field in fields(Entry)}
    assert PERSON.id not in {entry.person for entry in (await log.query(Filter())).entries}


async def test_coverage_tells_how_much_the_log_can_speak_for(log: EmotionLog, jobs: Jobs) -> None:
    await talk(jobs, "너무 좋아", "기쁨")
    await talk(jobs, "정말 슬퍼", "", JUN)
    page = await log.query(Filter())
    assert (page.total, page.messages, page.coverage) == (1, 2, 0.5)


async def test_a_moderator_sees_their_own_space_alone(log: EmotionLog, jobs: Jobs, people: People) -> None:
    await _fill(jobs)
    await people.set_scopes(JUN, ["talk", "log", "entries"], "1")
    platform = MemoryPlatform()
    platform.moderators.add(JUN.id)
    moderation = Moderation(log, {"test": platform})
    assert (await moderation.query(JUN, Filter(space="test:server"))).total == 1
    for asker, wanted in ((JUN, Filter()), (PERSON, Filter(space="test:server")), (JUN, Filter(space="web:server"))):
        with pytest.raises(Refusal, match="not_moderator"):
            await moderation.query(asker, wanted)
