"""Sign-ins at a provider that came back: each counts once, whichever node it comes to."""

from datetime import datetime, timedelta

from pager.store.database import Tx
from pager.store.tokens import hash_of

LASTS = timedelta(minutes=10)
"""A browser has so long to come back."""


def use(tx: Tx, state: str, now: datetime) -> bool:
    """Whether this state comes back for the first time; those that are too old are forgotten."""
    tx.run("DELETE FROM signins WHERE used_at <= :old", old=now - 2 * LASTS)
    sql = "INSERT INTO signins (state, used_at) VALUES (:state, :now) ON CONFLICT (state) DO NOTHING"
    return tx.run(sql, state=hash_of(state), now=now) > 0
