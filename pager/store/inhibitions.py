"""Who may inhibit whom, found by slots; and which incidents are held so, to be judged again when that ends."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from pager.store import meta
from pager.store.database import Tx
from pager.store.sql import chunks

_RULES = "inhibit"


def index(tx: Tx, rows: Iterable[tuple[int, int]]) -> None:
    """Remember alerts as possible inhibitors: (slot, key). What is there already stays."""
    tx.many(
        "INSERT INTO inhibitors (slot, alert) VALUES (:slot, :alert) ON CONFLICT (slot, alert) DO NOTHING",
        [{"slot": slot, "alert": alert} for slot, alert in rows],
    )


def of_slots(tx: Tx, slots: Iterable[int]) -> list[tuple[int, int]]:
    """(slot, key) of the alerts that may inhibit; whether they fire is another question."""
    found: list[tuple[int, int]] = []
    for chunk in chunks(slots):
        rows = tx.all(
            "SELECT s.slot, s.alert FROM inhibitors s JOIN alerts a ON a.key = s.alert "
            "WHERE s.slot IN (:slots) AND a.firing = 1",
            slots=chunk,
        )
        found += [(row.slot, row.alert) for row in rows]
    return found


def remember(tx: Tx, incident: int, alerts: Iterable[int]) -> None:
    """These alerts inhibit this incident, too."""
    tx.many(
        "INSERT INTO inhibited (incident, alert) VALUES (:incident, :alert) ON CONFLICT (incident, alert) DO NOTHING",
        [{"incident": incident, "alert": alert} for alert in sorted(alerts)],
    )


def forget(tx: Tx, incidents: Sequence[int]) -> None:
    """Nothing inhibits these incidents."""
    tx.run("DELETE FROM inhibited WHERE incident IN (:incidents)", incidents=list(incidents))


def forget_closed(tx: Tx, incidents: Sequence[int]) -> None:
    """Those of these incidents that are over are inhibited no more."""
    tx.run(
        "DELETE FROM inhibited WHERE incident IN (:incidents) AND NOT EXISTS "
        "(SELECT 1 FROM incidents i WHERE i.number = inhibited.incident AND i.state <> 'resolved')",
        incidents=list(incidents),
    )


def doubtful(tx: Tx, paging: Sequence[str], after: int, limit: int) -> list[int]:
    """Numbers above `after` of inhibited incidents with an inhibitor that may have ended.

    It does not fire any more or is stale, its incident is over, is none of the severities that are `paging`, or is
    inhibited itself.
    """
    rows = tx.all(
        "SELECT DISTINCT h.incident FROM inhibited h LEFT JOIN alerts a ON a.key = h.alert "
        "LEFT JOIN incidents i ON i.number = a.incident WHERE h.incident > :after AND (a.key IS NULL OR a.firing = 0 "
        "OR a.status = 'stale' OR i.number IS NULL OR i.state = 'resolved' OR i.severity NOT IN (:paging) "
        "OR EXISTS (SELECT 1 FROM inhibited x WHERE x.incident = i.number)) ORDER BY h.incident LIMIT :limit",
        paging=list(paging),
        after=after,
        limit=limit,
    )
    return [row.incident for row in rows]


def forget_gone(tx: Tx, _: datetime) -> int:
    """Delete what is known of alerts and incidents that are not there any more; how many rows."""
    gone = tx.run("DELETE FROM inhibitors WHERE NOT EXISTS (SELECT 1 FROM alerts a WHERE a.key = inhibitors.alert)")
    return gone + tx.run(
        "DELETE FROM inhibited WHERE NOT EXISTS (SELECT 1 FROM incidents i WHERE i.number = inhibited.incident)"
    )


def indexed_by(tx: Tx) -> str:
    """The hash of the rules by which all firing alerts were indexed last."""
    row = tx.one("SELECT said FROM meta WHERE name = :name", name=_RULES)
    return str(row.said) if row else ""


def is_indexed(tx: Tx, rules: str) -> None:
    """All firing alerts are indexed by the rules with this hash; what is known of alerts that are gone goes."""
    forget_gone(tx, tx.now())
    meta.put(tx, _RULES, rules)
