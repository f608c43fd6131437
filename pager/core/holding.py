"""Whether an incident is held now: while every firing alert is, by silence, maintenance, the pause or inhibition."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Literal

from msgspec import Struct

from pager.core.catalog import Catalog
from pager.core.classify import WATCHDOGS
from pager.core.incident import Hold, Incident
from pager.core.inhibit import Party
from pager.core.maintenance import next_start, window_at
from pager.core.matcher import Matcher, all_match

OWN = '["pager","'
"""How the group of an incident of pager's own begins."""


class Mute(Struct, frozen=True):
    """What keeps alerts quiet at some instant, and until when; without matchers all of them."""

    reason: Literal["silence", "maintenance", "pause"]
    name: str
    until: datetime
    matchers: tuple[Matcher, ...] = ()


class Verdict(Struct, frozen=True):
    """The hold that an incident should have, None: none; and the alerts that inhibit it (their keys)."""

    hold: Hold | None = None
    inhibitors: frozenset[int] = frozenset()


FREE = Verdict()


def mutes_at(catalog: Catalog, now: datetime) -> tuple[Mute, ...]:
    """Every silence, maintenance and pause in force at `now`."""
    made = [
        Mute(silence.wanted.kind, silence.title, silence.ends_at, silence.wanted.matchers)
        for silence in catalog.silences
        if silence.state(now) == "active"
    ]
    for maintenance in catalog.maintenance:
        window = window_at(maintenance, now)
        if window is not None:
            made.append(Mute("maintenance", maintenance.name, window[1], maintenance.match))
    return tuple(made)


def next_edge(catalog: Catalog, now: datetime) -> datetime | None:
    """When the next silence or maintenance begins or ends after `now`: all is judged again then."""
    edges = [edge for silence in catalog.silences for edge in (silence.wanted.starts_at, silence.ends_at)]
    for maintenance in catalog.maintenance:
        window, start = window_at(maintenance, now), next_start(maintenance, now)
        edges += [window[1]] if window else []
        edges += [start] if start else []
    return min((edge for edge in edges if edge > now), default=None)


def is_own(incident: Incident) -> bool:
    """Whether it is about pager itself: nothing holds it."""
    return incident.group.startswith(OWN)


def never_muted(labels: Mapping[str, str], catalog: Catalog) -> bool:
    """Whether an alert is one whose arrival is the message: Watchdog and its like."""
    return labels.get("alertname") in WATCHDOGS or any(
        all_match(heartbeat.watchdog, labels) for heartbeat in catalog.watchdogs
    )


def mute_of(labels: Mapping[str, str], mutes: Iterable[Mute]) -> Mute | None:
    """What keeps an alert quiet the longest, the first of them where several do, or None."""
    found = [mute for mute in mutes if all_match(mute.matchers, labels)]
    return max(found, key=lambda mute: mute.until, default=None)


def verdict_without_alerts(mutes: Iterable[Mute]) -> Verdict:
    """Of an incident that no alert belongs to: the pause alone holds what was declared by hand."""
    pause = mute_of({}, (mute for mute in mutes if not mute.matchers))
    return Verdict(Hold(pause.reason, pause.until, pause.name)) if pause else FREE


def verdict(
    firing: Iterable[Mapping[str, str]],
    mutes: tuple[Mute, ...],
    catalog: Catalog,
    inhibitor: Callable[[int], Party | None] = lambda _: None,
) -> Verdict:
    """The verdict on an incident by the labels (`source` among them) of its firing alerts, at least one.

    `inhibitor` gives who mutes the alert at some place of `firing`: asked only for those that nothing else holds. The
    end is the earliest instant at which an alert is free; that of inhibition is open.
    """
    holds: list[Hold] = []
    inhibitors: set[int] = set()
    for place, labels in enumerate(firing):
        mute = None if never_muted(labels, catalog) else mute_of(labels, mutes)
        if mute is not None:
            holds.append(Hold(mute.reason, mute.until, mute.name))
            continue
        party = None if never_muted(labels, catalog) else inhibitor(place)
        if party is None:
            return FREE
        inhibitors.add(party.key)
        holds.append(Hold("inhibition", None, party.name))
    first = min(holds, key=_end, default=None)
    return Verdict(first, frozenset(inhibitors))


def earlier(one: Hold, other: Hold) -> Hold:
    """The one of two that ends first."""
    return min(one, other, key=_end)


def _end(hold: Hold) -> tuple[bool, float, str, str]:
    at = hold.until.timestamp() if hold.until is not None else 0.0
    return hold.until is None, at, hold.reason, hold.name
