"""REST over a real socket: a real server, a real client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.errors import OperatorError, ReplyError
from plugins.platforms.web import WebPlatform
from tests.house import House
from tests.plugins.platforms.web.served import served

TALK = {"person": "minji", "scopes": ["talk", "log"]}


@pytest.fixture(name="served")
async def served_house(tmp_path: Path) -> AsyncIterator[tuple[House, httpx.AsyncClient]]:
    async with served(tmp_path) as both:
        yield both


async def _say(client: httpx.AsyncClient, text: str, **more: Any) -> httpx.Response:
    return await client.post("/api/messages", json={"person": "minji", "text": text} | more)


async def test_without_consent_a_message_is_refused_and_with_it_answered(
    served: tuple[House, httpx.AsyncClient],
) -> None:
    house, client = served
    refused = await _say(client, "너무 좋아")
    assert (refused.status_code, refused.json()["error"]) == (403, "consent_required")
    assert (await client.post("/api/consent", json=TALK)).json() == {"scopes": ["log", "talk"]}
    house.replier.answers.append("좋았겠다. 무슨 일이야?")
    answer = (await _say(client, "너무 좋아")).json()
    assert answer["reply"] == {"id": 1, "text": "좋았겠다. 무슨 일이야?", "variant": 1, "hit": True}
    assert answer["emotions"][0] == {"label": "기쁨", "group": "joy", "score": 0.9}
    assert (len(answer["emotions"]), answer["sure"], answer["group"]) == (5, True, "joy")
    assert answer["message_id"] == 1


async def test_a_streamed_answer_is_the_whole_answer_in_pieces(served: tuple[House, httpx.AsyncClient]) -> None:
    house, client = served
    await client.post("/api/consent", json=TALK)
    house.replier.answers.append("좋았겠다. 무슨 일이야? 더 이야기해 줘. 듣고 싶어.")
    body = (await client.post("/api/messages?stream=1", json={"person": "minji", "text": "너무 좋아"})).text
    events = [event.split("\n", 1) for event in body.strip().split("\n\n")]
    names = [name.removeprefix("event: ") for name, _ in events]
    data = [json.loads(line.removeprefix("data: ")) for _, line in events]
    assert (names[0], names[-1], set(names[1:-1])) == ("reading", "reply", {"delta"})
    whole = data[-1]["reply"]["text"]
    assert whole == "좋았겠다. 무슨 일이야? 더 이야기해 줘. 듣고 싶어."
    assert whole.startswith("".join(piece["text"] for piece in data[1:-1]).rstrip())


async def test_regenerate_select_feedback_and_correct(served: tuple[House, httpx.AsyncClient]) -> None:
    house, client = served
    await client.post("/api/consent", json=TALK)
    house.replier.answers.extend(["첫 답이야.", "둘째 답이야."])
    first = (await _say(client, "혼자 밥 먹었어")).json()
    second = (await client.post("/api/replies/1/regenerate", json={"emotion": "외로운"})).json()
    assert (second["reply"]["text"], second["reply"]["variant"], second["variants"]) == ("둘째 답이야.", 2, 2)
    assert second["emotions"][0]["label"] == "외로운"
    assert second["message_id"] == first["message_id"]
    chosen = (await client.post("/api/replies/2/select", json={"variant": 1})).json()
    assert chosen["reply"]["text"] == "첫 답이야."
    assert (await client.post("/api/replies/2/feedback", json={"value": 1})).status_code == 200
    corrected = (await client.post("/api/messages/1/correct", json={"emotion": "relieved"})).json()
    assert corrected["emotions"][0]["label"] == "안도"


async def test_the_log_answers_over_rest(served: tuple[House, httpx.AsyncClient]) -> None:
    _, client = served
    await client.post("/api/consent", json=TALK)
    await _say(client, "너무 슬퍼")
    found = (await client.get("/api/emotions", params={"group": "sadness", "since": "2020-01-01T00:00:00"})).json()
    assert (found["total"], found["coverage"], found["entries"][0]["label"]) == (1, 1.0, "슬픔")
    assert "너무 슬퍼" not in json.dumps(found, ensure_ascii=False)
    for params, total in (({"group": "joy"}, 0), ({"since": "7d"}, 1), ({"until": "1h"}, 0)):
        assert (await client.get("/api/emotions", params=params)).json()["total"] == total
    bad = await client.get("/api/emotions", params={"since": "yesterday"})
    assert (bad.status_code, bad.json()["error"]) == (422, "bad_time")


async def test_classifying_keeps_nothing(served: tuple[House, httpx.AsyncClient]) -> None:
    _, client = served
    readings = (await client.post("/api/classify", json={"texts": ["슬퍼", ""]})).json()
    assert [reading["group"] for reading in readings] == ["sadness", "neutral"]
    assert (await client.get("/api/emotions")).json()["total"] == 0


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "error"),
    [
        ("POST", "/api/messages", {"person": "minji", "text": ""}, 422, "empty"),
        ("POST", "/api/messages", {"person": "minji", "text": "가" * 100_000}, 413, "too_long"),
        ("POST", "/api/messages", {"person": "", "text": "안녕"}, 422, "invalid"),
        ("POST", "/api/messages", {"person": "minji"}, 422, "invalid"),
        ("POST", "/api/messages", {"person": "minji", "text": "안녕", "texxt": 1}, 422, "invalid"),
        ("POST", "/api/consent", {"person": "minji", "scopes": ["everything"]}, 422, "invalid"),
        ("POST", "/api/replies/99/regenerate", {}, 404, "not_found"),
        ("POST", "/api/replies/1/regenerate", {"person": "jun"}, 403, "not_yours"),
        ("POST", "/api/replies/1/regenerate", {"emotion": "행복회로"}, 422, "unknown_emotion"),
        ("POST", "/api/replies/1/regenerate", {"tone": "louder"}, 422, "unknown_tone"),
        ("POST", "/api/replies/1/select", {"variant": 7}, 422, "no_variant"),
        ("POST", "/api/replies/1/feedback", {"value": 3}, 422, "invalid"),
        ("POST", "/api/messages/1/correct", {"emotion": "?"}, 422, "unknown_emotion"),
        ("POST", "/api/messages/99999999999999999999/correct", {"emotion": "sad"}, 422, "invalid"),
    ],
)
async def test_a_bad_request_gets_one_clear_line(
    served: tuple[House, httpx.AsyncClient], method: str, path: str, body: dict[str, Any], status: int, error: str
) -> None:
    _, client = served
    await client.post("/api/consent", json=TALK)
    await _say(client, "안녕")
    response = await client.request(method, path, json=body, headers={"Accept-Language": "ko"})
    assert (response.status_code, response.json()["error"]) == (status, error)
    assert response.json()["message"]


async def test_a_failed_answer_is_an_error_with_words_in_the_callers_language(tmp_path: Path) -> None:
    async with served(tmp_path, ReplyError("busy"), ReplyError("busy"), headers={"Accept-Language": "en"}) as (
        _,
        client,
    ):
        await client.post("/api/consent", json=TALK)
        whole = await _say(client, "안녕")
        assert (whole.status_code, whole.json()["error"]) == (503, "busy")
        assert whole.json()["message"].startswith("I am swamped")
        stream = await client.post("/api/messages?stream=1", json={"person": "minji", "text": "안녕"})
        assert "event: error" in stream.text


async def test_twenty_people_at_once_each_get_the_answer_to_their_own_words(tmp_path: Path) -> None:
    async with served(tmp_path, consent={"default": "trusted"}) as (house, client):
        asked = [_say(client, f"나는 {n}번이야", person=f"p{n}") for n in range(20)]
        answers = [response.json() for response in await asyncio.gather(*asked)]
        assert len({answer["message_id"] for answer in answers}) == 20
        for prompt in house.replier.prompts:
            assert len(prompt.turns) == 1


async def test_health_metrics_and_openapi_are_served(served: tuple[House, httpx.AsyncClient]) -> None:
    _, client = served
    assert (await client.get("/health")).json()["status"] == "ok"
    metrics = (await client.get("/metrics")).text
    for name in ("maum_aim_total", "maum_rerolled_total", "maum_first_word_seconds", "maum_reply_errors_total"):
        assert name in metrics
    page = await client.get("/docs")
    assert page.status_code == 200
    assert "https://" not in page.text, "no CDN"
    paths = (await client.get("/openapi.json")).json()["paths"]
    assert {"/api/messages", "/api/consent", "/api/emotions", "/predict", "/predict-again"} <= set(paths)


async def test_the_originals_api_answers_in_its_own_shapes(served: tuple[House, httpx.AsyncClient]) -> None:
    house, client = served
    house.replier.answers.extend(["그래, 슬펐겠다.", "화날 만해.", "이어서 말해 줘."])
    first = (await client.post("/predict", json={"text": "너무 슬퍼"})).json()
    assert first["result"] == "그래, 슬펐겠다."
    assert (len(first["feel_list"]), first["feel_list"][0]) == (5, "슬픔")
    again = (await client.post("/predict-again", json={"text": "너무 슬퍼", "feel": "분노"})).json()
    assert again == {"feel_list": "", "result": "화날 만해."}
    assert house.replier.prompts[1].rejected == ("그래, 슬펐겠다.",)
    await client.post("/predict", json={"text": "그래서 말이야"})
    assert [turn.text for turn in house.replier.prompts[2].turns] == ["너무 슬퍼", "화날 만해.", "그래서 말이야"]


async def test_each_client_of_the_originals_api_has_a_conversation_of_its_own(
    served: tuple[House, httpx.AsyncClient],
) -> None:
    house, client = served
    for session in ("a", "b"):
        await client.post("/predict", json={"text": f"나는 {session}야"}, headers={"X-Session": session})
    assert [turn.text for turn in house.replier.prompts[-1].turns] == ["나는 b야"]
    for number in range(9):
        await client.post("/predict", json={"text": f"{number}"}, headers={"X-Session": "a"})
    turns = house.replier.prompts[-1].turns
    assert len(turns) == 11
    assert [turn.role for turn in turns] == ["user", "assistant"] * 5 + ["user"]


async def test_a_session_that_nobody_would_have_given_is_not_taken_over(
    served: tuple[House, httpx.AsyncClient],
) -> None:
    _, client = served
    for cookie, given in (("x" * 8_000, True), ("a", False)):
        answer = await client.post("/predict", json={"text": "안녕"}, headers={"Cookie": f"maum_predict={cookie}"})
        assert (cookie not in answer.headers["set-cookie"]) == given


async def test_a_failed_call_of_the_originals_api_turns_no_role_around(
    served: tuple[House, httpx.AsyncClient],
) -> None:
    house, client = served
    house.replier.answers.extend(["하나.", ReplyError("busy"), "둘."])
    for text in ("첫째", "둘째", "셋째"):
        await client.post("/predict", json={"text": text})
    assert [(t.role, t.text) for t in house.replier.prompts[-1].turns] == [
        ("user", "첫째"),
        ("assistant", "하나."),
        ("user", "셋째"),
    ]


def test_a_bind_beyond_this_machine_needs_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OperatorError, match="MAUM_API_TOKEN"):
        WebPlatform(host="0.0.0.0")
    monkeypatch.setenv("MAUM_API_TOKEN", "t")
    assert WebPlatform(host="0.0.0.0").api_token == "t"


async def test_with_a_token_set_rest_asks_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAUM_API_TOKEN", "secret")
    async with served(tmp_path) as (_, client):
        for path, body in (("/api/consent", TALK), ("/predict", {"text": "안녕"})):
            assert (await client.post(path, json=body)).status_code == 401
            allowed = await client.post(path, json=body, headers={"Authorization": "Bearer secret"})
            assert allowed.status_code == 200
        assert (await client.get("/health")).status_code == 200


async def test_a_taken_port_is_named_with_the_cure(served: tuple[House, httpx.AsyncClient]) -> None:
    house, client = served
    with pytest.raises(OperatorError, match="MAUM_PLATFORMS__WEB__PORT"):
        await WebPlatform(port=client.base_url.port or 0, pages=False).run(house.app)
