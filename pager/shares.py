"""Shares: where each request of a source waits, by what that source has sent of late, and what it came to."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from pager.backlog import Room
from pager.core.candidates import most_urgent
from pager.core.catalog import Catalog
from pager.core.quota import Asked, Quota, Use, Waits, Way, elsewhere, full, is_over, refuses, way_of
from pager.core.report import Parsed
from pager.core.severity import Level
from pager.store import StoreUnavailable, inbox, source_counts
from pager.store.database import Database, Tx
from pager.store.source_counts import Counts

MANY = 50
"""Alerts from which on they are looked through in a thread."""
LATELY = timedelta(seconds=30)
"""For so long what a source had sent tells, by what it has now, what other nodes took of it."""
OPEN_EVERY = timedelta(minutes=1)
_NONE, _NO_QUOTA = Waits(), Quota()


class OverQuota(StoreUnavailable):
    """So much of this source waits, or is open, that it is to come back later."""


def quota_of(catalog: Catalog, source: str) -> Quota:
    """What the files say of a source, else the quota that everybody has."""
    known = catalog.sources.get(source)
    return known.quota if known is not None else _NO_QUOTA


class Shares:
    """What every source has left on this node. `settle` is called every few seconds: it writes the counts, and reads
    what all nodes know.
    """

    def __init__(self, database: Database, config: Callable[[], Catalog], room: Room) -> None:
        self.waits: dict[str, Waits] = {}
        self._database = database
        self._config = config
        self._room = room
        self._use: dict[str, Use] = {}
        self._counts: dict[str, Counts] = {}
        self._stood: dict[str, tuple[datetime, Counts]] = {}
        self._open: dict[str, int] = {}
        self._open_at: datetime | None = None

    async def place(self, source: str, parsed: Parsed, size: int, now: datetime) -> Way:
        """Where a request of so many bytes waits. Raises OverQuota where it is not to be taken."""
        quota, waits = quota_of(self._config(), source), self.waits.get(source, _NONE)
        use = self._use.get(source) or full(quota, now)
        urgent = await self._urgent(parsed) if is_over(quota, use, waits, now) else None
        # Others were placed meanwhile.
        use, waits = self._use.get(source) or use, self.waits.get(source, _NONE)
        way, after = way_of(quota, use, _asked(parsed, size, urgent), waits, now)
        if way == "last" and not (parsed.alerts or parsed.acts):
            return "reserve"  # A sign of life: late, it would be missed.
        if way == "last":
            self._refuse(source, quota, waits, parsed, now)
        self._use[source] = after
        return way

    def _refuse(self, source: str, quota: Quota, waits: Waits, parsed: Parsed, now: datetime) -> None:
        ends = bool(parsed.acts) or any(alert.status == "resolved" for alert in parsed.alerts)
        why = refuses(quota, waits, self._room.rows, self._room.size, ends=ends)
        if why:
            self._of(source).add(Counts(refused=1, over_at=now))
            raise OverQuota(f"{source} is over its quota: {why}")

    async def _urgent(self, parsed: Parsed) -> Level | None:
        if len(parsed.alerts) >= MANY:
            return await asyncio.to_thread(most_urgent, parsed.alerts, self._config())
        return most_urgent(parsed.alerts, self._config())

    def took(self, source: str, way: Way, parsed: Parsed, size: int, now: datetime) -> None:
        """A request is kept, and waits there."""
        alerts = len(parsed.alerts)
        counts = self._of(source)
        counts.add(Counts(alerts=alerts, bytes=size, invalid=sum(fault.lost for fault in parsed.faults)))
        if way == "last":
            counts.add(Counts(late=alerts, over_at=now))
            waits = self.waits.get(source, _NONE)
            self.waits[source] = Waits(waits.rows + 1, waits.bytes + size, waits.open)

    def gave_up(self, source: str, way: Way, parsed: Parsed, size: int, now: datetime) -> None:
        """A request could not be kept after all: it took nothing of the quota."""
        if way == "turn" and source in self._use:
            asked = _asked(parsed, size, None)
            quota = quota_of(self._config(), source)
            self._use[source] = elsewhere(quota, self._use[source], -asked.alerts, -asked.bytes, now)

    def invalid(self, source: str) -> None:
        """A body was refused for what it is."""
        self._of(source).invalid += 1

    async def settle(self, now: datetime) -> None:
        """Write what was counted, and read what waits and is open. Raises StoreUnavailable: then nothing is lost."""
        counted, self._counts = self._counts, {}
        try:
            stands = await self._database.write(lambda tx: source_counts.count(tx, counted)) if counted else {}
        except StoreUnavailable:
            for source, counts in counted.items():
                self._of(source).add(counts)
            raise
        self._share(counted, stands, now)
        await self._read(now)

    def _share(self, counted: dict[str, Counts], stands: dict[str, Counts], now: datetime) -> None:
        """What other nodes took of a source since the last time is taken from its share here, too."""
        for source, stand in stands.items():
            at, before = self._stood.get(source, (now, stand))
            own = counted[source]
            alerts = (stand.alerts - stand.late) - (before.alerts - before.late) - (own.alerts - own.late)
            if timedelta() < now - at <= LATELY and alerts > 0 and source in self._use:
                size = max(0, stand.bytes - before.bytes - own.bytes)
                quota = quota_of(self._config(), source)
                self._use[source] = elsewhere(quota, self._use[source], alerts, size, now)
            self._stood[source] = now, stand

    async def _read(self, now: datetime) -> None:
        look = self._open_at is None or not timedelta() <= now - self._open_at < OPEN_EVERY

        def read(tx: Tx) -> tuple[dict[str, tuple[int, int]], dict[str, int]]:
            return inbox.waiting_last(tx), source_counts.open_alerts(tx) if look else self._open

        waiting, self._open = await self._database.read(read)
        self._open_at = now if look else self._open_at
        names = waiting.keys() | self._open.keys()
        self.waits = {name: Waits(*waiting.get(name, (0, 0)), self._open.get(name, 0)) for name in names}

    def _of(self, source: str) -> Counts:
        return self._counts.setdefault(source, Counts())


def _asked(parsed: Parsed, size: int, urgent: Level | None) -> Asked:
    return Asked(max(1, len(parsed.alerts)), size, urgent)
