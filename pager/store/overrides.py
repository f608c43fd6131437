"""Overrides made at run time, and a number that changes whenever they do, so that every node notices."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from pager.core.override import RunOverride, Wanted
from pager.store import revision
from pager.store.database import Tx
from pager.store.sql import Row, instant

TOPIC = "overrides"
_COLUMNS = "id, schedule, from_at, to_at, kind, body, by_whom, why, created_at, removed_at"
_encode = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder(dict[str, str | list[str]]).decode


def hold(tx: Tx) -> None:
    """Come here before reading what is to be changed: of several who change overrides one is first."""
    revision.change(tx, TOPIC)


def version(tx: Tx) -> int:
    """A number that is another one after each change."""
    return revision.version(tx, TOPIC)


def add(tx: Tx, wanted: Wanted) -> RunOverride:
    """A new one, above all others."""
    now = tx.now()
    rows = tx.all(
        "INSERT INTO overrides (schedule, from_at, to_at, kind, body, by_whom, why, created_at) VALUES "
        "(:schedule, :start, :end, :kind, :body, :by, :why, :now) RETURNING id",
        schedule=wanted.schedule,
        start=wanted.start,
        end=wanted.end,
        kind=wanted.kind,
        body=_encode(wanted.body).decode(),
        by=wanted.by,
        why=wanted.why,
        now=now,
    )
    return RunOverride(rows[0].id, wanted, now)


def remove(tx: Tx, number: int) -> bool:
    """Whether it stood until now; the row is kept."""
    return (
        tx.run("UPDATE overrides SET removed_at = :now WHERE id = :id AND removed_at IS NULL", now=tx.now(), id=number)
        > 0
    )


def get(tx: Tx, number: int) -> RunOverride | None:
    row = tx.one(f"SELECT {_COLUMNS} FROM overrides WHERE id = :id", id=number)
    return _override(row) if row else None


def standing(tx: Tx, after: datetime) -> list[RunOverride]:
    """Those that nobody removed and that end after that instant, in the order in which they apply."""
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM overrides WHERE removed_at IS NULL AND to_at > :after ORDER BY id", after=after
    )
    return [_override(row) for row in rows]


def page_of(
    tx: Tx, *, state: Literal["standing", "all"], schedule: str, after: int, limit: int
) -> Sequence[RunOverride]:
    """Those with a higher id than `after`, of one schedule or ("") of all; `standing` leaves out what is over."""
    conditions = ["id > :after"]
    if state == "standing":
        conditions.append("removed_at IS NULL AND to_at > :now")
    if schedule:
        conditions.append("schedule = :schedule")
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM overrides WHERE {' AND '.join(conditions)} ORDER BY id LIMIT :limit",
        after=after,
        now=tx.now(),
        schedule=schedule,
        limit=limit,
    )
    return [_override(row) for row in rows]


def forget(tx: Tx, before: datetime) -> int:
    """Delete what was over before that instant; how many."""
    return tx.run("DELETE FROM overrides WHERE to_at < :before", before=before)


def _override(row: Row) -> RunOverride:
    body = _decode(row.body)
    names, replaced = body["with" if row.kind == "replace" else row.kind], body.get("replace", "")
    wanted = Wanted(
        schedule=row.schedule,
        start=instant(row.from_at),
        end=instant(row.to_at),
        kind=row.kind,
        names=tuple(names),
        replaced=str(replaced),
        by=row.by_whom,
        why=row.why,
    )
    removed_at = None if row.removed_at is None else instant(row.removed_at)
    return RunOverride(row.id, wanted, instant(row.created_at), removed_at)
