"""What a person has agreed to, and their rights: export, forget, pause. One service for every surface."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from bot.consent import SCOPES, VERSION, Term, offered_to, terms
from bot.contracts import Plugin
from bot.errors import OperatorError, Refusal
from bot.locale import say
from bot.noticed import Noticed
from bot.types import Chat, Conversation, Language, Person
from storage.notices import Notices
from storage.people import People
from storage.records import Forgetting, Records
from storage.retention import Days, Kind, Retention

log = logging.getLogger(__name__)

PAUSED = "pause"  # beside the scopes: no talk until the person says otherwise, also where the operator vouches


class Work(Protocol):
    """What privacy asks of delivery."""

    async def stop(self, person: Person, chat: Chat | None = None) -> None:
        """End the person's running work and drop what waits."""

    async def release(self, person: Person) -> None:
        """Answer what waited for the person's consent."""

    def forget(self, person: Person) -> None:
        """Remember nothing of a person any more."""


class Privacy:
    """`default`: "ask" everyone, or "trusted" where the operator vouches for having asked.

    `plugins` are asked for what they keep themselves. `work` is set by delivery.
    """

    def __init__(
        self,
        people: People,
        default: Literal["ask", "trusted"] = "ask",
        days: Days | None = None,
        plugins: Sequence[Plugin] = (),
    ) -> None:
        self._people = people
        self._trusted = default == "trusted"
        self._records = Records(people)
        self._retention = Retention(people.database, days or Days())
        self._forgetting: set[Person] = set()
        self._forget_one = asyncio.Lock()
        self._noticed = Noticed(Notices(people))
        self.plugins = list(plugins)
        self.work: Work | None = None

    def adopt(self, default: Literal["ask", "trusted"], days: Days) -> None:
        """Let another default and other periods hold from now on."""
        self._trusted = default == "trusted"
        self._retention.days = days

    async def scopes(self, person: Person) -> frozenset[str]:
        """What the person agrees to now. Under "trusted" everything but training, until they say otherwise."""
        given = await self._people.scopes(person)
        if PAUSED in given or person in self._forgetting:
            return given - {PAUSED, "talk"}
        return frozenset(SCOPES[:-1]) if self._trusted and not given else given

    async def is_paused(self, person: Person) -> bool:
        """Has the person paused, so that ending the pause lets them talk again?"""
        given = await self._people.scopes(person)
        return PAUSED in given and ("talk" in given or self._trusted)

    async def consent(self, person: Person, scopes: Iterable[str]) -> frozenset[str]:
        """Replace the person's consent; an empty list withdraws all of it.

        Without `talk` nothing new is taken; what is kept stays until its time is over, or until it is forgotten.
        Withdrawing `log` deletes the emotions kept.

        Raises:
            Refusal: "unknown_scope".
        """
        wanted, offered = frozenset(scopes), offered_to(person.platform)
        if unknown := wanted - set(offered):
            raise Refusal("unknown_scope", scope=sorted(unknown)[0], scopes=", ".join(offered))
        await self._set(person, wanted if "talk" in wanted else wanted | {PAUSED})
        if "log" not in wanted:
            await self._records.erase_tags(person)
        return wanted

    async def pause(self, person: Person) -> frozenset[str]:
        """Take nothing new of a person until they resume; all else they agreed to stays as it is."""
        await self._set(person, await self._people.scopes(person) | {PAUSED})
        return await self.scopes(person)

    async def resume(self, person: Person) -> frozenset[str]:
        """End a pause: what was agreed to before counts again."""
        await self._set(person, await self._people.scopes(person) - {PAUSED})
        return await self.scopes(person)

    def terms(self, language: Language, platform: str = "") -> list[Term]:
        """What there is to agree to, as a person reads it."""
        return terms(language, platform, self._retention.days)

    def summary(self, language: Language, *, commands: bool = True) -> str:
        """What /privacy says: what is kept, how long, who sees it, and by which commands a person can do something."""
        parts = ("summary", "summary_commands") if commands else ("summary",)
        return "\n".join(say(language, f"privacy.{part}", **asdict(self._retention.days)) for part in parts)

    async def ai_notice_due(self, conversation: Conversation) -> bool:
        """Is it time to say `consent.ai_notice`: at the start of a talk, and every three hours of it?

        Every surface asks when it shows an answer; asking counts as saying, also after a restart.
        """
        return await self._noticed.due(conversation)

    async def export(self, person: Person) -> dict[str, Any]:
        """Everything about a person, JSON-ready: each table's rows, and what each plugin keeps."""
        return {
            "person": {"platform": person.platform, "id": person.id},
            "exported_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "tables": await self._records.export(person),
            "plugins": {_name(plugin): dict(await plugin.export_person(person)) for plugin in self.plugins},
        }

    async def ask_to_forget(self, person: Person, chat: Chat | None = None) -> None:
        """Keep the wish; the running bot sees to it within seconds, a stopped one at its next start."""
        await self._records.ask(Forgetting(person, chat))

    async def forget(self, person: Person, chat: Chat | None = None) -> dict[str, int]:
        """Forget a person, or one chat of theirs; when killed meanwhile, the next start goes on with it.

        Returns:
            How many rows of each table went, and how many records of each plugin.
        """
        await self.ask_to_forget(person, chat)
        return await self._forget(Forgetting(person, chat))

    async def resume_forgetting(self) -> int:
        """Do what an earlier or another process was asked to forget; returns how many wishes there were."""
        wishes = await self._records.asked()
        for wish in wishes:
            await self._forget(wish)
        return len(wishes)

    async def wishes(self) -> list[Forgetting]:
        """Wishes to be forgotten that are not done yet."""
        return await self._records.asked()

    async def leave_space(self, platform: str, space_id: str) -> int:
        """Delete all that was kept of a Discord server or Telegram group; returns how many messages went.

        It is done at once; what a crash leaves over goes with the next hourly purge, far within the 24 hours promised.
        """
        return await self._retention.leave(f"{platform}:{space_id}")

    async def keep_for(self, space: str, kind: Kind, days: int, by: Person) -> None:
        """Let a space ("platform:space_id") keep texts, tags or audit for another number of days."""
        await self._retention.keep(space, kind, days, self._people.alias(by))

    async def purge(self, now: int | None = None) -> dict[str, int]:
        """Delete what was kept long enough, and forget again whom a backup brought back."""
        gone = await self._retention.purge(now)
        try:
            again = await self.forget_again()
        except OperatorError as error:
            log.error("nobody was forgotten again: %s", error)
            again = 0
        return {**gone, "forgotten": again} if again else gone

    async def forget_again(self) -> int:
        """Delete the rows of people whose key is gone, which a backup has brought back; returns how many people.

        Raises:
            OperatorError: the key store belongs to another database.
        """
        people = await self._records.keyless()
        for person in people:
            await self._records.erase(Forgetting(person))
        await self._people.database.truncate_wal()
        return len(people)

    async def _set(self, person: Person, scopes: frozenset[str]) -> None:
        declined = scopes <= {PAUSED} and not self._trusted and not await self._people.scopes(person)
        if not declined:  # of who says no at once, not even that is kept
            await self._people.set_scopes(person, scopes, VERSION)
        if self.work:
            allowed = "talk" in await self.scopes(person)
            await (self.work.release(person) if allowed else self.work.stop(person))

    async def _forget(self, wish: Forgetting) -> dict[str, int]:
        async with self._forget_one:
            self._forgetting.add(wish.person)
            try:
                if self.work:
                    await self.work.stop(wish.person, wish.chat)
                    await self._people.database.settled()  # a text sealed after this would get a new key
                counts = {} if wish.chat else await self._forget_whole(wish.person)
                counts |= await self._records.erase(wish)
                self._noticed.clear()  # nothing here remembers who was forgotten
                if self.work and not wish.chat:
                    self.work.forget(wish.person)
            finally:
                self._forgetting.discard(wish.person)
            await self._people.database.truncate_wal()
            return counts

    async def _forget_whole(self, person: Person) -> dict[str, int]:
        try:
            counts = {_name(plugin): await plugin.forget_person(person) for plugin in self.plugins}
        finally:  # a plugin that fails is asked again later, but no text can be read from now on
            self._people.destroy_key(person)
        return {name: count for name, count in counts.items() if count}


def keeps_data(plugin: Plugin) -> bool:
    """Does the plugin answer for data of its own?"""
    kind = type(plugin)
    return kind.export_person is not Plugin.export_person or kind.forget_person is not Plugin.forget_person


def _name(plugin: Plugin) -> str:
    return plugin.name or type(plugin).__name__
