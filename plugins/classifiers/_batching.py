"""A micro-batcher: many coroutines ask, a few threads answer them in batches, one tokenising ahead of the others.

No timer: a model thread takes all that waits when it gets free, so a lone caller waits for nobody and a crowd is served
together. It tokenises that itself; only what is asked while all model threads are busy is tokenised ahead.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence, Sized
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, TypeAlias, TypeVar

from bot.errors import ClassifierError
from plugins.classifiers._splitting import split

log = logging.getLogger(__name__)

ItemT = TypeVar("ItemT", bound=Sized)
ResultT = TypeVar("ResultT")
ThingT = TypeVar("ThingT")
DoneT = TypeVar("DoneT")

ROUND = 4  # full batches made ready at once: enough to find texts of like length, few enough to wait behind


@dataclass(slots=True, eq=False)
class _Call(Generic[ResultT]):
    """One caller's texts; `found` fills up in any order."""

    texts: Sequence[str]
    future: asyncio.Future[list[ResultT]]
    taken: int = 0  # texts handed to the tokeniser
    found: dict[int, ResultT] = field(default_factory=dict)
    over: bool = False  # answered or failed, as the threads know it

    @property
    def wanted(self) -> bool:
        return not self.over and not self.future.cancelled()


Place: TypeAlias = tuple[_Call[ResultT], int]  # one text of a call


class MicroBatcher(Generic[ItemT, ResultT]):
    """Runs `forward` over `encode`d texts of all callers.

    Args:
        encode: texts → items, one each, in any thread; an item's length is what batches are sorted by.
        forward: up to `max_batch` items → one result each, in one of the model threads.
        max_batch: the most items of one forward pass.
        queue: how many calls may wait; further ones wait at the door, first come first served.
        deadline_s: how long a call of up to `max_batch` texts may take; a longer one may take as many times as long.
        fixed: what a forward pass costs besides its items, in units of an item's length; None: `forward` pads nothing,
            so items go together as they come.
        workers: how many model threads there are.
        lone: as `forward`, for a few items beside which nothing else is to be done; always in the same thread.
    """

    def __init__(
        self,
        encode: Callable[[list[str]], list[ItemT]],
        forward: Callable[[list[ItemT]], list[ResultT]],
        max_batch: int,
        queue: int,
        deadline_s: float,
        fixed: float | None = 48.0,
        workers: int = 1,
        lone: Callable[[list[ItemT]], list[ResultT]] | None = None,
    ) -> None:
        self._encode, self._forward, self._lone = encode, forward, lone or forward
        self._max_batch, self._deadline_s, self._fixed = max_batch, deadline_s, fixed
        self._door = asyncio.Semaphore(queue)
        self._new: list[_Call[ResultT]] = []  # the loop's own: what was asked in this turn of it
        self._calls: deque[_Call[ResultT]] = deque()
        self._ready: list[tuple[Place[ResultT], ItemT]] = []
        self._lock = threading.Lock()
        self._ahead = threading.Condition(self._lock)  # there is something to tokenise ahead
        self._work = [threading.Condition(self._lock) for _ in range(workers)]  # a model thread has something to do
        self._idle = workers * [False]
        self._closed = self._all_encoded = False
        self._threads = [threading.Thread(target=self._tokenise, name="classifier tokens", daemon=True)]
        for number in range(workers):
            self._threads.append(
                threading.Thread(target=self._run, args=(number,), name="classifier model", daemon=True)
            )

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        for thread in self._threads:
            thread.start()

    async def close(self) -> None:
        """Answer what is queued, then end the threads; later callers get a ClassifierError."""
        self._closed = True
        self._hand_over()
        with self._lock:
            self._ahead.notify()
        for thread in self._threads:
            await asyncio.to_thread(thread.join)

    async def submit(self, texts: Sequence[str]) -> list[ResultT]:
        """One result per text, in order.

        Raises:
            ClassifierError: one of these texts cannot be classified, the deadline passed, or the batcher is closed.
        """
        if not texts:
            return []
        allowed = self._deadline_s * -(-len(texts) // self._max_batch)
        until = self._loop.time() + allowed
        try:
            if self._door.locked():
                async with asyncio.timeout_at(until):
                    await self._door.acquire()
            else:
                await self._door.acquire()
            return await self._answer(texts, until)
        except TimeoutError:
            raise ClassifierError(f"{len(texts)} texts were not classified within {allowed:g} s") from None

    async def _answer(self, texts: Sequence[str], until: float) -> list[ResultT]:
        """For a caller inside the door, who leaves with this. A bare timer costs a third of an `asyncio.timeout`."""
        call: _Call[ResultT] = _Call(texts, self._loop.create_future())
        timer = self._loop.call_at(until, _expire, call)
        try:
            if self._closed:
                raise ClassifierError("the classifier is shut down")
            if not self._new:
                self._loop.call_soon(self._hand_over)
            self._new.append(call)
            return await call.future
        finally:
            timer.cancel()
            self._door.release()

    def _hand_over(self) -> None:
        """Give the threads all calls of one turn of the loop: callers who were answered together ask together."""
        with self._lock:
            self._calls += self._new
            self._wake()
        self._new = []

    def _tokenise(self) -> None:
        while places := self._take():
            self._encode_all(places)
            with self._lock:
                self._wake()
        with self._lock:
            self._all_encoded = True
            for work in self._work:
                work.notify()

    def _run(self, number: int) -> None:
        while taken := self._take_ready(number):
            ready, alone = taken
            forward = self._lone if alone else self._forward
            batches = self._batches([len(item) for _, item in ready])
            for batch in batches:
                wanted = [ready[i] for i in batch if ready[i][0][0].wanted]
                done = partial(self._give, number if batch is batches[-1] else None)
                self._each(forward, [place for place, _ in wanted], [item for _, item in wanted], done)

    def _batches(self, lengths: Sequence[int]) -> list[list[int]]:
        return [[*range(len(lengths))]] if self._fixed is None else split(lengths, self._max_batch, self._fixed)

    def _encode_all(self, places: list[Place[ResultT]]) -> None:
        self._each(self._encode, places, [call.texts[at] for call, at in places], self._put_ready)

    def _put_ready(self, places: list[Place[ResultT]], items: list[ItemT]) -> None:
        with self._lock:
            self._ready += zip(places, items, strict=True)

    def _wake(self) -> None:
        """Somebody for what waits: the first idle model thread, or the tokeniser when all are busy."""
        if self._calls or self._ready:
            if any(self._idle):
                number = self._idle.index(True)
                self._idle[number] = False
                self._work[number].notify()
            else:
                self._ahead.notify()

    def _take(self) -> list[Place[ResultT]]:
        """What is to be tokenised ahead; waits for it. Empty only when closed and done."""
        with self._lock:
            while True:
                self._ahead.wait_for(lambda: (self._calls and self._room > 0) or (self._closed and not self._calls))
                if (places := self._shares()) or self._closed:
                    return places

    def _take_ready(self, number: int) -> tuple[list[tuple[Place[ResultT], ItemT]], bool] | None:
        """What is tokenised, all or one batch, and whether it is alone; waits for it, or tokenises what is asked.

        None when closed and done.
        """
        most = self._max_batch if self._fixed is None else ROUND * self._max_batch
        while True:
            with self._lock:
                while not (self._ready or self._calls or self._all_encoded):
                    self._idle[number] = True
                    self._work[number].wait()
                self._idle[number] = False
                if self._ready or not self._calls:
                    ready, self._ready = self._ready[:most], self._ready[most:]
                    self._wake()
                    return (ready, self._is_alone(number, ready)) if ready else None
                places = self._shares()
            self._encode_all(places)

    def _is_alone(self, number: int, ready: Sized) -> bool:
        others = (idle for other, idle in enumerate(self._idle) if other != number)
        return number == 0 and len(ready) <= self._max_batch // 4 and all(others)

    def _shares(self) -> list[Place[ResultT]]:
        """An equal share of every waiting call, as long as there is room.

        A call that asks for much stands again at the end of the queue with its rest, and so holds nobody up.
        """
        room, share = self._room, max(1, self._room // max(1, len(self._calls)))
        places: list[Place[ResultT]] = []
        for _ in range(len(self._calls)):
            if len(places) >= room:
                break
            call = self._calls.popleft()
            upto = min(len(call.texts), call.taken + share) if call.wanted else len(call.texts)
            places += [(call, at) for at in range(call.taken, upto) if call.wanted]
            call.taken = upto
            if upto < len(call.texts):
                self._calls.append(call)
        return places

    @property
    def _room(self) -> int:
        return ROUND * self._max_batch - len(self._ready)

    def _each(
        self,
        work: Callable[[list[ThingT]], list[DoneT]],
        places: list[Place[ResultT]],
        things: list[ThingT],
        done: Callable[[list[Place[ResultT]], list[DoneT]], None],
    ) -> None:
        """Work on all; where that fails, on the halves apart, so that exactly the call with the faulty text fails."""
        try:
            results = work(things) if things else []
            if len(results) != len(things):
                raise ValueError(f"{len(results)} results for {len(things)} texts")
        except BaseException as error:  # a panic in a tokenizer's Rust is no Exception, and must not end the thread
            if len({call for call, _ in places}) == 1:
                self._fail(places[0][0], error)
                return
            half = len(places) // 2
            for part in (slice(half), slice(half, None)):
                self._each(work, places[part], things[part], done)
        else:
            done(places, results)

    def _give(self, idle: int | None, places: list[Place[ResultT]], results: list[ResultT]) -> None:
        """Answer the calls that are whole now. The model thread `idle` has nothing else to do from here on."""
        whole = []
        for (call, at), result in zip(places, results, strict=True):
            call.found[at] = result
            if len(call.found) == len(call.texts):
                call.over = True
                whole.append(call)
        if idle is not None:
            with self._lock:
                self._idle[idle] = True  # before the answer: a caller who asks on at once finds the same thread
        self._tell(_settle, whole)

    def _fail(self, call: _Call[ResultT], error: BaseException) -> None:
        """The log names the error's kind only: no text of a person."""
        if call.over:
            return
        call.over = True
        log.error("%d texts could not be classified: %s", len(call.texts), type(error).__name__)
        failure = ClassifierError(f"a batch could not be classified: {type(error).__name__}")
        failure.__cause__ = error
        self._tell(_break, call.future, failure)

    def _tell(self, function: Callable[..., object], *arguments: object) -> None:
        """Run a function in the loop; a loop that was closed meanwhile has nobody left to tell."""
        try:
            self._loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError:
            log.debug("the loop was closed before its answers")


def _settle(calls: list[_Call[ResultT]]) -> None:
    for call in calls:
        if not call.future.done():
            call.future.set_result([call.found[at] for at in range(len(call.texts))])


def _expire(call: _Call[ResultT]) -> None:
    call.over = True
    _break(call.future, TimeoutError())


def _break(future: asyncio.Future[list[ResultT]], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
