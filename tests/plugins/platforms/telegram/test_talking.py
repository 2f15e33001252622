"""People talk with Maum on Telegram: the whole bot in this process, against the local server."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from tests.plugins.platforms.telegram.house import TelegramHouse, labels, open_house
from tests.servers.telegram_server import TelegramServer


async def test_a_message_is_answered_with_buttons(house: TelegramHouse) -> None:
    minji = house.person()
    answer = await house.talks(minji, "내일 발표라 떨려")
    assert answer.text == "‘내일 발표라 떨려’ 들었어 (1)."
    assert labels(answer) == ["🔁 다시", "🎭 초조한 46%", "◀", "1/1", "▶", "👍", "👎"]
    assert house.server.world.shown(house.room(minji))[0].text.startswith("나는 사람이 아니라 AI야")


async def test_several_lines_are_one_thought(server: TelegramServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEGRAM_TOKEN", server.token)
    async with open_house(server, delivery={"burst_s": 0.5, "drain_s": 1.0}) as house:
        minji = house.person()
        for line in ("있잖아", "오늘", "좀 지쳤어"):
            server.says(minji, line)
        answer = await server.answer(house.room(minji))
        assert answer.text == "‘좀 지쳤어’ 들었어 (1)."
        assert len([post for post in server.world.shown(house.room(minji)) if post.buttons]) == 1


async def test_a_double_click_starts_one_job(house: TelegramHouse) -> None:
    minji = house.person()
    answer = await house.talks(minji, "오늘 좀 지쳤어")
    house.gate.clear()
    clicks = [house.server.clicks(minji, answer, "🔁") for _ in range(3)]
    toasts = [await house.toast(click) for click in clicks]
    house.gate.set()
    await house.server.until(lambda: "2/2" in labels(answer))
    assert toasts == ["다시 생각해 볼게.", *["벌써 하고 있어. 조금만 기다려 줘."] * 2]
    assert answer.text == "‘오늘 좀 지쳤어’ 들었어 (2)."


async def test_variants_can_be_paged_and_rated(house: TelegramHouse) -> None:
    minji = house.person()
    answer = await house.talks(minji, "오늘 좀 지쳤어")
    house.server.clicks(minji, answer, "🔁")
    await house.server.until(lambda: "2/2" in labels(answer))
    house.server.clicks(minji, answer, "◀")
    await house.server.until(lambda: "1/2" in labels(answer))
    assert answer.text.endswith("(1).")
    assert await house.toast(house.server.clicks(minji, answer, "👍")) == "알려 줘서 고마워."
    assert await house.toast(house.server.clicks(minji, answer, "◀")) == ""  # there is none before the first


async def test_an_emotion_is_chosen_in_the_keyboard_in_place(house: TelegramHouse) -> None:
    minji = house.person()
    answer = await house.talks(minji, "내일 발표라 떨려")
    house.server.clicks(minji, answer, "🎭")
    await house.server.until(lambda: "😳 당황" in labels(answer))
    assert labels(answer)[0].endswith("초조한 46%")
    house.server.clicks(minji, answer, "😊 기쁨")
    await house.server.until(lambda: "🎭" not in "".join(labels(answer)) and "‹ 😊 기쁨" in labels(answer))
    house.server.clicks(minji, answer, "‹")
    await house.server.until(lambda: "↩ 닫기" in labels(answer) and "😳 당황" in labels(answer))
    house.server.clicks(minji, answer, "닫기")
    await house.server.until(lambda: "🔁 다시" in labels(answer))
    house.server.clicks(minji, answer, "🎭")
    await house.server.until(lambda: "😰 불안" in labels(answer))
    house.server.clicks(minji, answer, "😰 불안")
    await house.server.until(lambda: any("두려운" in label for label in labels(answer)))
    house.server.clicks(minji, answer, "두려운")
    await house.server.until(lambda: "2/2" in labels(answer))
    assert labels(answer)[1] == "🎭 두려운 100%"


async def test_only_who_asked_or_a_moderator_may_press(house: TelegramHouse) -> None:
    minji, stranger, chief = house.person(), house.person("다른 사람"), house.person("관리자")
    group = house.server.world.group(minji, stranger, admins=(chief,))
    answer = await house.talks(minji, "@maum_test_bot 오늘 좀 지쳤어", group)
    for button in ("🔁", "🎭", "👍"):
        toast = await house.toast(house.server.clicks(stranger, answer, button))
        assert toast == "이건 다른 사람의 대화야. 물어본 사람만 바꿀 수 있어."
    await house.toast(house.server.clicks(chief, answer, "🔁"))
    await house.server.until(lambda: "2/2" in labels(answer))


async def test_a_slow_answer_grows_and_can_be_stopped(house: TelegramHouse) -> None:
    minji = house.person()
    house.server.says(minji, "오늘은 느리게 걸었어")
    growing = (await house.server.until(lambda: [p for p in house.server.world.shown(house.room(minji)) if p.edits]))[0]
    assert labels(growing) == ["⏹ 멈추기"]
    assert await house.toast(house.server.clicks(minji, growing, "멈추기")) == "멈출게."
    await house.server.until(lambda: "🔁 다시" in labels(growing))
    assert growing.text.endswith("…(멈췄어)")


async def test_in_a_group_edits_are_three_seconds_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    pace = 4.0  # lateness is pace times as long, too
    async with TelegramServer(pace=pace) as server:
        monkeypatch.setenv("TELEGRAM_TOKEN", server.token)
        async with open_house(server, telegram={"pace": pace}) as house:
            minji = house.person()
            group = server.world.group(minji)
            answer = await house.talks(minji, "@maum_test_bot 오늘은 느리게 걸었어", group)
            await house.toast(server.clicks(minji, answer, "🔁"))
            await server.until(lambda: "2/2" in labels(answer))
        edits = [call.at * pace for call in server.calls("editMessageText")]
        assert len(edits) >= 4
        assert min(later - earlier for earlier, later in pairwise(edits)) >= 3
        assert not [call for call in server.log if call.error]


async def test_what_cannot_be_read_gets_an_honest_word(house: TelegramHouse) -> None:
    contents: dict[str, dict[str, Any]] = {
        "스티커": {"sticker": {"emoji": "😢"}},
        "사진": {"photo": [{}]},
        "목소리": {"voice": {}},
        "읽을 수 없어": {"poll": {}},
    }
    people = {word: house.person() for word in contents}
    for word, minji in people.items():
        house.server.sends(minji, contents[word])
    for word, minji in people.items():
        await house.said(house.room(minji), word)


async def test_the_words_under_a_picture_are_answered(house: TelegramHouse) -> None:
    minji = house.person()
    house.server.sends(minji, {"photo": [{}], "caption": "우리 강아지야"})
    assert (await house.server.answer(house.room(minji))).text.startswith("‘우리 강아지야’")
    await house.said(house.room(minji), "사진이나 영상은 볼 수 없어")


async def test_an_edited_message_is_answered_anew_on_a_press(house: TelegramHouse) -> None:
    minji = house.person()
    answer = await house.talks(minji, "오늘 좋았어")
    asked = next(post for post in house.server.world.posts.values() if post.text == "오늘 좋았어")
    house.server.edits(asked, "오늘 안 좋았어")
    await house.server.until(lambda: "고쳤네" in answer.text)
    house.server.clicks(minji, answer, "🔁")
    await house.server.until(lambda: answer.text == "‘오늘 안 좋았어’ 들었어 (2).")


async def test_a_long_answer_is_paged_without_leaving_pieces(house: TelegramHouse) -> None:
    minji = house.person()
    room = house.room(minji)
    answer = await house.talks(minji, "길게 9000")
    assert len([p for p in house.server.world.shown(room) if p.text and "AI야" not in p.text]) == 3
    asked = next(post for post in house.server.world.posts.values() if post.text == "길게 9000")
    house.server.edits(asked, "짧게")
    await house.server.until(lambda: "고쳤네" in answer.text)
    house.server.clicks(minji, answer, "🔁")
    await house.said(room, "‘짧게’ 들었어 (2).")
    await house.server.until(lambda: len([p for p in house.server.world.shown(room) if "AI야" not in p.text]) == 1)
    short = next(p for p in house.server.world.shown(room) if p.buttons)
    house.server.clicks(minji, short, "◀")
    await house.server.until(lambda: len([p for p in house.server.world.shown(room) if "AI야" not in p.text]) == 3)
    last = house.server.world.shown(room)[-1]
    await house.server.until(lambda: "1/2" in labels(last))
    house.server.clicks(minji, last, "▶")
    await house.server.until(lambda: len([p for p in house.server.world.shown(room) if "AI야" not in p.text]) == 1)


async def test_in_a_group_only_what_is_meant_for_it_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    async with TelegramServer(privacy=False, flood=False) as server:
        monkeypatch.setenv("TELEGRAM_TOKEN", server.token)
        async with open_house(server) as house:
            minji = house.person()
            group = server.world.group(minji, topics=(7,))
            server.says(minji, "우리끼리 하는 말", group)
            answer = await house.talks(minji, "@maum_test_bot 안녕", group, thread=7)
            assert (answer.thread, answer.text) == (7, "‘안녕’ 들었어 (1).")
            reply = await house.talks(minji, "그래서 말인데", group, thread=7, reply_to=answer.id)
            assert reply.reply_to == next(p.id for p in server.world.posts.values() if p.text == "그래서 말인데")
            assert not any("우리끼리" in call.asked.get("text", "") for call in server.log)


async def test_where_moderators_chose_so_every_message_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    async with TelegramServer(privacy=False, flood=False) as server:
        monkeypatch.setenv("TELEGRAM_TOKEN", server.token)
        async with open_house(server) as house:
            chief = house.person("관리자")
            group = server.world.group(admins=(chief,))
            server.says(chief, "안녕", house.room(chief))
            server.says(chief, "/settings channels 1", group)
            await house.said(house.room(chief), "channels → 1")
            answer = await house.talks(chief, "아무도 안 불렀지만", group)
            assert answer.text.startswith("‘아무도 안 불렀지만’")


async def test_who_writes_too_fast_is_told_once(server: TelegramServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEGRAM_TOKEN", server.token)
    async with open_house(server, limits={"per_minute": 1, "burst": 2}) as house:
        minji = house.person()
        for number in range(20):
            server.says(minji, f"말 {number}")
        await house.said(house.room(minji), "조금 천천히")
        await asyncio.sleep(0.5)
        assert len([c for c in server.calls("sendMessage") if "천천히" in c.asked["text"]]) == 1


async def test_when_too_many_wait_a_newcomer_hears_so(server: TelegramServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEGRAM_TOKEN", server.token)
    async with open_house(server, delivery={"queue": 1, "burst_s": 0.1, "drain_s": 1.0}) as house:
        first, second = house.person(), house.person()
        server.says(first, "오늘은 느리게 걸었어")
        await server.until(lambda: server.world.shown(house.room(first)))
        server.says(second, "나는?")
        await house.said(house.room(second), "너무 많아")


async def test_somebody_elses_channel_and_another_bots_words_are_left_alone(house: TelegramHouse) -> None:
    minji = house.person()
    house.server.updates.push_raw(
        {"channel_post": {"message_id": 1, "chat": {"id": -5, "type": "channel"}, "text": "a"}}
    )
    house.server.updates.push_raw({"inline_query": {"id": "1", "query": "?"}})
    assert (await house.talks(minji, "안녕")).text == "‘안녕’ 들었어 (1)."


async def test_a_person_in_danger_reads_where_help_is(house: TelegramHouse) -> None:
    minji = house.person()
    house.server.says(minji, "죽고 싶어. 유서도 써 놨어.")
    care = await house.said(house.room(minji), "109")
    await house.server.until(lambda: not care.buttons)  # it is not asked for again


async def test_an_old_or_foreign_button_is_answered_too(house: TelegramHouse) -> None:
    minji = house.person()
    answer = await house.talks(minji, "안녕")
    for data in (
        "",
        "x",
        "again:999999:",
        "again:abc:",
        "do:unknown:",
        "do:",
        "|do:help:",
        "other:1:@nowhere",
        "select:1:9",
    ):
        assert isinstance(await house.toast(house.server.presses(minji, answer, data)), str)
