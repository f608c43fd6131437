"""Keeping: what is packed away, and what is old enough to go, in batches that hold nobody up."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from pager.store import meta
from pager.store.database import Tx
from pager.store.sql import Row, instant

BATCH = 500
INCIDENTS = 100
BATCH_BYTES = 4_000_000
TABLES = ("inbox", "incidents", "alerts", "timeline", "pages", "deliveries")
SETTLED = timedelta(minutes=1)
"""After so long a body that was accepted is committed, on whichever node."""
_PACKED_TO = "packed_to"

# What nobody has worked yet, or nobody could, stays as it is.
_DONE = (
    "NOT EXISTS (SELECT 1 FROM todo t WHERE t.inbox_id = i.id) "
    "AND NOT EXISTS (SELECT 1 FROM failed f WHERE f.inbox_id = i.id)"
)


def to_pack(tx: Tx) -> list[Row]:
    """The oldest worked bodies that are not packed: `id`, `dialect`, `body`; at most some hundred, and about 4 MB."""
    unworked = tx.one("SELECT min(inbox_id) AS id FROM todo")
    found = tx.all(
        "SELECT i.id, length(i.body) AS size FROM inbox i WHERE i.id > :after AND i.id < :below AND i.packed = 0 "
        f"AND i.accepted_at < :settled AND {_DONE} ORDER BY i.id LIMIT :limit",
        after=_packed_to(tx),
        below=unworked.id if unworked and unworked.id is not None else 2**62,
        settled=tx.now() - SETTLED,
        limit=BATCH,
    )
    chosen: list[int] = []
    total = 0
    for row in found:
        if chosen and total + row.size > BATCH_BYTES:
            break
        chosen.append(row.id)
        total += row.size
    return tx.all("SELECT id, dialect, body FROM inbox WHERE id IN (:ids) ORDER BY id", ids=chosen)


def packed(tx: Tx, bodies: Sequence[tuple[int, bytes]]) -> None:
    """Put these bodies, in ascending order of their rows, in the place of what they were packed from."""
    tx.many(
        "UPDATE inbox SET body = :body, packed = 1 WHERE id = :id", [{"id": id_, "body": body} for id_, body in bodies]
    )
    meta.put(tx, _PACKED_TO, str(bodies[-1][0]))


def bodies(tx: Tx, after: int = 0, limit: int = BATCH) -> list[Row]:
    """Worked bodies from `after` on, oldest first: `id`, `accepted_at`, `size` as they are kept."""
    return tx.all(
        "SELECT i.id, i.accepted_at, length(i.body) AS size FROM inbox i "
        f"WHERE i.id > :after AND {_DONE} ORDER BY i.id LIMIT :limit",
        after=after,
        limit=limit,
    )


def history(tx: Tx, since: datetime, after: int, limit: int) -> list[Row]:
    """Worked bodies accepted from `since` on, oldest first, as they are kept: `packed` tells how."""
    return tx.all(
        "SELECT i.id, i.source, i.dialect, i.accepted_at, i.packed, i.body FROM inbox i "
        f"WHERE i.id > :after AND i.accepted_at >= :since AND {_DONE} ORDER BY i.id LIMIT :limit",
        after=after,
        since=since,
        limit=limit,
    )


def body_bytes(tx: Tx) -> int:
    """The size of all bodies as they are kept."""
    row = tx.one("SELECT sum(length(body)) AS size FROM inbox")
    return int(row.size or 0) if row else 0


def drop_bodies(tx: Tx, ids: Iterable[int]) -> int:
    """Delete these bodies, but for what is not worked; how many."""
    return tx.run(f"DELETE FROM inbox AS i WHERE i.id IN (:ids) AND {_DONE}", ids=list(ids))


def ended(tx: Tx, before: datetime, after: int = 0) -> list[int]:
    """Numbers from `after` on of incidents that were resolved before that instant, and that no clock waits for."""
    rows = tx.all(
        "SELECT number FROM incidents WHERE state = 'resolved' AND number > :after AND resolved_at < :before "
        "AND due_at IS NULL ORDER BY number LIMIT :limit",
        after=after,
        before=before,
        limit=INCIDENTS,
    )
    return [row.number for row in rows]


def forget(tx: Tx, numbers: Sequence[int], before: datetime) -> int:
    """Delete these incidents with all that hangs on them, if they still are as `ended` found them; how many."""
    rows = tx.all(
        "SELECT number FROM incidents WHERE number IN (:numbers) AND state = 'resolved' AND resolved_at < :before "
        f"ORDER BY number{tx.locking()}",
        numbers=list(numbers),
        before=before,
    )
    gone = [row.number for row in rows]
    tx.run("DELETE FROM deliveries WHERE page IN (SELECT id FROM pages WHERE incident IN (:gone))", gone=gone)
    for table in ("pages", "timeline", "tokens", "merged_groups"):
        tx.run(f"DELETE FROM {table} WHERE incident IN (:gone)", gone=gone)
    tx.run("DELETE FROM alerts WHERE incident IN (:gone) AND firing = 0", gone=gone)
    return tx.run("DELETE FROM incidents WHERE number IN (:gone)", gone=gone)


def old_alerts(tx: Tx, before: datetime, after: int = -(2**63)) -> list[int]:
    """Keys from `after` on of alerts that ended, were not heard of since that instant, and are in no open incident."""
    rows = tx.all(
        "SELECT key FROM alerts a WHERE a.firing = 0 AND a.key > :after AND a.heard_at < :before AND NOT EXISTS "
        "(SELECT 1 FROM incidents i WHERE i.number = a.incident AND i.state <> 'resolved') ORDER BY a.key LIMIT :limit",
        after=after,
        before=before,
        limit=BATCH,
    )
    return [row.key for row in rows]


def drop_alerts(tx: Tx, keys: Iterable[int], before: datetime) -> int:
    """Delete these alerts, but for those that were heard of meanwhile; how many."""
    return tx.run(
        "DELETE FROM alerts WHERE key IN (:keys) AND firing = 0 AND heard_at < :before", keys=list(keys), before=before
    )


def drop_downtimes(tx: Tx, before: datetime) -> int:
    return tx.run("DELETE FROM downtimes WHERE ended_at < :before", before=before)


def sizes(tx: Tx) -> Mapping[str, int]:
    """How many rows there are, by table."""
    found = {}
    for table in TABLES:
        row = tx.one(f"SELECT count(*) AS n FROM {table}")
        found[table] = int(row.n) if row else 0
    return found


def database_bytes(tx: Tx) -> int:
    """The size of the whole database, free pages included."""
    asked = {
        "sqlite": "SELECT page_count * page_size AS size FROM pragma_page_count(), pragma_page_size()",
        "postgres": "SELECT pg_database_size(current_database()) AS size",
    }
    row = tx.one(asked[tx.engine])
    return int(row.size) if row else 0


def accepted(row: Row) -> datetime:
    return instant(row.accepted_at)


def _packed_to(tx: Tx) -> int:
    row = tx.one("SELECT said FROM meta WHERE name = :name", name=_PACKED_TO)
    return int(row.said) if row else 0
