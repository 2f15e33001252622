"""A life of the house that ends when somebody kills it.

It does random things, one after the other, and says what it is about to do and what is done.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot.types import Action, Chat, Incoming, Person
from tests.house import House, Players, open_house
from tests.proofs.parts import FAST, Ear

Say = Callable[..., None]
ACTS = ("send", "send", "send", "edit", "delete", "again", "forget")


def live(say: Callable[[dict[str, Any]], None], folder: Path, number: int) -> None:
    asyncio.run(_live(lambda **facts: say(facts), folder, number))


async def _live(say: Say, folder: Path, number: int) -> None:
    chance = random.Random(number)
    said: dict[str, Incoming] = {}
    async with open_house(folder, players=Players(platform=Ear()), **FAST) as house:
        say(ready=True)
        for step in range(10_000):
            act = chance.choice(ACTS)
            if act == "send" or not said:
                await _send(say, house, said, f"{number}-{step}", Person("test", f"p{number}-{chance.randrange(3)}"))
            else:
                await _act(say, house, said, act, chance.choice(sorted(said)), step)


async def _send(say: Say, house: House, said: dict[str, Incoming], key: str, person: Person) -> None:
    incoming = house.incoming(f"글 {key}", person, Chat("test", "room"), message_id=key, lone=True)
    say(begin="send", key=key, person=person.id, text=incoming.text)
    receipt = await house.app.delivery.receive(incoming)
    say(kept="send", key=key)  # from here on it may not be lost
    await house.platform.final(receipt.message or 0)
    said[key] = incoming
    say(done="send", key=key)


async def _act(say: Say, house: House, said: dict[str, Incoming], act: str, key: str, step: int) -> None:
    incoming, delivery = said[key], house.app.delivery
    say(begin=act, key=key, person=incoming.person.id, text=f"{incoming.text} neu {step}")
    match act:
        case "edit":
            said[key] = replace(incoming, text=f"{incoming.text} neu {step}")
            await delivery.edited(said[key])
        case "delete":
            await delivery.deleted(incoming.chat, key)
            del said[key]
        case "again":
            message = await house.app.desk.messages.find(incoming.chat, key)
            assert message is not None
            house.platform.ended.clear()  # type: ignore[attr-defined]
            await delivery.act(Action("again", message), incoming.person)
            await house.platform.final(message)
        case "forget":
            await house.app.privacy.forget(incoming.person)
            for mine in [one for one, other in said.items() if other.person == incoming.person]:
                del said[mine]
    say(done=act, key=key)
