"""The running house, as a platform sees it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from bot.config import Settings, state_dir
from bot.core import Core
from bot.delivery import Delivery
from bot.desk import Desk
from bot.health import Health
from bot.lives import Lives
from bot.moderation import Moderation
from bot.privacy import Privacy
from bot.spaces import Spaces
from storage.keys import KeyStore


@dataclass(frozen=True)
class App:
    """Every surface calls the same services: `delivery`, `moderation`, `privacy`, `spaces`.

    `core` reads and answers without keeping anything; `desk` gives what is stored; `keys` derives a surface's secrets.
    """

    delivery: Delivery
    moderation: Moderation
    privacy: Privacy
    core: Core
    desk: Desk
    keys: KeyStore
    lives: Lives = field(default_factory=Lives)

    @property
    def settings(self) -> Settings:
        return self.desk.settings

    @property
    def spaces(self) -> Spaces:
        return self.desk.spaces

    @cached_property
    def checkup(self) -> Health:
        return Health(self.desk.people, self.core, self.desk.platforms, state_dir())

    async def health(self) -> dict[str, object]:
        """The state of every part, for /health: {"status": ok | degraded | failed, "parts": {name: {state, about}}}."""
        return (await self.checkup.report()).plain()
