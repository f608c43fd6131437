"""Pages as rows: issued with the decision, claimed by lease, recorded under the incident's lock."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct
from msgspec.structs import asdict

from pager.core.incident import DropNotices, Page, PageKind, Restore
from pager.core.page import Plan
from pager.store import bundles
from pager.store.database import Tx
from pager.store.sql import Row, instant

LEASE = timedelta(seconds=45)
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Plan).decode
_COLUMNS = (
    "id, incident, run, round, step, kind, recipient, target, why, by_whom, severity, issued_at, due_at, state, "
    "reported, attempt, plan, claim, sent_at, carried_by"
)

# Due, and nobody has it or has lost it.
_FREE = "due_at <= :now AND state = 'due' AND (claimed_until IS NULL OR claimed_until <= :now)"


class PageRow(Struct, frozen=True):
    """A page as it stands. `reported`: the incident was told that its recipient was not reached, or was.

    `carried_by` is the bundle that told of it instead.
    """

    id: int
    incident: int
    run: int
    round: int
    step: int
    kind: PageKind
    recipient: str
    target: str
    why: str
    by: str
    severity: str
    issued_at: datetime
    due_at: datetime | None
    state: str
    reported: bool
    attempt: int
    plan: Plan | None
    claim: str | None
    sent_at: datetime | None = None
    carried_by: int | None = None

    @property
    def is_fresh(self) -> bool:
        """Whether it is about an incident, and nobody has begun to send it: it may yet wait for a bundle."""
        return self.incident != 0 and self.kind in ("page", "notice") and self.sent_at is None and self.plan is None


def issue(tx: Tx, pages: Iterable[tuple[int, str, Page, datetime]]) -> None:
    """New pages: (incident, its severity, page, now). The same page told twice is one page."""
    rows: list[dict[str, object]] = [
        {
            "incident": number,
            "run": page.run,
            "round": page.round,
            "step": page.step,
            "kind": page.kind,
            "recipient": page.to,
            "target": page.target,
            "why": page.why,
            "by": page.by,
            "severity": severity,
            "now": now,
            "due_at": page.due_at,
            "state": "due",
        }
        for number, severity, page, now in pages
    ]
    if not rows:
        return
    _hold(tx, rows)
    tx.many(
        "INSERT INTO pages (incident, run, round, step, kind, recipient, target, why, by_whom, severity, issued_at, "
        "due_at, state, reported, attempt) VALUES (:incident, :run, :round, :step, :kind, :recipient, :target, :why, "
        ":by, :severity, :now, :due_at, :state, 0, 0) "
        "ON CONFLICT (incident, run, round, step, kind, recipient) DO NOTHING",
        rows,
    )
    tx.notify("pages")


def _hold(tx: Tx, rows: Sequence[dict[str, object]]) -> None:
    """In a storm new pages wait from the first: nobody has to look at each."""
    now = tx.now()
    shut = bundles.shut(tx, {str(row["recipient"]) for row in rows}, now)
    for row in rows if shut else ():
        is_due = isinstance(row["due_at"], datetime) and row["due_at"] <= now
        if is_due and row["recipient"] in shut and row["severity"] != "SEV-1" and row["kind"] != "ticket":
            row.update(state="held", due_at=None)


def withdraw(tx: Tx, incident: int, now: datetime) -> None:
    """Pages of an incident that are due are not sent any more; one that is being sent may still land."""
    tx.run(
        "UPDATE pages SET state = 'withdrawn', withdrawn_at = :now, due_at = NULL "
        "WHERE incident = :incident AND kind = 'page' AND state IN ('due', 'held')",
        incident=incident,
        now=now,
    )


def restore(tx: Tx, incident: int, effect: Restore, now: datetime) -> None:
    """An ack was undone: what it withdrew is due again."""
    tx.run(
        "UPDATE pages SET state = 'due', withdrawn_at = NULL, due_at = :now "
        "WHERE incident = :incident AND kind = 'page' AND state = 'withdrawn' AND withdrawn_at = :at",
        incident=incident,
        now=now,
        at=effect.at,
    )
    tx.notify("pages")


def drop_notices(tx: Tx, incident: int, effect: DropNotices) -> None:
    tx.run(
        "UPDATE pages SET state = 'withdrawn', due_at = NULL WHERE incident = :incident AND kind = 'notice' "
        "AND why = :why AND state IN ('due', 'held') AND attempt = 0",
        incident=incident,
        why=effect.why,
    )


def claim(tx: Tx, claim_id: str, limit: int, only: int | None = None) -> list[PageRow]:
    """Take up to `limit` pages that are due, the most severe first, for 45 s; or the one page `only`, if it is due.

    One statement, so that no page is claimed twice; a lease that ran out counts as due.
    """
    now = tx.now()
    this = "AND id = :only" if only is not None else ""
    rows = tx.all(
        # MATERIALIZED: picked once. PostgreSQL may run a subquery again for each row, and would lock more than it took.
        f"WITH picked AS MATERIALIZED (SELECT id FROM pages WHERE {_FREE} {this} "
        f"ORDER BY severity, due_at, id LIMIT :limit{tx.skip_locked()}) "
        "UPDATE pages SET claim = :claim, claimed_until = :until, attempt = attempt + 1 "
        f"WHERE id IN (SELECT id FROM picked) RETURNING {_COLUMNS}",
        claim=claim_id,
        until=now + LEASE,
        now=now,
        limit=limit,
        only=only,
    )
    # RETURNING gives them in any order.
    return sorted((_page(row) for row in rows), key=lambda page: (page.severity, page.due_at or now, page.id))


def release_all(tx: Tx) -> int:
    """At the start of the only node every claim is of a process that is gone: nobody waits for its lease.

    How many pages were freed. Several nodes may share PostgreSQL: there a lease runs out by itself.
    """
    if tx.engine != "sqlite":
        return 0
    return tx.run(
        "UPDATE pages SET claimed_until = :now WHERE claim IS NOT NULL AND state = 'due' AND claimed_until > :now",
        now=tx.now(),
    )


def release(tx: Tx, life: str) -> int:
    """Free what was claimed under this name, or in this life of a node: nobody sends it; how many pages."""
    return tx.run(
        # By the index of what is due: what was claimed stays there.
        "UPDATE pages SET claimed_until = :now WHERE due_at IS NOT NULL AND state = 'due' AND claimed_until > :now "
        "AND substr(claim, 1, :length) = :life",
        now=tx.now(),
        life=life,
        length=len(life),
    )


def held(tx: Tx, ids: Iterable[int], claim_id: str) -> dict[int, PageRow]:
    """Those of these pages, locked, that this claim still holds; the others another node has.

    Come here with the incident locked and before the page's deliveries are written: whoever claims a page locks it
    first and its deliveries next.
    """
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM pages WHERE id IN (:ids) AND claim = :claim ORDER BY id{tx.locking()}",
        ids=list(ids),
        claim=claim_id,
    )
    return {row.id: _page(row) for row in rows}


class Begun(Struct, frozen=True):
    """An attempt at a contact that begins at `at`; `repeat`: an earlier one may have been sent."""

    page: int
    contact: str
    attempt: int
    at: datetime
    repeat: bool


def begin(tx: Tx, begun: Iterable[Begun]) -> None:
    """These attempts begin: it is written before anything is sent."""
    tx.many(
        "INSERT INTO deliveries (page, contact, attempt, begun_at, repeat) VALUES (:page, :contact, :attempt, :now, "
        ":repeat) ON CONFLICT (page, contact, attempt) DO NOTHING",
        [
            {"page": one.page, "contact": one.contact, "attempt": one.attempt, "now": one.at, "repeat": int(one.repeat)}
            for one in begun
        ],
    )


class Ended(Struct, frozen=True):
    """How an attempt ended."""

    page: int
    contact: str
    attempt: int
    at: datetime
    outcome: str
    detail: str


def end(tx: Tx, attempts: Iterable[Ended]) -> None:
    tx.many(
        "UPDATE deliveries SET ended_at = :at, outcome = :outcome, detail = :detail "
        "WHERE page = :page AND contact = :contact AND attempt = :attempt",
        [asdict(one) for one in attempts],
    )


def lost(tx: Tx, page_id: int, now: datetime) -> list[str]:
    """Contacts whose attempts ended without anybody knowing how; they are marked `unknown`."""
    rows = tx.all("SELECT DISTINCT contact FROM deliveries WHERE page = :page AND outcome IS NULL", page=page_id)
    tx.run(
        "UPDATE deliveries SET outcome = 'unknown', ended_at = :now WHERE page = :page AND outcome IS NULL",
        page=page_id,
        now=now,
    )
    return [row.contact for row in rows]


class KeptPage(Struct, frozen=True):
    """How a page stands from now on; without a claim it is free for anybody once it is due.

    `sent_at` is when it is sent for the first time; one that is written already stays.
    """

    id: int
    plan: Plan
    due_at: datetime | None
    state: str
    reported: bool
    claim: str | None
    claimed_until: datetime | None
    sent_at: datetime | None = None


def keep(tx: Tx, kept: Iterable[KeptPage]) -> None:
    tx.many(
        "UPDATE pages SET plan = :plan, due_at = :due_at, state = :state, reported = :reported, claim = :claim, "
        "claimed_until = :until, sent_at = coalesce(sent_at, :sent_at) WHERE id = :id",
        [
            {
                "id": one.id,
                "plan": _encode(one.plan),
                "due_at": one.due_at,
                "state": one.state,
                "reported": int(one.reported),
                "claim": one.claim,
                "until": one.claimed_until,
                "sent_at": one.sent_at,
            }
            for one in kept
        ],
    )


def anything_due(tx: Tx) -> bool:
    """Whether a claim would find something: asked before writing."""
    now = tx.now()
    return tx.one(f"SELECT id FROM pages WHERE {_FREE} LIMIT 1", now=now) is not None or bool(bundles.due(tx, now))


def free(tx: Tx, limit: int) -> list[int]:
    """What a claim would take now, in its order."""
    rows = tx.all(
        f"SELECT id FROM pages WHERE {_FREE} ORDER BY severity, due_at, id LIMIT :limit", now=tx.now(), limit=limit
    )
    return [row.id for row in rows]


def put_off(tx: Tx, page_id: int, until: datetime) -> None:
    """Nobody can begin this page now: it is not asked for before `until`."""
    tx.run(
        "UPDATE pages SET due_at = :until WHERE id = :id AND state = 'due' AND due_at < :until", id=page_id, until=until
    )


def next_due(tx: Tx) -> datetime | None:
    """When the next page is due and free, or the next bundle may go."""
    row = tx.one("SELECT min(due_at) AS at FROM pages WHERE due_at IS NOT NULL AND claim IS NULL")
    page_at = instant(row.at) if row and row.at is not None else None
    return min((at for at in (page_at, bundles.next_due(tx)) if at is not None), default=None)


def last_outcomes(tx: Tx, most: int) -> list[tuple[str, str, str]]:
    """(recipient, contact, outcome) of up to `most` attempts of the last pages, the oldest first."""
    rows = tx.all(
        "SELECT p.recipient, d.contact, d.outcome FROM deliveries d JOIN pages p ON p.id = d.page "
        "WHERE d.outcome IS NOT NULL ORDER BY d.page DESC, d.ended_at DESC LIMIT :most",
        most=most,
    )
    return [(row.recipient, row.contact, row.outcome) for row in reversed(rows)]


def oldest_due(tx: Tx) -> tuple[int, datetime | None]:
    """How many pages are due and free now, and since when the oldest is."""
    row = tx.one(
        "SELECT count(*) AS n, min(due_at) AS at FROM pages WHERE due_at <= :now AND state = 'due'", now=tx.now()
    )
    return (int(row.n), instant(row.at) if row.at is not None else None) if row else (0, None)


def of_incident(tx: Tx, number: int) -> list[tuple[PageRow, list[Mapping[str, object]]]]:
    """The pages of an incident with the deliveries of each, or of the bundle that carried it, oldest first."""
    pages = alone_of(tx, number)
    rows = tx.all(
        "SELECT d.page, d.contact, d.attempt, d.begun_at, d.ended_at, d.outcome, d.detail, d.repeat FROM deliveries d "
        "JOIN pages p ON p.id = d.page WHERE p.incident = :n OR p.id IN (SELECT carried_by FROM pages "
        "WHERE incident = :n AND carried_by IS NOT NULL) ORDER BY d.begun_at, d.contact, d.attempt",
        n=number,
    )
    by_page: defaultdict[int, list[Mapping[str, object]]] = defaultdict(list)
    for row in rows:
        by_page[row.page].append(row.asdict())
    return [(page, by_page[page.carried_by or page.id]) for page in pages]


def alone_of(tx: Tx, number: int) -> list[PageRow]:
    """The pages of an incident without their deliveries, oldest first."""
    return [_page(row) for row in tx.all(f"SELECT {_COLUMNS} FROM pages WHERE incident = :n ORDER BY id", n=number)]


def _page(row: Row) -> PageRow:
    return PageRow(
        id=row.id,
        incident=row.incident,
        run=row.run,
        round=row.round,
        step=row.step,
        kind=row.kind,
        recipient=row.recipient,
        target=row.target,
        why=row.why,
        by=row.by_whom,
        severity=row.severity,
        issued_at=instant(row.issued_at),
        due_at=instant(row.due_at) if row.due_at is not None else None,
        state=row.state,
        reported=bool(row.reported),
        attempt=row.attempt,
        plan=_decode(row.plan) if row.plan is not None else None,
        claim=row.claim,
        sent_at=instant(row.sent_at) if row.sent_at is not None else None,
        carried_by=row.carried_by,
    )
