"""Accepting: 2xx after an fsynced commit, against the same server without a store and against Alertmanager."""

import itertools
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.bodies import template
from tests.bench.common import bounds, figure, median, on_load_core, ratio, table
from tests.bench.load import closed_loop, generator
from tests.bench.programs import Served, alertmanager, bare, has_alertmanager, pagerd

BOUND = (
    "1 alert: the writer's COMMIT (one sync and some pages of 16 kB for all who wait), the hand-over of each request "
    "to the writer's thread and back, and then aiohttp itself",
    "10 and 100 alerts: what was accepted is worked by the thread that commits, so a batch holds up the next commit",
)


@dataclass
class Figures:
    """What the rounds gave for one program, size and number of connections."""

    per_second: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    waiting: list[float] = field(default_factory=list)


Key = tuple[str, int, int]
Start = Callable[[Path], AbstractContextManager[Served]]


@on_load_core()
def run(quick: bool) -> None:
    """Print the figures, each of a fresh state: none pays for what another left to be worked."""
    sizes, connections = ((1, 100), (16,)) if quick else ((1, 10, 100), (1, 16, 64))
    rounds, seconds = (1, 1.0) if quick else (3, 2.0)
    starts: list[Start] = [bare, pagerd, *([alertmanager] if has_alertmanager() else [])]
    found: dict[Key, Figures] = {}
    with TemporaryDirectory(prefix="pager-bench-") as top:
        seeds = itertools.count(1)
        for round_, size, count in itertools.product(range(rounds), sizes, connections):
            for start in starts:
                folder = Path(top) / f"{round_}-{size}-{count}-{start.__name__}"
                with start(folder) as served:
                    figures = found.setdefault((served.name, size, count), Figures())
                    _measure(served, Path(top), size, count, seconds, next(seeds), figures)
    _print(found, sizes, connections)


def _measure(
    served: Served, folder: Path, size: int, connections: int, seconds: float, seed: int, figures: Figures
) -> None:
    # Some requests first: code and connections are warm, and little is left to be worked.
    closed_loop(served.url, template(folder, served.form, 1), 1, 1, seed + 500)
    body = template(folder, served.form, size)
    before = served.child.cpu()
    load = closed_loop(served.url, body, connections, seconds, seed)
    if load.bad:
        print(f"warning: {served.name}: {load.bad} of {load.requests} were not accepted")
    figures.per_second.append(load.per_second)
    figures.p50.append(load.p50)
    figures.p99.append(load.p99)
    figures.cpu.append((served.child.cpu() - before) / max(1, load.requests) * 1e6)
    if served.database is not None:
        figures.waiting.append(served.count("todo"))


def _print(found: dict[Key, Figures], sizes: tuple[int, ...], connections: tuple[int, ...]) -> None:
    names = list(dict.fromkeys(name for name, _, _ in found))
    print(f"## Accept: POST until 2xx, distinct alerts, load by {generator()}\n")
    rows = []
    for size, count, name in itertools.product(sizes, connections, names):
        one = found[name, size, count]
        rows.append(
            [
                str(size),
                str(count),
                name,
                median(one.per_second),
                figure(sorted(one.per_second)[len(one.per_second) // 2] * size),
                median(one.p50),
                median(one.p99),
                median(one.cpu),
                median(one.waiting) if one.waiting else "",
            ]
        )
    table(
        ["alerts", "conns", "program", "req/s", "alerts/s", "p50 ms", "p99 ms", "CPU us/req", "not worked at the end"],
        rows,
    )
    print()
    rows = []
    for size, count, other in itertools.product(sizes, connections, (name for name in names if name != "pagerd")):
        ours, theirs = found["pagerd", size, count], found[other, size, count]
        rows.append(
            [
                str(size),
                str(count),
                other,
                ratio(ours.per_second, theirs.per_second),
                ratio(ours.p99, theirs.p99),
                ratio(ours.cpu, theirs.cpu),
            ]
        )
    table(["alerts", "conns", "pagerd against", "req/s", "p99", "CPU/req"], rows)
    print("\npagerd answers after the commit is synced and works the alerts at the same time, which its CPU includes;")
    print("bare aiohttp and Alertmanager have nothing on disk when they answer.")
    bounds(BOUND)
