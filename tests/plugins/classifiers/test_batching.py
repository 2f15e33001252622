"""The micro-batcher, with work that tests can hold, count and break."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from bot.errors import ClassifierError
from plugins.classifiers._batching import MicroBatcher, batches


class Work:
    """Echoes texts; `gate` holds a batch, `batches` remembers them; a text with “!” breaks its batch."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.began = threading.Event()

    def forward(self, items: list[str]) -> list[str]:
        self.began.set()
        self.gate.wait(5)
        self.batches.append(items)
        if any("!" in item for item in items):
            raise RuntimeError("a secret of the person")
        return [item.upper() for item in items]

    async def hold(self, batcher: MicroBatcher[str, str]) -> asyncio.Task[list[str]]:
        """Occupy the worker with a first text until the gate opens."""
        self.gate.clear()
        first = asyncio.create_task(batcher.submit(["first"]))
        await asyncio.to_thread(self.began.wait, 5)
        return first


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
async def batcher(work: Work) -> AsyncIterator[MicroBatcher[str, str]]:
    batcher = MicroBatcher(lambda texts: texts, work.forward, max_batch=8, queue=16)
    batcher.start()
    yield batcher
    work.gate.set()
    await batcher.close()


async def test_results_come_in_the_order_of_the_texts(batcher: MicroBatcher[str, str]) -> None:
    texts = ["ccc", "a", "bbbbbbbbbb" * 5, "dd"]
    assert await batcher.submit(texts) == [text.upper() for text in texts]
    assert await batcher.submit([]) == []


async def test_what_queues_during_a_batch_is_taken_together(batcher: MicroBatcher[str, str], work: Work) -> None:
    first = await work.hold(batcher)
    rest = [asyncio.create_task(batcher.submit([f"t{i}"])) for i in range(8)]
    await asyncio.sleep(0.01)
    work.gate.set()
    await asyncio.gather(first, *rest)
    assert [len(batch) for batch in work.batches] == [1, 8]


async def test_a_failing_batch_fails_exactly_its_callers(batcher: MicroBatcher[str, str], work: Work) -> None:
    first = await work.hold(batcher)
    good = asyncio.create_task(batcher.submit(["short", "other"]))
    broken = asyncio.create_task(batcher.submit(["a much, much longer text, so it stands in another batch!"]))
    await asyncio.sleep(0.01)
    work.gate.set()
    assert await first == ["FIRST"]
    assert await good == ["SHORT", "OTHER"]
    with pytest.raises(ClassifierError, match="RuntimeError") as caught:
        await broken
    assert "secret" not in str(caught.value)
    assert await batcher.submit(["after"]) == ["AFTER"]


async def test_a_call_fails_once_even_when_several_of_its_batches_do(batcher: MicroBatcher[str, str]) -> None:
    with pytest.raises(ClassifierError):
        await batcher.submit(["a!", "b" * 100 + "!", "c" * 1000])
    assert await batcher.submit(["after"]) == ["AFTER"]


async def test_a_failing_tokenizer_fails_its_callers_too() -> None:
    def refuse(texts: list[str]) -> list[str]:
        raise ValueError

    batcher: MicroBatcher[str, str] = MicroBatcher(refuse, lambda items: items, 8, 16)
    batcher.start()
    with pytest.raises(ClassifierError, match="ValueError"):
        await batcher.submit(["a"])
    await batcher.close()


async def test_cancelled_callers_are_skipped(batcher: MicroBatcher[str, str], work: Work) -> None:
    first = await work.hold(batcher)
    gone = asyncio.create_task(batcher.submit(["gone"]))
    stays = asyncio.create_task(batcher.submit(["stays"]))
    await asyncio.sleep(0.01)
    gone.cancel()
    await asyncio.sleep(0)
    work.gate.set()
    assert await first == ["FIRST"]
    assert await stays == ["STAYS"]
    assert "gone" not in [text for batch in work.batches for text in batch]


async def test_a_full_queue_makes_callers_wait_and_loses_none(batcher: MicroBatcher[str, str], work: Work) -> None:
    first = await work.hold(batcher)
    callers = [asyncio.create_task(batcher.submit([f"t{i}"])) for i in range(100)]
    await asyncio.sleep(0.01)
    assert batcher.waiting <= 16
    callers[50].cancel()
    work.gate.set()
    found = await asyncio.gather(*callers, return_exceptions=True)
    assert await first == ["FIRST"]
    assert [text for text in found if isinstance(text, list)] == [[f"T{i}"] for i in range(100) if i != 50]


async def test_closing_answers_what_is_queued_and_refuses_what_comes_later(work: Work) -> None:
    batcher = MicroBatcher[str, str](lambda texts: texts, work.forward, 8, 16)
    batcher.start()
    first = await work.hold(batcher)
    queued = asyncio.create_task(batcher.submit(["queued"]))
    await asyncio.sleep(0.01)
    closing = asyncio.create_task(batcher.close())
    await asyncio.sleep(0.01)
    with pytest.raises(ClassifierError, match="shut down"):
        await batcher.submit(["late"])
    work.gate.set()
    await closing
    assert await first + await queued == ["FIRST", "QUEUED"]


def test_batches_hold_every_text_once_and_bound_their_padding() -> None:
    lengths = [3, 50, 4, 52, 3, 120, 5, 51, *[7] * 20]
    found = list(batches(lengths, most=8))
    assert sorted(i for batch in found for i in batch) == list(range(len(lengths)))
    for batch in found:
        sizes = [lengths[i] for i in batch]
        assert len(batch) <= 8
        assert max(sizes) <= max(1.3 * min(sizes), min(sizes) + 4)
