"""Updates as no Telegram should send them: fields missing or of the wrong kind, and texts of every awkward sort."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

TEXTS = (
    "안녕",
    "",
    "👩‍👩‍👧‍👦" * 50,
    "‮مرحبا بالعالم" * 20,
    "\x00\x01\x02",
    "\ud83d",
    "가" * 64_000,
    "‍" * 4_000,
    "```\n" * 2_000,
    "/start",
    "/start " + "x" * 5_000,
    "/" + "a" * 300,
    "/forget chat",
    "/settings language xx",
    "/emotions 99999999999d",
    "/regenerate \n\n",
    "@maum_test_bot",
    "@maum_test_bot " * 500,
    "<b>&amp;</b> [a](tg://user?id=1) *_`~|",
    "é" * 3_000,
    "🇰🇷" * 1_000,
)
DATA = (
    "again:1:",
    "other:1:@",
    "other:2:@joy",
    "select:1:99",
    "feedback:1:1",
    "do:consent:?t",
    "9|do:help:",
    "",
    "x" * 200,
)
JUNK: tuple[Any, ...] = (None, True, -1, 0, 2**70, 1.5, "", "x", [], {}, [None], {"id": None}, "9" * 100)
KINDS = (
    "message",
    "edited_message",
    "callback_query",
    "my_chat_member",
    "channel_post",
    "poll",
    "business_message",
    "새로운",
)


def updates(count: int, seed: int = 1) -> Iterator[dict[str, Any]]:
    """So many updates, the same for the same seed. One in four is sound."""
    dice = random.Random(seed)
    for _ in range(count):
        update = {dice.choice(KINDS): _content(dice)}
        if dice.random() < 0.1:
            update[dice.choice(KINDS)] = _content(dice)
        for _ in range(dice.choice((0, 1, 1, 2, 4))):
            _spoil(update, dice)
        yield update


def _content(dice: random.Random) -> dict[str, Any]:
    person = {
        "id": dice.randint(1, 40),
        "is_bot": False,
        "first_name": "퍼즈",
        "language_code": dice.choice(("ko", "en", "xx")),
    }
    group = {"id": -dice.randint(1, 5), "type": dice.choice(("group", "supergroup", "channel", "새로운"))}
    chat = dice.choice(({"id": person["id"], "type": "private"}, group))
    message = {
        "message_id": dice.randint(1, 10**6),
        "date": dice.choice((1_700_000_000, 0, -5, 10**14)),
        "chat": chat,
        "from": person,
        "text": dice.choice(TEXTS),
    }
    if dice.random() < 0.2:
        message[dice.choice(("sticker", "photo", "voice", "poll", "새로운"))] = _junk(dice)
    if dice.random() < 0.2:
        message["reply_to_message"] = {
            "message_id": 3,
            "from": {"id": 7000000001},
            "reply_markup": _junk(dice),
        }
    if dice.random() < 0.2:
        message |= {"message_thread_id": dice.choice((1, 7, -3)), "is_topic_message": True}
    members = {"old_chat_member": {"status": "left"}, "new_chat_member": {"status": dice.choice(("member", "kicked"))}}
    return message | {"id": str(dice.random()), "data": dice.choice(DATA), "message": copy.deepcopy(message)} | members


def _junk(dice: random.Random) -> Any:
    """A copy, as what is spoilt may be spoilt further inside."""
    return copy.deepcopy(dice.choice(JUNK))


def _spoil(of: dict[str, Any], dice: random.Random) -> None:
    """Take something away, or put something else in its place, somewhere inside."""
    while True:
        key = dice.choice(list(of))
        inside = of[key]
        if isinstance(inside, dict) and inside and dice.random() < 0.7:
            of = inside
            continue
        if dice.random() < 0.5:
            of[key] = _junk(dice)
        elif len(of) > 1:
            del of[key]
        return
