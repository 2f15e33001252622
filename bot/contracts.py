"""What a plugin is. Three kinds, each with one method that matters; life is `async with`.

A plugin's options are the keyword arguments of its constructor. Heavy imports belong into `__aenter__`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from bot.types import Chunk, Outgoing, Person, Prompt, Scores, Text

if TYPE_CHECKING:
    from bot.app import App

State = Literal["ok", "warning", "wrong"]


class Plugin(ABC):  # noqa: B024  # each kind adds its own abstract method
    """Common to all kinds: a name, a life, and an answer for the data it keeps about people."""

    name: str = ""  # set by the loader: the name under which config.toml calls the plugin

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        return None

    def trouble(self) -> str:
        """What is wrong with it just now, in a few words for the operator (a lost connection); empty: nothing."""
        return ""

    async def export_person(self, person: Person) -> Mapping[str, Any]:
        """Everything the plugin stores about a person, as JSON-ready data. Default: it stores nothing."""
        return {}

    async def forget_person(self, person: Person) -> int:
        """Destroy it, and say how many records went. Default: there are none."""
        return 0


class Classifier(Plugin):
    """Text → scores. Safe for thousands of concurrent callers; a failed batch fails exactly its callers."""

    @property
    @abstractmethod
    def model(self) -> str:
        """Name, weights hash and label set: written beside every reading, so logs stay comparable."""

    @property
    @abstractmethod
    def labels(self) -> tuple[str, ...]:
        """The model's labels in index order."""

    @property
    def sure_at(self) -> float:
        """Group probability from which a reading counts as sure; a calibrated model brings its own."""
        return 0.5

    @abstractmethod
    async def classify(self, texts: Sequence[Text]) -> list[Scores]:
        """One Scores per text, in order.

        Raises:
            ClassifierError: the batch failed; nothing about other callers' batches is implied.
        """


class Replier(Plugin):
    """Prompt → a stream of chunks; the last chunk has `finish` set."""

    #: owner's prices per million tokens (input, output) in the budget's currency; (0, 0) is free
    prices: tuple[float, float] = (0.0, 0.0)
    #: the most tokens one answer may have, which is what a spend reservation counts
    max_tokens: int = 0

    @abstractmethod
    def reply(self, prompt: Prompt) -> AsyncGenerator[Chunk, None]:
        """Stream an answer.

        Raises:
            ReplyError: and nothing else.
        """


class Platform(Plugin):
    """A surface where people are. It translates, and decides nothing."""

    #: quiet seconds to wait for a person's next line before their burst is read as one thought
    burst_s: float = 0.0
    #: why it stays off, for the operator (a token that is not set); empty: it runs
    off: str = ""

    async def examine(self) -> Sequence[tuple[State, str]]:
        """What `maum doctor` says of it, one line each; asked of an entered platform that is not running."""
        return [("ok", "configured")]

    @abstractmethod
    async def run(self, app: App) -> None:
        """Serve until cancelled."""

    @abstractmethod
    async def show(self, outgoing: Outgoing, handle: str | None) -> str:
        """Show a snapshot; return a handle by which the next snapshot replaces it.

        Idempotent: the same snapshot twice shows once. The latest snapshot wins. `handle` is what an earlier `show`
        returned, possibly in another process.

        Raises:
            Unreachable: the platform is away for a while. Any other error means that this snapshot cannot be shown.
        """

    async def may_moderate(self, person: Person, space_id: str) -> bool:
        """Asked at each request, never cached: may this person read the log of this space? Default: no."""
        return False
