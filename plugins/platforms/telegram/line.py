"""The line to Telegram: python-telegram-bot's client, paced per chat, tried again where that cannot double anything.

This and nothing else imports the library, and only once the platform is in use.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from copy import copy
from datetime import timedelta
from typing import Any, TypeVar

import httpx
from telegram import (
    Bot,
    BotCommand,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputFile,
    LinkPreviewOptions,
    MessageEntity,
    ReplyParameters,
)
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
)
from telegram.request import HTTPXRequest

from bot.errors import OperatorError
from plugins._trust import trust
from plugins.platforms._bans import Bans
from plugins.platforms.telegram.faults import Away, Gone, LineError, Unreached
from plugins.platforms.telegram.keyboard import Rows
from plugins.platforms.telegram.limiter import Limiter
from plugins.platforms.telegram.text import Mark
from plugins.platforms.telegram.updates import KINDS, Me

T = TypeVar("T")
log = logging.getLogger("maum.telegram")

os.environ.setdefault("PTB_TIMEDELTA", "1")  # spans of time as timedelta, which the library else warns about
PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
HASTY_TRIES = 3
NOT_MODIFIED = "message is not modified"
GONE = ("message to edit not found", "message can't be edited", "message to delete not found", "message_id_invalid")
AWAY = ("chat not found", "user not found", "peer_id_invalid", "not enough rights to send", "have no rights to send")
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class _RawBot(Bot):
    """The library reads all updates of an answer or none; we take them as they come and read them one by one."""

    async def raw_updates(self, offset: int, timeout_s: int) -> Any:
        asked = {"offset": offset, "timeout": timeout_s, "allowed_updates": list(KINDS)}
        return await self._post("getUpdates", asked, read_timeout=timeout_s + 10)


class Line:
    """`pace`, `bans`: see Limiter. `pauses_s`: between tries while Telegram cannot be reached."""

    def __init__(
        self,
        token: str,
        base_url: str,
        pace: float = 1.0,
        pauses_s: Sequence[float] = PAUSES_S,
        bans: Bans | None = None,
    ) -> None:
        logging.getLogger("telegram").setLevel(logging.CRITICAL)  # it logs answers that it cannot read as they come
        logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs addresses, in which the token stands
        self.limiter = Limiter(pace, bans=bans)
        self._pauses_s = pauses_s
        verify = {"verify": httpx.create_ssl_context(trust(base_url))}  # once for both
        self._requests = [
            HTTPXRequest(connection_pool_size=2, httpx_kwargs=verify),
            HTTPXRequest(
                connection_pool_size=64, read_timeout=15, write_timeout=15, pool_timeout=60, httpx_kwargs=verify
            ),
        ]
        self._bot = _RawBot(token, base_url, get_updates_request=self._requests[0], request=self._requests[1])
        self._moved: dict[int, int] = {}  # groups that became supergroups under another number

    def hasty(self) -> Line:
        """The same line for who tries again later anyway: what lasts longer than a moment it tells at once."""
        other = copy(self)
        other._pauses_s = self._pauses_s[: HASTY_TRIES - 1]
        return other

    async def close(self) -> None:
        for request in self._requests:
            await request.shutdown()

    async def me(self) -> Me:
        """Who we are.

        Raises:
            OperatorError: the token is refused.
            LineError: Telegram cannot be reached.
        """
        user = await self._plain(self._bot.get_me())
        return Me(user.id, user.username or "", bool(user.can_read_all_group_messages))

    async def updates(self, offset: int, timeout_s: int) -> list[Any]:
        """What happened from `offset` on; asking confirms all before it. Raises as `me` does."""
        found = await self._plain(self._bot.raw_updates(offset, timeout_s))
        return found if isinstance(found, list) else []

    async def send(
        self,
        chat: int,
        text: str,
        *,
        thread: int | None = None,
        reply_to: int | None = None,
        rows: Rows = (),
        marks: Sequence[Mark] = (),
        twice: bool = False,
    ) -> tuple[int, int]:
        """Say something new; returns chat and message.

        Args:
            twice: better said twice than not at all, when it cannot be known whether it arrived.
        """
        reply = ReplyParameters(reply_to, allow_sending_without_reply=True) if reply_to else None

        async def say(here: int, topic: int | None, entities: list[MessageEntity] | None) -> tuple[int, int]:
            sent = await self._bot.send_message(
                here,
                text,
                entities=entities,
                reply_markup=_markup(rows),
                message_thread_id=topic,
                reply_parameters=reply,
                link_preview_options=LinkPreviewOptions(is_disabled=True),
            )
            return here, sent.message_id

        try:
            return await self._paced(chat, lambda here: say(here, thread, _entities(marks)), twice=twice)
        except LineError as error:
            if "entit" in str(error).lower() and marks:
                return await self._paced(chat, lambda here: say(here, thread, None), twice=twice)
            if "thread not found" in str(error) and thread:  # the topic was deleted: its group still hears it
                return await self._paced(chat, lambda here: say(here, None, _entities(marks)), twice=twice)
            raise

    async def edit(self, chat: int, message: int, text: str, rows: Rows = (), marks: Sequence[Mark] = ()) -> None:
        """Replace a message. Raises Gone when it is not there any more."""

        async def say(here: int, entities: list[MessageEntity] | None) -> None:
            preview = LinkPreviewOptions(is_disabled=True)
            await self._bot.edit_message_text(
                text, here, message, entities=entities, reply_markup=_markup(rows), link_preview_options=preview
            )

        try:
            await self._paced(chat, lambda here: say(here, _entities(marks)), twice=True, edit=True)
        except LineError as error:
            if "entit" not in str(error).lower() or not marks:
                raise
            await self._paced(chat, lambda here: say(here, None), twice=True, edit=True)

    async def step(self, chat: int, message: int, text: str, rows: Rows = ()) -> bool:
        """Show a step of a growing answer, if this is a moment for it; says whether it did."""
        preview = LinkPreviewOptions(is_disabled=True)
        async with self.limiter.step(chat) as may:
            if not may:
                return False
            try:
                await self._bot.edit_message_text(
                    text, chat, message, reply_markup=_markup(rows), link_preview_options=preview
                )
            except RetryAfter as error:
                self.limiter.refused(chat, _seconds(error))
                return False
            except TelegramError as error:
                return NOT_MODIFIED in str(error).lower()
            return True

    async def set_buttons(self, chat: int, message: int, rows: Rows) -> None:
        async def say(here: int) -> None:
            await self._bot.edit_message_reply_markup(here, message, reply_markup=_markup(rows))

        await self._paced(chat, say, twice=True)

    async def delete(self, chat: int, message: int) -> None:
        """Raises LineError when it is too old for that (48 hours)."""

        async def remove(here: int) -> None:
            await self._bot.delete_message(here, message)

        await self._paced(chat, remove, twice=True)

    async def toast(self, query: str, text: str = "", *, alert: bool = False) -> None:
        """Answer a press of a button, which waits for it; one that waited too long is nobody's concern."""
        try:
            await self._bot.answer_callback_query(query, text[:200] or None, show_alert=alert)
        except TelegramError as error:
            log.info("a button's press was not answered: %s", type(error).__name__)

    async def send_file(
        self, chat: int, name: str, data: bytes, caption: str = "", *, thread: int | None = None
    ) -> None:
        async def send(here: int) -> None:
            file = InputFile(data, name)
            picture = name.endswith(".png")
            do = self._bot.send_photo if picture else self._bot.send_document
            await do(here, file, caption=caption[:1024] or None, message_thread_id=thread)

        await self._paced(chat, send, twice=False)

    async def status(self, chat: int, person: int) -> str:
        """What a person is in a chat: creator, administrator, member, restricted, left or kicked."""
        return str((await self._plain(self._bot.get_chat_member(chat, person))).status)

    async def set_menu(self, commands: Sequence[tuple[str, str]], language: str = "") -> None:
        menu = [BotCommand(name, description) for name, description in commands]
        await self._plain(self._bot.set_my_commands(menu, language_code=language or None))

    async def set_webhook(self, url: str, secret: str) -> None:
        """Have updates sent to `url`; an empty one means that we ask for them. What waits is kept."""
        if url:
            wanted = self._bot.set_webhook(url, secret_token=secret, allowed_updates=list(KINDS))
        else:
            wanted = self._bot.delete_webhook(drop_pending_updates=False)
        await self._plain(wanted)

    async def webhook(self) -> str:
        """Where updates are sent now; empty when nowhere."""
        return str((await self._plain(self._bot.get_webhook_info())).url or "")

    async def description(self) -> str:
        """What people read before their first word (Bot API getMyDescription); empty when nothing is set."""
        return str((await self._plain(self._bot.get_my_description())).description)

    async def _plain(self, request: Awaitable[T]) -> T:
        try:
            return await request
        except TelegramError as error:
            raise _meaning(error) from None

    async def _paced(self, chat: int, act: Callable[[int], Awaitable[T]], *, twice: bool, edit: bool = False) -> T:
        """Do it when the chat's turn comes, as often as it takes.

        Raises:
            Unreached: Telegram could not be reached for a minute.
            LineError: it is refused for good.
        """
        pauses = iter(self._pauses_s)
        while True:
            here = self._moved.get(chat, chat)
            try:
                async with self.limiter.turn(here, edit=edit):
                    try:
                        return await act(here)
                    except RetryAfter as error:
                        self.limiter.refused(here, _seconds(error))
            except ChatMigrated as error:
                self._moved[chat] = error.new_chat_id
            except BadRequest as error:
                if NOT_MODIFIED in str(error).lower():
                    return None  # type: ignore[return-value]  # edits return nothing
                raise _meaning(error) from None
            except NetworkError as error:
                pause_s = next(pauses, None)
                if pause_s is None or not (twice or isinstance(error.__cause__, NEVER_SENT)):
                    raise _meaning(error) from None
                await asyncio.sleep(pause_s)
            except TelegramError as error:
                raise _meaning(error) from None


def _meaning(error: TelegramError) -> Exception:
    text = str(error).lower()
    if isinstance(error, InvalidToken):
        return OperatorError("Telegram refuses the bot's token: set TELEGRAM_TOKEN to what @BotFather gave you")
    if isinstance(error, BadRequest):
        if any(word in text for word in GONE):
            return Gone(str(error))
        return (Away if any(word in text for word in AWAY) else LineError)(str(error))
    if isinstance(error, Forbidden):
        return Away(str(error))
    if isinstance(error, Conflict):
        return LineError("another program asks for this bot's updates, or a webhook is set: stop it, one is enough")
    kind = Unreached if isinstance(error, NetworkError) else LineError
    return kind(type(error.__cause__ or error).__name__)  # its words may hold an answer of the server's


def _seconds(error: RetryAfter) -> float:
    after = error.retry_after
    return after.total_seconds() if isinstance(after, timedelta) else float(after)


def _markup(rows: Rows) -> InlineKeyboardMarkup | None:
    if not rows:
        return None
    return InlineKeyboardMarkup(
        [
            [InlineKeyboardButton(b.text, url=b.url or None, callback_data=None if b.url else b.data) for b in row]
            for row in rows
        ]
    )


def _entities(marks: Sequence[Mark]) -> list[MessageEntity] | None:
    return [MessageEntity(mark.kind, mark.start, mark.length) for mark in marks] or None
