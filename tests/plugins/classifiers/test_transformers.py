"""The transformers classifier, on tiny checkpoints that transformers itself has written."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertConfig,
    BertModel,
    DistilBertConfig,
    DistilBertForSequenceClassification,
)

from bot.emotions import label_set
from bot.errors import ClassifierError, OperatorError
from bot.types import Scores, Text
from plugins.classifiers._folder import weights_hash
from plugins.classifiers.transformers import TransformersClassifier
from tests.plugins.classifiers import checkpoints

AWKWARD = ("", "   ", "😭😭😭", "\x00", "a\x00b", "\ud800", "مرحبا", "ㅋㅋㅋㅠㅠ", "가" * 100_000)


async def read(folder: Path, *texts: str, max_tokens: int = 128) -> list[Scores]:
    async with TransformersClassifier(str(folder), "cpu", max_tokens, precision="fp32") as classifier:
        return await classifier.classify([Text(text) for text in texts])


async def test_gives_the_same_probabilities_as_transformers_itself(tmp_path: Path) -> None:
    folder = checkpoints.make(tmp_path / "m", ("기쁨", "분노", "중립"))
    network = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    found = await read(folder, *checkpoints.LINES)
    for line, scores in zip(checkpoints.LINES, found, strict=True):
        with torch.inference_mode():
            expected = network(**tokenizer(line, return_tensors="pt")).logits.softmax(-1)[0].tolist()
        assert scores.values == pytest.approx(expected, abs=1e-5)
        assert scores.labels == ("기쁨", "분노", "중립")


async def test_a_multi_label_model_scores_each_label_by_itself(tmp_path: Path) -> None:
    single = await read(checkpoints.make(tmp_path / "single"), "너무 화가 나")
    several = await read(
        checkpoints.make(tmp_path / "several", problem_type="multi_label_classification"), "너무 화가 나"
    )
    assert sum(single[0].values) == pytest.approx(1.0)
    odds = [math.log(value / (1 - value)) for value in several[0].values]
    total = sum(math.exp(x) for x in odds)
    assert single[0].values == pytest.approx([math.exp(x) / total for x in odds], abs=1e-5)


async def test_calibration_beside_the_weights_is_applied(tmp_path: Path) -> None:
    folder = checkpoints.make(tmp_path / "m")
    plain = (await read(folder, "why me"))[0].values
    checkpoints.calibrate(folder, temperature=2.0, sure_at=0.7, how="by hand")
    async with TransformersClassifier(str(folder), "cpu", precision="fp32") as classifier:
        cool = (await classifier.classify([Text("why me")]))[0].values
        assert classifier.sure_at == 0.7
    roots = [math.sqrt(value) for value in plain]
    assert cool == pytest.approx([root / sum(roots) for root in roots], abs=1e-5)


async def test_one_temperature_per_label_is_applied_too(tmp_path: Path) -> None:
    folder = checkpoints.make(tmp_path / "m", problem_type="multi_label_classification")
    plain = (await read(folder, "why me"))[0].values
    checkpoints.calibrate(folder, temperature=[1.0, 1.0, 4.0])
    warm = (await read(folder, "why me"))[0].values
    assert warm[:2] == pytest.approx(plain[:2], abs=1e-6)
    assert warm[2] != pytest.approx(plain[2], abs=1e-6)


@pytest.mark.parametrize(
    "content",
    [
        *("{", '{"temperature": 0}', '{"temperature": [1, 2]}', '{"temperature": "x"}', "[]"),
        *('{"ngrams": NaN}', '{"ngrams": -1}', '{"context": Infinity}'),
    ],
)
async def test_a_broken_calibration_is_an_error_that_names_the_file(tmp_path: Path, content: str) -> None:
    folder = checkpoints.make(tmp_path / "m")
    (folder / "calibration.json").write_text(content, encoding="utf-8")
    with pytest.raises(OperatorError, match=r"calibration\.json"):
        await read(folder, "x")


async def test_the_model_is_named_by_folder_weights_and_labels(tmp_path: Path) -> None:
    one = checkpoints.make(tmp_path / "one", label_set("maum"))
    two = checkpoints.make(tmp_path / "two", 5, seed=1)
    async with TransformersClassifier(str(one), "cpu") as first, TransformersClassifier(str(two), "cpu") as second:
        assert first.model == f"one@{weights_hash(one)}/maum59"
        assert second.model == f"two@{weights_hash(two)}/own5"
        assert weights_hash(one) != weights_hash(two)


async def test_58_unnamed_labels_take_the_original_order(tmp_path: Path) -> None:
    async with TransformersClassifier(str(checkpoints.make(tmp_path / "m", 58)), "cpu") as classifier:
        assert classifier.labels == label_set("maum")[:58]
        assert classifier.labels[0] == "가난한, 불우한"
        assert classifier.model.endswith("/maum58")


@pytest.mark.parametrize("text", AWKWARD, ids=lambda text: repr(text[:8]))
async def test_any_text_gets_scores(tmp_path: Path, text: str) -> None:
    found = await read(checkpoints.make(tmp_path / "m"), text)
    assert len(found[0].values) == 3
    assert all(0 <= value <= 1 for value in found[0].values)


async def test_long_texts_are_cut_by_tokens(tmp_path: Path) -> None:
    folder = checkpoints.make(tmp_path / "m")
    words = "오늘 정말 기뻐요 " * 50
    short, long = await read(folder, words, words + "화가 나 " * 500, max_tokens=16)
    assert short.values == long.values


async def test_a_model_with_few_positions_cuts_earlier_than_asked(tmp_path: Path) -> None:
    assert await read(checkpoints.make(tmp_path / "m"), "why me " * 300, max_tokens=4096)


async def test_a_thousand_callers_at_once_each_get_their_own_answer(tmp_path: Path) -> None:
    folder = checkpoints.make(tmp_path / "m")
    texts = [checkpoints.LINES[i % len(checkpoints.LINES)] * (i % 7 + 1) for i in range(1000)]
    async with TransformersClassifier(str(folder), "cpu", queue=64, precision="fp32") as classifier:
        alone = {text: (await classifier.classify([Text(text)]))[0].values for text in dict.fromkeys(texts)}
        found = await asyncio.gather(*(classifier.classify([Text(text)]) for text in texts))
    for text, scores in zip(texts, found, strict=True):
        assert scores[0].values == pytest.approx(alone[text], abs=1e-5)


async def test_a_kind_of_model_that_is_not_known_is_read_with_padding(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    shape: dict[str, Any] = {
        "vocab_size": 200,
        "dim": 16,
        "n_layers": 2,
        "n_heads": 2,
        "hidden_dim": 32,
        "num_labels": 3,
    }
    DistilBertForSequenceClassification(DistilBertConfig(**shape)).save_pretrained(tmp_path)
    checkpoints.save_tokenizer(tmp_path)
    network = AutoModelForSequenceClassification.from_pretrained(tmp_path).eval()
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    for line, scores in zip(checkpoints.LINES, await read(tmp_path, *checkpoints.LINES), strict=True):
        with torch.inference_mode():
            expected = network(**tokenizer(line, return_tensors="pt")).logits.softmax(-1)[0].tolist()
        assert scores.values == pytest.approx(expected, abs=1e-5)
    assert caplog.text.count("texts are padded") == 1


async def test_loading_and_reading_leave_the_event_loop_free(tmp_path: Path) -> None:
    folder = checkpoints.make(tmp_path / "m")
    longest, stop = 0.0, asyncio.Event()

    async def tick() -> None:
        nonlocal longest
        loop = asyncio.get_running_loop()
        while not stop.is_set():
            before = loop.time()
            await asyncio.sleep(0.001)
            longest = max(longest, loop.time() - before)

    ticking = asyncio.create_task(tick())
    async with TransformersClassifier(str(folder), "cpu") as classifier:
        await asyncio.gather(*(classifier.classify([Text("너무 화가 나")] * 64) for _ in range(20)))
    stop.set()
    await ticking
    assert longest < 0.5


async def test_no_thread_is_left_behind(tmp_path: Path) -> None:
    await read(checkpoints.make(tmp_path / "m"), "why me")
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("classifier")]


async def test_outside_its_life_it_says_so(tmp_path: Path) -> None:
    classifier = TransformersClassifier(str(checkpoints.make(tmp_path / "m")), "cpu")
    with pytest.raises(ClassifierError, match="async with"):
        await classifier.classify([Text("x")])
    async with classifier:
        pass
    with pytest.raises(ClassifierError, match="async with"):
        await classifier.classify([Text("x")])


async def test_a_missing_folder_is_named_with_the_cure(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="make train-default") as caught:
        await read(tmp_path / "nowhere", "x")
    assert str(tmp_path / "nowhere") in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_a_tensorflow_only_checkpoint_gets_told_how_to_convert(tmp_path: Path) -> None:
    folder = checkpoints.make(tmp_path / "my-fine-tuned-bert", 58)
    (folder / "model.safetensors").rename(folder / "tf_model.h5")
    with pytest.raises(OperatorError, match="from_tf=True") as caught:
        await read(folder, "x")
    assert "\n" not in str(caught.value)


async def test_pickled_weights_are_never_loaded(tmp_path: Path) -> None:
    folder = checkpoints.make(tmp_path / "m")
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")
    with pytest.raises(OperatorError, match="safetensors") as caught:
        await read(folder, "x")
    assert "\n" not in str(caught.value)


async def test_code_in_a_checkpoint_is_never_run(tmp_path: Path) -> None:
    folder = checkpoints.make(tmp_path / "m")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config |= {"model_type": "evil", "auto_map": {"AutoModelForSequenceClassification": "evil.Model"}}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Model: ...\n", encoding="utf-8")
    with pytest.raises(OperatorError):
        await read(folder, "x")
    assert not (tmp_path / "ran").exists()


async def test_an_encoder_without_a_trained_head_is_refused(tmp_path: Path) -> None:
    shape = BertConfig(vocab_size=200, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32)
    BertModel(shape).save_pretrained(tmp_path)
    checkpoints.save_tokenizer(tmp_path)
    with pytest.raises(OperatorError, match="train it first"):
        await read(tmp_path, "x")


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
async def test_an_incomplete_folder_is_an_error_that_names_what_is_missing(tmp_path: Path, missing: str) -> None:
    folder = checkpoints.make(tmp_path / "m")
    (folder / missing).unlink()
    with pytest.raises(OperatorError, match=missing):
        await read(folder, "x")


async def test_a_cut_off_download_of_weights_is_an_operators_error(tmp_path: Path) -> None:
    folder = checkpoints.make(tmp_path / "m")
    (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:1000])
    with pytest.raises(OperatorError, match="cannot load the model"):
        await read(folder, "x")


async def test_a_hub_name_that_cannot_be_fetched_is_an_operators_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(OperatorError, match="nobody/nothing"):
        await read(Path("nobody/nothing"), "x")


@pytest.mark.parametrize(
    "options",
    [
        {"device": "tpu"},
        {"precision": "fp8"},
        {"max_tokens": 0},
        {"max_batch": 0},
        {"queue": -1},
        {"deadline_s": 0},
        {"threads": -1},
    ],
)
def test_an_impossible_option_is_named(options: dict[str, int]) -> None:
    with pytest.raises(OperatorError, match=next(iter(options))):
        TransformersClassifier("m", **options)  # type: ignore[arg-type]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
async def test_a_device_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="cuda"):
        async with TransformersClassifier(str(checkpoints.make(tmp_path / "m")), "cuda"):
            pass
