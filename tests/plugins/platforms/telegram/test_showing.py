"""Snapshots become messages: over the real library, counted in the server's own log."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from bot.types import Action, Chat, Conversation, Outgoing, Person, Reply
from plugins.platforms._bans import Bans
from plugins.platforms.telegram.faults import LineError
from plugins.platforms.telegram.line import Line
from plugins.platforms.telegram.showing import Place, Showing
from tests.plugins.platforms.telegram.parts import long_text
from tests.servers.telegram_rules import ApiError
from tests.servers.telegram_server import Lost, TelegramServer
from tests.servers.telegram_world import Human, Room

AGAIN = (Action("again", 1), Action("other", 1))


@pytest.fixture
def minji(server: TelegramServer) -> Human:
    return server.world.person("민지")


@pytest.fixture
def room(server: TelegramServer, minji: Human) -> Room:
    return server.world.private(minji)


def snapshot(room: Room, text: str = "", *, final: bool = False, answers: str = "1", thread: int = 0) -> Outgoing:
    here = f"{room.id}/{thread}" if thread else str(room.id)
    chat = Chat("telegram", here, str(room.id) if room.is_group else None, "group" if room.is_group else "direct")
    reply = Reply(text, finish="stop", id=1) if final else None
    actions = AGAIN if final else (Action("stop", 1),)
    return Outgoing(
        Conversation(chat, Person("telegram", "1")),
        1,
        answers,
        text,
        reply=reply,
        variants=1,
        actions=actions,
        final=final,
    )


def texts(server: TelegramServer, room: Room) -> list[str]:
    return [post.text for post in server.world.shown(room)]


def sent(server: TelegramServer) -> int:
    return sum(call.error is None for call in server.calls("sendMessage"))


async def test_a_placeholder_is_sent_once_and_then_edited(server: TelegramServer, showing: Showing, room: Room) -> None:
    handle = await showing.show(snapshot(room), None)
    assert texts(server, room) == ["…"]
    assert [b["text"] for b in server.world.shown(room)[0].buttons] == ["⏹ 멈추기"]
    for text, final in (("그랬", False), ("그랬구나.", True)):
        assert await showing.show(snapshot(room, text, final=final), handle) == handle
    assert texts(server, room) == ["그랬구나."]
    assert sent(server) == 1


async def test_a_handle_works_in_another_process(server: TelegramServer, line: Line, room: Room) -> None:
    handle = await Showing(line).show(snapshot(room), None)
    assert await Showing(line).show(snapshot(room, "응", final=True), handle) == handle
    assert await Showing(line).show(snapshot(room, "응", final=True), handle) == handle  # “not modified” is no failure
    assert texts(server, room) == ["응"]


async def test_the_same_snapshot_again_says_nothing(server: TelegramServer, showing: Showing, room: Room) -> None:
    handle = await showing.show(snapshot(room, "응", final=True), None)
    calls = len(server.log)
    await showing.show(snapshot(room, "응", final=True), handle)
    assert len(server.log) == calls


@pytest.mark.parametrize("size", [4095, 4096, 4097, 12_000])
async def test_a_long_answer_stands_in_several_messages(
    server: TelegramServer, showing: Showing, room: Room, size: int
) -> None:
    text = long_text(size)
    handle = await showing.show(snapshot(room, text, final=True), await showing.show(snapshot(room), None))
    assert "".join(call.asked["text"] for call in server.calls("editMessageText")) == text
    posts = server.world.shown(room)
    assert len(Place.of(handle).messages) == len(posts) == (1 if size <= 4096 else -(-size // 4096))
    assert [bool(post.markup) for post in posts] == [False] * (len(posts) - 1) + [True]


async def test_a_growing_answer_keeps_its_new_messages_number_before_it_is_filled(
    server: TelegramServer, showing: Showing, room: Room
) -> None:
    handle = await showing.show(snapshot(room, "가"), None)
    longer = await showing.show(snapshot(room, long_text(5000)), handle)
    assert longer != handle
    assert texts(server, room) == ["…", "…"]
    final = await showing.show(snapshot(room, long_text(5000), final=True), longer)
    assert final == longer
    assert sent(server) == 2


async def test_a_shorter_variant_takes_its_messages_away(server: TelegramServer, showing: Showing, room: Room) -> None:
    handle = await showing.show(snapshot(room, long_text(9000), final=True), None)
    short = await showing.show(snapshot(room, "짧게.", final=True), handle)
    assert texts(server, room) == ["짧게."]
    handle = await showing.show(snapshot(room, long_text(9000), final=True), short)
    server.world.ahead_s += 49 * 3600  # too old to be deleted
    assert Place.of(await showing.show(snapshot(room, "짧게.", final=True), handle)) == Place.of(short)
    assert texts(server, room) == ["짧게.", "…", "…"]


async def test_an_answer_that_the_person_deleted_is_said_anew(
    server: TelegramServer, showing: Showing, room: Room
) -> None:
    handle = await showing.show(snapshot(room), None)
    server.world.shown(room)[0].deleted = True
    anew = await showing.show(snapshot(room, "응", final=True), handle)
    assert anew != handle
    assert texts(server, room) == ["응"]


async def test_to_somebody_who_blocked_the_bot_nothing_is_said(
    server: TelegramServer, showing: Showing, room: Room, minji: Human
) -> None:
    handle = await showing.show(snapshot(room), None)
    server.bot_becomes(room, "kicked", minji)
    assert await showing.show(snapshot(room, "응", final=True), handle) == handle
    assert await showing.show(snapshot(room, "응", final=True), None) == f"{room.id}:"
    server.bot_becomes(room, "member", minji)
    assert Place.of(await showing.show(snapshot(room, "응", final=True), f"{room.id}:")).messages
    assert texts(server, room) == ["…", "응"]


async def test_in_a_group_an_answer_answers_its_message_and_stays_in_its_topic(
    server: TelegramServer, showing: Showing, minji: Human
) -> None:
    forum = server.world.group(minji, topics=(7,))
    asked = server.says(minji, "@maum_test_bot 안녕", forum, thread=7)
    await showing.show(snapshot(forum, "응", final=True, answers=str(asked.id), thread=7), None)
    (post,) = server.world.shown(forum)
    assert (post.thread, post.reply_to) == (7, asked.id)
    await showing.show(snapshot(forum, "응", final=True, answers="999", thread=8), None)  # both are gone
    lost = server.world.shown(forum)[-1]
    assert (lost.thread, lost.reply_to, lost.text) == (None, None, "응")


async def test_a_group_that_became_a_supergroup_hears_the_answer(
    server: TelegramServer, showing: Showing, minji: Human
) -> None:
    old, new = server.world.group(minji), server.world.group(minji)
    handle = await showing.show(snapshot(old), None)
    old.moved_to = new.id
    moved = await showing.show(snapshot(old, "응", final=True), handle)
    assert Place.of(moved).chat == new.id
    assert texts(server, new) == ["응"]


async def test_when_told_to_wait_the_answer_comes_later_and_once(
    server: TelegramServer, showing: Showing, room: Room
) -> None:
    server.faults["sendmessage"].append(ApiError(429, "", retry_after=1))
    server.faults["editmessagetext"].append(ApiError(429, "", retry_after=1))
    handle = await showing.show(snapshot(room), None)
    await showing.show(snapshot(room, "응", final=True), handle)
    assert texts(server, room) == ["응"]
    assert server.flood.violations == 0


async def test_whoever_is_killed_and_restarted_stays_silent_as_long_as_told(
    server: TelegramServer, room: Room, tmp_path: Path
) -> None:
    first = Line(server.token, server.base_url, 100.0, bans=Bans(tmp_path / "bans.json"))
    server.faults["sendmessage"].append(ApiError(429, "", retry_after=1))
    killed = asyncio.create_task(first.send(room.id, "하나"))
    await server.until(lambda: server.log)
    while not (tmp_path / "bans.json").exists():
        await asyncio.sleep(0.01)
    killed.cancel()
    second = Line(server.token, server.base_url, 100.0, bans=Bans(tmp_path / "bans.json"))
    await second.send(room.id, "둘")
    assert texts(server, room) == ["둘"]
    assert server.flood.violations == 0
    await first.close()
    await second.close()


async def test_a_step_that_is_told_to_wait_is_left_out(server: TelegramServer, showing: Showing, room: Room) -> None:
    handle = await showing.show(snapshot(room), None)
    server.faults["editmessagetext"].append(ApiError(429, "", retry_after=1))
    await showing.show(snapshot(room, "그랬"), handle)
    assert texts(server, room) == ["…"]
    await showing.show(snapshot(room, "그랬구나", final=True), handle)
    assert texts(server, room) == ["그랬구나"]


async def test_lost_edits_and_broken_gateways_are_tried_again(
    server: TelegramServer, showing: Showing, room: Room
) -> None:
    handle = await showing.show(snapshot(room), None)
    server.faults["editmessagetext"].extend([Lost(), Lost(done=False), ApiError(502, "Bad Gateway")])
    await showing.show(snapshot(room, "응", final=True), handle)
    assert texts(server, room) == ["응"]


async def test_a_placeholder_whose_sending_is_not_known_leaves_dots_at_most(
    server: TelegramServer, showing: Showing, room: Room
) -> None:
    server.faults["sendmessage"].append(Lost())
    handle = await showing.show(snapshot(room), None)
    await showing.show(snapshot(room, "응", final=True), handle)
    assert sorted(texts(server, room)) == ["…", "응"]


async def test_words_that_are_no_answer_are_never_said_twice(server: TelegramServer, line: Line, room: Room) -> None:
    server.faults["sendmessage"].append(Lost())
    with pytest.raises(LineError):
        await line.send(room.id, "동의해 줄래?")
    assert texts(server, room) == ["동의해 줄래?"]
    server.faults["sendmessage"].append(ApiError(400, "Bad Request: can't parse entities"))
    with pytest.raises(LineError, match="entities"):
        await line.send(room.id, "꾸밈 없이")


async def test_what_cannot_be_formatted_is_said_plainly(server: TelegramServer, showing: Showing, room: Room) -> None:
    handle = await showing.show(snapshot(room), None)
    server.faults["editmessagetext"].append(ApiError(400, "Bad Request: ENTITY_BOUNDS_INVALID"))
    await showing.show(snapshot(room, "```\n코드\n```", final=True), handle)
    assert texts(server, room) == ["```\n코드\n```"]
    assert "entities" not in server.world.shown(room)[0].content


async def test_a_notice_stands_under_the_text(server: TelegramServer, showing: Showing, room: Room) -> None:
    await showing.show(replace(snapshot(room, "그랬", final=True), notice="stopped"), None)
    assert texts(server, room) == ["그랬\n\n…(멈췄어)"]
