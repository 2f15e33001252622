"""Consent, rights and commands on Telegram: the whole bot in this process, against the local server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from bot import commands
from bot.said import Choice
from bot.types import Chat, Person
from plugins.platforms.telegram.saying import Owner
from tests.plugins.platforms.telegram.house import TelegramHouse, is_form, labels, open_house
from tests.servers.telegram_server import TelegramServer

#: what somebody new types → a word of what they read
SAID = {
    "/start": "/regenerate",
    "/help": "/mood",
    "/help@maum_test_bot": "/privacy",
    "/privacy": "30일",
    "/persona": "친구",
    "/reset": "나눈 이야기가 없어",
    "/mood": "감정 기록",
    "/emotion": "나눈 이야기가 없어",
    "/settings": "persona",
    "/emotions": "관리자",
    "/dance": "/dance라는 명령은 없어",
    "/regenerate": "나눈 이야기가 없어",
}


@pytest.fixture
async def asking(server: TelegramServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[TelegramHouse]:
    """A house that asks everybody for consent."""
    monkeypatch.setenv("TELEGRAM_TOKEN", server.token)
    async with open_house(server, consent={"default": "ask"}) as house:
        yield house


async def test_before_consent_nothing_is_kept_and_nothing_is_ticked(asking: TelegramHouse) -> None:
    minji = asking.person()
    asking.server.says(minji, "내일 발표라 떨려")
    asking.server.says(minji, "잠도 안 와")
    form = await asking.form(asking.room(minji))
    assert "나는 사람이 아니라 AI야" in form.text
    assert "아직 저장하지 않았어" in form.text
    assert not any("☑" in label for label in labels(form))
    person = Person("telegram", str(minji.id))
    assert (await asking.app.privacy.export(person))["tables"].get("messages", []) == []
    await asking.agrees(minji, form)
    answer = await asking.server.answer(asking.room(minji))
    assert "들었어 (1)." in answer.text
    assert await asking.app.privacy.scopes(person) == {"talk"}
    assert len([p for p in asking.server.world.posts.values() if is_form(p)]) == 0  # it gave way to a word of thanks
    assert "고마워" in form.text


async def test_agreeing_without_the_needed_tick_says_what_is_missing(asking: TelegramHouse) -> None:
    minji = asking.person()
    asking.server.says(minji, "/start")
    form = await asking.form(asking.room(minji))
    asking.server.clicks(minji, form, "☐ 감정 기록하기")
    await asking.server.until(lambda: any("☑ 감정 기록하기" in label for label in labels(form)))
    asking.server.clicks(minji, form, "동의하고 시작")
    await asking.server.until(lambda: "'대화하기'에는 동의가 필요해" in form.text)
    asking.server.clicks(minji, form, "동의 안 해")
    await asking.server.until(lambda: "아무것도 저장하지 않았어" in form.text)
    assert await asking.app.privacy.scopes(Person("telegram", str(minji.id))) == frozenset()


async def test_in_a_group_only_the_one_who_is_asked_can_open_and_tick(asking: TelegramHouse) -> None:
    minji, other = asking.person(), asking.person("다른 사람")
    group = asking.server.world.group(minji, other)
    asking.server.says(minji, "@maum_test_bot 안녕", group)
    short = await asking.said(group, "민지", "동의가 필요해")
    assert len(short.text) < 150
    click = asking.server.clicks(other, short, "내용 보고")
    assert "다른 사람의 대화" in await asking.toast(click)
    asking.server.clicks(minji, short, "내용 보고")
    await asking.server.until(lambda: is_form(short))
    assert "다른 사람의 대화" in await asking.toast(asking.server.clicks(other, short, "☐ 대화하기"))
    await asking.agrees(minji, short)
    answer = await asking.server.answer(group)
    assert answer.text == "‘안녕’ 들었어 (1)."
    assert await asking.app.privacy.scopes(Person("telegram", str(other.id))) == frozenset()


async def test_whoever_paused_is_told_how_to_go_on(asking: TelegramHouse) -> None:
    minji = asking.person()
    asking.server.says(minji, "/start")
    await asking.agrees(minji, await asking.form(asking.room(minji)))
    asking.server.says(minji, "/pause")
    await asking.said(asking.room(minji), "멈췄어")
    asking.server.says(minji, "아직 있어?")
    await asking.said(asking.room(minji), "/resume")
    asking.server.says(minji, "/resume")
    await asking.said(asking.room(minji), "다시 시작했어")
    await asking.talks(minji, "이제 괜찮아")


async def test_an_english_person_reads_english(asking: TelegramHouse) -> None:
    john = asking.person("John", "en")
    asking.server.says(john, "/start")
    form = await asking.form(asking.room(john))
    assert "I am an AI, not a person" in form.text
    assert not any("동의" in label for label in labels(form))


async def test_every_command_says_something(house: TelegramHouse) -> None:
    people = {command: house.person() for command in SAID}
    for command, minji in people.items():
        house.server.says(minji, command)
    for command, minji in people.items():
        await house.said(house.room(minji), SAID[command])


async def test_my_mood_comes_as_a_picture(house: TelegramHouse) -> None:
    minji = house.person()
    await house.talks(minji, "내일 발표라 떨려")
    house.server.says(minji, "/mood")
    await house.server.until(lambda: house.server.methods.files)
    (picture,) = house.server.methods.files.values()
    assert picture.data.startswith(b"\x89PNG")


async def test_whoever_sends_commands_too_fast_is_told_once(
    server: TelegramServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TELEGRAM_TOKEN", server.token)
    async with open_house(server, limits={"per_minute": 1, "burst": 2}) as house:
        minji = house.person()
        for _ in range(20):
            server.says(minji, "/help")
        await house.said(house.room(minji), "조금 천천히")
        await server.until(lambda: len(server.calls("sendMessage")) == 3)


async def test_all_my_records_come_as_files(house: TelegramHouse) -> None:
    minji = house.person()
    await house.talks(minji, "내일 발표라 떨려")
    house.server.says(minji, "/export")
    await house.server.until(lambda: len(house.server.methods.files) == 2)
    files = {upload.name: upload.data for upload in house.server.methods.files.values()}
    assert "내일 발표라 떨려" in json.dumps(json.loads(files["maum.json"]), ensure_ascii=False)
    assert "내일 발표라 떨려" in files["maum.html"].decode()


async def test_forgetting_asks_first_and_then_leaves_nothing(house: TelegramHouse) -> None:
    minji = house.person()
    await house.talks(minji, "내일 발표라 떨려")
    house.server.says(minji, "/forget")
    question = await house.said(house.room(minji), "되돌릴 수 없어")
    house.server.clicks(minji, question, "모든 것 지우기")
    await house.server.until(lambda: "지웠어" in question.text)
    exported = await house.app.privacy.export(Person("telegram", str(minji.id)))
    assert not exported["tables"].get("messages")


async def test_an_answer_is_asked_for_again_by_command_also_an_older_one(house: TelegramHouse) -> None:
    minji = house.person()
    first = await house.talks(minji, "내일 발표라 떨려")
    second = await house.talks(minji, "끝나고 다들 웃어 줬어")
    house.server.says(minji, "/regenerate 짧게")
    await house.server.until(lambda: "2/2" in labels(second))
    house.server.says(minji, "/regenerate 두려운", reply_to=first.id)
    await house.server.until(lambda: "2/2" in labels(first))
    assert labels(first)[1] == "🎭 두려운 100%"
    house.server.says(minji, "/emotion", reply_to=first.id)
    await house.said(house.room(minji), "이렇게 읽었어", "두려운")


async def test_chat_is_a_message(house: TelegramHouse) -> None:
    minji = house.person()
    house.server.says(minji, "/chat 안녕")
    assert (await house.server.answer(house.room(minji))).text == "‘안녕’ 들었어 (1)."


async def test_the_persona_is_chosen_by_a_press(house: TelegramHouse) -> None:
    minji = house.person()
    house.server.says(minji, "/persona")
    choice = await house.said(house.room(minji), "모습")
    house.server.clicks(minji, choice, "유쾌한")
    await house.server.until(lambda: choice.text == "그렇게 할게.")


async def test_moderators_see_their_own_groups_log_in_private_only(house: TelegramHouse) -> None:
    minji, chief, guest = house.person(), house.person("관리자"), house.person("손님")
    group = house.server.world.group(minji, guest, admins=(chief,))
    await house.talks(minji, "@maum_test_bot 내일 발표라 떨려", group)
    house.server.says(guest, "안녕")  # who has never written to the bot can get no private answer
    house.server.says(guest, "/emotions", group)
    await house.said(group, "관리자만 볼 수 있어")
    house.server.says(chief, "/emotions 7d", group)
    pointer = await house.said(group, "개인 대화로")
    assert pointer.buttons[0]["url"].startswith("https://t.me/maum_test_bot")
    house.server.says(chief, "안녕")
    house.server.says(chief, "/emotions 7d 불안", group)
    log = await house.said(house.room(chief), "초조한")
    assert "발표" not in log.text  # no texts
    assert not any("초조한" in post.text for post in house.server.world.shown(group))


async def test_a_setting_changed_in_private_is_the_groups(house: TelegramHouse) -> None:
    chief = house.person("관리자")
    group = house.server.world.group(admins=(chief,))
    house.server.says(chief, "안녕")
    await house.server.answer(house.room(chief))
    house.server.says(chief, "/settings@maum_test_bot", group)  # by name: it has not spoken here yet
    shown = await house.said(house.room(chief), "channels")
    house.server.clicks(chief, shown, "en")
    await house.server.until(lambda: "language → en" in shown.text)
    assert (await house.app.spaces.at(Chat("telegram", str(group.id), str(group.id), "group"))).language == "en"
    house.server.clicks(chief, shown, "되돌리기")
    await house.server.until(lambda: "되돌렸어" in shown.text)


async def test_when_the_bot_leaves_a_group_what_it_kept_there_goes(house: TelegramHouse) -> None:
    minji = house.person()
    group = house.server.world.group(minji)
    group.bot = "left"  # without an event: what that lets go would be under way while they talk
    house.server.bot_becomes(group, "member", minji)
    hello = await house.said(group, "나는 마음이야")
    assert "나를 부른 말만" in hello.text
    await house.talks(minji, "@maum_test_bot 내일 발표라 떨려", group)
    person = Person("telegram", str(minji.id))
    assert (await house.app.privacy.export(person))["tables"]["messages"]
    house.server.bot_becomes(group, "kicked", minji)
    async with asyncio.timeout(20):
        while (await house.app.privacy.export(person))["tables"].get("messages"):
            await asyncio.sleep(0.05)


async def test_the_menu_is_there_in_both_languages(house: TelegramHouse) -> None:
    await house.server.until(lambda: len(house.server.methods.menus) == 3)
    korean = house.server.methods.menus["default/ko"]
    assert {command["command"] for command in korean} == {"start", "chat", *commands.COMMANDS}
    assert korean[1]["description"] == "마음에게 말을 걸어요"
    assert house.server.methods.menus["default/"] == house.server.methods.menus["default/en"]


def test_a_buttons_data_keeps_whose_it_is_and_what_it_is_about() -> None:
    choice = Choice("기본", "settings", "strategy empathise")
    for owner in (Owner(), Owner("7000000001"), Owner(None, "-1001234567890/12"), Owner("7000000001", "-1001234567")):
        data = owner.encode(choice)
        assert Owner.decode(data) == (owner, "settings", "strategy empathise")
        assert len(data.encode()) <= 64
    for data in ("again:1:", "x|do", "a|do:help:", ""):
        with pytest.raises(ValueError):
            Owner.decode(data)
