"""Proof of progress: a write of our own, and for how long the oldest page waits for somebody to take it."""

from datetime import timedelta

from pager.store import meta
from pager.store.database import Tx
from pager.store.sql import instant


def write(tx: Tx) -> None:
    """Write that we are alive: when this is committed, the database takes writes."""
    meta.put(tx, "alive", tx.now().isoformat())


def oldest_page(tx: Tx) -> timedelta:
    """For how long the oldest page is due that nobody has claimed; zero if there is none.

    One that is being sent, also for the third time, is in good hands.
    """
    now = tx.now()
    row = tx.one(
        "SELECT min(due_at) AS at FROM pages WHERE due_at <= :now AND state = 'due' "
        "AND (claimed_until IS NULL OR claimed_until <= :now)",
        now=now,
    )
    return now - instant(row.at) if row and row.at is not None else timedelta()
