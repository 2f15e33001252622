"""The running house, as a platform sees it."""

from __future__ import annotations

from dataclasses import dataclass

from bot.config import Settings
from bot.core import Core
from bot.delivery import Delivery
from bot.desk import Desk
from bot.moderation import Moderation
from bot.privacy import Privacy
from bot.spaces import Spaces
from storage.keys import KeyStore


@dataclass(frozen=True)
class App:
    """Every surface calls the same services: `delivery`, `moderation`, `privacy`, `spaces`.

    `core` reads and answers without keeping anything; `desk` gives what is stored; `keys` derives a surface's secrets.
    """

    settings: Settings
    delivery: Delivery
    moderation: Moderation
    privacy: Privacy
    core: Core
    desk: Desk
    keys: KeyStore

    @property
    def spaces(self) -> Spaces:
        return self.desk.spaces

    def health(self) -> dict[str, object]:
        """The state of every part, for /health and `maum doctor`."""
        repliers = self.core.replier.health()
        return {
            "status": "ok" if "ok" in repliers.values() else "degraded",
            "classifier": self.core.classifier.model,
            "repliers": repliers,
            "platforms": sorted(self.desk.platforms),
        }
