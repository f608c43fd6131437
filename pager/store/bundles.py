"""Bundles as rows: pages that are held for one message, the message that carries them, and when it may go.

A bundle is a page of no incident. Those that it carries have the state `carried`, and its number in `carried_by`.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from msgspec import Struct

from pager.core.bundle import CODES, WAIT, WINDOW, Due, Sent
from pager.store.database import Tx
from pager.store.notices import NO_INCIDENT
from pager.store.sql import EPOCH, Row, instant

KIND = "bundle"
MOST_OPEN = 1000
"""Open incidents are counted up to here."""
_FRESH = "state = 'due' AND due_at <= :now AND attempt = 0 AND kind IN ('page', 'notice') AND incident <> 0"
_WANTED = (
    "FROM pages p JOIN incidents i ON i.number = p.incident "
    "WHERE p.carried_by = :bundle AND p.kind = 'page' AND i.state = 'triggered'"
)


class Line(Struct, frozen=True):
    """Where a recipient's bundle stands. What waits, waits since `since` or later.

    `is_new`: nobody judged a page to this recipient before, so nothing was sent and nothing waits.
    """

    due_at: datetime
    since: datetime
    shut_until: datetime
    bundle: int | None
    is_new: bool = False

    @property
    def has_held(self) -> bool:
        """Whether a page to this recipient ever waited for a bundle."""
        return self.due_at > EPOCH


def lock_all(tx: Tx, recipients: Sequence[str]) -> dict[str, Line]:
    """The lines of these recipients, locked in the order given: of several nodes one at a time judges their pages."""
    known = _lines(tx, recipients)
    if len(known) == len(recipients):
        return known
    for recipient in recipients:
        if recipient not in known:
            known[recipient] = _new_line(tx, recipient)
    return {recipient: known[recipient] for recipient in recipients}


def _lines(tx: Tx, recipients: Sequence[str]) -> dict[str, Line]:
    rows = tx.all(
        "SELECT recipient, due_at, since, shut_until, bundle FROM bundling WHERE recipient IN (:recipients) "
        f"ORDER BY recipient{tx.locking()}",
        recipients=recipients,
    )
    return {
        row.recipient: Line(instant(row.due_at), instant(row.since), instant(row.shut_until), row.bundle)
        for row in rows
    }


def _new_line(tx: Tx, recipient: str) -> Line:
    """The line of a recipient who had none; another node may have made it meanwhile."""
    made = tx.run(
        "INSERT INTO bundling (recipient, due_at, since, shut_until) VALUES (:recipient, 0, 0, 0) "
        "ON CONFLICT (recipient) DO NOTHING",
        recipient=recipient,
    )
    return Line(EPOCH, EPOCH, EPOCH, None, is_new=True) if made else _lines(tx, [recipient])[recipient]


def keep(tx: Tx, recipient: str, line: Line) -> None:
    tx.run(
        "UPDATE bundling SET due_at = :due_at, since = :since, shut_until = :shut_until, bundle = :bundle "
        "WHERE recipient = :recipient",
        recipient=recipient,
        due_at=line.due_at,
        since=line.since,
        shut_until=line.shut_until,
        bundle=line.bundle,
    )


def shut(tx: Tx, recipients: Collection[str], now: datetime) -> set[str]:
    """Those of `recipients` for whom a new page waits in any case."""
    rows = tx.all(
        "SELECT recipient FROM bundling WHERE shut_until > :now AND recipient IN (:recipients)",
        now=now,
        recipients=list(recipients),
    )
    return {row.recipient for row in rows}


def sent_to(tx: Tx, recipients: Sequence[str], now: datetime) -> dict[str, list[Sent]]:
    """The messages of the last 15 minutes to each of these recipients, oldest first."""
    found: dict[str, list[Sent]] = {}
    if recipients:
        rows = tx.all(
            "SELECT id, recipient, incident, severity, kind, sent_at FROM pages WHERE recipient IN (:recipients) "
            "AND sent_at > :after ORDER BY sent_at, id",
            recipients=recipients,
            after=now - WINDOW,
        )
        for row in rows:
            found.setdefault(row.recipient, []).append(_sent(tx, row))
    return found


def _sent(tx: Tx, row: Row) -> Sent:
    if row.kind != KIND:
        return Sent(instant(row.sent_at), (row.incident,), row.severity, row.kind)
    return as_sent(tx, row.id, row.severity, instant(row.sent_at))


def as_sent(tx: Tx, bundle: int, severity: str, at: datetime) -> Sent:
    """A bundle as a message that goes out at that instant; three of its incidents are enough."""
    pages = tx.all(
        "SELECT DISTINCT incident FROM (SELECT incident FROM pages WHERE carried_by = :id AND kind = 'page' LIMIT 64) "
        "AS x LIMIT 3",
        id=bundle,
    )
    notices = pages or tx.all("SELECT incident FROM pages WHERE carried_by = :id LIMIT 3", id=bundle)
    numbers = tuple(each.incident for each in notices)
    return Sent(at, numbers, severity, "page" if pages else "notice")


def hold(tx: Tx, recipient: str, ids: Sequence[int], now: datetime, *, others: bool) -> None:
    """Pages that were claimed wait for the bundle; with `others` all that are due but the SEV-1 wait with them."""
    tx.run(
        "UPDATE pages SET state = 'held', due_at = NULL, claim = NULL, claimed_until = NULL, attempt = 0 "
        "WHERE id IN (:ids)",
        ids=ids,
    )
    if others:
        tx.run(
            "UPDATE pages SET state = 'held', due_at = NULL WHERE id IN (SELECT id FROM pages WHERE "
            f"recipient = :recipient AND {_FRESH} AND severity <> 'SEV-1'{tx.skip_locked()})",
            recipient=recipient,
            now=now,
        )


def waiting(tx: Tx, recipient: str) -> list[Due]:
    """Up to two of the pages that wait, the worst first."""
    rows = tx.all(
        "SELECT id, incident, severity, kind FROM pages WHERE recipient = :recipient AND state = 'held' "
        "ORDER BY severity, id LIMIT 2",
        recipient=recipient,
    )
    return [Due(row.id, row.incident, row.severity, row.kind) for row in rows]


def due(tx: Tx, now: datetime) -> list[str]:
    """For whom a bundle may go; a time further ahead than any wait is one that the clock went back over."""
    rows = tx.all(
        "SELECT recipient FROM bundling b WHERE (due_at <= :now OR due_at > :furthest OR bundle IS NOT NULL) "
        "AND EXISTS (SELECT 1 FROM pages p WHERE p.recipient = b.recipient AND p.state = 'held') ORDER BY recipient",
        now=now,
        furthest=now + WAIT,
    )
    return [row.recipient for row in rows]


def next_due(tx: Tx) -> datetime | None:
    """When the next bundle may go."""
    row = tx.one(
        "SELECT min(due_at) AS at FROM bundling b WHERE EXISTS "
        "(SELECT 1 FROM pages p WHERE p.recipient = b.recipient AND p.state = 'held')"
    )
    return instant(row.at) if row and row.at is not None else None


def free_one(tx: Tx, page: int, now: datetime) -> None:
    """A page that waited alone goes by itself."""
    tx.run("UPDATE pages SET state = 'due', due_at = :now WHERE id = :id AND state = 'held'", id=page, now=now)


def make(tx: Tx, recipient: str, severity: str, now: datetime, due_at: datetime) -> int:
    """A bundle that carries nothing yet: its number."""
    row = tx.one(
        "INSERT INTO pages (incident, run, round, step, kind, recipient, target, why, by_whom, severity, issued_at, "
        "due_at, state, reported, attempt) SELECT :none, coalesce(max(run), 0) + 1, 0, 0, :kind, :recipient, '', "
        "'bundle', '', :severity, :now, :due_at, 'due', 0, 0 FROM pages WHERE incident = :none AND kind = :kind "
        "AND recipient = :recipient RETURNING id",
        none=NO_INCIDENT,
        kind=KIND,
        recipient=recipient,
        severity=severity,
        now=now,
        due_at=due_at,
    )
    assert row is not None
    return int(row.id)


def gather(tx: Tx, recipient: str, bundle: int, most: int) -> int:
    """Put up to `most` of those that wait into the bundle; how many were put."""
    return tx.run(
        "UPDATE pages SET state = 'carried', carried_by = :bundle WHERE id IN (SELECT id FROM pages "
        f"WHERE recipient = :recipient AND state = 'held' ORDER BY severity, id LIMIT :most{tx.skip_locked()})",
        recipient=recipient,
        bundle=bundle,
        most=most,
    )


def complete(tx: Tx, bundle: int, now: datetime) -> Sent:
    """All is in it: it is due, as severe as the worst page in it; the message that it is."""
    kind = as_sent(tx, bundle, "", now).kind
    row = tx.one(
        "UPDATE pages SET due_at = :now, target = :kind, severity = (SELECT min(severity) FROM pages "
        "WHERE carried_by = :id AND kind = :kind) WHERE id = :id RETURNING severity",
        id=bundle,
        kind=kind,
        now=now,
    )
    assert row is not None
    return as_sent(tx, bundle, row.severity, now)


class Contents(Struct, frozen=True):
    """What a bundle carries: pages of incidents that nobody has yet, by level, and other news by its word."""

    new: dict[str, int]
    told: dict[str, int]
    numbers: tuple[int, ...]
    open: int


def contents(tx: Tx, bundle: int, recipient: str) -> Contents:
    """What the bundle has to tell as things stand now; `numbers` of at most 20 incidents, the worst first."""
    new = tx.all(
        f"SELECT i.severity, count(DISTINCT p.incident) AS n {_WANTED} GROUP BY i.severity ORDER BY i.severity",
        bundle=bundle,
    )
    told = tx.all(
        "SELECT why, count(DISTINCT incident) AS n FROM pages WHERE carried_by = :bundle AND kind = 'notice' "
        "GROUP BY why",
        bundle=bundle,
    )
    worst = tx.all(
        f"SELECT p.incident, i.severity {_WANTED} GROUP BY p.incident, i.severity "
        "ORDER BY i.severity, p.incident LIMIT :most",
        bundle=bundle,
        most=CODES,
    ) or tx.all(
        "SELECT DISTINCT incident FROM pages WHERE carried_by = :bundle AND kind = 'notice' "
        "ORDER BY incident LIMIT :most",
        bundle=bundle,
        most=CODES,
    )
    return Contents(
        {row.severity: int(row.n) for row in new},
        {row.why: int(row.n) for row in told},
        tuple(row.incident for row in worst),
        _open(tx, recipient),
    )


def _open(tx: Tx, recipient: str) -> int:
    row = tx.one(
        "SELECT count(*) AS n FROM (SELECT 1 FROM incidents i WHERE i.state <> 'resolved' AND EXISTS "
        "(SELECT 1 FROM pages p WHERE p.incident = i.number AND p.recipient = :recipient AND p.kind = 'page') "
        "LIMIT :most) AS x",
        recipient=recipient,
        most=MOST_OPEN,
    )
    return int(row.n) if row else 0


def unreported(tx: Tx, bundle: int, most: int) -> list[Row]:
    """Carried pages whose incidents were not told yet that nobody was reached: `id, incident, run, round, step`."""
    return tx.all(
        "SELECT id, incident, run, round, step FROM pages WHERE carried_by = :bundle AND reported = 0 "
        "AND kind = 'page' ORDER BY id LIMIT :most",
        bundle=bundle,
        most=most,
    )


def mark_reported(tx: Tx, ids: Sequence[int]) -> None:
    tx.run("UPDATE pages SET reported = 1 WHERE id IN (:ids)", ids=ids)


def wanted(tx: Tx, bundle: int) -> bool:
    """Whether it carries a page of an incident that nobody has yet."""
    return tx.one(f"SELECT 1 AS one {_WANTED} LIMIT 1", bundle=bundle) is not None
