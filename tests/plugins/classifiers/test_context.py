from __future__ import annotations

from pathlib import Path

import pytest

from bot.emotions import read
from bot.types import Scores, Text
from plugins.classifiers import _context
from plugins.classifiers.transformers import TransformersClassifier
from tests.plugins.classifiers import checkpoints

LABELS = ("기쁨", "슬픔", "중립")
SAD = Scores(LABELS, (0.1, 0.8, 0.1))
UNCLEAR = Scores(LABELS, (0.36, 0.34, 0.3))


def test_a_message_that_says_little_takes_after_the_one_before() -> None:
    (mixed,) = _context.mixed([Text("응", ("헤어졌어",))], [UNCLEAR, SAD], 0.5)
    assert read(UNCLEAR, "m").group == "joy"
    assert read(mixed, "m").group == "sadness"
    assert sum(mixed.values) == pytest.approx(1.0)


def test_a_message_that_says_much_keeps_its_own_reading() -> None:
    glad = Scores(LABELS, (0.97, 0.02, 0.01))
    (mixed,) = _context.mixed([Text("합격했어!!", ("헤어졌어",))], [glad, SAD], 0.5)
    assert read(mixed, "m").group == "joy"


def test_without_a_weight_or_a_message_before_nothing_more_is_asked_and_nothing_changes() -> None:
    texts = [Text("응", ("헤어졌어", "어제")), Text("어")]
    assert _context.asked(texts, 0.0) == ["응", "어"]
    assert _context.asked(texts, 0.5) == ["응", "어", "어제"]
    assert _context.mixed(texts, [UNCLEAR, SAD], 0.0) == [UNCLEAR, SAD]
    assert _context.mixed(texts, [UNCLEAR, SAD, SAD], 0.5)[1] is SAD


async def test_the_weight_stands_in_the_models_calibration(tmp_path: Path) -> None:
    folder = checkpoints.make(tmp_path / "model", LABELS)
    texts = [Text("응 그래", ("헤어졌어",)), Text("응 그래")]
    for weight in (0.0, 0.5):
        checkpoints.calibrate(folder, context=weight)
        async with TransformersClassifier(str(folder), device="cpu") as classifier:
            with_before, alone = await classifier.classify(texts)
        assert (with_before == alone) is (weight == 0.0)
