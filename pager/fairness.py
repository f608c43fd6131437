"""Fairness: looks every few seconds who is over their quota and where senders' tokens are used, and tells of it."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from pager.core.catalog import Catalog
from pager.core.duration import format_duration
from pager.core.quota import CALM, Waits
from pager.core.reports import NO_EXPIRY_IGNORES
from pager.core.severity import Level
from pager.core.token_use import UNUSED, TokenUse
from pager.desk import own_group
from pager.engine import Engine
from pager.log import log
from pager.shares import Shares, quota_of
from pager.source_metrics import SourceMetrics
from pager.store import StoreUnavailable, incidents, overtaken, source_counts
from pager.store.database import Tx
from pager.store.source_counts import Counts
from pager.token_watch import TokenWatch

EVERY = 5.0
FORGET_EVERY = timedelta(hours=1)
BY_ITSELF = "pager"
_NONE, _NOTHING = Counts(), Waits()


class Ill(Struct, frozen=True):
    """What is wrong with a source: what its incident says. One that a person ended after `since` is not repeated."""

    title: str
    summary: str
    severity: Level
    since: datetime


class Teller:
    """Keeps one kind of incident about sources: opened once when something is wrong, and resolved when it is over."""

    def __init__(self, engine: Engine, kind: str) -> None:
        self.known: set[str] = set()
        self._engine = engine
        self._kind = kind
        self._began = False

    async def tell(self, ills: Mapping[str, Ill], names: Collection[str]) -> None:
        """`ills` is what is wrong now, by source; `names` are all of which something may have been told before."""
        if not self._began:
            self.known, self._began = await self._open(sorted({*names, *ills})), True
        for name in sorted(ills.keys() - self.known):
            await self._report(name, ills[name])
            self.known.add(name)
        for name in sorted(self.known - ills.keys()):
            await self._engine.report_over(self._kind, name)
            self.known.discard(name)

    async def _report(self, name: str, ill: Ill) -> None:
        if await self._engine.database.read(lambda tx: self._ended_by_a_person(tx, name, ill.since)):
            return
        log.warning(ill.title, why=ill.summary)
        source = self._engine.catalog.sources.get(name)
        policy = source.policy if source else ""
        await self._engine.report(ill.title, ill.summary, self._kind, name, severity=ill.severity, policy=policy)

    async def _open(self, names: Collection[str]) -> set[str]:
        def read(tx: Tx) -> set[str]:
            return {name for name in names if incidents.open_since(tx, own_group(self._kind, name)) is not None}

        return await self._engine.database.read(read)

    def _ended_by_a_person(self, tx: Tx, name: str, since: datetime) -> bool:
        number = incidents.home_of(tx, own_group(self._kind, name), since)
        kept = incidents.get(tx, number) if number is not None else None
        return kept is not None and kept.incident.resolved_at is not None and kept.incident.resolved_by != BY_ITSELF


class Fairness:
    """One loop for the shares of sources and for their tokens, on each node; the incidents about them are common."""

    def __init__(
        self, engine: Engine, shares: Shares, watch: TokenWatch, clock: Callable[[], datetime], metrics: SourceMetrics
    ) -> None:
        self.shares = shares
        self.watch = watch
        self._engine = engine
        self._clock = clock
        self._metrics = metrics
        self._over, self._unused = Teller(engine, "quota"), Teller(engine, "token unused")
        self._forgot_at: datetime | None = None

    def remarks(self) -> list[str]:
        """Who is over their quota, a line each."""
        return [f"source {name} is over its quota: see pagerctl source status" for name in sorted(self._over.known)]

    async def run(self) -> None:
        """Look for ever."""
        while True:
            try:
                await self.look()
            except StoreUnavailable as error:
                log.warning("what sources send cannot be counted", error=str(error), often=True)
            except Exception:  # A fence: what cannot be judged must not end the process, for it would again.
                log.exception("what sources send cannot be judged")
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        """Once: what was counted is written, and what is wrong is told."""
        now = self._clock()
        await self.shares.settle(now)
        await self._judge_quotas(now)
        await self._judge_tokens(now)
        if self._forgot_at is None or not timedelta() <= now - self._forgot_at < FORGET_EVERY:
            await self._engine.database.write(source_counts.forget)
            self._forgot_at = now
        if await self._engine.database.read(overtaken.any_left):
            await self._engine.database.write(overtaken.forget)
        self._metrics.stands(self.shares.waits, self._over.known, self._unused.known)

    async def _judge_quotas(self, now: datetime) -> None:
        """It is over when the source has kept to its quota for a while."""
        counts = await self._engine.database.read(lambda tx: source_counts.since(tx, now - CALM))
        names, waits = counts.keys() | self.shares.waits.keys(), self.shares.waits
        catalog = self._engine.catalog
        over = {name for name in names if is_over(catalog, name, counts.get(name), waits.get(name), now)}
        ills = {name: _over(catalog, name, counts.get(name, _NONE), waits.get(name, _NOTHING), now) for name in over}
        await self._over.tell(ills, {*names, *catalog.sources})

    async def _judge_tokens(self, now: datetime) -> None:
        """Tokens that nobody shows any more, and networks that are news."""
        for source, network in await self.watch.settle(now):
            self._metrics.networks.labels(source).inc()
            ill = _elsewhere(source, network, now)
            log.warning(ill.title, network=network)
            await self._engine.report(ill.title, ill.summary, "token network", source, severity=ill.severity)
        known = self.watch.known
        ills = {name: _unused(name, use) for name, use in known.items() if use.is_unused(now)}
        await self._unused.tell(ills, known)


def is_over(catalog: Catalog, name: str, counts: Counts | None, waits: Waits | None, now: datetime) -> bool:
    """Whether some of a source waits behind all others, or did a while ago, or it has too many open alerts."""
    over_at, stands = (counts or _NONE).over_at, waits or _NOTHING
    if stands.rows or stands.open > quota_of(catalog, name).open:
        return True
    return over_at is not None and now - over_at < CALM


def _over(catalog: Catalog, name: str, counts: Counts, waits: Waits, now: datetime) -> Ill:
    quota = quota_of(catalog, name)
    return Ill(
        title=f"source {name} is over its quota",
        summary=f"{counts.late} alerts of the last hours are worked behind all others, {counts.refused} requests were "
        f"told to come back, {waits.open} alerts are open; its quota: {quota.alerts} alerts and {quota.bytes} bytes a "
        f"minute, {quota.open} open alerts. What may be a SEV-1 or SEV-2 goes first, and nothing accepted is lost. "
        "Mend the sender, or write more below quota: of the source.",
        severity="SEV-3",
        since=now - NO_EXPIRY_IGNORES,
    )


def _unused(name: str, use: TokenUse) -> Ill:
    said = f"last on {use.used_at:%Y-%m-%d}" if use.used_at else f"never since {use.since:%Y-%m-%d}"
    return Ill(
        title=f"the token of source {name} is not used",
        summary=f"Nobody has shown it for {format_duration(UNUSED)}, {said}. See that the sender still reaches pager; "
        "where nobody needs it, take it away.",
        severity="SEV-5",
        since=(use.used_at or use.since) + UNUSED,
    )


def _elsewhere(name: str, network: str, now: datetime) -> Ill:
    return Ill(
        title=f"the token of source {name} is used from a new network",
        summary=f"It was shown from {network}, and never from there before. If that is none of your senders, "
        "somebody has the token: make another one.",
        severity="SEV-4",
        since=now,
    )
