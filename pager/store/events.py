"""Events of incidents: written with the timeline entry that they tell of, given positions, read on from one.

Positions are given after the commit, by one node at a time: whoever has read up to one finds all that comes later
behind it, however long a transaction took. They are microseconds of a clock that never goes back.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from pager.core.feed import OF_PRIVATE, Happening, shown
from pager.core.webhook import message_id
from pager.store import meta
from pager.store.database import Tx
from pager.store.sql import Row, instant, micros

NEW, PUBLISHED = "events", "published"
"""Topics: an event was written; some were given positions."""
BATCH = 200
MOST = 50_000
"""So many are kept; the oldest go before their time."""
_LAST = "events"
_SWEPT = "events_swept"
New = tuple[int, int, datetime, Happening, dict[str, Any]]
"""An event that is not written yet: the incident's number, the timeline entry, when, what, the incident after it."""
_encode = msgspec.json.Encoder().encode
# What is private counts as it stands when it is told, not when it happened; of what is kept no more nobody knows.
_PUBLIC = "(i.number IS NOT NULL AND i.private IS NULL)"
_EVENTS = (
    "SELECT e.id, e.position, e.incident, e.seq, e.at, e.kind, e.body, "
    f"CASE WHEN {_PUBLIC} THEN 0 ELSE 1 END AS private "
    "FROM events e LEFT JOIN incidents i ON i.number = e.incident WHERE"
)


class Told(Struct, frozen=True):
    """One event as it is told. `data` is what stands in its body, without the address of this pager."""

    position: int
    incident: int
    kind: str
    at: datetime
    data: dict[str, Any]
    message: str
    private: bool = False

    @property
    def is_for_all(self) -> bool:
        """Whether it is told: of a private incident not everything is."""
        return not self.private or self.kind in OF_PRIVATE


def append(tx: Tx, rows: Iterable[New]) -> None:
    """Write new events."""
    written = [
        {
            "incident": number,
            "seq": seq,
            "at": at,
            "kind": one.kind,
            "body": _encode({"incident": incident, "by": one.by or None, **one.more}),
        }
        for number, seq, at, one, incident in rows
    ]
    if written:
        tx.many(
            "INSERT INTO events (incident, seq, at, kind, body) VALUES (:incident, :seq, :at, :kind, :body)", written
        )
        tx.notify(NEW)


def any_new(tx: Tx) -> bool:
    """Whether there is one without a position."""
    return tx.one("SELECT id FROM events WHERE position IS NULL LIMIT 1") is not None


def give_positions(tx: Tx) -> tuple[int, list[Told]]:
    """Give the oldest that have none their positions; those of one incident in the order in which they came to be.

    How many, and those that are told. 0: there are none, or another node is at it.
    """
    meta.keep_first(tx, _LAST, "0")
    row = tx.one(f"SELECT said FROM meta WHERE name = :name{tx.skip_locked()}", name=_LAST)
    if row is None:
        return 0, []
    found = tx.all(
        f"{_EVENTS} e.position IS NULL ORDER BY e.id LIMIT :most",
        most=BATCH,
    )
    if not found:
        return 0, []
    first = max(int(row.said) + 1, micros(tx.now()))
    tx.many(
        "UPDATE events SET position = :position WHERE id = :id",
        [{"id": each.id, "position": first + at} for at, each in enumerate(found)],
    )
    meta.put(tx, _LAST, str(first + len(found) - 1))
    tx.notify(PUBLISHED)
    told = (_told(each, first + at) for at, each in enumerate(found))
    return len(found), [one for one in told if one.is_for_all]


def after(tx: Tx, position: int, limit: int, incident: int | None = None) -> list[Told]:
    """Those behind a position, oldest first; of one incident, if it is given."""
    only = "AND e.incident = :incident" if incident is not None else ""
    rows = tx.all(
        f"{_EVENTS} e.position > :position {only} AND ({_PUBLIC} OR e.kind IN (:kinds)) "
        "ORDER BY e.position LIMIT :limit",
        position=position,
        incident=incident,
        kinds=OF_PRIVATE,
        limit=limit,
    )
    return [_told(row, row.position) for row in rows]


def at(tx: Tx, positions: Sequence[int]) -> dict[int, Told]:
    """The events at these positions; those that are not kept any more are left out."""
    rows = tx.all(f"{_EVENTS} e.position IN (:positions)", positions=list(positions))
    return {row.position: _told(row, row.position) for row in rows}


def last(tx: Tx) -> int:
    """The last position that was given."""
    return int(meta.get(tx, _LAST) or 0)


def swept_to(tx: Tx) -> int:
    """The last position whose event is not kept any more: whoever has read less has missed some."""
    return int(meta.get(tx, _SWEPT) or 0)


def sweep(tx: Tx, before: datetime, most: int = MOST) -> int:
    """Forget what was told before that instant, and of the others all but the newest `most`; at most some hundred.

    How many went.
    """
    newest = tx.one(
        "SELECT position FROM events WHERE position IS NOT NULL ORDER BY position DESC LIMIT 1 OFFSET :most", most=most
    )
    up_to = max(micros(before) - 1, int(newest.position) if newest else 0)
    rows = tx.all(
        "SELECT position FROM events WHERE position <= :up_to ORDER BY position LIMIT :batch", up_to=up_to, batch=BATCH
    )
    if rows:
        end = rows[-1].position
        meta.put(tx, _SWEPT, str(end))
        tx.run("DELETE FROM events WHERE position <= :end", end=end)
    return len(rows)


def _told(row: Row, position: int) -> Told:
    at = instant(row.at)
    private = bool(row.private)
    data = shown(row.incident, msgspec.json.decode(row.body), private=private)
    return Told(position, row.incident, row.kind, at, data, message_id(row.incident, row.seq, row.kind, at), private)
