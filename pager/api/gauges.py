"""Gauges: what stands in the database, read every few seconds, so that a scrape never waits for it."""

import asyncio
from datetime import datetime

from pager import heartbeats
from pager.core.catalog import Catalog
from pager.core.proven import proven_urls, standing
from pager.log import log
from pager.metrics import Metrics, Standing
from pager.store import StoreUnavailable, alerts, inbox, incidents, pages, proofs
from pager.store.database import Database, Tx

EVERY = 5.0
BEAT = 0.5


async def run_gauges(database: Database, metrics: Metrics) -> None:
    """Keep `metrics.standing` up to date, for ever."""
    while True:
        try:
            await refresh(database, metrics)
        except StoreUnavailable as error:
            metrics.db_errors.labels("read").inc()
            log.warning("the gauges cannot be read", error=str(error))
        await asyncio.sleep(EVERY)


async def refresh(database: Database, metrics: Metrics) -> None:
    """Read what stands once."""
    catalog = metrics.catalog()
    metrics.standing, late = await database.read(lambda tx: _standing(tx, catalog))
    metrics.timer_lag.observe(late)


async def run_lag(metrics: Metrics) -> None:
    """Measure how late the event loop wakes, for ever."""
    loop = asyncio.get_running_loop()
    while True:
        wanted = loop.time() + BEAT
        await asyncio.sleep(BEAT)
        metrics.loop_lag.observe(max(0.0, loop.time() - wanted))


def _standing(tx: Tx, catalog: Catalog) -> tuple[Standing, float]:
    now = tx.now()
    due, oldest_page = pages.oldest_due(tx)
    waiting, oldest_request = inbox.backlog(tx), inbox.oldest_in_turn(tx)
    last, oldest_last = inbox.oldest_last(tx)
    by_state = {(row.team, row.severity, row.state): int(row.n) for row in incidents.count(tx)}
    oldest = {"inbox": _seconds(oldest_request, now), "pages": _seconds(oldest_page, now)}
    depth, beating = {"inbox": waiting - last, "pages": due}, heartbeats.standing(tx, catalog)
    if last:  # Whoever is over a quota waits, and that is no trouble of pager's.
        depth["over_quota"], oldest["over_quota"] = last, _seconds(oldest_last, now)
    standing = Standing(by_state, alerts.count(tx), depth, oldest, _contacts(tx, catalog), beating)
    return standing, _seconds(incidents.next_due(tx), now)


def _contacts(tx: Tx, catalog: Catalog) -> dict[str, int]:
    known = standing(catalog, proofs.proven(tx, proven_urls(catalog)), tx.now())
    proven = sum(one.is_proven for one in known)
    return {"yes": proven, "no": len(known) - proven}


def _seconds(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())
