"""Silences, maintenance by hand and the pause, and a number that changes with them, so that every node notices."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from pager.core.matcher import parse_matcher
from pager.core.silence import Kind, Silence, Wanted
from pager.store import revision
from pager.store.database import Tx
from pager.store.sql import Row, instant

TOPIC = "silences"
_COLUMNS = "id, kind, name, matchers, starts_at, ends_at, by_whom, why, created_at, expired_at, expired_by"
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[str]).decode


def hold(tx: Tx) -> None:
    """Come here before reading what is to be changed: of several who change silences one is first."""
    revision.change(tx, TOPIC)


def version(tx: Tx) -> int:
    """A number that is another one after each change."""
    return revision.version(tx, TOPIC)


def add(tx: Tx, wanted: Wanted) -> Silence:
    """A new one."""
    now = tx.now()
    rows = tx.all(
        "INSERT INTO silences (kind, name, matchers, starts_at, ends_at, by_whom, why, created_at) VALUES "
        "(:kind, :name, :matchers, :starts_at, :ends_at, :by, :why, :now) RETURNING id",
        kind=wanted.kind,
        name=wanted.name,
        matchers=_encode([str(matcher) for matcher in wanted.matchers]).decode(),
        starts_at=wanted.starts_at,
        ends_at=wanted.ends_at,
        by=wanted.by,
        why=wanted.why,
        now=now,
    )
    return Silence(rows[0].id, wanted, now)


def expire(tx: Tx, number: int, by: str) -> None:
    """End it now; the row is kept. One that has ended stays as it is."""
    tx.run(
        "UPDATE silences SET expired_at = :now, expired_by = :by "
        "WHERE id = :id AND expired_at IS NULL AND ends_at > :now",
        now=tx.now(),
        by=by,
        id=number,
    )


def get(tx: Tx, number: int) -> Silence | None:
    row = tx.one(f"SELECT {_COLUMNS} FROM silences WHERE id = :id", id=number)
    return _silence(row) if row else None


def standing(tx: Tx, after: datetime) -> list[Silence]:
    """Those that nobody ended and that end after that instant, pending ones among them; oldest first."""
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM silences WHERE expired_at IS NULL AND ends_at > :after ORDER BY id", after=after
    )
    return [_silence(row) for row in rows]


def page_of(tx: Tx, kind: Kind, *, every: bool, after: int, limit: int) -> Sequence[Silence]:
    """Those of one kind with a higher id than `after`; without `every` those alone that have not ended."""
    only = "" if every else "AND expired_at IS NULL AND ends_at > :now"
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM silences WHERE kind = :kind AND id > :after {only} ORDER BY id LIMIT :limit",
        kind=kind,
        after=after,
        now=tx.now(),
        limit=limit,
    )
    return [_silence(row) for row in rows]


def ended(tx: Tx, kind: Kind, limit: int) -> Sequence[Silence]:
    """Those of one kind that are over, by themselves or since somebody ended them; the newest number first."""
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM silences WHERE kind = :kind AND (expired_at IS NOT NULL OR ends_at <= :now) "
        "ORDER BY id DESC LIMIT :limit",
        kind=kind,
        now=tx.now(),
        limit=limit,
    )
    return [_silence(row) for row in rows]


def forget(tx: Tx, before: datetime) -> int:
    """Delete what was over before that instant; how many."""
    return tx.run("DELETE FROM silences WHERE ends_at < :before", before=before)


def _silence(row: Row) -> Silence:
    wanted = Wanted(
        kind=row.kind,
        matchers=tuple(parse_matcher(text) for text in _decode(row.matchers)),
        starts_at=instant(row.starts_at),
        ends_at=instant(row.ends_at),
        by=row.by_whom,
        why=row.why,
        name=row.name,
    )
    expired_at = None if row.expired_at is None else instant(row.expired_at)
    return Silence(row.id, wanted, instant(row.created_at), expired_at, row.expired_by)
