"""From snapshots to messages: a placeholder first, whose number is kept; what is said then is an edit of it.

Edits can be repeated, new messages cannot: so a message is sent empty, and a long answer grows by further empty ones.
What a crash can leave behind is a “…”, never an answer that stands there twice.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.locale import say
from bot.types import Outgoing
from plugins.platforms.telegram.faults import Away, Gone, LineError
from plugins.platforms.telegram.keyboard import Rows, under
from plugins.platforms.telegram.text import NOTHING, Part, parts
from plugins.platforms.telegram.updates import address

if TYPE_CHECKING:
    from plugins.platforms.telegram.line import Line

log = logging.getLogger("maum.telegram")
REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where an answer stands: a chat of Telegram's and the messages in it, first to last."""

    chat: int
    messages: tuple[int, ...] = ()

    @classmethod
    def of(cls, handle: str) -> Place:
        chat, _, messages = handle.partition(":")
        return cls(int(chat), tuple(int(number) for number in messages.split(",") if number))

    @property
    def handle(self) -> str:
        return f"{self.chat}:{','.join(map(str, self.messages))}"


class Showing:
    def __init__(self, line: Line) -> None:
        self._line = line
        self._last: OrderedDict[tuple[int, int], int] = (
            OrderedDict()
        )  # what stands where, as a hash: no edit for nothing

    async def show(self, outgoing: Outgoing, handle: str | None) -> str:
        """Show a snapshot; see bot.contracts.Platform.show.

        Raises:
            LineError: Telegram refuses, or cannot be reached.
        """
        place = Place.of(handle) if handle else Place(address(outgoing.conversation.chat.id)[0])
        try:
            place = await self._shown(outgoing, place)
        except Away as away:  # blocked or removed: there is nobody to hear it, and nothing to try again
            log.info("nobody is there to hear the answer to message %d: %s", outgoing.message, away)
        return place.handle

    def forget(self, chat: int, message: int) -> None:
        """The message's buttons were changed by somebody else."""
        self._last.pop((chat, message), None)

    async def _shown(self, outgoing: Outgoing, place: Place) -> Place:
        language = outgoing.conversation.person.locale
        notice = say(language, f"notice.{outgoing.notice}") if outgoing.notice else ""
        wanted, rows = parts(outgoing.text, notice), under(outgoing)
        if len(place.messages) < len(wanted):
            place = await self._with_room(outgoing, place, len(wanted), rows)
            if not outgoing.final:
                return place  # its numbers are kept before anything is said there
        if not outgoing.final:
            await self._step(place, wanted, rows)
            return place
        return await self._finish(outgoing, place, wanted, rows)

    async def _with_room(self, outgoing: Outgoing, place: Place, count: int, rows: Rows) -> Place:
        while len(place.messages) < count:
            place = await self._one_more(outgoing, place, rows)
        return place

    async def _one_more(self, outgoing: Outgoing, place: Place, rows: Rows) -> Place:
        """One more empty message; in a group the first one answers the person's."""
        _, thread = address(outgoing.conversation.chat.id)
        first = not place.messages and outgoing.conversation.chat.kind == "group" and outgoing.answers.isdecimal()
        reply_to = int(outgoing.answers) if first else None
        shown = () if outgoing.final else rows
        chat, message = await self._line.send(
            place.chat, NOTHING, thread=thread, reply_to=reply_to, rows=shown, twice=True
        )
        self._note(chat, message, Part(NOTHING), shown)
        before = place.messages if chat == place.chat else ()  # the group has another number now
        return Place(chat, (*before, message))

    async def _step(self, place: Place, wanted: list[Part], rows: Rows) -> None:
        for number, (message, part) in enumerate(zip(place.messages, wanted, strict=False)):
            under_it = rows if number == len(wanted) - 1 else ()
            if self._stands(place.chat, message, part, under_it):
                continue
            if not await self._line.step(place.chat, message, part.text, under_it):
                return
            self._note(place.chat, message, part, under_it)

    async def _finish(self, outgoing: Outgoing, place: Place, wanted: list[Part], rows: Rows) -> Place:
        messages = list(place.messages)
        for number, part in enumerate(wanted):
            under_it = rows if number == len(wanted) - 1 else ()
            if self._stands(place.chat, messages[number], part, under_it):
                continue
            try:
                await self._line.edit(place.chat, messages[number], part.text, under_it, part.marks)
            except Gone:  # the person has deleted it: it is said anew
                anew = await self._one_more(outgoing, replace(place, messages=()), ())
                place, messages[number] = replace(place, chat=anew.chat), anew.messages[0]
                await self._line.edit(place.chat, messages[number], part.text, under_it, part.marks)
            self._note(place.chat, messages[number], part, under_it)
        for message in messages[len(wanted) :]:
            await self._take_away(place.chat, message)
        return replace(place, messages=tuple(messages[: len(wanted)]))

    async def _take_away(self, chat: int, message: int) -> None:
        """A message that a shorter variant does not need; one older than two days can only be emptied."""
        try:
            await self._line.delete(chat, message)
        except Away:
            raise
        except LineError:
            try:
                await self._line.edit(chat, message, NOTHING)
            except Gone:
                log.debug("a message to be emptied is not there any more")
        self._last.pop((chat, message), None)

    def _stands(self, chat: int, message: int, part: Part, rows: Rows) -> bool:
        return self._last.get((chat, message)) == hash((part, rows))

    def _note(self, chat: int, message: int, part: Part, rows: Rows) -> None:
        self._last[chat, message] = hash((part, rows))
        self._last.move_to_end((chat, message))
        if len(self._last) > REMEMBERED:
            self._last.popitem(last=False)
