"""PagerDuty, from the answers of its REST API v2: users, teams, schedules, escalation policies and services.

Of the layers of a schedule the first in the answer is the one that wins. Days and weeks count on the wall clock of
the schedule's zone; a turn of hours counts what passes.
"""

import re
from collections.abc import Iterator
from datetime import datetime

from pager.core.importing.contacts import mail, other, phone, push, unique
from pager.core.importing.index import Index, warn_of_pages, warn_of_rest, warn_of_strays
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
from pager.core.importing.turning import drift, rounded, weekly
from pager.core.wall import DAY

USED = "users teams members schedules escalationpolicies services integrations overrides oncalls vendors"
_EVENTS = ("events_api_v2", "generic_events_api", "event_transformer", "nagios", "aws_cloudwatch")
_WEEK, _LONGEST = 7 * 86_400, 366 * 86_400  # seconds
_CLOCK = re.compile(r"(\d\d):(\d\d):?(\d\d)?")


def read(found: Sections, now: datetime) -> Export:
    """All that is understood of it. Raises Unreadable with the place of what cannot be."""
    export = Export("PagerDuty")
    index = Index(export)
    warn_of_pages(export, found)
    for node in found.of("teams"):
        index.team(node)
    for node in found.of("users"):
        _person(index, node)
    for node in found.of("members"):
        who = node.at("user")
        index.join(index.key("team", node.subject), index.who(who.key(), who.text("summary", ""), "members"))
    overrides: dict[str, list[Node]] = {}
    for node in found.of("overrides"):
        overrides.setdefault(node.subject, []).append(node)
    for node in found.of("schedules"):
        export.rosters.append(_roster(index, node, overrides.get(node.key(), []), now))
    warn_of_strays(export, found, "overrides", (node.key() for node in found.of("schedules")))
    warn_of_strays(export, found, "members", (node.key() for node in found.of("teams")))
    for node in found.of("escalationpolicies"):
        export.policies.append(_policy(index, node))
    for node in found.of("services"):
        _service(index, node)
    warn_of_rest(export, found, USED)
    return export


# People.


def _person(index: Index, node: Node) -> None:
    name, email = node.text("name"), node.text("email", "")
    key = index.add("person", node.key(), wishes=(name, email.partition("@")[0], node.key()))
    found = [mail(email)] if email else []
    found += [_contact(one, secret(key)) for one in node.each("contact_methods") if one.value.get("address")]
    index.export.people.append(Person(key, name, node.zone("time_zone", "UTC"), unique(found)))
    if node.value.get("notification_rules"):
        index.export.remark(
            "differs", f"person {name}", "notification rules are not carried over: all contacts at once"
        )
    for team in node.each("teams"):
        index.join(index.key("team", team.key()), key)


def _contact(node: Node, person: str) -> Contact:
    kind, address = node.text("type"), node.text("address")
    if kind.startswith("email"):
        return mail(address)
    number = f"+{node.number('country_code', 1)} {address}"
    if kind.startswith(("phone", "sms")):
        return phone("call" if kind.startswith("phone") else "sms", number)
    return push(person) if kind.startswith("push") else other("contact", kind)


# Schedules.


def _roster(index: Index, node: Node, overrides: list[Node], now: datetime) -> Roster:
    name, zone = node.text("name", node.text("summary", "")), node.zone("time_zone")
    key = index.add("schedule", node.key(), wishes=(name, node.key()))
    if node.value.get("schedule_layers") is None:
        raise node.refuse("schedule_layers", "missing; ask for each schedule by its id, as `pagerctl help import` says")
    layers = [
        layer
        for level, one in enumerate(reversed(node.each("schedule_layers")))
        if (layer := _layer(index, one, name, zone, level, now))
    ]
    shown = [_shown(index, one, name) for one in _rendered(node, "final_schedule")]
    told = (min(one.start for one in shown), max(one.end for one in shown)) if shown else None
    written = overrides or _rendered(node, "overrides_subschedule")
    return Roster(key, name, zone, tuple(layers), tuple(_changes(index, written, name)), tuple(shown), told)


def _rendered(node: Node, part: str) -> list[Node]:
    inner = node.maybe(part)
    return inner.each("rendered_schedule_entries") if inner else []


def _layer(index: Index, node: Node, roster: str, zone: str, level: int, now: datetime) -> Layer | None:
    where, name = f"schedule {roster}", node.text("name", "") or f"layer {level + 1}"
    ring = tuple((_user(index, one, where),) for one in node.each("users", needed=True))
    if not ring:
        index.export.remark("lost", where, f"layer {name} has no users: left out")
        return None
    seconds = node.number("rotation_turn_length_seconds", least=1, most=_LONGEST)
    length = rounded(seconds // 60)
    if length * 60 != seconds:
        said = f"layer {name}: turns of {seconds} s became {length // 60} h; only whole hours can be said here"
        index.export.remark("differs", where, said)
    if len(ring) > 1 and (said := drift(length, zone, now)):
        index.export.remark("differs", where, f"layer {name}: {said}")
    return Layer(
        name=name,
        zone=zone,
        ring=ring,
        anchor=node.minutes("rotation_virtual_start", zone),
        start=node.minutes("start", zone),
        length=length,
        until=node.minutes("end", zone) if node.value.get("end") else None,
        hours=_hours(node.each("restrictions")),
        level=level,
    )


def _hours(nodes: list[Node]) -> tuple[str, ...]:
    pieces: list[tuple[int, int, int]] = []
    for node in nodes:
        start, length = _clock(node, "start_time_of_day"), node.number("duration_seconds", least=60, most=_WEEK) // 60
        kind = node.text("type")
        if kind == "weekly_restriction":
            pieces.append((node.number("start_day_of_week", least=1, most=7) - 1, start, length))
        elif kind != "daily_restriction":
            raise node.refuse("type", f"unknown: {kind!r}; daily_restriction and weekly_restriction are known")
        elif length >= DAY:
            return ()
        else:
            pieces += ((day, start, length) for day in range(7))
    return weekly(pieces)


def _clock(node: Node, key: str) -> int:
    found = _CLOCK.fullmatch(node.text(key))
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        raise node.refuse(key, f"not a time of day: {node.text(key)!r}; it should be like 09:00:00")
    return int(found[1]) * 60 + int(found[2])


def _user(index: Index, node: Node, where: str) -> str:
    who = node.maybe("user") or node
    return index.who(who.key(), who.text("summary", who.text("name", "")), where)


def _shown(index: Index, node: Node, roster: str) -> Shown:
    return Shown(node.moment("start"), node.moment("end"), _user(index, node.at("user"), f"schedule {roster}"))


def _changes(index: Index, nodes: list[Node], roster: str) -> Iterator[Change]:
    for node in nodes:
        who = _user(index, node.at("user"), f"schedule {roster}")
        yield Change(node.moment("start"), node.moment("end"), (who,))


# Policies and services.


def _policy(index: Index, node: Node) -> Policy:
    name = node.text("name", node.text("summary", ""))
    teams = [index.key("team", team.key()) for team in node.each("teams")]
    key = index.add("policy", node.key(), wishes=(name, node.key()))
    steps = tuple(
        Step(tuple(_targets(index, one, name)), one.number("escalation_delay_in_minutes", 30, 0))
        for one in node.each("escalation_rules", needed=True)
    )
    if len(teams) > 1:
        index.export.remark("differs", f"policy {name}", f"belongs to {len(teams)} teams; here to {teams[0]} alone")
    return Policy(key, name, steps, node.number("num_loops", 0, 0), next(filter(None, teams), ""))


def _targets(index: Index, node: Node, policy: str) -> Iterator[Target]:
    for target in node.each("targets", needed=True):
        kind, identifier = target.text("type"), target.key()
        if kind.startswith("user"):
            yield Target("person", index.who(identifier, target.text("summary", ""), f"policy {policy}"))
        elif key := index.key("schedule", identifier):
            yield Target("schedule", key)
        else:
            said = f"{target.text('summary', identifier)} ({kind}) is not in the export: not paged"
            index.export.remark("lost", f"policy {policy}", said)


def _service(index: Index, node: Node) -> None:
    name, where = node.text("name", node.text("summary", "")), f"service {node.text('name', '')}"
    owner = node.maybe("escalation_policy")
    policy = index.key("policy", owner.key()) if owner else ""
    if node.text("status", "") == "disabled":
        index.export.remark("note", where, "it is disabled there; its senders are written all the same")
    urgency = node.maybe("incident_urgency_rule")
    if urgency and urgency.text("urgency", "") not in ("", "high"):
        said = f"urgency {urgency.text('urgency')} is not carried over: the sender's word for severity decides here"
        index.export.remark("differs", where, said)
    events = [one for one in node.each("integrations") if one.text("type", "").startswith(_EVENTS)]
    for one in node.each("integrations"):
        if one not in events:
            said = f"{one.text('summary', one.key())} ({one.text('type', 'unknown')}) posts no events: not carried over"
            index.export.remark("lost", where, said)
    for one in events or [node]:
        vendor = f" {one.text('summary', '')}" if one is not node else ""
        key = index.add("source", one.key(), wishes=(name if len(events) < 2 else f"{name}{vendor}", one.key()))
        said = f"Service {name}:{vendor}" if vendor else f"Service {name}"
        index.export.sources.append(Source(key, "pagerduty", secret(key, "key"), policy, said))
