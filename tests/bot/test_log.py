"""Log lines: one event a line, in either form, and no text of a person in any of them, also when things go wrong."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import threading
from collections.abc import AsyncGenerator, Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import log
from bot.errors import ReplyError
from bot.log import Format
from bot.types import Chunk, Outgoing, Prompt, Scores, Text
from tests.house import House, MemoryPlatform, Players, ScriptedReplier, WordClassifier, open_house

CANARY = "카나리아비밀"
ours = logging.getLogger("bot.test")
foreign = logging.getLogger("some.library")


@pytest.fixture(autouse=True)
def _put_back() -> Iterator[None]:
    root, hooks = logging.getLogger(), (sys.excepthook, threading.excepthook, sys.unraisablehook)
    before = root.handlers[:], root.level, {name: logging.getLogger(name).level for name in log.OURS}
    yield
    root.handlers[:], root.level = before[0], before[1]
    for name, level in before[2].items():
        logging.getLogger(name).setLevel(level)
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks


class Loose(ScriptedReplier):
    """Breaks its contract, with the person's words in its mouth."""

    async def reply(self, prompt: Prompt) -> AsyncGenerator[Chunk, None]:
        raise ValueError(f"cannot answer {prompt.turns[-1].text}")
        yield Chunk("")


class Blind(WordClassifier):
    async def classify(self, texts: Sequence[Text]) -> list[Scores]:
        raise RuntimeError(f"cannot read {texts[0].text}")


class Wall(MemoryPlatform):
    """Cannot show a thing, and quotes what it could not show."""

    async def show(self, outgoing: Outgoing, handle: str | None) -> str:
        shown = await super().show(outgoing, handle)
        if outgoing.final:
            raise ConnectionError(f"cannot show {outgoing}")
        return shown


def _lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


@pytest.mark.parametrize("form", get_args(Format))
async def test_no_text_of_a_person_is_in_the_log_when_everything_fails(
    tmp_path: Path, form: Format, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log.setup(form, "debug")
    asyncio.get_running_loop().set_exception_handler(log.unhandled)
    monkeypatch.setattr("bot.screen.RETRIES_S", (0.01,))
    async with open_house(tmp_path, players=Players(Blind(), Loose(), Wall())) as house:
        receipt = await house.app.delivery.receive(house.incoming(f"{CANARY} 하나", lone=True))
        await house.platform.final(receipt.message or 0)
        await _break_the_database(house)
        asyncio.get_running_loop().call_soon(_raise, house.incoming(f"{CANARY} 둘"))
        asyncio.get_running_loop().create_task(_fail(f"{CANARY} 셋")).set_name("forsaken")
        await asyncio.sleep(0.1)
    lines = _lines(capsys)
    assert CANARY not in "\n".join(lines)
    assert json.dumps(CANARY)[1:-1] not in "\n".join(lines), "nor as escapes"
    found = "\n".join(lines)
    for event in (
        "broke its contract: ValueError",
        "without an emotion: RuntimeError",
        "could be shown",
        "OperationalError",
    ):
        assert event in found, event
    assert "_raise" in found, "the place is told"
    assert ('"job": 1' if form == "json" else " job=1 platform=test ") in found, (
        "and the job, so that lines can be joined"
    )


async def _break_the_database(house: House) -> None:
    async def fail(connection: AsyncConnection) -> None:
        await connection.execute(text("INSERT INTO nowhere VALUES (:text)"), {"text": CANARY})

    try:
        await house.app.desk.people.database.write(fail)
    except Exception:
        ours.exception("as answering does")


def _raise(incoming: object) -> None:
    raise LookupError(str(incoming))


async def _fail(words: str) -> None:
    raise LookupError(words)


def test_a_line_of_json_is_one_object_with_the_same_fields_as_a_line_of_text(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for form in get_args(Format):
        log.setup(form)
        with log.about(job=12, platform="web"):
            try:
                raise KeyError(CANARY)
            except KeyError:
                ours.exception("job %d failed\nbadly", 12)
    plain, as_json = _lines(capsys)
    fields = json.loads(as_json)
    assert (fields["level"], fields["from"], fields["said"]) == ("error", "bot.test", "job 12 failed\nbadly")
    assert (fields["job"], fields["platform"], fields["error"]) == (12, "web", "KeyError")
    assert fields["trace"].startswith("test_log.py:")
    assert plain.startswith(f"at={fields['at'][:10]}")
    assert r'level=error from=bot.test said="job 12 failed\nbadly" job=12 platform=web error=KeyError trace=' in plain


def test_an_error_of_ours_keeps_its_words_and_any_other_only_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    log.setup()
    try:
        try:
            raise ValueError(CANARY)
        except ValueError as error:
            raise ReplyError("busy", "try later") from error
    except ReplyError:
        ours.exception("no answer")
    (line,) = _lines(capsys)
    assert 'error="ReplyError: busy: try later"' in line
    assert "cause=ValueError" in line
    assert CANARY not in line


@pytest.mark.parametrize(
    ("words", "args", "said"),
    [
        ("took %.1f s for %s", (1.25, CANARY), "took 1.2 s for …"),
        ("%(who)s wrote %(count)d", ({"who": CANARY, "count": 3},), "… wrote 3"),
        ("failed: %s", (ValueError(CANARY),), "failed: ValueError"),
        ("number %d", (CANARY,), "number %d"),
        (ValueError(CANARY), (), "ValueError"),
    ],
)
def test_a_librarys_line_keeps_its_numbers_and_loses_its_words(words: Any, args: tuple[Any, ...], said: str) -> None:
    record = foreign.makeRecord(foreign.name, logging.WARNING, "file.py", 1, words, args, None)
    assert json.loads(log.Line("json").format(record))["said"] == said


def test_a_librarys_chatter_is_left_out_and_ours_follows_the_level(capsys: pytest.CaptureFixture[str]) -> None:
    log.setup("text", "debug")
    foreign.info("connected")
    ours.debug("one")
    log.setup("text", "warning")
    ours.info("two")
    assert [line.rpartition("said=")[2] for line in _lines(capsys)] == ["one"]


def test_a_secret_of_the_environment_is_blackened(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TELEGRAM_TOKEN", "12345:abcdefghij")
    log.setup()
    ours.warning("cannot reach https://api/bot12345:abcdefghij/getMe")
    (line,) = _lines(capsys)
    assert "abcdefghij" not in line
    assert "https://api/bot…/getMe" in line


def test_a_program_that_dies_says_where_and_not_what(capsys: pytest.CaptureFixture[str]) -> None:
    log.setup()
    try:
        raise ValueError(CANARY)
    except ValueError as error:
        sys.excepthook(ValueError, error, error.__traceback__)
    (line,) = _lines(capsys)
    assert "level=critical" in line
    assert "error=ValueError trace=" in line
    assert CANARY not in line


def test_a_thread_that_dies_says_so_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    log.setup()
    thread = threading.Thread(target=_raise, args=(CANARY,))
    thread.start()
    thread.join()
    (line,) = _lines(capsys)
    assert "error=LookupError" in line
    assert CANARY not in line
