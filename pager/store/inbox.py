"""The inbox: bodies as they were received, and what of it is not worked yet."""

import zlib
from collections.abc import Iterable
from datetime import datetime

from pager.core.quota import Way
from pager.store.database import Tx
from pager.store.schema import LANES
from pager.store.sql import Row, instant

BATCH_ROWS = 500
BATCH_BYTES = 1_000_000
LATELY = 500
"""Requests among which one that comes a second time is looked for."""
FIRST_LAST = 2 * LANES
"""From here on the lanes are worked last. Below them are the sources' own, and as many of the reserve."""
_MANY = 1 << 20
# The lanes that have something, each found by one look into the index: a long backlog is not read for it.
_WAITING = (
    "WITH RECURSIVE waiting (lane) AS (SELECT min(lane) FROM todo WHERE lane < :below UNION ALL "
    "SELECT (SELECT min(t.lane) FROM todo t WHERE t.lane > waiting.lane AND t.lane < :below) FROM waiting "
    "WHERE waiting.lane IS NOT NULL) "
)
_ALL = 2**31 - 1


def lane_of(source: str, way: Way = "turn") -> int:
    """All reports of one source are in one lane, worked in order by one node at a time; so are those of its reserve.

    What of it is worked last has a lane of its own, so that nobody else waits behind that.
    """
    own, more = zlib.crc32(source.encode()) % LANES, zlib.crc32(source.encode()) // LANES % _MANY
    return {"turn": own, "reserve": LANES + own, "last": FIRST_LAST + LANES * more + own}[way]


def is_reserve(lane: int) -> bool:
    """Whether what is in this lane goes before older reports of its sources."""
    return LANES <= lane < FIRST_LAST


def append(tx: Tx, source: str, dialect: str, body: bytes, accepted_at: datetime, way: Way = "turn") -> int:
    """Keep one request; its number. It is worked once this transaction is committed.

    While some of its source is worked last, what would have its turn waits behind that: reports keep their order.
    """
    row = tx.one(
        "INSERT INTO inbox (lane, source, dialect, accepted_at, body) "
        "VALUES (:lane, :source, :dialect, :accepted_at, :body) RETURNING id",
        lane=lane_of(source),
        source=source,
        dialect=dialect,
        accepted_at=accepted_at,
        body=body,
    )
    assert row is not None
    tx.run(
        "INSERT INTO todo (inbox_id, lane) SELECT :id, coalesce("
        "(SELECT lane FROM todo WHERE lane = :last LIMIT 1), CAST(:lane AS INTEGER))",
        id=row.id,
        lane=lane_of(source, way),
        last=lane_of(source, "last") if way == "turn" else -1,
    )
    tx.notify("inbox")
    return int(row.id)


def has_lately(tx: Tx, source: str, dialect: str, body: bytes) -> bool:
    """Whether this source said just this among the last 500 requests of all."""
    row = tx.one(
        "SELECT 1 AS found FROM inbox WHERE id > (SELECT max(id) FROM inbox) - :most AND source = :source "
        "AND dialect = :dialect AND length(body) = :size AND body = :body LIMIT 1",
        most=LATELY,
        source=source,
        dialect=dialect,
        size=len(body),
        body=body,
    )
    return row is not None


def waiting_lanes(tx: Tx) -> list[int]:
    """The lanes that have something to work, served in turn by the caller."""
    rows = tx.all(f"{_WAITING} SELECT lane FROM waiting WHERE lane IS NOT NULL ORDER BY lane", below=_ALL)
    return [row.lane for row in rows]


def hold_lane(tx: Tx, lane: int) -> bool:
    """Lock a lane for this transaction, with the others of its sources; False: another node works them."""
    own = lane % LANES
    return tx.one(f"SELECT lane FROM lanes WHERE lane = :lane{tx.skip_locked()}", lane=own) is not None


def next_rows(tx: Tx, lane: int, limit: int = BATCH_ROWS) -> list[Row]:
    """The oldest rows of a lane, at most `limit` and about 1 MB: one transaction's work."""
    found = tx.all(
        "SELECT t.inbox_id AS id, length(i.body) AS size FROM todo t JOIN inbox i ON i.id = t.inbox_id "
        "WHERE t.lane = :lane ORDER BY t.inbox_id LIMIT :limit",
        lane=lane,
        limit=limit,
    )
    chosen: list[int] = []
    total = 0
    for row in found:
        if chosen and total + row.size > BATCH_BYTES:
            break
        chosen.append(row.id)
        total += row.size
    return read(tx, chosen)


def waiting(tx: Tx, lane: int, limit: int = BATCH_ROWS) -> list[int]:
    """The numbers of the oldest rows of a lane, in order."""
    rows = tx.all("SELECT inbox_id FROM todo WHERE lane = :lane ORDER BY inbox_id LIMIT :limit", lane=lane, limit=limit)
    return [row.inbox_id for row in rows]


def still_waiting(tx: Tx, inbox_id: int) -> list[Row]:
    """This row if nobody has worked it meanwhile; ask with its lane held."""
    return read(tx, [inbox_id])


def read(tx: Tx, ids: Iterable[int]) -> list[Row]:
    """Those of these rows that wait; `done` of its alerts are worked, and whether they `changed` any."""
    return tx.all(
        "SELECT i.id, i.source, i.dialect, i.accepted_at, i.body, t.lane, t.done, t.changed "
        "FROM inbox i JOIN todo t ON t.inbox_id = i.id WHERE i.id IN (:ids) ORDER BY i.id",
        ids=list(ids),
    )


def half_worked(tx: Tx, inbox_id: int, done: int, changed: bool) -> None:
    """The first `done` alerts of this row are worked; the next transaction goes on from there."""
    tx.run(
        "UPDATE todo SET done = :done, changed = :changed WHERE inbox_id = :id",
        id=inbox_id,
        done=done,
        changed=int(changed),
    )


def worked(tx: Tx, ids: Iterable[int], unchanged: Iterable[int]) -> None:
    """These rows are done; the bodies of those that changed nothing are dropped."""
    tx.run("DELETE FROM todo WHERE inbox_id IN (:ids)", ids=list(ids))
    if dropped := list(unchanged):
        tx.run("DELETE FROM inbox WHERE id IN (:ids)", ids=dropped)


def failed(tx: Tx, inbox_id: int, source: str, error: str, now: datetime) -> None:
    """Set a row aside that our code could not work; it is kept until a person decides."""
    tx.run("DELETE FROM todo WHERE inbox_id = :id", id=inbox_id)
    tx.run(
        "INSERT INTO failed (inbox_id, source, failed_at, error) VALUES (:id, :source, :now, :error) "
        "ON CONFLICT (inbox_id) DO NOTHING",
        id=inbox_id,
        source=source,
        now=now,
        error=error[:2000],
    )


def oldest(tx: Tx) -> tuple[int, datetime | None]:
    """How many requests wait, and when the oldest of them was accepted."""
    row = tx.one("SELECT min(i.accepted_at) AS at FROM inbox i WHERE i.id = (SELECT min(inbox_id) FROM todo)")
    return backlog(tx), instant(row.at) if row is not None and row.at is not None else None


def oldest_in_turn(tx: Tx) -> datetime | None:
    """When the oldest request was accepted that is not worked last; None: no such waits."""
    row = tx.one(
        f"{_WAITING} SELECT min(i.accepted_at) AS at FROM inbox i WHERE i.id IN (SELECT "
        "(SELECT min(t.inbox_id) FROM todo t WHERE t.lane = waiting.lane) FROM waiting WHERE lane IS NOT NULL)",
        below=FIRST_LAST,
    )
    return instant(row.at) if row is not None and row.at is not None else None


def oldest_last(tx: Tx) -> tuple[int, datetime | None]:
    """How many requests are worked last, and when the oldest of them was accepted."""
    row = tx.one(
        "SELECT w.n, i.accepted_at AS at "
        "FROM (SELECT count(*) AS n, min(inbox_id) AS id FROM todo WHERE lane >= :last) w "
        "LEFT JOIN inbox i ON i.id = w.id",
        last=FIRST_LAST,
    )
    return (int(row.n), instant(row.at) if row.at is not None else None) if row else (0, None)


def waiting_last(tx: Tx) -> dict[str, tuple[int, int]]:
    """By source how many of its requests are worked last, and their bytes; sources that have some."""
    rows = tx.all(
        "SELECT i.source, count(*) AS n, sum(length(i.body)) AS size FROM todo t JOIN inbox i ON i.id = t.inbox_id "
        "WHERE t.lane >= :last GROUP BY i.source",
        last=FIRST_LAST,
    )
    return {row.source: (int(row.n), int(row.size)) for row in rows}


def waiting_size(tx: Tx) -> tuple[int, int]:
    """How many requests wait to be worked, and of how many bytes."""
    row = tx.one("SELECT count(*) AS n, sum(length(i.body)) AS size FROM todo t JOIN inbox i ON i.id = t.inbox_id")
    return (int(row.n), int(row.size or 0)) if row else (0, 0)


def backlog(tx: Tx) -> int:
    """How many requests are accepted and not worked yet."""
    row = tx.one("SELECT count(*) AS n FROM todo")
    return int(row.n) if row else 0
