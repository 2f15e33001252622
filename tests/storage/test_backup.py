"""`maum db`: copies are made while the bot runs, and tried by restoring them."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from sqlalchemy import update

from bot.errors import OperatorError
from bot.types import Person
from storage import backup, process
from storage.database import Database
from storage.jobs import Jobs
from storage.keys import KeyStore
from storage.people import People
from storage.rotation import open_keys
from storage.tables import messages
from tests.forked import maum
from tests.house import House, open_house
from tests.storage.parts import JUN, PERSON, talk

TEXTS = "SELECT people.external_id, text FROM messages JOIN people ON people.id = person_id ORDER BY messages.id"


def _state() -> Path:
    return Path(os.environ["MAUM_STATE_DIR"])


def _maum(*words: object, **environ: str) -> CompletedProcess[str]:
    config = _state().parent / "config.toml"
    config.write_text('[replier]\nuse = ["offline"]\n[classifier]\nuse = "tests.house:WordClassifier"\n', "utf-8")
    return maum(*words, "--config", config, **environ)


async def _told(house: House) -> list[str]:
    return [one.text for one in await house.app.desk.conversations.transcript(house.incoming("").conversation)]


async def test_a_backup_made_while_writing_goes_on_is_whole(tmp_path: Path) -> None:
    source, copy = tmp_path / "db" / "maum.db", tmp_path / "copy.db"
    async with open_house(tmp_path) as house:
        writing = asyncio.create_task(_write_on(house))
        await asyncio.sleep(0.05)
        await asyncio.to_thread(backup.save, source, copy)
        writing.cancel()
    with closing(sqlite3.connect(copy)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
    assert copy.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.glob("copy.db*")] == ["copy.db"]


async def _write_on(house: House) -> None:
    while True:
        await house.app.desk.jobs.accept(house.incoming("쓰는 중", Person("test", "writer")))


async def test_what_was_saved_is_back_after_restoring(tmp_path: Path) -> None:
    state = _state()
    async with open_house(state) as house:
        await house.say("남을 말")
        assert _maum("db", "backup", tmp_path / "copy.db").returncode == 0
        await house.say("사라질 말")
    with pytest.raises(OperatorError, match="--force to overwrite"):
        backup.restore(tmp_path / "copy.db", state / "db" / "maum.db")
    with pytest.raises(OperatorError, match="is there already"):
        backup.save(state / "db" / "maum.db", tmp_path / "copy.db")
    done = _maum("db", "restore", "--force", tmp_path / "copy.db")
    assert done.returncode == 0, done.stderr
    async with open_house(state) as house:
        assert await _told(house) == ["남을 말"]


async def test_a_backup_brings_nobody_back_who_was_forgotten_since(tmp_path: Path) -> None:
    state = _state()
    async with open_house(state) as house:
        await house.say("내 비밀은 사과야")
        await house.say("나는 남아", Person("test", "jun"))
        backup.save(state / "db" / "maum.db", tmp_path / "copy.db")
        await house.app.privacy.forget(PERSON)
    with (
        closing(open_keys(state / "keys" / "people.db")) as keys,
        closing(sqlite3.connect(tmp_path / "copy.db")) as copy,
    ):
        found = [_opened(keys, *row) for row in copy.execute(TEXTS)]
    assert found == [None, "나는 남아"], "the copy and all the keys there are do not say it"
    done = _maum("db", "restore", "--force", tmp_path / "copy.db")
    assert "1 people asked to be forgotten since" in done.stdout, done.stderr
    async with open_house(state) as house:
        assert await _told(house) == []
        assert not any((await house.app.privacy.export(PERSON))["tables"]["people"])
        (message,) = (await house.app.privacy.export(Person("test", "jun")))["tables"]["messages"]
        assert message["text"] == "나는 남아"


def _opened(keys: KeyStore, person: str, sealed: bytes) -> str | None:
    try:
        return keys.open(keys.name("test", person), sealed)
    except KeyError:
        return None


async def test_a_restore_is_refused_while_the_bot_runs(tmp_path: Path) -> None:
    async with open_house(_state()) as house:
        await house.say("안녕")
    backup.save(_state() / "db" / "maum.db", tmp_path / "copy.db")
    with process.using(_state()):
        for words in (("db", "restore", "--force", tmp_path / "copy.db"), ("db", "rotate-key")):
            done = _maum(*words)
            assert (done.returncode, "the bot is running" in done.stderr) == (2, True), done.stderr
    with process.using(_state(), alone=True), pytest.raises(OperatorError, match="under way"), process.using(_state()):
        pass


@pytest.mark.parametrize(
    ("content", "word"), [(None, "there is no backup"), (b"hello" * 999, "damaged"), (b"", "damaged")]
)
def test_what_is_no_backup_is_not_restored(tmp_path: Path, content: bytes | None, word: str) -> None:
    if content is not None:
        (tmp_path / "copy.db").write_bytes(content)
    with pytest.raises(OperatorError, match=word):
        backup.restore(tmp_path / "copy.db", tmp_path / "maum.db")
    assert not (tmp_path / "maum.db").exists()


async def test_a_restore_replaces_a_file_that_is_no_database_any_more(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        await house.say("남을 말")
    backup.save(tmp_path / "db" / "maum.db", tmp_path / "copy.db")
    (tmp_path / "db" / "maum.db").write_bytes(b"garbage" * 9_999)
    backup.restore(tmp_path / "copy.db", tmp_path / "db" / "maum.db", force=True)
    async with open_house(tmp_path) as house:
        assert await _told(house) == ["남을 말"]


async def test_a_restore_over_a_database_in_use_changes_nothing(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        await house.say("하나")
        backup.save(tmp_path / "db" / "maum.db", tmp_path / "copy.db")
        await house.say("둘")
    with closing(sqlite3.connect(tmp_path / "db" / "maum.db", isolation_level=None)) as busy:
        busy.execute("BEGIN EXCLUSIVE")
        with pytest.raises(OperatorError, match="in use; nothing was changed"):
            backup.restore(tmp_path / "copy.db", tmp_path / "db" / "maum.db", force=True)
    async with open_house(tmp_path) as house:
        assert await _told(house) == ["하나", "둘"]


async def test_check_says_what_is_wrong(database: Database, people: People, jobs: Jobs) -> None:
    await talk(jobs, "안녕")
    assert await backup.check(people) == []

    other = people.seal(JUN, "안녕")
    await database.write(lambda connection: connection.execute(update(messages).values(text=other)))
    assert await backup.check(people) == ["1 of 1 texts do not open with their person's key"]
    people.destroy_key(PERSON)
    (finding,) = await backup.check(people)
    assert finding.startswith("1 people have no key")


def test_check_rotate_and_the_word_for_postgresql(tmp_path: Path) -> None:
    assert _maum("db", "upgrade").returncode == 0
    done = _maum("db", "check")
    assert (done.returncode, "is whole" in done.stdout) == (0, True), done.stderr
    done = _maum("db", "rotate-key")
    assert (done.returncode, "0 people's keys" in done.stdout) == (0, True), done.stderr
    done = _maum("db", "backup", tmp_path / "x", MAUM_STORAGE__URL="postgresql+asyncpg://maum@127.0.0.1:1/maum")
    assert (done.returncode, "pg_dump" in done.stderr) == (2, True)
