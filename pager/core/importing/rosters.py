"""Schedules of ours for a roster: one, or several that a policy pages together where layers are on call at once.

A later layer of ours hides an earlier one. Where others add up layers that overlap, each of them gets a schedule: in
each another one is on top, so together they are who was on call.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from msgspec import Struct

from pager.core.importing.model import Change, Layer, Roster
from pager.core.importing.reading import Names
from pager.core.importing.turning import keys_of
from pager.core.moment import Moment
from pager.core.wall import instant_of, minute_of
from pager.core.windows import parse_windows, stretches

_YEAR = 366 * 24 * 60
_NEVER = 1 << 40


class Written(Struct, frozen=True):
    """A roster's schedules as documents, their names, and what was left out of it."""

    roster: Roster
    documents: tuple[dict[str, Any], ...]
    over: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(document["schedule"] for document in self.documents)


def write(roster: Roster, now: datetime, taken: set[str]) -> Written:
    """The schedules of `roster`; none when nobody has a turn from `now` on. `taken` are names, theirs come to them."""
    running = [layer for layer in roster.layers if layer.until is None or _end(layer) > minute_of(now)]
    over = tuple(layer.name for layer in roster.layers if layer not in running)
    changes = [_change(change) for change in roster.changes if change.end > now]
    lanes = _lanes(running, now)
    documents = []
    for number, lane in enumerate(lanes, 1):
        name = roster.key if number == 1 else _free(roster.key, number, taken)
        taken.add(name)
        # Only together are they without gaps: of those behind the first nobody should be warned.
        gaps = {"gaps": "ok"} if number > 1 else {}
        documents.append(_document(name, roster.zone, lane, changes, now) | gaps)
    return Written(roster, tuple(documents), over)


def _free(key: str, number: int, taken: set[str]) -> str:
    while f"{key}-{number}" in taken:
        number += 1
    return f"{key}-{number}"


def _document(
    name: str, zone: str, lane: Sequence[Layer], changes: Sequence[Mapping[str, Any]], now: datetime
) -> dict[str, Any]:
    keys: dict[str, Any] = {"schedule": name, "timezone": zone}
    if len(lane) == 1:
        keys |= {"timezone": lane[0].zone, **keys_of(lane[0], now)}
    else:
        names = Names(())
        keys["layers"] = [_layer(layer, names, zone, now) for layer in lane]
    if changes:
        keys["overrides"] = list(changes)
    return keys


def _layer(layer: Layer, names: Names, zone: str, now: datetime) -> dict[str, Any]:
    own = {} if layer.zone == zone else {"timezone": layer.zone}
    return {"name": names.key(layer.name, "layer"), **own, **keys_of(layer, now)}


def _change(change: Change) -> dict[str, Any]:
    keys: dict[str, Any] = {"from": _exact(change.start), "to": _exact(change.end)}
    if change.kind == "replace":
        keys |= {"replace": change.replaced, "with": list(change.people)}
    else:
        keys[change.kind] = list(change.people)
    return keys | ({"why": change.why} if change.why else {})


def _exact(at: datetime) -> str:
    return str(Moment(minute_of(at), exact=True))


def _lanes(layers: Sequence[Layer], now: datetime) -> list[list[Layer]]:
    """The layers of each schedule, lowest first."""
    by_level = sorted(layers, key=lambda layer: layer.level)
    levels = [_classes(list(group), now) for _, group in groupby(by_level, key=lambda layer: layer.level)]
    several = max((len(classes) for classes in levels), default=0)
    if len(levels) == 1:
        return levels[0]
    return [[layer for classes in levels for layer in _on_top(classes, lane)] for lane in range(several)]


def _on_top(classes: list[list[Layer]], lane: int) -> list[Layer]:
    """The layers of one level with those of the lane's class last."""
    last = lane % len(classes)
    others = [layer for number, own in enumerate(classes) if number != last for layer in own]
    return [*others, *classes[last]]


def _classes(layers: Sequence[Layer], now: datetime) -> list[list[Layer]]:
    """As few lists as come of it so that no two layers of one are on call at the same time."""
    classes: list[list[Layer]] = []
    for layer in layers:
        fits = (own for own in classes if not any(_overlap(layer, other, now) for other in own))
        found = next(fits, None)
        if found is None:
            classes.append(found := [])
        found.append(layer)
    return classes


def _overlap(one: Layer, other: Layer, now: datetime) -> bool:
    """Whether the two are open at once at any time of a year from `now` on, or from when the later one starts."""
    begin = max(minute_of(now), instant_of(one.start, one.zone), instant_of(other.start, other.zone))
    end = min(begin + _YEAR, _end(one), _end(other))
    mine, theirs = _open(one, begin, end), _open(other, begin, end)
    at = 0
    for start, stop in mine:
        while at < len(theirs) and theirs[at][1] <= start:
            at += 1
        if at < len(theirs) and max(theirs[at][0], start) < min(theirs[at][1], stop):
            return True
    return False


def _open(layer: Layer, begin: int, end: int) -> Sequence[tuple[int, int]]:
    if begin >= end:
        return ()
    if not layer.hours:
        return ((begin, end),)
    found = stretches(parse_windows(list(layer.hours)), layer.zone, begin, end)
    return [(max(start, begin), min(stop, end)) for start, stop in found]


def _end(layer: Layer) -> int:
    return _NEVER if layer.until is None else instant_of(layer.until, layer.zone)
