"""How what a command says is shown: texts, buttons, pictures and files, in private where only one person may see it.

A button's data is the command it does. Where others could press it, or where it is shown elsewhere than it was asked
for, whose it is and which chat it is about stand before that: `7001@-100123|do:settings:undo`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.commands import EMPTY, TICKED
from bot.locale import say
from bot.said import PREFIX, Choice, Said
from bot.types import MAX_ACTION_BYTES, Chat, Conversation, Incoming, Person
from plugins.platforms._splitting import utf16
from plugins.platforms.telegram.faults import Away
from plugins.platforms.telegram.keyboard import Button, Rows
from plugins.platforms.telegram.text import Mark, Part, parts
from plugins.platforms.telegram.updates import PLATFORM, Me, Pressed, address

if TYPE_CHECKING:
    from plugins.platforms.telegram.line import Line

DATA = re.compile(rf"(?:(?P<person>\d*)(?:@(?P<chat>-?\d+(?:/\d+)?))?\|)?(?P<choice>{PREFIX}:.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose button it is, and which chat it is about; None: whoever presses it, and where it stands."""

    person: str | None = None
    chat: str | None = None

    def encode(self, choice: Choice) -> str:
        head = (self.person or "") + (f"@{self.chat}" if self.chat else "")
        return f"{head}|{choice.encode()}" if head else choice.encode()

    @classmethod
    def decode(cls, data: str) -> tuple[Owner, str, str]:
        """The owner, the command and its value. Raises ValueError for what `encode` did not write."""
        found = DATA.fullmatch(data)
        if found is None:
            raise ValueError("no command's button")
        return cls(found["person"] or None, found["chat"]), *Choice.decode(found["choice"])

    def place(self, event: Pressed) -> Conversation:
        """Where the button's command is done."""
        if self.chat is None:
            return event.here
        number, _ = address(self.chat)
        group = Chat(PLATFORM, self.chat, str(number), "group") if number < 0 else Chat(PLATFORM, self.chat)
        return Conversation(group, event.person)


class Saying:
    def __init__(self, line: Line, me: Me) -> None:
        self._line = line
        self._me = me

    async def text(self, to: Incoming, text: str, rows: Rows = ()) -> None:
        """Say something where the message came from; in a group as an answer to it."""
        reply_to = int(to.message_id) if to.chat.kind == "group" and to.message_id.isdecimal() else None
        await self._send(to.chat, parts(text), rows, reply_to)

    async def said(self, to: Incoming, said: Said) -> None:
        """Show what a command says; what is for one person alone goes to their own chat with us."""
        chat, person = to.chat, to.person
        if chat.kind == "direct" or not said.private:
            owner = Owner() if chat.kind == "direct" else Owner(person.id)
            await self._whole(chat, said, owner, None if chat.kind == "direct" else int(to.message_id))
            return
        try:
            await self._whole(Chat(PLATFORM, person.id), said, Owner(None, chat.id), None)
        except Away:  # they have never written to us, and we may not begin
            link = f"https://t.me/{self._me.username}?start=help"
            button = Button(say(person.locale, "telegram.to_private"), url=link)
            await self.text(to, say(person.locale, "telegram.only_private"), ((button,),))

    async def instead(self, event: Pressed, said: Said, owner: Owner) -> None:
        """Show what a button's command says in place of what stood there."""
        chat, thread = address(event.chat.id)
        *more, last = [_bold_ticks(part) for part in parts(said.text)]
        first = more.pop(0) if more else last
        rows = rows_of(said, owner)
        await self._line.edit(chat, event.message, first.text, rows if first is last else (), first.marks)
        for part in (*more, *([last] if first is not last else [])):
            here = rows if part is last else ()
            await self._line.send(chat, part.text, thread=thread, rows=here, marks=part.marks)
        await self._attachments(event.chat, said)

    async def _whole(self, chat: Chat, said: Said, owner: Owner, reply_to: int | None) -> None:
        await self._send(chat, [_bold_ticks(part) for part in parts(said.text)], rows_of(said, owner), reply_to)
        await self._attachments(chat, said)

    async def _send(self, chat: Chat, found: list[Part], rows: Rows, reply_to: int | None) -> None:
        number, thread = address(chat.id)
        for part in found:
            here = rows if part is found[-1] else ()
            await self._line.send(number, part.text, thread=thread, reply_to=reply_to, rows=here, marks=part.marks)

    async def _attachments(self, chat: Chat, said: Said) -> None:
        number, thread = address(chat.id)
        pictures = [("maum.png", said.picture)] if said.picture else []
        for name, data in (*pictures, *said.files):
            await self._line.send_file(number, name, data, thread=thread)


def rows_of(said: Said, owner: Owner) -> Rows:
    """The buttons of what a command says; one whose data would be too long for Telegram is left out."""
    rows = (tuple(_fitting(row, owner)) for row in said.rows)
    return tuple(row for row in rows if row)


def form_owner(chat: Chat, person: Person) -> Owner:
    """In a group a form belongs to the person it was put to."""
    return Owner(person.id) if chat.kind == "group" else Owner()


def _fitting(row: tuple[Choice, ...], owner: Owner) -> list[Button]:
    buttons = [Button(choice.label, owner.encode(choice)) for choice in row]
    return [button for button in buttons if len(button.data.encode()) <= MAX_ACTION_BYTES]


def _bold_ticks(part: Part) -> Part:
    """What is to be agreed to stands out (Korean Personal Information Protection Act, decree art. 17)."""
    marks, start = list(part.marks), 0
    for line in part.text.splitlines(keepends=True):
        if line.startswith((TICKED, EMPTY)):
            marks.append(Mark("bold", utf16(part.text[:start]), utf16(line.rstrip("\n"))))
        start += len(line)
    return Part(part.text, tuple(marks))
