"""Webhooks as rows: what each has still to be told, in the order of each incident, and whose turn it is to send."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from pager.core.webhook import Webhook
from pager.store import events
from pager.store.database import Tx
from pager.store.events import Told
from pager.store.sql import instant, micros

TOPIC = "webhooks"
MOST_WAITING = 10_000
"""What one webhook may have to be told; what comes on top of it is dropped, and counted."""
LEASE = timedelta(seconds=60)
LATE = timedelta(minutes=1)
"""A receiver that was down for so long is told at once of all that waits, when it is back."""
UNNAMED = timedelta(hours=1)
"""What no file names for so long is forgotten: of several nodes one may have read them later."""


class State(Struct, frozen=True):
    """How a webhook is. `off_at`: its receiver said that it is gone; `said` is how the last attempt failed."""

    name: str
    address: str = ""
    off_at: datetime | None = None
    off_why: str = ""
    delivered: int = 0
    failed: int = 0
    dropped: int = 0
    waiting: int = 0
    delivered_at: datetime | None = None
    failing_since: datetime | None = None
    said: str = ""


class Due(Struct, frozen=True):
    """One event to be sent now, for the `attempt`-th time."""

    told: Told
    attempt: int


class Ended(Struct, frozen=True):
    """How one attempt ended. `again_at`: it failed, and is tried again then; `over`: it is given up."""

    due: Due
    said: str = ""
    again_at: datetime | None = None
    over: bool = False


def put_files(tx: Tx, written: Mapping[str, Webhook]) -> None:
    """These are the webhooks of the files: a new address is on again; what is named no more is forgotten in time."""
    known = {row.name: row.address for row in tx.all("SELECT name, address FROM webhooks")}
    for name, webhook in sorted(written.items()):
        if known.get(name) != webhook.address:
            tx.run(
                "INSERT INTO webhooks (name, address) VALUES (:name, :address) ON CONFLICT (name) DO UPDATE SET "
                "address = excluded.address, off_at = NULL, off_why = '', failing_since = NULL, said = ''",
                name=name,
                address=webhook.address,
            )
    for name in sorted(known.keys() - written.keys()):
        before = micros(tx.now() - UNNAMED)
        tx.run("DELETE FROM webhook_todo WHERE webhook = :name AND position < :before", name=name, before=before)
        left = tx.one("SELECT position FROM webhook_todo WHERE webhook = :name LIMIT 1", name=name)
        if left is None:
            tx.run("DELETE FROM webhooks WHERE name = :name", name=name)


def line_up(tx: Tx, wanted: Mapping[str, Sequence[Told]]) -> dict[str, int]:
    """Each of these webhooks is to be told these events, which are new; how many were dropped, by name.

    What comes behind another one of its incident waits for that.
    """
    dropped: dict[str, int] = {}
    for name, told in sorted(wanted.items()):
        row = tx.one(f"SELECT off_at FROM webhooks WHERE name = :name{tx.locking()}", name=name)
        if row is None or row.off_at is not None or not told:
            continue
        room = MOST_WAITING - _waiting(tx, name)
        kept = told[: max(0, room)]
        _insert(tx, name, kept)
        if len(kept) < len(told):
            dropped[name] = len(told) - len(kept)
            tx.run("UPDATE webhooks SET dropped = dropped + :n WHERE name = :name", n=dropped[name], name=name)
    if wanted:
        tx.notify(TOPIC)
    return dropped


def _insert(tx: Tx, name: str, told: Sequence[Told]) -> None:
    numbers = {one.incident for one in told}
    behind = {
        row.incident
        for row in tx.all(
            "SELECT DISTINCT incident FROM webhook_todo WHERE webhook = :name AND incident IN (:numbers)",
            name=name,
            numbers=numbers,
        )
    }
    rows = []
    for one in told:
        due_at = None if one.incident in behind else tx.now()
        behind.add(one.incident)
        rows.append({"name": name, "position": one.position, "incident": one.incident, "due_at": due_at})
    tx.many(
        "INSERT INTO webhook_todo (webhook, position, incident, due_at) VALUES (:name, :position, :incident, :due_at)",
        rows,
    )


def due(tx: Tx, names: Iterable[str], life: str) -> list[str]:
    """Those of these webhooks that something is due for, and whose turn it may be for this node."""
    return [
        name
        for name in names
        if tx.one(
            "SELECT w.name FROM webhooks w WHERE w.name = :name AND w.off_at IS NULL "
            "AND (w.claim IS NULL OR w.claim = :life OR w.claimed_until <= :now) AND EXISTS "
            "(SELECT 1 FROM webhook_todo t WHERE t.webhook = w.name AND t.due_at <= :now)",
            name=name,
            life=life,
            now=tx.now(),
        )
    ]


def take(tx: Tx, name: str, life: str, most: int) -> list[Due] | None:
    """Up to `most` events that are due, of as many incidents; from now on it is this node's turn for a minute.

    None: it is another node's turn, or the webhook is off. While its receiver fails it is asked one at a time.
    """
    row = tx.one(
        f"SELECT claim, claimed_until, off_at, failing_since FROM webhooks WHERE name = :name{tx.locking()}", name=name
    )
    if row is None or row.off_at is not None:
        return None
    if row.claim not in (None, life) and row.claimed_until > micros(tx.now()):
        return None
    rows = tx.all(
        "SELECT position, incident, attempt FROM webhook_todo WHERE webhook = :name AND due_at <= :now "
        "ORDER BY due_at, position LIMIT :most",
        name=name,
        now=tx.now(),
        most=1 if row.failing_since is not None else most,
    )
    found = events.at(tx, [each.position for each in rows]) if rows else {}
    told = {position: one for position, one in found.items() if one.is_for_all}
    for each in rows:
        if each.position not in told:
            # It waited for longer than events are kept, or became private.
            _done(tx, name, each.position, each.incident)
    lost = len(rows) - len(found)
    if lost:
        tx.run("UPDATE webhooks SET dropped = dropped + :lost WHERE name = :name", lost=lost, name=name)
    _hold(tx, name, life if rows else None, tx.now() + LEASE)
    return [Due(told[each.position], each.attempt + 1) for each in rows if each.position in told]


def record(tx: Tx, name: str, life: str, ended: Sequence[Ended]) -> None:
    """What became of these attempts; it goes on being this node's turn."""
    row = tx.one(f"SELECT claim, failing_since FROM webhooks WHERE name = :name{tx.locking()}", name=name)
    if row is None:
        return
    for one in ended:
        if one.again_at is None:
            _done(tx, name, one.due.told.position, one.due.told.incident)
        else:
            tx.run(
                "UPDATE webhook_todo SET due_at = :at, attempt = :attempt "
                "WHERE webhook = :name AND position = :position",
                at=one.again_at,
                attempt=one.due.attempt,
                name=name,
                position=one.due.told.position,
            )
    delivered = [one for one in ended if one.again_at is None and not one.over]
    since = instant(row.failing_since) if row.failing_since is not None else None
    if delivered and since is not None and tx.now() - since >= LATE:
        tx.run("UPDATE webhook_todo SET due_at = :now WHERE webhook = :name AND due_at > :now", name=name, now=tx.now())
    _count(tx, name, ended, delivered, since)
    if row.claim == life:
        _hold(tx, name, life, tx.now() + LEASE)


def _count(tx: Tx, name: str, ended: Sequence[Ended], delivered: Sequence[Ended], since: datetime | None) -> None:
    failed = [one for one in ended if one.said]
    tx.run(
        "UPDATE webhooks SET delivered = delivered + :delivered, failed = failed + :failed, dropped = dropped + :over, "
        "delivered_at = CASE WHEN :delivered > 0 THEN :now ELSE delivered_at END, failing_since = :since, said = :said "
        "WHERE name = :name",
        name=name,
        delivered=len(delivered),
        failed=len(failed),
        over=sum(one.over for one in ended),
        now=tx.now(),
        since=None if delivered else since or tx.now(),
        said=failed[-1].said[:300] if failed else "",
    )


def _done(tx: Tx, name: str, position: int, incident: int) -> None:
    """This one is off the list, and the next of its incident is due."""
    tx.run("DELETE FROM webhook_todo WHERE webhook = :name AND position = :position", name=name, position=position)
    tx.run(
        "UPDATE webhook_todo SET due_at = :now WHERE webhook = :name AND due_at IS NULL AND position = "
        "(SELECT min(position) FROM webhook_todo WHERE webhook = :name AND incident = :incident)",
        name=name,
        incident=incident,
        now=tx.now(),
    )


def switch_off(tx: Tx, name: str, why: str) -> None:
    """Its receiver is gone: nothing is sent any more, and nothing waits."""
    tx.run(
        "UPDATE webhooks SET off_at = :now, off_why = :why, claim = NULL WHERE name = :name AND off_at IS NULL",
        now=tx.now(),
        why=why[:300],
        name=name,
    )
    tx.run("DELETE FROM webhook_todo WHERE webhook = :name", name=name)


def switch_on(tx: Tx, name: str) -> bool:
    """It is told again of what happens from now on; False: no webhook of that name was off."""
    sql = "UPDATE webhooks SET off_at = NULL, off_why = '', failing_since = NULL, said = '' "
    return tx.run(f"{sql}WHERE name = :name AND off_at IS NOT NULL", name=name) == 1


def release(tx: Tx, life: str) -> None:
    """It is not this node's turn any more."""
    tx.run("UPDATE webhooks SET claim = NULL WHERE claim = :life", life=life)


def release_all(tx: Tx) -> None:
    """At start, where there is one node: whoever had a turn is gone."""
    if tx.engine == "sqlite":
        tx.run("UPDATE webhooks SET claim = NULL")


def states(tx: Tx) -> dict[str, State]:
    """How they all are, by name."""
    found = {}
    for row in tx.all(
        "SELECT name, address, off_at, off_why, delivered, failed, dropped, delivered_at, failing_since, said "
        "FROM webhooks ORDER BY name"
    ):
        found[row.name] = State(
            name=row.name,
            address=row.address,
            off_at=_at(row.off_at),
            off_why=row.off_why,
            delivered=row.delivered,
            failed=row.failed,
            dropped=row.dropped,
            waiting=_waiting(tx, row.name),
            delivered_at=_at(row.delivered_at),
            failing_since=_at(row.failing_since),
            said=row.said,
        )
    return found


def move(tx: Tx, by: int) -> None:
    """The wall clock was set by so many microseconds: what waits moves along."""
    tx.run("UPDATE webhook_todo SET due_at = due_at + :by WHERE due_at IS NOT NULL", by=by)
    tx.run("UPDATE webhooks SET claimed_until = claimed_until + :by, failing_since = failing_since + :by", by=by)


def _hold(tx: Tx, name: str, life: str | None, until: datetime) -> None:
    tx.run(
        "UPDATE webhooks SET claim = :life, claimed_until = :until WHERE name = :name",
        life=life,
        until=until,
        name=name,
    )


def _waiting(tx: Tx, name: str) -> int:
    row = tx.one("SELECT count(*) AS n FROM webhook_todo WHERE webhook = :name", name=name)
    return int(row.n) if row else 0


def _at(value: int | None) -> datetime | None:
    return None if value is None else instant(value)
