"""Why something could not be said. None of these carries a text of a person.

LineError           Telegram refused, or could not be reached
├── Unreached       no connection, no answer in time, or a server's error: it may go better later
├── Gone            the message is not there any more: say it anew
└── Away            nobody is there: the bot was blocked, removed, or never spoken to
"""

from __future__ import annotations

from bot.errors import MaumError


class LineError(MaumError):
    """What Telegram said, or the kind of failure on the way to it."""


class Unreached(LineError):
    pass


class Gone(LineError):
    pass


class Away(LineError):
    pass
