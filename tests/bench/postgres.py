"""PostgreSQL beside SQLite: accepting, working and claiming, the same daemon on the same core in the same run."""

import asyncio
import itertools
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from pager import outbox
from pager.core.catalog import Catalog
from pager.core.matcher import parse_matcher
from pager.core.people import Person, Team
from pager.core.policy import Policy
from pager.core.rule import Rule
from pager.core.rulefile import PlacedRule, RuleFile
from tests.bench.bodies import groups, template
from tests.bench.common import SERVER_CORE, Child, bounds, median, on_load_core, ratio, table
from tests.bench.load import closed_loop, generator, post_all
from tests.bench.processed import wait_worked
from tests.bench.programs import Served, pagerd
from tests.engine.house import DELIVERED, LINKS, Clock, alert, catalog, running
from tests.support_postgres import Cluster, _admin, address, make_cluster

# As durable as it comes: a promise is a synced commit on both.
SETTINGS = {"listen_addresses": "", "shared_buffers": "128MB", "max_connections": "60", "log_min_messages": "fatal"}
BATCH = 64
EACH = 10
BOUND = (
    "accept: those who wait share a commit on both; on PostgreSQL each request is three round trips more (its row, "
    "what is to do, the news), and two threads of the same interpreter make them",
    "work: the same Python on both; PostgreSQL adds a round trip for each statement and its own CPU on the same core",
    "claim: a claim of 64 pages is one transaction; each outcome is another, four at a time on PostgreSQL, one by one "
    "on SQLite",
)
_numbers = itertools.count(1)


@dataclass
class Figures:
    """By round: how many a second, and the CPU of pagerd and of PostgreSQL in us for each."""

    per_second: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    server: list[float] = field(default_factory=list)


Found = dict[tuple[str, str], Figures]


@on_load_core()
def run(quick: bool) -> None:
    """Print the figures."""
    if shutil.which("initdb") is None and not list(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        print("## PostgreSQL beside SQLite\n\nPostgreSQL is not here; tests/setup-debian.sh gets it")
        return
    rounds, seconds, count = (1, 1.0, 20) if quick else (3, 2.0, 200)
    found: Found = {}
    with ExitStack() as stack, TemporaryDirectory(prefix="pager-bench-") as top:
        cluster = make_cluster(stack, SETTINGS)
        if SERVER_CORE is not None:
            _pin(cluster)
        for _ in range(rounds):
            for engine in ("SQLite", "PostgreSQL"):
                _accept(Path(top), cluster, engine, seconds, found)
                _work(Path(top), cluster, engine, count, found)
                asyncio.run(_claim(Path(top), cluster, engine, count * 10, found))
            _two_nodes(Path(top), cluster, seconds, found)
    _print(found, count)


def _pin(cluster: Cluster) -> None:
    """Let PostgreSQL share the core of what it serves, as SQLite does: what it costs is seen."""
    cluster.stop()
    cluster.command = ["taskset", "-c", str(SERVER_CORE), *cluster.command]
    cluster.start()


@contextmanager
def _on(top: Path, cluster: Cluster, engine: str, nodes: int = 1) -> Iterator[list[Served]]:
    database = _database(cluster) if engine == "PostgreSQL" else ""
    with ExitStack() as stack:
        yield [stack.enter_context(pagerd(top / f"{next(_numbers)}", postgres=database)) for _ in range(nodes)]


def _database(cluster: Cluster) -> str:
    name = f"bench_{next(_numbers)}"
    _admin(cluster.folder, f"CREATE DATABASE {name} TEMPLATE template0")
    return address(cluster.folder, name)


@contextmanager
def _noted(figures: Figures, children: list[Child], cluster: Cluster) -> Iterator[list[float]]:
    """Note how many of what the caller adds up were done, and what they cost; without children, this process."""
    assert cluster.process is not None
    server = Child(cluster.process, Path())

    def spent() -> float:
        return sum(child.cpu() for child in children) if children else time.process_time()

    before, theirs = spent(), server.cpu()
    done: list[float] = []
    yield done
    total, per_second = done
    figures.per_second.append(per_second)
    figures.cpu.append((spent() - before) / total * 1e6)
    figures.server.append((server.cpu() - theirs) / total * 1e6)


def _accept(top: Path, cluster: Cluster, engine: str, seconds: float, found: Found) -> None:
    for size, connections in ((1, 16), (100, 16)):
        with _on(top, cluster, engine) as (served,):
            closed_loop(served.url, template(top, served.form, 1), 1, 1, next(_numbers) + 500)
            figures = found.setdefault((f"accept, {size} a body", engine), Figures())
            with _noted(figures, [served.child], cluster) as done:
                load = closed_loop(served.url, template(top, served.form, size), connections, seconds, next(_numbers))
                done += [max(1, load.requests), load.per_second]
            if load.bad:
                print(f"warning: {engine}: {load.bad} of {load.requests} were not accepted")


def _two_nodes(top: Path, cluster: Cluster, seconds: float, found: Found) -> None:
    """Two nodes on one core and one PostgreSQL: what sharing costs, not what two machines would bring."""
    with _on(top, cluster, "PostgreSQL", 2) as nodes:
        bodies = template(top, nodes[0].form, 1)
        figures = found.setdefault(("accept, 1 a body", "PostgreSQL, 2 nodes"), Figures())
        with _noted(figures, [node.child for node in nodes], cluster) as done:
            loads = asyncio.run(_together(nodes, bodies, seconds))
            done += [float(sum(requests for requests, _ in loads)), sum(rate for _, rate in loads)]


async def _together(nodes: list[Served], bodies: Path, seconds: float) -> list[tuple[int, float]]:
    async def one(node: Served) -> tuple[int, float]:
        load = await asyncio.to_thread(closed_loop, node.url, bodies, 8, seconds, next(_numbers))
        return load.requests, load.per_second

    return list(await asyncio.gather(*map(one, nodes)))


def _work(top: Path, cluster: Cluster, engine: str, count: int, found: Found) -> None:
    with _on(top, cluster, engine) as (served,):
        bodies = groups(served.form, count, 100)
        for which in ("new", "repeated"):
            figures = found.setdefault((f"work, {which} alerts", engine), Figures())
            with _noted(figures, [served.child], cluster) as done:
                began = time.perf_counter()
                post_all(served.url, bodies)
                wait_worked(served)
                done += [count * 100, count * 100 / (time.perf_counter() - began)]


async def _claim(top: Path, cluster: Cluster, engine: str, pages: int, found: Found) -> None:
    """Claim due pages and write that each was delivered, as the notifier does; nothing is sent."""
    url = _database(cluster) if engine == "PostgreSQL" else f"sqlite:///{top}/claim-{next(_numbers)}.db"
    async with running(url, Clock(), crowd(pages // EACH)) as node:
        for number in range(pages // EACH):
            await node.say(alert(f"Alert {number}"))
        claimed, name = [], "bench"
        with _noted(found.setdefault(("claim", engine), Figures()), [], cluster) as done:
            began = time.perf_counter()
            while taken := await node.database.write(
                lambda tx: outbox.claim(tx, node.engine.catalog, name, BATCH, LINKS)
            ):
                claimed += taken
            done += [len(claimed), len(claimed) / (time.perf_counter() - began)]
        with _noted(found.setdefault(("record", engine), Figures()), [], cluster) as done:
            began = time.perf_counter()
            for start in range(0, len(claimed), BATCH):
                await asyncio.gather(
                    *(
                        node.record(name, one.page, *((attempt, DELIVERED) for attempt in one.attempts))
                        for one in claimed[start : start + BATCH]
                    )
                )
            done += [len(claimed), len(claimed) / (time.perf_counter() - began)]


def crowd(incidents: int) -> Catalog:
    """Each incident pages ten people of its own: nobody hears of so many that they become one message."""
    names = [[f"p{number}-{at}" for at in range(EACH)] for number in range(incidents)]
    rules = (
        Rule(name=f"{number}", match=(parse_matcher(f'alertname = "Alert {number}"'),), policy=f"{number}")
        for number in range(incidents)
    )
    return catalog(
        people={name: Person.model_validate({"contacts": {"push": "console://"}}) for some in names for name in some},
        teams={f"{number}": Team(people=tuple(some)) for number, some in enumerate(names)},
        policies={
            "default": Policy.model_validate({"steps": [{"page": ["person:p0-0"]}]}),
            **{f"{at}": Policy.model_validate({"steps": [{"page": [f"team:{at}"]}]}) for at in range(incidents)},
        },
        rules=(RuleFile("rules/all.yaml", tuple(PlacedRule(rule, "rules/all.yaml:1") for rule in rules)),),
    )


def _print(found: Found, count: int) -> None:
    print(f"## PostgreSQL beside SQLite, load by {generator()}\n")
    rows = []
    for (what, engine), one in sorted(found.items(), key=lambda item: (item[0][0], item[0][1] != "SQLite")):
        beside = found.get((what, "SQLite"))
        compared = ratio(one.per_second, beside.per_second) if beside and engine != "SQLite" else ""
        server = median(one.server) if engine != "SQLite" else ""
        rows.append([what, engine, median(one.per_second), compared, median(one.cpu), server])
    table(["what", "on", "a second", "against SQLite", "CPU us of pagerd", "of PostgreSQL"], rows)
    print("\naccept: requests until 2xx after a synced commit, 16 connections; CPU for each request.")
    print(f"work: {count * 100:,} alerts in {count:,} incidents until all is committed; CPU for each alert.")
    what = f"{count * 10:,} pages of {count:,} incidents by {BATCH}"
    print(f"claim and record: {what}, in this process and without sending.")
    bounds(BOUND)
