"""Settling: alerts that flapped have ended once they were quiet for their time, and their incidents hear of it."""

from collections.abc import Collection
from datetime import datetime

from pager.core.catalog import Catalog
from pager.core.merge import settle
from pager.desk import News, homes_of, load_locked
from pager.store import alerts
from pager.store.alerts import KnownAlert
from pager.store.database import Tx
from pager.worker import Batch, Tally


def settle_alerts(tx: Tx, catalog: Catalog, keys: Collection[int]) -> News:
    """Flapping alerts that were quiet for their time have ended: their incidents hear of it."""
    batch = Batch(tx, catalog, {})
    batch.known = load_locked(batch.desk, keys)
    batch.desk.lock(homes_of(batch.known))
    for known in batch.known.values():
        _settle_one(batch, known, tx.now())
    alerts.save(tx, batch.known.values())
    homes = {known.incident for known in batch.known.values() if known.incident is not None}
    batch.desk.judge(number for number in sorted(homes) if batch.desk.incident(number) is not None)
    batch.desk.settle()
    return batch.desk.news


def _settle_one(batch: Batch, known: KnownAlert, now: datetime) -> None:
    state, change = settle(known.state, now)
    known.state = state
    if change == "resolved" and known.incident is not None and batch.desk.incident(known.incident) is not None:
        batch.tell_tally(known.incident, Tally(firing=-1))
