"""Notices of turns: each stands once, and is carried by a page of no incident, behind every alert's page."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from pager.core.code import code_of
from pager.core.notices import Handed, Notice
from pager.core.privacy import TITLE
from pager.store.database import Tx
from pager.store.incidents import incident_of
from pager.store.sql import Row

NO_INCIDENT = 0
"""The number under which pages of notices stand: no incident has it."""
_LAST = "SEV-9"  # pages are claimed by severity: below all that there are
_MOST = 500
_TOLD = "told_config"


class _Titled(msgspec.Struct):
    """What a list needs of an incident's body."""

    title: str = ""


_title = msgspec.json.Decoder(_Titled).decode


def issue(tx: Tx, notices: Iterable[Notice]) -> int:
    """Those that nobody was told yet, with a page each; how many they were."""
    made = 0
    for notice in notices:
        rows = tx.all(
            "INSERT INTO notices (kind, person, schedule, at, title, body, created_at) VALUES "
            "(:kind, :person, :schedule, :at, :title, :body, :now) "
            "ON CONFLICT (kind, person, schedule, at) DO NOTHING RETURNING id",
            kind=notice.kind,
            person=notice.person,
            schedule=notice.schedule,
            at=notice.at,
            title=notice.title,
            body=notice.body,
            now=tx.now(),
        )
        for row in rows:
            _page(tx, row.id, notice)
            made += 1
    if made:
        tx.notify("pages")
    return made


def _page(tx: Tx, number: int, notice: Notice) -> None:
    tx.run(
        "INSERT INTO pages (incident, run, round, step, kind, recipient, target, why, by_whom, severity, issued_at, "
        "due_at, state, reported, attempt) VALUES (:none, :number, 0, 0, 'notice', :person, :schedule, :kind, '', "
        ":severity, :now, :due_at, 'due', 0, 0)",
        none=NO_INCIDENT,
        number=number,
        person=notice.person,
        schedule=notice.schedule,
        kind=notice.kind,
        severity="SEV-1" if notice.kind == "asked" else _LAST,
        now=tx.now(),
        due_at=max(notice.due_at, tx.now()),
    )


def words(tx: Tx, number: int) -> Row | None:
    """`title` and `body` of a notice; `number` is the `run` of its page."""
    return tx.one("SELECT title, body FROM notices WHERE id = :number", number=number)


def standing(tx: Tx) -> tuple[list[Handed], dict[str, int]]:
    """For hand-overs: what is open, the worst and newest first, and how much was opened in 24 h, by policy."""
    rows = tx.all(
        "SELECT number, severity, policy, body, private FROM incidents WHERE state <> 'resolved' AND version > 0 "
        "ORDER BY severity, number DESC LIMIT :most",
        most=_MOST,
    )
    counts = tx.all(
        "SELECT policy, count(*) AS n FROM incidents WHERE opened_at > :since GROUP BY policy",
        since=tx.now() - timedelta(hours=24),
    )
    return [_handed(row) for row in rows], {row.policy: int(row.n) for row in counts}


def _handed(row: Row) -> Handed:
    private = incident_of(row.body, row.private) if row.private is not None else None
    return Handed(code_of(row.number), row.severity, _title(row.body).title, row.policy, private)


def backlog(tx: Tx, level: str, since: datetime, at: datetime) -> list[Row]:
    """For the digest of `at`, by policy: `open`, `new` (of these, since the last), `over` (opened since, and ended)."""
    return tx.all(
        "SELECT policy, sum(CASE WHEN state <> 'resolved' THEN 1 ELSE 0 END) AS open, "
        "sum(CASE WHEN state <> 'resolved' AND opened_at > :since THEN 1 ELSE 0 END) AS new, "
        "sum(CASE WHEN state = 'resolved' THEN 1 ELSE 0 END) AS over FROM incidents "
        "WHERE severity = :level AND version > 0 AND opened_at <= :at AND (state <> 'resolved' OR opened_at > :since) "
        "GROUP BY policy",
        level=level,
        since=since,
        at=at,
    )


def newest_open(tx: Tx, level: str, at: datetime, policies: list[str], most: int) -> list[tuple[int, str]]:
    """Number and title of the newest open incidents of a level that were there at `at`; of a private one no title."""
    rows = tx.all(
        "SELECT number, body, private FROM incidents WHERE severity = :level AND state <> 'resolved' AND version > 0 "
        "AND opened_at <= :at AND policy IN (:policies) ORDER BY number DESC LIMIT :most",
        level=level,
        at=at,
        policies=policies,
        most=most,
    )
    return [(int(row.number), TITLE if row.private is not None else _title(row.body).title) for row in rows]


def is_first_to_tell(tx: Tx, config: str) -> bool:
    """Whether nobody has told of these files yet: of several nodes that read them, one does."""
    if note_config(tx, config):
        return True
    return tx.run(f"UPDATE meta SET said = :config WHERE name = '{_TOLD}' AND said <> :config", config=config) == 1


def note_config(tx: Tx, config: str) -> bool:
    """People know of these files, unless they know of others: whether they knew of none."""
    sql = f"INSERT INTO meta (name, said) VALUES ('{_TOLD}', :config) ON CONFLICT (name) DO NOTHING"
    return tx.run(sql, config=config) == 1


def forget(tx: Tx, before: datetime) -> int:
    """Delete what was told before that instant; how many."""
    pages = "SELECT id FROM pages WHERE incident = :none AND issued_at < :before"
    tx.run(f"DELETE FROM deliveries WHERE page IN ({pages})", none=NO_INCIDENT, before=before)
    tx.run("DELETE FROM pages WHERE incident = :none AND issued_at < :before", none=NO_INCIDENT, before=before)
    return tx.run("DELETE FROM notices WHERE created_at < :before", before=before)
