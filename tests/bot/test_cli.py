"""The `maum` command as a person types it: in a process of its own, with every way to get it wrong."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from bot.care import Care
from bot.cli_doctor import crisis_detector
from bot.types import Person
from storage.emotion_log import Filter
from tests.forked import maum
from tests.house import CHAT, open_house

ROOT = Path(__file__).parents[2]
MAUM = Path(sys.executable).parent / "maum"
CONFIG = """
[classifier]
use = "tests.house:WordClassifier"
[replier]
use = ["tests.house:ScriptedReplier"]
[platforms.web]
pages = false
port = {port}
[consent]
default = "{consent}"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return _write(tmp_path)


def _write(tmp_path: Path, port: int = 0, consent: str = "trusted") -> Path:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG.format(port=port, consent=consent), encoding="utf-8")
    return path


def _maum(*words: object, given: str = "", **environ: str) -> CompletedProcess[str]:
    return maum(*words, given=given, **{"COLUMNS": "120"} | environ)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_classify_prints_one_json_object_a_line(config: Path) -> None:
    done = _maum("classify", "--json", "--config", config, given="너무 좋아\n\n정말 슬퍼\n")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["text"] for line in lines] == ["너무 좋아", "", "정말 슬퍼"]
    assert [line["group"] for line in lines] == ["joy", "neutral", "sadness"]
    assert (lines[0]["sure"], lines[0]["model"], len(lines[0]["emotions"])) == (True, "words", 5)
    assert lines[0]["emotions"][0] == {"label": "기쁨", "group": "joy", "score": 0.9}


def test_an_empty_text_is_wrong_use(config: Path) -> None:
    done = _maum("classify", "--config", config, "너무 좋아", " ")
    assert done.returncode == 2
    assert "a text is empty" in done.stderr


def test_classify_takes_a_talk_as_a_list_of_turns_and_reads_the_last(config: Path) -> None:
    done = _maum("classify", "--json", "--config", config, given='["너무 슬퍼", "이젠 좋아"]\n')
    assert (json.loads(done.stdout)["text"], json.loads(done.stdout)["group"]) == ("이젠 좋아", "joy")


def test_classify_all_prints_every_label(config: Path) -> None:
    done = _maum("classify", "--json", "--all", "--config", config, given="좋아\n")
    assert len(json.loads(done.stdout)["emotions"]) == 59


def test_classify_draws_a_picture_for_people(config: Path) -> None:
    done = _maum("classify", "너무 좋아", "--config", config)
    assert (done.returncode, "기쁨 · joyful" in done.stdout, "█" in done.stdout) == (0, True, True)


async def test_emotions_shows_the_log_by_pseudonym(tmp_path: Path, config: Path) -> None:
    state = Path(os.environ["MAUM_STATE_DIR"])
    async with open_house(state) as house:
        await house.say("너무 슬퍼")
        await house.say("화가 나", Person("test", "jun"), CHAT)
        alias = house.app.desk.people.alias(Person("test", "jun"))
        assert (await house.app.moderation.query(None, Filter())).total == 2
    done = await asyncio.to_thread(_maum, "emotions", "--since", "1d", "--config", config)
    assert (done.returncode, "2 readings" in done.stdout, "슬픔 · sad" in done.stdout) == (0, True, True)
    done = await asyncio.to_thread(_maum, "emotions", "--json", "--person", alias, "--config", config)
    assert [entry["label"] for entry in json.loads(done.stdout)["entries"]] == ["분노"]


def test_chat_talks_pages_and_ends(tmp_path: Path) -> None:
    config = _write(tmp_path, consent="ask")
    talk = "y\ny\n너무 좋아\n/again\n/prev\n/other 외로운\n/emotion\n/good\n/emotions\n/nonsense\n/quit\n"
    done = _maum("chat", "--config", config, given=talk)
    assert done.returncode == 0, done.stderr
    for words in ("AI", "그랬구나.", "1/2", "3/3", "외로운", "/nonsense", "다음에 또 이야기하자."):
        assert words in done.stdout, words
    again = _maum("chat", "--config", config, given="/quit\n")
    assert "그랬구나." in again.stdout, "the last exchange stands there again after a restart"


def test_chat_without_consent_keeps_nothing_and_says_so(tmp_path: Path) -> None:
    done = _maum("chat", "--config", _write(tmp_path, consent="ask"), given="n\n")
    assert done.returncode == 0
    assert "동의가 없으면" in done.stdout


def test_chat_speaks_english_when_asked_to(config: Path) -> None:
    done = _maum("chat", "--language", "en", "--config", config, given="hello\n/quit\n")
    assert "Talk to you soon." in done.stdout


def test_doctor_names_each_part_and_what_to_do(config: Path) -> None:
    done = _maum("doctor", "--json", "--config", config)
    found = {one["part"]: one["state"] for one in json.loads(done.stdout)}
    fine = ("configuration", "database", "sqlite", "classifier", "crisis detector")
    assert {found[part] for part in fine} == {"ok"}
    assert done.returncode == 0


def test_doctor_says_when_only_one_line_of_the_crisis_detector_works(tmp_path: Path) -> None:
    broken = tmp_path / "care_encoder.npz"
    broken.write_bytes(b"half of a file")
    finding = crisis_detector(Care(second=broken))
    assert finding.state == "wrong"
    assert "care_encoder.npz" in finding.text
    assert "install Maum again" in finding.text
    assert crisis_detector(Care()).text == "both lines work"


def test_init_writes_a_configuration_that_loads_and_never_overwrites(tmp_path: Path) -> None:
    path = tmp_path / "new.toml"
    asked = _maum("init", "--config", path, given='en\ny\nhttp://127.0.0.1:9/v1\nm"x\n8090\n')
    assert asked.returncode == 0, asked.stderr
    from bot.config import load

    settings = load(path, {})
    assert settings.replier.options("openai") == {"model": 'm"x', "base_url": "http://127.0.0.1:9/v1"}
    again = _maum("init", "--yes", "--config", path)
    assert (again.returncode, "exists already" in again.stderr) == (2, True)


@pytest.mark.parametrize(
    ("words", "environ", "text"),
    [
        (["run", "--config", "missing.toml"], {}, "missing.toml does not exist"),
        (["run"], {"MAUM_REPLIER__USE": "nobody"}, "replier 'nobody' is not installed"),
        (["run"], {"MAUM_DELIVERY__WORKERS": "many"}, "delivery.workers"),
        (["run"], {"MAUM_NONSENSE": "1"}, "unknown variable MAUM_NONSENSE"),
        (
            ["run"],
            {"MAUM_CLASSIFIER__TRANSFORMERS__MODEL": "models/none", "MAUM_CLASSIFIER__USE": "transformers"},
            "models/none",
        ),
        (["run"], {"MAUM_STATE_DIR": "/dev/null/state"}, "MAUM_STATE_DIR"),
        (["run"], {"MAUM_PLATFORMS__WEB__HOST": "0.0.0.0"}, "MAUM_API_TOKEN"),
        (["run"], {"MAUM_STORAGE__URL": "nonsense"}, "storage.url"),
        (["run"], {"MAUM_STORAGE__URL": "sqlite:///x.db"}, "storage.url"),
        (["run"], {"MAUM_MASTER_KEY": "short"}, "MAUM_MASTER_KEY must be"),
        (["emotions", "--since", "yesterday"], {}, "'yesterday' is no time"),
        (["emotions", "--group", "rage"], {}, "--group 'rage' is unknown"),
        (["emotions", "--label", "행복회로"], {}, "행복회로"),
    ],
)
def test_a_mistake_ends_in_one_line_with_exit_code_2(
    config: Path, words: list[str], environ: dict[str, str], text: str
) -> None:
    words = words if "--config" in words else [*words, "--config", str(config)]
    done = _maum(*words, **environ)
    assert done.returncode == 2, done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("maum: "), done.stderr
    assert text in last
    assert "Traceback" not in done.stderr


def test_a_wrong_word_on_the_command_line_is_explained(config: Path) -> None:
    done = _maum("classify", "--config", config)
    assert done.returncode == 2
    assert "give at least one text" in done.stderr


def test_run_serves_drains_on_sigterm_and_exits_0(tmp_path: Path) -> None:
    port = _free_port()
    config = _write(tmp_path, port)
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    bot = subprocess.Popen([MAUM, "run", "--config", config], env=environ, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        body = json.dumps({"person": "minji", "text": "안녕"}).encode()
        headers = {"Content-Type": "application/json"}
        assert _get(f"http://127.0.0.1:{port}/health")["status"] == "ok"
        request = urllib.request.Request(f"http://127.0.0.1:{port}/api/messages", body, headers)
        assert json.loads(urllib.request.urlopen(request, timeout=10).read())["reply"]["text"] == "그랬구나."
        second = _maum("run", "--config", config)
        assert (second.returncode, "MAUM_PLATFORMS__WEB__PORT" in second.stderr) == (2, True), second.stderr
        assert "Traceback" not in second.stderr
    finally:
        bot.send_signal(signal.SIGTERM)
        _, log = bot.communicate(timeout=20)
    assert bot.returncode == 0, log
    assert "Traceback" not in log
    assert "안녕" not in log, "no text of a person in the log"


def _get(url: str) -> dict[str, object]:
    for _ in range(100):
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                return dict(json.loads(response.read()))
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{url} is not served")
