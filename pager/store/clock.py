"""The clock in the database: where it stood, which node has moved the waits, and the rows that move with it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from pager.core.clock_step import move_alert, move_plan
from pager.core.incident import REOPEN
from pager.core.merge import AlertState
from pager.core.page import Plan
from pager.store import heartbeats, webhooks
from pager.store.database import Tx

_encode = msgspec.json.Encoder().encode
_plan = msgspec.json.Decoder(Plan).decode
_alert = msgspec.json.Decoder(AlertState).decode
_MICROSECOND = timedelta(microseconds=1)


class Stood(Struct, frozen=True):
    """How far the wall clock was ahead of the time since `boot`, and the last instant that anybody wrote down."""

    boot: str
    ahead: timedelta
    at: datetime


def stood(tx: Tx) -> Stood | None:
    """Where the clock stood when pager last ran; None: nobody wrote it down."""
    row = tx.one("SELECT said FROM meta WHERE name = 'clock'")
    return msgspec.json.decode(row.said, type=Stood) if row else None


def stands(tx: Tx, now: Stood) -> None:
    """Write down where the clock stands."""
    _write(tx, "clock", _encode(now).decode())


def epoch(tx: Tx) -> int:
    """How many steps of the clock were worked, by whichever node."""
    row = tx.one("SELECT said FROM meta WHERE name = 'clock_epoch'")
    return int(row.said) if row else 0


def begin_epoch(tx: Tx, known: int) -> bool:
    """Whether the step that comes after `known` is ours to work: of several nodes one is told so."""
    _write(tx, "clock_epoch", str(known), "DO NOTHING")
    changed = tx.run(
        "UPDATE meta SET said = :next WHERE name = 'clock_epoch' AND said = :known",
        next=str(known + 1),
        known=str(known),
    )
    return changed == 1


def moving(tx: Tx, before: datetime) -> list[int]:
    """Numbers of the incidents that wait for something, or that may still open again; `before` is the old time."""
    rows = tx.all(
        "SELECT number FROM incidents WHERE state <> 'resolved' OR due_at IS NOT NULL OR resolved_at > :after "
        "ORDER BY number",
        after=before - REOPEN,
    )
    return [row.number for row in rows]


def move_rows(tx: Tx, step: timedelta, left: Sequence[int]) -> None:
    """Move what waits by itself: pages, leases, alerts that settle or are listened for, heartbeats.

    Also the due times of the incidents in `left`, whose bodies cannot be read.
    """
    by = step // _MICROSECOND
    for number in left:
        tx.run("UPDATE incidents SET due_at = due_at + :by WHERE number = :number", by=by, number=number)
    tx.run("UPDATE pages SET withdrawn_at = withdrawn_at + :by WHERE withdrawn_at IS NOT NULL", by=by)
    tx.run("UPDATE pages SET sent_at = sent_at + :by WHERE sent_at IS NOT NULL", by=by)
    tx.run("UPDATE bundling SET due_at = due_at + :by, since = since + :by, shut_until = shut_until + :by", by=by)
    tx.run("UPDATE alerts SET heard_at = heard_at + :by, stale_at = stale_at + :by WHERE status = 'firing'", by=by)
    tx.run("UPDATE sources SET spoke_at = spoke_at + :by", by=by)
    heartbeats.move(tx, step)
    webhooks.move(tx, by)
    _move_pages(tx, step)
    _move_alerts(tx, step)
    tx.notify("pages")
    tx.notify("clocks")


def _move_pages(tx: Tx, step: timedelta) -> None:
    rows = tx.all(
        "SELECT id, plan FROM pages WHERE state IN ('due', 'held') OR due_at IS NOT NULL ORDER BY id FOR UPDATE"
    )
    tx.many(
        "UPDATE pages SET issued_at = issued_at + :by, due_at = due_at + :by, claimed_until = claimed_until + :by, "
        "plan = :plan WHERE id = :id",
        [
            {
                "id": row.id,
                "by": step // _MICROSECOND,
                "plan": _encode(move_plan(_plan(row.plan), step)) if row.plan is not None else None,
            }
            for row in rows
        ],
    )


def _move_alerts(tx: Tx, step: timedelta) -> None:
    rows = tx.all("SELECT key, body FROM alerts WHERE settles_at IS NOT NULL ORDER BY key FOR UPDATE")
    moved = [(row.key, move_alert(_alert(row.body), step)) for row in rows]
    tx.many(
        "UPDATE alerts SET settles_at = :at, body = :body WHERE key = :key",
        [{"key": key, "at": state.settles_at, "body": _encode(state)} for key, state in moved],
    )


def _write(tx: Tx, name: str, said: str, known: str = "DO UPDATE SET said = excluded.said") -> None:
    tx.run(
        f"INSERT INTO meta (name, said) VALUES (:name, :said) ON CONFLICT (name) {known}",
        name=name,
        said=said,
    )
