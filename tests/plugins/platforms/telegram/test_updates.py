"""What an update means, and that nothing about one can do harm."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.types import Chat, Person
from plugins.platforms.telegram.updates import Asked, Me, Moved, Pressed, Said, address, chat_of, read
from tests.proofs.size import size

ME = Me(7, "maum_bot")
PERSON = {"id": 1, "is_bot": False, "first_name": "민지", "language_code": "ko"}
PRIVATE = {"id": 1, "type": "private"}
GROUP = {"id": -100, "type": "supergroup", "title": "모임"}


def message(
    text: str | None = "안녕", chat: dict[str, Any] = PRIVATE, sender: dict[str, Any] = PERSON, **more: Any
) -> dict[str, Any]:
    said = {} if text is None else {"text": text}
    return {"message": {"message_id": 5, "date": 1_700_000_000, "chat": chat, "from": sender} | said | more}


def said(update: dict[str, Any]) -> Said:
    event = read(update, ME)
    assert isinstance(event, Said)
    return event


def test_a_private_message_is_meant_for_us() -> None:
    event = said(message())
    assert (event.to_us, event.incoming.text, event.incoming.message_id) == (True, "안녕", "5")
    assert event.incoming.chat == Chat("telegram", "1")
    assert (event.incoming.person, event.incoming.person.name) == (Person("telegram", "1"), "민지")
    assert event.incoming.sent_at == datetime.fromtimestamp(1_700_000_000, UTC)


@pytest.mark.parametrize(
    ("text", "more", "to_us", "rest"),
    [
        ("우리끼리", {}, False, "우리끼리"),
        ("@maum_bot 안녕", {}, True, "안녕"),
        ("안녕 @Maum_Bot!", {}, True, "안녕  !"),
        ("@maum_bot2 안녕", {}, False, "@maum_bot2 안녕"),
        ("mail@maum_bot", {}, False, "mail@maum_bot"),
        ("그래", {"reply_to_message": {"message_id": 4, "from": {"id": 7}}}, True, "그래"),
        ("그래", {"reply_to_message": {"message_id": 4, "from": {"id": 8}}}, False, "그래"),
    ],
)
def test_in_a_group_only_what_names_or_answers_us_is_meant_for_us(
    text: str, more: dict[str, Any], to_us: bool, rest: str
) -> None:
    event = said(message(text, GROUP, **more))
    assert (event.to_us, event.incoming.text) == (to_us, rest)
    assert event.incoming.chat == Chat("telegram", "-100", "-100", "group")


def test_a_topic_is_a_place_of_its_own() -> None:
    event = said(message(chat=GROUP, message_thread_id=9, is_topic_message=True))
    assert (event.incoming.chat.id, event.incoming.chat.space_id) == ("-100/9", "-100")
    assert address(event.incoming.chat.id) == (-100, 9)
    assert said(message(chat=GROUP, message_thread_id=9)).incoming.chat.id == "-100"  # a thread of replies is none


@pytest.mark.parametrize(
    ("text", "command", "rest"),
    [
        ("/start", "start", ""),
        ("/Start@MAUM_bot", "start", ""),
        ("/regenerate 초조한 softer", "regenerate", "초조한 softer"),
        ("/regenerate\n초조한", "regenerate", "초조한"),
    ],
)
def test_a_command_has_a_name_and_a_rest(text: str, command: str, rest: str) -> None:
    event = read(message(text, GROUP), ME)
    assert isinstance(event, Asked)
    assert (event.command, event.rest) == (command, rest)


def test_another_bots_command_is_none_of_ours() -> None:
    assert read(message("/start@other_bot", GROUP), ME) is None


@pytest.mark.parametrize("text", ["/etc/passwd 봐", "/", "/시작", "// 주석"])
def test_a_slash_alone_makes_no_command(text: str) -> None:
    assert said(message(text)).incoming.text == text


@pytest.mark.parametrize(
    ("content", "other"),
    [({"sticker": {}}, "sticker"), ({"photo": []}, "picture"), ({"voice": {}}, "voice"), ({"poll": {}}, "other")],
)
def test_what_cannot_be_read_is_named(content: dict[str, Any], other: str) -> None:
    event = said(message(None, **content))
    assert (event.other, event.incoming.text) == (other, "")


def test_the_words_under_a_picture_are_read() -> None:
    event = said(message(None, photo=[], caption="우리 강아지야"))
    assert (event.other, event.incoming.text) == ("picture", "우리 강아지야")


@pytest.mark.parametrize(
    "update",
    [
        message(None, new_chat_members=[PERSON]),
        message(is_automatic_forward=True),
        message(chat={"id": -5, "type": "channel"}),
        message(sender=PERSON | {"is_bot": True}),
        {"channel_post": message()["message"]},
        {"poll_answer": {}},
        {},
        [],
        None,
    ],
)
def test_what_is_no_persons_word_means_nothing(update: Any) -> None:
    assert read(update, ME) is None


def test_an_edited_message_is_known_as_such() -> None:
    assert said({"edited_message": message("고친 말")["message"]}).edited


def test_a_command_names_the_answer_it_replies_to() -> None:
    buttons = [[{"text": "🔁", "callback_data": "again:12:"}, {"text": "🎭", "callback_data": "other:12:@"}]]
    answered = {"message_id": 4, "from": {"id": 7}, "reply_markup": {"inline_keyboard": buttons}}
    event = read(message("/regenerate", reply_to_message=answered), ME)
    assert isinstance(event, Asked)
    assert event.under == 12
    broken: Any
    for broken in ({"inline_keyboard": [None, [None, {}]]}, {"inline_keyboard": 1}, None):
        event = read(message("/regenerate", reply_to_message=answered | {"reply_markup": broken}), ME)
        assert isinstance(event, Asked)
        assert event.under is None


@pytest.mark.parametrize("update", [message(), {"callback_query": {"message": message()["message"]}}])
def test_updates_of_a_chat_are_known_as_such(update: dict[str, Any]) -> None:
    assert chat_of({"update_id": 3} | update) == 1
    assert chat_of({"poll": {}}) is None
    assert chat_of(None) is None


def test_a_press_names_its_button_and_its_message() -> None:
    query = {"id": "q", "from": PERSON, "data": "again:3:", "message": {"message_id": 8, "date": 0, "chat": GROUP}}
    event = read({"callback_query": query}, ME)
    assert event == Pressed("q", "again:3:", Person("telegram", "1"), Chat("telegram", "-100", "-100", "group"), 8)
    assert read({"callback_query": query | {"message": None}}, ME) is None


@pytest.mark.parametrize(("before", "now", "here"), [("left", "member", True), ("administrator", "kicked", False)])
def test_being_let_in_and_out_is_noticed(before: str, now: str, here: bool) -> None:
    change = {"chat": GROUP, "from": PERSON, "old_chat_member": {"status": before}, "new_chat_member": {"status": now}}
    event = read({"my_chat_member": change}, ME)
    assert isinstance(event, Moved)
    assert event.here is here
    assert read({"my_chat_member": change | {"chat": PRIVATE}}, ME) is None
    assert read({"my_chat_member": change | {"new_chat_member": {"status": before}}}, ME) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = """message edited_message callback_query my_chat_member from chat id type text data message_id date is_bot
caption reply_to_message message_thread_id is_topic_message old_chat_member new_chat_member status photo sticker"""
FIELDS = st.sampled_from(NAMES.split())
SHAPED = st.recursive(
    JSON | st.sampled_from(["private", "supergroup", "/start", "member", "left", 1, -100, True, False]),
    lambda inner: st.dictionaries(FIELDS, inner, max_size=6),
    max_leaves=30,
)


@settings(max_examples=size(60, 3_000), deadline=None)
@given(SHAPED)
def test_no_update_of_any_shape_does_harm(update: Any) -> None:
    read(update, ME)


def test_half_characters_and_huge_numbers_are_read() -> None:
    assert said(json.loads(json.dumps(message("\ud83d 반쪽")))).incoming.text == "\ud83d 반쪽"
    assert read(message(sender=PERSON | {"id": 10**30}), ME) is None
    assert said(message(date=10**17)).incoming.sent_at.year >= 2026
