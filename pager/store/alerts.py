"""Alerts as they are known: one row each, written only when something changed."""

from collections.abc import Collection, Iterable
from datetime import datetime

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from pager.core.merge import AlertState
from pager.core.text import Said
from pager.store.database import Tx
from pager.store.sql import Row, chunks, instant

_COLUMNS = "key, incident, status, heard_at, stale_at, body"
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(AlertState).decode


class KnownAlert(Struct):
    """An alert and the incident it is in; None: in no incident.

    `stale_at` is when to ask whether it is stale, None: never; once it is `stale`, since when. One that was ended
    for that stays `stale` and counts as firing no more.
    """

    state: AlertState
    incident: int | None
    heard_at: datetime
    stale_at: datetime | None = None
    stale: bool = False


def load(tx: Tx, keys: Iterable[int]) -> dict[int, KnownAlert]:
    """The known ones of `keys`."""
    found = {}
    for chunk in chunks(keys):
        for row in tx.all(f"SELECT {_COLUMNS} FROM alerts WHERE key IN (:keys)", keys=chunk):
            found[row.key] = _known(row)
    return found


def of_incident(tx: Tx, number: int, *, firing: bool = False, limit: int = 100_000) -> list[KnownAlert]:
    """The alerts of one incident; only those that count as firing, if asked for."""
    only = "AND firing = 1" if firing else ""
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM alerts WHERE incident = :number {only} ORDER BY key LIMIT :limit",
        number=number,
        limit=limit,
    )
    return [_known(row) for row in rows]


def homeless(tx: Tx, limit: int) -> list[KnownAlert]:
    """Alerts that fire and are in no incident: those whose arrival is all that they say."""
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM alerts WHERE incident IS NULL AND status = 'firing' ORDER BY key LIMIT :limit",
        limit=limit,
    )
    return [_known(row) for row in rows]


def said(tx: Tx, number: int, limit: int) -> tuple[Said, ...]:
    """What the first of an incident's firing alerts say."""
    known = of_incident(tx, number, firing=True, limit=limit)
    return tuple(Said(one.state.labels, one.state.annotations) for one in known)


def firing_in(tx: Tx, numbers: Iterable[int]) -> dict[int, list[KnownAlert]]:
    """The alerts of these incidents that count as firing, by incident; those without any are not there."""
    found: dict[int, list[KnownAlert]] = {}
    for chunk in chunks(numbers):
        rows = tx.all(
            f"SELECT {_COLUMNS} FROM alerts WHERE incident IN (:numbers) AND firing = 1 ORDER BY key", numbers=chunk
        )
        for row in rows:
            found.setdefault(row.incident, []).append(_known(row))
    return found


def save(tx: Tx, alerts: Iterable[KnownAlert]) -> None:
    tx.many(
        "INSERT INTO alerts (key, source, incident, status, firing, heard_at, settles_at, stale_at, body) "
        "VALUES (:key, :source, :incident, :status, :firing, :heard_at, :settles_at, :stale_at, :body) "
        "ON CONFLICT (key) DO UPDATE SET incident = excluded.incident, status = excluded.status, "
        "firing = excluded.firing, heard_at = excluded.heard_at, settles_at = excluded.settles_at, "
        "stale_at = excluded.stale_at, body = excluded.body",
        [
            {
                "key": alert.state.key,
                "source": alert.state.source,
                "incident": alert.incident,
                "status": "stale" if alert.stale else alert.state.status,
                "firing": int(alert.state.counts_as_firing),
                "heard_at": alert.heard_at,
                "settles_at": alert.state.settles_at,
                "stale_at": alert.stale_at,
                "body": _encode(alert.state),
            }
            for alert in alerts
        ],
    )


def heard(tx: Tx, alerts: Iterable[KnownAlert]) -> None:
    """These alerts were repeated: the one thing that a repeat writes, in batches."""
    tx.many(
        "UPDATE alerts SET heard_at = :at, stale_at = :stale_at WHERE key = :key",
        [{"key": alert.state.key, "at": alert.heard_at, "stale_at": alert.stale_at} for alert in alerts],
    )


def move_firing(tx: Tx, old: int, new: int) -> None:
    """The alerts that still fire go to the incident that follows theirs."""
    tx.run("UPDATE alerts SET incident = :new WHERE incident = :old AND firing = 1", old=old, new=new)


def move(tx: Tx, old: int, new: int) -> None:
    """All alerts of an incident go to the one that it was merged into."""
    tx.run("UPDATE alerts SET incident = :new WHERE incident = :old", old=old, new=new)


def settling(tx: Tx, now: datetime, limit: int = 200) -> list[int]:
    """Keys of flapping alerts that may have been quiet long enough."""
    rows = tx.all(
        "SELECT key FROM alerts WHERE settles_at <= :now ORDER BY settles_at LIMIT :limit", now=now, limit=limit
    )
    return [row.key for row in rows]


def put_off_settling(tx: Tx, key: int, until: datetime) -> None:
    """Ask whether this one has settled at `until`: deciding it has just failed."""
    tx.run("UPDATE alerts SET settles_at = :until WHERE key = :key AND settles_at < :until", key=key, until=until)


def overdue(tx: Tx, now: datetime, limit: int = 200) -> list[KnownAlert]:
    """Firing alerts that may be stale, the longest unheard first."""
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM alerts WHERE status = 'firing' AND stale_at <= :now ORDER BY stale_at LIMIT :limit",
        now=now,
        limit=limit,
    )
    return [_known(row) for row in rows]


def judged(tx: Tx, judged: Iterable[tuple[KnownAlert, datetime, bool]]) -> None:
    """Write of alerts as they were read when they are stale, and whether they are. One heard since keeps its own."""
    tx.many(
        "UPDATE alerts SET stale_at = :at, status = :status "
        "WHERE key = :key AND status = 'firing' AND heard_at = :heard_at AND stale_at = :was",
        [
            {
                "key": known.state.key,
                "at": at,
                "status": "stale" if stale else "firing",
                "heard_at": known.heard_at,
                "was": known.stale_at,
            }
            for known, at, stale in judged
        ],
    )


def unheard(tx: Tx, number: int | None = None) -> dict[int, list[tuple[str, datetime]]]:
    """Incidents none of whose alerts is still heard of, and resolved ones with any such alert.

    For each, by its number, the sources of its stale alerts and since when the last of each is stale. With `number`
    only that one.
    """
    only = "AND s.incident = :number" if number is not None else ""
    rows = tx.all(
        "SELECT s.incident, s.source, max(s.stale_at) AS at FROM alerts s JOIN incidents i ON i.number = s.incident "
        f"WHERE s.status = 'stale' AND s.stale_at IS NOT NULL AND s.firing = 1 {only} AND (i.state = 'resolved' "
        "OR NOT EXISTS (SELECT 1 FROM alerts f WHERE f.incident = s.incident AND f.firing = 1 AND f.status <> 'stale')"
        ") GROUP BY s.incident, s.source ORDER BY s.incident, s.source",
        number=number,
    )
    found: dict[int, list[tuple[str, datetime]]] = {}
    for row in rows:
        found.setdefault(row.incident, []).append((row.source, instant(row.at)))
    return found


def end_unheard(tx: Tx, number: int) -> None:
    """The stale alerts of an incident have ended, as far as anybody knows: to be heard of again is a new spell."""
    ended = [known for known in of_incident(tx, number, firing=True) if known.stale]
    for known in ended:
        known.state = replace(known.state, status="resolved", flapping=False, settles_at=None)
        known.stale_at = None
    save(tx, ended)


def end_final(tx: Tx, number: int, sources: Collection[str]) -> int:
    """The firing alerts of an incident whose sources are these have ended, since a person says so; how many."""
    firing = of_incident(tx, number, firing=True) if sources else []
    ended = [known for known in firing if known.state.source in sources]
    for known in ended:
        known.state = replace(known.state, status="resolved", flapping=False, settles_at=None)
        known.stale, known.stale_at = False, None
    save(tx, ended)
    return len(ended)


def sources_with_open(tx: Tx) -> set[str]:
    """The sources that have firing alerts, stale ones among them."""
    rows = tx.all(
        "SELECT DISTINCT source FROM alerts WHERE status IN ('firing', 'stale') AND stale_at IS NOT NULL AND firing = 1"
    )
    return {row.source for row in rows}


def page_of(tx: Tx, *, state: str, after: int, limit: int) -> list[KnownAlert]:
    """Alerts by key from `after` on, for lists: `state` is firing, resolved or all."""
    only = {"firing": "AND firing = 1", "resolved": "AND firing = 0"}.get(state, "")
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM alerts WHERE key > :after {only} ORDER BY key LIMIT :limit",
        after=after,
        limit=limit,
    )
    return [_known(row) for row in rows]


def of_source(tx: Tx, source: str, *, firing: bool | None, limit: int, offset: int) -> list[KnownAlert]:
    """Alerts of one source, those heard of last first; None: whether they fire or not."""
    only = "" if firing is None else f"AND firing = {int(firing)}"
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM alerts WHERE source = :source {only} "
        "ORDER BY heard_at DESC, key LIMIT :limit OFFSET :offset",
        source=source,
        limit=limit,
        offset=offset,
    )
    return [_known(row) for row in rows]


def count(tx: Tx) -> dict[str, int]:
    rows = tx.all("SELECT firing, count(*) AS n FROM alerts GROUP BY firing")
    return {"firing" if row.firing else "resolved": int(row.n) for row in rows}


def _known(row: Row) -> KnownAlert:
    stale_at = instant(row.stale_at) if row.stale_at is not None else None
    return KnownAlert(_decode(row.body), row.incident, instant(row.heard_at), stale_at, row.status == "stale")
