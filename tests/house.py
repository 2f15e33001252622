"""A whole small house for tests: real storage, real services, and plugins that say what they are told to."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot import emotions
from bot.__main__ import open_storage
from bot.app import App
from bot.budget import Budget
from bot.care import Care
from bot.config import Settings
from bot.contracts import Classifier, Platform, Replier
from bot.core import Core
from bot.delivery import Delivery
from bot.desk import Desk
from bot.errors import ClassifierError, ReplyError, Unreachable
from bot.fallback import FallbackReplier
from bot.gate import Gate
from bot.moderation import Moderation
from bot.privacy import Privacy
from bot.rate_limit import RateLimit
from bot.spaces import Spaces
from bot.types import Chat, Chunk, Incoming, Outgoing, Person, Prompt, Scores, Text
from storage import process
from storage.conversations import Conversations
from storage.emotion_log import EmotionLog
from storage.jobs import Jobs
from storage.ledger import DatabaseLedger
from storage.messages import Messages
from storage.spaces import SpaceSettings
from tests import blank

#: a word in a text → the label the classifier reads
WORDS = {"좋": "기쁨", "슬": "슬픔", "화": "분노", "무서": "두려운", "외로": "외로운"}
CARE = Care()
PERSON = Person("test", "minji")
CHAT = Chat("test", "room")


class WordClassifier(Classifier):
    """Reads a feeling off a word, with a probability of 0.9; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Text] = []
        self.broken = False

    @property
    def model(self) -> str:
        return "words"

    @property
    def labels(self) -> tuple[str, ...]:
        return emotions.label_set("maum")

    async def classify(self, texts: Sequence[Text]) -> list[Scores]:
        self.asked += texts
        if self.broken:
            raise ClassifierError("told to fail")
        return [self._score(text.text) for text in texts]

    def _score(self, text: str) -> Scores:
        label = next((label for word, label in WORDS.items() if word in text), emotions.NEUTRAL)
        rest = 0.1 / (len(self.labels) - 1)
        return Scores(self.labels, tuple(0.9 if one == label else rest for one in self.labels))


class ScriptedReplier(Replier):
    """Says the next answer of its queue, word by word, else “그랬구나.”; an error in the queue is raised.

    `gate`, while cleared, holds the answer after its fourth word.
    """

    def __init__(self, *answers: str | ReplyError) -> None:
        self.answers = deque(answers)
        self.prompts: list[Prompt] = []
        self.asked = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()
        self.name = "scripted"

    async def reply(self, prompt: Prompt) -> AsyncGenerator[Chunk, None]:
        self.prompts.append(prompt)
        self.asked.set()
        answer = self.answers.popleft() if self.answers else "그랬구나."
        if isinstance(answer, ReplyError):
            raise answer
        words = answer.split(" ")
        for number, word in enumerate(words):
            yield Chunk(word if number == len(words) - 1 else word + " ")
            await asyncio.sleep(0)
            if number >= 3:
                await self.gate.wait()
        yield Chunk("", finish="stop", model="scripted")


class MemoryPlatform(Platform):
    """Remembers every snapshot it was told to show."""

    def __init__(self) -> None:
        self.shown: list[Outgoing] = []
        self.handles: list[str | None] = []
        self.moderators: set[str] = set()
        self.failures = 0
        self.away = False
        self._news = asyncio.Condition()

    async def run(self, app: App) -> None:
        await asyncio.Event().wait()

    async def show(self, outgoing: Outgoing, handle: str | None) -> str:
        if self.away:
            raise Unreachable("told to be")
        if self.failures and outgoing.final:
            self.failures -= 1
            raise ConnectionError("told to fail")
        async with self._news:
            self.shown.append(outgoing)
            self.handles.append(handle)
            self._news.notify_all()
        return handle or f"handle-{outgoing.message}"

    async def may_moderate(self, person: Person, space_id: str) -> bool:
        return person.id in self.moderators

    async def final(self, message: int, count: int = 1) -> Outgoing:
        """Wait for the `count`-th final snapshot of a message."""
        async with self._news:
            await asyncio.wait_for(self._news.wait_for(lambda: len(self._finals(message)) >= count), 10)
        return self._finals(message)[count - 1]

    def _finals(self, message: int) -> list[Outgoing]:
        return [outgoing for outgoing in self.shown if outgoing.final and outgoing.message == message]


@dataclass
class House:
    app: App
    classifier: WordClassifier
    replier: ScriptedReplier
    platform: MemoryPlatform
    numbers: list[int] = field(default_factory=list)

    def incoming(self, text: str, person: Person = PERSON, chat: Chat = CHAT, **more: Any) -> Incoming:
        self.numbers.append(len(self.numbers))
        identity = more.pop("message_id", f"m{len(self.numbers)}")
        return Incoming(chat, person, identity, text, datetime.now(UTC), **more)

    async def say(self, text: str, person: Person = PERSON, chat: Chat = CHAT) -> Outgoing:
        """Send a message and wait for its answer."""
        receipt = await self.app.delivery.receive(self.incoming(text, person, chat, lone=True))
        assert receipt.message is not None
        return await self.platform.final(receipt.message)


@dataclass
class Players:
    """The house's plugins, where a test brings its own."""

    classifier: WordClassifier = field(default_factory=WordClassifier)
    replier: ScriptedReplier = field(default_factory=ScriptedReplier)
    platform: MemoryPlatform = field(default_factory=MemoryPlatform)
    care: Care = CARE


@asynccontextmanager
async def open_house(
    tmp: Path, *answers: str | ReplyError, players: Players | None = None, **sections: Any
) -> AsyncIterator[House]:
    """A house over the database in `tmp`; opened twice over the same folder it is the same house after a restart."""
    defaults = {"consent": {"default": "trusted"}, "delivery": {"burst_s": 0.0, "drain_s": 1.0}}
    settings = Settings.model_validate(defaults | sections)
    await blank.lay(tmp / "db" / "maum.db")
    players = players or Players()
    classifier, replier, platform = players.classifier, players.replier, players.platform
    replier.answers.extend(answers)
    async with open_storage(settings.model_copy(update={"storage": _storage(tmp)})) as (database, keys, people):
        budget = Budget(DatabaseLedger(database), settings.budget.per_person_day, settings.budget.total_day)
        fallback = FallbackReplier([replier], budget, settings.replier.deadline_s)
        limit = RateLimit(settings.limits.per_minute, settings.limits.burst)
        platforms: dict[str, Platform] = {"test": platform}
        desk = Desk(
            settings=settings,
            jobs=Jobs(database, people, process.owner(), settings.delivery.lease_s),
            conversations=Conversations(database, people),
            messages=Messages(database, people),
            people=people,
            spaces=Spaces(SpaceSettings(database), people, platforms),
            core=Core(classifier, fallback, players.care, settings.replier.closed_loop),
            gate=Gate(players.care, limit, settings.limits.max_chars),
            privacy=Privacy(people, settings.consent.default),
            platforms=platforms,
        )
        trusted = settings.consent.default == "trusted"
        moderation = Moderation(EmotionLog(database, people, trusted=trusted), desk.platforms)
        app = App(Delivery(desk), moderation, desk.privacy, desk.core, desk, keys)
        yield House(app, classifier, replier, platform)
        await app.delivery.drain()


def _storage(tmp: Path) -> Any:
    from bot.config import Storage

    return Storage(url=f"sqlite+aiosqlite:///{tmp}/db/maum.db")
