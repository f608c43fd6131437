"""Lint: what the files may say and their writers hardly mean, and what this version reads but does not do yet."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from pager.core.catalog import Catalog
from pager.core.documents import PeopleFile, RulesFile
from pager.core.duration import format_duration
from pager.core.findings import Finding, Part
from pager.core.matcher import Matcher
from pager.core.oncall import runs, timeline
from pager.core.policy import SHORT_WAIT, Policy
from pager.core.references import targets_of
from pager.core.rule import Rule
from pager.core.schedule import Loc, Schedule
from pager.core.severity import SHIPPED

LOOKS_AHEAD = timedelta(days=30)
_MOST_GAPS = 3
_SO_FAR = {"stakeholders": "stakeholders: whoever leads is reminded of them, pager itself tells them nothing yet"}
_NOT_YET = {"stakeholders": "W904", "slos": "W905", "status_page": "W906", "reach": "W907"}
_URGENT = ("SEV-1", "SEV-2")


def lint(parts: Sequence[Part], catalog: Catalog) -> list[Finding]:
    """The findings that need no clock; all are warnings."""
    rules = [(part, part.content) for part in parts if isinstance(part.content, RulesFile)]
    people = [(part, part.content) for part in parts if isinstance(part.content, PeopleFile)]
    several = len(catalog.rules) > 1
    found = [finding for part, content in rules for finding in _of_rules(part, content, catalog, several)]
    found += [finding for part, content in people for finding in _of_people(part, content, catalog)]
    found += _same_names([part for part, _ in rules])
    return [*found, *_shipped(parts, catalog)]


def gaps(parts: Sequence[Part], now: datetime) -> list[Finding]:
    """A warning for each stretch of the next 30 days in which a schedule has nobody; `gaps: ok` silences it, too."""
    return [
        part.warning(("schedule",), "W310", said)
        for part in parts
        if isinstance(part.content, Schedule) and part.content.gaps is None and "gaps" not in part.content.lint
        for said in _gaps(part.content, now)
    ]


def _gaps(schedule: Schedule, now: datetime) -> Iterator[str]:
    start, zone = now.replace(second=0, microsecond=0), ZoneInfo(schedule.timezone)
    empty = [run for run in runs(timeline(schedule, start, start + LOOKS_AHEAD)) if not run.people]
    for run in empty[:_MOST_GAPS]:
        first, last = run.start.astimezone(zone), run.end.astimezone(zone)
        length = _spoken(run.end - run.start)
        yield f"nobody on call {first:%Y-%m-%d %H:%M} - {last:%Y-%m-%d %H:%M} ({length}) {schedule.timezone}"
    if len(empty) > _MOST_GAPS:
        more = f"{len(empty) - _MOST_GAPS} more stretches of the next 30 days"
        yield f"nobody on call in {more}; write gaps: ok if that is meant"


def _spoken(length: timedelta) -> str:
    """`14 h`, `30 d`, `1 h 30 min`."""
    minutes = length // timedelta(minutes=1)
    parts = ((minutes // 1440, "d"), (minutes % 1440 // 60, "h"), (minutes % 60, "min"))
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "less than a minute"


def _of_rules(part: Part, content: RulesFile, catalog: Catalog, several: bool) -> Iterator[Finding]:
    yield from _never_reached(part, content.rules)
    for number, rule in enumerate(content.rules):
        yield from _of_rule(part, ("rules", number), rule, catalog)
        if several and not content.match and rule.severity in _URGENT and _catches_all(rule):
            said = f'"{rule.name}" makes every alert of every team {rule.severity}: give the file a top-level match:'
            yield part.warning(("rules", number), "W202", said)
    for number, heartbeat in enumerate(content.heartbeats):
        yield from _file(part, ("heartbeats", number, "runbook"), heartbeat.runbook, catalog)
    for name, policy in content.policies.items():
        yield from _of_policy(part, ("policies", name), policy, catalog)
    for key, code in _NOT_YET.items():
        if getattr(content, key):
            yield part.warning((key,), code, _SO_FAR.get(key, f"{key}: is read, not acted on yet"), at_key=True)


def _of_rule(part: Part, path: Loc, rule: Rule, catalog: Catalog) -> Iterator[Finding]:
    yield from _file(part, (*path, "runbook"), rule.runbook, catalog)
    if rule.recovery is not None:
        yield from _file(part, (*path, "recovery", "plan"), rule.recovery.plan, catalog)


def _file(part: Part, path: Loc, runbook: str, catalog: Catalog) -> Iterator[Finding]:
    if runbook.startswith("runbooks/") and runbook not in catalog.runbooks:
        said = f'no file "{runbook}"'
        yield part.warning(path, "W205", said, word=runbook, known=tuple(sorted(catalog.runbooks)))


def _catches_all(rule: Rule) -> bool:
    return all(matcher.operator == "=~" and matcher.value in (".*", ".+") for matcher in rule.match)


def _never_reached(part: Part, rules: Sequence[Rule]) -> Iterator[Finding]:
    """A rule is never reached when an earlier one asks for less: a subset of its matchers.

    An earlier rule is looked for by its rarest matcher alone, so that ten thousand rules need no pairs.
    """
    common = Counter(matcher for rule in rules for matcher in set(rule.match))
    earlier: dict[Matcher | None, list[tuple[frozenset[Matcher], int]]] = {}
    for number, rule in enumerate(rules):
        wanted = frozenset(rule.match)
        candidates = [known for key in (None, *wanted) for known in earlier.get(key, ())]
        before = min((at for asked, at in candidates if asked <= wanted), default=None)
        if before is not None:
            place = part.place(("rules", before))
            said = f'never reached: "{rules[before].name}" ({place}) catches the same alerts first'
            yield part.warning(("rules", number), "W201", said)
        else:
            rarest = min(wanted, key=lambda matcher: common[matcher], default=None)
            earlier.setdefault(rarest, []).append((wanted, number))


def _of_policy(part: Part, path: Loc, policy: Policy, catalog: Catalog) -> Iterator[Finding]:
    for number, step in enumerate(policy.steps):
        if step.wait < SHORT_WAIT:
            said = f"wait: {format_duration(step.wait)} is short: nobody answers a page in less than 30s"
            yield part.warning((*path, "steps", number, "wait"), "W204", said)
    for at, target in targets_of(policy):
        known = catalog.schedules.get(target.name) if target.kind == "schedule" else None
        if known is not None and target.rank > (most := _ranks(known)):
            said = f'"{target.name}" never has a rank {target.rank}: its longest list has {most}'
            yield part.warning((*path, *at), "W208", said)


def _ranks(schedule: Schedule) -> int:
    versions = [version for _, layer in schedule.stack() for version in layer.rotation]
    return max((len(version.people or ()) for version in versions), default=0)


def _of_people(part: Part, content: PeopleFile, catalog: Catalog) -> Iterator[Finding]:
    for name, person in content.people.items():
        if not person.contacts:
            said = f'"{name}" has no contacts: no page can reach them'
            yield part.warning(("people", name), "W301", said, at_key=True)
    for name, team in content.teams.items():
        if not team.people:
            yield part.warning(("teams", name), "W302", f'team "{name}" has nobody in it', at_key=True)
    for name, role in content.roles.items():
        yield from _file(part, ("roles", name, "card"), role.card, catalog)


def _same_names(parts: Sequence[Part]) -> Iterator[Finding]:
    """Incidents are grouped by the rule's name: two rules of one name share theirs."""
    first: dict[str, str] = {}
    for part in parts:
        for number, rule in enumerate(getattr(part.content, "rules", ())):
            path: Loc = ("rules", number, "name")
            if rule.name in first:
                said = f'a second rule "{rule.name}" beside {first[rule.name]}: their alerts join the same incidents'
                yield part.warning(path, "W203", said)
            first.setdefault(rule.name, part.place(path))


def _shipped(parts: Sequence[Part], catalog: Catalog) -> Iterator[Finding]:
    """Names in what ships that the files do not define: they are skipped, and this says so, once a name."""
    part = next(iter([*(p for p in parts if isinstance(p.content, RulesFile)), *parts]), None)
    if part is None:
        return
    policies = [p for p in parts if getattr(p.content, "policies", {}) or any(key == "policies" for key, _ in p.broken)]
    if not policies:
        said = "no policies: the built-in one pages everyone, three times more every 10m"
        yield part.warning((), "W206", said)
    elif "default" not in catalog.policies and not any(_says_policy(p) for p in parts):
        said = 'no policy "default": alerts that name none go to the built-in one, which pages everyone'
        yield part.warning((), "W207", said)
    for kind, name, levels in _asked_by_default(parts, catalog):
        said = f'no {kind} "{name}": {" and ".join(levels)} would use it by default, and skip it'
        yield part.warning((), "W207", said)


def _says_policy(part: Part) -> bool:
    return isinstance(part.content, RulesFile) and "policy" in part.content.defaults.model_fields_set


def _asked_by_default(parts: Sequence[Part], catalog: Catalog) -> Iterator[tuple[str, str, list[str]]]:
    written = {level for part in parts for level in getattr(part.content, "severities", {})}
    written |= {name for part in parts for key, name in part.broken if key == "severities"}
    known = {"role": catalog.roles, "group of stakeholders": catalog.stakeholders, "channel": catalog.channels}
    asked: dict[tuple[str, str], list[str]] = {}
    for level, severity in SHIPPED.items():
        names = [("role", name) for name in severity.roles]
        names += [("group of stakeholders", name) for name in severity.tell]
        names += [("channel", severity.ticket)] if severity.ticket else []
        for kind, name in names:
            if level not in written and name not in known[kind]:
                asked.setdefault((kind, name), []).append(level)
    yield from ((kind, name, levels) for (kind, name), levels in asked.items())
