"""The micro-batcher, with work that tests can hold, count and break."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable

import pytest

from bot.errors import ClassifierError
from plugins.classifiers._batching import ROUND, MicroBatcher


class Panic(BaseException):
    """As a Rust library panics: no Exception."""


class Work:
    """Echoes texts; `gate` holds a batch, `batches` remembers them; “!” breaks a batch, “?” breaks the tokeniser."""

    def __init__(self) -> None:
        self.encoded: list[str] = []
        self.batches: list[list[str]] = []
        self.threads: set[str] = set()
        self.lone: list[tuple[str, int]] = []  # and in which thread
        self.gate = threading.Event()
        self.gate.set()
        self.began = threading.Event()

    def encode(self, texts: list[str]) -> list[str]:
        self.threads.add(threading.current_thread().name)
        if any("?" in text for text in texts):
            raise Panic("a secret of the person")
        self.encoded += texts
        return texts

    def forward(self, items: list[str]) -> list[str]:
        self.threads.add(threading.current_thread().name)
        self.began.set()
        self.gate.wait(5)
        self.batches.append(items)
        if any("!" in item for item in items):
            raise RuntimeError("a secret of the person")
        return [item.upper() for item in items if item != "lost"]

    def alone(self, items: list[str]) -> list[str]:
        self.lone += [(item, threading.get_ident()) for item in items]
        return self.forward(items)

    async def hold(self, batcher: MicroBatcher[str, str]) -> asyncio.Task[list[str]]:
        """Occupy the worker with a first text until the gate opens."""
        self.gate.clear()
        first = asyncio.create_task(batcher.submit(["first"]))
        await asyncio.to_thread(self.began.wait, 5)
        return first


@pytest.fixture
def work() -> Work:
    return Work()


def make(
    work: Work, queue: int = 16, deadline_s: float = 5.0, fixed: float | None = 48.0, workers: int = 1
) -> MicroBatcher[str, str]:
    return MicroBatcher(work.encode, work.forward, 8, queue, deadline_s, fixed, workers, work.alone)


@pytest.fixture
async def batcher(work: Work) -> AsyncIterator[MicroBatcher[str, str]]:
    batcher = make(work)
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


@pytest.mark.parametrize("fault", ["broken!", "broken?", "lost"])
async def test_a_faulty_text_fails_its_own_caller_and_no_other(
    batcher: MicroBatcher[str, str], work: Work, fault: str
) -> None:
    first = await work.hold(batcher)
    good = [asyncio.create_task(batcher.submit([f"good {i}", f"fine {i}"])) for i in range(3)]
    broken = asyncio.create_task(batcher.submit(["good", fault]))
    await asyncio.sleep(0.01)
    work.gate.set()
    assert await first == ["FIRST"]
    assert await asyncio.gather(*good) == [[f"GOOD {i}", f"FINE {i}"] for i in range(3)]
    with pytest.raises(ClassifierError, match=r"RuntimeError|Panic|ValueError") as caught:
        await broken
    assert "secret" not in str(caught.value)
    assert await batcher.submit(["after"]) == ["AFTER"]


async def test_a_call_fails_once_even_when_several_of_its_batches_do(batcher: MicroBatcher[str, str]) -> None:
    with pytest.raises(ClassifierError):
        await batcher.submit(["a!", "b" * 100 + "!", "c" * 1000])
    assert await batcher.submit(["after"]) == ["AFTER"]


async def test_the_next_texts_are_tokenised_while_the_model_is_busy(
    batcher: MicroBatcher[str, str], work: Work
) -> None:
    first = await work.hold(batcher)
    second = asyncio.create_task(batcher.submit(["second"]))
    await asyncio.to_thread(_until, lambda: "second" in work.encoded)
    assert work.batches == []
    work.gate.set()
    assert await first + await second == ["FIRST", "SECOND"]
    assert work.threads == {"classifier tokens", "classifier model"}


async def test_a_caller_with_very_many_texts_holds_nobody_up(batcher: MicroBatcher[str, str], work: Work) -> None:
    first = await work.hold(batcher)
    many = asyncio.create_task(batcher.submit([f"many {i}" for i in range(2000)]))
    await asyncio.sleep(0.01)
    lone = asyncio.create_task(batcher.submit(["lone"]))
    await asyncio.sleep(0.01)
    work.gate.set()
    assert await lone == ["LONE"]
    before_it = next(at for at, batch in enumerate(work.batches) if "lone" in batch)
    assert before_it <= 3 * ROUND
    assert await first == ["FIRST"]
    assert len(await many) == 2000


async def test_a_call_fails_at_its_deadline_and_its_texts_are_left_out(work: Work) -> None:
    batcher = make(work, deadline_s=0.1)
    batcher.start()
    first = await work.hold(batcher)
    late = asyncio.create_task(batcher.submit(["late"]))
    with pytest.raises(ClassifierError, match=r"not classified within 0\.1 s"):
        await late
    with pytest.raises(ClassifierError):
        await first
    work.gate.set()
    assert await batcher.submit(["in time"]) == ["IN TIME"]
    await batcher.close()
    assert "late" not in [text for batch in work.batches for text in batch]


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


async def test_a_full_queue_makes_callers_wait_at_the_door_and_loses_none(work: Work) -> None:
    batcher = make(work, queue=16)
    batcher.start()
    first = await work.hold(batcher)
    callers = [asyncio.create_task(batcher.submit([f"t{i}"])) for i in range(100)]
    await asyncio.to_thread(_until, lambda: len(work.encoded) == 16)
    await asyncio.sleep(0.05)
    assert len(work.encoded) == 16
    callers[50].cancel()
    work.gate.set()
    found = await asyncio.gather(*callers, return_exceptions=True)
    assert await first == ["FIRST"]
    assert [text for text in found if isinstance(text, list)] == [[f"T{i}"] for i in range(100) if i != 50]
    await batcher.close()


async def test_closing_answers_what_is_queued_and_refuses_what_comes_later(work: Work) -> None:
    batcher = make(work)
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


async def test_callers_who_were_answered_together_are_read_together_again(
    batcher: MicroBatcher[str, str], work: Work
) -> None:
    async def caller(name: str) -> None:
        for number in range(3):
            assert await batcher.submit([f"{name}{number}"]) == [f"{name}{number}".upper()]

    await asyncio.gather(*(caller(name) for name in "abcdefgh"))
    assert [len(batch) for batch in work.batches] == [8, 8, 8]


async def test_items_that_need_no_padding_go_together_as_they_come(work: Work) -> None:
    batcher = make(work, fixed=None)
    batcher.start()
    first = await work.hold(batcher)
    texts = ["c" * 40, "a", "b" * 20, *"defghijk"]
    rest = asyncio.create_task(batcher.submit(texts))
    await asyncio.sleep(0.01)
    work.gate.set()
    assert await first + await rest == ["FIRST", *(text.upper() for text in texts)]
    assert work.batches == [["first"], texts[:8], texts[8:]]
    await batcher.close()


async def test_two_model_threads_work_side_by_side(work: Work) -> None:
    batcher = make(work, workers=2)
    batcher.start()
    first = await work.hold(batcher)
    work.began.clear()
    second = asyncio.create_task(batcher.submit(["second"]))
    assert await asyncio.to_thread(work.began.wait, 5)
    third = asyncio.create_task(batcher.submit(["third"]))
    await asyncio.to_thread(_until, lambda: "third" in work.encoded)  # ahead: both are busy
    assert work.batches == []
    work.gate.set()
    assert await first + await second + await third == ["FIRST", "SECOND", "THIRD"]
    await batcher.close()


async def test_what_is_alone_is_always_read_by_the_same_thread(work: Work) -> None:
    batcher = make(work, workers=2)
    batcher.start()
    for number in range(20):
        assert await batcher.submit([f"t{number}"]) == [f"T{number}"]
    assert [text for text, _ in work.lone] == [f"t{number}" for number in range(20)]
    assert len({thread for _, thread in work.lone}) == 1
    first = await work.hold(batcher)
    beside = asyncio.create_task(batcher.submit(["beside"]))
    many = asyncio.create_task(batcher.submit([f"m{number}" for number in range(8)]))
    await asyncio.sleep(0.01)
    work.gate.set()
    await asyncio.gather(first, beside, many)
    assert not {"beside", "m0"} & {text for text, _ in work.lone}
    await batcher.close()


def _until(there: Callable[[], bool], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < end
        time.sleep(0.005)
