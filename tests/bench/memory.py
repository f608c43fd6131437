"""Memory: idle, and after 100,000 distinct alerts, against Alertmanager."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.bodies import groups
from tests.bench.common import bounds, median, on_load_core, ratio, table
from tests.bench.load import post_all
from tests.bench.processed import wait_worked
from tests.bench.programs import Served, alertmanager, has_alertmanager, pagerd

BOUND = (
    "idle: the libraries (70 MB), and on a first start 23 MB more for the one that makes the tables",
    "full: SQLite's caches of 32 MB; alerts themselves are on disk",
)
SETTLE = 2.0
"""Seconds for buffers to be given back, where they are."""

Figures = dict[tuple[str, str], list[float]]


@on_load_core()
def run(quick: bool) -> None:
    """Print the figures; `quick` stops at 10,000 alerts."""
    count, size, rounds = (100, 100, 1) if quick else (1000, 100, 2)
    found: Figures = {}
    for _ in range(rounds):
        with TemporaryDirectory(prefix="pager-bench-") as top:
            with pagerd(Path(top) / "pagerd") as served:
                _fill(served, count, size, found)
            if has_alertmanager():
                with alertmanager(Path(top) / "alertmanager") as served:
                    _fill(served, count, size, found)
    _print(found, count * size)


def _fill(served: Served, count: int, size: int, found: Figures) -> None:
    _note(served, "idle", found)
    post_all(served.url, groups(served.form, count, size))
    wait_worked(served)
    _note(served, "full", found)


def _note(served: Served, when: str, found: Figures) -> None:
    time.sleep(SETTLE)
    found.setdefault((served.name, when), []).append(served.child.rss())
    found.setdefault((f"{served.name} and its children", when), []).append(served.child.pss())


def _print(found: Figures, alerts: int) -> None:
    print(f"## Memory: MB, idle and after {alerts:,} distinct alerts\n")
    names = list(dict.fromkeys(name for name, _ in found))
    table(
        ["program", "counted", "idle", f"after {alerts:,} alerts"],
        [
            [name, "PSS" if "children" in name else "RSS", median(found[name, "idle"]), median(found[name, "full"])]
            for name in names
        ],
    )
    if has_alertmanager():
        for when in ("idle", "full"):
            print(f"{when}: pagerd / Alertmanager = {ratio(found['pagerd', when], found['Alertmanager', when])}")
    bounds(BOUND)
