"""What people do by hand, each one transaction: act on an incident, declare one, merge two, page somebody."""

from datetime import datetime
from uuid import uuid4

import msgspec
from msgspec.structs import replace

from pager.core.advance import set_up
from pager.core.catalog import Catalog
from pager.core.code import code_of, numbers_in
from pager.core.incident import Entry, Event, Incident, MadePrivate, MadePublic, MergedInto, Noted, Resolved
from pager.core.joining import by_age, ends_only_itself, what_joins
from pager.core.privacy import ADMIN, WHY_NOT, Private, Reader, asks_to_join, may_publish, may_see
from pager.core.proven import asked_notice
from pager.core.severity import Level
from pager.desk import Desk, News
from pager.store import Moved, alerts, incidents, inhibitions, notices
from pager.store.database import Tx

MORE_PRIVATE = "they are not seen by the same people; say that the whole is to be private, and seen by both"


class UnknownIncident(LookupError):
    """There is no incident of that number."""


class VersionMismatch(Exception):
    """The incident has changed since the caller saw it."""


class CannotMerge(ValueError):
    """These two cannot be one; the text says why."""


def act(
    tx: Tx, catalog: Catalog, number: int, event: Event, version: int | None, reader: Reader = ADMIN
) -> tuple[Incident, News]:
    """Tell an incident what a person did; what is said to one that was merged goes to the one that has its alerts.

    But for what would end that one or say how bad it is: the person meant less than it is now. Raises Private where
    it is one that `reader` does not see.
    """
    meant = number if ends_only_itself(event) else incidents.after_merges(tx, number)
    desk = Desk(tx, catalog)
    desk.lock({number, meant})
    incident = desk.incident(number)
    if incident is None:
        raise UnknownIncident(f"no incident {number}")
    for seen in {number, meant}:
        check_may(reader, _of(desk, seen), catalog, event)
    if version is not None and (desk.version(number) != version or meant != number):
        raise VersionMismatch(f"incident {number} has changed: it is at version {desk.version(number)}")
    if not ends_only_itself(event) and _is_merged(desk, meant):
        raise Moved(f"incident {meant} was merged meanwhile")
    desk.tell(meant, _final(tx, catalog, incident, event) if isinstance(event, Resolved) else event)
    desk.settle()
    return _of(desk, meant), desk.news


def _final(tx: Tx, catalog: Catalog, incident: Incident, event: Resolved) -> Resolved:
    """A person's word ends what its source never ends."""
    endless = {name for name, source in catalog.sources.items() if not source.resolves}
    return replace(event, final=alerts.end_final(tx, incident.number, endless)) if incident.is_open else event


def declare(
    tx: Tx,
    catalog: Catalog,
    title: str,
    severity: Level,
    policy: str,
    by: str,
    private: tuple[str, ...] | None = None,
) -> tuple[Incident, News]:
    """A new incident of no alert: step 1 is paged at once, as its severity says.

    `private` is who sees it beside `by` and those who are paged; None: everybody.
    """
    desk = Desk(tx, catalog)
    group = msgspec.json.encode(("declared", uuid4().hex)).decode()
    number = desk.open(group, lambda n: by_hand(catalog, n, group, title, severity, policy, tx.now(), ""))
    assert number is not None
    desk.note(number, Entry(f"declared as {severity}", by))
    if private is not None:
        desk.tell(number, MadePrivate(by, private))
    desk.settle()
    return _of(desk, number), desk.news


def by_hand(
    catalog: Catalog, number: int, group: str, title: str, severity: Level, policy: str, now: datetime, summary: str
) -> Incident:
    """An incident that no alert opened: of a person, or of pager's own."""
    incident = set_up(number, group, title[:200], severity, catalog.policy(policy)[0], now)
    runbook = catalog.defaults.runbook.replace("{alertname}", "declared") or "runbooks/declared.md"
    return incident.changed(source="pager", summary=summary[:500], runbook=runbook)


def merge(
    tx: Tx, catalog: Catalog, one: int, other: int, by: str, reader: Reader = ADMIN, *, to_private: bool = False
) -> tuple[Incident, News]:
    """The younger of two goes into the older, with its alerts and its group; the older as it stands then.

    Two that are one already stay as they are. Of two that are not seen by the same people the whole is private and
    seen by both; that is asked for by `to_private`. Raises UnknownIncident, CannotMerge and Private.
    """
    numbers = {incidents.after_merges(tx, number) for number in (one, other)}
    desk = Desk(tx, catalog)
    desk.lock(numbers)
    for number in sorted(numbers):
        if desk.incident(number) is None:
            raise UnknownIncident(f"no incident {number}")
        if _is_merged(desk, number):
            raise Moved(f"incident {number} was merged meanwhile")
        check_may(reader, _of(desk, number), catalog)
    if len(numbers) == 1:
        if one == other:
            raise CannotMerge(f"{code_of(one)} cannot be merged into itself")
        return _of(desk, *numbers), desk.news
    if not to_private and asks_to_join(*(_of(desk, number) for number in numbers)):
        raise CannotMerge(MORE_PRIVATE)
    older = _join(tx, desk, *(_of(desk, number) for number in sorted(numbers)), by=by)
    return _of(desk, older), desk.news


def _join(tx: Tx, desk: Desk, one: Incident, other: Incident, *, by: str) -> int:
    try:
        older, younger = by_age(one, other)
    except ValueError as error:
        raise CannotMerge(str(error)) from None
    alerts.move(tx, younger.number, older.number)
    incidents.move_group(tx, younger.group, younger.number, older.number)
    # By the alerts of both: of a whole that is not held somebody is paged.
    whole = older.changed(severity=min(older.severity, younger.severity))
    verdict = desk.bench.of([whole])[older.number]
    desk.tell(younger.number, MergedInto(by, older.number))
    inhibitions.forget(tx, [younger.number])
    desk.tell(older.number, what_joins(younger, by, verdict.hold))
    desk.take(older.number, verdict)
    desk.settle()
    return older.number


def page(tx: Tx, catalog: Catalog, name: str, by: str, text: str, reader: Reader = ADMIN) -> News:
    """Page a person; the open incidents that the text names by their codes note it, wherever they were merged.

    Of those that are private and seen by `reader` the person sees all, too; the others hear nothing of it.
    """
    desk = Desk(tx, catalog)
    named = {incidents.after_merges(tx, number) for number in numbers_in(text)}
    desk.lock(named)
    notices.issue(tx, [asked_notice(name, by, text, tx.now())])
    for number in sorted(named):
        incident = desk.incident(number)
        if incident is not None and incident.is_open and may_see(reader, incident, catalog.teams):
            desk.tell(number, Noted(by, f"paged {name}: {text}"))
            if incident.private and not may_see(Reader(name), incident, catalog.teams):
                desk.tell(number, MadePrivate(by, (name,)))
    desk.settle()
    return desk.news


def check_may(reader: Reader, incident: Incident, catalog: Catalog, event: Event | None = None) -> None:
    """Raises Private for what is not for `reader`."""
    code = code_of(incident.number)
    if not may_see(reader, incident, catalog.teams):
        raise Private(f"{code} {WHY_NOT}")
    if isinstance(event, MadePublic) and incident.private and not may_publish(reader, incident, catalog.teams):
        raise Private(f"{code} is made public by those who are named in it, and by admins")


def _is_merged(desk: Desk, number: int) -> bool:
    return _of(desk, number).merged_into is not None


def _of(desk: Desk, number: int) -> Incident:
    incident = desk.incident(number)
    assert incident is not None
    return incident
