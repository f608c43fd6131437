"""Grafana OnCall, from the answers of its HTTP API: users, teams, schedules, shifts, escalation chains and routes.

Of shifts that overlap the one of the higher level is on call, those of one level together. A time without a zone is
what the clock of the shift's zone reads, and of the schedule's if it has none.
"""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from pager.core.importing.contacts import mail, other, push, unique
from pager.core.importing.grafana_shifts import LONGEST, layer_of
from pager.core.importing.index import Index, warn_of_pages, warn_of_rest
from pager.core.importing.model import Change, Export, Layer, Person, Policy, Roster, Rule, Shown, Source, Step, Target
from pager.core.importing.reading import Node, Sections, secret
from pager.core.importing.turning import drift

USED = "users teams schedules oncallshifts escalationchains escalationpolicies integrations routes finalshifts"
_LAST_WAIT, _REPEATS = 5, 5
_DIALECTS = {
    "alertmanager": "alertmanager",
    "grafana": "grafana",
    "grafana_alerting": "grafana",
    "legacy_alertmanager": "alertmanager",
    "legacy_grafana_alerting": "grafana",
}
_EQUALS = re.compile(
    r"\{\{\s*payload\.(?:commonLabels|groupLabels|labels)\.([A-Za-z_]\w*)\s*==\s*(?:\"([^\"\\]*)\"|'([^'\\]*)')\s*\}\}"
)


def read(found: Sections, now: datetime) -> Export:
    """All that is understood of it. Raises Unreadable with the place of what cannot be."""
    export = Export("Grafana OnCall")
    index = Index(export)
    warn_of_pages(export, found)
    for node in found.of("teams"):
        index.team(node)
    for node in found.of("users"):
        _person(index, node)
    shifts = found.of("oncallshifts")
    for node in found.of("schedules"):
        shown = [one for one in found.of("finalshifts") if one.subject == node.key()]
        export.rosters.append(_roster(index, node, shifts, shown, now))
    policies = found.of("escalationpolicies")
    for node in found.of("escalationchains"):
        export.policies.append(
            _policy(index, node, [one for one in policies if one.key("escalation_chain_id") == node.key()])
        )
    routes = sorted(found.of("routes"), key=lambda one: one.number("position", 0))
    for node in found.of("integrations"):
        _integration(index, node, [one for one in routes if one.key("integration_id") == node.key()])
    warn_of_rest(export, found, USED)
    return export


def _person(index: Index, node: Node) -> None:
    username, email = node.text("username"), node.text("email", "")
    key = index.add("person", node.key(), wishes=(username.partition("@")[0], email.partition("@")[0], node.key()))
    found = [mail(email)] if email else []
    found += [push(secret(key))] + ([other("chat", "Slack")] if node.each("slack") else [])
    if node.value.get("is_phone_number_verified"):
        found.append(other("call", "a phone number, which the API does not tell"))
    index.export.people.append(Person(key, node.text("name", username), node.zone("timezone", "UTC"), unique(found)))
    for team in node.texts("teams"):
        index.join(index.key("team", team), key)


# Schedules.


def _roster(index: Index, node: Node, shifts: list[Node], final: list[Node], now: datetime) -> Roster:
    name, zone = node.text("name"), node.zone("time_zone")
    key, where = index.add("schedule", node.key(), wishes=(name, node.key())), f"schedule {name}"
    kind = node.text("type", "calendar")
    if kind == "ical" or node.value.get("ical_url_primary"):
        index.export.remark("lost", where, "its turns come from a calendar elsewhere; write a rotation by hand")
    if node.value.get("ical_url_overrides"):
        index.export.remark("lost", where, "its overrides come from a calendar elsewhere: not carried over")
    listed, layers = set(node.texts("shifts")), []
    changes: list[Change] = []
    for shift in shifts:
        if shift.key() not in listed and shift.key("schedule", "") != node.key():
            continue
        # What the web page made is in UTC, whatever zone the schedule is shown in.
        own = zone if shift.key() in listed and kind != "web" else "UTC"
        if shift.text("type") == "override":
            changes += _override(index, shift, own, where)
        elif layer := layer_of(index, shift, own, kind == "web", where):
            layers.append(layer)
            _warn_of(index, layer, where, now)
    if missing := listed - {shift.key() for shift in shifts}:
        index.export.remark("lost", where, f"shifts that are not in the export: {', '.join(sorted(missing))}")
    shown, told = _shown(index, node, final, where, now)
    return Roster(key, name, zone, tuple(layers), tuple(changes), shown, told)


def _warn_of(index: Index, layer: Layer, where: str, now: datetime) -> None:
    if layer.length and len(layer.ring) > 1 and (said := drift(layer.length, layer.zone, now)):
        index.export.remark("differs", where, f"shift {layer.name}: {said}")
    if any(not entry for entry in layer.ring):
        said = (
            f"shift {layer.name} pauses between its turns; in the pauses a shift of a lower level would be hidden here"
        )
        index.export.remark("differs", where, said)


def _override(index: Index, node: Node, zone: str, where: str) -> Iterator[Change]:
    start = node.moment("start", node.zone("time_zone", zone))
    users = node.texts("users") or [str(one) for group in node.value.get("rolling_users") or [] for one in group]
    people = tuple(dict.fromkeys(index.who(one, "", where) for one in users))
    if people:
        yield Change(
            start,
            start + timedelta(seconds=node.number("duration", least=60, most=LONGEST)),
            people,
            why=node.text("name", ""),
        )


def _shown(
    index: Index, node: Node, final: list[Node], where: str, now: datetime
) -> tuple[tuple[Shown, ...], tuple[datetime, datetime] | None]:
    """The final shifts, up to where the last of them starts; without them who is on call now, if that is said."""
    if final:
        found = [
            Shown(
                one.moment("shift_start"),
                one.moment("shift_end"),
                index.who(one.key("user_pk"), one.text("user_username", ""), where),
            )
            for one in final
        ]
        return tuple(found), (min(one.start for one in found), max(one.start for one in found))
    if "on_call_now" not in node.value:
        return (), None
    soon = now + timedelta(minutes=1)
    people = [index.who(one, "", where) for one in node.texts("on_call_now")]
    return tuple(Shown(now, soon, one) for one in people), (now, soon)


# Escalation chains.


def _policy(index: Index, node: Node, written: list[Node]) -> Policy:
    name = node.text("name")
    where = f"escalation chain {name}"
    key = index.add("policy", node.key(), wishes=(name, node.key()))
    steps: list[Step] = []
    page: list[Target] = []
    repeat = 0
    for one in sorted(written, key=lambda each: each.number("position", 0)):
        kind = one.text("type")
        if kind == "wait":
            wait = max(1, round(one.number("duration", 60 * _LAST_WAIT, 0) / 60))
            if page:
                steps.append(Step(tuple(page), wait))
                page = []
            elif steps:
                steps[-1] = Step(steps[-1].page, steps[-1].wait + wait)
            else:
                index.export.remark(
                    "differs", where, f"it waits {wait} min before its first step; here that pages at once"
                )
        elif kind == "repeat_escalation":
            repeat = _REPEATS
        else:
            page += _targets(index, one, kind, where)
    steps += [Step(tuple(page), _LAST_WAIT)] if page else []
    return Policy(key, name, tuple(steps), repeat, index.key("team", node.text("team_id", "")))


def _targets(index: Index, node: Node, kind: str, where: str) -> Iterator[Target]:
    if kind == "notify_on_call_from_schedule":
        schedule = node.key("notify_on_call_from_schedule", "")
        if key := index.key("schedule", schedule):
            yield Target("schedule", key)
        else:
            index.export.remark("lost", where, f"schedule {schedule} is not in the export: not paged")
    elif kind in ("notify_persons", "notify_person_next_each_time"):
        if kind != "notify_persons":
            index.export.remark("differs", where, "one person after the other, each time the next: here all of them")
        users = node.texts("persons_to_notify") + node.texts("persons_to_notify_next_each_time")
        yield from (Target("person", index.who(one, "", where)) for one in users)
    elif kind == "notify_team_members" and (key := index.key("team", node.key("team_to_notify", ""))):
        yield Target("team", key)
    else:
        index.export.remark("lost", where, f"{kind}: there is no such step here")


# Integrations and routes.


def _integration(index: Index, node: Node, routes: list[Node]) -> None:
    name, kind = node.text("name", "") or node.key(), node.text("type")
    where, default = f"integration {name}", node.maybe("default_route")
    policy = index.key("policy", default.key("escalation_chain_id", "")) if default else ""
    key = index.add("source", node.key(), wishes=(name, node.key()))
    if kind in ("inbound_email", "manual", "direct_paging"):
        index.export.remark("lost", where, f"{kind} posts no alerts here: not carried over")
        return
    if kind not in _DIALECTS:
        index.export.remark(
            "differs", where, f"{kind} becomes a generic source; `pagerctl source try` shows what it reads"
        )
    dialect = _DIALECTS.get(kind, "generic")
    for route in routes:
        if route.flag("is_the_last_route", False):
            policy = policy or index.key("policy", route.key("escalation_chain_id", ""))
        else:
            _route(index, route, key, name)
    index.export.sources.append(Source(key, dialect, secret(key, "token"), policy, f"Integration {name} ({kind})"))


def _route(index: Index, node: Node, source: str, name: str) -> None:
    title, query = f"{name} {node.number('position', 0) + 1}", node.text("routing_regex", "")
    policy = index.key("policy", node.key("escalation_chain_id", ""))
    found = _EQUALS.fullmatch(query.strip())
    if not policy:
        index.export.remark(
            "lost", f"route {title}", "it leads to no escalation chain; here every alert has a policy: left out"
        )
    elif found is None:
        said = f"Route {title} to the policy {policy}: write `match` for what was asked of the whole body: {query}"
        index.export.rules.append(Rule(title, (), policy, said))
        index.export.remark(
            "lost", f"route {title}", f"a query over the whole body, written as a comment: {query[:80]}"
        )
    else:
        value = found[2] if found[2] is not None else found[3]
        index.export.rules.append(Rule(title, (f"source = {source}", f'{found[1]} = "{value}"'), policy))
