"""This node among others on one PostgreSQL: it says that it lives, sees who does not, and tells what is wrong."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from msgspec.structs import replace
from prometheus_client import CollectorRegistry, Counter, Gauge

from pager import __version__
from pager.core.nodes import KINDS, LATE, Node, Trouble, forgotten, lost, state_of, troubles, up
from pager.engine import Engine
from pager.log import log
from pager.store import StoreUnavailable, nodes, pages
from pager.store.database import Database, Tx

EVERY = 2.0
CUT_OFF = 10.0
"""Seconds without a word to the database after which a node is not ready."""
LANES_FOR = 10.0
"""For how many seconds a lane counts as this node's after it worked it."""
SETTLED = 3 * EVERY
"""Seconds of unbroken beats before a node judges others: after an outage all of them come back at about one time."""
SLOW = timedelta(seconds=0.5)
"""An answer of the database that took longer says nothing about the clock."""


class Nodes:
    """Beats every 2 s. On SQLite there is one node, and nothing is written.

    Pages that a node was sending which stopped, or was not seen for 15 s, are freed: nobody waits for its lease.
    """

    def __init__(
        self,
        database: Database,
        engine: Engine,
        name: str,
        registry: CollectorRegistry | None = None,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.life = uuid4().hex
        self._database, self._engine, self._wall = database, engine, wall
        self._shared = False
        now = wall()
        self._me = Node(self.life, name, now, now, __version__, engine.catalog.hash, now)
        self._seen: tuple[tuple[Node, ...], datetime] = ((self._me,), now)
        self._told: dict[str, bool] = {}
        self._beat_at = self._unbroken_since = 0.0
        self._beats = Counter("pager_node_beats", "Words of this node to the others.", ("result",), registry=registry)
        for result in ("success", "failure"):
            self._beats.labels(result)
        self._skew = Gauge("pager_node_skew_seconds", "This clock ahead of the database's.", registry=registry)
        self._count = Gauge("pager_nodes", "Nodes on this database.", ("state",), registry=registry)
        self._configs = Gauge("pager_node_configs", "Different files among living nodes.", registry=registry)
        self._measure()

    async def begin(self) -> None:
        """At start."""
        self._shared = await self._database.read(lambda tx: tx.engine) == "postgres"
        self._beat_at = asyncio.get_running_loop().time()
        self._unbroken_since = self._beat_at
        if self._shared:
            now = await self._database.read(lambda tx: tx.now())
            self._me = replace(self._me, started_at=now, config_since=now)
            await self.beat()

    async def run(self) -> None:
        """For ever."""
        while True:
            await asyncio.sleep(EVERY)
            if self._shared:
                await self._try()

    async def leave(self) -> None:
        """At the end: what is not sent yet is the others' at once."""
        if not self._shared:
            return
        try:
            await self._database.write(self._leave)
        except StoreUnavailable as error:
            log.warning("the other nodes cannot be told that this one stops", error=str(error))

    def cut_off(self) -> bool:
        """Whether the database has not taken anything from this node for 10 s."""
        return self._shared and asyncio.get_running_loop().time() - self._beat_at > CUT_OFF

    def listed(self) -> tuple[tuple[Node, ...], datetime]:
        """All nodes as they were seen last, and when that was, by the database's clock."""
        if self._shared:
            return self._seen
        now = self._wall()
        return (self._current(now, timedelta(), self._lanes()),), now

    def remarks(self) -> list[str]:
        """What is wrong among the nodes, a line each."""
        found, now = self._seen
        return [f"{trouble.title}: {trouble.summary}" for trouble in troubles(found, now)] if self._shared else []

    async def beat(self) -> None:
        """Say that this node lives, free what others have lost, and tell what is wrong."""
        settled = asyncio.get_running_loop().time() - self._unbroken_since >= SETTLED
        lanes = self._lanes()
        freed, self._me, self._seen = await self._database.write(lambda tx: self._beat(tx, lanes, settled=settled))
        self._beat_at = asyncio.get_running_loop().time()
        self._beats.labels("success").inc()
        if freed:
            log.warning("pages of a node that is gone go out from here", pages=freed)
        self._measure()
        if settled:
            await self._tell(troubles(*self._seen))

    async def _try(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            if loop.time() - self._beat_at > LATE.total_seconds() / 2:
                self._unbroken_since = loop.time()
            await self.beat()
        except StoreUnavailable as error:
            self._unbroken_since = loop.time()
            self._beats.labels("failure").inc()
            log.warning("the other nodes cannot be told that this one lives", error=str(error), often=True)

    def _lanes(self) -> tuple[int, ...]:
        """The lanes that it worked lately."""
        after = asyncio.get_running_loop().time() - LANES_FOR
        return tuple(sorted(lane for lane, at in self._engine.progress.lanes.items() if at > after))

    def _beat(
        self, tx: Tx, lanes: tuple[int, ...], *, settled: bool
    ) -> tuple[int, Node, tuple[tuple[Node, ...], datetime]]:
        before = self._wall()
        now = tx.now()
        after = self._wall()
        skew = self._me.skew if after - before > SLOW else before + (after - before) / 2 - now
        me = self._current(now, skew, lanes)
        me = replace(me, waiting_since=nodes.waiting_since(tx, lanes) if lanes else None)
        nodes.beat(tx, me)
        seen = nodes.listed(tx)
        freed = 0
        if settled:
            freed = sum(pages.release(tx, life) for life in lost(seen, now) if life != self.life)
            nodes.forget(tx, forgotten(seen, now))
        return freed, me, (seen, now)

    def _current(self, now: datetime, skew: timedelta, lanes: tuple[int, ...]) -> Node:
        config = self._engine.catalog.hash
        since = self._me.config_since if config == self._me.config else now
        return replace(self._me, seen_at=now, config=config, config_since=since, skew=skew, lanes=lanes)

    def _leave(self, tx: Tx) -> None:
        nodes.leave(tx, self.life)
        pages.release(tx, self.life)

    async def _tell(self, found: list[Trouble]) -> None:
        """Report what is wrong once, also when a person has closed the incident since, and its end."""
        by_kind = {trouble.kind: trouble for trouble in found}
        for kind in KINDS:
            trouble = by_kind.get(kind)
            if self._told.get(kind) is (trouble is not None):
                continue
            if trouble is None:
                await self._engine.report_over("nodes", kind)
            else:
                log.error(trouble.title, why=trouble.summary)
                await self._engine.report(trouble.title, trouble.summary, "nodes", kind)
            self._told[kind] = trouble is not None

    def _measure(self) -> None:
        found, now = self._seen
        states = [state_of(node, found, now) for node in found]
        for state in ("up", "late", "unseen", "stopped"):
            self._count.labels(state).set(states.count(state))
        self._configs.set(len({node.config for node in up(found, now)}))
        self._skew.set(self._me.skew.total_seconds())
