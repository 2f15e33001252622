"""Looks for keys and tokens in the files that git tracks; exit code 1 names the place and the kind of each.

The patterns are what the services say their tokens look like. A line that only looks like one ends in `# no secret`.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

KINDS = {
    "OpenAI key": r"\bsk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{20,}",
    "Discord token": r"\b[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}",
    "Discord webhook": r"discord(?:app)?\.com/api/webhooks/\d+/[\w-]{20,}",
    "Telegram token": r"\b\d{8,10}:[A-Za-z0-9_-]{35}\b",
    "GitHub token": r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{60,})",
    "Hugging Face token": r"\bhf_[A-Za-z0-9]{30,}",
    "AWS key": r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
    "Google key": r"\bAIza[A-Za-z0-9_-]{35}",
    "Slack token": r"\bxox[abprs]-[A-Za-z0-9-]{10,}",
    "private key": r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----",
    "assigned secret": r"(?i:token|secret|password|api_?key|master_?key)\w*[\"']?\s*[:=]\s*[\"']?[A-Za-z0-9+/_-]{32,}",
}
PATTERNS = {kind: re.compile(pattern) for kind, pattern in KINDS.items()}
ALLOWED = "# no secret"
MAX_BYTES = 5_000_000  # nobody pastes a token into a file of weights


def search(root: Path) -> Iterator[str]:
    """`file:line: kind` of everything in tracked files that looks like a secret; the secret itself is not repeated."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, check=True).stdout
    for name in filter(None, listed.decode().split("\0")):
        file = root / name
        if not file.is_file() or file.stat().st_size > MAX_BYTES:
            continue
        for number, line in enumerate(file.read_bytes().decode("utf-8", "ignore").splitlines(), 1):
            if not line.rstrip().endswith(ALLOWED):
                yield from (f"{name}:{number}: {kind}" for kind, looks in PATTERNS.items() if looks.search(line))


def main(root: Path) -> int:
    """Print what was found; 1 when there was something."""
    found = list(search(root))
    for line in found:
        print(line)
    if found:
        print(f"take them out, revoke them, and read them from the environment (what only looks so: {ALLOWED})")
    return int(bool(found))


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1] if len(sys.argv) > 1 else ".")))
