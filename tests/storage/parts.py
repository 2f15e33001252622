"""A message's whole way through storage, without a bot around it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import count

from bot.emotions import corrected
from bot.types import Chat, Incoming, Person, Reply
from storage.jobs import Jobs

PERSON, JUN = Person("test", "minji", name="민지"), Person("test", "jun")
CHAT = Chat("test", "room")
SERVER = Chat("test", "channel", "server", "group")
NUMBERS = count(1)


def incoming(text: str, person: Person = PERSON, chat: Chat = CHAT) -> Incoming:
    return Incoming(chat, person, f"m{next(NUMBERS)}", text, datetime.now(UTC), lone=True)


async def talk(
    jobs: Jobs, text: str, label: str = "", person: Person = PERSON, chat: Chat = CHAT, answer: str = "그랬구나."
) -> int:
    """Take a message, read it as `label` (empty: keep no reading) and answer it; returns its id."""
    message = incoming(text, person, chat)
    await jobs.accept(message)
    job = await jobs.take(message.conversation)
    assert job is not None
    reading = replace(corrected(label, None), model="test") if label else None
    await jobs.finish(job, reading, Reply(answer, reading, hit=True, finish="stop"))
    await jobs.close(job, "done")
    return job.message
