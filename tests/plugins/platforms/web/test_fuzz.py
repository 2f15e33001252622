"""REST asked everything that its own OpenAPI allows, and much that it does not: no request makes the server fail.

`make fuzz` asks for longer (FUZZ=300 requests of each kind an operation instead of 3).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from tests.plugins.platforms.web.server import CONFIG, Server

EACH = int(os.environ.get("FUZZ", "3"))
QUICK = CONFIG.replace(":TalkReplier", ":QuickReplier").replace("port = {port}", "port = {port}\nper_minute = 0")
OPTIONS = settings(
    max_examples=EACH,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
KNOWN: dict[str, list[Any]] = {
    "message": [1, 2, 3],
    "reply": [1, 2, 3],
    "person": ["minji", "jun"],
}  # what is there to be asked about


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    config = QUICK + '[consent]\ndefault = "trusted"\n'
    with Server(tmp_path_factory.mktemp("fuzz"), config) as server:
        with httpx.Client(base_url=server.url, timeout=60) as client:
            for text in ("안녕", "발표", "잘 가"):
                client.post("/api/messages", json={"person": "minji", "text": text}).raise_for_status()
        yield server.url
    assert "Traceback" not in server.log, server.log


@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_no_request_makes_the_server_fail(api: str, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_url(f"{api}/openapi.json")
    answered: Counter[int] = Counter()
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()

        @OPTIONS
        @given(case=operation.as_strategy(generation_mode=mode), data=st.data())
        def ask(case: Any, data: st.DataObject) -> None:
            _aim(case, data)
            response = case.call(timeout=60)
            answered[response.status_code] += 1
            case.validate_response(
                response, checks=[not_a_server_error, status_code_conformance, response_schema_conformance]
            )

        if mode is GenerationMode.POSITIVE or _can_be_wrong(operation):
            ask()
    print(f"{mode.value}: {sum(answered.values())} requests, by status {dict(sorted(answered.items()))}")
    assert sum(answered.values()) >= 10 * EACH
    assert max(answered) < 500


def _can_be_wrong(operation: Any) -> bool:
    return bool(operation.query or operation.body)


def _aim(case: Any, data: st.DataObject) -> None:
    """Half of the time, ask about something that is there."""
    for name, known in KNOWN.items():
        if name in (case.path_parameters or {}) and data.draw(st.booleans()):
            case.path_parameters[name] = data.draw(st.sampled_from(known))


def test_the_description_is_the_one_that_is_served(api: str, tmp_path: Path) -> None:
    paths = httpx.get(f"{api}/openapi.json", timeout=60).json()["paths"]
    assert len(paths) >= 15
    assert not [path for path in paths if path.startswith(("/login", "/fresh"))], "pages are not for programs"
