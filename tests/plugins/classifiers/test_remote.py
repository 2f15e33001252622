"""The remote classifier against a server that speaks TEI's format, over a real connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.emotions import label_set
from bot.errors import ClassifierError, OperatorError
from bot.types import Text
from plugins.classifiers import _folder, _ngrams
from plugins.classifiers.remote import RemoteClassifier
from plugins.classifiers.transformers import TransformersClassifier
from plugins.conformance.classifier import ClassifierConformance
from tests.plugins.classifiers import checkpoints
from tests.servers.tei_server import Fault, TEIServer

TEXTS = [Text(line) for line in checkpoints.LINES]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return checkpoints.make(tmp_path / "model", label_set("maum"))


@pytest.fixture
async def server(folder: Path) -> AsyncIterator[TEIServer]:
    async with TEIServer(folder) as server:
        yield server


@pytest.fixture
async def remote(server: TEIServer) -> AsyncIterator[RemoteClassifier]:
    async with RemoteClassifier(server.base_url, timeout_s=5.0) as classifier:
        yield classifier


class TestRemote(ClassifierConformance):
    @pytest.fixture
    async def classifier(self, remote: RemoteClassifier) -> RemoteClassifier:
        return remote


@pytest.mark.parametrize("kind", ["single_label_classification", "multi_label_classification"])
async def test_with_the_folder_it_reads_as_the_model_does_here(tmp_path: Path, kind: str) -> None:
    folder = checkpoints.make(tmp_path / "m", label_set("maum"), problem_type=kind)
    checkpoints.calibrate(folder, temperature=1.7, sure_at=0.6, ngrams=0.8)
    name = "m@remote/maum59"
    if kind == "multi_label_classification":
        checkpoints.calibrate(folder, temperature=1.7, sure_at=0.6)
    else:
        _ngrams.write(folder, checkpoints.ngrams_of(checkpoints.LINES, len(label_set("maum"))))
        name = f"m@remote+{_folder.weights_hash(folder, _ngrams.FILE)}/maum59"
    async with (
        TEIServer(folder) as server,
        RemoteClassifier(server.base_url, str(folder)) as remote,
        TransformersClassifier(str(folder), "cpu", precision="fp32") as local,
    ):
        there, here = await remote.classify(TEXTS), await local.classify(TEXTS)
        assert remote.labels == local.labels
        assert remote.sure_at == 0.6
        assert remote.model == name
    for one, other in zip(there, here, strict=True):
        assert one.values == pytest.approx(other.values, abs=1e-5)


async def test_the_folders_n_grams_count_and_show_in_the_models_name(server: TEIServer, folder: Path) -> None:
    _ngrams.write(folder, checkpoints.ngrams_of(checkpoints.LINES, len(label_set("maum"))))
    read, names = [], []
    for weight in (0.0, 0.8):
        checkpoints.calibrate(folder, ngrams=weight)
        async with RemoteClassifier(server.base_url, str(folder)) as remote:
            read.append(await remote.classify(TEXTS))
            names.append(remote.model)
    assert names[0] != names[1]
    assert all(one.values != other.values for one, other in zip(*read, strict=True))
    (folder / _ngrams.FILE).write_bytes(b"no tensors")
    with pytest.raises(OperatorError, match="take it away, or train the model anew"):
        async with RemoteClassifier(server.base_url, str(folder)):
            pass


async def test_many_texts_go_in_requests_that_the_server_takes(folder: Path) -> None:
    async with TEIServer(folder, batch=4) as server, RemoteClassifier(server.base_url) as remote:
        found = await remote.classify([Text(f"{n}번째 말") for n in range(10)])
        assert len(found) == 10
        assert sorted(len(request["inputs"]) for request in server.requests) == [2, 4, 4]
        assert all(request["truncate"] and request["raw_scores"] for request in server.requests)


async def test_a_crowd_of_callers_does_not_flood_the_server(server: TEIServer, remote: RemoteClassifier) -> None:
    await asyncio.gather(*(remote.classify([Text(f"{n}번째 말")]) for n in range(200)))
    assert len(server.requests) == 200
    assert server.most_at_once <= 32


@pytest.mark.parametrize(
    "fault", [fault for fault in Fault if fault not in (Fault.RESET, Fault.STALL)], ids=lambda fault: fault.value
)
async def test_a_fault_is_an_error_without_the_text_and_the_next_call_works(
    server: TEIServer, remote: RemoteClassifier, fault: Fault
) -> None:
    server.will(fault)
    with pytest.raises(ClassifierError) as caught:
        await remote.classify([Text("비밀 이야기"), Text("둘")])
    assert "비밀" not in str(caught.value)
    assert len(await remote.classify(TEXTS)) == len(TEXTS)


async def test_a_connection_that_breaks_is_tried_once_more(server: TEIServer, remote: RemoteClassifier) -> None:
    server.will(Fault.RESET)
    assert len(await remote.classify(TEXTS)) == len(TEXTS)
    server.will(Fault.RESET, Fault.RESET)
    with pytest.raises(ClassifierError, match="unreachable"):
        await remote.classify(TEXTS)


async def test_a_server_that_says_nothing_is_given_up(server: TEIServer) -> None:
    async with RemoteClassifier(server.base_url, timeout_s=0.3) as remote:
        server.will(Fault.STALL)
        with pytest.raises(ClassifierError, match=r"within 0\.3 s"):
            await remote.classify(TEXTS)
        assert len(await remote.classify(TEXTS)) == len(TEXTS)


async def test_a_key_in_the_environment_is_sent(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with TEIServer(folder, key="s3cret") as server:
        async with RemoteClassifier(server.base_url) as remote:
            with pytest.raises(ClassifierError, match="401"):
                await remote.classify(TEXTS)
        monkeypatch.setenv("TEI_API_KEY", "s3cret")
        async with RemoteClassifier(server.base_url) as remote:
            assert len(await remote.classify(TEXTS)) == len(TEXTS)


async def test_a_server_that_is_not_there_is_named() -> None:
    with pytest.raises(OperatorError, match=r"base_url http://127\.0\.0\.1:9: unreachable"):
        async with RemoteClassifier("http://127.0.0.1:9"):
            pass


async def test_a_server_of_embeddings_is_no_classifier(folder: Path) -> None:
    async with TEIServer(folder, kind="embedding") as server:
        with pytest.raises(OperatorError, match="sequence-classification"):
            async with RemoteClassifier(server.base_url):
                pass


async def test_another_model_than_the_folders_is_noticed_at_start(server: TEIServer, tmp_path: Path) -> None:
    other = checkpoints.make(tmp_path / "other", 5)
    with pytest.raises(OperatorError, match="other labels"):
        async with RemoteClassifier(server.base_url, str(other)):
            pass


async def test_outside_its_life_it_says_so() -> None:
    with pytest.raises(ClassifierError, match="async with"):
        await RemoteClassifier().classify(TEXTS)


def test_an_impossible_option_is_named() -> None:
    with pytest.raises(OperatorError, match="timeout_s"):
        RemoteClassifier(timeout_s=0)
