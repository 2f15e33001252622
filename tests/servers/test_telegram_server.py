"""The local Telegram server refuses what the platform refuses: each rule, shown by a client that breaks it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from aiohttp import web

from plugins._trust import trust
from tests.servers.telegram_flood import Flood
from tests.servers.telegram_rules import ApiError
from tests.servers.telegram_server import Lost, TelegramServer
from tests.servers.telegram_world import Human, Room


class Client:
    """A bot that does what it is told, right or wrong."""

    def __init__(self, server: TelegramServer) -> None:
        self.server = server
        self.token = server.token
        self._http = httpx.AsyncClient(timeout=10, verify=trust(server.base_url))

    async def __call__(self, method: str, **asked: Any) -> Any:
        """The result. Raises ApiError when it is refused."""
        data = {k: json.dumps(v) if isinstance(v, (dict, list)) else v for k, v in asked.items()}
        answer = (await self._http.post(f"{self.server.base_url}{self.token}/{method}", data=data)).json()
        if answer["ok"]:
            return answer["result"]
        raise ApiError(answer["error_code"], answer["description"], **answer.get("parameters", {}))

    async def refused(self, method: str, **asked: Any) -> str:
        with pytest.raises(ApiError) as caught:
            await self(method, **asked)
        return f"{caught.value.code} {caught.value.description}"

    async def close(self) -> None:
        await self._http.aclose()


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    async with TelegramServer(flood=False) as server:
        yield server


@pytest.fixture
async def client(server: TelegramServer) -> AsyncIterator[Client]:
    client = Client(server)
    yield client
    await client.close()


@pytest.fixture
def minji(server: TelegramServer) -> Human:
    return server.world.person("민지")


@pytest.fixture
def room(server: TelegramServer, minji: Human) -> Room:
    return server.world.private(minji)


def keyboard(data: str, text: str = "눌러") -> dict[str, Any]:
    return {"inline_keyboard": [[{"text": text, "callback_data": data}]]}


async def test_a_wrong_token_and_an_unknown_method_are_refused(client: Client) -> None:
    assert (await client("GETME"))["username"] == "maum_test_bot"
    assert await client.refused("makeCoffee") == "404 Not Found: method not found"
    client.token = "7000000001:wrong"
    assert await client.refused("getMe") == "401 Unauthorized"


@pytest.mark.parametrize("size", [4095, 4096, 4097])
async def test_a_message_holds_4096_utf16_units(client: Client, room: Room, size: int) -> None:
    text = "🙂" * (size // 2) + "a" * (size % 2)
    if size > 4096:
        assert await client.refused("sendMessage", chat_id=room.id, text=text) == "400 Bad Request: message is too long"
        return
    sent = await client("sendMessage", chat_id=room.id, text=text)
    assert sent["text"] == text
    longer = {"chat_id": room.id, "message_id": sent["message_id"], "text": text + "🙂🙂"}
    assert await client.refused("editMessageText", **longer) == "400 Bad Request: MESSAGE_TOO_LONG"


@pytest.mark.parametrize("text", ["", "  \n ", "\u200b\u200e", "\x00"])
async def test_a_message_that_nobody_can_see_is_refused(client: Client, room: Room, text: str) -> None:
    assert await client.refused("sendMessage", chat_id=room.id, text=text) == "400 Bad Request: message text is empty"


async def test_a_text_is_trimmed_and_loses_control_characters(client: Client, room: Room) -> None:
    sent = await client("sendMessage", chat_id=room.id, text="  a\tb\r\nc\u202e \n")
    assert sent["text"] == "a b\nc"


@pytest.mark.parametrize(
    ("entity", "reason"),
    [
        ({"type": "pre", "offset": 0, "length": 9}, "ENTITY_BOUNDS_INVALID"),
        ({"type": "pre", "offset": 1, "length": 1}, "middle of a UTF-16 symbol"),
        ({"type": "loud", "offset": 0, "length": 1}, "unsupported entity type"),
        ({"type": "bold", "offset": 0, "length": 0}, "ENTITY_BOUNDS_INVALID"),
    ],
)
async def test_an_entity_that_does_not_fit_the_text_is_refused(
    client: Client, room: Room, entity: dict[str, Any], reason: str
) -> None:
    assert reason in await client.refused("sendMessage", chat_id=room.id, text="🙂ab", entities=[entity])
    good = {"type": "pre", "offset": 0, "length": 2}
    assert (await client("sendMessage", chat_id=room.id, text="🙂ab", entities=[good]))["entities"] == [good]


async def test_code_in_another_entity_is_refused(client: Client, room: Room) -> None:
    entities = [{"type": "bold", "offset": 0, "length": 3}, {"type": "code", "offset": 1, "length": 1}]
    assert "nested" in await client.refused("sendMessage", chat_id=room.id, text="abc", entities=entities)


async def test_markdown_is_not_parsed_here(client: Client, room: Room) -> None:
    assert "501" in await client.refused("sendMessage", chat_id=room.id, text="*a*", parse_mode="MarkdownV2")


@pytest.mark.parametrize("data", ["", "가" * 22, "x" * 65])
async def test_callback_data_holds_1_to_64_bytes(client: Client, room: Room, data: str) -> None:
    refused = await client.refused("sendMessage", chat_id=room.id, text="a", reply_markup=keyboard(data))
    assert refused == "400 Bad Request: BUTTON_DATA_INVALID"
    assert await client("sendMessage", chat_id=room.id, text="a", reply_markup=keyboard("x" * 64))


async def test_a_button_needs_a_text_and_one_purpose(client: Client, room: Room) -> None:
    for button in ({"text": " ", "callback_data": "a"}, {"text": "a"}, {"text": "a", "callback_data": "a", "url": "b"}):
        markup = {"inline_keyboard": [[button]]}
        assert "button" in await client.refused("sendMessage", chat_id=room.id, text="a", reply_markup=markup)
    many = {"inline_keyboard": [[{"text": "a", "callback_data": "a"}]] * 101}
    assert "TOO_LONG" in await client.refused("sendMessage", chat_id=room.id, text="a", reply_markup=many)


async def test_a_click_is_answered_once_in_time_and_briefly(
    server: TelegramServer, client: Client, minji: Human, room: Room
) -> None:
    sent = await client("sendMessage", chat_id=room.id, text="a", reply_markup=keyboard("yes"))
    click = server.clicks(minji, server.world.posts[room.id, sent["message_id"]], "yes")
    (update,) = await client("getUpdates")
    assert update["callback_query"]["data"] == "yes"
    too_long = await client.refused("answerCallbackQuery", callback_query_id=click.id, text="가" * 201)
    assert too_long == "400 Bad Request: MESSAGE_TOO_LONG"
    assert await client("answerCallbackQuery", callback_query_id=click.id, text="가" * 200)
    assert click.answer == "가" * 200
    for number in (click.id, "click-of-nobody"):
        assert "query is too old" in await client.refused("answerCallbackQuery", callback_query_id=number)
    late = server.presses(minji, server.world.posts[room.id, sent["message_id"]], "yes")
    server.world.ahead_s += 60
    assert "query is too old" in await client.refused("answerCallbackQuery", callback_query_id=late.id)


async def test_an_edit_must_change_something_of_the_bots_own(
    server: TelegramServer, client: Client, minji: Human, room: Room
) -> None:
    sent = await client("sendMessage", chat_id=room.id, text="a", reply_markup=keyboard("yes"))
    here = {"chat_id": room.id, "message_id": sent["message_id"]}
    same = await client.refused("editMessageText", **here, text="a ", reply_markup=keyboard("yes"))
    assert same.startswith("400 Bad Request: message is not modified")
    assert "not modified" in await client.refused("editMessageReplyMarkup", **here, reply_markup=keyboard("yes"))
    edited = await client("editMessageText", **here, text="b")
    assert "reply_markup" not in edited  # it was not repeated, so it is gone
    assert "edit_date" in edited
    unknown = await client.refused("editMessageText", chat_id=room.id, message_id=99, text="c")
    assert unknown == "400 Bad Request: message to edit not found"
    theirs = server.says(minji, "안녕")
    assert "can't be edited" in await client.refused("editMessageText", chat_id=room.id, message_id=theirs.id, text="c")


async def test_a_message_can_be_deleted_for_two_days_only(server: TelegramServer, client: Client, room: Room) -> None:
    old, new = [await client("sendMessage", chat_id=room.id, text=text) for text in "ab"]
    assert await client("deleteMessage", chat_id=room.id, message_id=new["message_id"])
    assert "not found" in await client.refused(
        "editMessageText", chat_id=room.id, message_id=new["message_id"], text="c"
    )
    server.world.ahead_s += 49 * 3600
    refused = await client.refused("deleteMessage", chat_id=room.id, message_id=old["message_id"])
    assert refused == "400 Bad Request: message can't be deleted"
    assert await client("editMessageText", chat_id=room.id, message_id=old["message_id"], text="c")  # no such limit


async def test_a_confirmed_update_never_comes_back_and_an_unconfirmed_one_does(
    server: TelegramServer, client: Client, minji: Human
) -> None:
    for text in "abc":
        server.says(minji, text)
    first = await client("getUpdates", limit=2)
    assert [update["message"]["text"] for update in first] == ["a", "b"]
    assert await client("getUpdates", limit=2) == first
    rest = await client("getUpdates", offset=first[1]["update_id"])
    assert [update["message"]["text"] for update in rest] == ["b", "c"]
    assert [u["message"]["text"] for u in await client("getUpdates")] == ["b", "c"]
    assert await client("getUpdates", offset=rest[1]["update_id"] + 1) == []
    assert server.updates.confirmed == rest[1]["update_id"]


async def test_a_long_poll_waits_for_news(server: TelegramServer, client: Client, minji: Human) -> None:
    poll = asyncio.create_task(client("getUpdates", timeout=10))
    await asyncio.sleep(0.1)
    assert not poll.done()
    server.says(minji, "안녕")
    assert (await poll)[0]["message"]["text"] == "안녕"


async def test_of_two_pollers_the_first_is_told_to_stop(client: Client) -> None:
    first = asyncio.create_task(client.refused("getUpdates", timeout=10))
    await asyncio.sleep(0.1)
    second = asyncio.create_task(client("getUpdates", timeout=1))
    assert (await first).startswith("409 Conflict: terminated by other getUpdates request")
    assert await second == []


async def test_updates_of_other_kinds_can_be_left_out(server: TelegramServer, client: Client, minji: Human) -> None:
    await client("getUpdates", allowed_updates=["callback_query"])
    server.says(minji, "안녕")
    assert server.updates.pending == 0


async def test_a_webhook_gets_the_secret_and_each_update_until_it_says_yes(
    server: TelegramServer, client: Client, minji: Human
) -> None:
    got: list[tuple[str, str]] = []

    async def hook(request: web.Request) -> web.Response:
        got.append((request.headers["X-Telegram-Bot-Api-Secret-Token"], (await request.json())["message"]["text"]))
        return web.Response(status=500 if len(got) == 1 else 200)

    app = web.Application()
    app.add_routes([web.post("/hook", hook)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        assert "HTTPS" in await client.refused("setWebhook", url="http://example.com/hook")
        assert "unallowed" in await client.refused("setWebhook", url=url, secret_token="a b")
        assert await client("setWebhook", url=url, secret_token="s3cret_-")
        assert "can't use getUpdates" in await client.refused("getUpdates")
        server.says(minji, "하나")
        server.says(minji, "둘")
        async with asyncio.timeout(5):
            while server.updates.pending:
                await asyncio.sleep(0.05)
        assert got == [("s3cret_-", "하나"), ("s3cret_-", "하나"), ("s3cret_-", "둘")]
        assert (await client("getWebhookInfo"))["url"] == url
        assert await client("deleteWebhook")
        assert await client("getUpdates") == []
    finally:
        await runner.cleanup()


async def test_privacy_mode_keeps_group_talk_from_the_bot(server: TelegramServer, client: Client, minji: Human) -> None:
    group = server.world.group(minji)
    server.says(minji, "우리끼리 하는 말", group)
    server.says(minji, "/start", group)  # general: the bot has not spoken here yet
    server.says(minji, "/start@other_bot", group)
    assert await client("getUpdates") == []
    server.says(minji, "@maum_test_bot 안녕", group)
    server.says(minji, "/start@maum_test_bot", group)
    sent = await client("sendMessage", chat_id=group.id, text="응")
    server.says(minji, "/help", group)
    server.says(minji, "그렇구나", group, reply_to=sent["message_id"])
    texts = [update["message"]["text"] for update in await client("getUpdates")]
    assert texts == ["@maum_test_bot 안녕", "/start@maum_test_bot", "/help", "그렇구나"]


async def test_without_privacy_mode_or_as_an_administrator_the_bot_hears_all(minji: Human) -> None:
    async with TelegramServer(privacy=False) as open_server:
        client = Client(open_server)
        someone = open_server.world.person()
        open_server.says(someone, "우리끼리 하는 말", open_server.world.group(someone))
        assert (await client("getMe"))["can_read_all_group_messages"]
        assert len(await client("getUpdates")) == 1
        await client.close()
    async with TelegramServer() as server:
        someone = server.world.person()
        group = server.world.group(someone)
        server.bot_becomes(group, "administrator", someone)
        server.says(someone, "우리끼리 하는 말", group)
        assert server.updates.pending == 2


async def test_a_topic_must_exist(server: TelegramServer, client: Client, minji: Human) -> None:
    forum, plain = server.world.group(minji, topics=(7,)), server.world.group(minji)
    sent = await client("sendMessage", chat_id=forum.id, message_thread_id=7, text="a")
    assert (sent["message_thread_id"], sent["is_topic_message"]) == (7, True)
    for chat, thread in ((forum.id, 8), (plain.id, 7)):
        refused = await client.refused("sendMessage", chat_id=chat, message_thread_id=thread, text="a")
        assert refused == "400 Bad Request: message thread not found"


async def test_an_answered_message_must_exist_or_be_allowed_not_to(
    server: TelegramServer, client: Client, minji: Human, room: Room
) -> None:
    asked = server.says(minji, "안녕")
    sent = await client("sendMessage", chat_id=room.id, text="a", reply_parameters={"message_id": asked.id})
    assert sent["reply_to_message"]["text"] == "안녕"
    missing = {"message_id": 999}
    refused = await client.refused("sendMessage", chat_id=room.id, text="a", reply_parameters=missing)
    assert refused == "400 Bad Request: message to be replied not found"
    assert await client(
        "sendMessage", chat_id=room.id, text="a", reply_parameters=missing | {"allow_sending_without_reply": True}
    )


async def test_a_bot_cannot_write_where_it_is_not_wanted(server: TelegramServer, client: Client, minji: Human) -> None:
    stranger = server.world.person("모르는 사람")
    assert "can't initiate conversation" in await client.refused("sendMessage", chat_id=stranger.id, text="a")
    assert "chat not found" in await client.refused("sendMessage", chat_id=-5, text="a")
    private, group = server.world.private(minji), server.world.group(minji)
    server.bot_becomes(private, "kicked", minji)
    server.bot_becomes(group, "kicked", minji)
    assert "blocked by the user" in await client.refused("sendMessage", chat_id=private.id, text="a")
    assert "kicked from the supergroup" in await client.refused("sendMessage", chat_id=group.id, text="a")
    moved = server.world.group(minji)
    moved.moved_to = group.id
    with pytest.raises(ApiError) as caught:
        await client("sendMessage", chat_id=moved.id, text="a")
    assert caught.value.parameters == {"migrate_to_chat_id": group.id}


async def test_rights_are_told_per_person(server: TelegramServer, client: Client, minji: Human) -> None:
    chief, stranger = server.world.person("관리자"), server.world.person("손님")
    group = server.world.group(minji, admins=(chief,))
    for person, status in ((minji, "member"), (chief, "administrator"), (stranger, "left")):
        assert (await client("getChatMember", chat_id=group.id, user_id=person.id))["status"] == status
    assert "user not found" in await client.refused("getChatMember", chat_id=group.id, user_id=5)
    admins = await client("getChatAdministrators", chat_id=group.id)
    assert [admin["user"]["id"] for admin in admins] == [chief.id]
    private = server.world.private(minji)
    assert "no administrators" in await client.refused("getChatAdministrators", chat_id=private.id)


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ({"command": "Start", "description": "a"}, "BOT_COMMAND_INVALID"),
        ({"command": "시작", "description": "a"}, "BOT_COMMAND_INVALID"),
        ({"command": "start", "description": ""}, "DESCRIPTION_INVALID"),
        ({"command": "start", "description": "가" * 257}, "DESCRIPTION_INVALID"),
    ],
)
async def test_a_menu_has_small_letters_and_short_words(client: Client, command: dict[str, str], reason: str) -> None:
    assert reason in await client.refused("setMyCommands", commands=[command])
    good = {"command": "start", "description": "시작하기"}
    assert await client("setMyCommands", commands=[good], language_code="ko")
    assert await client("getMyCommands", language_code="ko") == [good]


async def test_files_must_be_there_and_captions_short(server: TelegramServer, room: Room) -> None:
    async with httpx.AsyncClient() as http:
        url = f"{server.base_url}{server.token}/"
        good = {"document": ("나의 기록.json", b"{}")}
        sent = await http.post(url + "sendDocument", data={"chat_id": room.id, "caption": "자"}, files=good)
        assert sent.json()["result"]["document"]["file_name"] == "나의 기록.json"
        assert server.methods.files["file-1"].data == b"{}"
        long = {"chat_id": room.id, "caption": "가" * 1025}
        assert "too long" in (await http.post(url + "sendDocument", data=long, files=good)).text
        assert "no photo" in (await http.post(url + "sendPhoto", data={"chat_id": room.id})).text
        photo = {"photo": ("차트.png", b"png")}
        assert (await http.post(url + "sendPhoto", data={"chat_id": room.id}, files=photo)).json()["ok"]


async def test_a_chat_action_must_be_known(client: Client, room: Room) -> None:
    assert await client("sendChatAction", chat_id=room.id, action="typing")
    assert "wrong parameter action" in await client.refused("sendChatAction", chat_id=room.id, action="dancing")


async def test_who_speaks_too_fast_in_a_chat_must_wait(room: Room) -> None:
    async with TelegramServer() as server:
        client, minji = Client(server), server.world.person()
        private, other = server.world.private(minji), server.world.private(server.world.person())
        for number in range(3):
            await client("sendMessage", chat_id=private.id, text=str(number))
        with pytest.raises(ApiError) as caught:
            await client("sendMessage", chat_id=private.id, text="넷")
        assert caught.value.code == 429
        assert 1 <= caught.value.parameters["retry_after"] <= 3
        assert await client("sendMessage", chat_id=other.id, text="다른 방은 괜찮아")
        assert server.flood.violations == 0
        assert "429" in await client.refused("sendMessage", chat_id=private.id, text="그래도")
        assert server.flood.violations == 1  # it did not obey
        await client.close()


def test_a_group_hears_twenty_messages_a_minute() -> None:
    seconds = 0.0
    flood = Flood(clock=lambda: seconds)
    for _ in range(20):
        flood.count(-1, group=True)
        flood.count(1, group=False)
        seconds += 2
    flood.count(1, group=False)
    with pytest.raises(ApiError) as caught:
        flood.count(-1, group=True)
    assert caught.value.parameters == {"retry_after": 20}
    seconds += 20
    flood.count(-1, group=True)


def test_a_bot_says_thirty_things_a_second_overall() -> None:
    flood = Flood(clock=lambda: 0.0)
    for chat in range(30):
        flood.count(chat, group=False)
    with pytest.raises(ApiError):
        flood.count(31, group=False)


async def test_faults_come_by_script(server: TelegramServer, client: Client, room: Room) -> None:
    server.faults["sendmessage"].extend([ApiError(502, "Bad Gateway"), ApiError(429, "", retry_after=1)])
    assert "502" in await client.refused("sendMessage", chat_id=room.id, text="a")
    assert await client.refused("sendMessage", chat_id=room.id, text="a") == "429 Too Many Requests: retry after 1"
    await asyncio.sleep(1.1)
    server.faults["sendmessage"].extend([Lost(done=False), Lost()])
    for shown in (0, 1):
        with pytest.raises(httpx.TransportError):
            await client("sendMessage", chat_id=room.id, text="a")
        assert len(server.world.shown(room)) == shown
    assert [call.error is None for call in server.calls("sendMessage")] == [False, False, False, False]


async def test_the_log_remembers_every_call(server: TelegramServer, client: Client, room: Room) -> None:
    await client("sendMessage", chat_id=room.id, text="a")
    await client.refused("sendMessage", chat_id=room.id, text="")
    good, bad = server.log
    assert (good.asked["text"], good.error) == ("a", None)
    assert bad.error is not None
