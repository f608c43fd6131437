"""Staleness: an alert that is not heard of any more, which is not resolved, and a source that has fallen silent.

Only time in which pager could listen counts: while it was down nobody could renew a lease. Whoever calls keeps the
stretches in which it was down (from the last sign of life to the next start) as long as anything here may look back.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from pager.core.alert import HEARTBEATS
from pager.core.merge import AlertState
from pager.core.rule import Source
from pager.core.severity import Level

GRACE = timedelta(minutes=5)
"""How long after the end of its lease an alert is waited for."""
UNHEARD = timedelta(hours=25)
"""When an alert without a lease is stale: a day's repeat, and an hour."""
LEASED_QUIET = timedelta(minutes=10)
LEASED_DIALECT = "prometheus"
"""API v2: the one dialect that repeats each firing alert every minute, so that its silence says something."""

Stretch = tuple[datetime, datetime]
"""Half-open, from and to."""


def stale_at(
    state: AlertState, heard_at: datetime, stale_after: timedelta | None, down: Sequence[Stretch] = ()
) -> datetime:
    """When a firing alert is stale, if nothing more is heard of it; `heard_at` is its newest report, repeats included.

    With a lease: 5 minutes after its end. Without: `stale_after` (its source's) from `heard_at` on, 25 h if None.
    `down` is put on top: the stretches in which pager was down, in any order.
    """
    ends_at = lease_ends_at(state, heard_at)
    if ends_at is not None:
        return listened_until(heard_at, ends_at + GRACE - heard_at, down)
    return listened_until(heard_at, UNHEARD if stale_after is None else stale_after, down)


def is_stale(
    state: AlertState, heard_at: datetime, stale_after: timedelta | None, now: datetime, down: Sequence[Stretch] = ()
) -> bool:
    """Whether a firing alert is stale at `now`. A resolved one never is, also while it flaps: that settles itself."""
    return state.status == "firing" and stale_at(state, heard_at, stale_after, down) <= now


def looked_at(
    state: AlertState, heard_at: datetime, source: Source | None, down: Sequence[Stretch] = ()
) -> datetime | None:
    """When to ask whether an alert is stale, which is when it will be; None: never, since it does not fire.

    Nor is one that pager itself tells of: it ends when that is over.
    """
    if state.status != "firing" or state.source == HEARTBEATS:
        return None
    return stale_at(state, heard_at, source.stale_after if source else None, down)


def renews(state: AlertState, heard_at: datetime, at: datetime, expires_at: datetime | None) -> bool:
    """Whether a repeat at `at` is worth writing for its lease: the one on record is over within half a new one."""
    if expires_at is None:
        return False
    ends_at = lease_ends_at(state, heard_at)
    return ends_at is None or ends_at - at <= (expires_at - at) / 2


def lease_ends_at(state: AlertState, heard_at: datetime) -> datetime | None:
    """The end of the lease; None where the alert has none.

    A repeat may leave nothing behind but its time. So an alert heard of after its lease was over has a new one, as
    long as the one on record; that is measured from the start of the spell, which may be too long and never too short.
    """
    if state.expires_at is None or heard_at <= state.expires_at:
        return state.expires_at
    began_at = state.firings[-1] if state.firings else state.starts_at
    return heard_at + max(state.expires_at - began_at, timedelta())


def listened_until(since: datetime, length: timedelta, down: Iterable[Stretch] = ()) -> datetime:
    """The instant at which pager has listened for `length` since `since`; stretches of `down` may overlap."""
    until = since + length
    for start, end in sorted(down):
        start = max(start, since)
        if start >= until:
            break
        if end > start:
            until += end - start
            since = end
    return until


def spoke_since(stale: Iterable[tuple[str, datetime]], spoke_at: Mapping[str, datetime]) -> bool:
    """Whether each source of a stale alert, given as (source, `stale_at`), has said anything after that.

    Not since the alert was last heard of: a source sends its alerts in several requests, and may have died after
    the first. `spoke_at` is each source's last word; a source that is not in it has said nothing.
    """
    return all(source in spoke_at and spoke_at[source] >= at for source, at in stale)


def closes_unheard(severity: Level, acked: bool, sources_spoke_since: bool) -> bool:
    """Whether an incident closes as "not heard of" when all its alerts are resolved or stale, at least one stale.

    Only if each source of a stale alert has spoken since (`spoke_since`): else the source is dead and not the
    alert. And then only if somebody has it (`acked`) or it is below SEV-2; otherwise it stays open and pages on.
    """
    return sources_spoke_since and (acked or severity > "SEV-2")


def quiet_after(source: Source | None, dialect: str, has_open: bool) -> timedelta | None:
    """How long a source may be silent before an incident says so; None: for ever.

    What the files say (`must_speak`) counts; else a source that posts to API v2 is quiet after 10 minutes, while it
    has open alerts: without any, Prometheus has nothing to send. Count it with `listened_until`.
    """
    if source is not None and source.must_speak is not None:
        return source.must_speak
    return LEASED_QUIET if dialect == LEASED_DIALECT and has_open else None
