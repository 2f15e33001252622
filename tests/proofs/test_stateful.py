"""Whatever people do in whatever order, the database says what a plain model of it says, also after restarts."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from bot import emotions
from bot.delivery import Receipt
from bot.text import clean
from bot.types import Action, ActionKind, Chat, Conversation, Person
from tests.house import House, Players, open_house
from tests.proofs.parts import FAST, Ear, Unworried, rest
from tests.proofs.size import size, write_down

T = TypeVar("T")
EXAMPLES, STEPS = size(6, 250), size(15, 50)
PEOPLE = [Person("test", name) for name in ("minji", "jun", "sora")]
CHATS = [Chat("test", "own"), Chat("test", "room", "server", "group")]
TEXTS = st.one_of(
    st.sampled_from(["오늘 너무 좋아", "정말 슬퍼", "그냥 그래", "화가 나네", "ㅋㅋㅋ", "how are you"]),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=30),
).filter(lambda text: clean(text).strip())
EMOTIONS = st.sampled_from([emotions.members(group)[0] for group in emotions.GROUPS])
taken = {"steps": 0, "kills": 0}


@dataclass
class Said:
    """One message as it should stand in the database."""

    conversation: Conversation
    external: str
    message: int
    text: str
    variants: list[str]
    shown: int = 1
    corrected: str = ""
    thumbs: dict[int, int] = field(default_factory=dict)


class Talk(RuleBasedStateMachine):
    """The machine drives a whole house over files of its own."""

    messages = Bundle("messages")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = TemporaryDirectory()
        self.numbers, self.answers = count(1), count(1)
        self.said: list[Said] = []
        self.house, self.ear = self._run(self._enter())

    @rule(target=messages, person=st.sampled_from(PEOPLE), chat=st.sampled_from(CHATS), text=TEXTS)
    def send(self, person: Person, chat: Chat, text: str) -> Said:
        answer = self._next_answer()
        incoming = self.house.incoming(text, person, chat, message_id=f"m{next(self.numbers)}", lone=True)
        message = self._run(self._answered(self.house.app.delivery.receive(incoming)))
        said = Said(Conversation(chat, person), incoming.message_id, message, clean(text), [answer])
        self.said.append(said)
        return said

    @rule(said=messages, text=TEXTS)
    def edit(self, said: Said, text: str) -> None:
        if said in self.said:
            chat, person = said.conversation.chat, said.conversation.person
            incoming = self.house.incoming(text, person, chat, message_id=said.external)
            self._run(self.house.app.delivery.edited(incoming))
            said.text = clean(text)

    @rule(said=consumes(messages))
    def delete(self, said: Said) -> None:
        gone = self._run(self.house.app.delivery.deleted(said.conversation.chat, said.external))
        assert gone is (said in self.said)
        if gone:
            self.said.remove(said)

    @rule(said=messages)
    def again(self, said: Said) -> None:
        if said in self.said:
            said.variants.append(self._next_answer())
            self._act_and_wait(said, "again")

    @rule(said=messages, emotion=EMOTIONS)
    def answer_to_another_emotion(self, said: Said, emotion: emotions.Entry) -> None:
        if said in self.said:
            said.variants.append(self._next_answer())
            said.corrected = emotion.label
            self._act_and_wait(said, "other", emotion.code)

    @rule(said=messages, emotion=EMOTIONS)
    def correct(self, said: Said, emotion: emotions.Entry) -> None:
        if said in self.said:
            self._run(self._act(said, "correct", emotion.code))
            said.corrected = emotion.label

    @rule(said=messages, which=st.integers(0, 9))
    def select(self, said: Said, which: int) -> None:
        if said in self.said:
            said.shown = which % len(said.variants) + 1
            self._run(self._act(said, "select", str(said.shown)))

    @rule(said=messages, value=st.sampled_from((1, -1, 0)))
    def thumb(self, said: Said, value: int) -> None:
        if said in self.said:
            self._run(self._act(said, "feedback", str(value)))
            said.thumbs[said.shown] = value

    @rule(person=st.sampled_from(PEOPLE), chat=st.sampled_from([None, *CHATS]))
    def forget(self, person: Person, chat: Chat | None) -> None:
        self._run(self.house.app.privacy.forget(person, chat))
        self.said = [
            one
            for one in self.said
            if one.conversation.person != person or (chat is not None and one.conversation.chat != chat)
        ]

    @rule(person=st.sampled_from(PEOPLE), chat=st.sampled_from(CHATS), text=TEXTS, begun=st.booleans())
    def die_before_an_answer_is_whole(self, person: Person, chat: Chat, text: str, begun: bool) -> None:
        """The answer hangs, the house is left without draining, and the next one ends the work."""
        taken["kills"] += 1
        self.house.replier.gate.clear()
        self.house.replier.prompts.clear()
        self.house.replier.answers.append("이 답은 끝까지 쓰이지 않아.")
        incoming = self.house.incoming(text, person, chat, message_id=f"m{next(self.numbers)}", lone=True)
        receipt = self._run(self.house.app.delivery.receive(incoming))
        self._run(self._abandon(begun))
        self.house, self.ear = self._run(self._enter())
        answer = self._next_answer()
        message = receipt.message or 0
        assert self._run(self.house.app.delivery.recover()) == 1
        self._run(self.house.platform.final(message))
        self._run(rest(self.house))
        self.said.append(Said(Conversation(chat, person), incoming.message_id, message, clean(text), [answer]))

    @rule()
    def restart(self) -> None:
        self._run(self.stack.aclose())
        self.house, self.ear = self._run(self._enter())
        assert self._run(self.house.app.delivery.recover()) == 0

    @invariant()
    def the_database_says_the_same(self) -> None:
        taken["steps"] += 1
        for person in PEOPLE:
            for chat in CHATS:
                self._run(self._compare(Conversation(chat, person)))

    def teardown(self) -> None:
        self._run(self.stack.aclose())
        self.loop.close()
        self.folder.cleanup()

    async def _compare(self, conversation: Conversation) -> None:
        expected = sorted((one for one in self.said if one.conversation == conversation), key=lambda one: one.message)
        storage = self.house.app.desk.conversations
        found = await storage.transcript(conversation, limit=1_000)
        assert [one.message for one in found] == [one.message for one in expected]
        for one, said in zip(found, expected, strict=True):
            assert one.text == said.text
            assert one.reply is not None
            assert (one.reply.text, one.reply.variant) == (said.variants[said.shown - 1], said.shown)
            assert one.variants == len(said.variants)
            assert one.feedback == said.thumbs.get(said.shown, 0)
            if said.corrected:
                assert one.reading is not None
                assert one.reading.top.label == said.corrected

    async def _act(self, said: Said, kind: ActionKind, value: str = "") -> Receipt:
        return await self.house.app.delivery.act(Action(kind, said.message, value), said.conversation.person)

    def _act_and_wait(self, said: Said, kind: ActionKind, value: str = "") -> None:
        self._run(self._answered(self._act(said, kind, value)))
        said.shown = len(said.variants)

    async def _answered(self, sending: Coroutine[Any, Any, Receipt]) -> int:
        self.ear.ended.clear()
        receipt = await sending
        assert receipt.message is not None
        shown = await self.house.platform.final(receipt.message)
        assert shown.notice == ""
        await rest(self.house)
        return receipt.message

    def _next_answer(self) -> str:
        answer = f"답 {next(self.answers)}."
        self.house.replier.answers.append(answer)
        return answer

    async def _enter(self) -> tuple[House, Ear]:
        self.stack, ear = AsyncExitStack(), Ear()
        opening = open_house(Path(self.folder.name), players=Players(platform=ear, care=Unworried()), **FAST)
        return await self.stack.enter_async_context(opening), ear

    async def _abandon(self, begun: bool) -> None:
        """End as a killed process does for the database: nothing is drained, nothing more is written."""
        while begun and not self.house.replier.prompts:
            await asyncio.sleep(0)
        lanes = [lane.task for lane in self.house.app.delivery._lanes.values()]
        for lane in lanes:
            lane.cancel()
        await asyncio.gather(*lanes, return_exceptions=True)
        await self.stack.aclose()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)


def test_the_model_equals_the_database() -> None:
    from hypothesis.stateful import run_state_machine_as_test

    limits = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate, Phase.shrink],  # to explain a failure, each line of the house would be traced
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Talk, settings=limits)
    write_down(
        "consistency",
        f"{taken['steps']:,} steps at random: send, edit, delete, again, another emotion, select, 👍, forget, restart; "
        f"{taken['kills']:,} of them left an answer half written",
        "the model equals the database after each",
    )
