"""`python -m tests.bench [NAME...] [--quick]`: figures of this machine, each beside its baseline from the same run.

A benchmark is a module here with a function `run(quick)`. No figure is judged: machines differ, ratios carry over.
"""

import argparse
import os
import pkgutil
import platform
import sqlite3
import time
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from tests import bench
from tests.bench.common import LOAD_CORE, SERVER_CORE


def benchmarks() -> dict[str, Callable[[bool], None]]:
    """All of them, by the name of their module."""
    modules = {
        found.name: import_module(f"tests.bench.{found.name}")
        for found in pkgutil.iter_modules(bench.__path__)
        if found.name != "__main__"
    }
    return {name: module.run for name, module in modules.items() if hasattr(module, "run")}


def main() -> None:
    known = benchmarks()
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure pager beside its baselines.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(known)}; all, if left out")
    parser.add_argument("--quick", action="store_true", help="one short round: is it alive, and roughly how fast?")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(known):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are: {', '.join(known)}")
    _head()
    for name in asked.names or known:
        began = time.monotonic()
        print(flush=True)
        known[name](asked.quick)
        print(f"({name}: {time.monotonic() - began:.0f} s)", flush=True)


def _head() -> None:
    cpu = next((line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "")
    loop = "uvloop" if find_spec("uvloop") else "asyncio"
    print(f"{cpu or platform.machine()}, {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}")
    print(
        f"Python {platform.python_version()} on {loop}, aiohttp {version('aiohttp')}, SQLite {sqlite3.sqlite_version}"
    )
    if os.getloadavg()[0] > 0.5:
        print("other programs are running: pagerd, whose threads hand over to each other, is hit harder than its peers")
    if SERVER_CORE is None:
        print("one core for everything: the load and what is measured take turns")
    else:
        print(f"where a daemon is measured, it is on core {SERVER_CORE} and its load on core {LOAD_CORE}; loopback")


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


if __name__ == "__main__":
    main()
