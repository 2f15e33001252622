"""What delivery, actions and answering work with, gathered once by the composition root."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.config import Settings
from bot.contracts import Platform
from bot.core import Core
from bot.gate import Gate
from bot.present import snapshot
from bot.privacy import Privacy
from bot.spaces import Spaces
from bot.types import Conversation, Outgoing
from storage.conversations import Conversations
from storage.jobs import Jobs
from storage.messages import Messages
from storage.people import People


@dataclass
class Desk:
    """`settings` and `gate` are exchanged whole when the configuration is read again."""

    settings: Settings
    jobs: Jobs
    conversations: Conversations
    messages: Messages
    people: People
    spaces: Spaces
    core: Core
    gate: Gate
    privacy: Privacy
    platforms: Mapping[str, Platform]
    writing: dict[int, asyncio.Task[None]] = field(default_factory=dict)  # message → the answer being written now

    async def stored(self, message: int, conversation: Conversation) -> Outgoing:
        """The snapshot of a message's answer as it stands in the database."""
        exchange = await self.conversations.exchange(message)
        return snapshot(conversation, exchange, await self.conversations.answers(message))

    async def show(self, outgoing: Outgoing) -> None:
        """Show a snapshot where its answer stands; when that takes a place more, or less, the new handle is kept."""
        handle = await self.jobs.handle(outgoing.message)
        shown = await self.platforms[outgoing.conversation.chat.platform].show(outgoing, handle)
        if shown != handle:
            await self.jobs.move(outgoing.message, shown)
