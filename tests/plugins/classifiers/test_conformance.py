"""The transformers classifier keeps the classifiers' contract, with one label per text and with several."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.contracts import Classifier
from bot.emotions import label_set
from plugins.classifiers.transformers import TransformersClassifier
from plugins.conformance.classifier import ClassifierConformance
from tests.plugins.classifiers import checkpoints


class TestTransformers(ClassifierConformance):
    @pytest.fixture(params=[("maum", None), ("kote", "multi_label_classification")], ids=["single", "several"])
    async def classifier(self, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Classifier]:
        labels, kind = request.param
        folder = checkpoints.make(tmp_path / "model", label_set(labels), problem_type=kind)
        async with TransformersClassifier(str(folder), "cpu") as classifier:
            yield classifier
