"""The files of an import: rules/ and schedules/ as text, and all that is to be said of them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from pager.core.duration import format_duration
from pager.core.importing.compare import Compared, compare
from pager.core.importing.model import NOBODY, Export, Person, Policy, Remark, Rule, Source, Step, Target
from pager.core.importing.rosters import Written, write
from pager.core.importing.yaml import comment, document

_MOST_ROUNDS = 10
_LONGEST_WAIT = 24 * 60


class Folder(Struct, frozen=True):
    """Texts by names such as `schedules/payments.yaml`, the remarks, and the comparisons with what the export says."""

    texts: Mapping[str, str]
    remarks: tuple[Remark, ...]
    compared: tuple[Compared, ...]
    counts: Mapping[str, int]


def folder_of(export: Export, now: datetime) -> Folder:
    """All files of `export`, as of `now`: what has ended by then is left out, and said."""
    taken = {roster.key for roster in export.rosters}
    rosters = {roster.key: write(roster, now, taken) for roster in export.rosters}
    for written in rosters.values():
        _remark_roster(export, written)
    texts = {f"schedules/{key}.yaml": _schedules(export, written) for key, written in rosters.items() if written.names}
    policies = {policy.key: keys for policy in export.policies if (keys := _policy(export, policy, rosters))}
    texts["schedules/people.yaml"] = _people(export)
    if policies:
        texts["rules/policies.yaml"] = _head(
            export, "Who is paged, step after step; in the end `then`, or everyone of the team, again every 30 min."
        ) + document({"policies": policies})
    if policies and "default" not in policies:
        said = "alerts without a policy page everyone of all files; name one as `defaults: {policy: ...}`"
        export.remark("fill in", "rules/policies.yaml", said)
    if export.sources or export.rules:
        texts["rules/routing.yaml"] = _routing(export, policies)
    if not any(name.startswith("rules/") for name in texts):
        texts["rules/policies.yaml"] = _head(export, "No policy came over: everyone is paged until you write one.")
    compared = [one for written in rosters.values() if (one := _compared(export, written, now))]
    counts = Counter({"people": len(export.people), "teams": len(export.teams), "policies": len(policies)})
    counts |= Counter({"schedules": sum(len(written.names) for written in rosters.values())})
    return Folder(texts, tuple(export.remarks), tuple(compared), counts)


def _compared(export: Export, written: Written, now: datetime) -> Compared | None:
    """The comparison from `now` on, since what is over was left out."""
    roster = written.roster
    if roster.told is None or not written.names:
        return None
    start, end = max(roster.told[0], now), roster.told[1]
    if start >= end:
        export.remark("note", f"schedule {roster.name}", "what the export says of who is on call is past: not compared")
        return None
    return compare(roster.key, written.documents, roster.shown, (start, end))


def _head(export: Export, said: str) -> str:
    return comment(f"{said} Imported from {export.system}.") + "\n"


# Schedules.


def _remark_roster(export: Export, written: Written) -> None:
    roster, where = written.roster, f"schedule {written.roster.name}"
    if written.over:
        export.remark("note", where, f"over, and left out: {', '.join(written.over)}")
    if not written.names:
        export.remark("lost", where, "nobody has a turn in it: not written, and steps that page it are left out")
    elif len(written.names) > 1:
        names = " and ".join(written.names)
        export.remark(
            "differs", where, f"layers that are on call together stand in schedules of their own; steps page {names}"
        )
    if any(not entry for layer in roster.layers for entry in layer.ring):
        said = f"turns of nobody belong to {NOBODY!r}, who has no contacts: a step goes on to the next at once"
        export.remark("differs", where, said)


def _schedules(export: Export, written: Written) -> str:
    said = f"{written.roster.name}."
    if len(written.names) > 1:
        said += " On call together, so paged together; a schedule of ours has one answer at a time."
    return _head(export, said) + "---\n".join(map(document, written.documents))


# People.


def _people(export: Export) -> str:
    people = {person.key: _person(person) for person in export.people}
    if any(not entry for roster in export.rosters for layer in roster.layers for entry in layer.ring):
        people[NOBODY] = {"name": "Nobody, a turn left empty on purpose"}
    teams = {team.key: {"people": list(team.people)} for team in export.teams if team.people}
    for team in export.teams:
        if not team.people:
            export.remark("lost", f"team {team.name}", "it has nobody in it: not written")
    if any(contact.url for person in export.people for contact in person.contacts):
        export.remark(
            "fill in",
            "schedules/people.yaml",
            "mail goes through ${SMTP}: user:password@smtp.example.org of your mail server, percent-encoded",
        )
    for person in export.people:
        if not any(contact.url for contact in person.contacts):
            export.remark(
                "fill in", f"person {person.name or person.key}", "no contact came over: nothing reaches them"
            )
    head = _head(export, "Who can be paged, and how. What begins with # has to be filled in.")
    return head + document({"people": people} | ({"teams": teams} if teams else {}))


def _person(person: Person) -> dict[str, Any]:
    contacts: dict[str, str] = {}
    for number, contact in enumerate(person.contacts):
        key = contact.key if contact.key not in contacts else f"{contact.key}{number}"
        if contact.url:
            contacts[key] = contact.url
        else:
            contacts[f"#{number}"] = f"{key}: {contact.hint}"
    keys: dict[str, Any] = {"name": person.name} if person.name else {}
    keys |= {"timezone": person.zone} if person.zone else {}
    if any(not key.startswith("#") for key in contacts):
        return keys | {"contacts": contacts}
    return keys | contacts if keys else {"name": person.key, **contacts}


# Policies.


def _policy(export: Export, policy: Policy, rosters: Mapping[str, Written]) -> dict[str, Any]:
    """Its keys, or none when none of its steps reaches anybody."""
    where = f"policy {policy.name}"
    steps = [step for written in policy.steps if (step := _step(export, where, written, rosters))]
    if not steps:
        export.remark("lost", where, "none of its steps pages anybody: not written, `default` stands in for it")
        return {}
    teams = {team.key for team in export.teams if team.people}
    keys: dict[str, Any] = {"team": policy.team} if policy.team in teams - {policy.key} else {}
    keys["steps"] = steps
    if policy.repeat > _MOST_ROUNDS:
        export.remark("differs", where, f"repeats {policy.repeat} times; {_MOST_ROUNDS} at most here")
    keys |= {"repeat": min(policy.repeat, _MOST_ROUNDS)} if policy.repeat > 0 else {}
    if policy.team not in teams and policy.key not in teams:
        # `everyone` would be all people of all files.
        keys["then"] = steps[-1]["page"]
        said = "it has no team: after its last step that step is paged again every 30 min, until somebody has it"
        export.remark("differs", where, said)
    return keys


def _step(export: Export, where: str, step: Step, rosters: Mapping[str, Written]) -> dict[str, Any]:
    page = list(_targets(export, step.page, rosters))
    if not page:
        export.remark("lost", where, "a step that pages nobody who came over is left out")
        return {}
    wait = min(max(step.wait, 1), _LONGEST_WAIT)
    if wait != step.wait:
        export.remark("differs", where, f"a wait of {step.wait} min became {wait} min")
    distinct = [one for at, one in enumerate(page) if one not in page[:at]]
    return {"page": distinct, "wait": format_duration(timedelta(minutes=wait))}


def _targets(export: Export, page: Iterable[Target], rosters: Mapping[str, Written]) -> Iterable[Any]:
    teams = {team.key for team in export.teams if team.people}
    for target in page:
        if target.kind == "schedule":
            for name in rosters[target.key].names if target.key in rosters else ():
                yield name if target.rank == 1 else {"schedule": name, "rank": target.rank}
        elif target.kind == "everyone":
            yield "everyone"
        elif target.kind == "person" or target.key in teams:
            yield f"{target.kind}:{target.key}"


# Rules and sources.


def _routing(export: Export, policies: Mapping[str, Any]) -> str:
    text = _head(export, "Which alert goes where. The first rule that matches decides, top to bottom.")
    if export.sources:
        text += (
            comment("token: is the name of a secret; with the old key as its value senders only change their address.")
            + "\n"
        )
    sources = {"sources": _with_comments(export.sources, policies)} if export.sources else {}
    rules = {"rules": _with_comments(export.rules, policies)} if export.rules else {}
    return text + "".join(_list(key, values) for key, values in (sources | rules).items())


def _list(key: str, values: list[dict[str, Any]]) -> str:
    """A list in which an entry may be a comment and nothing else."""
    if all(set(value) == {"#"} for value in values):
        return "".join(f"{comment(value['#'])}\n" for value in values)
    lines = [f"{key}:\n"]
    for value in values:
        if "#" in value:
            lines.append(f"  {comment(value['#'])}\n")
        if rest := {name: one for name, one in value.items() if name != "#"}:
            lines.append(document({key: [rest]}).partition("\n")[2])
    return "".join(lines)


def _with_comments(written: Iterable[Source | Rule], policies: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [_source(one, policies) if isinstance(one, Source) else _rule(one, policies) for one in written]


def _source(source: Source, policies: Mapping[str, Any]) -> dict[str, Any]:
    said = {"#": source.comment} if source.comment else {}
    if not source.dialect:
        return said
    policy = {"policy": source.policy} if source.policy in policies else {}
    return {**said, "name": source.key, "dialect": source.dialect, "token": source.token, **policy}


def _rule(rule: Rule, policies: Mapping[str, Any]) -> dict[str, Any]:
    said = {"#": rule.comment} if rule.comment else {}
    if rule.comment and not rule.match:
        return said
    match = {"match": list(rule.match)} if rule.match else {}
    return {**said, "name": rule.name, **match, **({"policy": rule.policy} if rule.policy in policies else {})}
