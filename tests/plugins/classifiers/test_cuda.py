"""Passes on a CUDA device: recorded, at once, and through the whole plugin."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from bot.types import Scores, Text
from plugins.classifiers._devices import Devices
from plugins.classifiers._flat_weights import flat_encoder_of
from plugins.classifiers._graphs import MAX_TOKENS, FlatNetwork
from plugins.classifiers._memory import Ladder
from plugins.classifiers._network import Head, Network
from plugins.classifiers._shapes import rounded, shape_of
from plugins.classifiers.transformers import TransformersClassifier
from tests.plugins.classifiers import checkpoints
from tests.plugins.classifiers.kinds import KNOWN, UNKNOWN, made, texts

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
NEAR = 0.03  # bf16 moves these models' probabilities by up to 0.01 on a CPU
WORDS = " ".join(checkpoints.LINES).split()


def flat(module: Any) -> FlatNetwork:
    encoder = flat_encoder_of(module, torch.bfloat16, CUDA)
    assert encoder is not None
    return FlatNetwork(encoder, CUDA, 0, Head(), "bf16")


def found(network: Network, items: list[list[int]]) -> torch.Tensor:
    return torch.tensor(network.forward(items))


def at_once(network: FlatNetwork, items: list[list[int]]) -> torch.Tensor:
    with torch.inference_mode():
        return network._at_once(items, shape_of(items)).cpu()


@pytest.fixture
def _all_memory_after() -> Iterator[None]:
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)
    torch.cuda.empty_cache()


@pytest.mark.parametrize("name", KNOWN)
def test_a_recorded_pass_gives_what_one_at_once_and_what_transformers_gives(name: str) -> None:
    module = made(*KNOWN[name])
    plain, network, items = Network(module, CPU, module.config.pad_token_id, Head()), flat(module), texts()
    for batch in (items, items[:1], items[3:4], items[:7], items[5:25], items, items[:1]):
        recorded, expected = found(network, batch), found(plain, batch)
        assert torch.allclose(recorded, at_once(network, batch), atol=NEAR)
        assert torch.allclose(recorded, expected, atol=NEAR)
    assert set(network._recorded) == {
        rounded(shape_of(batch)) for batch in (items, items[:1], items[3:4], items[:7], items[5:25])
    }


def test_a_batch_too_large_for_a_graph_gives_the_same() -> None:
    network, items = flat(made(*KNOWN["bert"])), texts()
    many = items * 10
    assert shape_of(many).tokens > MAX_TOKENS
    assert torch.allclose(found(network, many), found(network, items).repeat(10, 1), atol=NEAR)
    assert len(network._recorded) == 1


def test_replays_do_not_change_when_other_shapes_were_recorded_between_them() -> None:
    network, items = flat(made(*KNOWN["modernbert"])), texts()
    first = found(network, items[:5])
    for until in range(1, len(items)):
        found(network, items[:until])
        assert torch.equal(found(network, items[:5]), first)


def test_two_models_in_one_process_do_not_disturb_each_other() -> None:
    networks = [flat(made(*KNOWN[name])) for name in ("bert", "modernbert")]
    batches = [texts()[:until] for until in (1, 4, 9, 16, 30)]
    alone = [[found(network, batch) for batch in batches] for network in networks]

    def serve(network: Network) -> list[torch.Tensor]:
        return [found(network, batch) for _ in range(20) for batch in batches]

    async def both() -> list[list[torch.Tensor]]:
        fresh = [flat(made(*KNOWN[name])) for name in ("bert", "modernbert")]  # they record at the same time, too
        return await asyncio.gather(*(asyncio.to_thread(serve, network) for network in fresh))

    for own, rows in zip(alone, asyncio.run(both()), strict=True):
        for expected, row in zip(own * 20, rows, strict=True):
            assert torch.allclose(row, expected, atol=NEAR)


@pytest.mark.usefixtures("_all_memory_after")
@pytest.mark.parametrize("copies", [8, 128], ids=["recorded", "at once"])
@pytest.mark.parametrize("spare", [0, 48 << 20], ids=["no memory", "little memory"])
def test_without_memory_for_a_batch_it_is_halved_or_moved(copies: int, spare: int) -> None:
    module, items = made(*KNOWN["bert"]), texts()[:16]
    plain, network = Network(module, CPU, 0, Head()), flat(module)
    at_once(network, items[:1])
    found(network, items[:1])  # what every pass needs is there
    torch.cuda.synchronize()
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(CUDA).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + spare) / total)
    ladder = Ladder([lambda: network, lambda: plain], max_batch=16 * copies)
    rows = torch.tensor(ladder.forward(items * copies))
    assert torch.allclose(rows, found(plain, items).repeat(copies, 1), atol=NEAR)
    assert ladder._short_since is not None or (copies == 8 and spare)


def rungs(module: Any, precision: str) -> Network:
    pad = module.config.pad_token_id or 0
    devices = Devices(lambda: module, pad, Head(), [[5, 6, 7], [8], [9, 10]])
    return devices.rungs("cuda", precision, module)[0]()


@pytest.mark.parametrize("name", UNKNOWN)
def test_a_model_of_an_unknown_kind_is_padded(name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    module = made(*UNKNOWN[name])
    expected = found(Network(module, CPU, 0, Head()), texts())
    network = rungs(module, "auto")
    assert not network.packs
    assert "texts are padded" in caplog.text
    assert torch.allclose(found(network, texts()), expected, atol=NEAR)


def test_fp32_is_padded_and_as_exact_as_on_a_cpu() -> None:
    module = made(*KNOWN["bert"])
    expected = found(Network(module, CPU, 0, Head()), texts())
    network = rungs(module, "fp32")
    assert not network.packs
    assert network.precision == "fp32"
    assert torch.allclose(found(network, texts()), expected, atol=1e-3)


def mixed_texts() -> list[str]:
    rng = random.Random(5)
    return [" ".join(rng.choices(WORDS, k=rng.choice((1, 2, 4, 8, 15, 40)))) for _ in range(200)]


async def _read(folder: Path, device: str, callers: int, precision: str) -> list[Scores]:
    waiting, read = list(enumerate(mixed_texts())), {}

    async def ask(classifier: TransformersClassifier) -> None:
        while waiting:
            number, text = waiting.pop()
            (read[number],) = await classifier.classify([Text(text)])

    async with TransformersClassifier(str(folder), device, precision=precision) as classifier:
        assert classifier.computes == f"{device}, {'bf16' if device == 'cuda' else 'fp32'}"
        await asyncio.gather(*(ask(classifier) for _ in range(callers)))
    return [read[number] for number in range(200)]


def test_64_callers_get_what_each_alone_gets_on_a_cpu(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = checkpoints.make(tmp_path / "m", hidden_size=64, num_attention_heads=4, intermediate_size=96)
    crowd = asyncio.run(_read(folder, "cuda", 64, "auto"))
    alone = asyncio.run(_read(folder, "cpu", 1, "fp32"))
    assert "passes without padding are not used" not in caplog.text
    assert "no CUDA graphs" not in caplog.text
    for one, other in zip(crowd, alone, strict=True):
        assert one.values == pytest.approx(other.values, abs=NEAR)


def test_a_model_that_pads_serves_a_crowd_too(tmp_path: Path) -> None:
    module = made(*UNKNOWN["another kind"])
    module.save_pretrained(tmp_path / "m")
    checkpoints.save_tokenizer(tmp_path / "m")
    crowd = asyncio.run(_read(tmp_path / "m", "cuda", 64, "bf16"))
    alone = asyncio.run(_read(tmp_path / "m", "cpu", 1, "fp32"))
    for one, other in zip(crowd, alone, strict=True):
        assert one.values == pytest.approx(other.values, abs=NEAR)
