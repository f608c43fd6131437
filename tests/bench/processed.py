"""Processing: alerts until their incidents, timelines and pages are committed; then the same alerts again."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.bodies import groups
from tests.bench.common import bounds, figure, median, on_load_core, ratio, table
from tests.bench.load import post_all
from tests.bench.programs import Served, alertmanager, has_alertmanager, pagerd

LONGEST = 600.0
TABLES = ("alerts", "incidents", "timeline", "pages")
BOUND = (
    "new alerts: Python in the writer's thread: classify a third, parse and key a seventh, rows an eighth, SQL a tenth",
    "repeated alerts: reading what is known of each (two fifths), then parse and key (a third)",
)


@dataclass
class Figures:
    """Alerts per second by round: until each body was answered, and until all was worked; CPU in us an alert."""

    answered: list[float] = field(default_factory=list)
    worked: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


@on_load_core()
def run(quick: bool) -> None:
    """Print the figures of 100,000 alerts in 1,000 incidents, 100 a body; a tenth of that with `quick`."""
    count, size, rounds = (100, 100, 1) if quick else (1000, 100, 3)
    found: dict[tuple[str, str], Figures] = {}
    rows: dict[str, int] = {}
    for _ in range(rounds):
        with TemporaryDirectory(prefix="pager-bench-") as top:
            with pagerd(Path(top) / "pagerd") as served:
                _twice(served, groups(served.form, count, size), count * size, found)
                rows = {name: served.count(name) for name in TABLES}
            if has_alertmanager():
                with alertmanager(Path(top) / "alertmanager") as served:
                    _twice(served, groups(served.form, count, size), count * size, found)
    _print(found, rows, count, size)


def _twice(served: Served, bodies: Sequence[bytes], alerts: int, found: dict[tuple[str, str], Figures]) -> None:
    for which in ("new", "repeated"):
        figures = found.setdefault((served.name, which), Figures())
        before, began = served.child.cpu(), time.perf_counter()
        figures.answered.append(alerts / post_all(served.url, bodies))
        wait_worked(served)
        figures.worked.append(alerts / (time.perf_counter() - began))
        figures.cpu.append((served.child.cpu() - before) / alerts * 1e6)


def wait_worked(served: Served) -> None:
    """Until the inbox is empty and no page is due. Alertmanager says nothing of the kind: its 200 must do."""
    if served.database is None:
        return
    deadline = time.monotonic() + LONGEST
    while served.count("todo"):
        if time.monotonic() > deadline:
            raise RuntimeError(f"not worked within {LONGEST:g} s: {served.count('todo')} bodies")
        time.sleep(0.02)


def _print(found: dict[tuple[str, str], Figures], rows: dict[str, int], count: int, size: int) -> None:
    print(f"## Processing: {count * size:,} alerts in {count:,} incidents, {size} a body, 8 connections\n")
    table(
        ["alerts", "program", "answered, alerts/s", "worked, alerts/s", "CPU us/alert"],
        [
            [which, name, median(one.answered), median(one.worked), median(one.cpu)]
            for (name, which), one in sorted(found.items(), key=lambda item: item[0][1])
        ],
    )
    print("\nRows afterwards: " + ", ".join(f"{name} {figure(number)}" for name, number in rows.items()))
    print("Worked: committed, synced; what pages there are go to the console while the inbox is worked.")
    if has_alertmanager():
        for which in ("new", "repeated"):
            ours, theirs = found["pagerd", which], found["Alertmanager", which]
            print(f"{which}: pagerd worked / Alertmanager answered = {ratio(ours.worked, theirs.answered)}")
    bounds(BOUND)
