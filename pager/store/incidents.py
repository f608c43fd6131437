"""Incidents and their timelines: locked before they are read, saved whole."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct

from pager.core.incident import EVENTS, Entry, Event, Incident
from pager.core.severity import Level
from pager.store.database import Tx
from pager.store.sql import Row, chunks, instant

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Incident).decode
_COLUMNS = "number, version, seq, body, private"


class Kept(Struct):
    """An incident as it stands in the database; `seq` is the number of its last timeline entry."""

    incident: Incident
    version: int
    seq: int


class Written(Struct, frozen=True):
    """One entry of a timeline, as it is read back. `event` is what was told, on the first entry it caused.

    `stands` is the incident as it stood then where no event led to it: when it was opened, or its clocks were set
    back. From there on `advance`, told the events that follow, each at its instant, gives the incident as it stands.
    """

    seq: int
    at: datetime
    by: str
    said: str
    event: Event | None
    config: str
    stands: Incident | None = None


def lock(tx: Tx, numbers: Iterable[int]) -> dict[int, Kept]:
    """Lock these incidents, lowest number first, and read them as they are now.

    Whoever changes anything of an incident comes through here before reading it, so two writers never decide on
    the same old state (lifecycle rule 34).
    """
    found = {}
    for chunk in chunks(numbers):
        rows = tx.all(
            f"SELECT {_COLUMNS} FROM incidents WHERE number IN (:numbers) ORDER BY number{tx.locking()}", numbers=chunk
        )
        found.update({row.number: _kept(row) for row in rows})
    return found


def states(tx: Tx, numbers: Iterable[int]) -> dict[int, str]:
    found = {}
    for chunk in chunks(numbers):
        rows = tx.all("SELECT number, state FROM incidents WHERE number IN (:numbers)", numbers=chunk)
        found.update({row.number: row.state for row in rows})
    return found


class Standing(Struct, frozen=True):
    """How an incident stands, as its columns say."""

    state: str
    severity: Level
    policy: str
    due_at: datetime | None
    private: bool = False


def standing(tx: Tx, numbers: Iterable[int]) -> dict[int, Standing]:
    """How these incidents stand, without reading them whole."""
    found = {}
    for chunk in chunks(numbers):
        for row in tx.all(
            "SELECT number, state, severity, policy, due_at, private FROM incidents WHERE number IN (:numbers)",
            numbers=chunk,
        ):
            due_at = instant(row.due_at) if row.due_at is not None else None
            private = row.private is not None
            found[row.number] = Standing(row.state, row.severity, row.policy, due_at, private)
    return found


def private_of(tx: Tx, numbers: Iterable[int]) -> dict[int, Incident]:
    """Those of these incidents that are private."""
    return read(tx, numbers, "AND private IS NOT NULL")


def home_of(tx: Tx, group: str, ended_after: datetime) -> int | None:
    """The open incident of a group, else the newest one that ended after that instant; it is re-opened.

    Of a group whose incident was merged into another: that other one.
    """
    row = tx.one(
        "SELECT number FROM incidents WHERE group_key = :group AND state <> 'resolved'", group=group
    ) or tx.one(
        "SELECT number, resolved_at AS at FROM incidents WHERE group_key = :group AND state = 'resolved' "
        "AND resolved_at > :after UNION ALL SELECT i.number, coalesce(i.resolved_at, :never) AS at "
        "FROM merged_groups g JOIN incidents i ON i.number = g.incident "
        "WHERE g.group_key = :group AND (i.state <> 'resolved' OR i.resolved_at > :after) ORDER BY at DESC LIMIT 1",
        group=group,
        after=ended_after,
        never=2**63 - 1,
    )
    return int(row.number) if row else None


def move_group(tx: Tx, group: str, old: int, new: int) -> None:
    """What comes to this group, and to those that were merged into `old`, is the business of `new`."""
    move_groups(tx, old, new)
    tx.run(
        "INSERT INTO merged_groups (group_key, incident) VALUES (:group, :new) "
        "ON CONFLICT (group_key) DO UPDATE SET incident = excluded.incident",
        group=group,
        new=new,
    )


def move_groups(tx: Tx, old: int, new: int) -> None:
    """The groups that were merged into `old` go along with its alerts."""
    tx.run("UPDATE merged_groups SET incident = :new WHERE incident = :old", old=old, new=new)


def after_merges(tx: Tx, number: int) -> int:
    """The incident that has the alerts of this one by now: itself, unless it was merged into one that is still kept."""
    kept = get(tx, number)
    while kept is not None:
        number, into = kept.incident.number, kept.incident.merged_into
        kept = get(tx, into) if into is not None else None
    return number


def create(tx: Tx, group: str, now: datetime) -> int | None:
    """A new row for a group, to be saved in the same transaction; None: another node opened one meanwhile."""
    row = tx.one(
        "INSERT INTO incidents (group_key, state, severity, policy, team, opened_at, version, seq, body) "
        "VALUES (:group, 'triggered', '', '', '', :now, 0, 0, :body) "
        "ON CONFLICT (group_key) WHERE state <> 'resolved' DO NOTHING RETURNING number",
        group=group,
        now=now,
        body=b"",
    )
    return int(row.number) if row else None


def save(tx: Tx, saved: Sequence[tuple[Kept, str]]) -> None:
    """Write incidents as they stand now, each with the name of its team."""
    tx.many(
        "UPDATE incidents SET group_key = :group, state = :state, severity = :severity, policy = :policy, "
        "team = :team, opened_at = :opened_at, resolved_at = :resolved_at, due_at = :due_at, version = :version, "
        "seq = :seq, body = :body, private = :private WHERE number = :number",
        [_columns(kept, team) for kept, team in saved],
    )


def append(tx: Tx, rows: Iterable[tuple[int, int, datetime, Entry, Event | Incident | None, str]]) -> None:
    """Timeline entries: (incident, seq, at, entry, event or the incident as it stands, config hash)."""
    tx.many(
        "INSERT INTO timeline (incident, seq, at, by_whom, said, event, config) "
        "VALUES (:incident, :seq, :at, :by, :said, :event, :config)",
        [
            {
                "incident": number,
                "seq": seq,
                "at": at,
                "by": entry.by,
                "said": entry.text[:20_000],
                "event": encode_event(event) if event is not None else None,
                "config": config,
            }
            for number, seq, at, entry, event, config in rows
        ],
    )


def due(tx: Tx, now: datetime, limit: int = 200) -> list[int]:
    """Numbers of incidents of which a clock has come, the longest overdue first."""
    rows = tx.all(
        "SELECT number FROM incidents WHERE due_at <= :now ORDER BY due_at LIMIT :limit", now=now, limit=limit
    )
    return [row.number for row in rows]


def postpone(tx: Tx, number: int, until: datetime) -> None:
    """Ask this incident again at `until`, whatever its clocks say: deciding it has just failed."""
    tx.run("UPDATE incidents SET due_at = :until WHERE number = :number", until=until, number=number)


def open_since(tx: Tx, group: str) -> datetime | None:
    """Since when the open incident of a group is open; None: there is none."""
    row = tx.one("SELECT opened_at FROM incidents WHERE group_key = :group AND state <> 'resolved'", group=group)
    return instant(row.opened_at) if row else None


def open_in(tx: Tx, groups: Sequence[str]) -> list[int]:
    """Numbers of the open incidents of these groups, at most some hundred groups."""
    rows = tx.all(
        "SELECT number FROM incidents WHERE group_key IN (:groups) AND state <> 'resolved' ORDER BY number",
        groups=groups,
    )
    return [row.number for row in rows]


def with_clocks(tx: Tx) -> list[int]:
    """Numbers of all incidents that have a clock."""
    return [row.number for row in tx.all("SELECT number FROM incidents WHERE due_at IS NOT NULL ORDER BY number")]


def open_after(tx: Tx, after: int, limit: int) -> list[Kept]:
    """Open incidents with higher numbers than `after`, lowest first."""
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM incidents WHERE number > :after AND state <> 'resolved' AND version > 0 "
        "ORDER BY number LIMIT :limit",
        after=after,
        limit=limit,
    )
    return [_kept(row) for row in rows]


def next_due(tx: Tx) -> datetime | None:
    row = tx.one("SELECT min(due_at) AS at FROM incidents WHERE due_at IS NOT NULL")
    return instant(row.at) if row and row.at is not None else None


def get(tx: Tx, number: int) -> Kept | None:
    row = tx.one(f"SELECT {_COLUMNS} FROM incidents WHERE number = :number AND version > 0", number=number)
    return _kept(row) if row else None


def read(tx: Tx, numbers: Iterable[int], only: str = "") -> dict[int, Incident]:
    """These incidents as they stand, not locked; those that are not kept any more are left out."""
    found = {}
    for chunk in chunks(numbers):
        rows = tx.all(
            f"SELECT {_COLUMNS} FROM incidents WHERE number IN (:numbers) AND version > 0 {only}", numbers=chunk
        )
        found.update({row.number: _kept(row).incident for row in rows})
    return found


def page_of(tx: Tx, *, state: str, team: str, below: int, limit: int) -> list[Kept]:
    """Incidents, newest first, with numbers below `below`. `state` is open, all, or one of the states."""
    only = {"open": "AND state <> 'resolved'", "all": ""}.get(state, "AND state = :state")
    mine = "AND team = :team" if team else ""
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM incidents WHERE number < :below AND version > 0 {only} {mine} "
        "ORDER BY number DESC LIMIT :limit",
        below=below,
        state=state,
        team=team,
        limit=limit,
    )
    return [_kept(row) for row in rows]


def urgent(tx: Tx, *, after: int, limit: int) -> list[Kept]:
    """Open incidents for people: those that nobody has first, then by severity, then the newest; `after` so many."""
    # First which, then how they stand: a thousand bodies are not carried along to be sorted.
    order = "ORDER BY CASE state WHEN 'triggered' THEN 0 ELSE 1 END, severity, number DESC"
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM incidents WHERE number IN (SELECT number FROM incidents "
        f"WHERE state <> 'resolved' AND version > 0 {order} LIMIT :limit OFFSET :after) {order}",
        after=after,
        limit=limit,
    )
    return [_kept(row) for row in rows]


def count_open(tx: Tx) -> int:
    """How many incidents are open."""
    row = tx.one("SELECT count(*) AS n FROM incidents WHERE state <> 'resolved' AND version > 0")
    return int(row.n) if row else 0


def mark(tx: Tx) -> str:
    """Another text whenever an incident opens, ends, or changes while it is open. Asked often, and cheap."""
    row = tx.one(
        "SELECT count(*) AS n, coalesce(sum(version), 0) AS changes, coalesce(max(number), 0) AS newest "
        "FROM incidents WHERE state IN ('triggered', 'acknowledged', 'mitigated')"
    )
    return f"{row.n}-{row.changes}-{row.newest}" if row else ""


def count(tx: Tx) -> list[Row]:
    """How many open incidents there are by team, severity and state."""
    return tx.all(
        "SELECT team, severity, state, count(*) AS n FROM incidents WHERE state <> 'resolved' "
        "GROUP BY team, severity, state"
    )


def timeline(tx: Tx, number: int, *, after: int = 0, limit: int = 10_000) -> list[Written]:
    rows = tx.all(
        "SELECT seq, at, by_whom, said, event, config FROM timeline WHERE incident = :number AND seq > :after "
        "ORDER BY seq LIMIT :limit",
        number=number,
        after=after,
        limit=limit,
    )
    return [_written(row) for row in rows]


def _written(row: Row) -> Written:
    told = decode_event(row.event)
    stands, event = (told, None) if isinstance(told, Incident) else (None, told)
    return Written(row.seq, instant(row.at), row.by_whom, row.said, event, row.config, stands)


def encode_event(event: Event | Incident) -> bytes:
    """An event, or an incident as it stands, as JSON that `decode_event` reads back."""
    return _encode({"kind": type(event).__name__, "event": event})


def decode_event(body: bytes | None) -> Event | Incident | None:
    if body is None:
        return None
    raw: Mapping[str, Any] = msgspec.json.decode(body)
    kind = raw["kind"]
    told: Event | Incident = msgspec.convert(raw["event"], Incident if kind == Incident.__name__ else EVENTS[kind])
    return told


def encode(incident: Incident) -> bytes:
    return _encode(incident)


def decode(body: bytes) -> Incident:
    return _decode(body)


def _kept(row: Row) -> Kept:
    if not row.body:
        raise LookupError(f"incident {row.number} was opened and never saved")
    return Kept(incident_of(row.body, row.private), row.version, row.seq)


@lru_cache(maxsize=256)
def incident_of(body: bytes, private: str | None) -> Incident:
    """The incident of a row. Its column says whether it is private: a node of before writes a body that does not."""
    incident = _decode(body)
    if private is None or incident.private:
        return incident
    return incident.changed(private=True, named=tuple(msgspec.json.decode(private)))


def _columns(kept: Kept, team: str) -> dict[str, object]:
    incident = kept.incident
    return {
        "number": incident.number,
        "group": incident.group,
        "state": incident.state,
        "severity": incident.severity,
        "policy": incident.policy,
        "team": team,
        "opened_at": incident.opened_at,
        "resolved_at": incident.resolved_at,
        "due_at": incident.due_at,
        "version": kept.version,
        "seq": kept.seq,
        "body": _encode(incident),
        "private": _encode(incident.named).decode() if incident.private else None,
    }
