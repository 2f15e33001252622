"""Health: each part is asked, and what is wrong with it is said; failed means that nobody can be answered."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text

from bot.care import Care
from bot.errors import ReplyError
from bot.health import KEEP_S, Part, Report
from storage.backup import note_backup
from tests.house import House, MemoryPlatform, Players, open_house


class Torn(MemoryPlatform):
    """A platform that has lost its connection."""

    def trouble(self) -> str:
        return "no connection since 12:00"


async def _report(house: House) -> Report:
    house.app.checkup.forget()
    return await house.app.checkup.report()


async def test_a_house_in_order_says_so_of_every_part(house: House) -> None:
    found = await house.app.health()
    assert found["status"] == "ok"
    parts = found["parts"]
    assert isinstance(parts, dict)
    assert set(parts) == {
        *("database", "keys", "integrity", "backup", "disk", "classifier", "care", "replier scripted", "platform test"),
    }
    assert parts["classifier"] == {"state": "ok", "about": "words"}
    assert {part["state"] for part in parts.values()} == {"ok"}


async def test_asking_often_costs_nothing(house: House) -> None:
    for _ in range(5):
        await house.app.health()
    assert len(house.classifier.asked) == 1
    assert KEEP_S <= 5


async def test_without_a_classifier_people_are_answered_all_the_same_so_it_is_degraded(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.classifier.broken = True
    with caplog.at_level(logging.INFO):
        report = await _report(house)
        house.classifier.broken = False
        again = await _report(house)
    assert (report.status, report.parts["classifier"].state) == ("degraded", "degraded")
    assert (again.status, again.parts["classifier"].about) == ("ok", "words")
    told = [record.getMessage() for record in caplog.records if record.name == "bot.health"]
    assert told == ["classifier is degraded: ClassifierError: told to fail", "classifier is ok: words"]
    assert REGISTRY.get_sample_value("maum_part_ok", {"part": "classifier"}) == 1


async def test_without_the_crisis_detectors_second_line_it_is_degraded_and_says_so_once(
    house: House, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    house.app.core.care = Care(second=tmp_path / "gone.npz")
    with caplog.at_level(logging.INFO):
        report = await _report(house)
        await _report(house)
    assert report.status == "degraded"
    told = [record.getMessage() for record in caplog.records if record.name == "bot.health"]
    assert told == [f"care is degraded: {report.parts['care'].about}"]
    assert "gone.npz (FileNotFoundError)" in told[0]


async def test_when_the_only_replier_is_left_alone_it_has_failed(house: House) -> None:
    house.replier.answers.append(ReplyError("quota"))
    await house.say("안녕")
    report = await _report(house)
    assert report.status == "failed"
    assert report.parts["replier scripted"] == Part("degraded", "left alone for a while: quota")


async def test_a_database_that_cannot_be_used_is_a_failure(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        await house.app.desk.people.database.__aexit__()
        report = await _report(house)
        assert (report.status, report.parts["database"].state) == ("failed", "failed")


async def test_keys_that_cannot_be_read_are_a_failure(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        house.app.keys.close()
        report = await _report(house)
        assert (report.status, report.parts["keys"]) == ("failed", Part("failed", "ProgrammingError"))


async def test_a_platform_without_its_connection_is_degraded_and_without_any_other_failed(tmp_path: Path) -> None:
    async with open_house(tmp_path, players=Players(platform=Torn())) as house:
        assert (await _report(house)).status == "failed"
        house.app.desk.platforms["second"] = MemoryPlatform()  # type: ignore[index]
        report = await _report(house)
    assert report.status == "degraded"
    assert report.parts["platform test"] == Part("degraded", "no connection since 12:00")


async def test_the_last_backup_is_told(house: House, tmp_path: Path) -> None:
    assert "none was made yet" in (await _report(house)).parts["backup"].about
    state = house.app.checkup.state
    state.mkdir(exist_ok=True)
    note_backup(state, tmp_path / "monday.db")
    assert (await _report(house)).parts["backup"].about.endswith(": monday.db")


async def test_a_whole_database_is_found_whole(house: House) -> None:
    await house.say("안녕")
    assert await house.app.checkup.check_database() == []
    assert (await _report(house)).parts["integrity"].about.startswith("whole at 20")
    assert REGISTRY.get_sample_value("maum_integrity_findings") == 0


async def test_damage_is_found_logged_and_shown(house: House, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    await house.say("안녕")
    with closing(sqlite3.connect(tmp_path / "db/maum.db")) as connection:  # a row that points nowhere
        connection.execute("UPDATE messages SET chat_id = 999")
        connection.commit()
    findings = await house.app.checkup.check_database()
    assert findings == ["a row of messages points nowhere"]
    report = await _report(house)
    assert (report.status, report.parts["integrity"].state) == ("degraded", "degraded")
    assert "points nowhere" in report.parts["integrity"].about
    assert any("the database is damaged" in record.getMessage() for record in caplog.records)
    assert REGISTRY.get_sample_value("maum_integrity_findings") == 1


async def test_a_check_that_fails_is_a_finding(house: House) -> None:
    await house.app.desk.people.database.write(
        lambda connection: connection.execute(text("ALTER TABLE messages RENAME TO elsewhere"))
    )
    (finding,) = await house.app.checkup.check_database()
    assert finding == "the check itself failed: OperationalError"
