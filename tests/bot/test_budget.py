"""Spending caps under concurrency, on a real SQLite file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.budget import MICRO, Budget, cost, worst_case
from bot.errors import ReplyCode, ReplyError
from bot.fallback import FallbackReplier
from bot.types import Chunk, Usage
from storage.database import Database
from storage.ledger import DatabaseLedger
from storage.tables import spend
from storage.upgrade import upgrade
from tests import blank
from tests.bot.parts import Doing, ScriptedReplier, prompt, told

PRICES = (1.0, 2.0)
MAX_TOKENS = 400
QUESTION = prompt(payer="p1")
ANSWER: Doing = [0.01, "그랬구나.", Chunk("", "stop", "m", Usage(100, 50))]


class Priced(ScriptedReplier):
    prices = PRICES
    max_tokens = MAX_TOKENS


WORST = worst_case(Priced("a"), QUESTION)
REAL = cost(Priced("a"), 100, 50)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    await blank.lay(tmp_path / "maum.db")
    async with Database(f"sqlite+aiosqlite:///{tmp_path}/maum.db") as opened:
        yield opened


async def spent(database: Database, payer: str | None = None) -> int:
    """Millionths, reservations included."""
    total = select(func.coalesce(func.sum(spend.c.amount), 0))
    async with database.reading() as connection:
        return int(await connection.scalar(total if payer is None else total.where(spend.c.payer == payer)) or 0)


def chain(database: Database, priced: Priced, *, person: int, total: int) -> FallbackReplier:
    """A priced replier in front of a free one; caps in millionths."""
    budget = Budget(DatabaseLedger(database), person / MICRO, total / MICRO)
    return FallbackReplier([priced, ScriptedReplier("free", "공짜야.")], budget)


async def answered_by(replier: FallbackReplier, *payers: str) -> list[str]:
    answers = await asyncio.gather(*(told(replier, prompt(payer=payer)) for payer in payers))
    return [chunks[-1].model for chunks in answers]


async def test_fifty_calls_at_once_never_pass_the_cap_of_one_person(database: Database) -> None:
    priced = Priced("a", otherwise=["그랬구나.", 0.2, Chunk("", "stop", "m")])  # no usage: the reservations stand
    replier = chain(database, priced, person=5 * WORST + WORST // 2, total=1_000 * WORST)
    models = await answered_by(replier, *["p1"] * 50)
    assert models.count("m") == len(priced.asked) == 5
    assert models.count("free-model") == 45
    assert await spent(database) == 5 * WORST


async def test_fifty_people_at_once_never_pass_the_cap_of_all(database: Database) -> None:
    priced = Priced("a", otherwise=["그랬구나.", 0.2, Chunk("", "stop", "m")])
    replier = chain(database, priced, person=1_000 * WORST, total=7 * WORST)
    await answered_by(replier, *[f"p{number}" for number in range(50)])
    assert len(priced.asked) == 7
    assert await spent(database) == 7 * WORST


async def test_what_a_call_really_cost_replaces_what_was_reserved(database: Database) -> None:
    priced = Priced("a", otherwise=ANSWER)
    replier = chain(database, priced, person=2 * WORST, total=1_000 * WORST)
    for _ in range(30):
        await answered_by(replier, "p1")
    assert await spent(database) == len(priced.asked) * REAL
    assert 2 * WORST - WORST < await spent(database) <= 2 * WORST  # room was used until not one call more could fit
    assert (await answered_by(replier, "p2"))[0] == "m"
    assert await spent(database, "p2") == REAL


async def test_a_cap_is_passed_by_one_call_at_most_even_when_a_server_bills_more_than_was_possible(
    database: Database,
) -> None:
    dear = Usage(50 * WORST, 0)
    priced = Priced("a", otherwise=["그랬구나.", 0.01, Chunk("", "stop", "m", dear)])
    replier = chain(database, priced, person=3 * WORST, total=3 * WORST)
    for _ in range(10):
        await answered_by(replier, "p1")
    assert len(priced.asked) == 1
    assert await spent(database) == cost(priced, dear.prompt, 0)


async def test_two_processes_on_one_file_hold_the_cap_together(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/maum.db"
    async with AsyncExitStack() as stack:
        first, second = [await stack.enter_async_context(Database(url)) for _ in range(2)]
        await upgrade(first)
        priced = Priced("a", otherwise=["그랬구나.", 0.2, Chunk("", "stop", "m")])
        repliers = [chain(one, priced, person=1_000 * WORST, total=6 * WORST) for one in (first, second)]
        payers = [f"p{number}" for number in range(25)]
        await asyncio.gather(*(answered_by(replier, *payers) for replier in repliers))
        assert len(priced.asked) == 6
        assert await spent(second) == 6 * WORST


@pytest.mark.parametrize("code", ["busy", "quota", "key", "model_gone", "too_long"])
async def test_a_server_that_refuses_before_the_first_word_costs_nothing(database: Database, code: ReplyCode) -> None:
    replier = chain(database, Priced("a", ReplyError(code)), person=WORST, total=WORST)
    assert await answered_by(replier, "p1") == ["free-model"]
    assert await spent(database) == 0


@pytest.mark.parametrize(
    "doing", [ReplyError("timeout"), ReplyError("unreachable"), ["그랬", ReplyError("busy")], ["그랬구나"]]
)
async def test_a_call_that_may_have_been_billed_stays_counted(database: Database, doing: Doing) -> None:
    replier = chain(database, Priced("a", doing), person=WORST, total=WORST)
    assert await answered_by(replier, "p1") == ["free-model"]
    assert await spent(database) == WORST


async def test_a_call_that_the_person_stopped_stays_counted(database: Database) -> None:
    replier = chain(database, Priced("a", ["그랬구나. 응. ", 60.0]), person=WORST, total=WORST)
    task = asyncio.create_task(told(replier, QUESTION))
    await asyncio.sleep(0.2)
    task.cancel()
    await asyncio.wait({task})
    assert await spent(database) == WORST


async def test_a_reached_cap_does_not_open_the_circuit(database: Database) -> None:
    priced = Priced("a", otherwise=ANSWER)
    replier = chain(database, priced, person=0, total=0)
    await answered_by(replier, *["p1"] * 5)
    assert replier.health() == {"a": "ok", "free": "ok"}
    assert (priced.asked, await spent(database)) == ([], 0)


async def test_a_ledger_that_fails_stops_the_spending_and_not_the_answer(tmp_path: Path) -> None:
    async with Database(f"sqlite+aiosqlite:///{tmp_path}/empty.db") as without_tables:
        priced = Priced("a", otherwise=ANSWER)
        assert await answered_by(chain(without_tables, priced, person=WORST, total=WORST), "p1") == ["free-model"]
    assert priced.asked == []


def test_the_worst_case_counts_every_byte_of_the_prompt_and_the_longest_answer() -> None:
    longer = prompt("가" * 100)
    assert worst_case(Priced("a"), longer) - worst_case(Priced("a"), prompt("")) == 300
    assert worst_case(Priced("a"), prompt("")) > cost(Priced("a"), 0, MAX_TOKENS)
    assert worst_case(Priced("a"), prompt("\ud83d"))
