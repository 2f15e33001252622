"""Which tests share a process when several run (pytest-xdist), and which of them begin.

Not `--dist loadgroup`: with pytest 9.2 it no longer sees the groups (pytest-dev/pytest-xdist issue 1386).
"""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

#: files that share something dear: a browser and servers, a PostgreSQL, a Korean grammar
TOGETHER = ("tests/plugins/platforms/web/pages/", "tests/storage/", "tests/plugins/repliers/")
#: what else takes long begins before the rest, so that at the end nobody waits for one
LONG = ("tests/chaos/", "tests/proofs/", "tests/plugins/platforms/", "tests/training/", "tests/test_docs.py")
#: files whose tests keep time: they wait for a bot in a process of its own, for limits and deadlines to pass
TIMED = (
    "tests/bot/test_care.py",
    "tests/chaos/",
    "tests/plugins/platforms/discord/",
    "tests/plugins/platforms/telegram/",
    "tests/plugins/repliers/",
    "tests/servers/",
)
TIMED_WORKER = "gw0"
NICE = 10  # of the other processes


class ByFile(LoadScopeScheduling):  # type: ignore[misc]  # untyped
    """A file's tests stay in one process, as its fixtures do, and so do those of files in TOGETHER.

    One process runs the tests that keep time. They mostly wait, and where they do not, the others make room.
    """

    def _assign_work_unit(self, node: WorkerController) -> None:
        timed = node.gateway.id == TIMED_WORKER
        for scope, tests in self.workqueue.items():
            if next(iter(tests)).startswith(TIMED) == timed:
                self.workqueue.move_to_end(scope, last=False)
                break
        super()._assign_work_unit(node)

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        return next((files for files in TOGETHER if file.startswith(files)), file)


def turn(nodeid: str) -> int:
    """The lower, the sooner a test begins."""
    order: tuple[str | tuple[str, ...], ...] = (*TOGETHER, LONG)
    return next((at for at, files in enumerate(order) if nodeid.startswith(files)), len(order))
