"""What a button or a command does: again, another emotion, paging, thumbs, correction, stop."""

from __future__ import annotations

from dataclasses import replace

from bot.answering import TONES, label_of
from bot.desk import Desk
from bot.errors import Refusal
from bot.types import CARE, Action, Conversation, Outgoing, Person


async def authorised(desk: Desk, action: Action, by: Person) -> Conversation:
    """The conversation the action is about, if this person may act in it: its own person, or a moderator.

    Raises:
        Refusal: "not_found" or "not_yours".
    """
    conversation = await desk.conversations.conversation(action.message)
    if conversation.person == by:
        return replace(conversation, person=by)  # their language may have changed since
    chat, platform = conversation.chat, desk.platforms.get(conversation.chat.platform)
    same_platform = platform is not None and by.platform == chat.platform
    if same_platform and chat.space_id and await platform.may_moderate(by, chat.space_id):  # type: ignore[union-attr]
        return conversation
    raise Refusal("not_yours")


async def regenerate(desk: Desk, action: Action, conversation: Conversation) -> None:
    """Keep the job for one more variant; `other` also keeps the person's choice as a correction.

    Raises:
        Refusal: "unknown_tone", "unknown_emotion", "care_turn" or "already".
    """
    emotion, tone = _wanted(action)
    exchange = await desk.conversations.exchange(action.message)
    if exchange.reply and exchange.reply.model == CARE:
        raise Refusal("care_turn")
    if tone and tone not in TONES:
        raise Refusal("unknown_tone", tone=tone[:40], tones=", ".join(TONES))
    if emotion:
        await _correct(desk, replace(action, value=emotion), conversation)
    if not await desk.jobs.accept_regenerate(action.message, emotion, tone):
        raise Refusal("already")


def _wanted(action: Action) -> tuple[str, str]:
    """Emotion and tone. A “/” may belong to the emotion's name (“불평/불만”)."""
    if action.kind == "again":
        return "", action.value
    emotion, _, tone = action.value.rpartition("/")
    return (emotion, tone) if tone in TONES else (action.value, "")


async def apply(desk: Desk, action: Action, conversation: Conversation) -> Outgoing | None:
    """Do what needs no new answer, and show the result.

    Raises:
        Refusal: "no_variant", "not_answered", "unknown_emotion" or "bad_action".
    """
    match action.kind:
        case "stop":
            if task := desk.writing.get(action.message):
                task.cancel()
            return None
        case "select":
            await desk.conversations.select(action.message, _variant(action.value))
        case "feedback":
            await _give_feedback(desk, action)
        case "correct":
            await _correct(desk, action, conversation)
        case _:
            raise Refusal("bad_action")
    outgoing = await desk.stored(action.message, conversation)
    await desk.show(outgoing)
    return outgoing


async def _correct(desk: Desk, action: Action, conversation: Conversation) -> None:
    label = label_of(action.value)
    if "log" in await desk.privacy.scopes(conversation.person):
        await desk.conversations.correct(action.message, label)


async def _give_feedback(desk: Desk, action: Action) -> None:
    if action.value not in ("1", "-1", "0"):
        raise Refusal("bad_action")
    exchange = await desk.conversations.exchange(action.message)
    if exchange.reply is None:
        raise Refusal("not_answered")
    await desk.conversations.give_feedback(exchange.reply.id, int(action.value))


def _variant(value: str) -> int:
    if not (value.isdecimal() and value.isascii() and len(value) < 6):
        raise Refusal("bad_action")
    return int(value)
