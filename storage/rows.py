"""Between rows and the vocabulary of bot/types.py."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from sqlalchemy import Row, Select, Table, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import Refusal
from bot.types import Chat, Conversation, Emotion, Person, Reading, Reply, Usage
from storage.tables import chats, messages, people

GONE = "[…]"  # stands for a text whose key was destroyed
JobKind = Literal["answer", "regenerate", "forget"]
JobState = Literal["new", "working", "sending", "done", "failed"]


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work that must not be lost. `message` is the message to answer; `answers` its platform id."""

    id: int
    kind: JobKind
    conversation: Conversation
    message: int
    answers: str
    emotion: str = ""  # a code the person chose
    tone: str = ""
    state: JobState = "working"
    handle: str | None = None
    more: bool = False  # the conversation has another job waiting
    since: int = 0  # when it was accepted, in ms


@dataclass(frozen=True, slots=True)
class Exchange:
    """One message as a page shows it: what was said, what was read in it, and the variant shown now."""

    message: int
    text: str
    at: int
    reading: Reading | None
    reply: Reply | None
    variants: int
    feedback: int = 0


def reading_values(reading: Reading) -> dict[str, Any]:
    """A Reading's columns in the table `readings`."""
    return {
        "label": reading.top.label,
        "grp": reading.group,
        "score": round(reading.top.score, 4),
        "sure": reading.sure,
        "model": reading.model,
        "best": [[e.label, e.group, round(e.score, 4)] for e in reading.emotions],
        "groups": {group: round(mass, 4) for group, mass in reading.groups.items()},
    }


def reading_of(row: Mapping[str, Any]) -> Reading | None:
    """The Reading of a row that holds the columns of `reading_values`; None when the row has none."""
    if row.get("best") is None:
        return None
    return Reading(
        emotions=tuple(Emotion(label, group, score) for label, group, score in row["best"]),
        group=row["grp"],
        groups=MappingProxyType(row["groups"]),
        sure=row["sure"],
        model=row["model"],
    )


def as_kept(reading: Reading | None) -> Reading | None:
    """A Reading as it comes back from the database, where numbers are rounded."""
    return reading_of(reading_values(reading)) if reading else None


def reply_values(reply: Reply) -> dict[str, Any]:
    """A Reply's columns but its text, which must be sealed."""
    return {
        "reading": reading_values(reply.reading) if reply.reading else None,
        "hit": reply.hit,
        "model": reply.model,
        "finish": reply.finish,
        "prompt_tokens": reply.usage.prompt if reply.usage else None,
        "completion_tokens": reply.usage.completion if reply.usage else None,
        "created_at": now_ms(),
    }


def reply_of(row: Mapping[str, Any], text: str) -> Reply:
    usage = Usage(row["prompt_tokens"], row["completion_tokens"] or 0) if row["prompt_tokens"] is not None else None
    return Reply(
        text=text,
        reading=reading_of(row["reading"]) if row["reading"] else None,
        hit=row["hit"],
        model=row["model"],
        usage=usage,
        finish=row["finish"],
        variant=row["variant"],
        id=row["id"],
    )


def with_conversation(query: Select[Any], table: Table) -> Select[Any]:
    """Add the columns that `conversation_of` needs to a query over a table with chat_id and person_id."""
    return (
        query.add_columns(
            chats.c.platform.label("chat_platform"),
            chats.c.external_id.label("chat_external_id"),
            chats.c.space_id,
            chats.c.kind.label("chat_kind"),
            people.c.platform.label("person_platform"),
            people.c.external_id.label("person_external_id"),
            people.c.locale,
        )
        .join(chats, chats.c.id == table.c.chat_id)
        .join(people, people.c.id == table.c.person_id)
    )


def conversation_of(row: Row[Any]) -> Conversation:
    return Conversation(
        Chat(row.chat_platform, row.chat_external_id, row.space_id, row.chat_kind),
        Person(row.person_platform, row.person_external_id, locale=row.locale),
    )


A_MESSAGE = with_conversation(select(messages), messages).where(
    messages.c.id == bindparam("message"), messages.c.text != b""
)


async def message_row(connection: AsyncConnection, message: int) -> Row[Any]:
    """A message with its conversation.

    Raises:
        Refusal: "not_found", also when its text was kept long enough and is gone.
    """
    row: Row[Any] | None = (await connection.execute(A_MESSAGE, {"message": message})).first()
    if row is None:
        raise Refusal("not_found")
    return row


def burst_of(rows: Sequence[Row[Any]]) -> Sequence[Row[Any]]:
    """The first job and those that continue its thought: new, not lone, all of them answers."""
    first = rows[0]
    if first.kind != "answer" or first.lone or first.state == "sending":
        return rows[:1]
    end = 1
    while end < len(rows) and rows[end].kind == "answer" and not rows[end].lone and rows[end].state == "new":
        end += 1
    return rows[:end]


def job_of(row: Row[Any], conversation: Conversation, answers: str, handles: list[str], *, more: bool = False) -> Job:
    """A row of jobs with what `take` has found out about it."""
    emotion, _, tone = row.value.rpartition("/")  # an emotion may be called “불평/불만”
    return Job(
        id=row.id,
        kind=row.kind,
        conversation=conversation,
        message=row.message_id,
        answers=answers,
        emotion=emotion,
        tone=tone,
        state="sending" if row.state == "sending" else "working",
        handle=handles[0] if handles else None,
        more=more,
        since=row.created_at,
    )
