"""Consent, export, forgetting and pausing: what the documents promise, tried on a real house."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, get_args

import pytest
from sqlalchemy import update

from bot.consent import PARTS, SCOPES, VERSION
from bot.contracts import Plugin
from bot.errors import Refusal
from bot.export import page
from bot.locale import words
from bot.types import Action, Chat, Language, Outgoing, Person
from storage.records import Forgetting
from storage.tables import notices
from tests.forked import fork, maum
from tests.house import CHAT, PERSON, House, open_house

JUN = Person("test", "jun")
ASK = {"default": "ask"}
CANARY = "카나리아"


class Diary(Plugin):
    """A plugin that keeps something about people."""

    def __init__(self) -> None:
        self.name = "diary"
        self.kept: dict[Person, list[str]] = {}

    async def export_person(self, person: Person) -> Mapping[str, Any]:
        return {"lines": self.kept.get(person, [])}

    async def forget_person(self, person: Person) -> int:
        return len(self.kept.pop(person, []))


async def _transcript(house: House, person: Person = PERSON, chat: Chat = CHAT) -> list[str]:
    exchanges = await house.app.desk.conversations.transcript(house.incoming("", person, chat).conversation)
    return [exchange.text for exchange in exchanges]


async def _answer_of(house: House, text: str) -> Outgoing:
    """The final snapshot of the answer to a text that was held."""
    for _ in range(500):
        for exchange in await house.app.desk.conversations.transcript(house.incoming("").conversation):
            if exchange.text == text:
                return await house.platform.final(exchange.message)
        await asyncio.sleep(0.01)
    raise AssertionError(f"{text!r} was never taken")


@pytest.mark.parametrize("language", get_args(Language))
async def test_each_scope_says_what_for_what_how_long_and_that_one_may_refuse(house: House, language: Language) -> None:
    found = house.app.privacy.terms(language)
    assert [term.scope for term in found] == list(SCOPES)
    for term in found:
        texts = [getattr(term, part) for part in PARTS]
        assert all(texts)
        assert not any("{" in text for text in texts)
        assert re.search(r"\d+", term.period), "a period is a number of days"
    assert [term.scope for term in found if term.needed] == ["talk"]
    assert {"log", "statistics", "entries"} == {term.scope for term in found if term.sensitive}


async def test_the_period_that_is_promised_is_the_period_that_is_kept(tmp_path: Path) -> None:
    text = words("en")["consent"]["talk_period"]
    assert "{texts_days}" in text
    assert len(VERSION) <= 16, "it must fit into the table"


async def test_nobody_is_asked_on_discord_whether_their_texts_may_train(house: House) -> None:
    assert "training" not in {term.scope for term in house.app.privacy.terms("ko", "discord")}
    with pytest.raises(Refusal, match="unknown_scope"):
        await house.app.privacy.consent(Person("discord", "1"), ["talk", "training"])


async def test_a_text_waits_in_memory_and_is_answered_when_the_person_agrees(tmp_path: Path) -> None:
    async with open_house(tmp_path, consent=ASK) as house:
        for text in ("첫 글", "둘째 글"):
            receipt = await house.app.delivery.receive(house.incoming(text, lone=True), hold=True)
            assert (receipt.outcome, receipt.message) == ("held", None)
        assert (house.classifier.asked, await _transcript(house)) == ([], [])
        exported = await house.app.privacy.export(PERSON)
        assert not any(exported["tables"].values()), "nothing about the person is on disk"
        await house.app.privacy.consent(PERSON, ["talk"])
        assert (await _answer_of(house, "둘째 글")).text == "그랬구나."
        assert await _transcript(house) == ["첫 글", "둘째 글"]


async def test_a_held_text_is_gone_after_its_time_after_a_no_and_beyond_a_few(tmp_path: Path) -> None:
    async with open_house(tmp_path, consent=ASK | {"hold_s": 0.05}) as house:
        await house.app.delivery.receive(house.incoming("늦었어"), hold=True)
        await asyncio.sleep(0.1)
        await house.app.delivery.receive(house.incoming("싫어"), hold=True)
        await house.app.privacy.consent(PERSON, [])
        assert not any((await house.app.privacy.export(PERSON))["tables"].values()), "who says no leaves no trace"
        for _ in range(8):
            await house.app.delivery.receive(house.incoming("많아", JUN), hold=True)
        with pytest.raises(Refusal, match="consent_required"):
            await house.app.delivery.receive(house.incoming("더 많아", JUN), hold=True)
        await house.app.privacy.consent(PERSON, ["talk"])
        await house.say("이제")
        assert await _transcript(house) == ["이제"]


async def test_withdrawing_the_log_deletes_the_emotions_and_keeps_none(house: House) -> None:
    await house.app.privacy.consent(PERSON, ["talk", "log"])
    shown = await house.say("너무 슬퍼")
    await house.app.delivery.act(Action("correct", shown.message, "lonely"), PERSON)
    await house.app.privacy.consent(PERSON, ["talk"])
    await house.say("또 슬퍼")
    tables = (await house.app.privacy.export(PERSON))["tables"]
    assert (tables["readings"], tables["corrections"]) == ([], [])
    assert len(tables["messages"]) == 2
    assert [(row["scope"], row["version"], bool(row["withdrawn_at"])) for row in tables["consents"]] == [
        ("log", VERSION, True),
        ("talk", VERSION, False),
    ]


@pytest.mark.parametrize("default", ["ask", "trusted"])
async def test_a_pause_takes_nothing_new_and_resuming_is_as_easy(tmp_path: Path, default: str) -> None:
    async with open_house(tmp_path, consent={"default": default}) as house:
        if default == "ask":
            await house.app.privacy.consent(PERSON, ["talk", "log"])
        before = await house.app.privacy.scopes(PERSON)
        await house.say("하나")
        await house.app.privacy.pause(PERSON)
        with pytest.raises(Refusal, match="consent_required"):
            await house.app.delivery.receive(house.incoming("둘"))
        assert await _transcript(house) == ["하나"], "what is kept stays"
        assert await house.app.privacy.resume(PERSON) == before
        await house.say("셋")


async def test_withdrawing_everything_also_counts_where_the_operator_vouches(house: House) -> None:
    assert "talk" in await house.app.privacy.scopes(PERSON)
    await house.app.privacy.consent(PERSON, [])
    assert await house.app.privacy.scopes(PERSON) == frozenset()


async def test_a_pause_ends_the_answer_that_is_being_written_and_what_waits(house: House) -> None:
    house.replier.answers.append("첫 문장이야. 둘째 문장이야. 셋째 문장은 아주 길어서 끝나지 않아.")
    house.replier.gate.clear()
    first = await house.app.delivery.receive(house.incoming("길게", lone=True))
    while not house.replier.prompts:
        await asyncio.sleep(0.01)
    second = await house.app.delivery.receive(house.incoming("그다음", lone=True))
    await asyncio.wait_for(house.app.privacy.pause(PERSON), 4)
    for receipt in (first, second):
        assert (await house.platform.final(receipt.message or 0)).notice == "stopped"
    assert len(house.replier.prompts) == 1
    assert await house.app.desk.jobs.waiting(["test"]) == []


async def test_an_export_holds_all_tables_and_every_plugins_own_data(house: House) -> None:
    diary = Diary()
    diary.kept[PERSON] = ["일기"]
    house.app.privacy.plugins.append(diary)
    await house.say("<script>alert(1)</script>")
    exported = await house.app.privacy.export(PERSON)
    assert json.loads(json.dumps(exported)) == exported
    assert exported["plugins"]["diary"] == {"lines": ["일기"]}
    for language in get_args(Language):
        html = page(exported, language)
        assert "&lt;script&gt;" in html
        assert "<script" not in html
        assert "일기" in html
        assert not re.search(r"(src|href)=", html), "a page that loads nothing"
        for name in exported["tables"]:
            assert words(language)["privacy"][f"table_{name}"] in html


def _hits(folder: Path, *needles: bytes) -> list[str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [f"{path.name}: {needle!r}" for path in files for needle in needles if needle in path.read_bytes()]


async def test_after_forgetting_no_canary_is_anywhere(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Not as it was written, not sealed, and no key to it: not in the database or its logs, the key file or ours."""
    texts = [f"{CANARY}-{number}" for number in range(100)]
    async with open_house(tmp_path, limits={"burst": 1000}) as house:
        diary = Diary()
        diary.kept[PERSON] = texts
        house.app.privacy.plugins.append(diary)
        for text in texts[:10]:
            house.replier.answers.append(f"{text} 라고 했구나.")
            await house.say(text)
        receipts = [await house.app.delivery.receive(house.incoming(text, lone=True)) for text in texts[10:]]
        await house.platform.final(receipts[-1].message or 0)
        keep = await house.say("나는 남아", JUN)
        sealed = [*await _sealed(house), _key(house)]
        assert len(sealed) >= 201
        assert all(_hits(tmp_path, one) for one in sealed[-3:])
        start = time.monotonic()
        counts = await house.app.privacy.forget(PERSON)
        assert time.monotonic() - start < 60
        assert (counts["messages"], counts["diary"]) == (100, 100)
        everywhere = [CANARY.encode(), CANARY.encode("utf-16-le"), *sealed]
        assert _hits(tmp_path, *everywhere) == [], "while the bot runs"
        assert CANARY not in json.dumps(await house.app.privacy.export(PERSON), ensure_ascii=False)
        assert await _transcript(house) == []
        assert await _transcript(house, JUN) == ["나는 남아"]
        assert (await house.app.desk.conversations.exchange(keep.message)).text == "나는 남아"
    assert _hits(tmp_path, *everywhere) == [], "after it has ended"
    assert CANARY not in caplog.text


def _key(house: House) -> bytes:
    """PERSON's key as it lies on disk."""
    name = house.app.keys.name(PERSON.platform, PERSON.id)
    with closing(sqlite3.connect(Path(os.environ["MAUM_STATE_DIR"]) / "keys" / "people.db")) as database:
        (wrapped,) = database.execute("SELECT wrapped FROM person_keys WHERE name = ?", (name,)).fetchone()
    return bytes(wrapped)


async def _sealed(house: House) -> list[bytes]:
    """Every text of PERSON as it lies on disk."""
    from sqlalchemy import select

    from storage.tables import messages, replies

    async with house.app.desk.people.database.reading() as connection:
        mine = select(messages.c.id).where(messages.c.person_id == 1)
        said = await connection.scalars(select(messages.c.text).where(messages.c.person_id == 1))
        answered = await connection.scalars(select(replies.c.text).where(replies.c.message_id.in_(mine)))
        return [*said, *answered]


async def test_forgetting_one_chat_leaves_the_others_and_the_key(house: House) -> None:
    other = Chat("test", "other")
    await house.say("여기")
    await house.say("저기", PERSON, other)
    assert (await house.app.privacy.forget(PERSON, other))["messages"] == 1
    assert await _transcript(house) == ["여기"]
    assert await _transcript(house, PERSON, other) == []


async def test_forgetting_stops_the_answer_that_is_being_written(house: House) -> None:
    house.replier.answers.append("첫 문장이야. 둘째 문장이야. 셋째 문장은 아주 길어서 끝나지 않아.")
    house.replier.gate.clear()
    receipt = await house.app.delivery.receive(house.incoming("길게", lone=True))
    while not house.replier.prompts:
        await asyncio.sleep(0.01)
    await asyncio.wait_for(house.app.privacy.forget(PERSON), 8)
    assert (await house.platform.final(receipt.message or 0)).final
    exported = await house.app.privacy.export(PERSON)
    assert [name for name, rows in exported["tables"].items() if rows] == ["audit"]
    house.replier.gate.set()
    await house.say("새 시작")
    assert await _transcript(house) == ["새 시작"]


async def test_forgetting_that_was_cut_short_goes_on_after_the_restart(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        await house.say("내 비밀")
        await house.app.privacy.ask_to_forget(PERSON)
    async with open_house(tmp_path) as house:
        assert await house.app.privacy.wishes() == [Forgetting(PERSON)]
        assert await house.app.privacy.resume_forgetting() == 1
        assert await house.app.privacy.resume_forgetting() == 0
        assert await _transcript(house) == []


def _forget(say: Callable[[str], None], folder: Path) -> None:
    async def forget() -> None:
        async with open_house(folder) as house:
            await house.app.privacy.ask_to_forget(PERSON)
            say("go")
            await house.app.privacy.resume_forgetting()
            say("done")

    asyncio.run(forget())


async def test_killed_in_the_middle_of_forgetting_the_next_start_ends_it(tmp_path: Path) -> None:
    for wait_s in (0.0, 0.01, 0.03):
        async with open_house(tmp_path) as house:
            for number in range(3):
                await house.say(f"{CANARY}-{number}")
        forgetting, heard = fork(_forget, tmp_path)
        with heard:
            assert await asyncio.to_thread(heard.recv) == "go"
            await asyncio.sleep(wait_s)
            forgetting.kill()
            await asyncio.to_thread(forgetting.join)
        async with open_house(tmp_path) as house:
            await house.app.privacy.resume_forgetting()
            assert await house.app.privacy.wishes() == []
            assert await _transcript(house) == []
            audit = (await house.app.privacy.export(PERSON))["tables"]["audit"]
    assert [row["action"] for row in audit] == ["forget"] * 3, "each of them once"


async def test_leaving_a_space_is_done_at_once(house: House) -> None:
    room = Chat("test", "channel", "server", "group")
    await house.say("거기", PERSON, room)
    assert await house.app.privacy.leave_space("test", "server") == 1
    assert await _transcript(house, PERSON, room) == []


async def test_the_ai_notice_is_due_at_the_start_and_then_not_for_three_hours(house: House) -> None:
    conversation = house.incoming("").conversation
    assert await house.app.privacy.ai_notice_due(conversation)
    assert not await house.app.privacy.ai_notice_due(conversation)
    assert await house.app.privacy.ai_notice_due(house.incoming("", JUN).conversation)


async def test_after_a_restart_the_ai_notice_is_due_again_only_when_its_time_is_over(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        here = (await house.say("안녕")).conversation
        assert await house.app.privacy.ai_notice_due(here)
    async with open_house(tmp_path) as house:
        assert not await house.app.privacy.ai_notice_due(here)
        assert not await house.app.privacy.ai_notice_due(here)
        assert await house.app.privacy.ai_notice_due(house.incoming("", JUN).conversation)
        long_ago = update(notices).values(at=notices.c.at - 3 * 3_600_000)
        await house.app.desk.people.database.write(lambda connection: connection.execute(long_ago))
    async with open_house(tmp_path) as house:
        assert await house.app.privacy.ai_notice_due(here)


async def test_an_ai_notice_before_consent_is_kept_only_once_the_person_has_agreed(tmp_path: Path) -> None:
    async with open_house(tmp_path, consent={"default": "ask"}) as house:
        here = house.incoming("").conversation
        assert await house.app.privacy.ai_notice_due(here)
        assert (await house.app.privacy.export(PERSON))["tables"]["notices"] == []
        await house.app.privacy.consent(PERSON, ["talk"])
        await house.say("안녕")
        assert not await house.app.privacy.ai_notice_due(here), "the form said it"
    async with open_house(tmp_path, consent={"default": "ask"}) as house:
        assert not await house.app.privacy.ai_notice_due(here)
        await house.app.privacy.forget(PERSON)
        assert (await house.app.privacy.export(PERSON))["tables"]["notices"] == []
        assert await house.app.privacy.ai_notice_due(here)


def run_maum(tmp_path: Path, *words_: object, given: str = "") -> CompletedProcess[str]:
    config = tmp_path / "config.toml"
    config.write_text('[replier]\nuse = ["offline"]\n[classifier]\nuse = "tests.house:WordClassifier"\n', "utf-8")
    return maum(*words_, "--config", config, given=given)


async def test_the_operator_exports_pauses_and_forgets_a_person(tmp_path: Path) -> None:
    async with open_house(Path(os.environ["MAUM_STATE_DIR"])) as house:
        await house.say("내 비밀은 사과야")
    done = run_maum(tmp_path, "person", "export", "test:minji")
    assert json.loads(done.stdout)["tables"]["messages"][0]["text"] == "내 비밀은 사과야"
    out = tmp_path / "minji.html"
    done = run_maum(tmp_path, "person", "export", "test:minji", "--html", "--out", out)
    assert "내 비밀은 사과야" in out.read_text(encoding="utf-8"), done.stderr
    assert out.stat().st_mode & 0o777 == 0o600
    assert "agrees to: nothing" in run_maum(tmp_path, "person", "pause", "test:minji").stdout
    done = run_maum(tmp_path, "person", "forget", "test:minji", "--yes")
    assert "1 messages" in done.stdout, done.stderr
    done = run_maum(tmp_path, "person", "forget", "minji", "--yes")
    assert (done.returncode, "PLATFORM:ID" in done.stderr) == (2, True)


async def test_the_terminal_exports_pauses_forgets_and_asks_again(tmp_path: Path) -> None:
    talk = f"y\ny\n너무 좋아\n/privacy\n/export {tmp_path}\n/pause\n/resume\n/forget\ny\n/help\n다시 안녕\nn\n/quit\n"
    done = run_maum(tmp_path, "chat", given=talk)
    assert (done.returncode, done.stderr) == (0, "")
    for found in ("AI야", "30일", "멈췄어요", "다시 시작했어요", "모두 지웠어요", "/forget [chat]", "동의가 없으면"):
        assert found in done.stdout, found
    (exported,) = tmp_path.glob("maum-*.json")
    assert json.loads(exported.read_text("utf-8"))["tables"]["messages"][0]["text"] == "너무 좋아"
    assert exported.with_suffix(".html").exists()
    async with open_house(Path(os.environ["MAUM_STATE_DIR"])) as house:
        assert await house.app.desk.jobs.waiting(["console"]) == []
