"""Running out of memory, with a network that has room for so many texts and a loop of its own logs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import SimpleNamespace

import pytest
import torch

from bot.errors import ClassifierError
from bot.metrics import classifier_memory
from plugins.classifiers._batching import MicroBatcher
from plugins.classifiers._memory import Ladder, is_out_of_memory
from plugins.classifiers._network import Head, Network

CPU = torch.device("cpu")
ITEMS = [[i, i + 1] for i in range(8)]


class Crowded(torch.nn.Module):
    """Scores a text by its first token; has room for `room` texts at once, as a full GPU has."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room
        self.sizes: list[int] = []

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None) -> SimpleNamespace:
        if len(input_ids) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        self.sizes.append(len(input_ids))
        return SimpleNamespace(logits=torch.stack((input_ids[:, 0].float(), torch.zeros(len(input_ids))), 1))


def ladder(*modules: Crowded, retry_s: float = 60.0) -> Ladder:
    return Ladder([builder(module) for module in modules], max_batch=8, retry_s=retry_s)


def builder(module: Crowded) -> Callable[[], Network]:
    return lambda: Network(module, CPU, 0, Head())


def steps() -> dict[str, float]:
    names = ("halved", "moved", "none", "undone")
    return {name: classifier_memory.labels(name)._value.get() for name in names}


@pytest.fixture
def counted() -> Callable[[], dict[str, float]]:
    before = steps()
    return lambda: {name: value - before[name] for name, value in steps().items() if value != before[name]}


Counted = Callable[[], dict[str, float]]


def expected(items: list[list[int]]) -> list[float]:
    return torch.tensor([item[0] for item in items]).float().sigmoid().tolist()


def test_batches_are_halved_until_they_fit(counted: Counted, caplog: pytest.LogCaptureFixture) -> None:
    module = Crowded(room=3)
    rows = ladder(module).forward(ITEMS)
    assert [row[0] for row in rows] == pytest.approx(expected(ITEMS))
    assert module.sizes == [2, 2, 2, 2]
    assert counted() == {"halved": 2}
    assert "out of memory with 8 texts: batches of 4 from now on" in caplog.text


def test_the_next_device_takes_over_when_one_text_is_too_much(counted: Counted) -> None:
    full, spare = Crowded(room=0), Crowded(room=8)
    serving = ladder(full, spare)
    assert len(serving.forward(ITEMS)) == 8
    assert len(serving.forward(ITEMS)) == 8
    assert spare.sizes == [8, 8]
    assert counted() == {"halved": 3, "moved": 1}


def test_a_device_that_cannot_even_hold_the_model_is_left_at_once(counted: Counted) -> None:
    def no_room() -> Network:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 440.00 MiB.")

    spare = Crowded(room=8)
    assert len(Ladder([no_room, builder(spare)], max_batch=8).forward(ITEMS)) == 8
    assert counted() == {"moved": 1}


def test_each_step_is_undone_when_there_is_memory_again(counted: Counted, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    full, spare = Crowded(room=0), Crowded(room=8)
    serving = ladder(full, spare, retry_s=0.0)
    serving.forward(ITEMS)
    full.room = 8
    serving.forward(ITEMS)
    assert full.sizes == [8]
    assert counted() == {"halved": 3, "moved": 1, "undone": 1}
    assert "memory is there again" in caplog.text


def test_nothing_is_tried_again_too_soon() -> None:
    module = Crowded(room=4)
    serving = ladder(module)
    serving.forward(ITEMS)
    module.room = 8
    serving.forward(ITEMS)
    assert module.sizes == [4, 4, 4, 4]


async def test_where_nothing_fits_the_caller_hears_it_and_the_next_is_served(
    counted: Counted,
) -> None:
    module = Crowded(room=0)
    serving = ladder(module, retry_s=0.0)
    batcher = MicroBatcher(lambda texts: [[len(text)] for text in texts], serving.forward, 8, 16, 5.0)
    batcher.start()
    with pytest.raises(ClassifierError, match="MemoryError"):
        await batcher.submit(["하나"])
    assert counted()["none"] == 1
    module.room = 8
    assert len(await batcher.submit(["둘"])) == 1
    await batcher.close()


def test_another_failure_is_no_lack_of_memory() -> None:
    module = Crowded(room=8)
    with pytest.raises(IndexError):
        ladder(module).forward([[]])


def test_the_cpus_own_words_for_no_memory_are_understood() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert is_out_of_memory(caught.value)
    assert not is_out_of_memory(RuntimeError("shapes do not match"))
