"""Which tests share a process when several run (pytest-xdist), and which of them begin.

Not `--dist loadgroup`: with pytest 9.2 it no longer sees the groups (pytest-dev/pytest-xdist issue 1386).
"""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

WEB = "tests/plugins/platforms/web/test_"
#: files that share something dear: a server and a browser, one that asks for a password, a PostgreSQL, a Korean grammar
TOGETHER = (
    (f"{WEB}chat", f"{WEB}consent", f"{WEB}my_data"),
    (f"{WEB}hostile", f"{WEB}login"),
    ("tests/storage/",),
    ("tests/plugins/repliers/",),
)
#: what else takes long begins before the rest, so that at the end nobody waits for one
LONG = ("tests/chaos/", "tests/proofs/", "tests/plugins/platforms/", "tests/training/", "tests/test_docs.py")


class ByFile(LoadScopeScheduling):  # type: ignore[misc]  # untyped
    """A file's tests stay in one process, as its fixtures do, and so do those of files in TOGETHER."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        return next((str(files) for files in TOGETHER if file.startswith(files)), file)


def turn(nodeid: str) -> int:
    """The lower, the sooner a test begins."""
    return next((at for at, files in enumerate((*TOGETHER, LONG)) if nodeid.startswith(files)), len(TOGETHER) + 1)
