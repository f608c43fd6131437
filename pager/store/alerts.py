"""Alerts as they are known: one row each, written only when something changed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from pager.core.merge import AlertState
from pager.store.database import Tx
from pager.store.sql import Row, instant

CHUNK = 400
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(AlertState).decode


@dataclass(slots=True)
class KnownAlert:
    """An alert and the incident it is in; None: in no incident."""

    state: AlertState
    incident: int | None
    heard_at: datetime


def load(tx: Tx, keys: Iterable[int]) -> dict[int, KnownAlert]:
    """The known ones of `keys`."""
    wanted, found = list(keys), {}
    for start in range(0, len(wanted), CHUNK):
        rows = tx.all(
            "SELECT key, incident, heard_at, body FROM alerts WHERE key IN (:keys)", keys=wanted[start : start + CHUNK]
        )
        for row in rows:
            found[row.key] = _known(row)
    return found


def of_incident(tx: Tx, number: int, *, firing: bool = False, limit: int = 100_000) -> list[KnownAlert]:
    """The alerts of one incident; only those that count as firing, if asked for."""
    only = "AND firing = 1" if firing else ""
    rows = tx.all(
        f"SELECT key, incident, heard_at, body FROM alerts WHERE incident = :number {only} ORDER BY key LIMIT :limit",
        number=number,
        limit=limit,
    )
    return [_known(row) for row in rows]


def save(tx: Tx, alerts: Iterable[KnownAlert]) -> None:
    tx.many(
        "INSERT INTO alerts (key, source, incident, status, firing, heard_at, settles_at, body) "
        "VALUES (:key, :source, :incident, :status, :firing, :heard_at, :settles_at, :body) "
        "ON CONFLICT (key) DO UPDATE SET incident = excluded.incident, status = excluded.status, "
        "firing = excluded.firing, heard_at = excluded.heard_at, settles_at = excluded.settles_at, "
        "body = excluded.body",
        [
            {
                "key": alert.state.key,
                "source": alert.state.source,
                "incident": alert.incident,
                "status": alert.state.status,
                "firing": int(alert.state.counts_as_firing),
                "heard_at": alert.heard_at,
                "settles_at": alert.state.settles_at,
                "body": _encode(alert.state),
            }
            for alert in alerts
        ],
    )


def heard(tx: Tx, keys: Iterable[int], at: datetime) -> None:
    """These alerts were repeated: the one thing that a repeat writes, in batches."""
    tx.many("UPDATE alerts SET heard_at = :at WHERE key = :key", [{"key": key, "at": at} for key in keys])


def move_firing(tx: Tx, old: int, new: int) -> None:
    """The alerts that still fire go to the incident that follows theirs."""
    tx.run("UPDATE alerts SET incident = :new WHERE incident = :old AND firing = 1", old=old, new=new)


def settling(tx: Tx, now: datetime, limit: int = 200) -> list[int]:
    """Keys of flapping alerts that may have been quiet long enough."""
    rows = tx.all(
        "SELECT key FROM alerts WHERE settles_at <= :now ORDER BY settles_at LIMIT :limit", now=now, limit=limit
    )
    return [row.key for row in rows]


def put_off_settling(tx: Tx, key: int, until: datetime) -> None:
    """Ask whether this one has settled at `until`: deciding it has just failed."""
    tx.run("UPDATE alerts SET settles_at = :until WHERE key = :key AND settles_at < :until", key=key, until=until)


def page_of(tx: Tx, *, state: str, after: int, limit: int) -> list[KnownAlert]:
    """Alerts by key from `after` on, for lists: `state` is firing, resolved or all."""
    only = {"firing": "AND firing = 1", "resolved": "AND firing = 0"}.get(state, "")
    rows = tx.all(
        f"SELECT key, incident, heard_at, body FROM alerts WHERE key > :after {only} ORDER BY key LIMIT :limit",
        after=after,
        limit=limit,
    )
    return [_known(row) for row in rows]


def count(tx: Tx) -> dict[str, int]:
    rows = tx.all("SELECT firing, count(*) AS n FROM alerts GROUP BY firing")
    return {"firing" if row.firing else "resolved": int(row.n) for row in rows}


def _known(row: Row) -> KnownAlert:
    return KnownAlert(_decode(row.body), row.incident, instant(row.heard_at))
