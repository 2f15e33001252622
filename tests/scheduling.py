"""Which tests share a process when several run (pytest-xdist): a file's, and those of a folder with a dear server.

Not `--dist loadgroup`: with pytest 9.2 it no longer sees the groups (pytest-dev/pytest-xdist issue 1386).
"""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

#: folders whose tests share something dear: a server with a browser, a PostgreSQL, a Korean grammar
TOGETHER = ("tests/plugins/platforms/web/", "tests/storage/", "tests/plugins/repliers/")


class ByFile(LoadScopeScheduling):  # type: ignore[misc]  # untyped
    """A file's tests stay in one process, as its fixtures do, and so do those of a folder in TOGETHER."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        return next((folder for folder in TOGETHER if file.startswith(folder)), file)
