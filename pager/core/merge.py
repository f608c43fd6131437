"""Merging: what a report changes of the alert that is already known."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct, field
from msgspec.structs import replace

from pager.core.alert import Alert, Status

FLAP_WINDOW = timedelta(minutes=15)
FLAP_FIRINGS = 3

Change = Literal["new", "again", "resolved", "updated", "repeat", "old", "flapping", "settling"]


class AlertState(Struct, frozen=True):
    """An alert as it is known. `status` is the newest word; a flapping alert counts as firing until `settles_at`.

    `firings` are the instants at which its last firing spells were accepted, newest last, at most three.
    """

    key: int
    source: str
    status: Status
    labels: Mapping[str, str]
    starts_at: datetime
    annotations: Mapping[str, str] = field(default_factory=dict)
    ends_at: datetime | None = None
    expires_at: datetime | None = None
    identity: str = ""
    fingerprint: str = ""
    generator_url: str = ""
    firings: tuple[datetime, ...] = ()
    flapping: bool = False
    settles_at: datetime | None = None

    @property
    def counts_as_firing(self) -> bool:
        return self.status == "firing" or self.flapping


def merge(known: AlertState | None, report: Alert, now: datetime, key: int | None = None) -> tuple[AlertState, Change]:
    """The alert after `report`, accepted at `now`, and what changed. `key` is `report.key`, where it is known.

    Reports apply in the order they were accepted and the last wins. A resolve that ended before the current
    firing began is old news. Three firings within 15 minutes are flapping: it counts as firing until it was
    quiet for 15 minutes (`settle`).
    """
    if known is None:
        firings = (now,) if report.status == "firing" else ()
        return _taken(report, firings, report.key if key is None else key), "new" if firings else "resolved"
    if report.status == "firing":
        return _fires(known, report, now)
    return _ends(known, report, now)


def settle(known: AlertState, now: datetime) -> tuple[AlertState, Change]:
    """A flapping alert that was quiet for its time has ended; earlier nothing changes."""
    if not known.flapping or known.settles_at is None or known.settles_at > now:
        return known, "repeat"
    changed: Change = "resolved" if known.status == "resolved" else "updated"
    return replace(known, flapping=False, settles_at=None), changed


def _taken(report: Alert, firings: tuple[datetime, ...], key: int) -> AlertState:
    return AlertState(
        key=key,
        source=report.source,
        status=report.status,
        labels=report.labels,
        starts_at=report.starts_at,
        annotations=report.annotations,
        ends_at=report.ends_at,
        expires_at=report.expires_at,
        identity=report.identity,
        fingerprint=report.fingerprint,
        generator_url=report.generator_url,
        firings=firings,
    )


def _fires(known: AlertState, report: Alert, now: datetime) -> tuple[AlertState, Change]:
    if known.status == "firing":
        if _same(known, report):
            return known, "repeat"
        kept = replace(_taken(report, known.firings, known.key), starts_at=known.starts_at)
        return replace(kept, flapping=known.flapping, settles_at=known.settles_at), "updated"
    recent = (*(at for at in known.firings if now - at < FLAP_WINDOW), now)[-FLAP_FIRINGS:]
    fresh = _taken(report, recent, known.key)
    if known.flapping or len(recent) == FLAP_FIRINGS:
        return replace(fresh, flapping=True, settles_at=now + FLAP_WINDOW), "settling" if known.flapping else "flapping"
    return fresh, "again"


def _ends(known: AlertState, report: Alert, now: datetime) -> tuple[AlertState, Change]:
    if known.status == "resolved":
        return known, "repeat"
    if report.ends_at is not None and report.ends_at < known.starts_at:
        return known, "old"
    if not report.labels:
        # All that it says is that it is over.
        report = replace(report, labels=known.labels, annotations={**known.annotations, **report.annotations})
    ended = replace(_taken(report, known.firings, known.key), starts_at=known.starts_at)
    if known.flapping:
        return replace(ended, flapping=True, settles_at=now + FLAP_WINDOW), "settling"
    return ended, "resolved"


def _same(known: AlertState, report: Alert) -> bool:
    # Not the start: many senders have none, and an HA pair tells two.
    return known.annotations == report.annotations and known.labels == report.labels


def as_alert(state: AlertState) -> Alert:
    """The alert that a known state was last told as."""
    return Alert(
        source=state.source,
        status=state.status,
        labels=state.labels,
        starts_at=state.starts_at,
        annotations=state.annotations,
        ends_at=state.ends_at,
        expires_at=state.expires_at,
        identity=state.identity,
        fingerprint=state.fingerprint,
        generator_url=state.generator_url,
    )
