"""`kill -9` at a random moment, again and again over the same files: what was acknowledged is there, and only once."""

from __future__ import annotations

import asyncio
import itertools
import random
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.types import Chat, Conversation, Person
from storage.rows import Exchange
from tests.forked import fork
from tests.house import House, Players, open_house
from tests.proofs.life import live
from tests.proofs.parts import FAST, Ear, rest
from tests.proofs.size import size, write_down

KILLS = size(3, 200)
ROOM = Chat("test", "room")


@dataclass
class Life:
    """What one life said: by message its texts (the last is the newest), its answers and its person."""

    texts: dict[str, list[str]] = field(default_factory=dict)
    answers: dict[str, int] = field(default_factory=dict)
    people: dict[str, str] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)
    doing: tuple[str, str] = ("", "")  # the act, and its message, that it died in
    acts: int = 0

    def hear(self, fact: dict[str, Any]) -> None:
        if "begin" in fact:
            key = fact["key"]
            self.doing = (fact["begin"], key)
            self.people[key] = fact["person"]
            if fact["begin"] in ("send", "edit"):
                self.texts.setdefault(key, []).append(fact["text"])
        elif "kept" in fact:
            self.kept.add(fact["key"])
            self.answers[fact["key"]] = 1
        elif "done" in fact:
            self.acts += 1
            self._do(fact["done"], fact["key"])
            self.doing = ("", "")

    def act_on(self, key: str) -> str:
        """What was being done to a message when the life ended; empty: nothing."""
        act, at = self.doing
        concerned = self.people.get(at) == self.people[key] if act == "forget" else at == key
        return act if concerned else ""

    def _do(self, act: str, key: str) -> None:
        match act:
            case "edit":
                self.texts[key] = self.texts[key][-1:]
            case "again":
                self.answers[key] += 1
            case "delete":
                self._drop(key)
            case "forget":
                for mine in [one for one, person in self.people.items() if person == self.people[key]]:
                    self._drop(mine)

    def _drop(self, key: str) -> None:
        self.texts.pop(key, None)
        self.answers.pop(key, None)


def _live_and_die(folder: Path, number: int, chance: random.Random) -> Life:
    life = Life()
    living, heard = fork(live, folder, number)
    end = chance.randrange(2, 120)  # facts, and then a moment
    with heard, suppress(EOFError):
        for count in itertools.count():
            life.hear(heard.recv())
            if count == end:
                living.kill()  # what it has said meanwhile is heard all the same
    living.join()
    return life


async def _found(house: House, life: Life) -> dict[str, Exchange]:
    found: dict[str, Exchange] = {}
    for person in set(life.people.values()):
        for exchange in await house.app.desk.conversations.transcript(
            Conversation(ROOM, Person("test", person)), 10_000
        ):
            key = await house.app.desk.conversations.answers(exchange.message)
            assert key not in found, "nothing is there twice"
            found[key] = exchange
    return found


def _compare(life: Life, found: dict[str, Exchange]) -> None:
    """Every message as it must be; the one that was being worked on may be as before or as after."""
    assert set(found) <= set(life.texts)
    for key, texts in life.texts.items():
        act, exchange, answers = life.act_on(key), found.get(key), life.answers.get(key, 1)
        if exchange is None:
            assert act in ("delete", "forget") or key not in life.kept, f"{key} is lost"
            continue
        assert exchange.reply is not None, f"{key} was never answered"
        assert exchange.text in (texts if act == "edit" else texts[-1:])
        assert exchange.variants in ((answers, answers + 1) if act == "again" else (answers,))


async def test_what_was_acknowledged_survives_kill_9_and_is_there_once(tmp_path: Path) -> None:
    chance, acts, messages = random.Random(3), 0, 0
    for number in range(KILLS):
        life = await asyncio.to_thread(_live_and_die, tmp_path, number, chance)
        async with open_house(tmp_path, players=Players(platform=Ear()), **FAST) as house:
            await house.app.privacy.resume_forgetting()
            await house.app.delivery.recover()
            await rest(house)
            found = await _found(house, life)
        _compare(life, found)
        messages, acts = messages + len(found), acts + life.acts
        with closing(sqlite3.connect(tmp_path / "db/maum.db")) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            open_jobs = connection.execute("SELECT count(*) FROM jobs WHERE state IN ('new', 'working', 'sending')")
            assert open_jobs.fetchone() == (0,)
    write_down(
        "kill -9",
        f"{KILLS:,} kills of a process at a random moment among {acts:,} sends, edits, deletes, agains and forgets",
        f"0 of {messages:,} messages lost, 0 doubled, 0 unanswered after the restart; every database whole",
    )
