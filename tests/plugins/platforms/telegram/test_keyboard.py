"""Buttons: what is offered, in data that Telegram takes and that any process understands."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from bot import emotions
from bot.types import Action, Chat, Conversation, Language, Outgoing, Person, Reply
from plugins.platforms.telegram.keyboard import Rows, first_page, members, under
from tests.bot.parts import reading
from tests.servers.telegram_rules import checked_keyboard

HUGE = 10**15
HERE = Conversation(Chat("telegram", "1"), Person("telegram", "1"))
AGAIN = (Action("again", 3), Action("other", 3), Action("feedback", 3, "1"), Action("feedback", 3, "-1"))
ANSWER = Outgoing(HERE, 3, "5", "응", reading("anxiety"), Reply("응", variant=2, id=9), 3, AGAIN, final=True)


def labels(rows: Rows) -> list[list[str]]:
    return [[button.text for button in row] for row in rows]


def taken(rows: Rows) -> None:
    """Raises when Telegram would refuse."""
    keyboard = [[{"text": button.text, "callback_data": button.data} for button in row] for row in rows]
    checked_keyboard(json.dumps({"inline_keyboard": keyboard}))


def test_an_answer_offers_again_another_emotion_paging_and_thumbs() -> None:
    again, pages, thumbs = labels(under(ANSWER))
    assert again[0] == "🔁 다시"
    assert again[1].startswith("🎭")
    assert pages == ["◀", "2/3", "▶"]
    assert thumbs == ["👍", "👎"]
    steps = [Action.decode(button.data).value for button in under(ANSWER)[1]]
    assert steps == ["1", "2", "3"]


def test_while_it_is_written_an_answer_can_only_be_stopped() -> None:
    assert labels(under(replace(ANSWER, actions=(Action("stop", 3),), final=False))) == [["⏹ 멈추기"]]
    assert under(replace(ANSWER, actions=())) == ()


def test_in_a_group_nobody_is_shown_what_was_read_in_somebody_else() -> None:
    group = replace(HERE, chat=Chat("telegram", "-1", "-1", "group"))
    assert labels(under(replace(ANSWER, conversation=group)))[0][1] == "🎭"


@pytest.mark.parametrize("language", ["ko", "en"])
def test_every_emotion_can_be_chosen_in_two_steps(language: Language) -> None:
    top = first_page(HUGE, reading("joy"), language)
    taken(top)
    pages = [Action.decode(button.data).value for row in top for button in row]
    found = set()
    for group in emotions.GROUPS:
        assert f"@{group}" in pages
        page = members(HUGE, group, language)
        taken(page)
        found |= {Action.decode(button.data).value for row in page for button in row}
    assert {emotions.find(label).code for label in emotions.label_set("maum")} <= found


def test_the_first_page_offers_what_was_read_first_and_other_tones() -> None:
    rows = first_page(3, reading("anxiety"), "ko")
    assert rows[0][0].text.endswith("100%")
    assert ["더 부드럽게", "더 짧게", "더 밝게"] in labels(rows)
    assert first_page(3, None, "ko")[0][0].text == "😊 기쁨"
