"""From what is stored to what is shown: one snapshot, with the buttons that make sense now."""

from __future__ import annotations

from bot.types import CARE, Action, Conversation, Outgoing
from storage.rows import Exchange


def snapshot(conversation: Conversation, exchange: Exchange, answers: str) -> Outgoing:
    """The finished answer to a message as it stands in the database."""
    reply = exchange.reply
    return Outgoing(
        conversation=conversation,
        message=exchange.message,
        answers=answers,
        text=reply.text if reply else "",
        reading=exchange.reading,
        reply=reply,
        variants=exchange.variants,
        actions=actions(exchange),
        notice={"cut": "cut", "stopped": "stopped"}.get(reply.finish, "") if reply else "",
        final=True,
    )


def actions(exchange: Exchange) -> tuple[Action, ...]:
    """Again and another emotion; paging where there is somewhere to go; thumbs under an answer.

    A fixed text of the crisis path stands as it is.
    """
    message, reply = exchange.message, exchange.reply
    if reply and reply.model == CARE:
        return ()
    offered = [Action("again", message), Action("other", message)]
    if reply:
        if reply.variant > 1:
            offered.append(Action("select", message, str(reply.variant - 1)))
        if reply.variant < exchange.variants:
            offered.append(Action("select", message, str(reply.variant + 1)))
        offered += [Action("feedback", message, "1"), Action("feedback", message, "-1")]
    return tuple(offered)
