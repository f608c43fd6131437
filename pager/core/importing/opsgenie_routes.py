"""Opsgenie's escalations, routing rules and integrations as policies, rules and sources."""

import re
from collections.abc import Iterator

from pager.core.importing.index import Index
from pager.core.importing.model import Policy, Rule, Source, Step, Target
from pager.core.importing.reading import Node, secret
from pager.core.wall import DAY

_UNITS = {"minutes": 1, "hours": 60, "days": DAY}
_LAST_WAIT = 10
_LABELS = {"entity": "entity", "priority": "priority", "tags": "tags"}
_REGEX = {"contains": ".*{}.*", "starts-with": "{}.*", "ends-with": ".*{}"}


def policy_of(index: Index, node: Node) -> Policy:
    name = node.text("name")
    where, owner = f"escalation {name}", node.maybe("ownerTeam")
    key = index.add("policy", node.key(), name, wishes=(name, node.key()))
    by_delay: dict[int, list[Target]] = {}
    for rule in node.each("rules", needed=True):
        by_delay.setdefault(_minutes(rule.at("delay")), []).extend(_targets(index, rule, where))
    delays = sorted(by_delay)
    if delays and delays[0] > 0:
        index.export.remark(
            "differs", where, f"its first rule waits {delays[0]} min; the first step here pages at once"
        )
    steps = tuple(
        Step(tuple(by_delay[delay]), (later - delay) if later else _LAST_WAIT)
        for delay, later in zip(delays, [*delays[1:], 0], strict=True)
    )
    again = node.maybe("repeat")
    return Policy(
        key, name, steps, again.number("count", 0, 0) if again else 0, index.key("team", owner.key()) if owner else ""
    )


def _minutes(node: Node) -> int:
    unit = node.text("timeUnit", "minutes").lower()
    if unit not in _UNITS:
        raise node.refuse("timeUnit", f"unknown: {unit!r}; minutes, hours and days are known")
    return node.number("timeAmount", 0, 0) * _UNITS[unit]


def _targets(index: Index, node: Node, where: str) -> Iterator[Target]:
    who, notify = node.at("recipient"), node.text("notifyType", "default")
    kind, name = who.text("type"), who.text("name", who.text("username", ""))
    if node.text("condition", "if-not-acked") != "if-not-acked":
        said = f"a rule {node.text('condition')} pages until an acknowledgement here, not until a close"
        index.export.remark("differs", where, said)
    key = index.key(kind, who.key("id", "")) or index.key(kind, name)
    if kind == "user":
        yield Target("person", index.who(who.key("id", "") or name, name, where))
    elif kind == "schedule" and key:
        if notify not in ("default", "next"):
            index.export.remark("differs", where, f"{notify} of the schedule {name}: whoever is on call is paged")
        yield Target("schedule", key, 2 if notify == "next" else 1)
    elif kind == "team" and key:
        if notify not in ("default", "all"):
            index.export.remark("differs", where, f"{notify} of the team {name}: all of it is paged")
        yield Target("team", key)
    else:
        index.export.remark("lost", where, f"{kind} {name} is not in the export: not paged")


# Routing and integrations.


def route(index: Index, node: Node) -> None:
    team = next((one for one in index.export.teams if one.key == index.key("team", node.subject)), None)
    name = f"{team.name if team else node.subject}: {node.text('name', 'routing rule')}"
    where, notify = f"routing {name}", node.at("notify")
    policy = _notified(index, notify, where)
    criteria = node.maybe("criteria")
    wholes = list(_criteria(criteria)) if criteria else [()]
    if node.value.get("timeRestriction"):
        index.export.remark("differs", where, "its hours are not carried over: it holds always")
    responders = [f"responders =~ {_quoted(f'(.*,)?{_literal(team.name)}(,.*)?')}"] if team else []
    for number, match in enumerate(wholes):
        if match is None:
            said = f"Rule {name}: its conditions cannot be said here; write it by hand"
            index.export.rules.append(Rule(name, (), policy, said))
            index.export.remark("lost", where, "its conditions are about what is no label here: written as a comment")
        elif policy:
            title = name if not number else f"{name} ({number + 1})"
            index.export.rules.append(Rule(title, (*responders, *match), policy))


def _notified(index: Index, node: Node, where: str) -> str:
    """The key of the policy that the rule leads to; one of a single step for a schedule."""
    kind, name = node.text("type"), node.text("name", "")
    if kind == "none":
        index.export.remark("lost", where, "it notifies nobody; here every alert has a policy: left out")
        return ""
    key = index.key("policy" if kind == "escalation" else "schedule", node.key("id", "")) or index.key(
        "policy" if kind == "escalation" else "schedule", name
    )
    if not key:
        index.export.remark("lost", where, f"{kind} {name} is not in the export: left out")
    if kind != "schedule" or not key:
        return key
    policy = index.key("policy", f"schedule {key}")
    if not policy:
        policy = index.add("policy", f"schedule {key}", wishes=(key,))
        step = Step((Target("schedule", key),), _LAST_WAIT)
        index.export.policies.append(Policy(policy, f"{name}, by a routing rule", (step,)))
    return policy


def _criteria(node: Node) -> Iterator[tuple[str, ...] | None]:
    """The matchers of each rule it takes, or None where one cannot be said."""
    kind = node.text("type")
    if kind == "match-all":
        yield ()
        return
    matchers = [_matcher(one) for one in node.each("conditions", needed=True)]
    if kind == "match-any-condition":
        yield from ((one,) if one else None for one in matchers)
    else:
        yield tuple(filter(None, matchers)) if all(matchers) else None


def _matcher(node: Node) -> str:
    field, operation = node.text("field"), node.text("operation").replace("_", "-")
    value, negated = node.text("expectedValue", ""), node.flag("not", False)
    label = node.text("key", "") if field in ("details", "extra-properties") else _LABELS.get(field, "")
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", label) or "\n" in value:
        return ""
    if operation in ("equals", "equals-ignore-whitespace"):
        return f"{label} {'!=' if negated else '='} {_quoted(value)}"
    if operation == "matches":
        return f"{label} {'!~' if negated else '=~'} {_quoted(value)}"
    if operation in _REGEX:
        return f"{label} {'!~' if negated else '=~'} {_quoted(_REGEX[operation].format(_literal(value)))}"
    if operation == "is-empty":
        return f'{label} {"!=" if negated else "="} ""'
    return ""


def _literal(text: str) -> str:
    """`text` inside a regular expression, escaped where it has to be and nowhere else."""
    return re.sub(r"([\\.^$*+?()\[\]{}|])", r"\\\1", text)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def integration(index: Index, node: Node) -> None:
    name, kind = node.text("name"), node.text("type")
    if kind.lower().endswith("email") or kind.lower().startswith(("slack", "jira", "webhook")):
        index.export.remark("lost", f"integration {name}", f"{kind} posts no alerts by the API: not carried over")
        return
    key = index.add("source", node.key(), wishes=(name, node.key()))
    index.export.sources.append(Source(key, "opsgenie", secret(key, "key"), "", f"{kind} integration {name}"))
