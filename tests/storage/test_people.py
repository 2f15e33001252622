"""People, their consent, and that nothing readable of them lies on disk."""

from __future__ import annotations

from pathlib import Path

from bot.types import Person
from storage.database import Database
from storage.people import People
from tests.house import open_house

MINJI = Person("test", "minji", name="민지")


async def test_consent_is_replaced_whole_and_its_history_kept(people: People, database: Database) -> None:
    assert await people.scopes(MINJI) == frozenset()
    await people.set_scopes(MINJI, ["talk", "log"], "1")
    await people.set_scopes(MINJI, ["talk"], "1")
    assert await people.scopes(MINJI) == {"talk"}
    await people.set_scopes(MINJI, [], "1")
    assert await people.scopes(MINJI) == frozenset()
    async with database.reading() as connection:
        from sqlalchemy import func, select

        from storage.tables import consents

        rows = (await connection.execute(select(consents.c.scope, consents.c.withdrawn_at))).all()
        assert sorted(row.scope for row in rows) == ["log", "talk"]
        assert all(row.withdrawn_at for row in rows)
        assert await connection.scalar(select(func.count()).select_from(consents)) == 2


async def test_a_new_version_of_the_consent_text_is_a_new_consent(people: People) -> None:
    await people.set_scopes(MINJI, ["talk"], "1")
    await people.set_scopes(MINJI, ["talk"], "2")
    assert await people.scopes(MINJI) == {"talk"}


async def test_a_pseudonym_is_steady_and_differs_between_people_and_platforms(people: People) -> None:
    aliases = {people.alias(Person(platform, one)) for platform in ("test", "web") for one in ("minji", "jun")}
    assert len(aliases) == 4
    assert people.alias(MINJI) == people.alias(Person("test", "minji"))


async def test_no_text_of_a_person_can_be_read_from_any_file(tmp_path: Path) -> None:
    canary = "카나리아-4711"
    async with open_house(tmp_path, f"{canary} 라고 했구나.") as house:
        await house.say(f"내 비밀은 {canary}")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "maum.db" for path in files)
    for path in files:
        assert canary.encode() not in path.read_bytes(), path
