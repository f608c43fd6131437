"""Three pagerd, one PostgreSQL and a link to it that breaks: what is sent in, what comes out, and what stands."""

import asyncio
import contextlib
import json
import os
import re
import signal
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from tests.e2e.daemon import Daemon
from tests.e2e.sinks import HttpSink, http_sink
from tests.nodes.fault_proxy import FaultProxy, fault_proxy
from tests.support import free_port, wait_until
from tests.support_postgres import Cluster, _admin, address, make_cluster

NAMES = ("anna", "berta", "clara")
CHANNELS = ("ops", "chat")
TEAMS = 250
"""Each has channels of its own, and at most two incidents of 500: so none are told together."""
FILES = "defaults: {group_by: [alertname]}\n"
_GROUP = re.compile(r"Storm\d{4}")


@dataclass
class Group:
    """One incident: when its first alert was handed to somebody, and what came out for it, by kind of channel."""

    name: str
    handed_at: float
    arrived: defaultdict[str, list[tuple[float, bool]]] = field(default_factory=lambda: defaultdict(list))


@dataclass
class House:
    """`link` is between the first node and the database; the others have the database itself."""

    nodes: list[Daemon]
    link: FaultProxy
    cluster: Cluster
    database: str
    sink: HttpSink
    http: aiohttp.ClientSession
    root: Path
    groups: dict[str, Group] = field(default_factory=dict)
    accepted: set[str] = field(default_factory=set)
    refused: int = 0

    def add(self, name: str) -> Daemon:
        """One more node, to be started."""
        self.nodes.append(_node(self.root, self.nodes[0].folder, name, self.database))
        return self.nodes[-1]

    def next_group(self) -> Group:
        name = f"Storm{len(self.groups) + 1:04d}"
        self.groups[name] = Group(name, asyncio.get_running_loop().time())
        return self.groups[name]

    async def post(self, node: Daemon, group: Group, token: str) -> bool:
        """One alert to one node; whether it was promised."""
        alert = alert_of(group.name, token)
        body = json.dumps({"version": "4", "status": "firing", "alerts": [alert]})
        try:
            async with self.http.post(f"{node.url}/webhook/alertmanager", data=body) as answer:
                await answer.read()
                ok = answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            ok = False
        if ok:
            self.accepted.add(token)
        self.refused += not ok
        return ok

    def collect(self) -> None:
        """What arrived so far, under its group."""
        for group in self.groups.values():
            group.arrived.clear()
        for got in self.sink.got:
            if "Acknowledge:" in got.body and (found := _GROUP.search(got.title)):
                self.groups[found[0]].arrived[got.to.partition("-")[0]].append((got.at, "may be a repeat" in got.body))

    def unpaged(self) -> list[str]:
        """Groups of which some channel has heard nothing yet."""
        self.collect()
        return [group.name for group in self.groups.values() if set(group.arrived) != set(CHANNELS)]

    def delays(self) -> list[float]:
        """For each page, how long after its first alert it arrived; the first copy counts."""
        self.collect()
        return sorted(
            min(at for at, _ in copies) - group.handed_at
            for group in self.groups.values()
            for copies in group.arrived.values()
        )

    def copies(self) -> dict[str, int]:
        """How many pages came so often; and those that came again without saying so."""
        self.collect()
        found: defaultdict[str, int] = defaultdict(int)
        for group in self.groups.values():
            for copies in group.arrived.values():
                found[f"{len(copies)}"] += 1
                found["unmarked"] += max(0, sum(not is_repeat for _, is_repeat in copies) - 1)
        return dict(found)

    def tokens(self) -> set[str]:
        """The tokens of all alerts that the database knows."""
        import psycopg

        with psycopg.connect(self.database) as connection:
            rows = connection.execute("SELECT convert_from(body, 'UTF8') FROM alerts").fetchall()
        return {match for row in rows for match in re.findall(r'"token":"([^"]+)"', row[0])}

    def ask(self, statement: str) -> Any:
        """The first value of a statement."""
        import psycopg

        with psycopg.connect(self.database) as connection:
            row = connection.execute(statement.encode()).fetchone()
        return row[0] if row else None

    def end_backends(self) -> None:
        self.ask("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'pagerd'")

    async def restart_database(self, sign: signal.Signals = signal.SIGINT) -> None:
        await asyncio.to_thread(self.cluster.stop, sign)
        await asyncio.to_thread(self.cluster.start)

    async def status_of(self, node: Daemon, path: str = "/-/ready") -> int:
        """The status of an answer, 0 where there is none."""
        try:
            async with self.http.get(f"{node.url}{path}") as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError):
            return 0

    async def until(self, node: Daemon, status: int, timeout: float) -> float:
        """Wait until a node is ready (200) or not (503); how long it took."""
        began = time.monotonic()

        async def stands() -> bool:
            return await self.status_of(node) == status

        await wait_until(stands, timeout, f"{node.environment['PAGER_NODE']} to answer {status}")
        return time.monotonic() - began


def alert_of(name: str, token: str) -> dict[str, Any]:
    labels = {"alertname": name, "token": token, "severity": "critical"}
    return {"status": "firing", "labels": labels, "startsAt": datetime.now(UTC).isoformat()}


def freeze(node: Daemon, sign: signal.Signals = signal.SIGSTOP) -> None:
    """Stop a node and its children where they stand, as a machine that is paused; SIGCONT wakes them."""
    assert node.process is not None
    os.killpg(node.process.pid, sign)


@asynccontextmanager
async def house(
    tmp_path: Path, count: int = 3, *, apart: bool = False, code: Path | None = None
) -> AsyncIterator[House]:
    """Nodes that are ready, on one new database; each with files of its own when they are `apart`.

    They run the pager in the folder `code`, this one if it is left out.
    """
    with ExitStack() as stack:
        cluster = await asyncio.to_thread(make_cluster, stack)
        _admin(cluster.folder, "CREATE DATABASE nodes TEMPLATE template0")
        database = address(cluster.folder, "nodes")
        async with (
            http_sink() as sink,
            fault_proxy(database) as link,
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(5)) as http,
        ):
            nodes = [
                _node(tmp_path, tmp_path / "config" / (name if apart else ""), name, database) for name in NAMES[:count]
            ]
            for folder in {node.folder for node in nodes}:
                _write_files(folder, sink)
            nodes[0].database = link.address
            for node in nodes if code else ():
                # Not what lies in the current folder either.
                node.environment = {**node.environment, "PYTHONPATH": str(code), "PYTHONSAFEPATH": "1"}
            try:
                await asyncio.gather(*(node.start() for node in nodes))
                yield House(nodes, link, cluster, database, sink, http, tmp_path)
            finally:
                for node in nodes:
                    await _end(node)


def channels_of(team: int) -> list[str]:
    return [f"{kind}-{team:03d}" for kind in CHANNELS]


def files(sink: HttpSink) -> dict[str, str]:
    """What each node reads. `Storm0251` is the first team's, as `Storm0001` is."""
    channels = [name for team in range(TEAMS) for name in channels_of(team)]
    matches = (f'alertname =~ "Storm({team + 1:04d}|{team + 1 + TEAMS:04d})"' for team in range(TEAMS))
    rules = "".join(
        f"  - {{name: t{team}, match: ['{match}'], policy: t{team}}}\n" for team, match in enumerate(matches)
    )
    steps = (
        f"  t{team}: {{steps: [{{page: [{', '.join(f'channel:{name}' for name in channels_of(team))}], wait: 1h}}]}}\n"
        for team in range(TEAMS)
    )
    contacts = "".join(f'  {name}: "{sink.contact(name)}"\n' for name in channels)
    people = f'people: {{ana: {{name: Ana, timezone: UTC, contacts: {{push: "{sink.contact("ana")}"}}}}}}\n'
    default = '  default: {steps: [{page: ["person:ana"], wait: 1h}]}\n'
    return {
        "rules/all.yaml": f"{FILES}rules:\n{rules}policies:\n{default}{''.join(steps)}",
        "schedules/all.yaml": f"{people}channels:\n{contacts}",
    }


def _write_files(folder: Path, sink: HttpSink) -> None:
    for name, text in files(sink).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _node(tmp_path: Path, folder: Path, name: str, database: str) -> Daemon:
    state = tmp_path / name
    state.mkdir()
    environment = {"PAGER_NODE": name, "PAGER_LOG_FORMAT": "logfmt"}
    return Daemon(folder, state, f"http://127.0.0.1:{free_port()}", environment, database)


async def _end(node: Daemon) -> None:
    if node.process is not None and node.process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(node.process.pid, signal.SIGKILL)
        await node.process.wait()
