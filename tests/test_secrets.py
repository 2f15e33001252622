"""No key or token lies in a file that git tracks, and the search that says so finds what is planted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SEARCH = ROOT / "scripts/find_secrets.py"
LETTERS = "Ab1" * 20
#: made here, so that this file itself holds none
PLANTED = {
    "OpenAI key": f"key = sk-{'proj-'}{LETTERS}",
    "Discord token": f"M{LETTERS[:25]}.{LETTERS[:6]}.{LETTERS[:38]}",
    "Discord webhook": f"https://discord.com/{'api/webhooks'}/123456/{LETTERS}",
    "Telegram token": f"123456789:{LETTERS[:35]}",
    "GitHub token": f"ghp_{LETTERS[:36]}",
    "Hugging Face token": f"hf_{LETTERS[:34]}",
    "AWS key": "AKIA" + "ABCD1234" * 2,
    "Google key": f"AIza{LETTERS[:35]}",
    "Slack token": f"xoxb-{LETTERS[:20]}",
    "private key": "-----BEGIN " + "PRIVATE KEY-----",
    "assigned secret": f'MAUM_MASTER_KEY="{LETTERS[:43]}="',
}


def _search(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, SEARCH, root], capture_output=True, text=True, timeout=100)


def test_no_tracked_file_holds_a_secret() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout")
    done = _search(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("kind", PLANTED)
def test_a_planted_secret_is_found_and_not_repeated(tmp_path: Path, kind: str) -> None:
    (tmp_path / "notes.txt").write_text(f"hello\n{PLANTED[kind]}\n{PLANTED[kind]}  # no secret\n", encoding="utf-8")
    for words in (["init", "--quiet"], ["add", "notes.txt"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    done = _search(tmp_path)
    assert done.returncode == 1
    assert f"notes.txt:2: {kind}" in done.stdout
    assert "notes.txt:3" not in done.stdout
    assert LETTERS[:20] not in done.stdout
