"""Any Hugging Face sequence-classification model as a Classifier: loaded once, resident, never on the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from bot.contracts import Classifier
from bot.errors import ClassifierError, OperatorError
from bot.types import Scores, Text
from plugins.classifiers import _context
from plugins.classifiers._batching import MicroBatcher

if TYPE_CHECKING:
    from plugins.classifiers._loading import Card, Loaded

ResultT = TypeVar("ResultT")

DEVICES = ("auto", "cuda", "mps", "cpu")
PRECISIONS = ("auto", "fp32", "bf16", "int8")


class TransformersClassifier(Classifier):
    """The options, as they stand in config.toml.

    Args:
        model: a folder, or a name on the model hub.
        device: auto (cuda, then mps, then cpu), or one of these.
        max_tokens: longer texts are cut to so many tokens.
        max_batch: the most texts of one forward pass.
        queue: how many callers may wait; further ones wait at the door.
        precision: auto (bf16 on a GPU, on a CPU what a trial at start finds quickest), or one of fp32, bf16, int8.
        threads: how many cores passes may use on a CPU; 0: all.
        deadline_s: a caller gets an error after so long, for each started `max_batch` of texts.
    """

    def __init__(
        self,
        model: str = "models/maum-small",
        device: str = "auto",
        max_tokens: int = 128,
        max_batch: int = 32,
        queue: int = 4096,
        precision: str = "auto",
        threads: int = 0,
        deadline_s: float = 30.0,
    ) -> None:
        least = {"max_tokens": max_tokens, "max_batch": max_batch, "queue": queue, "threads": threads + 1}
        for option, value in least.items():
            if value < 1:
                raise OperatorError(f"classifier option {option} = {value}: must be 1 or more")
        if deadline_s <= 0:
            raise OperatorError(f"classifier option deadline_s = {deadline_s:g}: must be more than 0")
        for option, word, known in (("device", device, DEVICES), ("precision", precision, PRECISIONS)):
            if word not in known:
                raise OperatorError(f"classifier option {option} = {word!r}: must be one of {', '.join(known)}")
        self._how = (model, device, precision, threads, max_tokens, max_batch)
        self._max_batch, self._queue, self._deadline_s = max_batch, queue, deadline_s
        self._card: Card | None = None
        self._batcher: MicroBatcher[list[int], tuple[float, ...]] | None = None

    async def __aenter__(self) -> Self:
        loaded = await _in_a_thread_that_ends(self._load)
        self._card = loaded.card
        cores = loaded.cores
        self._batcher = MicroBatcher(
            loaded.encode,
            loaded.on(cores.crowd),
            self._max_batch,
            self._queue,
            self._deadline_s,
            loaded.cost,
            cores.workers,
            loaded.on(cores.lone),
        )
        self._batcher.start()
        return self

    def _load(self) -> Loaded:
        from plugins.classifiers import _loading  # torch and transformers take seconds to import

        return _loading.load(*self._how)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._batcher is not None:
            await self._batcher.close()
        self._batcher = None  # and with it the model; its name may still be asked for

    @property
    def model(self) -> str:
        return self._entered.name

    @property
    def labels(self) -> tuple[str, ...]:
        return self._entered.labels

    @property
    def sure_at(self) -> float:
        return self._entered.calibration.sure_at

    @property
    def computes(self) -> str:
        """Where and in what precision, such as `cpu, bf16`."""
        return self._entered.computes

    async def classify(self, texts: Sequence[Text]) -> list[Scores]:
        """One Scores per text. Of `Text.before` the last counts, for a model whose calibration gives it a weight."""
        if self._batcher is None:
            raise ClassifierError("the classifier is not running: use it inside `async with`")
        weight = self._entered.calibration.context
        rows = await self._batcher.submit(_context.asked(texts, weight))
        return _context.mixed(texts, [Scores(self.labels, row) for row in rows], weight)

    @property
    def _entered(self) -> Card:
        if self._card is None:
            raise ClassifierError("the classifier has no model yet: use it inside `async with`")
        return self._card


async def _in_a_thread_that_ends(work: Callable[[], ResultT]) -> ResultT:
    pool = ThreadPoolExecutor(1)
    try:
        return await asyncio.get_running_loop().run_in_executor(pool, work)
    finally:
        pool.shutdown(wait=False)
