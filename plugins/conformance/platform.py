"""What every platform must do. Subclass `PlatformConformance` in a test file and give it a fixture `platform`:

class TestMine(PlatformConformance):
    @pytest.fixture
    async def platform(self):
        async with MyPlatform() as platform:
            yield platform
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from bot.contracts import Platform
from bot.types import Action, Chat, Conversation, Outgoing, Person, Reply

CANARY = "카나리아-2604"
AWKWARD = ("", "😭🤷‍♀️", "a\x00b", "‮مرحبا", "<script>alert(1)</script>", "@everyone `코드`", "가나 " * 5_000)


class PlatformConformance:
    """Tests over a fixture `platform`, entered. `chat` and `person` may be overridden."""

    chat = Chat("conformance", "1")
    person = Person("conformance", "1")

    def snapshot(self, text: str = "", *, message: int = 1, final: bool = False) -> Outgoing:
        reply = Reply(text, finish="stop", id=message) if final else None
        actions = (Action("again", message),) if final else (Action("stop", message),)
        here = Conversation(self.chat, self.person)
        return Outgoing(here, message, "m1", text, reply=reply, variants=1, actions=actions, final=final)

    async def test_a_handle_leads_back_to_what_was_shown(self, platform: Platform) -> None:
        first = await platform.show(self.snapshot(), None)
        assert first
        assert await platform.show(self.snapshot("안녕"), first) == first
        assert await platform.show(self.snapshot("안녕!", final=True), first) == first

    async def test_the_same_snapshot_may_come_twice(self, platform: Platform) -> None:
        handle = await platform.show(self.snapshot("안녕", final=True), None)
        assert await platform.show(self.snapshot("안녕", final=True), handle) == handle

    async def test_two_messages_have_two_handles(self, platform: Platform) -> None:
        shown = [await platform.show(self.snapshot(message=number), None) for number in (1, 2)]
        assert shown[0] != shown[1]

    async def test_a_handle_is_text_that_another_process_can_use(self, platform: Platform) -> None:
        handle = await platform.show(self.snapshot(), None)
        again = json.loads(json.dumps(handle))
        assert await platform.show(self.snapshot("안녕", final=True), again) == handle

    @pytest.mark.parametrize("text", AWKWARD)
    async def test_awkward_texts_are_shown(self, platform: Platform, text: str) -> None:
        handle = await platform.show(self.snapshot(), None)
        await platform.show(self.snapshot(text, final=True), handle)

    async def test_a_notice_is_shown_without_a_text(self, platform: Platform) -> None:
        await platform.show(replace(self.snapshot(final=True), notice="busy", reply=None), None)

    async def test_many_conversations_at_once_are_shown(self, platform: Platform) -> None:
        handles = await asyncio.gather(*(platform.show(self.snapshot("안녕", message=n), None) for n in range(100)))
        assert len(set(handles)) == 100

    async def test_a_stranger_moderates_nothing(self, platform: Platform) -> None:
        assert not await platform.may_moderate(self.person, "a space that does not exist")

    async def test_what_it_keeps_of_a_person_is_exported_and_forgotten(self, platform: Platform) -> None:
        await platform.show(self.snapshot(CANARY, final=True), None)
        await platform.forget_person(self.person)
        assert CANARY not in json.dumps(await platform.export_person(self.person), ensure_ascii=False)
