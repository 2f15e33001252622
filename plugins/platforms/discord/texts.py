"""From a snapshot to the texts of its Discord messages."""

from __future__ import annotations

import hashlib

from bot.locale import say
from bot.types import Outgoing
from plugins.platforms._splitting import utf16
from plugins.platforms.discord.parts import LIMIT, parts_of

NONCE = 25


def texts(outgoing: Outgoing) -> list[str]:
    """What stands in each message, at most 2,000 characters each; at least one, and none of them blank."""
    language = outgoing.conversation.person.locale
    text = outgoing.text
    if outgoing.notice:
        words = say(language, f"notice.{outgoing.notice}")
        text = f"{text}\n{words}" if text else words
    if not text.strip():
        text = say(language, "discord.nothing" if outgoing.final else "discord.thinking")
    return parts_of(text)


def with_subtext(contents: list[str], words: str) -> list[str]:
    """A small line under the last message, or after it where it does not fit."""
    line = f"\n-# {words}"
    if utf16(contents[-1] + line) <= LIMIT:
        return [*contents[:-1], contents[-1] + line]
    return [*contents, line.strip()]


def nonce(outgoing: Outgoing, part: int, edition: int = 0) -> str:
    """The same for the same part of the same variant of an answer, so that a send that is repeated after a crash shows
    once; another database counts its messages anew, therefore the platform's id of the message is in it, too."""
    variant = outgoing.reply.variant if outgoing.reply else outgoing.variants + 1
    told_apart = hashlib.sha256(f"{outgoing.answers} {edition}".encode()).hexdigest()
    return f"{outgoing.message}-{variant}-{part}-{told_apart}"[:NONCE]
