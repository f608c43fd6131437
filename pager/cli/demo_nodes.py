"""`pagerctl demo --nodes 3`: several pagerd on one PostgreSQL, and what happens when one of them is killed."""

import asyncio
import contextlib
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from aiohttp import ClientError, ClientSession, ClientTimeout
from msgspec import Struct, field

from pager.cli.demo_stage import Stage
from pager.cli.status import print_nodes

NAMES = ("anna", "berta", "clara", "dora", "emma", "frida", "greta", "hanna", "ida")
STARTS_WITHIN = 60.0
PATIENCE = 60.0
STEP = 6
_CODE = re.compile(r"\[(\w+)\]$")
_LINK = re.compile(r"Acknowledge: (http://\S+)")
RULES = f"""\
policies:
  default:
    steps:
      - {{page: ["person:ana"], wait: {STEP}s}}
      - {{page: ["person:bo"], wait: {STEP}s}}
      - {{page: ["person:chi"], wait: 1h}}
"""
PEOPLE = """\
people:
  ana: {name: Ana Lima, timezone: Europe/Lisbon, contacts: {console: "console://"}}
  bo: {name: Bo Winter, timezone: Europe/Berlin, contacts: {console: "console://"}}
  chi: {name: Chi Adler, timezone: Europe/Berlin, contacts: {console: "console://"}}
teams: {all: {people: [ana, bo, chi]}}
"""


class Rang(Struct, frozen=True):
    """One page that a node sent."""

    node: "Node"
    title: str
    link: str

    @property
    def code(self) -> str:
        found = _CODE.search(self.title)
        return found[1] if found else ""


class Node(Struct):
    """One pagerd, a process of its own; its `console://` is this demo's ear."""

    name: str
    port: int
    process: asyncio.subprocess.Process | None = None
    hearing: "asyncio.Task[None] | None" = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self, folder: Path, database: str, rings: "asyncio.Queue[Rang]") -> None:
        environment = {**os.environ, "PAGER_NODE": self.name, "PAGER_SOCKET": str(folder / f"{self.name}.sock")}
        state = folder / self.name
        state.mkdir(exist_ok=True)
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "pager.cli.daemon", "--config", str(folder), "--listen", f"127.0.0.1:{self.port}"),
            *("--database", database),
            env={**environment, "STATE_DIRECTORY": str(state), "PAGER_LOG_LEVEL": "error"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        self.hearing = asyncio.create_task(self._hear(rings))

    async def _hear(self, rings: "asyncio.Queue[Rang]") -> None:
        """A message begins with its title; a page has a link to acknowledge."""
        assert self.process is not None
        assert self.process.stdout is not None
        title = ""
        while raw := await self.process.stdout.readline():
            line = raw.decode(errors="replace").strip()
            title = line if _CODE.search(line) else title
            if link := _LINK.search(line):
                rings.put_nowait(Rang(self, title, link[1]))

    async def end(self, sign: signal.Signals = signal.SIGTERM) -> None:
        if self.process is None or self.process.returncode is not None:
            return
        self.process.send_signal(sign)
        try:
            async with asyncio.timeout(10):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()


class Company(Struct):
    """All nodes of the demo and what they sent."""

    folder: Path
    database: str
    nodes: list[Node]
    http: ClientSession
    colour: bool
    rings: "asyncio.Queue[Rang]" = field(default_factory=asyncio.Queue)

    async def start(self, node: Node) -> None:
        await node.start(self.folder, self.database, self.rings)
        await self.until(lambda: self.ready(node), STARTS_WITHIN, f"{node.name} to start")

    async def ready(self, node: Node) -> bool:
        assert node.process is not None
        if node.process.returncode is not None:
            raise click.ClickException(f"{node.name} ended; `pagerd --database` with this address says why")
        try:
            async with self.http.get(f"{node.url}/-/ready") as answer:
                return answer.status == 200
        except ClientError:
            return False

    async def until(self, happened: Callable[[], Any], timeout: float, what: str) -> None:
        try:
            async with asyncio.timeout(timeout):
                while True:
                    if await happened():
                        return
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise click.ClickException(f"waited {timeout:g} s in vain for {what}") from None

    async def page(self) -> Rang:
        """The next page, and who it is for, on the screen."""
        try:
            async with asyncio.timeout(PATIENCE):
                rang = await self.rings.get()
        except TimeoutError:
            raise click.ClickException(f"no page within {PATIENCE:g} s") from None
        living = next(node for node in self.nodes if node.process is not None and node.process.returncode is None)
        found = await self.get(living, f"/api/v1/incidents/{rang.code}")
        say(f"{datetime.now(UTC).astimezone():%H:%M:%S}  {rang.node.name} pages {found['paged'][-1]}: {rang.title}")
        return rang

    async def get(self, node: Node, path: str) -> Any:
        async with self.http.get(node.url + path) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def show(self, node: Node) -> None:
        say(f"> pagerctl --server {node.url} status")
        print_nodes((await self.get(node, "/api/v1/status"))["nodes"], self.colour)
        say()

    async def know_each_other(self) -> bool:
        found = [(await self.get(node, "/api/v1/status"))["nodes"] for node in self.nodes]
        return all(sum(each["state"] == "up" for each in seen) == len(self.nodes) for seen in found)

    async def stands(self, node: Node, other: Node, state: str) -> bool:
        """Whether `node` sees `other` so."""
        listed = (await self.get(node, "/api/v1/status"))["nodes"]
        return any(each["name"] == other.name and each["state"] == state for each in listed)


async def demo_nodes(count: int, database: str, folder: Path, *, kill: bool, colour: bool) -> int:
    """Play it with `count` nodes on `database`, an empty one; the exit status."""
    (folder / "rules").mkdir()
    (folder / "schedules").mkdir()
    (folder / "rules" / "all.yaml").write_text(RULES, encoding="utf-8")
    (folder / "schedules" / "all.yaml").write_text(PEOPLE, encoding="utf-8")
    async with ClientSession(timeout=ClientTimeout(total=10)) as http:
        nodes = [Node(name, port) for name, port in zip(NAMES, _free_ports(count), strict=False)]
        company = Company(folder, database, nodes, http, colour)
        async with _ended(nodes):
            await asyncio.gather(*map(company.start, nodes))
            for node in nodes:
                say(f"{node.name:<6} {node.url}")
            say()
            await company.until(company.know_each_other, PATIENCE, "the nodes to see one another")
            await _play(company, kill=kill)
    say("`pagerctl help nodes` says how to run it so.")
    return 0


async def _play(company: Company, *, kill: bool) -> None:
    stages = [Stage(company.http, node.url) for node in company.nodes]
    say("> Alertmanager posts to every node: CheckoutDown fires")
    fired = await stages[0].fire()
    now = fired.at
    for stage in stages[1:]:
        async with company.http.post(f"{stage.url}/webhook/alertmanager", json=fired.body("firing", now)) as answer:
            answer.raise_for_status()
    first = await company.page()
    say(f"          {len(stages)} nodes heard it, one sends the page")
    await company.show(first.node)
    other = next(node for node in company.nodes if node is not first.node)
    if kill:
        assert first.node.process is not None
        say(f"> kill -9 {first.node.process.pid}: {first.node.name} is gone; nobody acknowledges")
        await first.node.end(signal.SIGKILL)
    second = await company.page()
    say("          step 2 came in time" + (", from another node" if kill else ""))
    if kill:
        await company.until(lambda: company.stands(other, first.node, "late"), PATIENCE, "the others to see it")
        await company.show(other)
    say(f"> bo presses Acknowledge, at {other.name}")
    await Stage(company.http, other.url).answer(second.link.replace(second.node.url, other.url), "ack")
    found = await company.get(other, f"/api/v1/incidents/{second.code}")
    say(f"          {found['state']} by {found['acked_by']}")
    if kill:
        say(f"> {first.node.name} starts again")
        await company.start(first.node)
        await company.show(first.node)


@asynccontextmanager
async def _ended(nodes: list[Node]) -> AsyncIterator[None]:
    """Whatever happens, no node outlives the demo."""
    try:
        yield
    finally:
        await asyncio.gather(*(node.end() for node in nodes))
        for node in nodes:
            if node.hearing is not None:
                node.hearing.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await node.hearing


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def say(text: str = "") -> None:
    click.echo(text)
