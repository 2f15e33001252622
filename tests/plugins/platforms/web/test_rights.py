"""A person's rights over REST."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.plugins.platforms.web.served import served

MINJI = {"person": "minji", "text": "내 비밀은 사과야"}


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with served(tmp_path) as (_, client):
        await client.post("/api/consent", json={"person": "minji", "scopes": ["talk", "log"]})
        yield client


async def test_the_terms_are_there_to_be_shown_in_either_language(client: httpx.AsyncClient) -> None:
    for language, title in (("ko", "대화하기"), ("en", "Talk with me")):
        terms = (await client.get("/api/consent", headers={"Accept-Language": language})).json()
        assert [term["scope"] for term in terms] == ["talk", "log", "statistics", "entries", "training"]
        assert (terms[0]["title"], terms[0]["needed"], terms[1]["needed"]) == (title, True, False)


async def test_an_export_is_json_or_a_page(client: httpx.AsyncClient) -> None:
    await client.post("/api/messages", json=MINJI)
    exported = (await client.get("/api/person/minji/export")).json()
    assert exported["tables"]["messages"][0]["text"] == MINJI["text"]
    html = await client.get("/api/person/minji/export?form=html", headers={"Accept-Language": "en"})
    assert html.headers["content-type"].startswith("text/html")
    assert MINJI["text"] in html.text
    assert "What Maum keeps about me" in html.text


async def test_forgetting_over_rest_leaves_nothing(client: httpx.AsyncClient) -> None:
    for chat in ("one", "two"):
        await client.post("/api/messages", json=MINJI | {"chat": chat})
    done = await client.post("/api/person/minji/forget", json={"chat": "one"})
    assert done.json()["forgotten"]["messages"] == 1
    assert (await client.post("/api/person/minji/forget")).json()["forgotten"]["messages"] == 1
    exported = (await client.get("/api/person/minji/export")).json()
    assert [name for name, rows in exported["tables"].items() if rows] == ["audit"]
    assert "사과" not in json.dumps(exported, ensure_ascii=False)
    assert (await client.post("/api/messages", json=MINJI)).json()["error"] == "consent_required"


async def test_a_pause_over_rest_refuses_until_it_is_ended(client: httpx.AsyncClient) -> None:
    assert (await client.post("/api/person/minji/pause")).json() == {"scopes": ["log"]}
    assert (await client.post("/api/messages", json=MINJI)).status_code == 403
    assert (await client.post("/api/person/minji/resume")).json() == {"scopes": ["log", "talk"]}
    assert (await client.post("/api/messages", json=MINJI)).status_code == 200


async def test_the_first_answer_says_that_this_is_an_ai_and_the_second_does_not(client: httpx.AsyncClient) -> None:
    answers = [(await client.post("/api/messages", json=MINJI)).json()["ai_notice"] for _ in range(2)]
    assert "AI" in answers[0]
    assert answers[1] is None
    streamed = await client.post("/api/messages?stream=1", json=MINJI | {"chat": "other"})
    assert "ai_notice" in streamed.text
