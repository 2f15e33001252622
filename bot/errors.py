"""Every error of ours. An error carries a code and facts; the words a person reads stand in bot/locale/.

MaumError
├── OperatorError       read by who runs the bot: one line that names the thing and the cure; exit code 2
├── ReplyError          a replier could not answer; the code decides what happens next
├── Unreachable         a platform is away for a while; what there is to show waits
├── MessageDeleted      the person deleted the message while it was being answered
└── Refusal             a person's request cannot be done; the code is shown in their language
"""

from __future__ import annotations

from typing import Literal

ReplyCode = Literal[
    "busy",  # overloaded or rate limited, come back later
    "quota",  # the account has no credit left: the owner's business
    "key",  # the key was refused: the owner's business
    "model_gone",  # the model does not exist (any more): the owner's business
    "unreachable",  # no connection
    "timeout",  # the deadline passed
    "bad_reply",  # an answer that is none: HTML, broken JSON, empty
    "filtered",  # the provider refused the content
    "too_long",  # the conversation does not fit the model
    "budget",  # our own spending cap
    "stopped",  # the person pressed stop before the first word
    "failed",  # anything else
]

OWNER_CODES: frozenset[ReplyCode] = frozenset({"quota", "key", "model_gone"})


class MaumError(Exception):
    """Base of all errors raised on purpose."""


class OperatorError(MaumError):
    """A wrong setting or a broken installation, said in one line that names the cure."""


class ReplyError(MaumError):
    """A replier failed with one of `ReplyCode`; `detail` is for the log and holds no text of a person."""

    def __init__(self, code: ReplyCode, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code: ReplyCode = code
        self.detail = detail


class Unreachable(MaumError):
    """A platform cannot be reached just now: what there is to show is shown when it is back."""


class MessageDeleted(MaumError):
    """The person deleted the message while it was being answered: nothing of it is kept."""


class ClassifierError(MaumError):
    """A batch could not be classified; the message is answered without an emotion."""


class Refusal(MaumError):
    """What a person asked for cannot be done; `code` is a key of the locale's [refusal] table."""

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts
        self.care = ""  # where help is, said to a person in danger although their message is not taken
