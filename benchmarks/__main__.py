"""`python -m benchmarks [--write] [NAME …]`: run every benchmark, or the named ones.

With --write, tables that have a place in docs/performance.md are put there.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

from benchmarks import _page

HERE = Path(__file__).parent


def main(arguments: list[str]) -> int:
    """Run the named benchmarks in turn; 2 when there is no such one."""
    known = sorted(path.stem for path in HERE.glob("*.py") if not path.stem.startswith("_"))
    names = [name for name in arguments if name != "--write"]
    for name in names or known:
        if name not in known:
            print(f"no benchmark {name!r}; there are: {', '.join(known)}", file=sys.stderr)
            return 2
        print(f"\n## {name}\n", flush=True)
        measured = import_module(f"benchmarks.{name}").main()
        if measured:
            print(measured)
            if "--write" in arguments:
                _page.put(name, measured)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
