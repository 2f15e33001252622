"""From a snapshot to messages of at most 2,000 characters, and the nonce by which each is sent once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.types import Chat, Conversation, Outgoing, Person, Reply
from plugins.platforms._splitting import utf16
from plugins.platforms.discord.parts import LIMIT
from plugins.platforms.discord.place import Place, age_s
from plugins.platforms.discord.texts import NONCE, nonce, texts
from tests.plugins.platforms.discord.conftest import rejoined

HERE = Conversation(Chat("discord", "1"), Person("discord", "2"))
BLOCK = "```python\nprint('😭')\n```\n"


def _outgoing(text: str, **more: object) -> Outgoing:
    return Outgoing(HERE, 7, "1575618522061471748", text, final=True, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("length", [1, LIMIT - 1, LIMIT, LIMIT + 1, 5 * LIMIT])
@pytest.mark.parametrize("piece", ["가", "😭", "🤷‍♀️ ", "문장이야. ", BLOCK])
def test_joined_again_the_parts_are_the_text(piece: str, length: int) -> None:
    text = (piece * length)[:length].strip() + "끝"
    parts = texts(_outgoing(text))
    assert rejoined(parts) == text
    assert all(0 < utf16(part) <= LIMIT and part == part.strip() for part in parts)


@given(st.text(max_size=6_000))
def test_whatever_the_text_each_part_can_be_sent(text: str) -> None:
    parts = texts(_outgoing(text))
    assert rejoined(parts) == text.strip() or len(parts) == 1
    assert all(part and part == part.strip() and utf16(part) <= LIMIT for part in parts)


FENCES, GUARDS = ["```python\n", "```\n", "~~~\n"], ["\u200b", "\u2060"]
PIECES = st.lists(st.sampled_from([*FENCES, *GUARDS, "x" * 900, "😭" * 500, "끝. ", "\n", " "]))


@given(PIECES)
def test_torn_code_and_blanks_come_back_whole(pieces: list[str]) -> None:
    text = "가" + "".join(pieces) + "끝"
    parts = texts(_outgoing(text))
    assert rejoined(parts) == text
    assert all(part and part == part.strip() and utf16(part) <= LIMIT for part in parts)


def test_a_code_block_that_is_torn_is_closed_and_opened_again_in_its_language() -> None:
    lines = "".join(f"print({number})  # 😭\n" for number in range(300))
    parts = texts(_outgoing(f"봐:\n```python\n{lines}```\n끝"))
    assert len(parts) > 2
    assert [part.count("```") for part in parts] == [0] + [2] * (len(parts) - 1)
    assert all(part.startswith("```python\n") for part in parts[1:])
    assert not any("\n```\n```" in part for part in parts), "no empty block"


def test_a_code_block_that_fits_is_not_torn() -> None:
    text = "가나다 라마바.\n" * 240 + BLOCK
    assert any(BLOCK.strip() in part for part in texts(_outgoing(text)))


def test_a_notice_stands_under_what_was_said() -> None:
    assert texts(_outgoing("반쪽 답", notice="cut"))[0].startswith("반쪽 답\n…")


def test_a_nonce_is_short_and_tells_parts_variants_and_messages_apart() -> None:
    first = _outgoing("답", reply=Reply("답", variant=1), variants=1)
    second = _outgoing("답", reply=Reply("답", variant=2), variants=2)
    begun = Outgoing(HERE, 7, first.answers)
    nonces = [nonce(first, 0), nonce(first, 1), nonce(second, 0), nonce(_outgoing("답"), 0)]
    assert all(len(one) <= NONCE for one in nonces)
    assert len(set(nonces[:3])) == 3
    assert nonce(first, 1, 1) != nonce(first, 1), "what was taken away and comes back is another message"
    assert nonce(begun, 0) == nonce(first, 0), "the placeholder is the first variant's message"
    assert nonce(Outgoing(HERE, 7, "1575618522061471749"), 0) != nonce(begun, 0), "another database, another message"


def test_a_place_is_text_that_another_process_understands() -> None:
    place = Place.of_interaction(1, "a.token/with:all=signs")
    assert Place.decode(place.encode()) == place
    assert place.open_token
    assert not Place(1, (2,), "old", 1).open_token


def test_an_id_says_when_it_was_given_out() -> None:
    assert age_s(1575618522061471748) > -3_600
