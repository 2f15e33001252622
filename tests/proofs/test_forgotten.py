"""After forgetting nothing in the running process holds a word of the person, or who they were."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any
from uuid import uuid4

from bot.types import Action, Chat, Chunk, Person, Prompt, Scores, Text
from tests.house import House, Players, ScriptedReplier, WordClassifier, open_house
from tests.proofs.parts import FAST, Ear
from tests.proofs.size import size, write_down

MESSAGES = size(10, 100)
CANARY = uuid4().hex  # made when it runs, so that no constant of any file is found


class Deaf(ScriptedReplier):
    """Repeats what it hears, and remembers none of it."""

    async def reply(self, prompt: Prompt) -> Any:
        yield Chunk(f"{prompt.turns[-1].text} 라고 했구나.", finish="stop", model="deaf")


class Careless(WordClassifier):
    async def classify(self, texts: Any) -> list[Scores]:
        return [self._score(text.text) for text in texts if isinstance(text, Text)]


async def _live(house: House) -> None:
    """A person who says much, takes back some, and asks to be forgotten; their words are made here and nowhere kept."""
    person, chat = Person("test", f"{CANARY} id", name=f"{CANARY} name"), Chat("test", f"{CANARY} chat")
    for number in range(MESSAGES):
        shown = await house.say(f"{CANARY} {number}", person, chat)
        await house.app.delivery.act(Action("again", shown.message), person)
        await house.platform.final(shown.message)
    await house.app.delivery.edited(house.incoming(f"{CANARY} neu", person, chat, message_id="m1"))
    await house.app.privacy.export(person)
    await house.app.privacy.forget(person)


def _holders() -> list[str]:
    """What kinds of living objects hold a string with the canary."""
    gc.collect()
    found = []
    for holder in gc.get_objects():
        for held in gc.get_referents(holder):
            # by type, as asking some libraries' objects what they are an instance of makes them complain
            is_text = type(held) is str and len(held) < 10_000 and CANARY in held and held is not CANARY
            if is_text or (type(held) is bytes and CANARY.encode() in held):
                found.append(f"{type(holder).__name__}: {str(held)[:40]}")
    return found


async def test_no_object_of_the_running_house_holds_a_forgotten_person(tmp_path: Path) -> None:
    players = Players(Careless(), Deaf(), Ear())
    async with open_house(tmp_path, players=players, **FAST) as house:
        await _live(house)
        house.numbers.clear()
        players.platform.ended.clear()  # type: ignore[attr-defined]
        assert await house.say("나는 남아", Person("test", "jun"))
        assert _holders() == []
    write_down(
        "forgotten in memory", f"a person's id, name, chat, {MESSAGES} messages, answers twice, an export", "0 objects"
    )
