"""Why something could not be said. None of these carries a text of a person.

LineError           Telegram refused, or could not be reached
├── Gone            the message is not there any more: say it anew
└── Away            nobody is there: the bot was blocked, removed, or never spoken to
"""

from __future__ import annotations

from bot.errors import MaumError


class LineError(MaumError):
    """What Telegram said, or the kind of failure on the way to it."""


class Gone(LineError):
    pass


class Away(LineError):
    pass
