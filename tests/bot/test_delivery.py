"""Delivery over a real database: nothing lost, nothing doubled, everything in order, and always a word."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from bot.errors import Refusal, ReplyError
from bot.types import Action, Chat, Conversation, Outgoing, Person
from tests.house import CHAT, PERSON, House, open_house

OTHER = Person("test", "jun")


def _texts(outgoing: Outgoing) -> list[str]:
    return [action.encode() for action in outgoing.actions]


async def test_a_message_is_read_answered_stored_and_shown(house: House) -> None:
    house.replier.answers.append("정말 좋았겠다. 무슨 일이야?")
    shown = await house.say("오늘 너무 좋아")
    assert (shown.text, shown.final, shown.notice) == ("정말 좋았겠다. 무슨 일이야?", True, "")
    assert shown.reading is not None
    assert shown.reading.top.label == "기쁨"
    assert shown.reply is not None
    assert (shown.reply.variant, shown.reply.hit, shown.variants) == (1, True, 1)
    (exchange,) = await house.app.desk.conversations.transcript(house.incoming("").conversation)
    assert (exchange.text, exchange.reply) == ("오늘 너무 좋아", shown.reply)


async def test_a_placeholder_is_shown_first_and_the_same_handle_is_used_to_the_end(house: House) -> None:
    shown = await house.say("안녕")
    first = house.platform.shown[0]
    assert (first.text, first.final, [a.kind for a in first.actions]) == ("", False, ["stop"])
    assert house.platform.handles[0] is None
    assert set(house.platform.handles[1:]) == {f"handle-{shown.message}"}


async def test_a_message_that_is_delivered_twice_is_answered_once(house: House) -> None:
    incoming = house.incoming("안녕", message_id="same")
    first, second = await asyncio.gather(house.app.delivery.receive(incoming), house.app.delivery.receive(incoming))
    assert {first.outcome, second.outcome} == {"accepted", "duplicate"}
    await house.platform.final(first.message or second.message or 0)
    await house.app.delivery.drain()
    assert len(house.replier.prompts) == 1


async def test_lines_that_follow_each_other_are_read_as_one_thought(tmp_path: Path) -> None:
    async with open_house(tmp_path, delivery={"burst_s": 0.1, "drain_s": 1.0}) as house:
        receipts = [
            await house.app.delivery.receive(house.incoming(line)) for line in ("있잖아", "나 오늘", "너무 슬퍼")
        ]
        last = receipts[-1].message
        assert last is not None
        shown = await house.platform.final(last)
        assert len(house.replier.prompts) == 1
        assert house.classifier.asked[0].text == "있잖아\n나 오늘\n너무 슬퍼"
        assert shown.reading is not None
        assert shown.reading.group == "sadness"
        assert {outgoing.message for outgoing in house.platform.shown} == {last}


async def test_one_conversation_is_answered_in_order_while_others_go_on(house: House) -> None:
    receipts = [
        await house.app.delivery.receive(house.incoming(f"말 {n}", person, lone=True))
        for n in range(3)
        for person in (PERSON, OTHER)
    ]
    for receipt in receipts:
        await house.platform.final(receipt.message or 0)
    for person in (PERSON, OTHER):
        mine = [o.message for o in house.platform.shown if o.final and o.conversation.person == person]
        assert mine == sorted(mine)


async def test_history_holds_only_ones_own_conversation(house: House) -> None:
    await house.say("내 비밀은 사과야")
    await house.say("남의 비밀은 배야", OTHER)
    await house.say("다른 방의 비밀은 감이야", PERSON, Chat("test", "other room"))
    await house.say("내 비밀이 뭐였지?")
    seen = " ".join(turn.text for turn in house.replier.prompts[-1].turns)
    assert "사과" in seen
    assert "배야" not in seen
    assert "감이야" not in seen


async def test_without_consent_nothing_is_stored(tmp_path: Path) -> None:
    async with open_house(tmp_path, consent={"default": "ask"}) as house:
        incoming = house.incoming("들리니")
        with pytest.raises(Refusal, match="consent_required"):
            await house.app.delivery.receive(incoming)
        assert await house.app.desk.conversations.transcript(incoming.conversation) == []
        assert house.classifier.asked == []


async def test_without_consent_to_the_log_the_emotion_is_shown_but_not_kept(tmp_path: Path) -> None:
    async with open_house(tmp_path, consent={"default": "ask"}) as house:
        await house.app.privacy.consent(PERSON, ["talk"])
        shown = await house.say("너무 슬퍼")
        assert shown.reading is not None
        (exchange,) = await house.app.desk.conversations.transcript(shown.conversation)
        assert exchange.reading is None
        await house.app.delivery.act(Action("correct", shown.message, "lonely"), PERSON)
        (exchange,) = await house.app.desk.conversations.transcript(shown.conversation)
        assert exchange.reading is None


@pytest.mark.parametrize("text", ["", "  \n ", "\x00"])
async def test_an_empty_message_gets_a_clear_word(house: House, text: str) -> None:
    with pytest.raises(Refusal, match="empty"):
        await house.app.delivery.receive(house.incoming(text))


@pytest.mark.parametrize(
    "text",
    [
        "😀" * 30,
        "مرحبا كيف حالك",
        "안녕 hello こんにちは",
        "\u202etxet",
        "가" * 20_000,
        "ㅋ",
        "a\x00b",
        "👨‍👩‍👧‍👦",
        "a\ud800b",
    ],
)
async def test_odd_messages_are_answered_and_kept_whole(house: House, text: str) -> None:
    shown = await house.say(text)
    assert shown.text == "그랬구나."
    (exchange,) = await house.app.desk.conversations.transcript(shown.conversation)
    assert exchange.text == text.replace("\x00", "").replace("\ud800", "?")


async def test_a_message_longer_than_the_limit_is_refused_with_both_lengths(house: House) -> None:
    with pytest.raises(Refusal) as refusal:
        await house.app.delivery.receive(house.incoming("가" * 100_000))
    assert refusal.value.facts == {"limit": 20_000, "length": 100_000}


async def test_writing_too_fast_is_refused_with_the_seconds_to_wait(tmp_path: Path) -> None:
    async with open_house(tmp_path, limits={"burst": 2, "per_minute": 6}) as house:
        await house.app.delivery.receive(house.incoming("하나"))
        await house.app.delivery.receive(house.incoming("둘"))
        with pytest.raises(Refusal) as refusal:
            await house.app.delivery.receive(house.incoming("셋"))
        assert refusal.value.facts["seconds"] == 10


async def test_when_every_replier_fails_the_person_hears_why(house: House) -> None:
    house.replier.answers.append(ReplyError("quota"))
    shown = await house.say("안녕")
    assert (shown.text, shown.notice, shown.final) == ("", "quota", True)
    assert [action.kind for action in shown.actions][:1] == ["again"]


async def test_a_fault_in_one_conversation_stops_no_other(house: House) -> None:
    house.replier.answers.append(7)  # type: ignore[arg-type]  # a replier that breaks its contract
    shown = await house.say("안녕")
    assert shown.notice == "failed"
    assert (await house.say("안녕", OTHER)).text == "그랬구나."


async def test_a_platform_that_fails_twice_still_shows_the_answer(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.screen.RETRIES_S", (0.01, 0.01, 0.01))
    house.platform.failures = 2
    assert (await house.say("안녕")).text == "그랬구나."


@pytest.mark.parametrize("error", [None, ReplyError("busy")])
async def test_an_answer_waits_for_a_platform_that_is_away_and_holds_no_place(
    house: House, monkeypatch: pytest.MonkeyPatch, error: ReplyError | None
) -> None:
    monkeypatch.setattr("bot.screen.RETRIES_S", ())
    if error:
        house.replier.answers.append(error)
    house.replier.answers.append("하나 둘 셋 넷 다섯")
    house.replier.gate.clear()
    receipt = await house.app.delivery.receive(house.incoming("안녕", lone=True))
    await house.replier.asked.wait()  # no longer: an error is not to be shown before
    house.platform.away = True
    house.replier.gate.set()
    while house.app.delivery._lanes:
        await asyncio.sleep(0.01)
    assert await house.app.desk.jobs.open_messages(Conversation(CHAT, PERSON)) == {receipt.message}
    house.platform.away = False
    assert await house.app.delivery.recover() == 1
    assert receipt.message is not None
    assert (await house.platform.final(receipt.message)).text == "하나 둘 셋 넷 다섯"


async def test_nobody_waits_for_a_platform_for_ever(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.screen.RETRIES_S", ())
    monkeypatch.setattr("bot.answering.WAIT_MS", 0)
    house.platform.away = True
    await house.app.delivery.receive(house.incoming("안녕"))
    while house.app.delivery._lanes:
        await asyncio.sleep(0.01)
    assert await house.app.desk.jobs.open_messages(Conversation(CHAT, PERSON)) == frozenset()


async def test_without_a_classifier_the_answer_comes_without_an_emotion(house: House) -> None:
    house.classifier.broken = True
    shown = await house.say("안녕")
    assert (shown.text, shown.reading) == ("그랬구나.", None)
    assert shown.reply is not None
    assert shown.reply.hit is None


async def test_again_adds_a_variant_and_leaves_the_rejected_answer_out_of_the_history(house: House) -> None:
    house.replier.answers.extend(["첫 답이야.", "둘째 답이야."])
    shown = await house.say("안녕")
    await house.app.delivery.act(Action("again", shown.message, "softer"), PERSON)
    second = await house.platform.final(shown.message, 2)
    assert second.reply is not None
    assert (second.text, second.reply.variant, second.variants) == ("둘째 답이야.", 2, 2)
    prompt = house.replier.prompts[-1]
    assert prompt.rejected == ("첫 답이야.",)
    assert prompt.aim.tone == "softer"
    assert [turn.text for turn in prompt.turns] == ["안녕"]
    assert f"select:{shown.message}:1" in _texts(second)


async def test_the_shown_variant_is_the_one_in_the_next_answers_history(house: House) -> None:
    house.replier.answers.extend(["첫 답이야.", "둘째 답이야."])
    shown = await house.say("안녕")
    await house.app.delivery.act(Action("again", shown.message), PERSON)
    await house.platform.final(shown.message, 2)
    receipt = await house.app.delivery.act(Action("select", shown.message, "1"), PERSON)
    assert receipt.outgoing is not None
    assert receipt.outgoing.text == "첫 답이야."
    await house.say("그다음은?")
    assert [turn.text for turn in house.replier.prompts[-1].turns] == ["안녕", "첫 답이야.", "그다음은?"]


async def test_an_older_message_can_be_regenerated_with_the_history_up_to_it(house: House) -> None:
    old = await house.say("하나")
    await house.say("둘")
    await house.app.delivery.act(Action("again", old.message), PERSON)
    await house.platform.final(old.message, 2)
    assert [turn.text for turn in house.replier.prompts[-1].turns] == ["하나"]


async def test_another_emotion_corrects_the_reading_and_answers_to_it(house: House) -> None:
    shown = await house.say("오늘 혼자 밥 먹었어")
    await house.app.delivery.act(Action("other", shown.message, "lonely"), PERSON)
    second = await house.platform.final(shown.message, 2)
    assert second.reading is not None
    assert (second.reading.top.label, second.reading.sure, second.reading.model) == ("외로운", True, "person")
    reading = house.replier.prompts[-1].turns[-1].reading
    assert reading is not None
    assert reading.top.label == "외로운"


async def test_a_double_click_starts_one_job(house: House) -> None:
    shown = await house.say("안녕")
    clicks = [house.app.delivery.act(Action("again", shown.message), PERSON) for _ in range(5)]
    results = await asyncio.gather(*clicks, return_exceptions=True)
    assert sorted(getattr(r, "code", "accepted") for r in results) == ["accepted", *["already"] * 4]
    await house.platform.final(shown.message, 2)
    assert len(house.replier.prompts) == 2


async def test_a_failed_regenerate_leaves_the_old_answer_standing(house: House) -> None:
    shown = await house.say("안녕")
    house.replier.answers.append(ReplyError("busy"))
    await house.app.delivery.act(Action("again", shown.message), PERSON)
    second = await house.platform.final(shown.message, 2)
    assert (second.text, second.notice, second.variants) == (shown.text, "busy", 1)


async def test_stop_keeps_what_was_written(house: House) -> None:
    house.replier.answers.append("첫 문장이야. 둘째 문장이야. 셋째 문장은 아주 길어서 끝나지 않아.")
    house.replier.gate.clear()
    receipt = await house.app.delivery.receive(house.incoming("길게 말해 줘", lone=True))
    assert receipt.message is not None
    while not any(outgoing.text for outgoing in house.platform.shown):
        await asyncio.sleep(0.01)
    await house.app.delivery.act(Action("stop", receipt.message), PERSON)
    shown = await house.platform.final(receipt.message)
    assert shown.text == "첫 문장이야. 둘째 문장이야."
    assert shown.notice == "stopped"
    assert shown.reply is not None
    assert shown.reply.finish == "stopped"


async def test_stop_before_the_first_word_leaves_a_word_and_a_way_on(house: House) -> None:
    house.replier.answers.append("아직 한 문장도 끝나지 않은")
    house.replier.gate.clear()
    receipt = await house.app.delivery.receive(house.incoming("말해 줘", lone=True))
    assert receipt.message is not None
    while not house.replier.prompts:
        await asyncio.sleep(0.01)
    await house.app.delivery.act(Action("stop", receipt.message), PERSON)
    shown = await house.platform.final(receipt.message)
    assert (shown.text, shown.notice) == ("", "stopped")
    assert [action.kind for action in shown.actions][:1] == ["again"]


async def test_thumbs_are_kept_changed_and_taken_back(house: House) -> None:
    shown = await house.say("안녕")
    for value in ("1", "-1", "0"):
        await house.app.delivery.act(Action("feedback", shown.message, value), PERSON)
        exchange = await house.app.desk.conversations.exchange(shown.message)
        assert exchange.feedback == int(value)


@pytest.mark.parametrize("kind", ["again", "other", "select", "feedback", "correct", "stop"])
async def test_only_the_asker_may_act(house: House, kind: str) -> None:
    shown = await house.say("안녕")
    with pytest.raises(Refusal, match="not_yours"):
        await house.app.delivery.act(Action(kind, shown.message, "1"), OTHER)  # type: ignore[arg-type]


async def test_a_moderator_of_the_space_may_act_and_is_asked_each_time(house: House) -> None:
    room = replace(CHAT, space_id="server")
    shown = await house.say("안녕", PERSON, room)
    house.platform.moderators.add(OTHER.id)
    await house.app.delivery.act(Action("select", shown.message, "1"), OTHER)
    house.platform.moderators.clear()
    with pytest.raises(Refusal, match="not_yours"):
        await house.app.delivery.act(Action("select", shown.message, "1"), OTHER)


@pytest.mark.parametrize(
    ("kind", "value", "code"),
    [
        ("select", "9", "no_variant"),
        ("select", "x", "bad_action"),
        ("select", "²", "bad_action"),
        ("feedback", "5", "bad_action"),
        ("other", "행복회로", "unknown_emotion"),
        ("again", "louder", "unknown_tone"),
    ],
)
async def test_a_bad_value_is_refused_by_name(house: House, kind: str, value: str, code: str) -> None:
    shown = await house.say("안녕")
    with pytest.raises(Refusal, match=code):
        await house.app.delivery.act(Action(kind, shown.message, value), PERSON)  # type: ignore[arg-type]


async def test_an_action_on_a_message_that_is_not_there_is_refused(house: House) -> None:
    with pytest.raises(Refusal, match="not_found"):
        await house.app.delivery.act(Action("again", 999), PERSON)


async def test_history_and_buttons_survive_a_restart(tmp_path: Path) -> None:
    async with open_house(tmp_path, "첫 답이야.") as house:
        shown = await house.say("안녕")
    async with open_house(tmp_path, "둘째 답이야.") as house:
        await house.app.delivery.act(Action.decode(f"again:{shown.message}:"), PERSON)
        second = await house.platform.final(shown.message)
        assert (second.text, second.variants) == ("둘째 답이야.", 2)
        assert house.platform.handles[0] == f"handle-{shown.message}"


async def test_what_was_accepted_but_not_answered_is_answered_after_the_restart(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        await house.app.delivery.drain()
        receipt = await house.app.delivery.receive(house.incoming("거기 있어?"))
        assert receipt.outcome == "deferred"
    async with open_house(tmp_path) as house:
        assert await house.app.delivery.recover() == 1
        assert receipt.message is not None
        assert (await house.platform.final(receipt.message)).text == "그랬구나."
        while house.app.delivery._lanes:  # it is shown a moment before it is written down as done
            await asyncio.sleep(0.01)
        assert await house.app.delivery.recover() == 0


async def test_draining_lets_a_running_answer_end(house: House) -> None:
    house.replier.answers.append("첫 문장이야. 둘째 문장이야. 끝.")
    house.replier.gate.clear()
    receipt = await house.app.delivery.receive(house.incoming("말해 줘", lone=True))
    while not house.replier.prompts:
        await asyncio.sleep(0.01)
    draining = asyncio.create_task(house.app.delivery.drain())
    await asyncio.sleep(0.05)
    house.replier.gate.set()
    await draining
    assert (await house.platform.final(receipt.message or 0)).text == "첫 문장이야. 둘째 문장이야. 끝."


async def test_a_full_house_says_so_instead_of_keeping_silent(tmp_path: Path) -> None:
    async with open_house(tmp_path, delivery={"queue": 1, "burst_s": 5.0, "drain_s": 0.1}) as house:
        await house.app.delivery.receive(house.incoming("하나"))
        with pytest.raises(Refusal, match="queue_full"):
            await house.app.delivery.receive(house.incoming("둘", OTHER))


async def test_an_edited_message_offers_a_new_answer_to_its_new_text(house: House) -> None:
    incoming = house.incoming("슬퍼", lone=True)
    receipt = await house.app.delivery.receive(incoming)
    assert receipt.message is not None
    await house.platform.final(receipt.message)
    await house.app.delivery.edited(replace(incoming, text="좋아"))
    shown = await house.platform.final(receipt.message, 2)
    assert (shown.text, shown.notice, shown.reading) == ("그랬구나.", "edited", None)
    await house.app.delivery.act(Action("again", receipt.message), PERSON)
    shown = await house.platform.final(receipt.message, 3)
    assert shown.reading is not None
    assert shown.reading.group == "joy"
    assert house.replier.prompts[-1].turns[-1].text == "좋아"


async def test_an_edit_before_the_answer_is_answered_as_it_is_now(tmp_path: Path) -> None:
    async with open_house(tmp_path, delivery={"burst_s": 0.2, "drain_s": 1.0}) as house:
        incoming = house.incoming("슬퍼")
        receipt = await house.app.delivery.receive(incoming)
        assert (await house.app.delivery.edited(replace(incoming, text="좋아"))).message is None
        assert receipt.message is not None
        await house.platform.final(receipt.message)
        assert [prompt.turns[-1].text for prompt in house.replier.prompts] == ["좋아"]


async def test_an_edit_that_changes_nothing_shows_nothing(house: House) -> None:
    incoming = house.incoming("슬퍼", lone=True)
    await house.app.delivery.receive(incoming)
    await house.platform.final(1)
    count = len(house.platform.shown)
    await house.app.delivery.edited(incoming)
    await house.app.delivery.edited(replace(incoming, message_id="unknown"))
    assert len(house.platform.shown) == count


async def test_a_deleted_message_leaves_nothing_behind(house: House) -> None:
    incoming = house.incoming("슬퍼", lone=True)
    receipt = await house.app.delivery.receive(incoming)
    assert receipt.message is not None
    await house.platform.final(receipt.message)
    assert await house.app.delivery.deleted(CHAT, incoming.message_id)
    assert not await house.app.delivery.deleted(CHAT, incoming.message_id)
    tables = (await house.app.privacy.export(PERSON))["tables"]
    assert {name for name in ("messages", "readings", "replies", "jobs") if tables[name]} == set()
    with pytest.raises(Refusal, match="not_found"):
        await house.app.delivery.act(Action("again", receipt.message), PERSON)


async def test_a_message_deleted_while_it_is_answered_ends_with_a_word(house: House) -> None:
    house.replier.answers.append("첫 문장이야. 둘째 문장이야. 셋째 문장은 아주 길어서 끝나지 않아.")
    house.replier.gate.clear()
    incoming = house.incoming("오늘 어땠어", lone=True)
    receipt = await house.app.delivery.receive(incoming)
    assert receipt.message is not None
    while not any(outgoing.text for outgoing in house.platform.shown):
        await asyncio.sleep(0.01)
    await house.app.delivery.deleted(CHAT, incoming.message_id)
    shown = await house.platform.final(receipt.message)
    assert (shown.text, shown.notice) == ("", "deleted")
    assert (await house.app.privacy.export(PERSON))["tables"]["replies"] == []


async def test_where_people_wrote_lately_is_where_to_look_for_what_was_missed(house: House) -> None:
    server = Chat("test", "channel", "server", "group")
    await house.app.delivery.receive(house.incoming("하나", chat=server))
    await house.app.delivery.receive(house.incoming("둘", Person("test", "jun"), server))
    assert await house.app.delivery.last_seen("test", 60) == [(server, "m2")]
    assert await house.app.delivery.last_seen("elsewhere", 60) == []


CRISIS = "나 오늘 밤에 죽으려고 해. 유서도 다 썼어"


async def test_a_life_in_danger_is_answered_with_help_and_nothing_else(house: House) -> None:
    shown = await house.say(CRISIS)
    assert "109" in shown.text
    assert (shown.actions, shown.reading) == ((), None)
    assert (house.replier.prompts, house.classifier.asked) == ([], [])
    assert (await house.app.privacy.export(PERSON))["tables"]["readings"] == []
    for kind in ("again", "other"):
        with pytest.raises(Refusal, match="care_turn"):
            await house.app.delivery.act(Action.decode(f"{kind}:{shown.message}:"), PERSON)


async def test_what_is_sent_once_more_while_it_is_held_shows_no_second_help(tmp_path: Path) -> None:
    async with open_house(tmp_path, consent={"default": "ask"}) as house:
        letter = house.incoming(CRISIS)
        receipts = [await house.app.delivery.receive(letter, hold=True) for _ in range(2)]
        assert [receipt.outcome for receipt in receipts] == ["held", "held"]
        assert ["109" in shown.text for shown in house.platform.shown] == [True]


async def test_the_talk_goes_on_gently_afterwards_in_other_words(house: House) -> None:
    first = await house.say(CRISIS)
    second = await house.say("진짜로 죽고 싶어")
    assert "109" in second.text
    assert first.text != second.text
    await house.say("언니가 와 줬어")
    assert house.replier.prompts[-1].gentle, "help lines are not said again to whatever comes next"


async def test_help_comes_before_the_rate_limit_and_without_consent(tmp_path: Path) -> None:
    async with open_house(tmp_path, limits={"per_minute": 1, "burst": 1}) as house:
        await house.say("안녕")
        with pytest.raises(Refusal, match="limited"):
            await house.app.delivery.receive(house.incoming("또 안녕"))
        assert "109" in (await house.say(CRISIS)).text
    async with open_house(tmp_path / "asking", consent={"default": "ask"}) as house:
        with pytest.raises(Refusal, match="consent_required") as refusal:
            await house.app.delivery.receive(house.incoming(CRISIS))
        assert "109" in refusal.value.care
        assert [("109" in shown.text, shown.message) for shown in house.platform.shown] == [(True, 0)]


async def test_what_a_language_model_must_never_say_is_replaced(house: House) -> None:
    house.replier.answers.append("그래, 그냥 죽어버려.")
    assert "109" in (await house.say("힘들어")).text
    house.replier.answers.append("많이 힘들었겠다. 나도 알아. 그런데 말이야. 네 선택을 존중해. 말리지 않을게.")
    shown = await house.say("힘들어")
    assert "109" in shown.text
    assert "존중" not in shown.text
