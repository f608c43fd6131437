"""References: every name that a file uses is defined somewhere, and every policy can reach a human."""

from collections.abc import Iterable, Iterator, Sequence

from pager.core.catalog import Catalog
from pager.core.documents import PeopleFile, RulesFile, check_name
from pager.core.findings import Finding, Part
from pager.core.policy import Policy, Target, parse_target
from pager.core.privacy import TEAM
from pager.core.scenario import Case
from pager.core.schedule import Loc, Schedule, named_people, schedule_people
from pager.core.severity import Severity

_CODES = {
    "person": "E101",
    "team": "E102",
    "schedule": "E103",
    "channel": "E104",
    "policy": "E105",
    "role": "E106",
    "group of stakeholders": "E107",
}
_SECTIONS = {
    "person": "people",
    "team": "teams",
    "schedule": "schedules",
    "channel": "channels",
    "policy": "policies",
    "role": "roles",
    "group of stakeholders": "stakeholders",
}


def check_references(parts: Sequence[Part], catalog: Catalog) -> list[Finding]:
    """An error for each name that nothing has, at the place that uses it, and for each policy without a human.

    Names of what was written and could not be read count as known: they are told of already.
    """
    known = _Known(parts, catalog)
    found = [finding for part in parts for finding in _of_part(part, known, catalog)]
    return [*found, *_unreachable(parts, known, catalog)]


class _Known:
    """The names that there are, by kind."""

    def __init__(self, parts: Sequence[Part], catalog: Catalog) -> None:
        broken = {entry for part in parts for entry in part.broken}
        self.names: dict[str, dict[str, None]] = {}
        for kind, section in _SECTIONS.items():
            names = [*getattr(catalog, section), *sorted(name for key, name in broken if key == section)]
            self.names[kind] = dict.fromkeys(names)

    def check(self, part: Part, path: Loc, kind: str, name: str) -> Iterator[Finding]:
        """A finding if nothing of `kind` has this name; no name is no reference."""
        if name and name not in self.names[kind]:
            word, known = self._meant(kind, name)
            yield part.error(path, _CODES[kind], f'unknown {kind} "{name}"', word=word, known=known)

    def check_all(self, part: Part, path: Loc, kind: str, names: Iterable[str]) -> Iterator[Finding]:
        for number, name in enumerate(names):
            yield from self.check(part, (*path, number), kind, name)

    def check_named(self, part: Part, path: Loc, names: Iterable[str]) -> Iterator[Finding]:
        """People, and teams as `team:x`."""
        for number, name in enumerate(names):
            place = (*path, number)
            if name.startswith(TEAM):
                yield from self.check(part, place, "team", name.removeprefix(TEAM))
            elif name not in self.names["person"] and name in self.names["team"]:
                said, meant = f'unknown person "{name}"', TEAM + name
                yield part.error(place, _CODES["person"], said, word=meant, known=(meant,))
            else:
                yield from self.check(part, place, "person", name)

    def check_target(self, part: Part, path: Loc, target: Target) -> Iterator[Finding]:
        if target.kind != "everyone":
            yield from self.check(part, path, target.kind, target.name)

    def check_policy(self, part: Part, path: Loc, name: str) -> Iterator[Finding]:
        """`default` is always there: the built-in one stands in."""
        if name != "default":
            yield from self.check(part, path, "policy", name)

    def _meant(self, kind: str, name: str) -> tuple[str, tuple[str, ...]]:
        """What to look for and where: for a schedule the same name of another kind comes first, with its prefix."""
        for other in ("team", "person", "channel"):
            if kind == "schedule" and name in self.names[other]:
                return f"{other}:{name}", (f"{other}:{name}",)
        return name, tuple(self.names[kind])


def _of_part(part: Part, known: _Known, catalog: Catalog) -> Iterator[Finding]:
    content = part.content
    if isinstance(content, RulesFile):
        yield from _of_rules(part, content, known, catalog)
    elif isinstance(content, PeopleFile):
        yield from _of_people(part, content, known)
    else:
        yield from _of_schedule(part, content, known)


def _of_rules(part: Part, content: RulesFile, known: _Known, catalog: Catalog) -> Iterator[Finding]:
    for level, severity in content.severities.items():
        yield from _of_severity(part, ("severities", level), severity, known)
    yield from known.check_policy(part, ("defaults", "policy"), content.defaults.policy)
    for key in ("rules", "heartbeats", "sources"):
        for number, entry in enumerate(getattr(content, key)):
            yield from known.check_policy(part, (key, number, "policy"), entry.policy)
    for number, rule in enumerate(content.rules):
        yield from known.check_named(part, ("rules", number, "private"), rule.private or ())
    for name, policy in content.policies.items():
        yield from _of_policy(part, ("policies", name), policy, known)
    for name, group in content.stakeholders.items():
        yield from known.check_all(part, ("stakeholders", name, "channels"), "channel", group.channels)
        yield from known.check_all(part, ("stakeholders", name, "people"), "person", group.people)
    for number, window in enumerate(content.maintenance):
        if window.owner not in known.names["team"]:
            yield from known.check(part, ("maintenance", number, "owner"), "person", window.owner)
    for number, webhook in enumerate(content.webhooks):
        yield from known.check_all(part, ("webhooks", number, "teams"), "team", webhook.teams)
    for number, case in enumerate(content.tests):
        yield from _of_case(part, ("tests", number), case, known, catalog)


def _of_case(part: Part, path: Loc, case: Case, known: _Known, catalog: Catalog) -> Iterator[Finding]:
    for number, then in enumerate(case.then):
        at, name = then.by
        yield from known.check(part, (*path, "then", number, *at), "person", name)
        for verb in ("dead", "alive"):
            named = getattr(then, verb)
            if named is not None and named not in (ways := _ways(catalog)):
                said = (
                    f'nothing to die: "{named}"; write a channel, a contact such as ana.push, or a scheme such as ntfys'
                )
                yield part.error((*path, "then", number, verb), "E113", said, word=named, known=tuple(ways))


def _ways(catalog: Catalog) -> dict[str, None]:
    """All that may die: channels, contacts, and the schemes of both."""
    contacts = {f"{name}.{at}": url for name, person in catalog.people.items() for at, url in person.contacts.items()}
    urls = (*catalog.channels.values(), *contacts.values())
    return dict.fromkeys((*catalog.channels, *contacts, *(url.partition("://")[0].lower() for url in urls)))


def _of_severity(part: Part, path: Loc, severity: Severity, known: _Known) -> Iterator[Finding]:
    for number, written in enumerate(severity.also):
        try:
            target = parse_target(written)
        except ValueError as error:
            yield part.error((*path, "also", number), "E108", str(error))
        else:
            yield from known.check_target(part, (*path, "also", number), target)
    yield from known.check_all(part, (*path, "roles"), "role", severity.roles)
    yield from known.check_all(part, (*path, "tell"), "group of stakeholders", severity.tell)
    yield from known.check(part, (*path, "ticket"), "channel", severity.ticket)


def _of_policy(part: Part, path: Loc, policy: Policy, known: _Known) -> Iterator[Finding]:
    yield from known.check(part, (*path, "team"), "team", policy.team)
    for at, target in targets_of(policy):
        yield from known.check_target(part, (*path, *at), target)


def targets_of(policy: Policy) -> Iterator[tuple[Loc, Target]]:
    """Every target of a policy with its place in it."""
    for number, step in enumerate(policy.steps):
        yield from ((("steps", number, "page", at), target) for at, target in enumerate(step.page))
    yield from ((("then", at), target) for at, target in enumerate(policy.then))


def _of_people(part: Part, content: PeopleFile, known: _Known) -> Iterator[Finding]:
    for name, team in content.teams.items():
        yield from known.check_all(part, ("teams", name, "people"), "person", team.people)
        yield from known.check(part, ("teams", name, "channel"), "channel", team.channel)
    for name, role in content.roles.items():
        yield from known.check(part, ("roles", name, "schedule"), "schedule", role.schedule)


def _of_schedule(part: Part, content: Schedule, known: _Known) -> Iterator[Finding]:
    try:
        check_name(content.name)
    except ValueError as error:
        yield part.error(("schedule",), "E109", str(error))
    for path, name in named_people(content):
        yield from known.check(part, path, "person", name)


def _unreachable(parts: Sequence[Part], known: _Known, catalog: Catalog) -> Iterator[Finding]:
    """Policies that can never reach a person; one whose names are unknown is told of already."""
    if not known.names["person"]:
        yield Finding(_home(parts), 0, (), "E112", "nobody can be paged: no file has people:")
        return
    for part in parts:
        for name, policy in getattr(part.content, "policies", {}).items():
            path: Loc = ("policies", name)
            if not list(_of_policy(part, path, policy, known)) and not _reaches(name, policy, catalog, known):
                said = f'policy "{name}" reaches no human: none of its targets has anybody with contacts'
                yield part.error(path, "E111", said, at_key=True)


def _home(parts: Sequence[Part]) -> str:
    """The file that people should stand in."""
    return next((part.file for part in parts if isinstance(part.content, PeopleFile | Schedule)), "schedules")


def _reaches(name: str, policy: Policy, catalog: Catalog, known: _Known) -> bool:
    team = policy.team or name
    people = {person for _, target in targets_of(policy) for person in _ever(target, team, catalog)}
    unread = people - catalog.people.keys()
    return bool(unread) or any(catalog.people[person].contacts for person in people)


def _ever(target: Target, team: str, catalog: Catalog) -> Iterable[str]:
    """Everybody whom `target` may mean at some time."""
    if target.kind == "person":
        return (target.name,)
    if target.kind == "schedule":
        return schedule_people(catalog.schedules[target.name]) if target.name in catalog.schedules else ("",)
    if target.kind == "everyone":
        return catalog.everyone(team)
    if target.kind == "team":
        return catalog.teams[target.name].people if target.name in catalog.teams else ("",)
    return ()
