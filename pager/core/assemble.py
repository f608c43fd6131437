"""From documents to the catalog: all parts joined, and every problem found on the way."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pager.core.catalog import Catalog, Place
from pager.core.documents import PeopleFile, RulesFile
from pager.core.findings import Finding, Part
from pager.core.lint import lint
from pager.core.policy import BUILT_IN
from pager.core.references import check_references
from pager.core.rule import Defaults
from pager.core.rulefile import PlacedRule, RuleFile
from pager.core.scenario import PlacedCase
from pager.core.schedule import Loc, Schedule
from pager.core.severity import SHIPPED

__all__ = ["Finding", "Part", "PeopleFile", "RulesFile", "assemble", "find_repeats", "join"]

_KINDS = {
    "severities": "severity",
    "policies": "policy",
    "stakeholders": "group of stakeholders",
    "people": "person",
    "teams": "team",
    "channels": "channel",
    "roles": "role",
    "templates": "template",
}
_VALUES = ("name", "schedule", "login")
"""Where a name is the value, and not the key."""
_LISTS = {"sources": "source", "webhooks": "webhook", "heartbeats": "heartbeat", "slos": "slo"}


def assemble(
    parts: Sequence[Part], runbooks: frozenset[str] = frozenset(), config_hash: str = ""
) -> tuple[Catalog | None, list[Finding]]:
    """The catalog of all parts, or None when one of the findings is an error. All problems are found at once.

    `runbooks` are paths such as `runbooks/disk-full.md`.
    """
    catalog = join(parts, runbooks, config_hash)
    findings = [*find_repeats(parts), *check_references(parts, catalog), *lint(parts, catalog)]
    wrong = any(finding.level == "error" for finding in findings)
    return (None if wrong else catalog), findings


def join(parts: Sequence[Part], runbooks: frozenset[str] = frozenset(), config_hash: str = "") -> Catalog:
    """The catalog of all parts, whatever may be wrong with it; of two things with one name the first counts."""
    schedules = [part.content for part in parts if isinstance(part.content, Schedule)]
    return Catalog(
        severities={**SHIPPED, **_joined(parts, "severities")},
        defaults=_defaults(parts),
        rules=_rule_files(parts),
        policies=_joined(parts, "policies") or {"default": BUILT_IN},
        schedules=_by_name(schedules),
        people=_joined(parts, "people"),
        teams=_joined(parts, "teams"),
        channels=_joined(parts, "channels"),
        roles=_joined(parts, "roles"),
        sources=_by_name(_listed(parts, "sources")),
        webhooks=_by_name(_listed(parts, "webhooks")),
        inhibit=tuple(_listed(parts, "inhibit")),
        maintenance=tuple(_listed(parts, "maintenance")),
        heartbeats=tuple(_listed(parts, "heartbeats")),
        stakeholders=_joined(parts, "stakeholders"),
        slos=tuple(_listed(parts, "slos")),
        status_page=next((page for page in _written(parts, "status_page") if page is not None), None),
        reach=tuple(_listed(parts, "reach")),
        templates=_joined(parts, "templates"),
        tests=tuple(_cases(parts)),
        runbooks=runbooks,
        hash=config_hash,
        places=_places(parts),
    )


def find_repeats(parts: Sequence[Part]) -> list[Finding]:
    """What is defined twice, told at the second place with the first beside it."""
    first: dict[tuple[str, str], tuple[Part, Loc]] = {}
    found = []
    for part in parts:
        for kind, name, path in _named(part):
            before, where = first.setdefault((kind, name), (part, path))
            if before is not part or where != path:
                said = f'a second {kind} "{name}"; the first is {before.place(where)}'
                found.append(part.error(path, "E110", said, at_key=path[-1] not in _VALUES))
    return found


def _named(part: Part) -> Iterator[tuple[str, str, Loc]]:
    """(kind, name, place) of all that a part defines and that may be defined only once."""
    content = part.content
    if isinstance(content, Schedule):
        yield "schedule", content.name, ("schedule",)
    for key, kind in _KINDS.items():
        yield from ((kind, name, (key, name)) for name in getattr(content, key, ()))
    for name, person in getattr(content, "people", {}).items():
        if person.login:
            yield "login", person.login.casefold(), ("people", name, "login")
    for key, kind in _LISTS.items():
        entries = enumerate(getattr(content, key, ()))
        yield from ((kind, entry.name, (key, number, "name")) for number, entry in entries)
    if isinstance(content, RulesFile):
        yield from (("default", key, ("defaults", key)) for key in sorted(content.defaults.model_fields_set))
        if content.status_page is not None:
            yield "page", "status_page", ("status_page",)


def _written(parts: Iterable[Part], key: str) -> list[Any]:
    return [getattr(part.content, key) for part in parts if hasattr(part.content, key)]


def _joined(parts: Iterable[Part], key: str) -> dict[Any, Any]:
    joined: dict[Any, Any] = {}
    for written in _written(parts, key):
        for name, value in written.items():
            joined.setdefault(name, value)
    return joined


def _listed(parts: Iterable[Part], key: str) -> list[Any]:
    return [entry for written in _written(parts, key) for entry in written]


def _by_name(entries: Iterable[Any]) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for entry in entries:
        named.setdefault(entry.name, entry)
    return named


def _defaults(parts: Iterable[Part]) -> Defaults:
    values: dict[str, Any] = {}
    for defaults in _written(parts, "defaults"):
        for key in sorted(defaults.model_fields_set):
            values.setdefault(key, getattr(defaults, key))
    return Defaults.model_validate(values)


def _rule_files(parts: Iterable[Part]) -> tuple[RuleFile, ...]:
    """By file name, since that settles ties; the rules of several documents of one file in their order."""
    files: dict[str, list[PlacedRule]] = {}
    for part in sorted(parts, key=lambda part: (part.file, part.document)):
        if isinstance(part.content, RulesFile):
            files.setdefault(part.file, []).extend(_placed(part, part.content))
    return tuple(RuleFile(file, tuple(rules)) for file, rules in files.items() if rules)


def _cases(parts: Iterable[Part]) -> Iterator[PlacedCase]:
    for part in parts:
        for number, case in enumerate(getattr(part.content, "tests", ())):
            yield PlacedCase(case, part.place(("tests", number)))


def _places(parts: Iterable[Part]) -> dict[Place, str]:
    """Where the first of each name stands, and each step of a policy: `rules/payments.yaml:27`."""
    places: dict[Place, str] = {}
    for part in parts:
        if isinstance(part.content, Schedule):
            places.setdefault(("schedules", part.content.name), part.place(("schedule",)))
        for number, heartbeat in enumerate(getattr(part.content, "heartbeats", ())):
            places.setdefault(("heartbeats", heartbeat.name), part.place(("heartbeats", number)))
        for key in _KINDS:
            for name in getattr(part.content, key, ()):
                places.setdefault((key, name), part.place((key, name)))
        for name, policy in getattr(part.content, "policies", {}).items():
            for number in range(len(policy.steps)):
                path = ("policies", name, "steps", number)
                places.setdefault(path, part.place(path))
            places.setdefault(("policies", name, "then"), part.place(("policies", name, "then")))
    return places


def _placed(part: Part, content: RulesFile) -> Iterator[PlacedRule]:
    for number, rule in enumerate(content.rules):
        whole = rule.model_copy(update={"match": (*content.match, *rule.match)}) if content.match else rule
        yield PlacedRule(whole, part.place(("rules", number)))
