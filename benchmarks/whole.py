"""The whole process: how soon after the start it reads its first text, and how much memory it takes.

Method: `maum run` with the shipped model, the offline voice and the web platform, in an empty state folder; from the
start of the process until `POST /api/classify` is answered (asked every 20 ms); then a conversation of 20 messages over
REST; memory is the resident set after it, and its highest value. Median of the rounds.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import _inputs
from benchmarks._page import conditions, table

ROUNDS, MESSAGES = 3, 20
GIVE_UP_S = 120.0


def main() -> str:
    load = os.getloadavg()[0]
    _inputs.VAR.mkdir(parents=True, exist_ok=True)
    runs = [_run() for _ in range(ROUNDS)]
    rows = [
        [name, aim, f"{statistics.median(run[at] for run in runs):.2f}", ", ".join(f"{run[at]:.2f}" for run in runs)]
        for at, (name, aim) in enumerate(
            (
                ("first reading after start, s", "≤ 6"),
                ("processor time until then, s", "–"),
                ("memory after the conversation, GB", "≤ 1.2"),
                ("highest memory, GB", "–"),
            )
        )
    ]
    return f"{conditions(load)}\n\n{table(['figure', 'aim', 'median', 'each run'], rows)}"


def _run() -> tuple[float, ...]:
    with TemporaryDirectory() as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        environ = os.environ | {
            "MAUM_STATE_DIR": f"{folder}/var",
            "MAUM_MASTER_KEY_FILE": f"{folder}/master.key",
            "MAUM_PLATFORMS__USE": "web",
            "MAUM_PLATFORMS__WEB__PORT": str(port),
            "MAUM_REPLIER__USE": "offline",
            "MAUM_CONSENT__DEFAULT": "trusted",
            "MAUM_LIMITS__PER_MINUTE": "1000",
            "MAUM_LIMITS__BURST": "1000",
        }
        began = time.perf_counter()
        with (_inputs.VAR / "whole.log").open("w", encoding="utf-8") as log:
            process = subprocess.Popen([Path(sys.executable).parent / "maum", "run"], env=environ, stderr=log)
        try:
            _first_reading(process, f"http://127.0.0.1:{port}")
            seconds, used = time.perf_counter() - began, _processor_s(process.pid)
            _talk(f"http://127.0.0.1:{port}")
            return seconds, used, *_memory_gb(process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def _first_reading(process: subprocess.Popen[bytes], url: str) -> None:
    until = time.perf_counter() + GIVE_UP_S
    while time.perf_counter() < until and process.poll() is None:
        try:
            _post(f"{url}/api/classify", {"texts": ["오늘 좀 힘들었어"]})
            return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.02)
    raise SystemExit(f"the bot did not start: see {_inputs.VAR}/whole.log")


def _talk(url: str) -> None:
    for text in _inputs.chat()[:MESSAGES]:
        _post(f"{url}/api/messages", {"chat": "bench", "person": "bench", "text": text})


def _post(url: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


def _processor_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory_gb(pid: int) -> tuple[float, float]:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    kilobytes = {line.partition(":")[0]: int(line.split()[1]) for line in lines if line.startswith(("VmRSS", "VmHWM"))}
    return kilobytes["VmRSS"] / 1e6, kilobytes["VmHWM"] / 1e6
