"""A classifier on another machine: Hugging Face text-embeddings-inference (TEI), its `/predict` over HTTP.

The server batches requests of all callers itself. Raw scores are asked for, because TEI makes one softmax of them even
for a model with several labels a text, and knows nothing of calibration. Shapes: TEI's docs/openapi.json.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from bot.contracts import Classifier
from bot.errors import ClassifierError, OperatorError
from bot.types import Scores, Text
from plugins._trust import trust
from plugins.classifiers import _context, _folder, _ngrams
from plugins.classifiers._folder import Calibration
from plugins.classifiers._ngrams import Ngrams

if TYPE_CHECKING:
    import httpx

KEY = "TEI_API_KEY"  # sent as a bearer token where it is set (TEI's --api-key)
MAX_CHARS = 10_000  # of a text; 32 of them stay below TEI's default payload limit of 2 MB
AT_ONCE = 32  # requests; further ones wait


class RemoteClassifier(Classifier):
    """The options, as they stand in config.toml.

    Args:
        base_url: where the server listens, such as http://10.0.0.7:8080.
        model: a folder of the same model here, for its calibration, its kind (one label a text, or several) and the
            n-grams beside it; without it the scores are taken as they are and one label fits a text.
        timeout_s: how long one request may take.
    """

    def __init__(self, base_url: str = "http://127.0.0.1:8081", model: str = "", timeout_s: float = 10.0) -> None:
        if timeout_s <= 0:
            raise OperatorError(f"classifier option timeout_s = {timeout_s:g}: must be more than 0")
        self._base_url, self._source, self._timeout_s = base_url.rstrip("/"), model, timeout_s
        self._client: httpx.AsyncClient | None = None
        self._room = asyncio.Semaphore(AT_ONCE)
        self._name = ""
        self._labels: tuple[str, ...] = ()
        self._index: dict[str, int] = {}  # the server's label → its place
        self._batch = 1
        self._several, self._calibration = False, Calibration()
        self._ngrams: Ngrams | None = None

    async def __aenter__(self) -> Self:
        import httpx

        key = os.environ.get(KEY)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._client = httpx.AsyncClient(
            base_url=self._base_url, timeout=self._timeout_s, headers=headers, verify=trust(self._base_url)
        )
        try:
            self._learn(await self._ask("GET", "/info"))
        except (ClassifierError, OperatorError) as error:
            await self._client.aclose()
            raise OperatorError(f"classifier remote, base_url {self._base_url}: {error}") from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._client is not None:
            await self._client.aclose()
        self._client = None

    @property
    def model(self) -> str:
        return self._name

    @property
    def labels(self) -> tuple[str, ...]:
        return self._labels

    @property
    def sure_at(self) -> float:
        return self._calibration.sure_at

    async def classify(self, texts: Sequence[Text]) -> list[Scores]:
        """One Scores per text, in order. Of `Text.before` the last counts where the folder's calibration says so."""
        weight = self._calibration.context
        inputs = [[_sendable(text)] for text in _context.asked(texts, weight)]
        parts = [inputs[at : at + self._batch] for at in range(0, len(inputs), self._batch)]
        answers = await asyncio.gather(*(self._predict(part) for part in parts))
        return _context.mixed(texts, [scores for answer in answers for scores in answer], weight)

    async def _predict(self, inputs: list[list[str]]) -> list[Scores]:
        body = {"inputs": inputs, "raw_scores": True, "truncate": True}
        async with self._room:
            answer = await self._ask("POST", "/predict", body)
        try:
            rows = [{self._index[one["label"]]: float(one["score"]) for one in row} for row in answer]
            logits = [[row[index] for index in range(len(self._labels))] for row in rows]
        except (KeyError, TypeError, ValueError) as error:
            raise ClassifierError("the server's answer is no list of labels and scores") from error
        if len(logits) != len(inputs) or not all(math.isfinite(value) for row in logits for value in row):
            raise ClassifierError(f"the server gave {len(logits)} readings for {len(inputs)} texts, or no numbers")
        said = await self._said([text for (text,) in inputs])
        return [Scores(self._labels, self._probabilities(*both)) for both in zip(logits, said, strict=True)]

    async def _said(self, texts: list[str]) -> list[list[float]]:
        """What n-grams say of each text, times their weight; zeros where there are none."""
        if self._ngrams is None:
            return [[0.0] * len(self._labels)] * len(texts)
        found = self._calibration.ngrams * await asyncio.to_thread(self._ngrams.logits, texts)
        rows: list[list[float]] = found.tolist()
        return rows

    def _probabilities(self, logits: list[float], said: list[float]) -> tuple[float, ...]:
        heat = self._calibration.temperature
        each = heat if isinstance(heat, tuple) else (heat,) * len(logits)
        cooled = [logit / one + more for logit, one, more in zip(logits, each, said, strict=True)]
        if self._several:
            return tuple(0.5 + 0.5 * math.tanh(value / 2) for value in cooled)  # the sigmoid, without overflow
        powers = [math.exp(value - max(cooled)) for value in cooled]
        return tuple(power / sum(powers) for power in powers)

    async def _ask(self, method: str, path: str, body: object = None) -> Any:
        """The server's answer as data. A connection that broke is tried once more: reading twice harms nobody.

        Raises:
            ClassifierError: unreachable, too slow, or an answer that is an error or no JSON; holds no text.
        """
        import httpx

        if self._client is None:
            raise ClassifierError("the classifier is not running: use it inside `async with`")
        for attempt in (1, 2):
            try:
                response = await self._client.request(method, path, json=body)
                response.raise_for_status()
                return response.json()
            except httpx.HTTPStatusError as error:
                raise ClassifierError(f"{path} was answered with status {error.response.status_code}") from None
            except httpx.TimeoutException:
                raise ClassifierError(f"no answer to {path} within {self._timeout_s:g} s") from None
            except httpx.TransportError as error:
                if attempt == 2:
                    raise ClassifierError(f"unreachable ({type(error).__name__})") from None
            except (httpx.InvalidURL, ValueError) as error:  # not JSON, not UTF-8
                raise ClassifierError(f"{path} was not answered with JSON ({type(error).__name__})") from None
        raise AssertionError("unreachable")

    def _learn(self, info: Any) -> None:
        """Labels and limits from `/info`, kind and calibration from the folder.

        Raises:
            OperatorError: the server has no classifier, or another model than the folder's.
        """
        try:
            found = info["model_type"]["classifier"]["id2label"]
            id2label = {int(index): str(label) for index, label in found.items()}
            self._batch = int(info.get("max_client_batch_size") or 1)
            name, revision = str(info["model_id"]), str(info.get("model_sha") or "remote")[:8]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise OperatorError("/info names no classifier: serve a sequence-classification model there") from error
        self._labels = _folder.labels_of(id2label)
        self._index = {id2label[index]: place for place, index in enumerate(sorted(id2label))}
        if self._source:
            folder = _folder.find(self._source)
            self._read_folder(folder)
            if self._ngrams:  # they read otherwise than the server alone
                revision += f"+{_folder.weights_hash(folder, _ngrams.FILE)}"
        self._name = _folder.full_name(name, revision, self._labels)

    def _read_folder(self, folder: Path) -> None:
        try:
            config: Mapping[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
            labels = _folder.labels_of({int(index): label for index, label in config["id2label"].items()})
        except (OSError, ValueError, KeyError, AttributeError) as error:
            raise OperatorError(f"{folder} holds no config.json with labels") from error
        if labels != self._labels:
            raise OperatorError(f"the server reads other labels than the model in {folder}")
        self._several = config.get("problem_type") == "multi_label_classification"
        self._calibration = _folder.read_calibration(folder, len(labels))
        if self._calibration.ngrams:
            self._ngrams = _ngrams.read(folder, len(labels), self._several)


def _sendable(text: str) -> str:
    """What TEI takes: UTF-8 without lone surrogates, and never nothing."""
    return text[:MAX_CHARS].encode("utf-8", "replace").decode() or " "
