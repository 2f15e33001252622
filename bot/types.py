"""The vocabulary of Maum. Everything else speaks in these words; this file imports nothing of ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Group = Literal["joy", "sadness", "anger", "anxiety", "hurt", "embarrassment", "neutral"]
Language = Literal["ko", "en"]
Strategy = Literal["empathise", "mirror"]
Tone = Literal["usual", "softer", "shorter", "brighter"]
ActionKind = Literal["again", "other", "select", "feedback", "correct", "stop"]

SEPARATOR = ":"
MAX_ACTION_BYTES = 64  # Telegram's callback_data limit, the smallest of all platforms
CARE = "care"  # the model of a reply that is a fixed text of the crisis path: it is never asked for again


@dataclass(frozen=True, slots=True)
class Chat:
    """A place where people write. `space_id` is the Discord server or Telegram group, None in a direct chat."""

    platform: str
    id: str
    space_id: str | None = None
    kind: Literal["direct", "group"] = "direct"


@dataclass(frozen=True, slots=True)
class Person:
    """Who writes. `id` is the platform's own id, never a name."""

    platform: str
    id: str
    name: str = field(default="", compare=False)
    locale: Language = field(default="ko", compare=False)


@dataclass(frozen=True, slots=True)
class Conversation:
    """One person in one chat: the unit of history, of order and of isolation."""

    chat: Chat
    person: Person


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message as it arrived. `message_id` is the platform's id and makes a second delivery recognisable."""

    chat: Chat
    person: Person
    message_id: str
    text: str
    sent_at: datetime
    reply_to: str | None = None
    lone: bool = False  # the sender waits for an answer to just this message (REST): never read as part of a burst

    @property
    def conversation(self) -> Conversation:
        return Conversation(self.chat, self.person)


@dataclass(frozen=True, slots=True)
class Action:
    """A click or a command on message `message` (our own id). `value` depends on `kind`:

    again: a tone or empty · other: an emotion code, and after a “/” a tone · correct: an emotion code ·
    select: a variant number · feedback: 1 or -1 · stop: –
    """

    kind: ActionKind
    message: int
    value: str = ""

    def encode(self) -> str:
        """The same short text on every platform.

        Raises:
            ValueError: longer than 64 bytes, which Telegram would refuse.
        """
        encoded = SEPARATOR.join((self.kind, str(self.message), self.value))
        if len(encoded.encode()) > MAX_ACTION_BYTES:
            raise ValueError(f"action {self.kind!r} does not fit into {MAX_ACTION_BYTES} bytes: {encoded!r}")
        return encoded

    @classmethod
    def decode(cls, encoded: str) -> Action:
        """Raises ValueError for anything `encode` would not have written."""
        kind, message, value = encoded.split(SEPARATOR, 2)
        if kind not in ("again", "other", "select", "feedback", "correct", "stop"):
            raise ValueError(f"unknown action {kind!r}")
        return cls(kind, int(message), value)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Text:
    """What a classifier takes: a text and the person's earlier turns, oldest first."""

    text: str
    before: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scores:
    """What a classifier gives: one calibrated probability per label, in the order of the model's labels."""

    labels: tuple[str, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Emotion:
    """One label with its score. `label` is an emotion's code, or a foreign model's raw label."""

    label: str
    group: Group
    score: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What the scores mean.

    `emotions` are the best labels, best first. `groups` holds the probability of each of the seven groups (sums to 1).
    `sure` says that the confidence passed the model's gate. `model` names weights and label set.
    """

    emotions: tuple[Emotion, ...]
    group: Group
    groups: Mapping[Group, float]
    sure: bool
    model: str

    @property
    def top(self) -> Emotion:
        return self.emotions[0]


@dataclass(frozen=True, slots=True)
class Turn:
    """One line of history; `at` is when it was said (UTC milliseconds), where that is known."""

    role: Literal["user", "assistant"]
    text: str
    reading: Reading | None = None
    at: int | None = None


@dataclass(frozen=True, slots=True)
class Aim:
    """What a reply should carry: it hits when its own reading lies in `groups`."""

    groups: tuple[Group, ...]
    strategy: Strategy = "empathise"
    tone: Tone = "usual"


@dataclass(frozen=True, slots=True)
class Prompt:
    """What to answer, as data; `bot.prompt.render` makes an LLM's messages of it.

    The last turn is the person's. `rejected` are variants of the answer that the person turned down.
    `payer` is an opaque key that spending is counted under; it is never shown to a model. `gentle`: a few
    turns ago a life was in danger.
    """

    persona: str
    language: Language
    turns: tuple[Turn, ...]
    aim: Aim
    rejected: tuple[str, ...] = ()
    payer: str = ""
    gentle: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one LLM call."""

    prompt: int
    completion: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a reply. The last one of a stream carries `finish` and what is known of model and usage."""

    text: str
    finish: Literal["", "stop", "length", "cut"] = ""
    model: str = ""
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """One variant of an answer, or, while `finish` is empty, as much of it as is written.

    `hit`: did its reading lie in the aim (None: nobody could tell).
    """

    text: str
    reading: Reading | None = None
    hit: bool | None = None
    model: str = ""
    usage: Usage | None = None
    finish: Literal["", "stop", "length", "cut", "stopped"] = ""
    variant: int = 1
    id: int = 0


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One snapshot of what a platform shows under the person's message; a later snapshot replaces it whole.

    `message` is our id, `answers` the platform's id of the message answered. `notice` is an error code whose words
    stand in the locale; text may stand beside it. `actions` are the buttons to offer now.
    """

    conversation: Conversation
    message: int
    answers: str
    text: str = ""
    reading: Reading | None = None
    reply: Reply | None = None
    variants: int = 0
    actions: tuple[Action, ...] = ()
    notice: str = ""
    final: bool = False
