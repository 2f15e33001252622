"""What a person has agreed to. One service for every surface."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from bot.errors import Refusal
from bot.types import Person
from storage.people import People

#: talk: answer me, store the talk, send it to the configured LLM · log: keep emotion tags · statistics: count me in
#: totals · entries: moderators may see single entries · training: my texts may train models
SCOPES = ("talk", "log", "statistics", "entries", "training")
VERSION = "2026-11"


class Privacy:
    """`default`: "ask" everyone, or "trusted" where the operator vouches for having asked."""

    def __init__(self, people: People, default: Literal["ask", "trusted"] = "ask") -> None:
        self._people = people
        self._trusted = default == "trusted"

    async def scopes(self, person: Person) -> frozenset[str]:
        """What the person agrees to now. Under "trusted" everything but training, until they say otherwise."""
        given = await self._people.scopes(person)
        return frozenset(SCOPES[:-1]) if self._trusted and not given else given

    async def consent(self, person: Person, scopes: Iterable[str]) -> frozenset[str]:
        """Replace the person's consent; an empty list withdraws all of it.

        Raises:
            Refusal: "unknown_scope".
        """
        wanted = frozenset(scopes)
        if unknown := wanted - set(SCOPES):
            raise Refusal("unknown_scope", scope=sorted(unknown)[0], scopes=", ".join(SCOPES))
        await self._people.set_scopes(person, wanted, VERSION)
        return wanted
