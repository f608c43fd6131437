"""Keeping: bodies are redacted and packed soon after they were worked; once a day what is old enough goes."""

import asyncio
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from prometheus_client import CollectorRegistry, Counter, Gauge

from pager.core.report import Source
from pager.log import log
from pager.store import StoreUnavailable, answers, heartbeats, inhibitions, keeping, notices, overrides, silences
from pager.store.database import Database, Tx
from pager.store.sql import Row

PACK_EVERY = 60.0
PURGE_EVERY = 24 * 3600.0
MEASURE_EVERY = 3600.0


class Keep(Struct, frozen=True):
    """How long: bodies for replay until they are so old or so many bytes, incidents so long after their end."""

    bodies: timedelta = timedelta(days=30)
    bytes: int = 1024**3
    incidents: timedelta = timedelta(days=90)


class Purged(Struct):
    """How many rows went."""

    bodies: int = 0
    incidents: int = 0
    alerts: int = 0


class Keeper:
    """Packs and purges, a batch a transaction, so that it holds nobody up."""

    def __init__(
        self, database: Database, sources: Mapping[str, Source], keep: Keep, registry: CollectorRegistry
    ) -> None:
        self.database = database
        self.sources = sources
        self.keep = keep
        self._rows = Gauge("pager_kept_rows", "Rows that are kept.", ("table",), registry=registry)
        self._bodies = Gauge("pager_kept_body_bytes", "Bodies that are kept for replay.", registry=registry)
        self._size = Gauge("pager_database_bytes", "Size of the database.", registry=registry)
        self._purged = Counter("pager_purged_rows", "Rows that were old enough.", ("table",), registry=registry)

    async def run(self) -> None:
        """Pack each minute, measure each hour, purge each day; each of them soon after the start, too. For ever."""
        loop = asyncio.get_running_loop()
        purge_at = measure_at = loop.time()
        while True:
            await asyncio.sleep(PACK_EVERY)
            try:
                await self.pack()
                if loop.time() >= purge_at:
                    await self.purge()
                    purge_at = loop.time() + PURGE_EVERY
                if loop.time() >= measure_at:
                    await self.measure()
                    measure_at = loop.time() + MEASURE_EVERY
            except StoreUnavailable as error:
                log.warning("what is old cannot be purged", error=str(error))

    async def pack(self) -> int:
        """Redact and compress what was worked; how many bodies."""
        done = 0
        while rows := await self.database.read(keeping.to_pack):
            bodies = await asyncio.to_thread(self._packed, rows)
            await self.database.write(lambda tx, bodies=bodies: keeping.packed(tx, bodies))  # type: ignore[misc]
            done += len(bodies)
        return done

    def _packed(self, rows: Sequence[Row]) -> list[tuple[int, bytes]]:
        return [(row.id, pack(redacted(self.sources, row))) for row in rows]

    async def purge(self) -> Purged:
        """Delete what is old enough; how much that was."""
        now = await self.database.read(lambda tx: tx.now())
        purged = Purged(await self._bodies_before(now - self.keep.bodies))
        before = now - self.keep.incidents
        purged.incidents = await self._incidents_before(before)
        purged.alerts = await self._alerts_before(before)
        for forget in (
            keeping.drop_downtimes,
            notices.forget,
            overrides.forget,
            silences.forget,
            inhibitions.forget_gone,
            heartbeats.forget_gone,
            answers.forget,
        ):
            await self.database.write(lambda tx, forget=forget: forget(tx, before))  # type: ignore[misc]
        for table, count in (("inbox", purged.bodies), ("incidents", purged.incidents), ("alerts", purged.alerts)):
            self._purged.labels(table).inc(count)
        log.info("purged", bodies=purged.bodies, incidents=purged.incidents, alerts=purged.alerts)
        return purged

    async def measure(self) -> None:
        """Tell how much is kept."""
        rows, size, bodies = await self.database.read(_measured)
        for table, count in rows.items():
            self._rows.labels(table).set(count)
        self._size.set(size)
        self._bodies.set(bodies)

    async def _bodies_before(self, before: datetime) -> int:
        """The oldest go until none is too old and all are not too large."""
        excess = await self.database.read(keeping.body_bytes) - self.keep.bytes
        gone, after = 0, 0
        while found := await self.database.read(lambda tx, after=after: keeping.bodies(tx, after)):  # type: ignore[misc]
            chosen = []
            for row in found:
                if keeping.accepted(row) < before or excess > 0:
                    chosen.append(row.id)
                    excess -= row.size
            if not chosen:
                break
            gone += await self.database.write(lambda tx, ids=chosen: keeping.drop_bodies(tx, ids))  # type: ignore[misc]
            after = found[-1].id
        return gone

    async def _incidents_before(self, before: datetime) -> int:
        gone, after = 0, 0
        while found := await self.database.read(lambda tx, after=after: keeping.ended(tx, before, after)):  # type: ignore[misc]
            gone += await self.database.write(lambda tx, found=found: keeping.forget(tx, found, before))  # type: ignore[misc]
            after = found[-1]
        return gone

    async def _alerts_before(self, before: datetime) -> int:
        gone, after = 0, -(2**63)
        while found := await self.database.read(lambda tx, after=after: keeping.old_alerts(tx, before, after)):  # type: ignore[misc]
            gone += await self.database.write(lambda tx, found=found: keeping.drop_alerts(tx, found, before))  # type: ignore[misc]
            after = found[-1]
        return gone


def redacted(sources: Mapping[str, Source], row: Row) -> bytes:
    """The body of a row without what its dialect takes for a secret; nothing where that cannot be told."""
    source = sources.get(row.dialect)
    try:
        return source.redact(bytes(row.body)) if source else b""
    except Exception:  # A fence: what may hold a secret is not kept, and the others are.
        log.exception("a body cannot be redacted and is not kept", row=row.id, dialect=row.dialect)
        return b""


def pack(body: bytes) -> bytes:
    """A body as it is kept; `unpack` gives it back."""
    return zlib.compress(body, 6)


def unpack(body: bytes) -> bytes:
    """What `pack` was given."""
    return zlib.decompress(body)


def _measured(tx: Tx) -> tuple[Mapping[str, int], int, int]:
    return keeping.sizes(tx), keeping.database_bytes(tx), keeping.body_bytes(tx)
