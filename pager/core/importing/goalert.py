"""GoAlert, from answers of its GraphQL API: users, rotations, schedules, overrides, escalation policies, services.

All rules of a schedule that are active are on call together. Turns and hours count on wall clocks; a rotation counts
in its own zone, and only its active index says who is on, so the answer has to be of today.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from typing import Any

from pager.core.importing.contacts import mail, other, phone, unique
from pager.core.importing.index import Index, warn_of_pages, warn_of_rest
from pager.core.importing.model import (
    Change,
    Contact,
    Export,
    Layer,
    Person,
    Policy,
    Roster,
    Shown,
    Source,
    Step,
    Target,
)
from pager.core.importing.reading import Node, Sections, secret
from pager.core.importing.turning import next_change, weekly
from pager.core.wall import DAY, datetime_of, minute_of, wall_minute, wall_of

USED = "users rotations schedules useroverrides escalationpolicies services"
_LENGTHS = {"hourly": 60, "daily": DAY, "weekly": 7 * DAY}
_DIALECTS = {
    "generic": "generic",
    "grafana": "grafana",
    "prometheusAlertmanager": "alertmanager",
    "universal": "generic",
}
_LAST_DAY = 28  # of the month, which every month has
_CLOCK = re.compile(r"(\d\d):(\d\d)")


def read(found: Sections, now: datetime) -> Export:
    """All that is understood of it. Raises Unreadable with the place of what cannot be."""
    export = Export("GoAlert")
    index = Index(export)
    warn_of_pages(export, found)
    for node in found.of("users"):
        _person(index, node)
    rotations = {node.key(): node for node in found.of("rotations")}
    overrides: dict[str, list[Node]] = {}
    for node in found.of("useroverrides"):
        overrides.setdefault(node.at("target").key(), []).append(node)
    for node in found.of("schedules"):
        export.rosters.append(_roster(index, node, rotations, overrides.get(node.key(), []), now))
    for node in found.of("escalationpolicies"):
        export.policies.append(_policy(index, node, rotations, now))
    for node in found.of("services"):
        _service(index, node)
    warn_of_rest(export, found, USED)
    return export


def _person(index: Index, node: Node) -> None:
    name, email = node.text("name"), node.text("email", "")
    key = index.add("person", node.key(), wishes=(name, email.partition("@")[0], node.key()))
    found = [_contact(one) for one in node.each("contactMethods") if not one.flag("disabled", False)]
    found += [mail(email)] if email and not any(one.key == "mail" for one in found) else []
    index.export.people.append(Person(key, name, "", unique(found)))


def _contact(node: Node) -> Contact:
    dest = node.maybe("dest")
    kind = dest.text("type") if dest else node.text("type")
    said = dest.at("args").value if dest else {"value": node.text("value")}
    value = next((text for text in said.values() if isinstance(text, str)), "")
    if kind in ("EMAIL", "builtin-smtp-email"):
        return mail(value)
    if kind in ("SMS", "builtin-twilio-sms"):
        return phone("sms", value)
    return phone("call", value) if kind in ("VOICE", "builtin-twilio-voice") else other("contact", kind)


# Schedules.


def _roster(index: Index, node: Node, rotations: dict[str, Node], overrides: list[Node], now: datetime) -> Roster:
    name, zone = node.text("name"), node.zone("timeZone")
    key, where = index.add("schedule", node.key(), wishes=(name, node.key())), f"schedule {name}"
    layers = []
    for one in node.each("targets", needed=True):
        target, rules = one.at("target"), [_rule(rule) for rule in one.each("rules")]
        hours = _hours(rules)
        if not rules or hours is None:
            continue
        if target.text("type") == "rotation":
            if target.key() not in rotations:
                index.export.remark("lost", where, f"rotation {target.text('name', target.key())} is not in the export")
                continue
            layer = _rotation(index, rotations[target.key()], zone if hours else "", hours, now)
        else:
            who = index.who(target.key(), target.text("name", ""), where)
            start = wall_of(minute_of(now), zone) // DAY * DAY
            layer = Layer(target.text("name", who), zone, ((who,),), start, start, hours=hours)
        layers += [layer] if layer else []
    changes = [change for one in overrides for change in _change(index, one, where)]
    changes += [change for one in node.each("temporarySchedules") for change in _temporary(index, one, where)]
    shown = tuple(
        Shown(one.moment("start"), one.moment("end"), index.who(one.key("userID"), "", where))
        for one in node.each("shifts")
    )
    told = (min(one.start for one in shown), max(one.end for one in shown)) if shown else None
    return Roster(key, name, zone, tuple(layers), tuple(changes), shown, told)


def _rotation(index: Index, node: Node, zone: str, hours: tuple[str, ...], now: datetime) -> Layer | None:
    """The rotation as a layer whose wall times are read in `zone`; in its own zone if that is empty."""
    own, name = node.zone("timeZone"), node.text("name")
    users = [index.who(one, "", f"rotation {name}") for one in node.texts("userIDs", needed=True)]
    if not users:
        index.export.remark("lost", f"rotation {name}", "it has no users: left out")
        return None
    if zone and own != zone and len(users) > 1:
        changes = [at for at in (next_change(own, now), next_change(zone, now)) if at]
        since = f", from {min(changes):%Y-%m-%dT%H:%MZ} on" if changes else ""
        said = f"its turns change by the clock of {own}, here by that of {zone}: they differ where those do{since}"
        index.export.remark("differs", f"rotation {name}", said)
    zone, active = zone or own, node.number("activeUserIndex", least=0, most=len(users) - 1)
    ring = tuple((who,) for who in users[active:] + users[:active])
    kind, count = node.text("type"), node.number("shiftLength", 1, 1, 9000)
    if kind == "monthly":
        return _monthly(index, node, ring, zone, hours, count, now)
    if kind not in _LENGTHS:
        raise node.refuse("type", f"unknown: {kind!r}; hourly, daily, weekly and monthly are known")
    length, start = _LENGTHS[kind] * count, node.minutes("start", zone)
    following = _following(node, zone)
    if following is None and len(users) > 1:
        index.export.remark("note", f"rotation {name}", "without nextHandoffTimes its active index is taken as of now")
    at = wall_of(minute_of(now), zone) if following is None else following - 1
    begun = start + (at - start) // length * length
    return Layer(name, zone, ring, begun, begun, length, hours=hours)


def _following(node: Node, zone: str) -> int | None:
    """The hand-off at which the active turn ends."""
    times = node.texts("nextHandoffTimes")
    return Node({"at": times[0]}, f"{node.path}.nextHandoffTimes").minutes("at", zone) if times else None


def _monthly(
    index: Index, node: Node, ring: Any, zone: str, hours: tuple[str, ...], count: int, now: datetime
) -> Layer:
    start, following = node.minutes("start", zone), _following(node, zone)
    first = datetime_of(start)
    day = min(first.day, _LAST_DAY)
    if day < first.day:
        said = f"its turns begin on the {first.day}th, which not every month has; here on the {day}th"
        index.export.remark("differs", f"rotation {node.text('name')}", said)
    at = datetime_of(wall_of(minute_of(now), zone) if following is None else following - 1)
    months = (at.year - first.year) * 12 + at.month - first.month
    if (at.day, at.hour, at.minute) < (day, first.hour, first.minute):
        months -= 1
    months = first.month - 1 + months // count * count
    begun = wall_minute(first.replace(year=first.year + months // 12, month=months % 12 + 1, day=day, tzinfo=None))
    cron = f"{first.minute} {first.hour} {day} * *"
    return Layer(node.text("name"), zone, ring, begun, begun, handoff=cron, every=count, hours=hours)


def _rule(node: Node) -> tuple[str, str, tuple[bool, ...]]:
    """Start, end, and the weekdays from Monday on."""
    days = node.value.get("weekdayFilter")
    if not isinstance(days, list) or len(days) != 7 or not all(isinstance(day, bool) for day in days):
        raise node.refuse("weekdayFilter", "not seven of true and false, Sunday first")
    clocks = [node.text("start"), node.text("end")]
    for key, clock in zip(("start", "end"), clocks, strict=True):
        if not (shape := _CLOCK.fullmatch(clock)) or int(shape[1]) > 24 or int(shape[2]) > 59:
            raise node.refuse(key, f"not a time of day: {clock!r}; it should be like 09:00")
    return clocks[0], clocks[1], (*days[1:], days[0])


def _hours(rules: list[tuple[str, str, tuple[bool, ...]]]) -> tuple[str, ...] | None:
    """The hours of all rules together: none where one is always active, None where none ever is."""
    pieces: list[tuple[int, int, int]] = []
    for start, end, days in rules:
        if all(days) and start == end:
            return ()
        first, last = (int(clock[:2]) * 60 + int(clock[3:]) for clock in (start, end))
        pieces += ((day, first, (last - first) % DAY or DAY) for day in range(7) if days[day])
    return weekly(pieces) if pieces else None


def _change(index: Index, node: Node, where: str) -> Iterator[Change]:
    start, end = node.moment("start"), node.moment("end")
    added, removed = node.text("addUserID", ""), node.text("removeUserID", "")
    who = (index.who(added, "", where),) if added else ()
    gone = index.who(removed, "", where) if removed else ""
    if who and gone:
        yield Change(start, end, who, "replace", gone)
    elif who or gone:
        yield Change(start, end, who or (gone,), "add" if who else "remove")


def _temporary(index: Index, node: Node, where: str) -> Iterator[Change]:
    """A temporary schedule: in its window its own shifts and nobody else."""
    start, end = node.moment("start"), node.moment("end")
    shifts = [
        (one.moment("start"), one.moment("end"), index.who(one.key("userID"), "", where)) for one in node.each("shifts")
    ]
    edges = sorted({start, end, *(min(max(at, start), end) for one in shifts for at in one[:2])})
    for begin, stop in pairwise(edges):
        people = tuple(dict.fromkeys(who for first, last, who in shifts if first <= begin < last))
        yield Change(begin, stop, people, why="temporary schedule")


# Policies and services.


def _policy(index: Index, node: Node, rotations: dict[str, Node], now: datetime) -> Policy:
    name = node.text("name")
    key = index.add("policy", node.key(), wishes=(name, node.key()))
    written = sorted(node.each("steps", needed=True), key=lambda one: one.number("stepNumber", 0))
    steps = tuple(
        Step(tuple(_targets(index, one, f"policy {name}", rotations, now)), one.number("delayMinutes", least=0))
        for one in written
    )
    return Policy(key, name, steps, node.number("repeat", 0, 0))


def _targets(index: Index, node: Node, where: str, rotations: dict[str, Node], now: datetime) -> Iterator[Target]:
    """Those of `actions`, as newer servers say them, else of `targets`."""
    for one in node.each("actions") or node.each("targets"):
        kind = one.text("type").removeprefix("builtin-")
        identifier = one.at("args").text(f"{kind}_id", "") if "args" in one.value else one.key()
        if kind == "user":
            yield Target("person", index.who(identifier, one.text("name", ""), where))
        elif kind == "schedule" and (key := index.key("schedule", identifier)):
            yield Target("schedule", key)
        elif kind == "rotation" and identifier in rotations:
            yield Target("schedule", _alone(index, rotations[identifier], now))
        else:
            index.export.remark(
                "lost", where, f"{kind} {one.text('name', identifier)} is not paged: no such target here"
            )


def _alone(index: Index, node: Node, now: datetime) -> str:
    """The roster of a rotation that a policy pages by itself."""
    if key := index.key("schedule", f"rotation {node.key()}"):
        return key
    name = node.text("name")
    key = index.add("schedule", f"rotation {node.key()}", wishes=(name, node.key()))
    layer = _rotation(index, node, "", (), now)
    index.export.rosters.append(Roster(key, name, node.zone("timeZone"), (layer,) if layer else ()))
    return key


def _service(index: Index, node: Node) -> None:
    name = node.text("name")
    policy = index.key("policy", node.key("escalationPolicyID", ""))
    for one in node.each("integrationKeys"):
        kind = one.text("type")
        if kind not in _DIALECTS:
            index.export.remark(
                "lost", f"service {name}", f"key {one.text('name', '')} is for {kind}: not carried over"
            )
            continue
        key = index.add("source", one.key(), wishes=(f"{name} {one.text('name', '')}", one.key()))
        said = f"Service {name}: {one.text('name', '')} ({kind})"
        index.export.sources.append(Source(key, _DIALECTS[kind], secret(key, "token"), policy, said))
    for one in node.each("heartbeatMonitors"):
        said = (
            f"heartbeat {one.text('name', '')} every {one.number('timeoutMinutes', 0)} min: write it below heartbeats:"
        )
        index.export.remark("lost", f"service {name}", said)
