"""Opsgenie, from the answers of its REST API v2: users, teams, schedules, escalations, routing rules, integrations.

All rotations of a schedule are on call together. Turns and hours count on the wall clock of the schedule's zone.
"""

from collections.abc import Iterator
from datetime import datetime

from msgspec.structs import replace

from pager.core.importing.contacts import mail, other, phone, push, unique
from pager.core.importing.index import Index, warn_of_pages, warn_of_rest, warn_of_strays
from pager.core.importing.model import (
    Change,
    Contact,
    Export,
    Layer,
    Person,
    Roster,
    Shown,
)
from pager.core.importing.opsgenie_routes import integration, policy_of, route
from pager.core.importing.reading import Node, Sections, secret
from pager.core.importing.turning import drift, weekly
from pager.core.wall import DAY, minute_of, wall_of

USED = "users teams schedules overrides timelines escalations routingrules integrations contacts"
_LENGTHS = {"hourly": 60, "daily": DAY, "weekly": 7 * DAY}
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def read(found: Sections, now: datetime) -> Export:
    """All that is understood of it. Raises Unreadable with the place of what cannot be."""
    export = Export("Opsgenie")
    index = Index(export)
    warn_of_pages(export, found)
    for node in found.of("users"):
        _person(
            index, node, [one for one in found.of("contacts") if one.subject in (node.key(), node.text("username"))]
        )
    for node in found.of("teams"):
        team = index.team(node)
        for member in node.each("members"):
            who = member.at("user")
            index.join(team, index.who(who.key("id", ""), who.text("username", ""), f"team {node.text('name')}"))
    escalations = found.of("escalations")
    timelines = {node.at("_parent").key(): node for node in found.of("timelines")}
    for node in found.of("schedules"):
        overrides = [one for one in found.of("overrides") if one.subject in (node.key(), node.text("name"))]
        export.rosters.append(_roster(index, node, overrides, timelines.get(node.key()), escalations, now))
    schedules = (name for node in found.of("schedules") for name in (node.key(), node.text("name")))
    warn_of_strays(export, found, "overrides", schedules)
    teams = [name for node in found.of("teams") for name in (node.key(), node.text("name"))]
    warn_of_strays(export, found, "routingrules", teams)
    for node in escalations:
        export.policies.append(policy_of(index, node))
    routing = [node for node in found.of("routingrules") if node.subject in teams]
    for node in sorted(routing, key=lambda one: (one.subject, one.flag("isDefault", False))):
        route(index, node)
    for node in found.of("integrations"):
        integration(index, node)
    warn_of_rest(export, found, USED)
    return export


# People.


def _person(index: Index, node: Node, contacts: list[Node]) -> None:
    username, name = node.text("username"), node.text("fullName", "")
    key = index.add("person", node.key(), username, wishes=(name, username.partition("@")[0], node.key()))
    found = [mail(username)]
    for one in (*node.each("userContacts"), *contacts):
        method = one.text("contactMethod", one.text("method", ""))
        found.append(_contact(method.lower(), one.text("to", ""), secret(key)))
    index.export.people.append(Person(key, name, node.zone("timeZone", "UTC"), unique(found)))


def _contact(method: str, to: str, person: str) -> Contact:
    if method == "email":
        return mail(to)
    if method in ("sms", "voice"):
        return phone("sms" if method == "sms" else "call", to)
    return push(person) if method == "mobile" else other("contact", f"{method} {to}")


# Schedules.


def _roster(
    index: Index, node: Node, overrides: list[Node], timeline: Node | None, escalations: list[Node], now: datetime
) -> Roster:
    name, zone = node.text("name"), node.zone("timezone")
    key = index.add("schedule", node.key(), name, wishes=(name, node.key()))
    if not node.flag("enabled", True):
        index.export.remark("note", f"schedule {name}", "it is disabled there; it is written all the same")
    if node.value.get("rotations") is None:
        raise node.refuse("rotations", "missing; ask with ?expand=rotation, as `pagerctl help import` says")
    rotations = [
        (one.key("id", ""), _layer(index, one, name, zone, escalations, now)) for one in node.each("rotations")
    ]
    layers = [layer for _, layer in rotations if layer]
    changes, above = [], []
    for one in overrides:
        who = _entry(index, one.at("user"), f"schedule {name}", escalations)
        start, end = one.moment("startDate"), one.moment("endDate")
        only = {each.key() for each in one.each("rotations")}
        hidden = [layer for identifier, layer in rotations if layer and identifier in only]
        if only and len(hidden) < len(layers):
            above += [
                _above(layer, who, wall_of(minute_of(start), zone), wall_of(minute_of(end), zone)) for layer in hidden
            ]
        else:
            changes.append(Change(start, end, who))
    if above:
        layers = _stacked(layers, above)
    shown, told = _shown(index, timeline, name) if timeline else ((), None)
    return Roster(key, name, zone, tuple(layers), tuple(changes), shown, told)


def _layer(index: Index, node: Node, roster: str, zone: str, escalations: list[Node], now: datetime) -> Layer | None:
    where, name = f"schedule {roster}", node.text("name", "") or "rotation"
    ring = tuple(_entry(index, one, where, escalations) for one in node.each("participants", needed=True))
    if not any(ring):
        index.export.remark("lost", where, f"rotation {name} has nobody in it: left out")
        return None
    kind = node.text("type")
    if kind not in _LENGTHS:
        raise node.refuse("type", f"unknown: {kind!r}; hourly, daily and weekly are known")
    length = _LENGTHS[kind] * node.number("length", 1, 1, 9000)
    if len(ring) > 1 and (said := drift(length, zone, now)):
        index.export.remark("differs", where, f"rotation {name}: {said}")
    start = node.minutes("startDate", zone)
    return Layer(
        name=name,
        zone=zone,
        ring=ring,
        anchor=start,
        start=start,
        length=length,
        until=node.minutes("endDate", zone) if node.value.get("endDate") else None,
        hours=_hours(node.maybe("timeRestriction")),
    )


def _entry(index: Index, node: Node, where: str, escalations: list[Node]) -> tuple[str, ...]:
    """The people of one participant; of a team all of it, of an escalation those of its first rule."""
    kind = node.text("type")
    if kind == "none":
        return ()
    identifier, name = node.key("id", ""), node.text("name", node.text("username", ""))
    if kind == "user":
        return (index.who(identifier or name, node.text("username", name), where),)
    if kind == "team":
        people = index.members(index.key("team", identifier) or index.key("team", name))
        index.export.remark("differs", where, f"the team {name} takes turns: written as its people of today")
        return people
    if kind == "escalation":
        index.export.remark(
            "differs", where, f"the escalation {name} takes turns: written as the people it begins with"
        )
        return _first(index, identifier, name, escalations, where)
    raise node.refuse("type", f"unknown: {kind!r}; user, team, escalation and none are known")


def _first(index: Index, identifier: str, name: str, escalations: list[Node], where: str) -> tuple[str, ...]:
    for node in escalations:
        if identifier == node.key() or name == node.text("name"):
            recipients = [rule.at("recipient") for rule in node.each("rules")]
            people = [one for one in recipients if one.text("type") == "user"]
            return tuple(index.who(one.key("id", ""), one.text("username", ""), where) for one in people[:1])
    return ()


def _hours(node: Node | None) -> tuple[str, ...]:
    if node is None:
        return ()
    kind = node.text("type")
    if kind == "time-of-day":
        one = node.at("restriction")
        start, end = _clock(one, "start"), _clock(one, "end")
        return weekly((day, start, (end - start) % DAY or 7 * DAY) for day in range(7))
    if kind != "weekday-and-time-of-day":
        raise node.refuse("type", f"unknown: {kind!r}; time-of-day and weekday-and-time-of-day are known")
    pieces = []
    for one in node.each("restrictions", needed=True):
        first, last = _day(one, "startDay"), _day(one, "endDay")
        start, end = first * DAY + _clock(one, "start"), last * DAY + _clock(one, "end")
        pieces.append((first, start % DAY, (end - start) % (7 * DAY) or 7 * DAY))
    return weekly(pieces)


def _clock(node: Node, edge: str) -> int:
    hour, minute = node.number(f"{edge}Hour"), node.number(f"{edge}Min", 0)
    if not (0 <= hour <= 24 and 0 <= minute <= 59):
        raise node.refuse(f"{edge}Hour", f"not a time of day: {hour}:{minute:02}")
    return hour * 60 + minute


def _day(node: Node, key: str) -> int:
    day = node.text(key).lower()
    if day not in _DAYS:
        raise node.refuse(key, f"not a weekday: {day!r}")
    return _DAYS.index(day)


def _above(layer: Layer, who: tuple[str, ...], start: int, end: int) -> tuple[Layer, Layer]:
    """An override of one rotation: a layer over it, with its hours."""
    own = replace(layer, name=f"{layer.name} override", ring=(who,), anchor=start, start=start, until=end)
    return layer, own


def _stacked(layers: list[Layer], above: list[tuple[Layer, Layer]]) -> list[Layer]:
    """Each rotation with the overrides of it alone cut out of it: before, and after."""
    done: list[Layer] = []
    for layer in layers:
        pieces = [layer]
        for _, own in (pair for pair in above if pair[0] is layer):
            pieces = [piece for whole in pieces for piece in _without(whole, own)]
            done.append(own)
        done += pieces
    return done


def _without(layer: Layer, own: Layer) -> Iterator[Layer]:
    until = own.until if own.until is not None else own.start
    if layer.start < own.start:
        yield replace(layer, until=min(own.start, layer.until or own.start))
    if layer.until is None or until < layer.until:
        yield replace(
            layer, start=max(until, layer.start), name=f"{layer.name} on" if layer.start < own.start else layer.name
        )


def _shown(index: Index, node: Node, roster: str) -> tuple[tuple[Shown, ...], tuple[datetime, datetime]]:
    found = []
    for rotation in node.at("finalTimeline").each("rotations"):
        for period in rotation.each("periods"):
            who = period.maybe("recipient")
            people = _recipients(index, [who, *period.each("flattenedRecipients")] if who else [], roster)
            found += [Shown(period.moment("startDate"), period.moment("endDate"), one) for one in people]
    return tuple(found), (node.moment("startDate"), node.moment("endDate"))


def _recipients(index: Index, nodes: list[Node], roster: str) -> list[str]:
    users = [one for one in nodes if one.text("type", "") == "user"]
    return [
        index.who(one.key("id", ""), one.text("name", one.text("username", "")), f"schedule {roster}") for one in users
    ]
