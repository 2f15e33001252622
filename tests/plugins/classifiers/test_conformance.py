"""The transformers classifier keeps the classifiers' contract, with one label per text and with several."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bot.contracts import Classifier
from bot.emotions import label_set
from plugins.classifiers.transformers import TransformersClassifier
from plugins.conformance.classifier import ClassifierConformance
from tests.plugins.classifiers import checkpoints

KINDS = [("maum", None), ("kote", "multi_label_classification")]


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=KINDS, ids=["single", "several"])
async def classifier(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> AsyncIterator[Classifier]:
    """One resident model meets all that the contract says, as in real life."""
    labels, kind = request.param
    folder = checkpoints.make(tmp_path_factory.mktemp("model"), label_set(labels), problem_type=kind)
    async with TransformersClassifier(str(folder), "cpu") as classifier:
        yield classifier


@pytest.mark.asyncio(loop_scope="module")
class TestTransformers(ClassifierConformance):
    pass
