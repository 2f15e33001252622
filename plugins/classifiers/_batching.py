"""A micro-batcher: many coroutines ask, one worker thread answers them in batches.

No timer: the worker takes all that was queued while its last batches ran, so a lone caller waits for nobody and a crowd
is served together. Tokenising happens in the worker too, since fast tokenizers are not thread-safe.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence, Sized
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from bot.errors import ClassifierError

log = logging.getLogger(__name__)

ItemT = TypeVar("ItemT", bound=Sized)
ResultT = TypeVar("ResultT")

LONGER = 1.3  # a batch ends where the next text is this much longer than the batch's shortest …
SLACK = 4  # … and by more than so many tokens: very short texts may stand together


@dataclass(slots=True, eq=False)
class _Call(Generic[ResultT]):
    """One caller's texts; `found` fills up in any order."""

    texts: Sequence[str]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[list[ResultT]]
    found: dict[int, ResultT] = field(default_factory=dict)
    over: bool = False  # delivered or failed, as the worker knows it


class MicroBatcher(Generic[ItemT, ResultT]):
    """Runs `forward` over `encode`d texts of all callers, in one thread of its own.

    Args:
        encode: texts → items, one each; the length of an item is what batches are sorted by.
        forward: up to `max_batch` items → one result each.
        max_batch: the most items of one forward pass.
        queue: how many texts may wait; a further caller waits for room first.
    """

    def __init__(
        self,
        encode: Callable[[list[str]], list[ItemT]],
        forward: Callable[[list[ItemT]], list[ResultT]],
        max_batch: int,
        queue: int,
    ) -> None:
        self._encode, self._forward = encode, forward
        self._max_batch, self._queue = max_batch, queue
        self._calls: deque[_Call[ResultT]] = deque()
        self.waiting = 0  # texts queued now
        self._room: deque[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = deque()
        self._change = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="classifier", daemon=True)

    def start(self) -> None:
        self._thread.start()

    async def close(self) -> None:
        """Answer what is queued, then end the thread; later callers get a ClassifierError."""
        with self._change:
            self._closed = True
            self._change.notify()
        await asyncio.to_thread(self._thread.join)

    async def submit(self, texts: Sequence[str]) -> list[ResultT]:
        """One result per text, in order.

        Raises:
            ClassifierError: a batch with one of these texts failed, or the batcher is closed.
        """
        if not texts:
            return []
        loop = asyncio.get_running_loop()
        call: _Call[ResultT] = _Call(texts, loop, loop.create_future())
        while (room := self._enqueue(call)) is not None:
            await room.wait()
        return await call.future

    def _enqueue(self, call: _Call[ResultT]) -> asyncio.Event | None:
        """Queue the call; where the queue is full, an event that says when to try again."""
        with self._change:
            if self._closed:
                raise ClassifierError("the classifier is shut down")
            if self.waiting >= self._queue:
                room = asyncio.Event()
                self._room.append((call.loop, room))
                return room
            self._calls.append(call)
            self.waiting += len(call.texts)
            self._change.notify()
        return None

    def _run(self) -> None:
        while calls := self._take():
            live = [call for call in calls if not call.future.cancelled()]
            self._serve([(call, at) for call in live for at in range(len(call.texts))])

    def _take(self) -> list[_Call[ResultT]]:
        """Everything queued; waits for something. Empty only when closed and done."""
        with self._change:
            self._change.wait_for(lambda: self._calls or self._closed)
            calls, room = list(self._calls), list(self._room)
            self._calls.clear()
            self._room.clear()
            self.waiting = 0
        for loop, event in room:
            _tell(loop, event.set)
        return calls

    def _serve(self, places: list[tuple[_Call[ResultT], int]]) -> None:
        try:
            items = self._encode([call.texts[at] for call, at in places])
        except Exception as error:
            self._fail(places, error)
            return
        for batch in batches([len(item) for item in items], self._max_batch):
            wanted = [i for i in batch if not places[i][0].over and not places[i][0].future.cancelled()]
            if wanted:
                self._serve_batch([places[i] for i in wanted], [items[i] for i in wanted])

    def _serve_batch(self, places: list[tuple[_Call[ResultT], int]], items: list[ItemT]) -> None:
        try:
            results = self._forward(items)
        except Exception as error:
            self._fail(places, error)
            return
        for (call, at), result in zip(places, results, strict=True):
            call.found[at] = result
            if len(call.found) == len(call.texts):
                call.over = True
                _tell(call.loop, _give, call.future, [call.found[i] for i in range(len(call.texts))])

    def _fail(self, places: list[tuple[_Call[ResultT], int]], error: Exception) -> None:
        """Fail the callers of these places, each once. The log names the error's kind only: no text of a person."""
        log.error("a batch of %d texts failed: %s", len(places), type(error).__name__)
        for call in dict.fromkeys(call for call, _ in places):
            if not call.over:
                call.over = True
                failure = ClassifierError(f"a batch could not be classified: {type(error).__name__}")
                failure.__cause__ = error
                _tell(call.loop, _break, call.future, failure)


def batches(lengths: Sequence[int], most: int) -> Iterator[list[int]]:
    """Indices in batches of at most `most`, sorted by length, cut where padding would grow past LONGER."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        shortest = lengths[batch[0]] if batch else lengths[index]
        if len(batch) == most or lengths[index] > max(LONGER * shortest, shortest + SLACK):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def _tell(loop: asyncio.AbstractEventLoop, function: Callable[..., object], *arguments: object) -> None:
    """Run a function in a caller's loop; a loop that was closed meanwhile has nobody left to tell."""
    try:
        loop.call_soon_threadsafe(function, *arguments)
    except RuntimeError:
        log.debug("a caller's loop was closed before its answer")


def _give(future: asyncio.Future[list[ResultT]], results: list[ResultT]) -> None:
    if not future.done():
        future.set_result(results)


def _break(future: asyncio.Future[list[ResultT]], error: ClassifierError) -> None:
    if not future.done():
        future.set_exception(error)
