"""`maum reload`: ask the running bot to read its configuration again, and say what it made of it."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

from bot.errors import OperatorError
from storage import process

WAIT_S = 120.0  # a new emotion model may have to be loaded


def reload(state: Path, wait_s: float = WAIT_S) -> int:
    """Returns the exit code: 0 done, 2 refused.

    Raises:
        OperatorError: no bot runs here, or it does not answer.
    """
    pid = process.running(state)
    if pid is None:
        raise OperatorError(f"no bot runs over {state}: start it with `maum run`, or set MAUM_STATE_DIR to its folder")
    answer = state / process.RELOADED
    answer.unlink(missing_ok=True)
    os.kill(pid, signal.SIGHUP)
    until = time.monotonic() + wait_s
    while not answer.exists():
        if time.monotonic() > until:
            raise OperatorError(f"the bot (process {pid}) has not answered in {wait_s:.0f} s: see its log")
        time.sleep(0.05)
    found = json.loads(answer.read_text(encoding="utf-8"))
    for line in found["said"]:
        print(line, file=sys.stdout if found["ok"] else sys.stderr)
    return 0 if found["ok"] else 2
